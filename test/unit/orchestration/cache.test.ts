import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cacheKey, missReason } from '../../../src/steps/cache.ts';
import type { KeyParts } from '../../../src/steps/cache.ts';
import { secretDigest } from '../../../src/steps/secret-digest.ts';
import { maskResult, redact, rememberSecret, resolveSecrets } from '../../../src/steps/secrets.ts';
import { credentialsIn, programEnvironment, withoutCredentials } from '../../../src/platform/environment.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { spellDuration } from '../../../src/core/duration.ts';
import { differences } from '../../../src/runs/schedule-plan.ts';
import { temporalConfig } from '../../../temporal.config.ts';

const parts: KeyParts = {
  step: 'train@1',
  config: { epochs: 5, model: { units: [8], dropout: 0 } },
  inputs: { examples: 'aa' },
  code: 'c1',
  fingerprint: null,
  libraries: { node: '20' },
  secrets: {},
};

describe('cache key', () => {
  it('does not depend on the order of keys, and on everything else', () => {
    expect(cacheKey({ ...parts, config: { model: { dropout: 0, units: [8] }, epochs: 5 } })).toBe(cacheKey(parts));
    const others: Partial<KeyParts>[] = [
      { step: 'train@2' },
      { config: { epochs: 6 } },
      { inputs: { examples: 'ab' } },
      { inputs: {} },
      { code: 'c2' },
      { fingerprint: 'x' },
      { libraries: { node: '22' } },
      { libraries: { node: '20', '@duckdb/node-api': '1.5.5' } },
      { secrets: { TOKEN: 'aa' } },
    ];
    for (const change of others) expect(cacheKey({ ...parts, ...change })).not.toBe(cacheKey(parts));
  });

  it.each([
    [undefined, parts, 'first run'],
    [parts, { ...parts, config: { epochs: 6, model: { units: [9], dropout: 0 } } }, 'config changed: epochs, model.units'],
    [parts, { ...parts, inputs: { examples: 'bb' } }, 'input examples changed'],
    [parts, { ...parts, code: 'c2', fingerprint: { source: 'x' } }, 'source changed; code changed'],
    [
      { ...parts, fingerprint: { source: 'x', nominalTime: 't' } },
      { ...parts, fingerprint: { source: 'y', nominalTime: 't' } },
      'source changed: source',
    ],
    [parts, { ...parts, step: 'train@2' }, 'step is now train@2, was train@1'],
    [
      { ...parts, secrets: { TOKEN: 'aa' } },
      { ...parts, secrets: { TOKEN: 'bb' }, libraries: { node: '22' } },
      'node is now 22, was 20; the secret TOKEN changed',
    ],
    [parts, parts, 'its cache entry is gone'],
  ])('says why it missed (%#)', (last, now, reason) => {
    expect(missReason(now, last)).toBe(reason);
  });
});

describe('a result that was not kept', () => {
  it('says so the next time', () => {
    expect(missReason(parts, parts, 'its values hold the id of the run')).toBe(
      'its last result was not cached: its values hold the id of the run',
    );
  });
});

describe('secrets', () => {
  it('leave nothing where they are cut, begin alike, are escaped, or have several lines', () => {
    expect(redact('hunter hunter22', ['hunter', 'hunter22'])).toBe('*** ***');
    const secret = 'a"b\\c d\'e$f';
    const texts = [
      secret,
      JSON.stringify({ secret }),
      encodeURIComponent(secret),
      secret.replace(/[$`"\\]/g, '\\$&'),
      secret.replaceAll("'", `'\\''`),
    ];
    for (const text of texts) expect(redact(text, [secret])).not.toMatch(/b.*c.*d/);
    const key = '-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----\n';
    expect(redact('line kqhkiG9w0BAQEF', [key])).toBe('line ***');
    expect(redact({ pin: 12345, n: 1, 'key of hunter22': 'x' }, ['12345', 'hunter22'])).toEqual({ pin: '***', n: 1, 'key of ***': 'x' });
    expect(redact('abc', ['abc'])).toBe('abc');
    expect(redact('abcd', ['abcd'])).toBe('***');
  });

  it('leave references what they are', () => {
    rememberSecret('cafe');
    const digest = `cafe${'0'.repeat(60)}`;
    const result = maskResult({
      outputs: { data: { kind: 'data', digest, summary: 'a cafe' } },
      values: { where: 'the cafe' },
      details: 'cafe',
    });
    expect(result).toEqual({ outputs: { data: { kind: 'data', digest, summary: 'a ***' } }, values: { where: 'the ***' }, details: '***' });
  });

  it('of an environment are told by their names, and by passwords in addresses', () => {
    const environment = {
      AWS_ACCESS_KEY_ID: 'AKIA1',
      AWS_SECRET_ACCESS_KEY: 's1',
      AWS_REGION: 'us-east-1',
      AWS_PROFILE: 'team',
      TEMPORAL_API_KEY: 't1',
      PERENNIAL_API_TOKEN: 'p1',
      PGPASSWORD: 'g1',
      MYSQL_PWD: 'm1',
      PWD: '/work',
      DB: 'postgres://u:pass1@h/db',
      TEMPORAL_TLS_CLIENT_KEY_PATH: '/certs/key.pem',
      TOKENIZERS_PARALLELISM: 'false',
      HOME: '/root',
      LC_ALL: 'C',
      github_token: 'h1',
    };
    expect(credentialsIn(environment).sort()).toEqual(['AKIA1', 'g1', 'h1', 'm1', 'p1', 'pass1', 'postgres://u:pass1@h/db', 's1', 't1']);
    expect(programEnvironment({ MORE: 'x' }, environment)).toEqual({ HOME: '/root', LC_ALL: 'C', PYTHONHASHSEED: '0', MORE: 'x' });
    expect(Object.keys(withoutCredentials(environment)).sort()).toEqual([
      'AWS_PROFILE',
      'AWS_REGION',
      'HOME',
      'LC_ALL',
      'PWD',
      'TEMPORAL_TLS_CLIENT_KEY_PATH',
    ]);
  });

  it('have digests that hold with the key of this machine, and tell nothing without', () => {
    const [first, second] = [tempDir('key'), tempDir('key')];
    const digestIn = (home: string, value: string): string => {
      process.env.PERENNIAL_HOME = home;
      return secretDigest('TOKEN', value);
    };
    const before = process.env.PERENNIAL_HOME;
    try {
      expect(digestIn(first, 'hunter22')).toBe(digestIn(first, 'hunter22'));
      expect(digestIn(first, 'hunter23')).not.toBe(digestIn(first, 'hunter22'));
      expect(digestIn(second, 'hunter22')).not.toBe(digestIn(first, 'hunter22'));
      expect(statSync(join(first, 'secrets.key')).mode & 0o777).toBe(0o600);
      writeFileSync(join(second, 'secrets.key'), 'torn');
      expect(() => digestIn(second, 'x')).toThrow(/does not hold the key/);
    } finally {
      if (before === undefined) delete process.env.PERENNIAL_HOME;
      else process.env.PERENNIAL_HOME = before;
    }
  });

  it('are put in by name at any depth, and taken out of what travels', () => {
    const { config, used } = resolveSecrets(
      { a: { $secret: 'TOKEN' }, b: [{ c: { $secret: 'TOKEN' } }], d: { $secret: 'TOKEN', other: 1 } },
      () => 'hunter22',
    );
    expect(config).toEqual({ a: 'hunter22', b: [{ c: 'hunter22' }], d: { $secret: 'TOKEN', other: 1 } });
    expect(used).toEqual(['hunter22']);
    expect(redact({ message: 'login hunter22 failed', list: ['hunter22'], n: 1 }, used)).toEqual({
      message: 'login *** failed',
      list: ['***'],
      n: 1,
    });
  });

  it('that are missing are named', () => {
    expect(() => resolveSecrets({ a: { $secret: 'NO_SUCH_SECRET' } })).toThrow(/"NO_SUCH_SECRET" is not in the environment/);
  });
});

describe('temporal.config', () => {
  it("takes Temporal's own variables", () => {
    const config = temporalConfig({
      TEMPORAL_ADDRESS: 'x.tmprl.cloud:7233',
      TEMPORAL_NAMESPACE: 'team',
      TEMPORAL_API_KEY: 'k',
      TEMPORAL_GRPC_META_X_TENANT_ID: 't1',
    });
    expect(config).toMatchObject({
      address: 'x.tmprl.cloud:7233',
      namespace: 'team',
      apiKey: 'k',
      tls: true,
      metadata: { 'x-tenant-id': 't1' },
    });
    expect(temporalConfig({}).tls).toBe(false);
    expect(temporalConfig({ TEMPORAL_TLS_CLIENT_CERT_PATH: '/c', TEMPORAL_TLS_CLIENT_KEY_PATH: '/k' }).tls).toEqual({
      certPath: '/c',
      keyPath: '/k',
    });
    expect(temporalConfig({ TEMPORAL_API_KEY: 'k', TEMPORAL_TLS: 'false' }).tls).toBe(false);
  });

  it('refuses what it would have to ignore', () => {
    expect(() => temporalConfig({ TEMPORAL_PROFILE: 'prod' })).toThrow(/TEMPORAL_PROFILE is set, and Perennial does not read it/);
    expect(() => temporalConfig({ PERENNIAL_HEAVY_SLOTS: 'many' })).toThrow(/expected a whole number/);
    expect(() => temporalConfig({ TEMPORAL_TLS: 'perhaps' })).toThrow(/expected true or false/);
  });
});

describe('schedules', () => {
  it('spells times and differences', () => {
    expect([spellDuration(3_600_000), spellDuration(90_000), spellDuration(86_400_000), spellDuration(1_500)]).toEqual([
      '1h',
      '90s',
      '1d',
      '1500ms',
    ]);
    expect(differences({ cron: 'a', overlap: 'SKIP', old: 'x' }, { cron: 'b', overlap: 'SKIP' })).toEqual([
      'cron: a → b',
      'old: x → (none)',
    ]);
  });
});
