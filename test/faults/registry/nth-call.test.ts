import { describe, expect, it } from 'vitest';
import { createRegistry } from '../../../src/registry/registry.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { FaultyStore } from '../../../src/storage/faulty-store.ts';
import { RetryingStore } from '../../../src/storage/retrying-store.ts';
import { ada, scratch, workbench } from '../../contract/registry/models.ts';
import type { Workbench } from '../../contract/registry/models.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { checkHistory, checkVersions } from '../../integration/registry/history-checks.ts';

interface Operation {
  readonly name: string;
  run(bench: Workbench): Promise<unknown>;
  /** After it succeeded, once or repeated. */
  check(bench: Workbench): Promise<void>;
}

const REQUEST = { ...ada, requestId: 'one request' };

const OPERATIONS: readonly Operation[] = [
  {
    name: 'write an artifact',
    run: (bench) => bench.model(9),
    check: async (bench) => {
      const ref = await bench.model(9);
      expect(Buffer.from(await (await bench.artifacts.open(ref)).bytes('weights.bin')).toString()).toBe('weights 9');
    },
  },
  {
    name: 'register',
    run: (bench) => bench.register(9),
    check: async (bench) => expect((await bench.registry.versions('m')).map(({ runId }) => runId)).toEqual(['r1', 'r2', 'r3', 'r9']),
  },
  {
    name: 'register a deleted version again',
    run: async (bench) => {
      await bench.registry.deleteVersion('m', 1, REQUEST).catch((error: { code?: string }) => {
        if (error.code !== 'VERSION_INVALID') throw error;
      });
      await bench.register(1);
    },
    check: async (bench) => expect((await bench.registry.versions('m')).map(({ version }) => version)).toEqual([1, 2, 3]),
  },
  {
    name: 'set an alias',
    run: (bench) => bench.registry.setAlias('m', 'candidate', 3, ada),
    check: async (bench) => expect((await bench.registry.version('m', 'candidate')).version).toBe(3),
  },
  {
    name: 'promote',
    run: (bench) => bench.registry.promote('m', 3, ada),
    check: async (bench) =>
      expect((await bench.registry.routing('m'))!.routing).toMatchObject({ aliases: { champion: 3 }, previous: [2, 1], revision: 3 }),
  },
  {
    name: 'roll back',
    run: (bench) => bench.registry.rollback('m', REQUEST),
    check: async (bench) =>
      expect((await bench.registry.routing('m'))!.routing).toMatchObject({ aliases: { champion: 1 }, pin: { version: 1 }, revision: 3 }),
  },
  {
    name: 'unpin',
    run: async (bench) => {
      await bench.registry.rollback('m', REQUEST);
      await bench.registry.unpin('m', ada);
    },
    check: async (bench) => expect((await bench.registry.routing('m'))!.routing).toMatchObject({ pin: null, revision: 4 }),
  },
  {
    name: 'history',
    run: (bench) => bench.registry.history('m'),
    check: async (bench) => expect(await bench.registry.history('m')).toHaveLength(2),
  },
  { name: 'list', run: async (bench) => [await bench.registry.models(), await bench.registry.versions('m')], check: async () => undefined },
];

/** Some hundred stores are set up here: without forcing every write to the disk. */
const KINDS = [
  { name: 'memory', open: () => new MemoryStore() },
  { name: 'file', open: () => new FileStore(scratch(), { sync: false }) },
];

/** Two promotions behind it: champion 2, before that 1; version 3 waits. */
async function prepared(kind: (typeof KINDS)[number]): Promise<{ faulty: FaultyStore; clean: Workbench; bench: Workbench }> {
  const store = kind.open();
  const clean = workbench(store);
  for (const number of [1, 2, 3]) await clean.register(number);
  for (const version of [1, 2]) await clean.registry.promote('m', version, ada);
  const faulty = new FaultyStore(store);
  return { faulty, clean, bench: workbench(faulty) };
}

describe.each(KINDS)('the n-th call to the store fails: $name', (kind) => {
  describe.each(OPERATIONS)('$name', (operation) => {
    it.each(['before', 'after'] as const)('%s its effect: a retry succeeds, and nothing is lost, duplicated or torn', async (when) => {
      for (let call = 1; ; call += 1) {
        const { faulty, clean, bench } = await prepared(kind);
        faulty.plan = { call, when };
        let failed = false;
        await operation.run(bench).catch((error: unknown) => {
          failed = true;
          expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
        });
        const hit = faulty.faults > 0;
        if (failed) await operation.run(bench);
        await operation.check(clean);
        await checkVersions(clean.registry, 'm');
        await checkHistory(clean.registry, 'm');
        if (!hit) break;
        expect(call).toBeLessThan(200);
      }
    });
  });

  it('a flaky store under the retrying decorator does not show', async () => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const inner = kind.open();
      const faulty = new FaultyStore(inner, { chance: 0.15, seed });
      const store = new RetryingStore(faulty, { firstWaitMs: 0.1, waitMsMax: 1, attemptsMax: 12 });
      const bench = workbench(store);
      await Promise.all([1, 2, 3, 4].map((number) => bench.register(number)));
      for (const version of [1, 2, 3, 4]) await bench.registry.promote('m', version, ada);
      await bench.registry.rollback('m', ada);
      await Promise.all([1, 2, 3].map((number) => bench.registry.setAlias('m', `a${number}`, number, ada)));
      expect(faulty.faults).toBeGreaterThan(5);
      const registry = createRegistry(inner, createArtifactStore(inner, scratch()));
      expect((await registry.routing('m'))!.routing).toMatchObject({ revision: 8, aliases: { champion: 3, a1: 1, a2: 2, a3: 3 } });
      expect(await checkVersions(registry, 'm')).toBe(4);
      await checkHistory(registry, 'm');
    }
  });

  it('a store that goes away for good gives one clear error', async () => {
    const { faulty, bench } = await prepared(kind);
    faulty.plan = { call: 3, persistent: true };
    await expect(bench.register(5)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    faulty.plan = { call: faulty.calls + 1, persistent: true, code: 'STORE_FULL' };
    await expect(bench.model(6)).rejects.toMatchObject({ code: 'STORE_FULL' });
  });
});
