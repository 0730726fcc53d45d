import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { planModels } from '../../../src/cli/plan-model.ts';
import type { PlannedModel } from '../../../src/cli/plan-model.ts';
import { compileText } from '../../../src/config/plan-document.ts';

let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'perennial-test-'));
  const day = (row: number): string => new Date(Date.UTC(2020, 0, 1 + row)).toISOString().slice(0, 10);
  await writeFile(join(dir, 'series.csv'), `day,x,y\n${Array.from({ length: 40 }, (_, row) => `${day(row)},${Math.sin(row)},${Math.cos(row)}`).join('\n')}\n`);
});

afterAll(() => rm(dir, { recursive: true, force: true }));

/** @param split shares of 40 rows */
async function plan(split: object, sequence: object | undefined, train: object): Promise<PlannedModel> {
  const { plan: compiled, diagnostics } = compileText(join(dir, 'p.json'), JSON.stringify({
    apiVersion: 'perennial/v1', name: 'p',
    steps: [
      { uses: 'ingest', with: { source: { format: 'csv', path: 'series.csv' }, label: 'y', split: { by: 'time', column: 'day', ...split } } },
      { uses: 'preprocess', with: { features: { x: ['standardize'] }, ...(sequence === undefined ? {} : { sequence: { by: 'day', ...sequence } }) } },
      { uses: 'train', with: { model: { architecture: sequence === undefined ? 'mlp' : 'rnn' }, ...train } },
    ],
  }));
  if (compiled === undefined) throw new Error(JSON.stringify(diagnostics));
  return (await planModels(compiled, '2026-01-01T00:00:00Z'))[0]!;
}

test('windows that do not fit into a split are found before the run', async () => {
  const split = { train: 0.5, validation: 0.25, test: 0.25 };
  expect((await plan(split, { size: 20 }, {})).problem).toEqual({
    code: 'SPLIT_INVALID', hint: 'Give shorter windows, or more rows.',
    message: 'sequence.size: the train split has 20 rows, too few for one window of 20 rows with the label 1 row later.',
  });
  // The windows of the later splits reach back into the training rows.
  expect(await plan(split, { size: 19 }, {})).toMatchObject({ rows: 40, inputs: [{ shape: [19, 1] }] });
});

test('a number that this training does not report cannot be watched', async () => {
  const watching = (monitor: string): object => ({ callbacks: [{ earlyStopping: { monitor } }] });
  const halves = { train: 0.5, validation: 0.25, test: 0.25 };
  expect((await plan(halves, undefined, watching('accuracy'))).problem).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('only "loss", "validationLoss", "meanAbsoluteError"') as string });
  expect((await plan({ train: 0.8, validation: 0, test: 0.2 }, undefined, watching('validationLoss'))).problem).toMatchObject({ code: 'CONFIG_INVALID', hint: 'Give the validation split some rows, or watch "loss".' });
  expect((await plan(halves, undefined, watching('meanAbsoluteError'))).problem).toBeUndefined();
});
