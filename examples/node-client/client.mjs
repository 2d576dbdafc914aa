// The whole client: it takes what comes, and asks what is due whenever it is told to look at the clock.
import { isAlone } from './alone.mjs';
import { Cloud } from './cloud.mjs';
import { readRecord, readReport } from './messages.mjs';
import { Queue } from './queue.mjs';
import { Reconciler } from './reconciler.mjs';
import { Store } from './store.mjs';

const UNREADABLE_AFTER = 3;
const STANDS_BY_MS = 60_000;

export class Client {
  #exports;
  #folder;
  #settings;
  #StoreKind;
  #store = null;
  #queue;
  #reconciler;
  #tries = new Map();

  /** `exports`: api, ws, access_id, access_secret and devices, as `parking-mock serve --json` prints them. */
  constructor(exports, folder, settings = {}, StoreKind = Store) {
    this.#exports = exports;
    this.#folder = folder;
    this.#settings = { recordTime: 'ms', ...settings };
    this.#StoreKind = StoreKind;
  }

  /** Take up what was left, unless another process is at it: then this one stands by. */
  async start() {
    if (this.#store || !(await isAlone(this.#folder))) return;
    const lots = this.#exports.devices.filter(({ kind }) => kind === 'lot').map(({ device_id: id }) => id);
    this.#store = new this.#StoreKind(this.#folder);
    this.#reconciler = new Reconciler(new Cloud(this.#exports), this.#store, lots, this.#settings);
    this.#queue = new Queue(this.#exports, (frame) => this.#take(frame));
    await this.#queue.connect();
  }

  /** Do what is due; how many counts were told. */
  async tick() {
    await this.start();
    if (!this.#store) return 0;
    if (!this.#queue.isConnected && Date.now() >= this.#queue.reconnectAt) await this.#queue.connect();
    await this.#queue.catchUp();
    return this.#reconciler.run();
  }

  /** When `tick` has something to do, so that nobody need try all the time. */
  wakesAt() {
    if (!this.#store) return Date.now() + STANDS_BY_MS;
    const moments = [this.#reconciler.wakesAt(), ...(this.#queue.isConnected ? [] : [this.#queue.reconnectAt])];
    return Math.max(Date.now() + 1, Math.min(...moments));
  }

  /** Everything that was sent until now is stored when this is done. */
  async catchUp() {
    await this.#queue?.catchUp();
  }

  records() {
    return this.#store?.all('record') ?? [];
  }

  stop() {
    this.#queue?.close();
    this.#store?.close();
  }

  /** Whether a message is done with. One that cannot be read may be damaged only this time; later it is set aside. */
  #take(frame) {
    try {
      const report = readReport(frame, this.#exports.access_secret);
      report.status.forEach((status) => this.#takeStatus(report.devId, status));
      this.#tries.delete(frame.messageId);
      return true;
    } catch (error) {
      // Counted here: a broker's redeliveryCount is 0 on this kind of subscription.
      const tries = (this.#tries.get(frame.messageId) ?? 0) + 1;
      this.#tries.set(frame.messageId, tries);
      if (tries <= UNREADABLE_AFTER) return false;
      this.#tries.delete(frame.messageId);
      this.#store.put(['unreadable', frame.messageId, error.message]);
      return true;
    }
  }

  /** A record, a command's result, or something that we need not know. */
  #takeStatus(deviceId, status) {
    const record = readRecord(deviceId, status, this.#settings.recordTime);
    if (record) this.#reconciler.keep(record);
    if (status.code === 'command_result') this.#reconciler.takeResult(JSON.parse(status.value));
  }
}
