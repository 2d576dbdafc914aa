// The store as many write it first: every message that comes is a row. What is wrong with it, the report says.
import { Store } from './store.mjs';

/** No record has a key, so a record that comes again is counted again. */
export class KeylessStore extends Store {
  put(...changes) {
    const row = () => `row ${this.all('record').length}`;
    super.put(...changes.map(([kind, key, value]) => [kind, kind === 'record' ? row() : key, value]));
  }
}
