import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { gather } from '../../../src/steps/artifact-files.ts';
import { guardProgram } from '../../../src/steps/guarded-artifacts.ts';
import { redact, rememberSecret } from '../../../src/steps/secrets.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { tempDir } from '../../support/temp-dir.ts';

/** Every spelling that Python's own library makes of a text, whole or inside another one. */
const PYTHON = `
import base64, html, json, sys, urllib.parse
secret = json.load(sys.stdin)
b = secret.encode()
pairs = ("user:" + secret).encode(), ("api-user:" + secret + "\\n").encode(), ("u:" + secret + "x").encode()
print(json.dumps([
  json.dumps(secret), json.dumps({"a": secret}, ensure_ascii=False), json.dumps(json.dumps(secret)), repr(secret), ascii(secret), repr(b), b.hex(),
  urllib.parse.quote(secret), urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret), urllib.parse.urlencode({"q": secret}),
  html.escape(secret), *[base64.b64encode(one).decode() for one in (b, *pairs)], *[base64.urlsafe_b64encode(one).decode() for one in (b, *pairs)],
]))
`;

const spelt = (secret: string): string[] =>
  JSON.parse(execFileSync('python3', ['-c', PYTHON], { input: JSON.stringify(secret), encoding: 'utf8' })) as string[];

it.each(['Zq7-corréct+horse!battery*staple(9)x~Wv3', 'a/b c=d&e"f\'g\\\\h<i>', 'tok_ABCDEFGHIJ0123456789', 'пароль-密码-😀-x'])(
  'whatever Python makes of %s is hidden',
  (secret) => {
    const [longest] = [...secret.matchAll(/[A-Za-z0-9]+/g)].map(([word]) => word).sort((a, b) => b.length - a.length);
    for (const text of spelt(secret)) {
      const hidden = redact(text, [secret]);
      expect(hidden, text).toContain('***');
      if (longest!.length > 3) expect(hidden).not.toContain(longest);
    }
  },
);

it('base64 is hidden wherever the secret begins in it, but for the characters that it shares with its neighbours', () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 12, maxLength: 40 }),
      fc.string({ maxLength: 9 }),
      fc.string({ maxLength: 9 }),
      (secret, before, after) => {
        fc.pre(secret.trim() === secret);
        const text = Buffer.from(before + secret + after).toString('base64');
        const hidden = redact(text, [secret]);
        expect(hidden).toContain('***');
        expect(hidden.length).toBeLessThanOrEqual(text.length - Math.floor((Buffer.byteLength(secret) * 8) / 6) + 2 + 4);
      },
    ),
    { numRuns: 200 },
  );
});

it('what is cut off is cut off after it was hidden, and files with any spelling are refused', async () => {
  const secret = 'tok_QRSTUVWXYZabcdef-0123456789-QRSTUVWX';
  rememberSecret(secret);
  const folder = tempDir('cut');
  writeFileSync(join(folder, 'summary.txt'), `${'x'.repeat(165)} ${secret}`);
  const artifacts = guardProgram(createArtifactStore(new MemoryStore(), tempDir('cut-cache')));
  const ref = await gather(artifacts, 'data', 'o', folder);
  expect(ref.summary).toBe(`${'x'.repeat(165)} ***`);
  mkdirSync(join(folder, 'sub'));
  writeFileSync(join(folder, 'sub', 'debug.txt'), `Authorization: Basic ${Buffer.from(`user:${secret}`).toString('base64')}`);
  await expect(gather(artifacts, 'data', 'o', folder)).rejects.toMatchObject({ code: 'STEP_FAILED' });
});

const SECRET = 's3cr3t-Zq9xW7vKp2+Lm/4=T';
const each = (spell: (code: number, character: string) => string, secret = SECRET, between = ''): string =>
  [...secret].map((character) => spell(character.codePointAt(0)!, character)).join(between);
const hex = (code: number): string => code.toString(16).padStart(2, '0');

it.each([
  ['percent-encoded byte by byte', each((code) => `%${hex(code)}`)],
  ['percent-encoded three times', each((code) => `%2525${hex(code)}`)],
  ['hexadecimal with colons', each(hex, SECRET, ':')],
  ['hexadecimal with spaces', each(hex, SECRET, ' ')],
  [
    'hexadecimal in groups',
    Buffer.from(SECRET)
      .toString('hex')
      .replace(/.{4}(?=.)/g, '$& '),
  ],
  ['a list of hexadecimal numbers', each((code) => `0x${hex(code)}`, SECRET, ', ')],
  ['a list of decimal numbers', `[${each(String, SECRET, ', ')}]`],
  ['escapes of bytes', each((code) => `\\x${hex(code)}`)],
  ['octal escapes', each((code) => `\\${code.toString(8).padStart(3, '0')}`)],
  ['escapes of JSON', each((code) => `\\u00${hex(code)}`)],
  ['escapes of JSON in JSON', JSON.stringify(JSON.stringify(each((code) => `\\u00${hex(code)}`)))],
  ['escapes of Python', each((code) => `\\U000000${hex(code)}`)],
  ['escapes of ECMAScript', each((code) => `\\u{${hex(code)}}`)],
  ['decimal references', each((code) => `&#${code};`)],
  ['hexadecimal references', each((code) => `&#x${hex(code)};`)],
  ['references that were escaped again', each((code) => `&amp;#x${hex(code)};`)],
  ['a mixture', each((code, character) => [character, `%${hex(code)}`, `\\x${hex(code)}`, `&#${code};`, `\\u00${hex(code)}`][code % 5]!)],
  ['UTF-16', each((_, character) => `${character}\0`)],
  ['a cut by NUL', `${SECRET.slice(0, 9)}\0${SECRET.slice(9)}`],
  ['a cut by a carriage return', `${SECRET.slice(0, 9)}\r${SECRET.slice(9)}`],
  ['base64 of UTF-16', Buffer.from(SECRET, 'utf16le').toString('base64')],
  ['itself', SECRET],
])('a secret as %s is hidden, in a line and in a file', async (_name, spelt) => {
  expect(redact(`before ${spelt} after`, [SECRET])).toMatch(/^before \[?"*\\*"*\*\*\*\0?\\*"*\]? ?after$/);
  rememberSecret(SECRET);
  const folder = tempDir('spelt');
  writeFileSync(join(folder, 'summary.txt'), 'x');
  writeFileSync(join(folder, 'x.log'), `before ${spelt} after`);
  const artifacts = guardProgram(createArtifactStore(new MemoryStore(), tempDir('spelt-cache')));
  await expect(gather(artifacts, 'data', 'o', folder)).rejects.toMatchObject({ code: 'STEP_FAILED' });
});

it.each(['utf16le', 'utf16be'])('a file in %s that holds a secret is refused', async (order) => {
  const secret = 'пароль-密码-Zq9xW7vKp2';
  rememberSecret(secret);
  const folder = tempDir('wide');
  writeFileSync(join(folder, 'summary.txt'), 'x');
  const bytes = Buffer.from(`key: ${secret}\r\n`, 'utf16le');
  writeFileSync(join(folder, 'x.txt'), order === 'utf16le' ? bytes : bytes.swap16());
  const artifacts = guardProgram(createArtifactStore(new MemoryStore(), tempDir('wide-cache')));
  await expect(gather(artifacts, 'data', 'o', folder)).rejects.toMatchObject({ code: 'STEP_FAILED' });
});

it('JSON in JSON in JSON leaves nothing of a secret with quotes', () => {
  const secret = 'pa"ss\\wo\'rd/93c1"x';
  let text = secret;
  for (let level = 0; level < 4; level += 1) {
    text = JSON.stringify(text);
    expect(redact(text, [secret])).toMatch(/^\\*"?[\\"]*\*\*\*[\\"]*$/);
  }
});

it.each([64, 76])('base64 of a key of several lines is hidden in every line of %i columns', (columns) => {
  const body = randomBytes(600).toString('base64').replace(/.{64}/g, '$&\n');
  const key = `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`;
  for (const before of ['', 'a', 'ab']) {
    const lines = Buffer.from(before + key + 'rest of the text')
      .toString('base64')
      .match(new RegExp(`.{1,${columns}}`, 'g'))!;
    for (const line of lines.slice(1, -1)) expect(redact(line, [key])).toBe('***');
  }
});

it('ordinary text stays as it is', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../README.md'), 'utf8');
  const digests = Array.from({ length: 200 }, () => randomBytes(32).toString('hex')).join(' ');
  const encoded = Array.from({ length: 50 }, () => randomBytes(300).toString('base64')).join('\n');
  const numbers = Array.from({ length: 500 }, (_, index) => (index * 37) % 255).join(', ');
  for (const one of [text, JSON.stringify(text), encodeURIComponent(text), digests, encoded, numbers])
    expect(redact(one, [SECRET, 'tok_ABCDEFGHIJ0123456789'])).toBe(one);
});

it('ends with a long line, whatever it holds', () => {
  const secrets = Array.from({ length: 20 }, (_, index) => `${index}${SECRET}${index}`);
  // A time that grew with the square of the length would be hours.
  for (const unit of ['\\', '%25', '&amp;', '&#0', '0x', '\\x7', '73 ', '7', 'a', '1, ', '\0', '%', 's3cr3t-', '\\u00'])
    for (const end of ['', '!']) {
      const text = unit.repeat(Math.ceil(500_000 / unit.length)) + end;
      expect(redact(text, secrets) === text, JSON.stringify(unit)).toBe(true);
    }
});
