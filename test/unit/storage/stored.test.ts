import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/core/json.ts';
import { checkStore } from '../../../src/registry/check-store.ts';
import { storedKinds as kinds } from '../../../src/cli/stored-kinds.generated.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { readRouting } from '../../../src/registry/routing.ts';
import { readVersion } from '../../../src/registry/versions.ts';
import { readTriggers } from '../../../src/runs/trigger-record.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { putJson } from '../../../src/storage/json-objects.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { COUNT, TEXT, defineStored, readStored, recordSchema } from '../../../src/storage/stored.ts';
import { decodeCheckpoint, encodeCheckpoint } from '../../../src/training/trainer/checkpoint.ts';
import { tempDir } from '../../support/temp-dir.ts';

interface Thing {
  readonly formatVersion: 3;
  readonly name: string;
  readonly size: number;
}

const THING = defineStored<Thing>({
  name: 'thing',
  formatVersion: 3,
  unmarked: 1,
  schema: recordSchema({ name: TEXT, size: COUNT }),
  upgrades: {
    1: (record) => ({ ...record, formatVersion: 2, name: record['title']! }),
    2: (record) => ({ ...record, formatVersion: 3, size: Number(record['size']) }),
  },
});

describe('a stored record', () => {
  it.each<[string, JsonObject]>([
    ['the first, which did not say its format', { title: 'a', size: '2' }],
    ['the second', { formatVersion: 2, name: 'a', size: '2' }],
    ['that of now', { formatVersion: 3, name: 'a', size: 2 }],
  ])('of any format ever written is read as that of now: %s', (_, record) => {
    expect(readStored(THING, record, 'here')).toMatchObject({ formatVersion: 3, name: 'a', size: 2 });
  });

  it.each<[unknown, string]>([
    [null, 'here: no thing: it is null'],
    [[], 'here: no thing: it is []'],
    [{ formatVersion: 'x' }, 'its "formatVersion" is "x"'],
    [{ formatVersion: 0 }, 'its "formatVersion" is 0'],
    [{ formatVersion: 3, name: 'a' }, "it must have required property 'size'"],
    [{ formatVersion: 3, name: 'a', size: -1 }, '"size" must be >= 0. It holds {"formatVersion":3,"name":"a","size":-1}'],
  ])('that is broken is told with what it holds: %j', (record, message) => {
    expect(() => readStored(THING, record, 'here')).toThrow(
      expect.objectContaining({ code: 'BLOB_CORRUPT', message: expect.stringContaining(message) as string }),
    );
  });

  it('of a newer version asks for that version', () => {
    expect(() => readStored(THING, { formatVersion: 4 }, 'here')).toThrow(
      expect.objectContaining({
        code: 'PIPELINE_OUTDATED',
        message: 'here: thing of format 4; this version of Perennial reads up to format 3.',
      }),
    );
  });

  it('that is made again by itself may leave old formats behind', () => {
    const entry = defineStored<Thing>({ name: 'entry', formatVersion: 3, oldest: 3, schema: THING.schema });
    expect(() => readStored(entry, { formatVersion: 2, name: 'a', size: 1 }, 'here')).toThrow(
      'format 2 is not read any more, from 3 on it is',
    );
  });

  it('has an upgrade from every format that is still read', () => {
    expect(() => defineStored<Thing>({ name: 'thing', formatVersion: 3, schema: {}, upgrades: { 1: (record) => record } })).toThrow(
      'Nothing upgrades thing from format 2 to 3.',
    );
  });
});

describe('records of the registry', () => {
  const manifest = {
    formatVersion: 1,
    name: 'm',
    version: 1,
    id: 'a',
    createdAt: '2026-01-01T00:00:00.000Z',
    createdBy: 'ada',
    description: '',
    tags: {},
    pipeline: 'm',
    runId: 'r',
    stepId: 'register',
    planRevision: '',
    model: { kind: 'model', digest: 'd', summary: '' },
    evaluation: null,
    dataset: null,
    metrics: {},
    verdict: null,
    signature: null,
    parent: null,
  };

  it.each([
    ['another model', { ...manifest, name: 'n' }, 'it is about "n", and lies where that of "m" belongs'],
    ['another version', { ...manifest, version: 2 }, 'it is about version 2, and lies where that of version 1 belongs'],
    ['a metric that is no number', { ...manifest, metrics: { accuracy: 'high' } }, '"metrics.accuracy" must be number'],
    ['no digest', { ...manifest, model: {} }, '"model" must have required property \'digest\''],
  ])('are those of their key: %s', async (_, record, message) => {
    const store = new MemoryStore();
    await putJson(store, 'models/m/versions/1.json', record);
    await expect(readVersion(store, 'm', 1)).rejects.toMatchObject({
      code: 'BLOB_CORRUPT',
      message: expect.stringContaining(message) as string,
    });
    await expect(readVersion(store, 'm', 1)).rejects.toThrow('"models/m/versions/1.json": no manifest of a version');
  });

  it('of a newer version are neither read nor repaired, and hide nothing else', async () => {
    const store = new MemoryStore();
    await putJson(store, 'registry/models/m.json', { formatVersion: 2, name: 'm' });
    await putJson(store, 'models/m/versions/1.json', manifest);
    await putJson(store, 'models/m/versions/2.json', { ...manifest, version: 2, formatVersion: 2 });
    await putJson(store, 'models/m/routing.json', { formatVersion: 2, name: 'm', champions: [2] });
    await putJson(store, 'models/m/by-digest/d.json', { formatVersion: 2, versions: [1] });
    const before = await Promise.all(
      ['registry/models/m.json', 'models/m/routing.json', 'models/m/by-digest/d.json'].map((key) => store.get(key)),
    );
    const registry = createRegistry(store, createArtifactStore(store, tempDir('blobs')));
    expect((await registry.models()).map(({ name }) => name)).toEqual(['m']);
    const { versions, problems } = await registry.survey('m');
    expect(versions.map(({ version }) => version)).toEqual([1]);
    expect(problems.map(({ message }) => message)).toEqual([
      expect.stringContaining('routing of a model of format 2'),
      expect.stringContaining('manifest of a version of format 2'),
    ]);
    await expect(readRouting(store, 'm')).rejects.toMatchObject({ code: 'PIPELINE_OUTDATED' });
    const { findings } = await checkStore(store, { repair: true, kinds });
    expect(findings.filter(({ repaired }) => repaired)).toEqual([]);
    expect(findings.filter(({ fix }) => fix.includes('newer version')).map(({ key }) => key)).toEqual([
      'registry/models/m.json',
      'models/m/routing.json',
      'models/m/by-digest/d.json',
    ]);
    const after = await Promise.all(
      ['registry/models/m.json', 'models/m/routing.json', 'models/m/by-digest/d.json'].map((key) => store.get(key)),
    );
    expect(after.map(({ etag }) => etag)).toEqual(before.map(({ etag }) => etag));
  });
});

it('a record of triggers says how counting begins anew', async () => {
  const store = new MemoryStore();
  await putJson(store, 'triggers/p.json', { formatVersion: 1, attempts: 'two', run: 'r' });
  await expect(readTriggers(store, 'p')).rejects.toMatchObject({
    code: 'BLOB_CORRUPT',
    message: expect.stringContaining('"attempts" must be integer') as string,
    hint: 'Delete the object: counting begins anew.',
  });
});

it('a checkpoint whose header lost a member is corrupt', () => {
  const position = { epoch: 1, batch: 0, step: 1, sums: [Number.NaN], counted: 1, rows: 1, callbacks: [], bestEpoch: null, history: [] };
  const checkpoint = { position, state: new Map([['w', new Float32Array([1, 2])]]), best: undefined };
  expect(decodeCheckpoint(Buffer.concat(encodeCheckpoint('b', checkpoint))).checkpoint.position).toMatchObject({ step: 1 });
  const { step: _, ...lost } = position;
  expect(() => decodeCheckpoint(Buffer.concat(encodeCheckpoint('b', { ...checkpoint, position: lost as typeof position })))).toThrow(
    expect.objectContaining({ code: 'CHECKPOINT_CORRUPT' }),
  );
});
