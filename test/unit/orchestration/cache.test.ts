import { describe, expect, it } from 'vitest';
import { cacheKey, missReason } from '../../../src/orchestration/cache.ts';
import type { KeyParts } from '../../../src/orchestration/cache.ts';
import { redact, resolveSecrets } from '../../../src/orchestration/secrets.ts';
import { differences, spell } from '../../../src/orchestration/schedule-plan.ts';
import { temporalConfig } from '../../../temporal.config.ts';

const parts: KeyParts = { step: 'train@1', config: { epochs: 5, model: { units: [8], dropout: 0 } }, inputs: { examples: 'aa' }, code: 'c1', fingerprint: null };

describe('cache key', () => {
  it('does not depend on the order of keys, and on everything else', () => {
    expect(cacheKey({ ...parts, config: { model: { dropout: 0, units: [8] }, epochs: 5 } })).toBe(cacheKey(parts));
    const others: Partial<KeyParts>[] = [{ step: 'train@2' }, { config: { epochs: 6 } }, { inputs: { examples: 'ab' } }, { inputs: {} }, { code: 'c2' }, { fingerprint: 'x' }];
    for (const change of others) expect(cacheKey({ ...parts, ...change })).not.toBe(cacheKey(parts));
  });

  it.each([
    [undefined, parts, 'first run'],
    [parts, { ...parts, config: { epochs: 6, model: { units: [9], dropout: 0 } } }, 'config changed: epochs, model.units'],
    [parts, { ...parts, inputs: { examples: 'bb' } }, 'input examples changed'],
    [parts, { ...parts, code: 'c2', fingerprint: { source: 'x' } }, 'source changed; code changed'],
    [{ ...parts, fingerprint: { source: 'x', nominalTime: 't' } }, { ...parts, fingerprint: { source: 'y', nominalTime: 't' } }, 'source changed: source'],
    [parts, { ...parts, step: 'train@2' }, 'step is now train@2, was train@1'],
    [parts, parts, 'its cache entry is gone'],
  ])('says why it missed (%#)', (last, now, reason) => {
    expect(missReason(now, last)).toBe(reason);
  });
});

describe('secrets', () => {
  it('are put in by name at any depth, and taken out of what travels', () => {
    const { config, used } = resolveSecrets({ a: { $secret: 'TOKEN' }, b: [{ c: { $secret: 'TOKEN' } }], d: { $secret: 'TOKEN', other: 1 } }, () => 'hunter22');
    expect(config).toEqual({ a: 'hunter22', b: [{ c: 'hunter22' }], d: { $secret: 'TOKEN', other: 1 } });
    expect(used).toEqual(['hunter22']);
    expect(redact({ message: 'login hunter22 failed', list: ['hunter22'], n: 1 }, used)).toEqual({ message: 'login *** failed', list: ['***'], n: 1 });
  });

  it('that are missing are named', () => {
    expect(() => resolveSecrets({ a: { $secret: 'NO_SUCH_SECRET' } })).toThrow(/"NO_SUCH_SECRET" is not in the environment/);
  });
});

describe('temporal.config', () => {
  it('takes Temporal\'s own variables', () => {
    const config = temporalConfig({ TEMPORAL_ADDRESS: 'x.tmprl.cloud:7233', TEMPORAL_NAMESPACE: 'team', TEMPORAL_API_KEY: 'k', TEMPORAL_GRPC_META_X_TENANT_ID: 't1' });
    expect(config).toMatchObject({ address: 'x.tmprl.cloud:7233', namespace: 'team', apiKey: 'k', tls: true, metadata: { 'x-tenant-id': 't1' } });
    expect(temporalConfig({}).tls).toBe(false);
    expect(temporalConfig({ TEMPORAL_TLS_CLIENT_CERT_PATH: '/c', TEMPORAL_TLS_CLIENT_KEY_PATH: '/k' }).tls).toEqual({ certPath: '/c', keyPath: '/k' });
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
    expect([spell(3_600_000), spell(90_000), spell(86_400_000), spell(1_500)]).toEqual(['1h', '90s', '1d', '1500ms']);
    expect(differences({ cron: 'a', overlap: 'SKIP', old: 'x' }, { cron: 'b', overlap: 'SKIP' })).toEqual(['cron: a → b', 'old: x → (none)']);
  });
});
