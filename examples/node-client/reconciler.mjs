// The plan: which lot is asked about which hour, when, and when again. A cell is a lot, a type, a direction and an hour.
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const BOUNDARY_MS = -500; // hours end half a second early: no lot that writes whole seconds has a record there
const GRACE_MS = 5 * MINUTE; // records on their way are not missing
const AGAIN_MS = HOUR;
const DRAIN_MS = 10 * MINUTE; // so long no message of a re-report must have come
const ALIKE = 3; // one silence may be a lost command
const GIVE_UP_AFTER = 4; // so many re-reports that change nothing: once a day from then on
const HORIZON_MS = 7 * DAY; // lots keep limited history
const TURNS = 12;
const TURN_MS = 10_000; // lots take turns: calls are limited for a project as a whole
const INFOS_IN_A_CALL = 24;
const FAILED_AFTER = 3;
const LINES = [[0, 0], [0, 1], [1, null]]; // entering, leaving, bills
const SUCCEEDED = 3;
const FAILED = 4;

/** What the vendor leaves open: how this cloud spells keys, bounds windows, and how many counts one call may bring. */
export const SETTINGS = { spelling: 'snake', bounds: '[s,e)', mostInfos: INFOS_IN_A_CALL };

export class Reconciler {
  #cloud;
  #store;
  #settings;
  #stopped = false;
  #notBefore = 0;
  #failures = 0;

  constructor(cloud, store, deviceIds, settings) {
    this.#cloud = cloud;
    this.#store = store;
    this.#settings = { ...SETTINGS, ...settings };
    const planned = hourOf(Date.now() - GRACE_MS) - HOUR; // the first hour to ask about is the last that has closed
    deviceIds.forEach((id, place) => {
      const lot = store.get('lot', id) ?? { id, planned, state: '', failed: 0, tries: 0, retryAt: 0 };
      const state = lot.state === 'refused' ? '' : lot.state; // a restart may follow a correction
      this.#putLot({ ...lot, state, turn: (place % TURNS) * TURN_MS });
    });
  }

  /** A record, however often it comes, is one record; its newest version counts. */
  keep(record) {
    const { deviceId, type, direction, at } = record;
    const asked = this.#store.all('cell').filter((cell) => cell.deviceId === deviceId && cell.type === type
      && cell.direction === direction && cell.told !== null && cell.start <= at && at <= cell.end);
    const due = (cell) => (cell.fruitless < GIVE_UP_AFTER ? Date.now() + DRAIN_MS : cell.due);
    const heard = asked.map((cell) => cellChange({ ...cell, heard: true, due: due(cell) }));
    this.#store.put(['record', `${deviceId}/${type}/${record.id}`, record], ...heard);
  }

  /** The result of a command. One that did not succeed asked nothing. */
  takeResult({ deviceId, sn, processStatus }) {
    const lot = this.#store.get('lot', deviceId);
    if (!lot || lot.state) return;
    const failed = processStatus === FAILED ? lot.failed + 1 : 0;
    this.#putLot({ ...lot, failed, state: failed >= FAILED_AFTER ? 'unsupported' : '' });
    if (processStatus === SUCCEEDED) return;
    const unasked = this.#store.all('cell').filter((cell) => cell.sn === sn);
    this.#store.put(...unasked.map((cell) => cellChange({ ...cell, silent: 0, due: Date.now() + AGAIN_MS })));
  }

  /** Ask every lot about what is due; how many counts were told. One that fails does not stop the others. */
  async run() {
    let told = 0;
    for (const lot of this.#lots()) {
      this.#plan(lot);
      for (const type of [0, 1]) told += await this.#askLot(lot.id, type);
    }
    return told;
  }

  /** When there is something to do. */
  wakesAt() {
    const alive = new Map(this.#lots().map((lot) => [lot.id, lot]));
    const dues = this.#store.all('cell').filter((cell) => cell.due !== null && alive.has(cell.deviceId))
      .map((cell) => Math.max(cell.due, alive.get(cell.deviceId).retryAt, this.#notBefore));
    const nextHour = hourOf(Date.now() - GRACE_MS) + HOUR + GRACE_MS;
    return this.#stopped ? nextHour : dues.reduce((least, due) => Math.min(least, due), nextHour);
  }

  #lots() {
    return this.#store.all('lot').filter((lot) => !lot.state);
  }

  #putLot(lot) {
    this.#store.put(['lot', lot.id, lot]);
  }

  /** Every hour that has closed becomes cells, also one of which nothing has come: all of it may be lost. */
  #plan(lot) {
    const until = hourOf(Date.now() - GRACE_MS);
    const horizon = until - HORIZON_MS;
    const cells = this.#dueBefore(lot.id, horizon).map((cell) => ({ ...cell, due: null }));
    for (let start = Math.max(lot.planned, horizon); start < until; start += HOUR) {
      for (const [type, direction] of LINES) cells.push(newCell(lot, type, direction, start));
    }
    if (lot.planned < until) this.#store.put(...cells.map(cellChange), ['lot', lot.id, { ...lot, planned: until }]);
  }

  #dueBefore(deviceId, horizon) {
    return this.#store.all('cell').filter((cell) => cell.deviceId === deviceId && cell.due !== null && cell.start < horizon);
  }

  async #askLot(deviceId, type) {
    const lot = this.#store.get('lot', deviceId);
    if (this.#stopped || lot.state || Date.now() < Math.max(this.#notBefore, lot.retryAt)) return 0;
    const cells = this.#due(deviceId, type);
    if (!cells.length) return 0;
    const counts = cells.map((cell) => this.#count(cell));
    try {
      const sn = await this.#cloud.sync(deviceId, this.#body(type, cells, counts));
      this.#failures = 0;
      const asked = cells.map((cell, place) => cellChange(this.#asked(cell, counts[place], sn)));
      this.#store.put(...asked, ['lot', deviceId, { ...this.#store.get('lot', deviceId), tries: 0, retryAt: 0 }]);
      return cells.length;
    } catch (error) {
      if (error.kind === undefined) throw error;
      console.error(`lot ${deviceId}: ${error.message}`);
      this.#failed(lot, error.kind);
      return 0;
    }
  }

  #due(deviceId, type) {
    const now = Date.now();
    const due = (cell) => cell.deviceId === deviceId && cell.type === type && cell.due !== null && cell.due <= now;
    const cells = this.#store.all('cell').filter(due).sort((one, other) => one.start - other.start);
    return cells.slice(0, Math.min(INFOS_IN_A_CALL, this.#settings.mostInfos));
  }

  #count({ deviceId, type, direction, start, end }) {
    const low = start + (this.#settings.bounds === '(s,e]' ? 1 : 0);
    const high = end + (this.#settings.bounds === '[s,e)' ? 0 : 1);
    const counts = (record) => record.deviceId === deviceId && record.type === type
      && record.direction === direction && low <= record.at && record.at < high;
    return this.#store.all('record').filter(counts).length;
  }

  #body(type, cells, counts) {
    const spell = this.#settings.spelling === 'camel' ? camel : (name) => name;
    const info = ({ start, end, direction }, count) => ({
      [spell('total_count')]: count,
      [spell('start_time')]: start,
      [spell('end_time')]: end,
      ...(direction === null ? {} : { [spell('pass_direction')]: direction }),
    });
    return { [spell('data_type')]: type, [spell('record_sync_infos')]: cells.map((cell, place) => info(cell, counts[place])) };
  }

  /** What is known of a cell once its lot was told a count. Success says nothing: only silence does, in the long run. */
  #asked(cell, count, sn) {
    const alike = cell.told === count;
    const silent = alike && !cell.heard ? cell.silent + 1 : 1;
    const fruitless = cell.heard ? (alike ? cell.fruitless + 1 : 0) : cell.fruitless;
    const asked = { ...cell, told: count, sn, heard: false, silent, fruitless };
    if (silent < ALIKE) return { ...asked, due: Date.now() + (fruitless < GIVE_UP_AFTER ? AGAIN_MS : DAY) };
    if (cell.visited) return { ...asked, due: null };
    return { ...asked, visited: true, due: Math.max(Date.now() + AGAIN_MS, cell.end + DAY + GRACE_MS) };
  }

  #failed(lot, kind) {
    if (kind === 'stop') {
      this.#stopped = true;
    } else if (kind === 'unsupported' || kind === 'refused') {
      this.#putLot({ ...lot, state: kind });
    } else if (kind === 'busy') {
      this.#notBefore = Date.now() + doubled(MINUTE, this.#failures, HOUR);
      this.#failures += 1;
    } else {
      const pause = kind === 'offline' ? doubled(5 * MINUTE, lot.tries, 2 * HOUR) : doubled(MINUTE, lot.tries, HOUR);
      this.#putLot({ ...lot, tries: lot.tries + 1, retryAt: Date.now() + pause });
    }
  }
}

const hourOf = (at) => Math.floor((at - BOUNDARY_MS) / HOUR) * HOUR + BOUNDARY_MS;
const doubled = (first, times, most) => Math.min(most, first * 2 ** times);
const camel = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());

const cellChange = (cell) => ['cell', `${cell.deviceId}/${cell.type}/${cell.direction}/${cell.start}`, cell];

function newCell({ id: deviceId, turn }, type, direction, start) {
  const due = start + HOUR + GRACE_MS + turn;
  const history = { told: null, sn: '', heard: false, silent: 0, fruitless: 0, visited: false };
  return { deviceId, type, direction, start, end: start + HOUR, due, ...history };
}
