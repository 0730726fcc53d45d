import { beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../src/core/json.ts';
import type { OpenArtifact } from '../../../src/core/ports.ts';
import type { AnomalyOutput } from '../../../src/core/tensor.ts';
import { decode } from '../../../src/data/answers/decode.ts';
import { readRows } from '../../../src/data/stored/dataset-rows.ts';
import type { ExamplesMeta } from '../../../src/data/stored/dataset.ts';
import { evaluateModel } from '../../../src/evaluation/step/evaluate.ts';
import type { EvaluateOptions } from '../../../src/evaluation/step/evaluation-input.ts';
import type { EvaluationReport } from '../../../src/evaluation/step/report.ts';
import { renderEvaluationReport } from '../../../src/reports/evaluation-report.ts';
import { writeEvaluation } from '../../../src/reports/write-evaluation.ts';
import { Network } from '../../../src/training/model/network.ts';
import { resolveModel } from '../../../src/training/model/resolve-model.ts';
import { encodeWeights } from '../../../src/training/bundle/weights-file.ts';
import { createStepBench } from './step-bench.ts';
import type { Prepared } from './step-bench.ts';

const { artifacts, prepare: prepareFile } = createStepBench();

/** Anomalies lie further from zero, but for every tenth row of either kind. */
const far = (k: number): boolean => k % 3 === 0;
const size = (k: number): number => ((far(k) ? 6 : 1) + (k % 10 === 0 ? (far(k) ? -5.5 : 5.5) : 0)) * (1 + k / 10_000);
const csv = [
  'a,b,kind,site',
  ...Array.from({ length: 240 }, (_, k) => `${size(k)},${size(k)},${far(k) ? 'bad' : 'good'},${['n', 's'][k % 2]}`),
].join('\n');

const prepare = (name: string, preprocess: JsonObject, rows = csv): Promise<Prepared> =>
  prepareFile(name, rows, { split: { train: 0.5, validation: 0.1, test: 0.4, by: 'hash' } }, { features: { a: [], b: [] }, ...preprocess });

/** Rebuilds every row as `bias`, so that its score is the mean square of the distances from it. */
async function modelOf(
  { examples }: Prepared,
  bias: number,
  threshold: number,
  error: AnomalyOutput['error'] = 'squared',
): Promise<OpenArtifact> {
  const open = await artifacts.open(examples);
  const { inputs, output } = open.manifest.meta as unknown as ExamplesMeta;
  const layers = [{ type: 'dense', units: 2, kernelInitializer: 'zeros', biasInitializer: { constant: { value: bias } } }];
  const { topology } = resolveModel({ model: { layers }, inputs, output, objective: { reconstruction: { error } } });
  const network = new Network(topology);
  const { manifest, bytes } = encodeWeights(network.weights, network.initialWeights(1));
  const answered: AnomalyOutput = {
    kind: 'anomaly',
    name: 'anomaly',
    error,
    threshold,
    calibration: { quantile: 0.99, split: 'validation', rows: 20 },
  };
  const ref = await artifacts.write({
    kind: 'model',
    summary: `rebuilds ${bias}`,
    files: {
      'topology.json': Buffer.from(JSON.stringify(topology)),
      'weights.json': Buffer.from(JSON.stringify(manifest)),
      'weights.bin': Buffer.from(bytes),
      'preprocessor.json': await open.bytes('preprocessor.json'),
      'profile.json': await open.bytes('profile.json'),
      'history.json': Buffer.from('[{"epoch":1,"loss":1}]'),
    },
    meta: {
      inputs,
      output: answered,
      outputShape: [1],
      parameters: 6,
      trainableParameters: 6,
      loss: 'meanSquaredError',
      optimizer: 'adam',
      epochsRun: 1,
      bestEpoch: 1,
      seed: 1,
      final: {},
      examples: examples.digest,
      dataset: '',
      training: {},
    } as never,
  });
  return artifacts.open(ref);
}

async function evaluate(
  prepared: Prepared,
  model: OpenArtifact,
  options: Partial<EvaluateOptions> = {},
  champion?: OpenArtifact,
): Promise<EvaluationReport> {
  const trainedOn = { datasets: [await artifacts.open(prepared.dataset)] };
  return evaluateModel(
    {
      model,
      trainedOn,
      former: [],
      examples: await artifacts.open(prepared.examples),
      dataset: await artifacts.open(prepared.dataset),
      champion: champion === undefined ? { none: 'none serves' } : { model: 'p', version: 3, artifact: champion, trainedOn },
    },
    {
      pipeline: 'p',
      metrics: [],
      gates: [],
      onNoChampion: 'pass',
      comparison: { minimumRows: 1, onTooFewRows: 'fail' },
      slices: [],
      seed: 1,
      ...options,
    },
  );
}

const valuesOf = (report: EvaluationReport): Record<string, number> =>
  Object.fromEntries(report.metrics.map(({ key, value }) => [key, value]));

let labelled: Prepared;
let blind: Prepared;
let rows: { error: number; anomaly: boolean }[];

beforeAll(async () => {
  labelled = await prepare('rows.csv', { anomaly: { column: 'kind', values: ['bad'] } });
  blind = await prepare('rows.csv', {});
  rows = [];
  for await (const batch of readRows(await artifacts.open(labelled.dataset), 'test'))
    rows.push(...batch.map((row) => ({ error: ((row.a as number) ** 2 + (row.b as number) ** 2) / 2, anomaly: row.kind === 'bad' })));
});

describe('with known anomalies', () => {
  test('ranks by the score, and judges what lies above the threshold', async () => {
    const report = await evaluate(labelled, await modelOf(labelled, 0, 4));
    const [bad, good] = [rows.filter(({ anomaly }) => anomaly), rows.filter(({ anomaly }) => !anomaly)];
    const pairs = bad.flatMap((one) => good.map((other): number => (one.error > other.error ? 1 : one.error === other.error ? 0.5 : 0)));
    const flagged = rows.filter(({ error }) => error > 4);
    const hits = flagged.filter(({ anomaly }) => anomaly).length;
    const values = valuesOf(report);
    expect(report).toMatchObject({ task: 'anomaly', positive: 'anomaly', output: { kind: 'anomaly' }, baseline: { kind: 'none' } });
    expect(values.rocAuc).toBeCloseTo(pairs.reduce((sum, pair) => sum + pair, 0) / pairs.length, 9);
    expect(values.precision).toBeCloseTo(hits / flagged.length, 9);
    expect(values.recall).toBeCloseTo(hits / bad.length, 9);
    expect(values.falseAlarmRate).toBeCloseTo((flagged.length - hits) / good.length, 9);
    expect(values.reconstructionError! / (good.reduce((sum, { error }) => sum + error, 0) / good.length)).toBeCloseTo(1, 5);
    expect(report.reconstruction!.histogram.normal.reduce((sum, count) => sum + count)).toBe(good.length);
    expect(report.reconstruction!.histogram.anomalies!.reduce((sum, count) => sum + count)).toBe(bad.length);
  });

  test('another threshold changes the decisions and not the ranking', async () => {
    const model = await modelOf(labelled, 0, 4);
    const [usual, all] = [valuesOf(await evaluate(labelled, model)), valuesOf(await evaluate(labelled, model, { threshold: 0 }))];
    expect(all.recall).toBe(1);
    expect(all.falseAlarmRate).toBe(1);
    expect(all.rocAuc).toBe(usual.rocAuc);
  });

  test('compares with the champion on the same rows, gates included', async () => {
    const [model, champion] = [await modelOf(labelled, 0, 4), await modelOf(labelled, 3.6, 4)];
    const report = await evaluate(
      labelled,
      model,
      { metrics: ['rocAuc', 'reconstructionError'], gates: [{ metric: 'rocAuc', betterThanChampionBy: 0 }] },
      champion,
    );
    const theirs = valuesOf(await evaluate(labelled, champion, { metrics: ['rocAuc', 'reconstructionError'] }));
    expect(report.champion!.metrics.rocAuc).toBeCloseTo(theirs.rocAuc!, 9);
    expect(report.champion!.metrics.reconstructionError).toBeCloseTo(theirs.reconstructionError!, 6);
    expect(report.verdict.passed).toBe(true);
    const other = await evaluate(labelled, model, {}, await modelOf(labelled, 0, 4, 'absolute'));
    expect(other.noChampion).toContain('absolute error');
  });

  test('the worst rows are those misjudged by most; the report is a page', async () => {
    const report = await evaluate(labelled, await modelOf(labelled, 0, 4), { slices: ['site'] });
    const [worst] = report.worst;
    expect(worst!.label).not.toBe(worst!.predicted);
    expect(worst!.loss).toBeGreaterThan(0);
    const page = await renderEvaluationReport(report);
    expect(page).toContain('How it rebuilds the rows');
    expect(page).toContain('Above 4 a row counts as an anomaly');
    const { details } = await writeEvaluation(artifacts, report);
    expect(details).toContain('falseAlarmRate');
  });

  test('examples of other rows are refused', async () => {
    const { dataset } = await prepare('turned.csv', {}, csv.replaceAll('good', 'x').replaceAll('bad', 'good').replaceAll('x', 'bad'));
    await expect(evaluate({ ...labelled, dataset }, await modelOf(labelled, 0, 4))).rejects.toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining('do not fit the rows') as string,
    });
  });
});

describe('without', () => {
  test('the error of the reconstruction is all there is, mean and quantiles', async () => {
    const report = await evaluate(blind, await modelOf(blind, 0, 4), {
      metrics: ['reconstructionError', 'falseAlarmRate', { reconstructionError: { quantile: 0.5, as: 'median' } }],
      gates: [{ metric: 'median', atMost: 1e-6 }],
    });
    const sorted = rows.map(({ error }) => error).sort((a, b) => a - b);
    const middle = (sorted.length - 1) / 2;
    const values = valuesOf(report);
    expect(report).toMatchObject({ task: 'reconstruction', verdict: { passed: false } });
    expect(report.classification).toBeUndefined();
    expect(values.median).toBeCloseTo((sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2, 4);
    expect(values.falseAlarmRate).toBeCloseTo(rows.filter(({ error }) => error > 4).length / rows.length, 9);
    expect(report.worst[0]!.loss).toBeCloseTo(sorted.at(-1)!, 4);
    expect(await renderEvaluationReport(report)).toContain('How it rebuilds the rows');
  });

  test('a metric that needs to know them says what to write', async () => {
    await expect(evaluate(blind, await modelOf(blind, 0, 4), { metrics: ['rocAuc'] })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('give "anomaly" in the preprocess step') as string,
    });
    await expect(evaluate(blind, await modelOf(blind, 0, 4), { metrics: ['r2'] })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('rebuilds its inputs') as string,
    });
  });
});

test('an answer is a score, and an anomaly above the threshold alone', () => {
  const output: AnomalyOutput = {
    kind: 'anomaly',
    name: 'anomaly',
    error: 'squared',
    threshold: 0.5,
    calibration: { quantile: 0.99, split: 'validation', rows: 9 },
  };
  expect(decode(output, Float32Array.of(0.25, 0.5, 0.75), 3)).toEqual([
    { score: 0.25, anomaly: false },
    { score: 0.5, anomaly: false },
    { score: 0.75, anomaly: true },
  ]);
});
