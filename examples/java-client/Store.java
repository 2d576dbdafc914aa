import com.google.gson.Gson;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** What must outlive a crash, in memory and in a journal: a line for all changes that belong together. */
class Store {
    /** The direction of bills: nobody drives through one. */
    static final int NO_DIRECTION = -1;

    private static final Gson GSON = new Gson();

    /** A vehicle pass (type 0) or a bill (type 1). Its id makes it the same record, whatever message brings it. */
    static class Kept {
        String deviceId;
        int type;
        String id;
        int direction = NO_DIRECTION;
        long at; // when it happened, epoch milliseconds
        long published; // when this version of it was published
        String content;
    }

    /** An hour of a lot's line, and what is known of it. A line is a type and a direction. */
    static class Cell {
        String deviceId;
        int type;
        int direction;
        long start;
        long end;
        long due; // when it is to be asked about; 0: not any more
        int told = -1; // the last count, -1 if none was told
        String sn = "";
        boolean heard; // whether a message of it came since then
        int silent; // counts in a row that nothing followed
        int fruitless; // re-reports in a row that changed nothing
        boolean visited; // whether it is being asked about again, a day later
    }

    /** How far a lot's hours are planned, and why it is left alone, if it is. */
    static class Lot {
        String deviceId;
        long planned;
        long turn;
        String state = "";
        int failed;
        int tries;
        long retryAt;
    }

    /** A message for a person to look at. */
    record Unreadable(String messageId, String payload, String why) { }

    /** One of these. */
    private static class Change {
        Kept record;
        Cell cell;
        Lot lot;
        Unreadable unreadable;
    }

    protected final Map<String, Kept> records = new TreeMap<>();
    private final Map<String, Cell> cells = new TreeMap<>();
    private final Map<String, Lot> lots = new TreeMap<>();
    private final Map<String, Unreadable> unreadable = new TreeMap<>();
    private final FileChannel file;

    /** Reads the journal of a folder, and starts it anew without what has been overtaken. */
    Store(Path folder) throws IOException {
        Path name = folder.resolve("parking.jsonl");
        Path fresh = folder.resolve("parking.jsonl.new");
        String text = Files.exists(name) ? Files.readString(name) : "";
        text.substring(0, text.lastIndexOf('\n') + 1).lines() // a crash may have left half a line
                .forEach(line -> remember(GSON.fromJson(line, Change[].class)));
        Files.deleteIfExists(fresh);
        file = FileChannel.open(fresh, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        append(Stream.of(records, cells, lots, unreadable).map(Map::values).flatMap(Collection::stream));
        Files.move(fresh, name, StandardCopyOption.ATOMIC_MOVE); // until now the old one was there
    }

    /** What makes two records the same. Ids of different lots and types may be alike. */
    String keyOf(Kept record) {
        return record.deviceId + "/" + record.type + "/" + record.id;
    }

    /** Keeps what is new or has been changed, all or none of it. It is on the disk when this returns. */
    void put(Object... changed) {
        remember(append(Stream.of(changed)));
    }

    private Change[] append(Stream<?> changed) {
        Change[] changes = changed.map(Store::changeOf).toArray(Change[]::new);
        try {
            file.write(ByteBuffer.wrap((GSON.toJson(changes) + "\n").getBytes(StandardCharsets.UTF_8)));
            file.force(false);
        } catch (IOException e) {
            throw new UncheckedIOException(e); // whose disk fails must acknowledge nothing and tell no count
        }
        return changes;
    }

    private static Change changeOf(Object changed) {
        var change = new Change();
        if (changed instanceof Kept record) {
            change.record = record;
        } else if (changed instanceof Cell cell) {
            change.cell = cell;
        } else if (changed instanceof Lot lot) {
            change.lot = lot;
        } else {
            change.unreadable = (Unreadable) changed;
        }
        return change;
    }

    private void remember(Change[] changes) {
        for (Change change : changes) {
            if (change.record != null) {
                records.put(keyOf(change.record), change.record);
            } else if (change.cell != null) {
                Cell cell = change.cell;
                cells.put(String.join("/", cell.deviceId, cell.type + "", cell.direction + "", cell.start + ""), cell);
            } else if (change.lot != null) {
                lots.put(change.lot.deviceId, change.lot);
            } else {
                unreadable.put(change.unreadable.messageId(), change.unreadable);
            }
        }
    }

    Collection<Kept> records() {
        return records.values();
    }

    /** The record that this one is a version of; null if it is new. */
    Kept find(Kept record) {
        return records.get(keyOf(record));
    }

    /** The cells of which something holds, by their starts. */
    List<Cell> cells(Predicate<Cell> holds) {
        return cells.values().stream().filter(holds).sorted(Comparator.comparingLong(cell -> cell.start)).toList();
    }

    /** The lot of a device; null if it is not known. */
    Lot lot(String deviceId) {
        return lots.get(deviceId);
    }

    /** The lots that are not left alone. */
    List<Lot> lots() {
        return lots.values().stream().filter(lot -> lot.state.isEmpty()).toList();
    }
}
