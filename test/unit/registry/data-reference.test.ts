import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Json } from '../../../src/core/json.ts';
import type { ArtifactStore, ObjectStore } from '../../../src/core/ports.ts';
import { compileText } from '../../../src/config/plan-document.ts';
import type { IngestConfig } from '../../../src/data/ingest/ingest-config.ts';
import { ingest } from '../../../src/data/ingest/ingest.ts';
import { planModels } from '../../../src/planning/plan-model.ts';
import { findReference, fingerprintReference, referenceFor } from '../../../src/registry/data-reference.ts';
import type { FoundReference } from '../../../src/registry/data-reference.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { modelFacts } from '../../support/stored-facts.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { createBench } from '../data/support.ts';
import type { Bench } from '../data/support.ts';

let bench: Bench;
let store: ObjectStore;
let artifacts: ArtifactStore;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(() => bench.close());
beforeEach(() => useStore(new MemoryStore()));

function useStore(one: ObjectStore): void {
  store = one;
  artifacts = createArtifactStore(store, tempDir('data-reference'));
}

const rows = (line: (k: number) => string): string => `mass,city,y\n${Array.from({ length: 200 }, (_, k) => line(k)).join('\n')}\n`;
const usual = (k: number): string => `${(2 + ((k * 37) % 400) / 100).toFixed(2)},${['Rome', 'Oslo'][k % 2]},${'abc'[k % 3]}`;
const config = (path: string, more: Partial<IngestConfig> = {}): IngestConfig => ({ source: { format: 'csv', path }, label: 'y', ...more });

/** A version as a run of a pipeline makes it: its data are compared with what was there before. */
async function register(path: string, { pipeline = 'shop', model = '', promote = true } = {}): Promise<void> {
  const context = { ...bench.context(), store, artifacts, pipeline };
  const { outputs } = await ingest(context, config(path), async (source) => {
    const found = await findReference(store, artifacts, pipeline, config(path));
    return referenceFor(found, source)?.schema;
  });
  const modelRef = await artifacts.write({
    kind: 'model',
    summary: path,
    files: { 'weights.bin': Buffer.from(`${path} ${pipeline} ${model}`) },
    meta: modelFacts({
      output: { kind: 'classes', name: 'y', classes: ['a', 'b', 'c'] } as never,
      dataset: outputs['dataset']!.digest,
    }) as unknown as Json,
  });
  const name = model === '' ? pipeline : model;
  const registry = createRegistry(store, artifacts);
  const { version } = await registry.register({
    model: name,
    modelRef,
    pipeline,
    runId: 'r',
    stepId: 's',
    dataset: outputs['dataset']!.digest,
  });
  if (promote) await registry.promote(name, version, { who: 'test', why: 'test' });
}

const find = (path: string, more: Partial<IngestConfig> = {}, pipeline = 'shop') =>
  findReference(store, artifacts, pipeline, config(path, more));

describe('the reference of data', () => {
  it('is the last version of the model, whatever file that was made from', async () => {
    await bench.file('jan.csv', rows(usual));
    await bench.file(
      'feb.csv',
      rows((k) => usual(k + 3)),
    );
    expect(await find('jan.csv')).toBeUndefined();
    await register('jan.csv');
    expect(await find('feb.csv')).toMatchObject({
      schema: { text: 'shop version 1', labels: [{ name: 'y', kind: 'classes', classes: ['a', 'b', 'c'] }] },
      note: expect.stringContaining('csv feb.csv is another source than that of shop version 1 (csv jan.csv)'),
    });
    await register('feb.csv', { promote: false });
    expect(await find('mar.csv')).toMatchObject({ schema: { text: 'shop version 1' } });
    expect(await find('mar.csv', { reference: { version: 2 } })).toMatchObject({ schema: { text: 'shop version 2' } });
    expect(await find('mar.csv', { reference: { version: 'none' } })).toBeUndefined();
    await expect(find('mar.csv', { reference: { version: 9 } })).rejects.toMatchObject({ code: 'VERSION_INVALID' });
  });

  it('is one that this pipeline made, under whatever name; others share a path and say nothing', async () => {
    await bench.file('jan.csv', rows(usual));
    await register('jan.csv', { pipeline: 'other' });
    expect(await find('jan.csv')).toBeUndefined();
    expect(await find('jan.csv', { reference: { model: 'other' } })).toMatchObject({ schema: { text: 'other version 1' } });
    await register('jan.csv', { model: 'small' });
    expect(await find('feb.csv')).toMatchObject({ schema: { text: 'small version 1' } });
    // Somebody else made the champion.
    await bench.file(
      'two.csv',
      rows((k) => usual(k + 1)),
    );
    await register('two.csv');
    await register('jan.csv', { pipeline: 'import', model: 'shop' });
    expect(await find('feb.csv')).toMatchObject({ schema: { text: 'shop version 1' } });
  });

  it('is none for another question to another table, and that is said', async () => {
    await bench.file('jan.csv', rows(usual));
    await register('jan.csv');
    expect(await find('orders.csv', { label: 'price' })).toEqual({ none: expect.stringContaining('the data are not compared with it') });
    expect(await find('jan.csv', { label: 'city' })).toMatchObject({ schema: { text: 'shop version 1' } });
  });

  it('types the same source again as it was typed: what was read by a reference is read by one', async () => {
    await bench.file('jan.csv', rows(usual));
    await bench.file(
      'feb.csv',
      rows((k) => (k === 7 ? 'oops,Rome,a' : usual(k))),
    );
    await register('jan.csv');
    const first = (await find('jan.csv')) as FoundReference;
    expect(referenceFor(first, first.source)).toBeUndefined();
    expect(fingerprintReference(first, first.source)).toEqual({});
    await register('feb.csv');
    const second = (await find('feb.csv')) as FoundReference;
    expect(referenceFor(second, second.source)?.schema.reading.columns).toContainEqual({ name: 'mass', type: 'number' });
    expect(fingerprintReference(second, second.source)).toEqual({ reference: expect.any(String) });
  });
});

describe('plan', () => {
  const steps = (path: string, more: object = {}) => [
    { uses: 'ingest', with: { source: { format: 'csv', path }, label: 'y', ...more } },
    { uses: 'preprocess' },
    { uses: 'train', with: { model: { architecture: 'mlp', units: [4] } } },
  ];
  async function plan(path: string, more: object = {}) {
    const { plan: compiled, diagnostics } = compileText(
      join(bench.dir, 'p.json'),
      JSON.stringify({ apiVersion: 'perennial/v1', name: 'shop', steps: steps(path, more) }),
    );
    if (compiled === undefined) throw new Error(JSON.stringify(diagnostics));
    return (await planModels(compiled, '2026-01-01T00:00:00Z'))[0]!;
  }

  it('compares the data with those of the last version, as the run does', async () => {
    const before = process.env.PERENNIAL_STORE;
    const folder = tempDir('plan-reference');
    try {
      process.env.PERENNIAL_STORE = `file:${folder}`;
      useStore(new FileStore(folder));
      await bench.file('jan.csv', rows(usual));
      await bench.file(
        'feb.csv',
        rows((k) => usual(k).replace(/^[\d.]+/, (mass) => String(1000 * Number(mass)))),
      );
      await bench.file(
        'mar.csv',
        rows((k) => usual(k).replace(/,c$/, ',a')),
      );
      await register('jan.csv');
      expect((await plan('jan.csv')).notes).toContain('The data were compared with those of shop version 1.');
      expect((await plan('feb.csv')).problem).toMatchObject({
        step: 'ingest',
        code: 'SCHEMA_CHANGED',
        message: expect.stringMatching(/200 values of "mass" .* the unit may be another/),
      });
      expect((await plan('mar.csv')).problem).toMatchObject({
        step: 'ingest',
        message: expect.stringContaining('no row of the class "c" any more'),
      });
      expect((await plan('feb.csv', { reference: { accept: ['mass'] } })).problem).toBeUndefined();
      writeFileSync(join(bench.dir, 'no-folder'), '');
      process.env.PERENNIAL_STORE = `file:${join(bench.dir, 'no-folder', 'store')}`;
      const away = await plan('feb.csv');
      expect(away.problem).toBeUndefined();
      expect(away.notes.join('\n')).toContain('could not be compared with those of the last version');
    } finally {
      if (before === undefined) delete process.env.PERENNIAL_STORE;
      else process.env.PERENNIAL_STORE = before;
    }
  });
});
