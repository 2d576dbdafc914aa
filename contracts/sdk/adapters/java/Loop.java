import com.google.gson.Gson;
import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.pulsar.client.api.Authentication;
import org.apache.pulsar.client.api.AuthenticationDataProvider;
import org.apache.pulsar.client.api.Consumer;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.client.api.PulsarClient;
import org.apache.pulsar.client.api.SubscriptionType;

/**
 * Runs a loop like that of the vendor's Java SDK on Apache's pulsar-client, of which that is made, and hands every message
 * on by lines of JSON (contracts/sdk/adapters/handing.py says which).
 *
 * The SDK, github.com/tuya/tuya-pulsar-sdk-java, is in no repository of packages, so this is our own code. What MqConsumer
 * does: receive one message, call the listener, acknowledge cumulatively; whatever is thrown on the way is logged, and
 * the next message is received.
 */
public class Loop {
    static final Gson GSON = new Gson();

    final Map<Integer, CompletableFuture<Boolean>> waiting = new ConcurrentHashMap<>();
    final AtomicInteger last = new AtomicInteger();

    public static void main(String[] args) throws Exception {
        var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        new Loop().run(GSON.fromJson(input.readLine(), JsonObject.class), input);
        System.exit(0);
    }

    void run(JsonObject told, BufferedReader input) throws Exception {
        String id = told.get("access_id").getAsString();
        PulsarClient client = PulsarClient.builder().serviceUrl(told.get("pulsar").getAsString())
                .allowTlsInsecureConnection(true).authentication(new Auth1(id, told.get("access_secret").getAsString()))
                .build();
        Consumer<byte[]> consumer = client.newConsumer().topic(id + "/out/event").subscriptionName(id + "-sub")
                .subscriptionType(SubscriptionType.Failover).autoUpdatePartitions(false).subscribe();
        tell(Map.of("ready", true));
        Thread loop = new Thread(() -> loop(consumer));
        loop.setDaemon(true);
        loop.start();
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            answered(GSON.fromJson(line, JsonObject.class));
        }
    }

    void loop(Consumer<byte[]> consumer) {
        while (true) {
            try {
                Message<byte[]> message = consumer.receive();
                onMessageArrived(message);
                consumer.acknowledgeCumulative(message);
            } catch (Throwable thrown) {
                System.err.println("error: " + thrown);
            }
        }
    }

    /** The application's listener: returns once the message is stored, or throws. */
    void onMessageArrived(Message<byte[]> message) throws Exception {
        int number = last.incrementAndGet();
        var done = new CompletableFuture<Boolean>();
        waiting.put(number, done);
        var frame = Map.of("messageId", message.getMessageId().toString(),
                "payload", Base64.getEncoder().encodeToString(message.getData()), "properties", message.getProperties());
        tell(Map.of("id", number, "message", frame));
        if (!done.get()) {
            throw new IllegalStateException("the application's handler has failed");
        }
    }

    void answered(JsonObject told) {
        if (told.has("ping")) {
            tell(Map.of("pong", told.get("ping").getAsInt()));
        } else {
            waiting.remove(told.get("id").getAsInt()).complete(told.get("ok").getAsBoolean());
        }
    }

    static synchronized void tell(Map<String, ?> told) {
        System.out.println(GSON.toJson(told));
    }

    /** The vendor's own way to authenticate on the queue. */
    static class Auth1 implements Authentication, AuthenticationDataProvider {
        final String data;

        Auth1(String id, String secret) throws Exception {
            String password = md5(id + md5(secret)).substring(8, 24);
            data = GSON.toJson(Map.of("username", id, "password", password));
        }

        static String md5(String text) throws Exception {
            var digest = MessageDigest.getInstance("MD5").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest);
        }

        @Override
        public String getAuthMethodName() {
            return "auth1";
        }

        @Override
        public AuthenticationDataProvider getAuthData() {
            return this;
        }

        @Override
        public boolean hasDataFromCommand() {
            return true;
        }

        @Override
        public String getCommandData() {
            return data;
        }

        @Override
        public void configure(Map<String, String> parameters) { }

        @Override
        public void start() { }

        @Override
        public void close() throws IOException { }
    }
}
