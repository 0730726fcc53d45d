import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { planModels } from '../../../src/planning/plan-model.ts';
import type { PlannedModel } from '../../../src/planning/plan-model.ts';
import { compileText } from '../../../src/config/plan-document.ts';
import { encodePng } from '../../../src/data/images/encode-png.ts';
import { createStepBench } from '../evaluation/step-bench.ts';

let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'perennial-test-'));
  const day = (row: number): string => new Date(Date.UTC(2020, 0, 1 + row)).toISOString().slice(0, 10);
  await writeFile(
    join(dir, 'series.csv'),
    `day,x,y\n${Array.from({ length: 40 }, (_, row) => `${day(row)},${Math.sin(row)},${Math.cos(row)}`).join('\n')}\n`,
  );
});

afterAll(() => rm(dir, { recursive: true, force: true }));

/** @param split shares of 40 rows */
async function plan(split: object, sequence: object | undefined, train: object): Promise<PlannedModel> {
  const { plan: compiled, diagnostics } = compileText(
    join(dir, 'p.json'),
    JSON.stringify({
      apiVersion: 'perennial/v1',
      name: 'p',
      steps: [
        {
          uses: 'ingest',
          with: { source: { format: 'csv', path: 'series.csv' }, label: 'y', split: { by: 'time', column: 'day', ...split } },
        },
        {
          uses: 'preprocess',
          with: { features: { x: ['standardize'] }, ...(sequence === undefined ? {} : { sequence: { by: 'day', ...sequence } }) },
        },
        { uses: 'train', with: { model: { architecture: sequence === undefined ? 'mlp' : 'rnn' }, ...train } },
      ],
    }),
  );
  if (compiled === undefined) throw new Error(JSON.stringify(diagnostics));
  return (await planModels(compiled, '2026-01-01T00:00:00Z'))[0]!;
}

test('windows that do not fit into a split are found before the run', async () => {
  const split = { train: 0.5, validation: 0.25, test: 0.25 };
  expect((await plan(split, { size: 20 }, {})).problem).toEqual({
    step: 'preprocess',
    code: 'SPLIT_INVALID',
    hint: 'Give shorter windows, or more rows.',
    message: 'sequence.size: the train split has 20 rows, too few for one window of 20 rows with the label 1 row later.',
  });
  // The windows of the later splits reach back into the training rows.
  expect(await plan(split, { size: 19 }, {})).toMatchObject({ rows: 40, inputs: [{ shape: [19, 1] }] });
});

test('a number that this training does not report cannot be watched', async () => {
  const watching = (monitor: string): object => ({ callbacks: [{ earlyStopping: { monitor } }] });
  const halves = { train: 0.5, validation: 0.25, test: 0.25 };
  expect((await plan(halves, undefined, watching('accuracy'))).problem).toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('only "loss", "validationLoss", "meanAbsoluteError"') as string,
  });
  expect((await plan({ train: 0.8, validation: 0, test: 0.2 }, undefined, watching('validationLoss'))).problem).toMatchObject({
    code: 'CONFIG_INVALID',
    hint: 'Give the validation split some rows, or watch "loss".',
  });
  expect((await plan(halves, undefined, watching('meanAbsoluteError'))).problem).toBeUndefined();
});

async function planOf(steps: readonly object[]): Promise<PlannedModel[]> {
  const { plan: compiled, diagnostics } = compileText(
    join(dir, 'p.json'),
    JSON.stringify({ apiVersion: 'perennial/v1', name: 'p', steps }),
  );
  if (compiled === undefined) throw new Error(JSON.stringify(diagnostics));
  return planModels(compiled, '2026-01-01T00:00:00Z');
}

const MLP = { uses: 'train', with: { model: { architecture: 'mlp' } } };

test('what ingest refuses is told of the ingest step, and what preprocess refuses of preprocess', async () => {
  const read = (path: string, label: string): object => ({ uses: 'ingest', with: { source: { format: 'csv', path }, label } });
  expect((await planOf([read('series.csv', 'z'), { uses: 'preprocess' }, MLP]))[0]!.problem).toMatchObject({
    step: 'ingest',
    code: 'COLUMN_MISSING',
  });
  expect((await planOf([read('nowhere.csv', 'y'), { uses: 'preprocess' }, MLP]))[0]!.problem).toMatchObject({ step: 'ingest' });
  expect(
    (await planOf([read('series.csv', 'y'), { uses: 'preprocess', with: { features: { z: ['standardize'] } } }, MLP]))[0]!.problem,
  ).toMatchObject({ step: 'preprocess', code: 'COLUMN_MISSING' });
  const twice = await planOf([
    read('series.csv', 'z'),
    { uses: 'preprocess' },
    MLP,
    { ...MLP, id: 'again', inputs: { examples: 'preprocess.examples' } },
  ]);
  expect(twice.map(({ problem }) => problem?.step)).toEqual(['ingest', 'ingest']);
});

test('a text that is missing before it is tokenized is found, and an empty one in its place is not refused', async () => {
  await writeFile(
    join(dir, 'texts.csv'),
    `text,y\n${Array.from({ length: 60 }, (_, row) => `${row === 41 ? '' : `"words number ${row}, and more of them"`},${row % 2 === 0 ? 'a' : 'b'}`).join('\n')}\n`,
  );
  const steps = (chain: readonly (string | object)[]): object[] => [
    { uses: 'ingest', with: { source: { format: 'csv', path: 'texts.csv' }, label: 'y', columns: { text: 'string' } } },
    { uses: 'preprocess', with: { features: { text: chain } } },
    { uses: 'train', with: { model: { architecture: 'textCnn' } } },
  ];
  expect((await planOf(steps(['tokenize'])))[0]!.problem).toMatchObject({
    step: 'preprocess',
    code: 'DATA_INVALID',
    message: expect.stringContaining('column "text": the text is missing') as string,
  });
  expect((await planOf(steps([{ impute: { constant: '' } }, 'tokenize'])))[0]!.problem).toBeUndefined();
});

test('images of different sizes are found by their headers, unless a transform resizes them', async () => {
  for (const kind of ['cats', 'dogs']) {
    await mkdir(join(dir, 'pictures', kind), { recursive: true });
    for (let at = 0; at < 30; at++)
      await writeFile(
        join(dir, 'pictures', kind, `${String(at).padStart(2, '0')}.png`),
        encodePng(new Uint8Array(12 * 12).fill(at), 12, 12, 1),
      );
  }
  const steps = (features: object | undefined): object[] => [
    { uses: 'ingest', with: { source: { format: 'images', path: 'pictures' } } },
    { uses: 'preprocess', ...(features === undefined ? {} : { with: { features } }) },
    { uses: 'train', with: { model: { architecture: 'cnn' } } },
  ];
  expect((await planOf(steps({ image: ['rescale'] })))[0]).toMatchObject({ inputs: [{ name: 'image', shape: [12, 12, 3] }] });
  await writeFile(join(dir, 'pictures', 'dogs', '17.png'), encodePng(new Uint8Array(8 * 16), 16, 8, 1));
  expect((await planOf(steps({ image: ['rescale'] })))[0]!.problem).toEqual({
    step: 'preprocess',
    code: 'DATA_INVALID',
    message: 'column "image": the image dogs/17.png is 8 × 16; 12 × 12 is expected, the size of the first.',
    hint: 'Put {"resize": [12, 12]} into the column\'s transforms.',
  });
  expect((await planOf(steps({ image: [{ resize: [10, 10] }, 'rescale'] })))[0]).toMatchObject({
    inputs: [{ name: 'image', shape: [10, 10, 3] }],
  });
});

test('of a folder of images the columns are judged as the run does, which sees all files', async () => {
  for (const kind of ['cats', 'dogs']) {
    await mkdir(join(dir, 'equal', kind), { recursive: true });
    for (let at = 0; at < 30; at++)
      await writeFile(join(dir, 'equal', kind, `${at}.png`), encodePng(new Uint8Array(12 * 12).fill(at), 12, 12, 1));
  }
  const [model] = await planOf([
    { uses: 'ingest', with: { source: { format: 'images', path: 'equal' } } },
    { uses: 'preprocess' },
    { uses: 'train', with: { model: { architecture: 'cnn' } } },
  ]);
  const bench = createStepBench();
  await cp(join(dir, 'equal'), join(bench.folder, 'equal'), { recursive: true });
  const { examples } = await bench.run({ source: { format: 'images', path: 'equal' } }, {});
  const { inputs } = (await bench.artifacts.open(examples)).manifest.meta as { inputs: { name: string }[] };
  expect(model!.inputs.map(({ name }) => name)).toEqual(inputs.map(({ name }) => name));
  expect(model!.inputs).toEqual(inputs);
});
