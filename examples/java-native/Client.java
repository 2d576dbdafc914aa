import com.google.gson.Gson;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.apache.pulsar.client.api.Authentication;
import org.apache.pulsar.client.api.AuthenticationDataProvider;
import org.apache.pulsar.client.api.Consumer;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.client.api.PulsarClient;
import org.apache.pulsar.client.api.PulsarClientException;
import org.apache.pulsar.client.api.SubscriptionType;

/**
 * A client on Apache's pulsar-client, of which the vendor's Java SDK is made: it listens on native Pulsar
 * (docs/quickstart/java.md).
 *
 * <pre>java -cp "$(cat classpath.txt)" Client.java DEVICE START END COUNT</pre>
 *
 * Once COUNT passes of the window have come it claims that count. When the command's result and one pass more are there it
 * prints what it saw, and it goes on until its standard input ends. TUYA_API_HOST, TUYA_MSG_HOST, TUYA_ACCESSID and
 * TUYA_ACCESSKEY say where the cloud is.
 */
public class Client {
    static final Gson GSON = new Gson();
    static final String ID = System.getenv("TUYA_ACCESSID");
    static final String SECRET = System.getenv("TUYA_ACCESSKEY");

    /** What the program prints. */
    static class Seen {
        int claimed;
        String sn;
        JsonObject result = new JsonObject(); // of the command, as the lot reported it
        Map<String, String> passes = new TreeMap<>(); // plates by record id: what comes again is the same pass
        Set<String> ciphers = new TreeSet<>(); // that messages came under
    }

    final Seen seen = new Seen();

    public static void main(String[] args) throws Exception {
        if (args.length != 4) {
            System.err.println("usage: java Client.java DEVICE START END COUNT");
            System.exit(2);
        }
        new Client().run(args[0], Long.parseLong(args[1]), Long.parseLong(args[2]), Integer.parseInt(args[3]));
    }

    void run(String device, long start, long end, int count) throws Exception {
        try (PulsarClient queue = PulsarClient.builder().serviceUrl(System.getenv("TUYA_MSG_HOST"))
                .allowTlsInsecureConnection(true).authentication(new Auth1()).build();
                Consumer<byte[]> consumer = queue.newConsumer().topic(ID + "/out/event")
                        .subscriptionName(ID + "-sub").subscriptionType(SubscriptionType.Failover)
                        .autoUpdatePartitions(false).subscribe()) {
            Thread listener = new Thread(() -> listen(consumer));
            listener.start();
            waitUntil(() -> seen.passes.size() == count);
            String sn = sync(new OpenApi(), device, start, end, count);
            waitUntil(() -> seen.passes.size() > count && seen.result.has("sn")
                    && seen.result.get("sn").getAsString().equals(sn));
            System.out.println(tell(count, sn));
            System.in.readAllBytes();
            listener.interrupt();
            listener.join();
        }
    }

    /** One thread: a cumulative acknowledgement says that everything before is stored as well. */
    void listen(Consumer<byte[]> consumer) {
        while (!Thread.currentThread().isInterrupted()) {
            try {
                Message<byte[]> message = consumer.receive();
                try {
                    handle(message.getData(), message.getProperty("em"));
                    consumer.acknowledgeCumulative(message);
                } catch (GeneralSecurityException | RuntimeException e) {
                    System.err.println(e);
                    consumer.redeliverUnacknowledgedMessages(); // go no further: the next one would acknowledge this one
                }
            } catch (PulsarClientException e) { // also when interrupted
                return;
            }
        }
    }

    synchronized void handle(byte[] payload, String cipher) throws GeneralSecurityException {
        JsonObject report = open(GSON.fromJson(new String(payload, StandardCharsets.UTF_8), JsonObject.class), cipher);
        seen.ciphers.add(cipher);
        for (var each : report.getAsJsonArray("status")) {
            JsonObject status = each.getAsJsonObject();
            JsonObject value = GSON.fromJson(status.get("value").getAsString(), JsonObject.class); // JSON in JSON
            switch (status.get("code").getAsString()) {
                case "vehicle_pass_record" ->
                    seen.passes.put(value.get("recordId").getAsString(), value.get("plateNo").getAsString());
                case "command_result" -> seen.result = value;
                default -> { }
            }
        }
        notifyAll();
    }

    synchronized void waitUntil(BooleanSupplier fact) throws InterruptedException {
        while (!fact.getAsBoolean()) {
            wait();
        }
    }

    synchronized String tell(int claimed, String sn) {
        seen.claimed = claimed;
        seen.sn = sn;
        return GSON.toJson(seen);
    }

    /** Claims that so many vehicles entered in the window; the command's serial number. */
    static String sync(OpenApi api, String device, long start, long end, int count) throws Exception {
        var info = Map.of("startTime", start, "endTime", end, "passDirection", 0, "totalCount", count);
        String body = GSON.toJson(Map.of("dataType", 0, "recordSyncInfos", new Object[] {info}));
        return api.call("POST", "/v1.0/parking-control/" + device + "/records/sync", body).get("sn").getAsString();
    }

    /** Checks the signature of a message and decrypts the status report in it. */
    static JsonObject open(JsonObject fields, String cipher) throws GeneralSecurityException {
        String signed = new TreeMap<>(fields.asMap()).entrySet().stream()
                .filter(field -> !field.getKey().equals("sign") && !field.getValue().getAsString().isEmpty())
                .map(field -> field.getKey() + "=" + field.getValue().getAsString() + "||")
                .collect(Collectors.joining());
        if (!md5(signed + SECRET).equals(fields.get("sign").getAsString())) {
            throw new GeneralSecurityException("a damaged message");
        }
        byte[] text = decrypt(Base64.getDecoder().decode(fields.get("data").getAsString()), cipher);
        return GSON.fromJson(new String(text, StandardCharsets.UTF_8), JsonObject.class);
    }

    static byte[] decrypt(byte[] data, String name) throws GeneralSecurityException {
        var key = new SecretKeySpec(SECRET.substring(8, 24).getBytes(StandardCharsets.US_ASCII), "AES");
        if (!"aes_gcm".equals(name)) {
            Cipher cipher = Cipher.getInstance("AES/ECB/PKCS5Padding");
            cipher.init(Cipher.DECRYPT_MODE, key);
            return cipher.doFinal(data);
        }
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(Cipher.DECRYPT_MODE, key, new GCMParameterSpec(128, Arrays.copyOf(data, 12)));
        return cipher.doFinal(data, 12, data.length - 12);
    }

    static String md5(String text) throws GeneralSecurityException {
        return HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(text.getBytes(StandardCharsets.UTF_8)));
    }

    /** The vendor's own way to authenticate on the queue. */
    static class Auth1 implements Authentication {
        @Override
        public String getAuthMethodName() {
            return "auth1";
        }

        @Override
        public AuthenticationDataProvider getAuthData() throws PulsarClientException {
            try {
                String password = md5(ID + md5(SECRET)).substring(8, 24);
                String data = GSON.toJson(Map.of("username", ID, "password", password));
                return new AuthenticationDataProvider() {
                    @Override
                    public boolean hasDataFromCommand() {
                        return true;
                    }

                    @Override
                    public String getCommandData() {
                        return data;
                    }
                };
            } catch (GeneralSecurityException e) {
                throw new PulsarClientException(e);
            }
        }

        @Override
        public void configure(Map<String, String> parameters) { }

        @Override
        public void start() { }

        @Override
        public void close() { }
    }

    /** The vendor's HTTP API: a token, and calls that are signed with it. */
    static class OpenApi {
        final HttpClient http = HttpClient.newHttpClient();
        String token = "";

        /** The result of a call. A refusal is an exception; a dead token costs one more call. */
        JsonObject call(String method, String path, String body) throws Exception {
            for (int attempt = 0; ; attempt++) {
                if (token.isEmpty()) {
                    token = result(send("GET", "/v1.0/token?grant_type=1", "")).get("access_token").getAsString();
                }
                JsonObject answer = send(method, path, body);
                if (answer.get("success").getAsBoolean() || attempt > 0 || answer.get("code").getAsInt() != 1010) {
                    return result(answer);
                }
                token = "";
            }
        }

        static JsonObject result(JsonObject answer) throws IOException {
            if (!answer.get("success").getAsBoolean()) {
                throw new IOException(answer.get("code") + " " + answer.get("msg"));
            }
            return answer.getAsJsonObject("result");
        }

        JsonObject send(String method, String path, String body) throws Exception {
            String t = String.valueOf(System.currentTimeMillis());
            var digest = MessageDigest.getInstance("SHA-256").digest(body.getBytes(StandardCharsets.UTF_8));
            String signed = String.join("\n", method, HexFormat.of().formatHex(digest), "", path);
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(SECRET.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
            byte[] sign = mac.doFinal((ID + token + t + signed).getBytes(StandardCharsets.UTF_8));
            var request = HttpRequest.newBuilder(URI.create(System.getenv("TUYA_API_HOST") + path))
                    .method(method, HttpRequest.BodyPublishers.ofString(body))
                    .headers("client_id", ID, "t", t, "sign_method", "HMAC-SHA256",
                            "sign", HexFormat.of().withUpperCase().formatHex(sign), "Content-Type", "application/json");
            if (!token.isEmpty()) {
                request.header("access_token", token);
            }
            return GSON.fromJson(http.send(request.build(), BodyHandlers.ofString()).body(), JsonObject.class);
        }
    }
}
