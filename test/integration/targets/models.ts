import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import type { JsonObject } from '../../../src/core/json.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import type { Registry } from '../../../src/registry/registry.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import type { TargetTools } from '../../../src/targets/target.ts';
import { runSteps } from '../../support/run-steps.ts';
import { tempDir } from '../../support/temp-dir.ts';

/** A model that was trained a little, of a document up to its register step, and rows to ask it about. */
export interface Made {
  readonly model: string;
  readonly rows: readonly JsonObject[];
}

export interface Workshop {
  readonly dir: string;
  readonly tools: TargetTools;
  readonly registry: Registry;
}

export function openWorkshop(): Workshop {
  const store = new MemoryStore();
  const artifacts = createArtifactStore(store, tempDir('blobs'));
  return { dir: tempDir('documents'), tools: { store, artifacts, progress: () => undefined }, registry: createRegistry(store, artifacts) };
}

interface Recipe {
  readonly ingest: JsonObject;
  readonly preprocess: JsonObject;
  readonly train: JsonObject;
  readonly metric: string;
}

export async function trained({ dir, tools }: Workshop, name: string, { ingest, preprocess, train, metric }: Recipe): Promise<void> {
  await runSteps({ dir, store: tools.store, artifacts: tools.artifacts }, `run-${name}`, {
    apiVersion: 'perennial/v1',
    name,
    steps: [
      { uses: 'ingest', with: ingest },
      { uses: 'preprocess', with: preprocess },
      { uses: 'train', with: { epochs: 3, seed: 1, ...train } },
      { uses: 'evaluate', with: { metrics: [metric] } },
      { uses: 'register' },
    ],
  });
}

const random = (seed: number): (() => number) => {
  let state = seed;
  return () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
};

/** Masses in grams from measures and a category: the label is standardized, which is where units go wrong. */
export async function madeTable(workshop: Workshop): Promise<Made> {
  const draw = random(7);
  const rows = Array.from({ length: 120 }, () => {
    const island = ['Biscoe', 'Dream', 'Torgersen'][Math.floor(draw() * 3)]!;
    const length = Math.round(1000 * (170 + 60 * draw())) / 1000;
    const tagged = draw() < 0.5;
    const seen = `2024-0${1 + Math.floor(draw() * 9)}-1${Math.floor(draw() * 9)}T0${Math.floor(draw() * 9)}:00:00Z`;
    return { island, length, tagged, seen, mass: Math.round(3000 + 40 * (length - 170) + (island === 'Dream' ? 300 : 0) + 50 * draw()) };
  });
  const columns = ['island', 'length', 'tagged', 'seen', 'mass'] as const;
  const lines = rows.map((row) => columns.map((name) => String(row[name])).join(','));
  writeFileSync(join(workshop.dir, 'table.csv'), `${columns.join(',')}\n${lines.join('\n')}\n`);
  await trained(workshop, 'mass', {
    ingest: { source: { format: 'csv', path: 'table.csv' }, label: 'mass' },
    preprocess: {
      features: {
        island: ['oneHot'],
        length: [{ impute: 'median' }, 'standardize'],
        tagged: ['oneHot'],
        seen: [{ cyclical: 'month' }],
      },
      label: ['standardize'],
    },
    train: { model: { architecture: 'mlp', units: [16, 8] }, optimizer: { adam: { learningRate: 0.02 } }, epochs: 20 },
    metric: 'meanAbsoluteError',
  });
  const asked = rows.slice(0, 20).map(({ mass: _mass, ...row }) => row);
  return { model: 'mass', rows: [...asked, { island: 'Dream', tagged: null, seen: asked[0]!.seen }] };
}

/** Texts, spoken for by their words. */
export async function madeTexts(workshop: Workshop): Promise<Made> {
  const draw = random(11);
  const words = [
    ['win', 'prize', 'free', 'cash', 'now'],
    ['meet', 'lunch', 'report', 'friday', 'thanks'],
  ];
  const rows = Array.from({ length: 80 }, (_, index) => {
    const own = words[index % 2]!;
    const text = Array.from({ length: 8 }, () => own[Math.floor(draw() * own.length)]).join(' ');
    return { text: `${text}, naïve café №${index}!`, kind: index % 2 === 0 ? 'spam' : 'ham' };
  });
  writeFileSync(join(workshop.dir, 'texts.ndjson'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  await trained(workshop, 'texts', {
    ingest: { source: { format: 'ndjson', path: 'texts.ndjson' }, label: 'kind' },
    preprocess: { features: { text: ['lowercase', { tokenize: { vocabulary: 60, length: 16 } }] } },
    train: {
      model: {
        layers: [
          { type: 'embedding', outputDim: 6 },
          { type: 'globalAveragePooling1d' },
          { type: 'dense', units: 1, activation: 'sigmoid' },
        ],
      },
      loss: 'binaryCrossentropy',
    },
    metric: 'accuracy',
  });
  return { model: 'texts', rows: rows.slice(0, 10).map(({ text }) => ({ text })) };
}

/** Windows of a series. */
export async function madeSeries(workshop: Workshop): Promise<Made> {
  const rows = Array.from({ length: 160 }, (_, day) => ({
    date: new Date(Date.UTC(2024, 0, 1 + day)).toISOString().slice(0, 10),
    heat: Math.round(1000 * (12 + 8 * Math.sin(day / 9))) / 1000,
  }));
  writeFileSync(join(workshop.dir, 'series.csv'), `date,heat\n${rows.map(({ date, heat }) => `${date},${heat}`).join('\n')}\n`);
  await trained(workshop, 'series', {
    ingest: {
      source: { format: 'csv', path: 'series.csv' },
      label: 'heat',
      split: { train: 0.7, validation: 0.15, test: 0.15, by: 'time', column: 'date' },
    },
    preprocess: { features: { heat: ['standardize'] }, label: ['standardize'], sequence: { size: 6, horizon: 1, by: 'date' } },
    train: { model: { architecture: 'rnn', cell: 'lstm', units: [6] } },
    metric: 'meanAbsoluteError',
  });
  return { model: 'series', rows: rows.slice(0, 12) };
}

/** Pictures in folders of their classes. */
export async function madeImages(workshop: Workshop): Promise<Made> {
  const draw = random(5);
  const asked: JsonObject[] = [];
  for (const [kind, tone] of [
    ['dark', 40],
    ['light', 200],
  ] as const) {
    mkdirSync(join(workshop.dir, 'images', kind), { recursive: true });
    for (let index = 0; index < 30; index += 1) {
      const raw = { width: 12, height: 12, channels: 3 as const };
      const pixels = Uint8Array.from({ length: 12 * 12 * 3 }, () => Math.floor(tone + 50 * draw()));
      const png = await sharp(pixels, { raw }).png().toBuffer();
      writeFileSync(join(workshop.dir, 'images', kind, `${index}.png`), png);
      if (index < 3) asked.push({ image: png.toString('base64') });
    }
  }
  await trained(workshop, 'images', {
    ingest: { source: { format: 'images', path: 'images' }, label: 'label' },
    preprocess: { features: { image: [{ resize: [8, 8] }, 'rescale'] } },
    train: { model: { architecture: 'cnn', filters: [4] } },
    metric: 'accuracy',
  });
  return { model: 'images', rows: asked };
}
