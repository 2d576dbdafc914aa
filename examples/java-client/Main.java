import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Runs the client by the machine's clock, with addresses, keys and lots from the environment. */
class Main {
    private static final long LOOK_EVERY_MS = 1_000;
    private static final List<String> NAMES =
            List.of("PARKING_API", "PARKING_WS", "PARKING_ACCESS_ID", "PARKING_ACCESS_SECRET");
    private static final String LOTS = "PARKING_LOTS";

    private Main() { }

    public static void main(String[] arguments) throws Exception {
        Map<String, String> variables = System.getenv();
        if (arguments.length == 0 || !variables.keySet().containsAll(NAMES) || !variables.containsKey(LOTS)) {
            System.err.println("usage: java Main FOLDER [--once], with " + String.join(", ", NAMES) + " and " + LOTS
                    + " (ids with commas between)");
            System.exit(2);
        }
        Path folder = Files.createDirectories(Path.of(arguments[0]));
        var client = new Client(exports(variables), folder, Reconciler.Settings.USUAL, System::currentTimeMillis, Store::new);
        if (arguments.length > 1 && arguments[1].equals("--once")) {
            System.out.println(client.tick() + " counts told, " + client.records().size() + " records kept");
            return;
        }
        while (true) {
            client.tick();
            Thread.sleep(LOOK_EVERY_MS);
        }
    }

    private static JsonObject exports(Map<String, String> variables) {
        var exports = new JsonObject();
        for (String name : NAMES) {
            exports.addProperty(name.substring("PARKING_".length()).toLowerCase(), variables.get(name));
        }
        var devices = new JsonArray();
        for (String id : variables.get(LOTS).split(",")) {
            var device = new JsonObject();
            device.addProperty("device_id", id);
            device.addProperty("kind", "lot");
            devices.add(device);
        }
        exports.add("devices", devices);
        return exports;
    }
}
