import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;

/** The plan: which lot is asked about which hour, when, and when again. It never waits. */
class Reconciler {
    static final long MINUTE = 60_000;
    private static final long HOUR = 60 * MINUTE;
    private static final long DAY = 24 * HOUR;

    private static final long BOUNDARY = -500; // hours end half a second early: no lot that writes whole seconds has a record there
    private static final long GRACE = 5 * MINUTE; // records on their way are not missing
    private static final long AGAIN = HOUR;
    private static final long DRAIN = 10 * MINUTE; // so long no message of a re-report must have come
    private static final int ALIKE = 3; // one silence may be a lost command
    private static final int GIVE_UP_AFTER = 4; // so many re-reports that change nothing: once a day from then on
    private static final long HORIZON = 7 * DAY; // lots keep limited history
    private static final int TURNS = 12;
    private static final long TURN = 10_000; // lots take turns: calls are limited for a project as a whole
    private static final int INFOS_IN_A_CALL = 24;
    private static final int FAILED_AFTER = 3;
    private static final int SUCCEEDED = 3;
    private static final int FAILED = 4;
    private static final int[][] LINES = {{0, 0}, {0, 1}, {1, Store.NO_DIRECTION}}; // entering, leaving, bills

    /** What the vendor leaves open: how this cloud spells keys, bounds windows, writes times, limits a call. */
    record Settings(String spelling, String bounds, String recordTime, int mostInfos) {
        static final Settings USUAL = new Settings("snake", "[s,e)", "ms", INFOS_IN_A_CALL);
    }

    private final Cloud cloud;
    private final Store store;
    private final Settings settings;
    private boolean isStopped;
    private long notBefore;
    private int failures;

    /** Goes on with what is stored. Of a new lot the first hour is the last that has closed. */
    Reconciler(Cloud cloud, Store store, List<String> lots, Settings settings) {
        this.cloud = cloud;
        this.store = store;
        this.settings = settings;
        for (int place = 0; place < lots.size(); place++) {
            Store.Lot lot = store.lot(lots.get(place));
            if (lot == null) {
                lot = new Store.Lot();
                lot.deviceId = lots.get(place);
                lot.planned = hourOf(cloud.now() - GRACE) - HOUR;
            }
            lot.state = lot.state.equals(Cloud.Kind.REFUSED.name()) ? "" : lot.state; // a restart may follow a correction
            lot.turn = place % TURNS * TURN;
            store.put(lot);
        }
    }

    private static long hourOf(long at) {
        return Math.floorDiv(at - BOUNDARY, HOUR) * HOUR + BOUNDARY;
    }

    static long doubled(long first, int times, long most) {
        return Math.min(most, first << Math.min(times, 20));
    }

    /** Stores a record: however often it comes, it is one, and its newest version counts. It may be part of a re-report. */
    void keep(Store.Kept record) {
        Store.Kept known = store.find(record);
        List<Object> changed = new ArrayList<>(store.cells(cell -> cell.deviceId.equals(record.deviceId)
                && cell.type == record.type && cell.direction == record.direction
                && cell.told >= 0 && cell.start <= record.at && record.at <= cell.end));
        for (Object each : changed) {
            Store.Cell cell = (Store.Cell) each;
            cell.heard = true;
            cell.due = cell.fruitless < GIVE_UP_AFTER ? cloud.now() + DRAIN : cell.due;
        }
        if (known == null || known.published <= record.published) {
            changed.add(record);
        }
        store.put(changed.toArray());
    }

    /** Takes the result of a command. One that did not succeed asked nothing. */
    void takeResult(JsonObject result) {
        Store.Lot lot = store.lot(result.get("deviceId").getAsString());
        if (lot == null || !lot.state.isEmpty()) {
            return;
        }
        String sn = result.get("sn").getAsString();
        int status = result.get("processStatus").getAsInt();
        lot.failed = status == FAILED ? lot.failed + 1 : 0;
        lot.state = lot.failed >= FAILED_AFTER ? Cloud.Kind.UNSUPPORTED.name() : "";
        List<Object> changed = new ArrayList<>(List.of(lot));
        for (Store.Cell cell : store.cells(each -> status != SUCCEEDED && each.sn.equals(sn))) {
            cell.silent = 0;
            cell.due = cloud.now() + AGAIN;
            changed.add(cell);
        }
        store.put(changed.toArray());
    }

    /** Asks every lot about what is due; how many counts were told. One that fails does not stop the others. */
    int run() {
        int told = 0;
        for (Store.Lot lot : store.lots()) {
            plan(lot);
            told += ask(lot, 0) + ask(lot, 1);
        }
        return told;
    }

    /** When there is something to do, by the cloud's time. */
    long wakesAt() {
        long next = hourOf(cloud.now() - GRACE) + HOUR + GRACE;
        for (Store.Lot lot : isStopped ? List.<Store.Lot>of() : store.lots()) {
            for (Store.Cell cell : store.cells(each -> each.deviceId.equals(lot.deviceId) && each.due > 0)) {
                next = Math.min(next, Math.max(cell.due, Math.max(lot.retryAt, notBefore)));
            }
        }
        return next;
    }

    /** Every hour that has closed becomes cells, also one of which nothing has come: all of it may be lost. */
    private void plan(Store.Lot lot) {
        long until = hourOf(cloud.now() - GRACE);
        if (lot.planned >= until) {
            return;
        }
        List<Object> changed = new ArrayList<>();
        for (Store.Cell cell : store.cells(each -> each.deviceId.equals(lot.deviceId) && each.due > 0
                && each.start < until - HORIZON)) {
            cell.due = 0;
            changed.add(cell);
        }
        for (long start = Math.max(lot.planned, until - HORIZON); start < until; start += HOUR) {
            for (int[] line : LINES) {
                changed.add(newCell(lot, line[0], line[1], start));
            }
        }
        lot.planned = until;
        changed.add(lot);
        store.put(changed.toArray());
    }

    private static Store.Cell newCell(Store.Lot lot, int type, int direction, long start) {
        var cell = new Store.Cell();
        cell.deviceId = lot.deviceId;
        cell.type = type;
        cell.direction = direction;
        cell.start = start;
        cell.end = start + HOUR;
        cell.due = cell.end + GRACE + lot.turn;
        return cell;
    }

    private int ask(Store.Lot lot, int type) {
        long now = cloud.now();
        if (isStopped || !lot.state.isEmpty() || now < Math.max(notBefore, lot.retryAt)) {
            return 0;
        }
        List<Store.Cell> cells = store.cells(cell -> cell.deviceId.equals(lot.deviceId) && cell.type == type
                && cell.due > 0 && cell.due <= now);
        cells = cells.subList(0, Math.min(cells.size(), Math.min(INFOS_IN_A_CALL, settings.mostInfos)));
        if (cells.isEmpty()) {
            return 0;
        }
        int[] counts = cells.stream().mapToInt(this::count).toArray();
        try {
            String sn = cloud.sync(lot.deviceId, body(type, cells, counts));
            failures = 0;
            lot.tries = 0;
            lot.retryAt = 0;
            for (int place = 0; place < counts.length; place++) {
                asked(cells.get(place), counts[place], sn);
            }
            store.put(cells.toArray());
            store.put(lot);
            return counts.length;
        } catch (Cloud.CallException refused) {
            System.err.println("lot " + lot.deviceId + ": " + refused.getMessage());
            failed(lot, refused.kind);
            return 0;
        }
    }

    private int count(Store.Cell cell) {
        long low = cell.start + (settings.bounds.equals("(s,e]") ? 1 : 0);
        long high = cell.end + (settings.bounds.equals("[s,e)") ? 0 : 1);
        return (int) store.records().stream().filter(record -> record.deviceId.equals(cell.deviceId)
                && record.type == cell.type && record.direction == cell.direction
                && low <= record.at && record.at < high).count();
    }

    private JsonObject body(int type, List<Store.Cell> cells, int[] counts) {
        var infos = new JsonArray();
        for (Store.Cell cell : cells) {
            var info = new JsonObject();
            info.addProperty(spell("total_count"), counts[infos.size()]);
            info.addProperty(spell("start_time"), cell.start);
            info.addProperty(spell("end_time"), cell.end);
            if (type == 0) {
                info.addProperty(spell("pass_direction"), cell.direction);
            }
            infos.add(info);
        }
        var body = new JsonObject();
        body.addProperty(spell("data_type"), type);
        body.add(spell("record_sync_infos"), infos);
        return body;
    }

    private String spell(String name) {
        if (!settings.spelling.equals("camel")) {
            return name;
        }
        var spelled = new StringBuilder();
        for (String word : name.split("_")) {
            spelled.append(spelled.isEmpty() ? word : Character.toUpperCase(word.charAt(0)) + word.substring(1));
        }
        return spelled.toString();
    }

    /** What is known of a cell after a count was told. Only silence, in the long run, says that it was right. */
    private void asked(Store.Cell cell, int count, String sn) {
        boolean isAlike = cell.told == count;
        long now = cloud.now();
        cell.silent = isAlike && !cell.heard ? cell.silent + 1 : 1;
        if (cell.heard) {
            cell.fruitless = isAlike ? cell.fruitless + 1 : 0;
        }
        cell.told = count;
        cell.sn = sn;
        cell.heard = false;
        if (cell.silent < ALIKE) {
            cell.due = now + (cell.fruitless < GIVE_UP_AFTER ? AGAIN : DAY);
        } else {
            cell.due = cell.visited ? 0 : Math.max(now + AGAIN, cell.end + DAY + GRACE);
            cell.visited = true;
        }
    }

    private void failed(Store.Lot lot, Cloud.Kind kind) {
        long now = cloud.now();
        switch (kind) {
            case STOP -> isStopped = true;
            case BUSY -> notBefore = now + doubled(MINUTE, failures++, HOUR);
            case UNSUPPORTED, REFUSED -> lot.state = kind.name();
            case OFFLINE -> lot.retryAt = now + doubled(5 * MINUTE, lot.tries++, 2 * HOUR);
            default -> lot.retryAt = now + doubled(MINUTE, lot.tries++, HOUR);
        }
        store.put(lot);
    }
}
