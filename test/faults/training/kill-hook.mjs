// Preloaded into a trainer: ends it with SIGKILL at its n-th file operation on checkpoints and results, a write after half of its
// bytes. What lies on disk changes only there, so that these are all the moments at which a kill can differ from another.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const at = Number(process.env.PERENNIAL_KILL_AT ?? 0);
const files = new Set();
let count = 0;

function due() {
  count += 1;
  return count === at;
}

function end() {
  process.kill(process.pid, 'SIGKILL');
  // The signal is on its way: nothing more is done.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

const { openSync, writeSync, fsyncSync, closeSync, renameSync, rmSync, writeFileSync } = fs;
const watched = (path) => /checkpoints|result/.test(String(path));

fs.openSync = (path, flags, ...rest) => {
  if (watched(path) && flags === 'w' && due()) end();
  const file = openSync(path, flags, ...rest);
  if (watched(path)) files.add(file);
  return file;
};
fs.writeSync = (file, bytes, offset = 0, length = bytes.length - offset, ...rest) => {
  if (files.has(file) && due()) {
    writeSync(file, bytes, offset, length >> 1, ...rest);
    end();
  }
  return writeSync(file, bytes, offset, length, ...rest);
};
fs.fsyncSync = (file) => {
  if (files.has(file) && due()) end();
  fsyncSync(file);
};
fs.closeSync = (file) => {
  files.delete(file);
  closeSync(file);
};
fs.renameSync = (from, to) => {
  if (watched(to) && due()) end();
  renameSync(from, to);
};
fs.rmSync = (path, options) => {
  if (watched(path) && due()) end();
  rmSync(path, options);
};
fs.writeFileSync = (path, data, options) => {
  if (watched(path) && due()) {
    writeFileSync(path, data.slice(0, data.length >> 1), options);
    end();
  }
  writeFileSync(path, data, options);
};
syncBuiltinESMExports();
process.on('exit', () => {
  if (process.env.PERENNIAL_KILL_COUNT !== undefined) writeFileSync(process.env.PERENNIAL_KILL_COUNT, String(count));
});
