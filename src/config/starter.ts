import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { PerennialError } from '../core/errors.ts';
import { packageRoot } from '../platform/paths.ts';

export interface Starter {
  /** Path of the document, relative to the current folder where it lies below. */
  readonly document: string;
  readonly files: readonly string[];
}

/**
 * Writes `<dir>/<name>/<name>.json` and its data. @throws NAME_INVALID, USAGE where a file is there already
 */
export async function writeStarter(name: string, dir: string): Promise<Starter> {
  if (!/^[a-z0-9][a-z0-9._-]{0,62}$/.test(name))
    throw new PerennialError('NAME_INVALID', `${JSON.stringify(name)} cannot be the name of a pipeline.`);
  const folder = resolve(dir, name);
  const document = join(folder, `${name}.json`);
  const data = join(folder, 'data', 'plants.csv');
  const written: string[] = [];
  for (const [path, text] of [
    [document, `${JSON.stringify(starterDocument(name, folder), null, 2)}\n`],
    [data, plants()],
  ] as const) {
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text, { flag: 'wx' });
    } catch (error) {
      const { code, path: place = path } = error as NodeJS.ErrnoException;
      if (code !== 'EEXIST') throw error;
      throw new PerennialError('USAGE', `${place} is there already; nothing was overwritten.`, {
        hint: 'Choose another name, or another folder with --dir.',
      });
    }
    written.push(short(path));
  }
  return { document: short(document), files: written };
}

function short(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith('..') ? path : near;
}

function starterDocument(name: string, folder: string) {
  const schema = relative(folder, join(packageRoot(), 'schemas/generated/pipeline.schema.json')).replaceAll('\\', '/');
  return {
    $schema: schema.startsWith('.') ? schema : `./${schema}`,
    apiVersion: 'perennial/v1',
    name,
    description: 'Tells two kinds of plants apart by their leaves and where they grow. Replace the source and the label by your own.',
    parameters: { epochs: { type: 'integer', default: 40, minimum: 1, description: 'Passes over the training data.' } },
    steps: [
      {
        uses: 'ingest',
        with: {
          source: { format: 'csv', path: 'data/plants.csv' },
          label: 'kind',
          split: { train: 0.7, validation: 0.15, test: 0.15, by: 'hash', stratify: true },
        },
      },
      {
        uses: 'validate',
        with: {
          expect: [
            { column: 'leaf_length_cm', between: [0, 50] },
            { column: 'soil', in: ['clay', 'loam', 'sand'] },
          ],
        },
      },
      {
        uses: 'preprocess',
        with: {
          features: {
            leaf_length_cm: [{ impute: 'median' }, 'standardize'],
            leaf_width_cm: [{ impute: 'median' }, 'standardize'],
            soil: ['oneHot'],
          },
        },
      },
      {
        uses: 'train',
        with: {
          model: { architecture: 'mlp', units: [16] },
          optimizer: 'adam',
          loss: 'categoricalCrossentropy',
          epochs: '${parameters.epochs}',
          batchSize: 16,
          seed: 1,
        },
      },
      { uses: 'evaluate', with: { metrics: ['accuracy', 'f1'], gates: [{ metric: 'accuracy', atLeast: 0.8 }] } },
      { uses: 'register', with: { alias: 'challenger' } },
      { uses: 'deploy', with: { to: 'server', promote: 'champion' } },
    ],
  };
}

/** 240 made-up plants of two kinds, the same every time, with a few missing values. */
function plants(): string {
  let state = 1;
  const uniform = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const lines = ['leaf_length_cm,leaf_width_cm,soil,kind'];
  for (let row = 0; row < 240; row++) {
    const fern = row % 2 === 0;
    const length = (fern ? 14 : 9) + 1.8 * normal();
    const width = (fern ? 3 : 4.2) + 0.6 * normal();
    const draw = uniform();
    const soil = draw < (fern ? 0.6 : 0.15) ? 'loam' : draw < (fern ? 0.8 : 0.6) ? 'clay' : 'sand';
    lines.push([row % 41 === 7 ? '' : length.toFixed(1), row % 53 === 11 ? '' : width.toFixed(1), soil, fern ? 'fern' : 'ivy'].join(','));
  }
  return `${lines.join('\n')}\n`;
}
