import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { secretDigest } from '../../../src/steps/secret-digest.ts';
import { tempDir } from '../../support/temp-dir.ts';

let home: string;
beforeEach(() => {
  home = join(tempDir('digest'), 'not', 'made', 'yet');
  vi.stubEnv('PERENNIAL_HOME', home);
});
afterEach(() => void vi.unstubAllEnvs());

it('a digest stays the same for as long as the key, name and value do', () => {
  const digest = secretDigest('TOKEN', 'hunter22');
  expect(digest).toMatch(/^[0-9a-f]{32}$/);
  expect(secretDigest('TOKEN', 'hunter22')).toBe(digest);
  const others = [secretDigest('TOKEN', 'hunter23'), secretDigest('TOKENS', 'hunter22'), secretDigest('TOKENh', 'unter22')];
  expect(new Set([digest, ...others]).size).toBe(4);
  writeFileSync(join(home, 'secrets.key'), '0'.repeat(64));
  // HMAC-SHA-256 of "TOKEN\0hunter22" with 32 zero bytes, by Python's hmac.
  expect(secretDigest('TOKEN', 'hunter22')).toBe('e45ddbc821599cabcdfd97fada6a1cfb');
});

it('the key is made once, of 64 hexadecimal digits, readable by its owner only, and nothing is left beside it', () => {
  secretDigest('TOKEN', 'x');
  const key = readFileSync(join(home, 'secrets.key'), 'utf8');
  expect(key).toMatch(/^[0-9a-f]{64}\n$/);
  expect(statSync(join(home, 'secrets.key')).mode & 0o777).toBe(0o600);
  secretDigest('TOKEN', 'y');
  expect(readFileSync(join(home, 'secrets.key'), 'utf8')).toBe(key);
  expect(readdirSync(home)).toEqual(['secrets.key']);
});

it.each(['torn', '', '0'.repeat(63), '0'.repeat(65), `${'0'.repeat(64)}\n${'0'.repeat(64)}`, 'G'.repeat(64), 'A'.repeat(64)])(
  'a file that holds %j in place of a key is refused, and left as it is',
  (text) => {
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, 'secrets.key'), text);
    expect(() => secretDigest('TOKEN', 'x')).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', hint: expect.stringContaining('Remove the file') as string }),
    );
    expect(readFileSync(join(home, 'secrets.key'), 'utf8')).toBe(text);
  },
);

it('what cannot be read or made is told as it is', () => {
  mkdirSync(join(home, 'secrets.key'), { recursive: true });
  expect(() => secretDigest('TOKEN', 'x')).toThrow(expect.objectContaining({ code: 'EISDIR' }));
});
