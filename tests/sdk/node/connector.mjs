// Drives the official connector, unmodified: one JSON line in is one call, one JSON line out is its outcome.
//
//   node connector.mjs '{"baseUrl": ..., "accessKey": ..., "secretKey": ...}'
//   {"call": "init"}                                      -> {"value": <envelope>}
//   {"call": "request", "options": {"method": ..., ...}}  -> {"value": <envelope>} or {"error": "..."} if it threw
import readline from 'node:readline';
import connector from '@tuya/tuya-connector-nodejs';

const context = new connector.TuyaContext(JSON.parse(process.argv[2]));
const calls = {
  init: () => context.client.init(),
  request: (options) => context.request(options),
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { call, options } = JSON.parse(line);
  const outcome = await calls[call](options).then(
    (value) => ({ value }),
    (error) => ({ error: error.message }),
  );
  console.log(JSON.stringify(outcome));
}
