// Calls by the official SDK, and what a refusal asks of us.
import axios from 'axios';
import connector from '@tuya/tuya-connector-nodejs';

const TIMEOUT_MS = 5_000;
const TOKEN_CODES = [1010, 1011];

const KINDS = {
  busy: [1110, 1111, 1199], // no more calls for a while
  offline: [2001], // this lot later
  unsupported: [2003, 2008, 2009], // never this lot
  refused: [1006, 1100, 1101, 1102, 1104, 1105, 1106, 1108, 1109, 2010], // not this request again
  stop: [1004, 1005], // nothing will work with these keys
};
const TOKEN_KINDS = {
  // of the call for a token
  ...KINDS,
  unsupported: [2003, 2008],
  stop: [1004, 1005, 1114, 2007, 2009], // 1114, 2007: not from this address; 2009: no such access key
};

/** A call that did not do what it should. Every code that is in no table is a passing one: kind `later`. */
export class CallError extends Error {
  constructor(text, code, kinds = KINDS) {
    super(text);
    this.kind = Object.keys(kinds).find((kind) => kinds[kind].includes(code)) ?? 'later';
  }
}

export class Cloud {
  #client;
  #hasToken = false;

  constructor({ api, access_id: accessKey, access_secret: secretKey }) {
    // Unless its axios is told otherwise, the SDK waits for ever, and carries the credentials wherever it is sent.
    const rpc = axios.create({ timeout: TIMEOUT_MS, maxRedirects: 0 });
    this.#client = new connector.TuyaContext({ baseUrl: api, accessKey, secretKey, rpc }).client;
  }

  /** Tell a lot some counts; the command's serial number. It says that they were passed on, not that they are right. */
  async sync(deviceId, body) {
    const path = `/v1.0/parking-control/${deviceId}/records/sync`;
    let answer = await this.#attempt(path, body);
    if (TOKEN_CODES.includes(answer.code)) answer = await this.#attempt(path, body); // once, with a new token
    if (answer.success !== true) throw new CallError(`${answer.code} ${answer.msg}`, answer.code);
    if (typeof answer.result?.sn !== 'string') throw new CallError('the answer has no sn');
    return answer.result.sn;
  }

  async #attempt(path, body) {
    try {
      // The SDK renews a token only after a refusal, by the old signature, which not every project may use. So we do.
      if (!this.#hasToken) await this.#client.init();
      this.#hasToken = true;
      const { data } = await this.#client.request({ method: 'POST', path, body, retry: false });
      if (typeof data !== 'object' || data === null) throw new Error('the answer is no object');
      this.#hasToken = !TOKEN_CODES.includes(data.code);
      return data;
    } catch (error) {
      const [, code] = /^GET_TOKEN_FAILED (\d+)/.exec(error.message) ?? [];
      throw new CallError(error.message, Number(code), TOKEN_KINDS);
    }
  }
}
