// One process for each folder: others stand by. The operating system forgets a name with its process, however that ends.
import net from 'node:net';
import path from 'node:path';
import { md5 } from './messages.mjs';

const PREFIXES = { linux: '\0', win32: '\\\\.\\pipe\\' };

/** Whether no other process has this folder. Where the system has no such names, nobody looks. */
export function isAlone(folder) {
  const prefix = PREFIXES[process.platform];
  if (prefix === undefined) return Promise.resolve(true);
  const server = net.createServer().unref();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(`${prefix}parking-${md5(path.resolve(folder))}`, () => resolve(true));
  });
}
