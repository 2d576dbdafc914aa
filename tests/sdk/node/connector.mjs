// Drives the official connector, unmodified: one JSON line in is one call, one JSON line out is its outcome.
//
//   {"call": "connect", "options": {"baseUrl": ..., "accessKey": ..., "secretKey": ...}}  -> {"value": null}
//   {"call": "init"}                                      -> {"value": <envelope>}
//   {"call": "request", "options": {"method": ..., ...}}  -> {"value": <envelope>} or {"error": "..."} if it threw
import readline from 'node:readline';
import connector from '@tuya/tuya-connector-nodejs';

let context;
const calls = {
  connect: async (settings) => {
    context = new connector.TuyaContext(settings);
    return null;
  },
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
