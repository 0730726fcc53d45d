import { describe, expect, test } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import { epochOrder } from '../../../src/training/trainer/epoch-order.ts';
import { checkTrainConfig } from '../../../src/training/step/check-config.ts';
import type { ModelConfig } from '../../../src/training/model/model-config.ts';
import { resolveModel } from '../../../src/training/model/resolve-model.ts';
import { completeTrainConfig } from '../../../src/training/step/train-config.ts';
import {
  batchShapes,
  chooseBuckets,
  lengthOf,
  measureTexts,
  orderByLength,
  requireSameWithoutPadding,
} from '../../../src/training/trainer/text-lengths.ts';
import { tableReader } from '../../support/table-reader.ts';
import { asJson, temporaryFolder, textTable, tokenTable } from './fixtures.ts';
import type { Table } from './fixtures.ts';
import { digest, run } from './loop.ts';

const padded = (lengths: readonly number[], buckets: readonly number[]): number =>
  lengths.reduce((sum, length) => sum + buckets.find((bucket) => bucket >= length)!, 0);

test('buckets make the least padding there is', () => {
  const random = new Prng('buckets');
  for (let trial = 0; trial < 20; trial++) {
    const lengths = Array.from({ length: 30 }, () => 8 + random.below(12));
    const largest = Math.max(...lengths);
    const found = chooseBuckets(lengths, 40, 3);
    expect(found.at(-1)).toBe(largest);
    let best = Infinity;
    for (let a = 8; a < largest; a++) for (let b = a; b < largest; b++) best = Math.min(best, padded(lengths, [a, b, largest]));
    expect(padded(lengths, found)).toBe(best);
  }
  expect(chooseBuckets([3, 900, 2], 1_000, 1)).toEqual([900]);
  expect(chooseBuckets([3, 4], 5, 4)).toEqual([5]);
});

test('an epoch holds every row once, most batches texts of one length, and windows stay apart', () => {
  const rows = 1_003;
  const random = new Prng('order');
  const bucketOf = Uint8Array.from({ length: rows }, () => random.below(4));
  const lengths = { input: 'text', buckets: [10, 20, 30, 40], bucketOf, behind: 0 };
  for (const windowBytes of [1e9, 4 * 300]) {
    const { order, windows } = epochOrder({ rows, rowBytes: 4, seed: 3, shuffle: true, blockBytes: 40, windowBytes }, 2);
    const made = orderByLength(order, windows, lengths, 16, new Prng(3, 'batches', 2));
    expect(Array.from(made).sort((a, b) => a - b)).toEqual(Array.from({ length: rows }, (_, row) => row));
    for (const { start, end } of windows) expect(new Set(made.subarray(start, end))).toEqual(new Set(order.subarray(start, end)));
    const padding = (rowsInOrder: Int32Array): number => {
      let sum = 0;
      for (let at = 0; at < rows; at += 16) sum += lengthOf(rowsInOrder.subarray(at, at + 16), lengths, 16) * Math.min(16, rows - at);
      return sum;
    };
    expect(padding(made)).toBeLessThan(0.72 * padding(order));
    expect(orderByLength(order, windows, lengths, 16, new Prng(3, 'batches', 3))).not.toEqual(made);
  }
  expect(batchShapes(lengths, rows, 500)).toEqual([...[10, 20, 30, 40].map((length) => ({ rows: 500, length })), { rows: 3, length: 40 }]);
});

const measured = (table: Table, model: ModelConfig, objective?: string) => {
  const resolved = resolveModel({ model, inputs: table.inputs, output: table.output, ...(objective === undefined ? {} : { objective }) });
  const made = resolved.objective.create(resolved, {});
  const lengths = measureTexts(tableReader(table.splits.train), made.inputs, 3, made.readsBehind);
  return { lengths, check: () => requireSameWithoutPadding(made, lengths, tableReader(table.splits.train).read(0, 2)) };
};

describe('a model', () => {
  test.each<[string, ModelConfig, string?]>([
    ['transformer', { architecture: 'transformer', layers: 1, heads: 2, modelSize: 8 }],
    ['transformer with waves', { architecture: 'transformer', layers: 1, heads: 2, modelSize: 8, positions: 'sinusoidal', pooling: 'max' }],
    ['lstm', { architecture: 'rnn', recurrentUnits: [5], bidirectional: true }],
    ['language model', { architecture: 'transformer', layers: 1, heads: 2, modelSize: 8 }, 'nextToken'],
  ])('has the same loss without padding: %s', (_title, model, objective) => {
    const { lengths, check } = measured(objective === undefined ? tokenTable(40, 24) : textTable(40, 24), model, objective);
    expect(lengths.buckets).toHaveLength(3);
    check();
  });

  test.each<[string, ModelConfig, RegExp]>([
    [
      'whose convolutions see padding',
      { architecture: 'textCnn' },
      /the loss of a text of \d+ tokens is .* with padding up to 24, and .* without/,
    ],
    [
      'made for one length',
      { layers: [{ type: 'embedding', outputDim: 3 }, { type: 'flatten' }, { type: 'dense', units: 2, activation: 'softmax' }] },
      /its layers read 24 tokens, and fail/,
    ],
  ])('%s is refused', (_title, model, message) => {
    expect(() => measured({ ...tokenTable(40, 24) }, model).check()).toThrow(message);
  });
});

test('settings and data that do not go with it are refused', () => {
  const table = tokenTable(20);
  expect(() => measureTexts(tableReader(table.splits.train), [], 4)).toThrow(/needs one text as token ids/);
  const { text } = table.splits.train;
  const before = { ...table.splits.train, text: { ...text!, data: Int32Array.from(text!.data, (id, at) => (at % 12 === 0 ? 0 : id)) } };
  expect(() => measureTexts(tableReader(before), table.inputs, 4)).toThrow(/padded before its tokens/);
  expect(
    checkTrainConfig(completeTrainConfig(asJson({ model: { architecture: 'rnn' }, batches: { by: 'length' }, shuffle: false }))).map(
      ({ pointer }) => pointer,
    ),
  ).toEqual(['/batches']);
});

test('training is the same compiled and operation by operation, and goes on where it was', async () => {
  const table = tokenTable(70, 24);
  const model: ModelConfig = { architecture: 'transformer', layers: 1, heads: 1, modelSize: 6, dropout: 0 };
  const { lengths } = measured(table, model);
  const request = { table, model, epochs: 2, settings: { lengths, batchSize: 8 } };
  const compiled = await run({ ...request, engine: 'compiled' });
  const eager = await run(request);
  compiled.history.forEach((numbers, epoch) => expect(eager.history[epoch]!.loss).toBeCloseTo(numbers.loss!, 4));
  const dir = temporaryFolder();
  await expect(run({ ...request, engine: 'compiled', dir, cancelAt: 4 })).rejects.toThrow(/cancelled/);
  expect(digest((await run({ ...request, engine: 'compiled', dir })).weights)).toBe(digest(compiled.weights));
});
