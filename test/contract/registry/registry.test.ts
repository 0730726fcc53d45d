import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../../src/storage/digest.ts';
import { blobKey } from '../../../src/storage/blobs.ts';
import { STORE_KINDS } from '../store/stores.ts';
import type { StoreUnderTest } from '../store/stores.ts';
import { ada, workbench } from './models.ts';
import type { Workbench } from './models.ts';

describe.each(STORE_KINDS)('registry on: $name', (kind) => {
  let opened: StoreUnderTest;
  let bench: Workbench;

  beforeEach(async () => {
    opened = await kind.open();
    bench = workbench(opened.store);
  });
  afterEach(() => opened.close());

  it('numbers versions without gaps and finds them by number, v-number, latest and alias', async () => {
    const { registry } = bench;
    expect([await bench.register(1), await bench.register(2), await bench.register(3)]).toEqual([1, 2, 3]);
    await registry.setAlias('m', 'challenger', 2, ada);
    expect((await registry.version('m', 3)).runId).toBe('r3');
    expect((await registry.version('m', '1')).version).toBe(1);
    expect((await registry.version('m', 'v2')).version).toBe(2);
    expect((await registry.version('m', 'latest')).version).toBe(3);
    expect((await registry.version('m', 'challenger')).version).toBe(2);
    expect((await registry.versions('m')).map(({ version }) => version)).toEqual([1, 2, 3]);
    expect((await registry.models()).map(({ name }) => name)).toEqual(['m']);
  });

  it('is idempotent per model artifact, also at once', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => bench.register(7)));
    expect(new Set(all)).toEqual(new Set([1]));
    expect(await bench.register(7)).toBe(1);
    expect(await bench.register(8)).toBe(2);
  });

  it('gives racing registrations distinct numbers without gaps', async () => {
    const numbers = await Promise.all(Array.from({ length: 12 }, (_, index) => bench.register(index)));
    expect([...numbers].sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
  });

  it('refuses a version that would point at nothing', async () => {
    const ref = await bench.model(1);
    await opened.store.delete(blobKey(sha256('weights 1')));
    const registration = { model: 'm', modelRef: ref, pipeline: 'p', runId: 'r', stepId: 's' };
    await expect(bench.registry.register(registration)).rejects.toMatchObject({
      code: 'OBJECT_NOT_FOUND',
      message: expect.stringContaining('weights.bin'),
    });
    await expect(bench.registry.register({ ...registration, modelRef: { digest: sha256('nothing') } })).rejects.toMatchObject({
      code: 'OBJECT_NOT_FOUND',
    });
    await expect(bench.registry.version('m', 1)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('promotes, remembers the champion before, and tells who, when, from, to and why', async () => {
    const { registry } = bench;
    for (const number of [1, 2]) await bench.register(number);
    const first = await registry.promote('m', 1, ada);
    const second = await registry.promote('m', 'latest', { who: 'run r2', why: 'gates passed', automatic: true, judged: [] });
    expect(first).toMatchObject({ changed: true, from: null, to: 1 });
    expect(second).toMatchObject({ changed: true, from: 1, to: 2, routing: { previous: [1], revision: 2 } });
    expect(await registry.promote('m', 2, ada)).toMatchObject({ changed: false });
    const history = await registry.history('m');
    expect(history.map(({ action, alias, from, to, who, why, automatic }) => ({ action, alias, from, to, who, why, automatic }))).toEqual([
      { action: 'promote', alias: 'champion', from: null, to: 1, who: 'ada', why: 'because', automatic: false },
      { action: 'promote', alias: 'champion', from: 1, to: 2, who: 'run r2', why: 'gates passed', automatic: true },
    ]);
    expect((await bench.register(3), (await registry.version('m', 3)).parent)).toBe(2);
  });

  it('rolls back to the last known good version and pins it against automation and people', async () => {
    const { registry } = bench;
    for (const number of [1, 2, 3, 4]) await bench.register(number);
    for (const version of [1, 2, 3]) await registry.promote('m', version, ada);
    expect(await registry.rollback('m', ada)).toMatchObject({ from: 3, to: 2, pin: { version: 2, by: 'ada', why: 'because' } });
    await expect(registry.promote('m', 4, { ...ada, automatic: true, judged: [] })).rejects.toMatchObject({
      code: 'ROUTING_PINNED',
      hint: expect.stringContaining('unpin'),
    });
    await expect(registry.promote('m', 4, ada)).rejects.toMatchObject({ code: 'ROUTING_PINNED' });
    await registry.setAlias('m', 'challenger', 4, { ...ada, automatic: true });
    expect(await registry.rollback('m', ada)).toMatchObject({ from: 2, to: 1 });
    await expect(registry.rollback('m', ada)).rejects.toMatchObject({ code: 'VERSION_INVALID' });
    expect(await registry.promote('m', 4, { ...ada, unpin: true })).toMatchObject({ from: 1, to: 4, pin: null });
    // Not to 2 or 3, which were rolled back from.
    expect(await registry.rollback('m', ada)).toMatchObject({ from: 4, to: 1 });
    expect(await registry.unpin('m', ada)).toMatchObject({ changed: true, pin: null });
    expect(await registry.unpin('m', ada)).toMatchObject({ changed: false });
    expect(await registry.rollback('m', { ...ada, to: 'v3' })).toMatchObject({ from: 1, to: 3, pin: { version: 3 } });
    expect((await registry.history('m')).map(({ action }) => action)).toEqual([
      'promote',
      'promote',
      'promote',
      'rollback',
      'alias',
      'rollback',
      'promote',
      'rollback',
      'unpin',
      'rollback',
    ]);
  });

  it('does a repeated request once', async () => {
    const { registry } = bench;
    for (const number of [1, 2, 3]) await bench.register(number);
    for (const version of [1, 2, 3]) await registry.promote('m', version, ada);
    const once = await registry.rollback('m', { ...ada, requestId: 'update 17' });
    const again = await registry.rollback('m', { ...ada, requestId: 'update 17' });
    expect([once.from, once.to]).toEqual([3, 2]);
    expect([again.from, again.to]).toEqual([3, 2]);
    expect((await registry.routing('m'))?.routing).toMatchObject({ revision: 4, aliases: { champion: 2 } });
  });

  it('knows what served at a time', async () => {
    const { registry } = bench;
    for (const number of [1, 2]) await bench.register(number);
    const before = new Date(Date.now() - 1);
    await registry.promote('m', 1, ada);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const between = new Date();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await registry.promote('m', 2, ada);
    expect(await registry.historyAt('m', before)).toBeUndefined();
    expect(await registry.historyAt('m', between)).toMatchObject({ champion: 1, aliases: { champion: 1 } });
    expect(await registry.historyAt('m', new Date())).toMatchObject({ champion: 2 });
  });

  it('completes a history whose last entry a crash left out', async () => {
    const { registry } = bench;
    await bench.register(1);
    await registry.promote('m', 1, ada);
    const keys: string[] = [];
    for await (const { key } of opened.store.list('models/m/transitions/')) keys.push(key);
    await opened.store.delete(keys[0]!);
    expect(await registry.history('m')).toHaveLength(1);
    expect(await opened.store.head(keys[0]!)).toBeDefined();
    await opened.store.delete(keys[0]!);
    await registry.setAlias('m', 'candidate', 1, ada);
    expect((await registry.history('m')).map(({ revision }) => revision)).toEqual([1, 2]);
    expect(await opened.store.head(keys[0]!)).toBeDefined();
  });

  it('moves aliases under contention without losing a change', async () => {
    const { registry } = bench;
    for (const number of [1, 2]) await bench.register(number);
    await Promise.all(Array.from({ length: 12 }, (_, index) => registry.setAlias('m', `alias-${index}`, (index % 2) + 1, ada)));
    const routing = (await registry.routing('m'))!.routing;
    expect(Object.keys(routing.aliases)).toHaveLength(12);
    expect(routing.revision).toBe(12);
    expect((await registry.history('m')).map(({ revision }) => revision)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
  });

  it('deletes only what no alias names, keeps the number, and restores it when it is registered again', async () => {
    const { registry } = bench;
    for (const number of [1, 2]) await bench.register(number);
    await registry.promote('m', 2, ada);
    await expect(registry.deleteVersion('m', 2, ada)).rejects.toMatchObject({
      code: 'VERSION_INVALID',
      message: expect.stringContaining('champion'),
    });
    await registry.deleteVersion('m', 1, ada);
    await expect(registry.version('m', 1)).rejects.toMatchObject({ code: 'VERSION_INVALID' });
    await expect(registry.promote('m', 1, ada)).rejects.toMatchObject({ code: 'VERSION_INVALID' });
    expect((await registry.versions('m')).map(({ version }) => version)).toEqual([2]);
    expect(await bench.register(3)).toBe(3);
    expect(await bench.register(1)).toBe(1);
    expect((await registry.versions('m')).map(({ version }) => version)).toEqual([1, 2, 3]);
  });

  it.each(['latest', 'v3', 'V3', '3', '../x', '', 'a b', '__proto__', 'Ünï', 'x'.repeat(64)])('refuses the alias %j', async (alias) => {
    await bench.register(1);
    await expect(bench.registry.setAlias('m', alias, 1, ada)).rejects.toMatchObject({ code: 'NAME_INVALID' });
  });

  it.each(['../m', 'a/b', '', 'M', 'a b', '__proto__', 'ä', '.hidden', 'x'.repeat(64)])('refuses the model name %j', async (name) => {
    await expect(bench.register(1, name)).rejects.toMatchObject({ code: 'NAME_INVALID' });
    await expect(bench.registry.version(name, 1)).rejects.toMatchObject({ code: 'NAME_INVALID' });
  });

  it('takes names that JavaScript objects have', async () => {
    expect(await bench.register(1, 'constructor')).toBe(1);
    await bench.registry.setAlias('constructor', 'tostring', 1, ada);
    await expect(bench.registry.version('constructor', 'valueof')).rejects.toMatchObject({ code: 'VERSION_INVALID' });
    await expect(bench.registry.version('constructor', 'hasOwnProperty')).rejects.toMatchObject({ code: 'VERSION_INVALID' });
  });

  it('names what there is where something is missing', async () => {
    await bench.register(1, 'penguins');
    await bench.registry.promote('penguins', 1, ada);
    await expect(bench.registry.versions('pengiuns')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('Did you mean "penguins"?'),
    });
    await expect(bench.registry.version('penguins', 'champoin')).rejects.toMatchObject({
      code: 'VERSION_INVALID',
      message: expect.stringContaining('Did you mean "champion"?'),
    });
    await expect(bench.registry.version('penguins', 9)).rejects.toMatchObject({
      message: expect.stringContaining('It has the versions 1'),
    });
  });
});
