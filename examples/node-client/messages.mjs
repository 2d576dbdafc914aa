// From a frame of the queue to the report in it. Whatever is damaged, forged or of no known form throws.
import { createDecipheriv, createHash } from 'node:crypto';

export const md5 = (text) => createHash('md5').update(text).digest('hex');

/** The password of the queue. */
export const password = (accessId, secret) => md5(accessId + md5(secret)).slice(8, 24);

/** The status report in a frame. */
export function readReport(frame, secret) {
  const outer = JSON.parse(Buffer.from(frame.payload, 'base64').toString());
  checkSign(outer, secret); // ECB tells nothing of damage
  return JSON.parse(decrypt(Buffer.from(outer.data, 'base64'), secret.slice(8, 24), frame.properties?.em));
}

function checkSign({ sign, ...outer }, secret) {
  const parts = Object.keys(outer).sort().filter((name) => outer[name] !== '' && outer[name] !== null);
  const signed = [...parts.map((name) => `${name}=${outer[name]}`), secret].join('||');
  if (md5(signed) !== sign) throw new Error('the signature is wrong');
}

function decrypt(data, key, encryption) {
  if (encryption !== 'aes_gcm') {
    const decipher = createDecipheriv('aes-128-ecb', key, null);
    return decipher.update(data, undefined, 'utf8') + decipher.final('utf8');
  }
  const decipher = createDecipheriv('aes-128-gcm', key, data.subarray(0, 12));
  decipher.setAuthTag(data.subarray(-16));
  return decipher.update(data.subarray(12, -16), undefined, 'utf8') + decipher.final('utf8');
}

const CODES = { vehicle_pass_record: [0, 'passTime'], temporary_parking_bill: [1, 'payTime'] };

/** The record in a status, as it is stored; nothing if it is none. `recordTime` is the form of its times. */
export function readRecord(deviceId, { code, value }, recordTime) {
  if (!(code in CODES)) return undefined;
  const [type, timeField] = CODES[code];
  const content = JSON.parse(value);
  const direction = type ? null : content.passDirection;
  return { id: String(content.recordId), deviceId, type, direction, at: epochMs(content[timeField], recordTime), content };
}

function epochMs(value, form) {
  const at = form === 'text' || form === 'iso' ? epochMsOf(String(value)) : Number(value);
  if (!Number.isFinite(at)) throw new Error('a time that cannot be read');
  return form === 's' ? at * 1000 : at;
}

function epochMsOf(text) {
  const leap = /:60/.test(text) ? 1000 : 0; // a leap second, of which Date knows nothing
  const known = text.replace(':60', ':59').replace(' ', 'T');
  const hasZone = /(Z|[+-]\d\d:?\d\d)$/.test(known); // a text that names none is in Beijing time
  return Date.parse(hasZone ? known : `${known}+08:00`) + leap;
}
