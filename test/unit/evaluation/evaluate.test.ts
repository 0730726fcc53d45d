import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { Json, JsonObject } from '../../../src/core/json.ts';
import type { OpenArtifact } from '../../../src/core/ports.ts';
import type { TensorBatch } from '../../../src/core/tensor.ts';
import { readRows } from '../../../src/data/stored/dataset-rows.ts';
import { loadPreprocessor } from '../../../src/data/preprocess/preprocessor.ts';
import type { Split } from '../../../src/data/stored/dataset.ts';
import { evaluateModel } from '../../../src/evaluation/step/evaluate.ts';
import type { EvaluateInputs, EvaluateOptions } from '../../../src/evaluation/step/evaluation-input.ts';
import type { TrainedOn } from '../../../src/training/model/trained-on.ts';
import type { EvaluationReport } from '../../../src/evaluation/step/report.ts';
import { fairRows } from '../../../src/evaluation/champion/fair-rows.ts';
import { renderEvaluationReport } from '../../../src/reports/evaluation-report.ts';
import { writeEvaluation } from '../../../src/reports/write-evaluation.ts';
import { createStepBench } from './step-bench.ts';
import type { Prepared } from './step-bench.ts';

type Rule = (features: Float32Array, row: number, width: number) => number[];

/** What the stand-in of the network computes, by the digest of its model artifact: everything around it is real. */
const rules = new Map<string, Rule>();

vi.mock('../../../src/training/bundle/load-model.ts', () => ({
  openBundle: async (artifact: OpenArtifact) => ({
    meta: artifact.manifest.meta,
    preprocessor: loadPreprocessor(await artifact.json<JsonObject>('preprocessor.json')),
    predictor: {
      meta: artifact.manifest.meta,
      predict: async (batch: TensorBatch) => {
        const { data, rows } = batch['features']!;
        return Float32Array.from(
          Array.from({ length: rows }, (_, row) => rules.get(artifact.ref.digest)!(data as Float32Array, row, data.length / rows)).flat(),
        );
      },
      dispose() {},
    },
  }),
}));

const { folder, artifacts, prepare } = createStepBench();

/** A model artifact whose network is `rule`. */
async function modelOf({ examples }: Prepared, outputShape: number[], name: string, rule: Rule): Promise<OpenArtifact> {
  const open = await artifacts.open(examples);
  const { output, inputs } = open.manifest.meta as unknown as { output: Json; inputs: Json };
  const ref = await artifacts.write({
    kind: 'model',
    summary: name,
    files: {
      'preprocessor.json': await open.bytes('preprocessor.json'),
      'history.json': Buffer.from('[{"epoch":1,"loss":1,"validationLoss":1.1},{"epoch":2,"loss":0.5,"validationLoss":0.7,"accuracy":0.8}]'),
    },
    meta: {
      name,
      inputs,
      output,
      outputShape,
      parameters: 1,
      trainableParameters: 1,
      loss: 'l',
      optimizer: 'o',
      epochsRun: 2,
      bestEpoch: 2,
      seed: 1,
      final: {},
      examples: examples.digest,
      dataset: '',
      training: {},
    },
  });
  rules.set(ref.digest, rule);
  return artifacts.open(ref);
}

/** Unless told otherwise, both learnt from the dataset that they are judged on. */
async function evaluate(
  prepared: Prepared,
  model: OpenArtifact,
  options: Partial<EvaluateOptions> = {},
  champion?: OpenArtifact,
  more: Partial<EvaluateInputs> & { readonly championTrainedOn?: TrainedOn } = {},
): Promise<EvaluationReport> {
  const trainedOn: TrainedOn = { datasets: [await artifacts.open(prepared.dataset)] };
  const { championTrainedOn = trainedOn, ...others } = more;
  const inputs: EvaluateInputs = {
    model,
    examples: await artifacts.open(prepared.examples),
    dataset: await artifacts.open(prepared.dataset),
    champion:
      champion === undefined
        ? { none: 'no other version of "p" serves' }
        : { model: 'p', version: 3, artifact: champion, trainedOn: championTrainedOn },
    trainedOn,
    former: [],
    ...others,
  };
  return evaluateModel(inputs, {
    pipeline: 'p',
    metrics: [],
    gates: [],
    onNoChampion: 'pass',
    comparison: { minimumRows: 1, onTooFewRows: 'fail' },
    slices: [],
    seed: 1,
    ...options,
  });
}

describe('evaluateModel on classes', () => {
  let flowers: Prepared;
  let good: OpenArtifact;
  let poor: OpenArtifact;

  beforeAll(async () => {
    // Long petals are "big", but for every eleventh row, on which the rule x ≥ 5 errs.
    const lines = Array.from(
      { length: 200 },
      (_, row) => `${row % 10}.5,${['north', 'south'][row % 2]},${row % 10 >= 5 === (row % 11 !== 0) ? 'big' : 'small'},${row}`,
    );
    flowers = await prepare(
      'flowers.csv',
      ['x,site,size,id', ...lines].join('\n'),
      { label: 'size', split: { train: 0.5, validation: 0.2, test: 0.3, by: 'hash' } },
      { features: { x: [{ impute: 'median' }] } },
    );
    good = await modelOf(flowers, [2], 'good', (features, row) => (features[row]! >= 5 ? [0.9, 0.1] : [0.2, 0.8]));
    poor = await modelOf(flowers, [1], 'poor', (features, row) => [features[row]! >= 7 ? 0.3 : 0.6]);
  });

  it('judges the test split in the terms of the source', async () => {
    const report = await evaluate(flowers, good, {
      metrics: ['accuracy', 'rocAuc'],
      slices: ['site'],
      gates: [
        { metric: 'accuracy', atLeast: 0.8 },
        { metric: 'accuracy', betterThanBaseline: true },
      ],
    });
    const { confusion, classes } = report.classification!;
    expect(report).toMatchObject({
      task: 'binary',
      positive: 'small',
      output: { kind: 'classes', name: 'size', classes: ['big', 'small'] },
      baseline: { kind: 'majorityClass' },
      verdict: { passed: true },
    });
    expect(confusion.flat().reduce((sum, count) => sum + count)).toBe(report.rows);
    expect(report.metrics[0]!.value).toBeCloseTo((confusion[0]![0]! + confusion[1]![1]!) / report.rows, 12);
    expect(classes.map((one) => one.support)).toEqual(confusion.map((row) => row.reduce((sum, count) => sum + count)));
    expect(report.slices[0]!.values.map((slice) => slice.value).sort()).toEqual(['north', 'south']);
    expect(report.slices[0]!.values.reduce((sum, slice) => sum + slice.rows, 0)).toBe(report.rows);
    expect(report.noChampion).toBe('no other version of "p" serves');
    expect(report.history).toHaveLength(2);
  });

  it('finds by itself where it errs, which labels are suspect, what it goes by and where to cut', async () => {
    const lines = Array.from({ length: 400 }, (_, row) => {
      const x = row % 10;
      // In the north the rule x ≥ 5 is the other way around.
      const big = row % 4 === 0 ? x < 5 : x >= 5;
      return `${x}.5,${row % 4 === 0 ? 'north' : 'south'},${(row * 7) % 13},${big ? 'big' : 'small'},${row < 395 ? row : 0}`;
    });
    const prepared = await prepare(
      'insights.csv',
      ['x,site,noise,size,id', ...lines, lines[0]!, lines[0]!, lines[0]!].join('\n'),
      { label: 'size', split: { train: 0.3, validation: 0.2, test: 0.5, by: 'random' } },
      { features: { x: [{ impute: 'median' }], noise: [{ impute: 'median' }] } },
    );
    const model = await modelOf(prepared, [2], 'rule', (features, row, width) => (features[row * width]! >= 5 ? [0.95, 0.05] : [0.1, 0.9]));
    const report = await evaluate(prepared, model, { metrics: ['accuracy'], costs: { falsePositive: 1, falseNegative: 3 } });
    const { slices, confused, suspected, duplicates, importance, thresholds } = report.insights!;
    expect(slices!.found[0]).toMatchObject({ columns: [{ name: 'site', value: 'north' }], value: 1, others: 0 });
    expect(slices!.columns).toEqual(expect.arrayContaining(['x', 'site', 'noise']) as string[]);
    expect(slices!.columns).not.toContain('size');
    expect(confused!.map(({ actual, predicted }) => [actual, predicted]).sort()).toEqual([
      ['big', 'small'],
      ['small', 'big'],
    ]);
    expect(suspected!.found).toBe(slices!.found[0]!.rows);
    expect(suspected!.rows[0]!.columns).toMatchObject({ site: 'north' });
    expect(duplicates).toMatchObject({ of: report.rows });
    expect(importance).toMatchObject({ metric: 'accuracy', rows: report.rows, shuffles: 3 });
    expect(importance!.columns.map(({ column }) => column)).toEqual(['x', 'noise']);
    expect(importance!.columns[0]!.loss).toBeGreaterThan(0.1);
    expect(importance!.columns[1]).toMatchObject({ loss: 0, low: 0, high: 0 });
    expect(thresholds).toMatchObject({ declared: true, positive: 'small', costs: { falsePositive: 1, falseNegative: 3 } });
    const html = await renderEvaluationReport(report);
    for (const title of ['Threshold and cost', 'Where it does worse', 'Most confused', 'Labels that may be wrong', 'What it goes by'])
      expect(html).toContain(`<h2>${title}</h2>`);
    expect(html).toContain('<td>site is north</td>');
  });

  it('judges slices by gates, and the difference to the champion by the rows that one of both has right', async () => {
    const report = await evaluate(
      flowers,
      good,
      {
        metrics: ['accuracy', 'rocAuc'],
        gates: [
          { metric: 'accuracy', atLeast: 0.5, slices: ['site'] },
          { metric: 'accuracy', notWorseThanWholeBy: 0, slices: ['site'] },
          { metric: 'rocAuc', atLeast: 0, slices: ['id'], minimumRows: 1 },
          { metric: 'rocAuc', atLeast: 0, slices: ['size'], minimumRows: 1 },
          { metric: 'accuracy', betterThanChampionBy: 0, significant: true, test: 'mcnemar' },
        ],
      },
      poor,
    );
    expect(report.gates.map(({ passed }) => passed).slice(0, 2)).toEqual([true, false]);
    // One class in a slice: no number that could pass.
    expect(report.gates[3]).toMatchObject({
      passed: false,
      sentence: expect.stringMatching(/^rocAuc is not defined on size "(big|small)" \(\d+ rows\): it needs rows of/),
    });
    expect(report.gates[4]!.sentence).toMatch(/McNemar: \d+ rows only this model has right, \d+ only the champion; p /);
    const { interval } = report.metrics[0]!;
    expect(interval!.low).toBeLessThan(report.metrics[0]!.value);
    expect(interval!.high).toBeGreaterThan(report.metrics[0]!.value);
    await expect(evaluate(flowers, good, { gates: [{ metric: 'accuracy', atLeast: 0, slices: ['sight'] }] })).rejects.toMatchObject({
      code: 'COLUMN_MISSING',
    });
  });

  it('counts rows by their weights where they carry any', async () => {
    const lines = Array.from(
      { length: 200 },
      (_, row) => `${row % 10}.5,${row % 10 >= 5 === (row % 11 !== 0) ? 'big' : 'small'},${row % 4}`,
    );
    const weighed = await prepare(
      'weighed.csv',
      ['x,size,w', ...lines].join('\n'),
      { label: 'size', split: { train: 0.5, validation: 0.2, test: 0.3, by: 'hash' } },
      { features: { x: [{ impute: 'median' }] }, weight: 'w' },
    );
    const model = await modelOf(weighed, [2], 'weighed', (features, row) => (features[row]! >= 5 ? [0.9, 0.1] : [0.2, 0.8]));
    const report = await evaluate(weighed, model, { metrics: ['accuracy'] }, model);
    let [right, all] = [0, 0];
    for await (const batch of readRows(await artifacts.open(weighed.dataset), 'test'))
      for (const { x, size, w } of batch) {
        all += Number(w);
        if (Number(x) >= 5 === (size === 'big')) right += Number(w);
      }
    expect(report.metrics[0]!.value).toBeCloseTo(right / all, 12);
    expect(report.metrics[0]!.champion).toMatchObject({ value: report.metrics[0]!.value, difference: 0 });
    expect(report.weightedBy).toBe('w');
    expect((await writeEvaluation(artifacts, report)).details).toContain('Each row counts as "w" says.');
  });

  it('counts newer rows more where the document says so', async () => {
    const lines = Array.from(
      { length: 200 },
      (_, row) =>
        `${row % 10}.5,${row % 10 >= 5 === (row % 11 !== 0) ? 'big' : 'small'},2026-01-${String(1 + (row % 28)).padStart(2, '0')}`,
    );
    const dated = await prepare(
      'dated.csv',
      ['x,size,at', ...lines].join('\n'),
      { label: 'size', split: { train: 0.5, validation: 0.2, test: 0.3, by: 'hash' } },
      { features: { x: [{ impute: 'median' }] }, weight: { column: 'at', halfLife: '3d' } },
    );
    const model = await modelOf(dated, [2], 'dated', (features, row) => (features[row]! >= 5 ? [0.9, 0.1] : [0.2, 0.8]));
    const report = await evaluate(dated, model, { metrics: ['accuracy'] });
    let [right, all] = [0, 0];
    for await (const batch of readRows(await artifacts.open(dated.dataset), 'test'))
      for (const { x, size, at } of batch) {
        const weight = 2 ** (Date.parse(String(at)) / 259_200_000 - Date.parse('2026-01-28') / 259_200_000);
        all += weight;
        if (Number(x) >= 5 === (size === 'big')) right += weight;
      }
    expect(report.metrics[0]!.value).toBeCloseTo(right / all, 9);
    expect(report).toMatchObject({ weightedBy: 'at', halfLife: '3d' });
    expect((await writeEvaluation(artifacts, report)).details).toContain(
      'For each 3d that a row is older by "at", it counts half as much.',
    );
  });

  it('shows the raw columns of the worst rows', async () => {
    const { worst } = await evaluate(flowers, good);
    for (const row of worst) expect(row.label).toBe(row.columns['size']);
    const wrong = worst.filter((row) => row.label !== row.predicted);
    expect(wrong.length).toBeGreaterThan(0);
    // The worst come first: all errors before all that is right.
    expect(worst.slice(0, wrong.length)).toEqual(wrong);
    for (const { columns } of wrong) expect((columns['x'] as number) >= 5).toBe(columns['size'] === 'small');
  });

  it('re-scores the champion on the same rows, through its own preprocessing', async () => {
    const report = await evaluate(
      flowers,
      good,
      {
        metrics: ['accuracy', 'logLoss'],
        gates: [
          { metric: 'accuracy', notWorseThanChampionBy: 0 },
          { metric: 'logLoss', betterThanChampionBy: 0, significant: true },
        ],
      },
      poor,
    );
    const alone = await evaluate(flowers, poor, { metrics: ['accuracy', 'logLoss'] });
    expect(report.champion).toMatchObject({ model: 'p', version: 3, digest: poor.ref.digest, rows: report.rows });
    expect(report.champion!.metrics).toEqual(Object.fromEntries(alone.metrics.map(({ key, value }) => [key, value])));
    const [accuracy, logLoss] = report.metrics;
    expect(accuracy!.champion!.low).toBeLessThan(accuracy!.champion!.difference!);
    expect(accuracy!.champion!.difference).toBeCloseTo(accuracy!.value - alone.metrics[0]!.value, 12);
    expect(logLoss!.champion!.high).toBeLessThan(0);
    expect(report.verdict.passed).toBe(true);
    const turned = await evaluate(
      flowers,
      poor,
      { metrics: ['accuracy'], gates: [{ metric: 'accuracy', notWorseThanChampionBy: 0 }] },
      good,
    );
    expect(turned.verdict).toMatchObject({ passed: false, reasons: [expect.stringContaining('is worse than')] });
  });

  it('gives the same bytes for the same inputs, and other intervals for another seed', async () => {
    const once = await evaluate(flowers, good, {}, poor);
    const again = await evaluate(flowers, good, {}, poor);
    const other = await evaluate(flowers, good, { seed: 2 }, poor);
    expect(again).toEqual(once);
    expect(other.metrics[3]!.champion!.low).not.toBe(once.metrics[3]!.champion!.low);
    const [first, second] = [await writeEvaluation(artifacts, once), await writeEvaluation(artifacts, again)];
    expect(second.outputs).toEqual(first.outputs);
    expect(first.values).toMatchObject({
      accuracy: once.metrics[0]!.value,
      champion_accuracy: once.champion!.metrics['accuracy'],
      rows: once.rows,
    });
    expect(first.details).toContain('| metric | this model | 95 % interval | baseline (majorityClass) | champion (version 3) |');
  });

  describe('against a champion that was trained on another split', () => {
    const lines = Array.from(
      { length: 200 },
      (_, row) => `${row % 10}.5,${['north', 'south'][row % 2]},${row % 10 >= 5 === (row % 11 !== 0) ? 'big' : 'small'},${row}`,
    );
    const features = { features: { x: [{ impute: 'median' }] } };
    const gates = [{ metric: 'accuracy', notWorseThanChampionBy: 0 }] as const;
    let other: Prepared;
    /** What the champion has seen, of the test rows of today. */
    let seen: number;

    beforeAll(async () => {
      other = await prepare(
        'other.csv',
        ['x,site,size,id', ...lines].join('\n'),
        { label: 'size', split: { train: 0.5, validation: 0.2, test: 0.3, by: 'random', seed: 7 } },
        features,
      );
      const idsOf = async (prepared: Prepared, splits: readonly Split[]): Promise<Set<unknown>> => {
        const ids = new Set<unknown>();
        for (const split of splits)
          for await (const batch of readRows(await artifacts.open(prepared.dataset), split)) for (const row of batch) ids.add(row['id']);
        return ids;
      };
      const learnt = await idsOf(other, ['train', 'validation']);
      seen = [...(await idsOf(flowers, ['test']))].filter((id) => learnt.has(id)).length;
      expect(seen).toBeGreaterThan(20);
    });

    const against = async (minimumRows: number, onTooFewRows: 'fail' | 'pass' = 'fail'): Promise<EvaluationReport> =>
      evaluate(flowers, good, { metrics: ['accuracy'], gates, comparison: { minimumRows, onTooFewRows } }, poor, {
        championTrainedOn: { datasets: [await artifacts.open(other.dataset)] },
      });

    it('compares the rows that neither has seen, and says how many are left', async () => {
      const report = await against(5);
      const left = report.rows - seen;
      expect(report.champion).toMatchObject({ rows: left, fair: { rows: report.rows, left, seenByChampion: seen, seenByThis: 0 } });
      expect(report.verdict.reasons).toEqual([
        expect.stringContaining(`on the same rows (${left} of ${report.rows} test rows: the champion was trained or validated on ${seen})`),
      ]);
    });

    it('cannot judge below the minimum, and then does what is declared', async () => {
      const rejected = await against(1_000);
      expect(rejected).toMatchObject({
        notFair: true,
        verdict: {
          passed: false,
          reasons: [expect.stringMatching(/cannot be compared fairly .* at least 1000 are needed; "onTooFewRows" is "fail"/)],
        },
      });
      expect(rejected.champion).toBeUndefined();
      expect((await against(1_000, 'pass')).verdict).toMatchObject({ passed: true });
    });

    it('finds the rows again where the datasets have other columns, or say themselves which split a row is in', async () => {
      const wider = await prepare(
        'wider.csv',
        ['x,site,size,id,part,more', ...lines.map((line, row) => `${line},${row % 2},${row * 3}`)].join('\n'),
        { label: 'size', split: { by: 'column', column: 'part', values: { train: 0, test: 1 } } },
        features,
      );
      const evenIds = await fairRows(
        await artifacts.open(flowers.dataset),
        { datasets: [await artifacts.open(flowers.dataset)] },
        { datasets: [await artifacts.open(wider.dataset)] },
      );
      let even = 0;
      for await (const batch of readRows(await artifacts.open(flowers.dataset), 'test'))
        even += batch.filter((row) => Number(row['id']) % 2 === 0).length;
      expect(evenIds).toMatchObject({ seenByChampion: even, seenByThis: 0 });
    });

    it('cannot judge where nobody knows what the champion has seen', async () => {
      const report = await evaluate(flowers, good, { metrics: ['accuracy'], gates }, poor, {
        championTrainedOn: { unknown: 'it does not say what it was trained on' },
      });
      expect(report.verdict).toMatchObject({
        passed: false,
        reasons: [expect.stringContaining('nobody can tell which rows the champion has seen')],
      });
    });

    it('bounds what is worse again and again by the best champion of a period', async () => {
      const trainedOn = { datasets: [await artifacts.open(flowers.dataset)] };
      const former = [{ model: 'p', version: 1, artifact: good, trainedOn, agoMs: 3 * 86_400_000 }];
      const wide = { metric: 'accuracy', notWorseThanChampionBy: 0.1 } as const;
      const judgedBy = (bestWithin: string | undefined) =>
        evaluate(flowers, poor, { metrics: ['accuracy'], gates: [bestWithin === undefined ? wide : { ...wide, bestWithin }] }, poor, {
          former,
        });
      expect((await judgedBy(undefined)).verdict.passed).toBe(true);
      expect((await judgedBy('1d')).verdict.passed).toBe(true);
      const stopped = await judgedBy('30d');
      expect(stopped.verdict).toMatchObject({
        passed: false,
        reasons: [
          expect.stringMatching(
            /is worse by 0\.\d+ than 0\.\d+ of version 1, the best of 1 former champion of the last 30d, which is too much/,
          ),
        ],
      });
    });
  });

  it('treats a champion that cannot be compared as none, and says why', async () => {
    const other = await prepare(
      'other.csv',
      ['x,size', ...Array.from({ length: 60 }, (_, row) => `${row},${['big', 'huge'][row % 2]}`)].join('\n'),
      { label: 'size' },
      { features: { x: ['standardize'] } },
    );
    const stranger = await modelOf(other, [2], 'stranger', () => [0.5, 0.5]);
    const gates = [{ metric: 'accuracy', notWorseThanChampionBy: 0 }] as const;
    const report = await evaluate(flowers, good, { gates, onNoChampion: 'fail' }, stranger);
    expect(report).toMatchObject({ noChampion: 'the champion knows classes that this model does not: huge', verdict: { passed: false } });
    const wider = await prepare(
      'wider.csv',
      ['x,gone,size', ...Array.from({ length: 60 }, (_, row) => `${row},1,${['big', 'small'][row % 2]}`)].join('\n'),
      { label: 'size' },
      { features: { x: ['standardize'], gone: ['standardize'] } },
    );
    const blind = await evaluate(flowers, good, { gates }, await modelOf(wider, [2], 'wider', () => [0.5, 0.5]));
    expect(blind.noChampion).toMatch(/the champion cannot read these rows: .*gone/);
    expect(blind.champion).toBeUndefined();
  });

  it.each<[string, Partial<EvaluateOptions>, string]>([
    ['a slice that is no column', { slices: ['sites'] }, 'COLUMN_MISSING'],
    ['a gate on a metric that is not computed', { metrics: ['f1'], gates: [{ metric: 'accuracy', atLeast: 1 }] }, 'CONFIG_INVALID'],
    ['a metric of another task', { metrics: ['r2'] }, 'CONFIG_INVALID'],
    ['a positive class that is none', { positive: 'large' }, 'CONFIG_INVALID'],
    ['a season of what is no sequence', { baseline: { seasonalNaive: 12 } }, 'CONFIG_INVALID'],
  ])('refuses %s', async (_name, options, code) => {
    await expect(evaluate(flowers, good, options)).rejects.toMatchObject({ code });
  });

  it('refuses examples of another dataset', async () => {
    const other = await prepare(
      'shuffled.csv',
      ['x,site,size', ...Array.from({ length: 200 }, (_, row) => `${row},a,${row % 3 === 0 ? 'big' : 'small'}`)].join('\n'),
      { label: 'size', split: { train: 0.5, validation: 0.2, test: 0.3, by: 'hash' } },
      { features: { x: [] } },
    );
    await expect(evaluate({ dataset: other.dataset, examples: flowers.examples }, good)).rejects.toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining('do not fit the rows of the dataset'),
    });
  });

  it('stops when it is told to', async () => {
    await expect(evaluate(flowers, good, { signal: AbortSignal.abort() })).rejects.toThrow();
  });

  it('makes a page that escapes what the data hold', async () => {
    const report = await evaluate(flowers, good, { slices: ['site'] }, poor);
    const worst = report.worst.map((row) => ({ ...row, columns: { ...row.columns, site: '<img src=x onerror=alert(1)>' } }));
    const text = await renderEvaluationReport({ ...report, worst, pipeline: '<script>p</script>' });
    expect(text).not.toMatch(/<script|<img|href=|@import/);
    expect(text).toContain('&#60;img src=x');
    expect(text.match(/<svg /g)!.length).toBeGreaterThanOrEqual(4);
    expect(text).toContain('Confusion matrix');
    // Clip paths are named apart.
    const ids = [...text.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('evaluateModel on a series', () => {
  const value = (day: number): number => 10 + 5 * Math.sin(day / 5) + (day % 3);
  const DAYS = 120;
  let week: Prepared;
  let lastOf: (prepared: Prepared, name: string, add: number) => Promise<OpenArtifact>;

  beforeAll(async () => {
    const lines = Array.from(
      { length: DAYS },
      (_, day) => `${new Date(Date.UTC(2024, 0, 1 + day)).toISOString().slice(0, 10)},${value(day)}`,
    );
    const csv = ['date,temperature', ...lines].join('\n');
    const ingest = {
      label: 'temperature',
      columns: { date: 'timestamp' },
      split: { train: 0.6, validation: 0.2, test: 0.2, by: 'time', column: 'date' },
    };
    week = await prepare('series.csv', csv, ingest, {
      features: { temperature: [{ impute: 'median' }] },
      label: [],
      sequence: { size: 7, horizon: 2, by: 'date' },
    });
    // Gives the last value of the window: persistence, plus a constant.
    lastOf = (prepared, name, add) => modelOf(prepared, [1], name, (features, row, width) => [features[(row + 1) * width - 1]! + add]);
  });

  it('has persistence as its baseline: the value `horizon` rows before the label', async () => {
    const report = await evaluate(week, await lastOf(week, 'persistence', 0), {
      gates: [{ metric: 'meanAbsoluteError', betterThanBaseline: true }],
    });
    expect(report).toMatchObject({
      rows: 24,
      baseline: { kind: 'persistence' },
      verdict: { passed: false },
      regression: { ordered: true },
    });
    const expected =
      Array.from({ length: 24 }, (_, index) => DAYS - 24 + index).reduce((sum, day) => sum + Math.abs(value(day) - value(day - 2)), 0) / 24;
    expect(report.metrics[0]!.baseline).toBeCloseTo(expected, 6);
    expect(report.metrics[0]!.value).toBeCloseTo(expected, 5);
  });

  it('scales an error by that of the naive forecast on the training rows', async () => {
    const report = await evaluate(week, await lastOf(week, 'scaled', 0.5), {
      metrics: ['meanAbsoluteError', { meanAbsoluteScaledError: { as: 'mase' } }],
    });
    const train = Math.round(DAYS * 0.6);
    const naive =
      Array.from({ length: train - 2 }, (_, at) => Math.abs(value(at + 2) - value(at))).reduce((sum, one) => sum + one, 0) / (train - 2);
    const [error, scaled] = report.metrics;
    expect(scaled!.value).toBeCloseTo(error!.value / naive, 6);
    expect(scaled!.baseline).toBeCloseTo(error!.baseline! / naive, 6);
  });

  it('compares with the same place in the last season that was known, where it is asked to', async () => {
    const baselineWith = async (seasonalNaive: number) =>
      (await evaluate(week, await lastOf(week, 'seasonal', 0), { baseline: { seasonalNaive } })).metrics[0]!.baseline;
    const before = (lag: number): number =>
      Array.from({ length: 24 }, (_, index) => DAYS - 24 + index).reduce((sum, day) => sum + Math.abs(value(day) - value(day - lag)), 0) /
      24;
    // A season of one day is over before a forecast for the second day: the last one that is known is two days old.
    expect(await baselineWith(1)).toBeCloseTo(before(2), 6);
    expect(await baselineWith(30)).toBeCloseTo(before(30), 6);
    await expect(baselineWith(97)).rejects.toMatchObject({ code: 'DATA_INVALID', message: expect.stringContaining('97 rows before') });
  });

  it('keeps several series apart: naive forecasts, windows, slices and the rows where it errs', async () => {
    const shopValue = (shop: string, day: number): number => (shop === 'A' ? value(day) : 1000 + 3 * value(day));
    // Shop B has a gap of three days in the test split, shop C is too short for a window.
    const lines = Array.from({ length: DAYS }, (_, day) =>
      ['A', 'B']
        .filter((shop) => shop === 'A' || day < 105 || day > 107)
        .map((shop) => `${new Date(Date.UTC(2024, 0, 1 + day)).toISOString().slice(0, 10)},${shop},${shopValue(shop, day)}`),
    ).flat();
    const ingest = {
      label: 'temperature',
      columns: { date: 'timestamp' },
      split: { train: 0.6, validation: 0.2, test: 0.2, by: 'time', column: 'date' },
    };
    const of = (size: number) =>
      prepare('shops.csv', ['date,shop,temperature', ...lines, '2024-01-05,C,3'].join('\n'), ingest, {
        features: { temperature: [] },
        label: [],
        sequence: { size, horizon: 2, by: 'date', key: 'shop' },
      });
    const shops = await of(4);
    const report = await evaluate(shops, await lastOf(shops, 'by shop', 0), { slices: ['shop'] }, await lastOf(await of(3), 'shorter', 1));
    // The last value of each window is the persistence of its own shop: the model equals its baseline.
    expect(report.baseline.kind).toBe('persistence');
    const error = report.metrics.find(({ key }) => key === 'meanAbsoluteError')!;
    expect(error.value).toBeCloseTo(error.baseline!, 3);
    expect(error.value).toBeLessThan(20);
    expect(report.slices[0]).toMatchObject({ column: 'shop' });
    expect(report.worst[0]!.columns['shop']).toBe('B');
    expect(Number(report.worst[0]!.label)).toBeGreaterThan(900);
    // The champion needs shorter windows, so it predicts all of these rows.
    expect(report.champion!.rows).toBe(report.rows);
    // 24 days of A; of B three are missing, and the first 5 after them have no window.
    const seasonal = await evaluate(shops, await lastOf(shops, 'by shop', 0), { baseline: { seasonalNaive: 7 } });
    expect(seasonal.baseline.description).toMatch(
      /the value of 7 rows before, and where a series is shorter or has a gap \(\d+ of \d+ rows\) the last known value/,
    );
  });

  it('compares models of different windows on the same days', async () => {
    const short = await prepare(
      'series.csv',
      await import('node:fs/promises').then((fs) => fs.readFile(join(folder, 'series.csv'), 'utf8')),
      {
        label: 'temperature',
        columns: { date: 'timestamp' },
        split: { train: 0.6, validation: 0.2, test: 0.2, by: 'time', column: 'date' },
      },
      { features: { temperature: [{ impute: 'median' }] }, label: [], sequence: { size: 3, horizon: 1, by: 'date' } },
    );
    const champion = await lastOf(short, 'yesterday', 0);
    const report = await evaluate(week, await lastOf(week, 'worse', 3), { metrics: ['meanAbsoluteError'] }, champion);
    const alone = await evaluate(short, champion, { metrics: ['meanAbsoluteError'] });
    expect(report.champion).toMatchObject({ rows: 24 });
    expect(report.champion!.metrics['meanAbsoluteError']).toBeCloseTo(alone.metrics[0]!.value, 6);
    const text = await renderEvaluationReport(report);
    expect(text).toContain('In order of time');
  });
});

describe('what is not defined on the test rows', () => {
  const prepareNumbers = (name: string, labelOf: (row: number, test: boolean) => number): Promise<Prepared> =>
    prepare(
      `${name}.csv`,
      [
        'x,part,y',
        ...Array.from(
          { length: 90 },
          (_, row) => `${(row * 37) % 11},${['train', 'validation', 'test'][row % 3]},${labelOf(row, row % 3 === 2)}`,
        ),
      ].join('\n'),
      { label: 'y', columns: { y: 'number' }, split: { by: 'column', column: 'part' } },
      { features: { x: [{ impute: 'median' }] } },
    );
  const constant = (prepared: Prepared, name: string): Promise<OpenArtifact> => modelOf(prepared, [1], name, () => [0.1]);

  it('judges by the labels of the source: a 0 is a 0 after it was standardized', async () => {
    const zeros = await prepareNumbers('zeros', (row) => (row % 2 === 0 ? 0 : row / 7));
    const model = await constant(zeros, 'zeros');
    const error = await evaluate(zeros, model, { metrics: ['meanAbsoluteError', 'meanAbsolutePercentageError'] }).catch(
      (caught: unknown) => caught,
    );
    expect(error).toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining('not defined on 15 of 30 rows, whose label is 0'),
      hint: expect.stringContaining('"meanAbsoluteError"'),
    });
  });

  it('leaves a usual metric out and says so, and refuses one that is asked for or read by a gate', async () => {
    const equal = await prepareNumbers('equal', (row, test) => (test ? 0.1 : row));
    const model = await constant(equal, 'equal');
    const report = await evaluate(equal, model);
    expect(report.metrics.map(({ key }) => key)).toEqual(['meanAbsoluteError', 'rootMeanSquaredError']);
    expect(report.leftOut).toEqual([{ key: 'r2', why: expect.stringContaining('all 30 labels are 0.1') }]);
    expect((await writeEvaluation(artifacts, report)).values).toMatchObject({
      note_r2: expect.stringContaining('all 30 labels are 0.1'),
      verdict: 'ungated',
    });
    expect(await renderEvaluationReport(report)).toContain('all 30 labels are 0.1');
    await expect(evaluate(equal, model, { metrics: ['r2'] })).rejects.toMatchObject({ code: 'DATA_INVALID' });
    await expect(evaluate(equal, model, { gates: [{ metric: 'r2', atLeast: 0 }] })).rejects.toMatchObject({ code: 'DATA_INVALID' });
  });

  it('ranks several classes over those that the test rows have, and says which are absent', async () => {
    const lines = Array.from(
      { length: 90 },
      (_, row) =>
        `${row % 9},${['train', 'validation', 'test'][row % 3]},${row % 3 === 2 ? 'ab'[row % 2] : 'abc'[Math.floor(row / 3) % 3]}`,
    );
    const absent = await prepare(
      'absent.csv',
      ['x,part,kind', ...lines].join('\n'),
      { label: 'kind', split: { by: 'column', column: 'part' } },
      { features: { x: [{ impute: 'median' }] } },
    );
    const report = await evaluate(
      absent,
      await modelOf(absent, [3], 'absent', (features, row) => [0.2 + features[row]! / 20, 0.5 - features[row]! / 20, 0.3]),
      { metrics: ['rocAuc', 'prAuc'] },
    );
    const note = 'over the 2 of 3 classes that occur: no row is of "c"';
    expect(report.metrics.map((metric) => metric.note)).toEqual([note, note]);
    const written = await writeEvaluation(artifacts, report);
    expect(written.values).toMatchObject({ note_rocAuc: note, note_prAuc: note });
    expect(written.details).toContain(note);
    expect(await renderEvaluationReport(report)).toContain('over the 2 of 3 classes that occur');
  });
});

it('shows the pictures of the rows where it errs most', async () => {
  const { encodePng } = await import('../../../src/data/images/encode-png.ts');
  const { writeFileSync } = await import('node:fs');
  for (const shade of [0, 1, 2, 3, 4, 5])
    writeFileSync(join(folder, `shade${shade}.png`), encodePng(new Uint8Array(200 * 100).fill(shade * 40), 200, 100, 1));
  const lines = Array.from(
    { length: 60 },
    (_, row) => `shade${row % 6}.png,${row % 7},${['train', 'validation', 'test'][row % 3]},${row % 2 === 0 ? 'even' : 'odd'}`,
  );
  const pictures = await prepare(
    'pictures.csv',
    ['picture,x,part,kind', ...lines].join('\n'),
    { label: 'kind', columns: { picture: 'image' }, split: { by: 'column', column: 'part' } },
    { features: { x: [{ impute: 'median' }] } },
  );
  const report = await evaluate(pictures, await modelOf(pictures, [2], 'pictures', () => [0.3, 0.7]));
  const { png } = report.worst[0]!.columns['picture'] as { png: string };
  expect(Buffer.from(png, 'base64').readUInt32BE(16)).toBe(96);
  expect(Buffer.from(png, 'base64').readUInt32BE(20)).toBe(48);
  const text = await renderEvaluationReport(report);
  expect(text).toContain(`<img class="small" src="data:image/png;base64,${png}" alt="picture">`);
  expect(text).not.toMatch(/\(\d+ bytes\)/);
});
