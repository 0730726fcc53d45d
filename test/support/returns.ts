import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Prng } from '../../src/core/prng.ts';
import type { JsonObject } from '../../src/core/json.ts';

const ROWS = 1_500;

/** Orders of which some come back: what is known of them tells about nine of ten. */
function orders(): string {
  const random = new Prng('orders', 7);
  const lines = Array.from({ length: ROWS }, (_, index) => {
    const amount = 50 + 15 * random.normal();
    const age = 40 + 12 * random.normal();
    const visits = random.below(21);
    const channel = ['web', 'web', 'shop', 'phone'][random.below(4)]!;
    const score = (3.2 * (amount - 50)) / 15 + (1.6 * (age - 40)) / 12 - (0.8 * (visits - 10)) / 6 + (channel === 'phone' ? 1.2 : 0);
    const returned = random.uniform() < 1 / (1 + Math.exp(-2.2 * score));
    const at = `2026-01-${String(1 + (index % 28)).padStart(2, '0')}T00:00:00Z`;
    return `${amount.toFixed(2)},${age.toFixed(1)},${visits},${channel},${at},${returned ? 'yes' : 'no'}\n`;
  });
  return `amount,age,visits,channel,at,returned\n${lines.join('')}`;
}

/**
 * A document that keeps itself alive, with its table: it takes recent rows, stops for broken data, retrains on drift and on a worse
 * accuracy, and rolls back what people take for wrong.
 *
 * @param on other triggers
 * @param margin of accuracy that a challenger may be behind the champion
 * @returns the path of the document
 */
export function writeReturns(folder: string, on: JsonObject = {}, margin = 0.01): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'returns.csv'), orders());
  // Beyond what was seen at training a network only guesses: a column in another unit must not drown all others.
  const number = [{ impute: 'median' }, 'standardize', { clip: [-4, 4] }];
  const document = {
    apiVersion: 'perennial/v1',
    name: 'returns',
    steps: [
      {
        uses: 'ingest',
        with: {
          source: { format: 'csv', path: 'returns.csv' },
          label: 'returned',
          mode: 'recent',
          time: { column: 'at' },
          recent: { last: '14d' },
          split: { train: 0.7, validation: 0.1, test: 0.2, by: 'hash' },
        },
      },
      {
        uses: 'validate',
        with: {
          expect: ['amount', 'age'].flatMap((column) => [
            { column, between: [-200, 400] },
            { column, notNull: true },
          ]),
          onViolation: 'quarantine',
          budget: 0.35,
        },
      },
      {
        uses: 'preprocess',
        with: {
          features: { amount: number, age: number, visits: number, channel: ['oneHot'] },
          // Of two weeks most rows are from before a change that was found a day ago.
          weight: { column: 'at', halfLife: '3d' },
        },
      },
      {
        uses: 'train',
        with: { model: { architecture: 'mlp', units: [16] }, optimizer: { adam: { learningRate: 0.01 } }, epochs: 15, batchSize: 64 },
      },
      {
        uses: 'evaluate',
        with: {
          metrics: ['accuracy'],
          gates: [
            { metric: 'accuracy', atLeast: 0.7 },
            { metric: 'accuracy', notWorseThanChampionBy: margin },
          ],
          onNoChampion: 'pass',
        },
      },
      { uses: 'register' },
      { uses: 'deploy' },
    ],
    on: {
      schedule: { cron: '0 3 1 */3 *' },
      drift: { every: '1d', window: '1d', rowsMin: 100, coolDown: '10d' },
      performance: { metric: 'accuracy', worseBy: 0.05, window: '2d', delay: '2d', every: '1d', coolDown: '3d' },
      feedback: { flagged: 0.5, every: '1d', do: { rollback: { within: '5d' } } },
      ...on,
    },
  };
  const file = join(folder, 'returns.json');
  writeFileSync(file, JSON.stringify(document, null, 2));
  return file;
}
