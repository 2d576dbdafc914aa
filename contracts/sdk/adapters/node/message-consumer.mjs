// A consumer of the message queue that stands in for the official Node WebSocket SDK (tuya-pulsar-ws-node).
//
// That SDK is not published on npm, so it cannot be installed and run here. This is our own code, written to do on
// the wire what that SDK does, quirks included:
// - the query of the address is fixed and in this order, whatever the caller configured;
// - it announces `username` and `password`, checks no certificate, and leaves everything else to the package `ws`;
// - a server's ping is answered twice: by `ws`, and by a further pong that carries the access id;
// - after a silence it pings with the access id, and it has no deadline for the pong;
// - a frame without an object in `properties` is an error and is never delivered;
// - `properties.em` chooses the cipher, anything but `aes_gcm` is ECB, and what cannot be decrypted is delivered empty;
// - nothing is acknowledged unless the application says so;
// - a lost connection is opened again after a second.
import { createDecipheriv, createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';

const WebSocket = createRequire(`${process.cwd()}/`)('ws'); // of the folder in which the program runs: here is none

const QUERY = '?subscriptionType=Failover&ackTimeoutMillis=30000';
const TOPICS = { prod: 'event', test: 'event-test' };
const RECONNECT_AFTER_MS = 1000;
const MAX_RECONNECTS = 100;
const GCM_NONCE = 12;
const GCM_TAG = 16;

const md5 = (text) => createHash('md5').update(text).digest('hex');

function decryptEcb(data, key) {
  const decipher = createDecipheriv('aes-128-ecb', key, null);
  return decipher.update(data, 'base64', 'utf8') + decipher.final('utf8');
}

function decryptGcm(data, key) {
  const bytes = Buffer.from(data, 'base64');
  const decipher = createDecipheriv('aes-128-gcm', key, bytes.subarray(0, GCM_NONCE));
  decipher.setAuthTag(bytes.subarray(-GCM_TAG));
  return Buffer.concat([decipher.update(bytes.subarray(GCM_NONCE, -GCM_TAG)), decipher.final()]).toString();
}

function decrypted(data, accessKey, cipher) {
  const key = accessKey.slice(8, 24);
  try {
    return JSON.parse(cipher === 'aes_gcm' ? decryptGcm(data, key) : decryptEcb(data, key));
  } catch {
    return '';
  }
}

/** Emits `open`, `reconnect`, `message`, `error`, `ping`, `pong` and `close`. */
export class MessageConsumer extends EventEmitter {
  #settings;
  #socket;
  #silence;
  #reconnects = 0;

  /** `settings`: url (with its trailing slash), accessId, accessKey, env, and timeout, the silence before a ping. */
  constructor(settings) {
    super();
    this.#settings = { env: 'prod', timeout: 30000, ...settings };
  }

  start() {
    this.#connect('open');
  }

  ackMessage(messageId) {
    this.#socket.send(JSON.stringify({ messageId }));
  }

  /** Break the connection without a goodbye, as a network does. Not a part of the SDK. */
  cut() {
    this.#socket.terminate();
  }

  #connect(opened) {
    const { url, accessId, accessKey, env } = this.#settings;
    const path = `ws/v2/consumer/persistent/${accessId}/out/${TOPICS[env]}/${accessId}-sub`;
    const password = md5(accessId + md5(accessKey)).slice(8, 24);
    const socket = new WebSocket(url + path + QUERY, {
      rejectUnauthorized: false,
      headers: { username: accessId, password },
    });
    this.#socket = socket;
    socket.on('open', () => this.#onOpen(opened));
    socket.on('message', (data) => this.#onMessage(data));
    socket.on('ping', () => this.#onPing());
    socket.on('pong', (data) => this.#onPong(data));
    socket.on('error', (error) => this.emit('error', error));
    socket.on('close', () => this.#onClose());
  }

  #onOpen(opened) {
    this.#reconnects = 0;
    this.#heard();
    this.emit(opened);
  }

  #onMessage(data) {
    this.#heard();
    try {
      const { payload, properties, ...others } = JSON.parse(data);
      const outer = JSON.parse(Buffer.from(payload, 'base64').toString());
      outer.data = decrypted(outer.data, this.#settings.accessKey, properties.em);
      this.emit('message', { payload: outer, ...others });
    } catch (error) {
      this.emit('error', error);
    }
  }

  #onPing() {
    this.#heard();
    this.#socket.pong(this.#settings.accessId);
    this.emit('ping');
  }

  #onPong(data) {
    this.#heard();
    this.emit('pong', data.toString());
  }

  #onClose() {
    clearTimeout(this.#silence);
    if (this.#reconnects < MAX_RECONNECTS) {
      this.#reconnects += 1;
      setTimeout(() => this.#connect('reconnect'), RECONNECT_AFTER_MS);
    }
    this.emit('close');
  }

  #heard() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#socket.ping(this.#settings.accessId), this.#settings.timeout);
  }
}
