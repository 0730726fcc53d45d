import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
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
