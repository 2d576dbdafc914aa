// The message queue by the package `ws`: the vendor's own Node SDK for it is not on npm.
import WebSocket from 'ws';
import { password } from './messages.mjs';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

export class Queue {
  #exports;
  #take;
  #socket = null;
  #failures = 0;

  /** When a lost connection is to be opened again. */
  reconnectAt = 0;

  /** `take(frame)` stores what a message says and tells whether it is done with it. */
  constructor(exports, take) {
    this.#exports = exports;
    this.#take = take;
  }

  get isConnected() {
    return this.#socket !== null;
  }

  /** Consume, always under the same subscription: what was not acknowledged waits there. */
  connect() {
    const { ws, access_id: name, access_secret: secret } = this.#exports;
    const address = `${ws}ws/v2/consumer/persistent/${name}/out/event/${name}-sub`;
    const headers = { username: name, password: password(name, secret) };
    const socket = new WebSocket(`${address}?subscriptionType=Failover&ackTimeoutMillis=30000`, { headers });
    this.#socket = socket;
    socket.on('message', (data) => this.#answer(JSON.parse(data)));
    return new Promise((resolve) => {
      socket.on('open', resolve);
      socket.on('error', () => {}); // a close follows
      socket.on('close', () => resolve(this.#lost(socket)));
    });
  }

  /** Everything that was sent until now has been taken when this is done: a pong does not overtake messages. */
  async catchUp() {
    const socket = this.#socket;
    if (socket === null) return;
    await new Promise((resolve) => {
      socket.once('pong', resolve);
      socket.once('close', resolve);
      if (socket.readyState === WebSocket.OPEN) socket.ping(); // else it is closing
    });
  }

  close() {
    this.#socket?.close();
  }

  /** One acknowledgement for each message: a cumulative one would take others along. */
  #answer(frame) {
    const type = this.#take(frame) ? 'ack' : 'negativeAcknowledge';
    this.#socket?.send(JSON.stringify({ type, messageId: frame.messageId }));
    this.#failures = 0;
  }

  #lost(socket) {
    if (this.#socket !== socket) return;
    this.#socket = null;
    this.reconnectAt = Date.now() + Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures);
    this.#failures += 1;
  }
}
