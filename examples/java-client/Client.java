import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.net.http.HttpClient;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/** The whole client: it takes what comes, and asks what is due whenever it is told to look at the clock. */
class Client {
    /** How to open a store in a folder. */
    interface OpenStore {
        Store in(Path folder) throws IOException;
    }

    private static final int UNREADABLE_AFTER = 3;
    private static final long STANDS_BY = Reconciler.MINUTE;

    private final JsonObject exports;
    private final Path folder;
    private final Reconciler.Settings settings;
    private final LongSupplier clock;
    private final OpenStore openStore;
    private final Map<String, Integer> tries = new HashMap<>();
    /** Follows no redirect: it would carry the credentials wherever it is sent. */
    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).followRedirects(HttpClient.Redirect.NEVER).build();

    private FileChannel lock; // kept here: one that is collected as garbage is no lock any more
    private Store store;
    private Cloud cloud;
    private Reconciler reconciler;
    private Queue queue;

    /** `exports`: api, ws, access_id, access_secret and devices, as `parking-mock serve --json` prints them. */
    Client(JsonObject exports, Path folder, Reconciler.Settings settings, LongSupplier clock, OpenStore openStore) {
        this.exports = exports;
        this.folder = folder;
        this.settings = settings;
        this.clock = clock;
        this.openStore = openStore;
    }

    /** Takes up what was left, unless another process is at it: then this one stands by. */
    void start() throws IOException {
        if (store != null || !isAlone()) {
            return;
        }
        List<String> lots = new ArrayList<>();
        for (JsonElement each : exports.getAsJsonArray("devices")) {
            if (each.getAsJsonObject().get("kind").getAsString().equals("lot")) {
                lots.add(each.getAsJsonObject().get("device_id").getAsString());
            }
        }
        store = openStore.in(folder);
        cloud = new Cloud(exports, clock, http);
        reconciler = new Reconciler(cloud, store, lots, settings);
        queue = new Queue(exports, clock, http, this::take);
        queue.connect();
    }

    /** Whether no other process has this folder. The operating system forgets the lock with the process. */
    private boolean isAlone() throws IOException {
        if (lock == null) {
            lock = FileChannel.open(folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        }
        return lock.tryLock() != null;
    }

    /** Does what is due; how many counts were told. */
    int tick() throws IOException, InterruptedException {
        start();
        if (store == null) {
            return 0;
        }
        queue.connect();
        queue.catchUp();
        synchronized (this) {
            return reconciler.run();
        }
    }

    /** Everything that was sent until now is stored when this is done. */
    void catchUp() throws InterruptedException {
        if (store != null) {
            queue.catchUp();
        }
    }

    /** When `tick` has something to do, by this machine's clock. */
    synchronized long wakesAt() {
        long now = clock.getAsLong();
        if (store == null) {
            return now + STANDS_BY;
        }
        return Math.max(now + 1, Math.min(cloud.here(reconciler.wakesAt()), queue.wakesAt()));
    }

    synchronized List<Store.Kept> records() {
        return store == null ? List.of() : List.copyOf(store.records());
    }

    /** Whether a message is done with. One that cannot be read may be damaged only this time; later it is set aside. */
    private synchronized boolean take(JsonObject frame) {
        String messageId = frame.get("messageId").getAsString();
        try {
            JsonObject report = Messages.report(frame, exports.get("access_secret").getAsString());
            for (JsonElement status : report.getAsJsonArray("status")) {
                takeStatus(report.get("devId").getAsString(), status.getAsJsonObject());
            }
            tries.remove(messageId);
            return true;
        } catch (GeneralSecurityException | RuntimeException e) {
            // Counted here: a broker's redeliveryCount is 0 on this kind of subscription.
            if (tries.merge(messageId, 1, Integer::sum) <= UNREADABLE_AFTER) {
                return false;
            }
            tries.remove(messageId);
            store.put(new Store.Unreadable(messageId, frame.get("payload").getAsString(), e.toString()));
            return true;
        }
    }

    /** A record, a command's result, or something that we need not know. */
    private void takeStatus(String deviceId, JsonObject status) {
        switch (Messages.codeOf(status)) {
            case Messages.PASS, Messages.BILL -> reconciler.keep(Messages.record(deviceId, status, settings.recordTime()));
            case Messages.RESULT -> reconciler.takeResult(Messages.valueOf(status));
            default -> { }
        }
    }
}
