// Lets `parking-mock check --exec` drive the client: one JSON object a line in, one a line out.
import readline from 'node:readline';
import { KeylessStore } from './broken.mjs';
import { Client } from './client.mjs';
import { Store } from './store.mjs';

// The judge's time is virtual: a day takes a second. Client and SDK ask Date.now() what time it is, so that is told here.
const setClock = (nowMs) => { Date.now = () => nowMs; };

const isBroken = process.argv.includes('--broken');
let client;

const verbs = {
  hello: () => ({
    agent: isBroken ? 'node-client, broken' : 'node-client',
    version: '0.1.0',
    protocol: 1,
    can: ['sync', 'advance', 'quiet', 'dump', 'stop'],
    clock: 'virtual', // pauses too: Date.now() says when they are over
  }),

  async start({ exports, folder, profile }) {
    const settings = {
      recordTime: profile.record_time,
      bounds: profile.window_bounds,
      spelling: profile.key_spelling === 'camel' ? 'camel' : 'snake',
      mostInfos: profile.max_sync_infos,
    };
    client = new Client(exports, folder, settings, isBroken ? KeylessStore : Store);
    await client.start();
    return {};
  },

  async sync() {
    await client.tick();
    return {};
  },

  async advance() {
    await client.tick();
    return { wake_ms: client.wakesAt() };
  },

  async quiet() {
    await client.catchUp();
    return { wake_ms: client.wakesAt() }; // what came may be a lost connection
  },

  dump: () => ({
    records: client.records().map((record) => ({
      record_id: record.id,
      device_id: record.deviceId,
      data_type: record.type,
      pass_direction: record.direction,
      event_ms: record.at,
      content_hash: JSON.stringify(record.content),
    })),
  }),

  stop() {
    client.stop();
    return {};
  },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { id, verb, ...told } = JSON.parse(line);
  if (told.now_ms !== undefined) setClock(told.now_ms);
  const missing = async () => { throw Object.assign(new Error(verb), { code: 'unimplemented' }); };
  const answer = await Promise.resolve(told).then(verbs[verb] ?? missing).then(
    (result) => ({ result }),
    (error) => ({ error: { code: error.code === 'unimplemented' ? error.code : 'failed', message: error.message } }),
  );
  await new Promise((resolve) => process.stdout.write(`${JSON.stringify({ id, ...answer })}\n`, resolve));
  if (verb === 'stop') process.exit(0);
}
