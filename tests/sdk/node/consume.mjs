// Runs a message consumer: one JSON line out is one thing that happened, one JSON line in is one thing to do.
//
//   node consume.mjs '{"url": ..., "accessId": ..., "accessKey": ...}'
//   {"ack": "<message id>"} acknowledges, {"cut": true} breaks the connection, the end of the input ends the program.
import readline from 'node:readline';
import { MessageConsumer } from '../../../contracts/sdk/adapters/node/message-consumer.mjs';

const consumer = new MessageConsumer(JSON.parse(process.argv[2]));
const tell = (event) => console.log(JSON.stringify(event));

for (const event of ['open', 'reconnect', 'close']) {
  consumer.on(event, () => tell({ event }));
}
consumer.on('pong', (data) => tell({ event: 'pong', data }));
consumer.on('message', (message) => tell({ event: 'message', message }));
consumer.on('error', (error) => tell({ event: 'error', error: error.message }));
consumer.start();

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { ack, cut } = JSON.parse(line);
  if (ack) consumer.ackMessage(ack);
  if (cut) consumer.cut();
}
process.exit();
