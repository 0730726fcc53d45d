import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { Prng } from '../../../src/core/prng.ts';
import type { ArtifactStore, ObjectStore } from '../../../src/core/ports.ts';
import { runSteps } from '../../support/run-steps.ts';

interface Place {
  readonly dir: string;
  readonly store: ObjectStore;
  readonly artifacts: ArtifactStore;
}

/** Rows of numbers and a color, with a name of their own each. */
export function kindRows(rows: number, seed = 'kinds'): string[] {
  const random = new Prng(seed);
  return Array.from({ length: rows }, (_, row) => {
    const x = random.normal();
    return `n${row},${x.toFixed(4)},${random.uniform() < 0.1 ? '' : (100 * random.uniform()).toFixed(2)},${random.uniform() < 0.5 ? 'red' : 'blue'},${x > 0 ? 'high' : 'low'}`;
  });
}

export const KIND_HEAD = 'name,x,y,color,kind';

export function writeKinds(path: string, rows: readonly string[]): string {
  writeFileSync(path, `${KIND_HEAD}\n${rows.join('\n')}\n`);
  return path;
}

/** Rows of three sensors that take turns: each a series of its own, with a gap in the last one. */
export function seriesRows(moments: number): string[] {
  return Array.from({ length: moments }, (_, at) =>
    ['a', 'b', 'c'].flatMap((sensor, index) =>
      sensor === 'c' && at % 50 === 49
        ? []
        : [`${new Date(Date.UTC(2026, 0, 1, at)).toISOString()},${sensor},${(Math.sin(at / 5 + index) + index).toFixed(4)}`],
    ),
  ).flat();
}

export const SERIES_HEAD = 'at,sensor,level';

async function register(place: Place, name: string, steps: readonly unknown[]): Promise<void> {
  await runSteps(place, name, { apiVersion: 'perennial/v1', name, steps: [...steps, { uses: 'register', with: { alias: null } }] });
}

/** A classifier of tables. */
export async function registerKinds(place: Place, epochs = 2, name = 'kinds'): Promise<void> {
  writeKinds(join(place.dir, 'kinds.csv'), kindRows(200, 'train'));
  await register(place, name, [
    { uses: 'ingest', with: { source: { format: 'csv', path: 'kinds.csv' }, label: 'kind' } },
    {
      uses: 'preprocess',
      with: { features: { x: ['standardize'], y: [{ impute: 'median' }, 'standardize'], color: ['oneHot'] } },
    },
    { uses: 'train', with: { model: { architecture: 'mlp', units: [6] }, epochs } },
  ]);
}

/** A forecast from windows of several series. */
export async function registerSeries(place: Place): Promise<void> {
  writeFileSync(join(place.dir, 'series.csv'), `${SERIES_HEAD}\n${seriesRows(120).join('\n')}\n`);
  await register(place, 'levels', [
    {
      uses: 'ingest',
      with: {
        source: { format: 'csv', path: 'series.csv' },
        label: 'level',
        split: { by: 'time', column: 'at', train: 0.6, validation: 0.2, test: 0.2 },
      },
    },
    { uses: 'preprocess', with: { features: { level: ['standardize'] }, sequence: { by: 'at', key: 'sensor', size: 5 } } },
    { uses: 'train', with: { model: { architecture: 'rnn', units: [4] }, epochs: 1 } },
  ]);
}

/** Pictures of 6 × 6 pixels, dark or bright, in a folder for each class. */
export async function writePictures(folder: string, each: number): Promise<void> {
  for (const [name, level] of [
    ['dark', 40],
    ['bright', 210],
  ] as const) {
    mkdirSync(join(folder, name), { recursive: true });
    for (let index = 0; index < each; index += 1)
      await sharp({ create: { width: 6, height: 6, channels: 3, background: { r: level + index, g: level, b: level } } })
        .png()
        .toFile(join(folder, name, `${index}.png`));
  }
}

export async function registerPictures(place: Place): Promise<void> {
  await writePictures(join(place.dir, 'pictures'), 20);
  await register(place, 'pictures', [
    {
      uses: 'ingest',
      with: { source: { format: 'images', path: 'pictures' }, split: { train: 0.6, validation: 0.2, test: 0.2, by: 'random' } },
    },
    { uses: 'preprocess', with: { features: { image: [{ resize: [6, 6] }, 'rescale'] } } },
    { uses: 'train', with: { model: { layers: [{ type: 'flatten' }, { type: 'dense', units: 2, activation: 'softmax' }] }, epochs: 2 } },
  ]);
}
