import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compileOrThrow } from '../../../src/config/plan-document.ts';
import { featureLines } from '../../../src/cli/feature-text.ts';
import { planModels } from '../../../src/planning/plan-model.ts';
import { planTree } from '../../../src/cli/plan-text.ts';
import { reportRun } from '../../../src/cli/run-report.ts';
import { stepFacts } from '../../../src/cli/step-facts.ts';
import type { RunReport } from '../../../src/runs/runs.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'perennial-columns-'));
  const rows = Array.from({ length: 200 }, (_, row) => `u-${row},${row % 9 ? (row % 20) / 10 : ''},k${row % 3},${row % 2 ? 'a' : 'b'}`);
  await writeFile(join(dir, 'rows.csv'), `id,x,kind,y\n${rows.join('\n')}\n`);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function document(train: object, path = 'rows.csv'): Promise<string> {
  const file = join(dir, 'doc.json');
  const steps = [
    { uses: 'ingest', with: { source: { format: 'csv', path }, label: 'y' } },
    { uses: 'preprocess' },
    { uses: 'train', with: { model: { architecture: 'mlp', units: [4] }, ...train } },
  ];
  await writeFile(file, JSON.stringify({ apiVersion: 'perennial/v1', name: 'columns', steps }));
  return file;
}

test('plan has a table of what becomes of each column, and notes on what is left out', async () => {
  const [model] = await planModels(await compileOrThrow(await document({})), '2026-01-01T00:00:00Z');
  expect(featureLines(model!)).toEqual([
    expect.stringMatching(/^COLUMN {2}TYPE {4}TRANSFORMS +WIDTH {5}WHY$/),
    expect.stringMatching(/^id {6}string {2}- +left out {2}\d+ different values in \d+ rows: an identifier/),
    expect.stringMatching(/^x {7}number {2}impute strategy median, indicator → standardize {2}2 {9}a quantity, \d+ missing values marked$/),
    expect.stringMatching(/^kind {4}string {2}oneHot +3 +3 categories$/),
    expect.stringMatching(/^note: The column "id" is left out: \d+ different values/),
  ]);
});

test('show has it too, with the epochs and the loss that nobody wrote', async () => {
  const lines = async (train: object, path?: string): Promise<string> => {
    const plan = await compileOrThrow(await document(train, path));
    return planTree(plan, new Map((await stepFacts(plan)).map((facts) => [facts.step, facts.lines])));
  };
  const unsaid = await lines({});
  expect(unsaid).toMatch(/\n +epochs: 20\n/);
  expect(unsaid).toMatch(/\n +loss: "categoricalCrossentropy"\n/);
  expect(unsaid).toMatch(/· kind +string +oneHot +3 +3 categories/);
  const said = await lines({ epochs: 3, loss: 'categoricalFocalCrossentropy' });
  expect(said.match(/epochs: /g)).toHaveLength(1);
  expect(said.match(/ loss: /g)).toHaveLength(1);
  expect(await lines({ steps: 30 })).not.toContain('epochs: ');
  expect(await lines({}, 'nowhere.csv')).toMatch(/· what follows from the data is not known: .*nowhere\.csv/);
});

test('run prints what steps decided on the data', () => {
  const printed: string[] = [];
  const io = { json: () => false, interactive: false, print: (text = '') => printed.push(text), result() {}, note() {}, exit() {} };
  const run = {
    workflowId: 'w',
    status: 'completed',
    startedAt: '',
    endedAt: null,
    steps: [
      { id: 'ingest', values: { rows: 3 } },
      { id: 'preprocess', values: { warnings: ['The column "id" is left out.'] } },
    ],
    metrics: {},
    model: null,
    version: null,
    urls: { temporal: 'u' },
    failure: null,
    verdict: 'passed',
  };
  reportRun(run as unknown as RunReport, io);
  expect(printed).toContain('note  preprocess: The column "id" is left out.');
});
