import { cpSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { packageRoot } from '../../../src/platform/paths.ts';
import { Perennial } from '../../support/perennial.ts';
import { tempDir } from '../../support/temp-dir.ts';

const perennial = new Perennial();
const folder = tempDir('runs');
const runs: string[] = [];

beforeAll(async () => {
  await perennial.up();
  cpSync(join(packageRoot(), 'pipelines/data/penguins.csv'), join(folder, 'rows.csv'));
  writeFileSync(
    join(folder, 'birds.json'),
    JSON.stringify({
      apiVersion: 'perennial/v1',
      name: 'birds',
      parameters: {
        epochs: { type: 'integer', default: 3, description: 'Passes.' },
        rate: { type: 'number', default: 0.01, description: 'Learning rate.' },
      },
      steps: [
        { uses: 'ingest', with: { source: { format: 'csv', path: 'rows.csv' }, label: 'species' } },
        { uses: 'preprocess' },
        {
          uses: 'train',
          with: {
            model: { architecture: 'mlp', units: [8] },
            epochs: '${parameters.epochs}',
            optimizer: { sgd: {} },
            learningRate: '${parameters.rate}',
            histograms: {},
          },
        },
        { uses: 'evaluate' },
        { uses: 'register' },
      ],
    }),
  );
  const start = async (...parameters: string[]): Promise<void> => {
    const answer = await perennial.run(['run', join(folder, 'birds.json'), '--json', ...parameters.flatMap((one) => ['--param', one])]);
    const { pipeline, runId } = answer.json();
    runs.push(`${pipeline}/${runId}`);
  };
  await start();
  const lines = readFileSync(join(folder, 'rows.csv'), 'utf8').trim().split('\n');
  writeFileSync(join(folder, 'rows.csv'), `${[...lines.slice(0, -4), lines[5]!.replace('Torgersen', 'Dream')].join('\n')}\n`);
  await start('epochs=5');
  // Fails in its second epoch.
  await start('epochs=4', 'rate=1e12');
});

test('curves of each run are there, of one that failed too', async () => {
  const shown = (await perennial.here(['runs', 'show', runs[1]!, '--curves', '--json'])).json();
  expect(shown.trainings).toMatchObject([{ step: 'train', state: 'done', epochs: 5, cached: false }]);
  expect(shown.trainings[0].points.map(({ epoch }: { epoch: number }) => epoch)).toEqual([1, 2, 3, 4, 5]);
  const drawn = await perennial.here(['runs', 'show', runs[1]!, '--curves']);
  expect(drawn.stdout).toContain('train: 5 epochs');
  expect(drawn.stdout).toContain('● validation');
  const failed = (await perennial.here(['runs', 'show', runs[2]!, '--curves', '--json'])).json();
  expect(failed).toMatchObject({
    status: 'failed',
    trainings: [{ state: 'failed', why: expect.stringContaining('The loss became') as string }],
  });
  expect((await perennial.here(['runs', 'show', runs[0]!, '--curves', '--follow'])).code).toBe(2);
});

test('runs are listed by what they measured, were given, and are called', async () => {
  expect((await perennial.here(['runs', 'tag', runs[0]!, 'best', 'owner=ada'])).stdout).toBe('Tags: best, owner=ada\n');
  expect((await perennial.here(['runs', 'tag', runs[0]!, '--remove', 'best', '--json'])).json().tags).toEqual({ owner: 'ada' });
  expect((await perennial.here(['runs', 'note', runs[0]!, 'the first one'])).stdout).toContain('Note: the first one (');
  expect((await perennial.here(['runs', 'show', runs[0]!])).stdout).toContain('Tags: owner=ada');
  const listed = async (...options: string[]): Promise<string[]> =>
    (await perennial.here(['runs', 'list', '--json', ...options])).json().runs.map(({ run }: { run: string }) => run);
  expect(await listed('--tag', 'owner=ada')).toEqual([runs[0]]);
  expect(await listed('--tag', 'owner=bob')).toEqual([]);
  expect(await listed('--param', 'epochs=5')).toEqual([runs[1]]);
  expect(await listed('--where', 'accuracy>=0', '--sort', 'started')).toEqual([runs[0], runs[1]]);
  expect(await listed('--where', 'status=failed')).toEqual([runs[2]]);
  expect(await listed('--since', '2100-01-01')).toEqual([]);
  expect((await perennial.here(['runs', 'list', '--metrics', 'all', '--sort', '-param.epochs'])).stdout).toMatch(/accuracy .*f1 /);
  for (const wrong of [
    ['--where', 'accuracy'],
    ['--where', 'accuracy>much'],
    ['--since', 'long ago'],
    ['--sort', 'nothing'],
  ])
    expect((await perennial.here(['runs', 'list', ...wrong])).code).toBe(2);
});

test('two runs are compared: settings, rows, code, and metrics on the same rows', async () => {
  const { comparison } = (await perennial.here(['runs', 'compare', runs[0]!, runs[1]!, '--json'])).json();
  expect(comparison.parameters).toEqual([{ path: 'epochs', values: [3, 5] }]);
  expect(comparison.document).toEqual([{ path: 'train.epochs', values: [3, 5] }]);
  expect(comparison.code).toEqual([]);
  expect(comparison.data).toMatchObject([[{ step: 'ingest', same: false, removed: 4, added: 1 }]]);
  expect(comparison.paired[0].none).toBeUndefined();
  for (const { first, other, difference, low, high } of comparison.paired[0].metrics) {
    expect(difference).toBeCloseTo(other - first, 12);
    expect(low).toBeLessThanOrEqual(difference);
    expect(high).toBeGreaterThanOrEqual(difference);
  }
  expect(comparison.costs).toMatchObject([{ parameters: expect.any(Number) as number, latencyMs: { rows: 100 } }, {}]);
  const text = await perennial.here(['models', 'compare', 'birds', '1', '2', '--no-measure']);
  expect(text.stdout).toContain('train.epochs  3  5');
  const failed = (await perennial.here(['runs', 'compare', runs[0]!, runs[2]!, '--json'])).json();
  expect(failed.comparison.paired[0].none).toContain('was not evaluated');
  expect((await perennial.here(['runs', 'compare', runs[0]!])).code).toBe(2);
  expect((await perennial.here(['runs', 'compare', runs[0]!, runs[0]!])).code).toBe(2);
});

test('TensorBoard events are exported, and it is said how to get TensorBoard', async () => {
  const out = join(folder, 'events');
  const { trainings } = (await perennial.run(['tensorboard', ...runs, '--export', out, '--json'])).json();
  expect(trainings.map(({ state }: { state: string }) => state)).toEqual(['done', 'done', 'failed']);
  expect(readdirSync(join(out, runs[0]!, 'train')).sort()).toEqual([expect.stringContaining('tfevents') as string, 'train', 'validation']);
  const answer = await perennial.run(['tensorboard', runs[0]!], { env: { PATH: '/nonexistent' } });
  expect(answer.code).toBe(1);
  expect(answer.stderr).toContain('pip install tensorboard');
  expect(existsSync(join(perennial.home, 'tensorboard', runs[0]!, 'train', 'train'))).toBe(true);
});
