import { createHmac, randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PerennialError } from '../core/errors.ts';
import { perennialHome } from '../platform/paths.ts';

/** Bytes of the key. */
const KEY_BYTES = 32;

/**
 * Tells whether a secret is still the same, and nothing else about it: keyed with random bytes that lie on this machine only, never
 * in the store, so that nobody who reads the store can try values against it. Another machine has another key, and a cache of its
 * own for steps with secrets.
 */
export function secretDigest(name: string, value: string): string {
  return createHmac('sha256', key()).update(`${name}\0${value}`).digest('hex').slice(0, 32);
}

function keyFile(): string {
  return join(perennialHome(), 'secrets.key');
}

function key(): Buffer {
  const path = keyFile();
  const found = readKey(path);
  if (found !== undefined) return found;
  mkdirSync(dirname(path), { recursive: true });
  const aside = `${path}.${process.pid}-${randomBytes(4).toString('hex')}`;
  writeFileSync(aside, `${randomBytes(KEY_BYTES).toString('hex')}\n`, { mode: 0o600, flag: 'wx' });
  try {
    linkSync(aside, path);
  } catch (error) {
    // Another process was first: its key is the key.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
  return readKey(path)!;
}

function readKey(path: string): Buffer | undefined {
  try {
    const text = readFileSync(path, 'utf8').trim();
    if (new RegExp(`^[0-9a-f]{${KEY_BYTES * 2}}$`).test(text)) return Buffer.from(text, 'hex');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  throw new PerennialError(
    'CONFIG_INVALID',
    `${path} does not hold the key that tells whether secrets changed (64 hexadecimal characters).`,
    { hint: 'Remove the file: a new key is made, and steps with secrets are computed once more.' },
  );
}
