import com.google.gson.JsonObject;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

/** Consumes by Pulsar's WebSocket protocol, always under the same subscription: what was not acknowledged waits there. */
class Queue {
    private static final long FIRST_PAUSE_MS = 1_000;
    private static final long LONGEST_PAUSE_MS = 60_000;
    private static final int PATIENCE_S = 10;

    private final JsonObject exports;
    private final LongSupplier clock;
    private final HttpClient http;
    private final Predicate<JsonObject> take;
    /** Handles what comes, in its order: the threads of the HTTP client must not wait, for they make the calls too. */
    private final ExecutorService worker = Executors.newSingleThreadExecutor(task -> {
        var thread = new Thread(task, "queue");
        thread.setDaemon(true);
        return thread;
    });
    private Connection connection;
    private long reconnectAt;
    private int failures;

    /** `take` stores what a message says and tells whether it is done with it. */
    Queue(JsonObject exports, LongSupplier clock, HttpClient http, Predicate<JsonObject> take) {
        this.exports = exports;
        this.clock = clock;
        this.http = http;
        this.take = take;
    }

    /** Opens the connection if there is none and its time has come. */
    synchronized void connect() {
        if (connection != null || clock.getAsLong() < reconnectAt) {
            return;
        }
        String id = exports.get("access_id").getAsString();
        String address = exports.get("ws").getAsString() + "ws/v2/consumer/persistent/" + id + "/out/event/" + id + "-sub";
        var opened = new Connection();
        try {
            opened.socket = http.newWebSocketBuilder().header("username", id)
                    .header("password", Messages.password(id, exports.get("access_secret").getAsString()))
                    .buildAsync(URI.create(address + "?subscriptionType=Failover&ackTimeoutMillis=30000"), opened)
                    .get(PATIENCE_S, TimeUnit.SECONDS);
            connection = opened;
        } catch (Exception e) {
            pause();
        }
    }

    /** Plans the next connection, later each time until a message has come. */
    private void pause() {
        reconnectAt = clock.getAsLong() + Reconciler.doubled(FIRST_PAUSE_MS, failures, LONGEST_PAUSE_MS);
        failures++;
    }

    private synchronized void lost(Connection which) {
        if (connection == which) {
            connection = null;
            pause();
        }
        which.answers.release();
    }

    private synchronized Connection current() {
        return connection;
    }

    private synchronized void received() {
        failures = 0;
    }

    /** When a lost connection is to be opened again; never if none is lost. */
    synchronized long wakesAt() {
        return connection == null ? reconnectAt : Long.MAX_VALUE;
    }

    /**
     * Returns once everything that was sent until now has been taken: a pong does not overtake messages. A connection
     * without a pong is dead.
     */
    void catchUp() throws InterruptedException {
        Connection open = current();
        if (open == null) {
            return;
        }
        open.socket.sendPing(ByteBuffer.allocate(0)).whenComplete((done, error) -> {
            if (error != null) {
                worker.execute(() -> lost(open));
            }
        });
        if (!open.answers.tryAcquire(PATIENCE_S, TimeUnit.SECONDS)) {
            open.socket.abort();
            lost(open);
        }
    }

    private class Connection implements WebSocket.Listener {
        WebSocket socket;
        final Semaphore answers = new Semaphore(0); // pongs, and the end
        private final StringBuilder text = new StringBuilder();

        @Override
        public CompletionStage<?> onText(WebSocket socket, CharSequence part, boolean isLast) {
            text.append(part);
            if (isLast) {
                String whole = text.toString();
                text.setLength(0);
                worker.execute(() -> handle(socket, whole));
            } else {
                socket.request(1);
            }
            return null;
        }

        private void handle(WebSocket socket, String frame) {
            try {
                answer(socket, Messages.json(frame));
                socket.request(1);
            } catch (RuntimeException e) { // the disk failed, or the connection: what was not acknowledged comes again
                socket.abort();
                lost(this);
            }
        }

        /** Acknowledges one message by itself: a cumulative acknowledgement would take others along. */
        private void answer(WebSocket socket, JsonObject frame) {
            var answer = new JsonObject();
            answer.addProperty("type", take.test(frame) ? "ack" : "negativeAcknowledge");
            answer.add("messageId", frame.get("messageId"));
            received();
            socket.sendText(answer.toString(), true).join();
        }

        @Override
        public CompletionStage<?> onPong(WebSocket socket, ByteBuffer data) {
            worker.execute(answers::release);
            socket.request(1);
            return null;
        }

        @Override
        public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
            worker.execute(() -> lost(this));
            return null;
        }

        @Override
        public void onError(WebSocket socket, Throwable error) {
            worker.execute(() -> lost(this));
        }
    }
}
