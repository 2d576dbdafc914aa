// Runs the client: node main.mjs FOLDER [--once], with addresses, keys and lots from the environment.
import fs from 'node:fs';
import { Client } from './client.mjs';

const LOOK_EVERY_MS = 1_000;
const NAMES = ['PARKING_API', 'PARKING_WS', 'PARKING_ACCESS_ID', 'PARKING_ACCESS_SECRET', 'PARKING_LOTS'];

const [folder, option] = process.argv.slice(2);
const [api, ws, accessId, secret, lots] = NAMES.map((name) => process.env[name]);
if (!folder || !(api && ws && accessId && secret && lots)) {
  console.error(`usage: node main.mjs FOLDER [--once], with ${NAMES.join(', ')} (ids with commas between)`);
  process.exit(2);
}
const devices = lots.split(',').map((id) => ({ device_id: id, kind: 'lot' }));
fs.mkdirSync(folder, { recursive: true });
const client = new Client({ api, ws, access_id: accessId, access_secret: secret, devices }, folder);

async function look() {
  await client.tick();
  setTimeout(look, LOOK_EVERY_MS);
}

if (option === '--once') {
  console.log(`${await client.tick()} counts told, ${client.records().length} records kept`);
  client.stop();
} else {
  await look();
}
