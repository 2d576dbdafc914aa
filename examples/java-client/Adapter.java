import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** Lets `parking-mock check --exec` drive the client: one JSON object a line in, one a line out. */
class Adapter {
    private static final List<String> CAN = List.of("sync", "advance", "quiet", "dump", "stop");

    private final boolean isBroken;
    private final AtomicLong now = new AtomicLong(); // the judge's time is virtual: a day takes a second
    private Client client;

    private Adapter(boolean isBroken) {
        this.isBroken = isBroken;
    }

    public static void main(String[] arguments) throws Exception {
        var adapter = new Adapter(List.of(arguments).contains("--broken"));
        var calls = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var answers = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
        for (String line = calls.readLine(); line != null; line = calls.readLine()) {
            JsonObject call = JsonParser.parseString(line).getAsJsonObject();
            JsonObject answer = adapter.answer(call);
            answer.add("id", call.get("id"));
            answers.println(answer);
            if (call.get("verb").getAsString().equals("stop")) {
                return;
            }
        }
    }

    private JsonObject answer(JsonObject call) {
        String verb = call.get("verb").getAsString();
        if (call.has("now_ms")) {
            now.set(call.get("now_ms").getAsLong());
        }
        var answer = new JsonObject();
        try {
            JsonObject result = result(verb, call);
            answer.add(result == null ? "error" : "result", result == null ? error("unimplemented", verb) : result);
        } catch (Exception e) {
            answer.add("error", error("failed", e.toString()));
        }
        return answer;
    }

    private static JsonObject error(String code, String message) {
        var error = new JsonObject();
        error.addProperty("code", code);
        error.addProperty("message", message);
        return error;
    }

    private JsonObject result(String verb, JsonObject call) throws Exception {
        var result = new JsonObject();
        switch (verb) {
            case "hello" -> hello(result);
            case "start" -> start(call);
            case "sync" -> client.tick();
            case "advance" -> {
                client.tick();
                result.addProperty("wake_ms", client.wakesAt());
            }
            case "quiet" -> {
                client.catchUp();
                result.addProperty("wake_ms", client.wakesAt()); // what came may be a lost connection
            }
            case "dump" -> result.add("records", dump());
            case "stop" -> { }
            default -> {
                return null;
            }
        }
        return result;
    }

    private void hello(JsonObject result) {
        var can = new JsonArray();
        CAN.forEach(can::add);
        result.addProperty("agent", isBroken ? "java-client, broken" : "java-client");
        result.addProperty("version", "0.1.0");
        result.addProperty("protocol", 1);
        result.add("can", can);
        result.addProperty("clock", "virtual"); // every pause goes by the time that is told
    }

    private void start(JsonObject call) throws Exception {
        JsonObject profile = call.getAsJsonObject("profile");
        var settings = new Reconciler.Settings(profile.get("key_spelling").getAsString(),
                profile.get("window_bounds").getAsString(), profile.get("record_time").getAsString(),
                profile.get("max_sync_infos").getAsInt());
        Path folder = Path.of(call.get("folder").getAsString());
        client = new Client(call.getAsJsonObject("exports"), folder, settings, now::get,
                isBroken ? KeylessStore::new : Store::new);
        client.start();
    }

    private JsonArray dump() {
        var records = new JsonArray();
        for (Store.Kept record : client.records()) {
            var told = new JsonObject();
            told.addProperty("record_id", record.id);
            told.addProperty("device_id", record.deviceId);
            told.addProperty("data_type", record.type);
            told.add("pass_direction", JsonNull.INSTANCE);
            if (record.direction != Store.NO_DIRECTION) {
                told.addProperty("pass_direction", record.direction);
            }
            told.addProperty("event_ms", record.at);
            told.addProperty("content_hash", record.content);
            records.add(told);
        }
        return records;
    }
}
