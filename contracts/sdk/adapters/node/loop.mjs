// Runs a loop like that of the example of the vendor's WebSocket SDK for Node, and hands every message on by lines of JSON
// (contracts/sdk/adapters/handing.py says which).
//
// What the example does: acknowledge a message first, then do with it what is to be done. So nothing that becomes of it
// can matter any more, and nobody is told.
import readline from 'node:readline';
import { MessageConsumer } from './message-consumer.mjs';

const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const settings = JSON.parse((await lines.next()).value);
const consumer = new MessageConsumer({
  url: settings.ws,
  accessId: settings.access_id,
  accessKey: settings.access_secret,
});

let last = 0;
consumer.on('message', (message) => {
  consumer.ackMessage(message.messageId);
  last += 1;
  tell({ id: last, message: { messageId: message.messageId, text: JSON.stringify(message.payload.data) } });
});
consumer.on('open', () => tell({ ready: true }));
consumer.on('error', (error) => console.error(error.message));
consumer.start();

for await (const line of lines) {
  const { ping } = JSON.parse(line);
  if (ping) tell({ pong: ping });
}
process.exit();
