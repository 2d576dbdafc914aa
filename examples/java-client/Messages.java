import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/** From a frame of the queue to what a lot says. Whatever is damaged, forged or of no known form is an exception. */
class Messages {
    static final String PASS = "vehicle_pass_record";
    static final String BILL = "temporary_parking_bill";
    static final String RESULT = "command_result";
    /** Data points repeat the value of a status: where its code is empty, they tell what it is. */
    private static final Map<String, String> DATA_POINTS = Map.of("101", PASS, "102", BILL, "103", RESULT);

    private static final Gson GSON = new Gson();
    private static final ZoneOffset BEIJING = ZoneOffset.ofHours(8); // of a text that names no zone
    private static final int NONCE_BYTES = 12;
    private static final int TAG_BITS = 128;

    private Messages() { }

    static JsonObject json(String text) {
        return GSON.fromJson(text, JsonObject.class);
    }

    static String md5(String text) throws GeneralSecurityException {
        return HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(text.getBytes(StandardCharsets.UTF_8)));
    }

    /** The password of the queue. */
    static String password(String id, String secret) throws GeneralSecurityException {
        return md5(id + md5(secret)).substring(8, 24);
    }

    /** The status report in a frame. */
    static JsonObject report(JsonObject frame, String secret) throws GeneralSecurityException {
        JsonObject outer = json(text(Base64.getDecoder().decode(frame.get("payload").getAsString())));
        if (!signOf(outer, secret).equals(outer.get("sign").getAsString())) { // ECB tells nothing of damage
            throw new GeneralSecurityException("the signature is wrong");
        }
        JsonElement encryption = frame.getAsJsonObject("properties").get("em");
        byte[] data = Base64.getDecoder().decode(outer.get("data").getAsString());
        return json(text(decrypt(data, secret, encryption == null ? "" : encryption.getAsString())));
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static String signOf(JsonObject fields, String secret) throws GeneralSecurityException {
        return md5(new TreeMap<>(fields.asMap()).entrySet().stream()
                .filter(field -> !field.getKey().equals("sign") && !field.getValue().isJsonNull())
                .filter(field -> !field.getValue().getAsString().isEmpty())
                .map(field -> field.getKey() + "=" + field.getValue().getAsString() + "||")
                .collect(Collectors.joining()) + secret);
    }

    private static byte[] decrypt(byte[] data, String secret, String encryption) throws GeneralSecurityException {
        var key = new SecretKeySpec(secret.substring(8, 24).getBytes(StandardCharsets.US_ASCII), "AES");
        if (!encryption.equals("aes_gcm")) {
            Cipher cipher = Cipher.getInstance("AES/ECB/PKCS5Padding");
            cipher.init(Cipher.DECRYPT_MODE, key);
            return cipher.doFinal(data);
        }
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(Cipher.DECRYPT_MODE, key, new GCMParameterSpec(TAG_BITS, Arrays.copyOf(data, NONCE_BYTES)));
        return cipher.doFinal(data, NONCE_BYTES, data.length - NONCE_BYTES);
    }

    /** What a status is about. */
    static String codeOf(JsonObject status) {
        String code = status.get("code").getAsString();
        return !code.isEmpty() ? code : status.keySet().stream()
                .filter(DATA_POINTS::containsKey).map(DATA_POINTS::get).findFirst().orElse("");
    }

    /** The value of a status, which is JSON again. */
    static JsonObject valueOf(JsonObject status) {
        return json(status.get("value").getAsString());
    }

    /** A pass or a bill as it is stored. `form` is that of its times. */
    static Store.Kept record(String deviceId, JsonObject status, String form) {
        JsonObject value = valueOf(status);
        var record = new Store.Kept();
        record.deviceId = deviceId;
        record.id = value.get("recordId").getAsString();
        record.published = status.get("t").getAsLong();
        record.content = value.toString();
        record.type = codeOf(status).equals(BILL) ? 1 : 0;
        if (record.type == 0) {
            record.direction = value.get("passDirection").getAsInt();
        }
        record.at = epochMs(value.get(record.type == 0 ? "passTime" : "payTime").getAsString(), form);
        return record;
    }

    private static long epochMs(String text, String form) {
        if (!form.equals("text") && !form.equals("iso")) {
            return Long.parseLong(text) * (form.equals("s") ? 1000 : 1);
        }
        String known = text.replace(":60", ":59").replace(' ', 'T'); // a leap second, of which no calendar here knows
        boolean hasZone = known.matches(".*(Z|[+-]\\d\\d:\\d\\d)");
        OffsetDateTime at = hasZone ? OffsetDateTime.parse(known) : LocalDateTime.parse(known).atOffset(BEIJING);
        return at.toInstant().toEpochMilli() + (text.contains(":60") ? 1000 : 0);
    }
}
