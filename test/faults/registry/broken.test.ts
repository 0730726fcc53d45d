import { beforeEach, describe, expect, it } from 'vitest';
import { checkStore } from '../../../src/registry/check-store.ts';
import { storedKinds as kinds } from '../../../src/cli/stored-kinds.generated.ts';
import { collectGarbage } from '../../../src/registry/gc.ts';
import { claimKey, indexKey, routingKey, transitionKey, versionKey } from '../../../src/registry/keys.ts';
import { createVersionSource } from '../../../src/serving/loader.ts';
import { blobKey } from '../../../src/storage/blobs.ts';
import { sha256 } from '../../../src/storage/digest.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { ada, workbench } from '../../contract/registry/models.ts';
import type { Workbench } from '../../contract/registry/models.ts';

let store: MemoryStore;
let bench: Workbench;

/** Two models of three versions; version 3 is the champion of both. */
beforeEach(async () => {
  store = new MemoryStore();
  bench = workbench(store);
  for (const name of ['m', 'other']) {
    for (const number of [1, 2, 3]) {
      await bench.register(number, name);
      await bench.registry.promote(name, number, ada);
    }
  }
});

const tear = async (key: string): Promise<void> => {
  const { body } = await store.get(key);
  await store.put(key, body.slice(0, Math.floor(body.length / 2)));
};
const spoil = (number: number) => store.put(blobKey(sha256(`weights ${number}`)), Buffer.from(`weIghts ${number}`));

describe('one broken thing', () => {
  it('a torn manifest hides its own version alone', async () => {
    await tear(versionKey('m', 2));
    const { versions, problems, routing } = await bench.registry.survey('m');
    expect(versions.map(({ version }) => version)).toEqual([1, 3]);
    expect(problems).toEqual([{ version: 2, message: expect.stringContaining('models/m/versions/2.json') }]);
    expect(routing?.aliases.champion).toBe(3);
    expect((await bench.registry.models()).map(({ name }) => name)).toEqual(['m', 'other']);
    expect(await bench.register(4)).toBe(4);
    await bench.registry.deleteVersion('m', 2, ada);
    expect((await bench.registry.survey('m')).problems).toEqual([]);
  });

  it.each(['null', '[]', '{}', '{"formatVersion":1,"name":"other"}'])(
    'a routing that holds %s is refused by name, and touches no other model',
    async (text) => {
      await store.put(routingKey('m'), Buffer.from(text));
      await expect(bench.registry.promote('m', 1, ada)).rejects.toMatchObject({
        code: 'BLOB_CORRUPT',
        message: expect.stringContaining('models/m/routing.json'),
      });
      expect((await bench.registry.survey('m')).versions).toHaveLength(3);
      expect((await bench.registry.survey('other')).problems).toEqual([]);
      expect((await collectGarbage(store)).items).toEqual([]);
      const source = createVersionSource(store, bench.artifacts);
      expect(await source.rebuiltRouting('m')).toMatchObject({ aliases: { champion: 3 }, previous: [2, 1] });
    },
  );

  it('promote and rollback read every byte of their target and refuse what cannot be served', async () => {
    await spoil(2);
    for (const move of [
      () => bench.registry.rollback('m', ada),
      () => bench.registry.promote('m', 2, ada),
      () => bench.registry.rollback('m', { ...ada, to: 2 }),
    ]) {
      await expect(move()).rejects.toMatchObject({
        code: 'VERSION_INVALID',
        message: expect.stringMatching(/Version 2 of "m" cannot be served: its file "weights.bin" holds other bytes/),
      });
    }
    expect((await bench.registry.routing('m'))?.routing).toMatchObject({ aliases: { champion: 3 }, revision: 3 });
    await store.delete(blobKey(sha256('weights 1')));
    await expect(bench.registry.promote('m', 1, ada)).rejects.toMatchObject({
      code: 'VERSION_INVALID',
      message: expect.stringContaining('is not in the store'),
    });
    // Whoever makes the same content again mends it.
    await bench.model(2);
    expect(await bench.registry.rollback('m', ada)).toMatchObject({ from: 3, to: 2 });
  });

  it('nor is "already so" said of a champion that cannot be served, and nothing is pinned on it', async () => {
    await spoil(3);
    const judged = { ...ada, automatic: true, judged: [] } as const;
    for (const move of [
      () => bench.registry.promote('m', 3, ada),
      () => bench.registry.rollback('m', { ...ada, to: 3 }),
      () => bench.registry.promote('m', 3, judged),
    ])
      await expect(move()).rejects.toMatchObject({
        code: 'VERSION_INVALID',
        message: expect.stringMatching(/Version 3 of "m" cannot be served.*Nothing was changed/),
      });
    expect((await bench.registry.routing('m'))?.routing).toMatchObject({ aliases: { champion: 3 }, revision: 3, pin: null });
  });

  it('a torn routing takes no version out of service, and says what mends it', async () => {
    await bench.registry.deleteVersion('m', 2, ada);
    await tear(routingKey('m'));
    const source = createVersionSource(store, bench.artifacts);
    expect(await source.versions('m')).toEqual([1, 3]);
    // The artifacts of this bench are no networks: that they are opened is what is asked here.
    for (const version of [3, 1])
      await expect(source.load('m', version)).rejects.not.toMatchObject({ message: expect.stringContaining('routing.json') });
    await expect(bench.registry.history('m')).rejects.toMatchObject({
      code: 'BLOB_CORRUPT',
      hint: expect.stringContaining('perennial doctor --store'),
    });
  });

  it('what a deployment says about the fallback is kept with the model', async () => {
    await bench.registry.promote('m', 2, { ...ada, fallback: 'nothing' });
    await bench.registry.promote('m', 1, ada);
    expect((await bench.registry.routing('m'))?.routing.fallback).toBe('nothing');
    expect(await createVersionSource(store, bench.artifacts).routing('m')).toMatchObject({ fallback: 'nothing', previous: [2, 3] });
    expect(await bench.registry.promote('m', 1, { ...ada, fallback: 'previous' })).toMatchObject({ changed: true });
  });
});

describe('a history with a change that was cut off', () => {
  it('says which one is missing, and the last one is written anew', async () => {
    const history = await bench.registry.history('m');
    expect(await bench.registry.historyGaps('m')).toEqual([]);
    await tear(transitionKey(history[1]!));
    await store.delete(transitionKey(history[0]!));
    await tear(transitionKey(history.at(-1)!));
    expect((await bench.registry.history('m')).map(({ revision }) => revision)).toEqual([3]);
    expect(await bench.registry.historyGaps('m')).toEqual([
      { revision: 1, key: null, problem: 'it is not in the store' },
      { revision: 2, key: transitionKey(history[1]!), problem: expect.stringContaining('is not JSON') as string },
    ]);
    await checkStore(store, { repair: true, kinds });
    expect((await checkStore(store, { kinds })).findings.map(({ key }) => key)).toEqual([transitionKey(history[1]!)]);
  });
});

describe('the doctor of the store', () => {
  it('finds nothing in a whole one, and writes nothing', async () => {
    expect(await checkStore(store, { repair: true, kinds })).toMatchObject({ models: 2, versions: 6, findings: [] });
  });

  it('names what is broken or half made, and mends what can be without loss', async () => {
    const { routing } = (await bench.registry.routing('m'))!;
    const digest = (await bench.registry.version('m', 1)).model.digest;
    const third = `artifacts/${(await bench.registry.version('m', 3)).model.digest}.json`;
    await tear(routingKey('m'));
    await tear(claimKey('m', digest));
    await tear(versionKey('other', 1));
    await store.delete(indexKey('other'));
    await store.delete(transitionKey((await bench.registry.routing('other'))!.routing.transition));
    await store.put('cache/x.json', Buffer.from('{"to'));
    await spoil(3);
    const found = await checkStore(store, { kinds });
    expect(found.findings.map(({ key, repairable }) => [key, repairable]).sort()).toEqual(
      [
        [third, false],
        [third, false],
        ['cache/x.json', true],
        [claimKey('m', digest), true],
        [routingKey('m'), true],
        [transitionKey((await bench.registry.routing('other'))!.routing.transition), true],
        [versionKey('other', 1), false],
        [indexKey('other'), true],
      ].sort(),
    );
    const mended = await checkStore(store, { repair: true, kinds });
    expect(mended.findings.filter(({ repaired }) => repaired)).toHaveLength(5);
    expect((await checkStore(store, { kinds })).findings.every(({ repairable }) => !repairable)).toBe(true);
    expect((await bench.registry.routing('m'))?.routing).toEqual(routing);
    expect(await bench.register(1)).toBe(1);
    expect((await bench.registry.models()).map(({ name }) => name)).toEqual(['m', 'other']);
  });
});
