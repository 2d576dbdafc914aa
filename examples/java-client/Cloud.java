import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** The one call that a client needs, with a token that is renewed in time. */
class Cloud {
    /** What to do about a call that failed. Every code that is in no table is a passing one. */
    enum Kind {
        LATER,
        BUSY(1110, 1111, 1199), // no more calls for a while
        OFFLINE(2001), // this lot later
        UNSUPPORTED(2003, 2008, 2009), // never this lot
        REFUSED(1006, 1100, 1101, 1102, 1104, 1105, 1106, 1108, 1109, 2010), // not this request again
        STOP(1004, 1005); // nothing will work with these keys

        private final Set<Integer> codes;

        Kind(Integer... codes) {
            this.codes = Set.of(codes);
        }

        static Kind of(int code) {
            for (Kind kind : values()) {
                if (kind.codes.contains(code)) {
                    return kind;
                }
            }
            return LATER;
        }
    }

    /** A call that did not do what it should. The code is 0 where there was no usable answer. */
    static class CallException extends Exception {
        private static final long serialVersionUID = 1;

        final Kind kind;
        final int code;

        CallException(Kind kind, int code, String text) {
            super(text);
            this.kind = kind;
            this.code = code;
        }

        CallException(String text) {
            this(Kind.LATER, 0, text);
        }
    }

    private static final Gson GSON = new Gson();
    private static final Set<Integer> TOKEN_CODES = Set.of(1010, 1011);
    private static final int TIME_CODE = 1013;
    /** They mean something else on the call for a token: not from this address, not in this region, no such access id. */
    private static final Set<Integer> KEYS_CODES = Set.of(1114, 2007, 2009);
    private static final long RENEW_BEFORE_MS = 60_000;
    private static final int TIMEOUT_S = 5;

    private final String api;
    private final String id;
    private final String secret;
    private final LongSupplier clock;
    private final HttpClient http;
    private long ahead; // of the cloud's time, which its answers tell: this machine's may be wrong
    private String token = "";
    private long renewAt;

    Cloud(JsonObject exports, LongSupplier clock, HttpClient http) {
        this.api = exports.get("api").getAsString();
        this.id = exports.get("access_id").getAsString();
        this.secret = exports.get("access_secret").getAsString();
        this.clock = clock;
        this.http = http;
    }

    /** The cloud's time. */
    long now() {
        return clock.getAsLong() + ahead;
    }

    /** A moment of the cloud's time by this machine's clock. */
    long here(long moment) {
        return moment - ahead;
    }

    /** Tells a lot some counts; the command's serial number. It says that they were passed on, not that they are right. */
    String sync(String deviceId, JsonObject body) throws CallException {
        String path = "/v1.0/parking-control/" + deviceId + "/records/sync";
        JsonElement sn = call(path, GSON.toJson(body)).get("sn");
        if (sn == null || !sn.isJsonPrimitive() || sn.getAsString().isEmpty()) {
            throw new CallException("the answer has no sn");
        }
        return sn.getAsString();
    }

    private JsonObject call(String path, String body) throws CallException {
        try {
            return attempt(path, body);
        } catch (CallException refused) {
            if (!TOKEN_CODES.contains(refused.code) && refused.code != TIME_CODE) {
                throw refused;
            }
        }
        return attempt(path, body); // once, with a new token and by the right time
    }

    private JsonObject attempt(String path, String body) throws CallException {
        if (token.isEmpty() || now() >= renewAt) {
            logIn();
        }
        try {
            return send("POST", path, body);
        } catch (CallException refused) {
            token = TOKEN_CODES.contains(refused.code) ? "" : token;
            throw refused;
        }
    }

    private void logIn() throws CallException {
        token = "";
        try {
            JsonObject result = send("GET", "/v1.0/token?grant_type=1", "");
            renewAt = now() + result.get("expire_time").getAsLong() * 1000 - RENEW_BEFORE_MS;
            token = result.get("access_token").getAsString();
        } catch (CallException refused) {
            boolean isOver = KEYS_CODES.contains(refused.code);
            throw isOver ? new CallException(Kind.STOP, refused.code, refused.getMessage()) : refused;
        } catch (RuntimeException e) {
            throw new CallException("the answer has no token");
        }
    }

    /** The result of a call. Refusals have the HTTP status 200 as well. */
    private JsonObject send(String method, String path, String body) throws CallException {
        JsonObject envelope;
        try {
            envelope = GSON.fromJson(exchange(method, path, body), JsonObject.class);
            ahead = envelope.get("t").getAsLong() - clock.getAsLong();
            if (new JsonPrimitive(true).equals(envelope.get("success"))) {
                return envelope.getAsJsonObject("result");
            }
        } catch (Exception e) {
            throw new CallException("no usable answer: " + e);
        }
        JsonElement code = envelope.get("code");
        boolean isNumber = code instanceof JsonPrimitive primitive && primitive.isNumber();
        int number = isNumber ? code.getAsInt() : 0;
        throw new CallException(Kind.of(number), number, code + " " + envelope.get("msg"));
    }

    private String exchange(String method, String path, String body) throws Exception {
        String t = String.valueOf(now());
        var request = HttpRequest.newBuilder(URI.create(api + path))
                .method(method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
                .headers("client_id", id, "t", t, "sign_method", "HMAC-SHA256", "sign", sign(t, method, path, body));
        if (!body.isEmpty()) {
            request.header("Content-Type", "application/json");
        }
        if (!token.isEmpty()) {
            request.header("access_token", token);
        }
        HttpResponse<byte[]> answer =
                http.sendAsync(request.build(), BodyHandlers.ofByteArray()).get(TIMEOUT_S, TimeUnit.SECONDS);
        if (answer.statusCode() != 200) {
            throw new IOException("HTTP status " + answer.statusCode());
        }
        return new String(answer.body(), StandardCharsets.UTF_8);
    }

    /** The vendor's signature v2, of the bytes that are sent. */
    private String sign(String t, String method, String path, String body) throws GeneralSecurityException {
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(body.getBytes(StandardCharsets.UTF_8));
        String text = id + token + t + String.join("\n", method, HexFormat.of().formatHex(digest), "", path);
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
        return HexFormat.of().withUpperCase().formatHex(mac.doFinal(text.getBytes(StandardCharsets.UTF_8)));
    }
}
