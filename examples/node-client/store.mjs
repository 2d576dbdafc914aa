// What must outlive a crash: records, cells and lots, in a journal of one JSON line for each change.
import fs from 'node:fs';
import path from 'node:path';

const KINDS = ['record', 'cell', 'lot', 'unreadable'];

export class Store {
  #file;
  #maps = Object.fromEntries(KINDS.map((kind) => [kind, new Map()]));

  constructor(folder) {
    const name = path.join(folder, 'parking.jsonl');
    const text = fs.existsSync(name) ? fs.readFileSync(name, 'utf8') : '';
    const whole = text.slice(0, text.lastIndexOf('\n') + 1); // a crash may have left half a line
    this.#remember(whole.split('\n').filter(Boolean).map((line) => JSON.parse(line)));
    this.#startAnew(name);
    this.#file = fs.openSync(name, 'a');
  }

  /** Changes, each `[kind, key, value]`. They are on the disk when this returns. */
  put(...changes) {
    if (!changes.length) return;
    fs.writeSync(this.#file, lines(changes));
    fs.fdatasyncSync(this.#file);
    this.#remember(changes);
  }

  get(kind, key) {
    return this.#maps[kind].get(key);
  }

  all(kind) {
    return [...this.#maps[kind].values()];
  }

  close() {
    fs.closeSync(this.#file);
  }

  #remember(changes) {
    for (const [kind, key, value] of changes) this.#maps[kind].set(key, value);
  }

  /** The journal without what has been overtaken. The old one is there until the new one is complete. */
  #startAnew(name) {
    const changes = KINDS.flatMap((kind) => [...this.#maps[kind]].map(([key, value]) => [kind, key, value]));
    fs.writeFileSync(`${name}.new`, lines(changes), { flush: true });
    fs.renameSync(`${name}.new`, name);
  }
}

const lines = (changes) => changes.map((change) => `${JSON.stringify(change)}\n`).join('');
