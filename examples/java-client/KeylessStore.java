import java.io.IOException;
import java.nio.file.Path;

/** The store as many write it first: every message that comes is a row. What is wrong with it, the report says. */
class KeylessStore extends Store {
    KeylessStore(Path folder) throws IOException {
        super(folder);
    }

    /** No record has a key, so a record that comes again is counted again. */
    @Override
    String keyOf(Kept record) {
        return "row " + records.size();
    }
}
