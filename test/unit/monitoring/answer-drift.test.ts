import { describe, expect, it } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import type { LabelOutput, OutputSpec } from '../../../src/core/tensor.ts';
import { decode } from '../../../src/data/answers/decode.ts';
import type { DatasetProfile } from '../../../src/data/stored/dataset.ts';
import { decodeReference } from '../../../src/data/stored/reference-values.ts';
import { askedReference } from '../../../src/monitoring/asked-reference.ts';
import type { DriftResult } from '../../../src/monitoring/detect.ts';
import { labelReference, labelsBetween } from '../../../src/monitoring/feedback/label-window.ts';
import { FeedbackWriter } from '../../../src/monitoring/feedback/feedback-writer.ts';
import { detectModelDrift, judgeModelDrift } from '../../../src/monitoring/model-drift.ts';
import type { LoggedPrediction } from '../../../src/monitoring/predictions/logged-prediction.ts';
import type { DriftReference } from '../../../src/monitoring/reference.ts';
import { violationsOf } from '../../../src/monitoring/violations.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { Unread } from '../../../src/storage/unread.ts';
import {
  ANSWERS_FILE,
  ANSWERS_REFERENCE_FILE,
  ANSWER_COLUMNS_MAX,
  answerFiles,
  answerReader,
  hasAnswerProfile,
} from '../../../src/training/bundle/answer-profile.ts';

const classes = (name: string, ...names: string[]): LabelOutput => ({ kind: 'classes', name, classes: names });
const kinds = classes('kind', 'cat', 'dog', 'owl');
const flags = classes('churned', 'no', 'yes');
const price: LabelOutput = { kind: 'number', name: 'price', width: 1, scale: { mean: 2_000, std: 5 } };

/** Answers as a network gives them, row by row. */
type Draw = (random: Prng) => number[];
const softmax = (logits: number[]): number[] => {
  const weights = logits.map((logit) => Math.exp(logit));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
};
/** @param owls added to the logit of the owls @param sure 1: as at training */
const kindsOf =
  (owls = 0, sure = 1): Draw =>
  (random) =>
    softmax([1, 0, owls].map((mean) => sure * (mean + 2 * random.normal())));
const priceOf =
  (shift = 0, spread = 1): Draw =>
  (random) => [shift + spread * random.normal()];

function valuesOf(rows: number, draw: Draw, seed: string): Float32Array {
  const random = new Prng('answers', seed);
  return Float32Array.from(Array.from({ length: rows }, () => draw(random)).flat());
}

/** Of a model of images: nothing of the rows is logged. */
function referenceOf(output: OutputSpec, draw: Draw, { rows = 1_000, seed = 'held back' } = {}): DriftReference {
  const files = answerFiles(output, valuesOf(rows, draw, seed), rows);
  const profile = JSON.parse(Buffer.from(files[ANSWERS_FILE]!).toString()) as DatasetProfile;
  const beside = files[ANSWERS_REFERENCE_FILE];
  return {
    model: 'pets',
    version: 3,
    profile: { formatVersion: 1, rows: 5_000, columns: [{ name: 'image', type: 'image', count: 5_000, missing: 0, distinct: 5_000 }] },
    columns: ['image'],
    answers: { profile, ...(beside === undefined ? {} : { values: decodeReference(beside) }), rowOf: answerReader(output, profile) },
  };
}

const logged = (output: OutputSpec, values: Float32Array, rows: number, version = 3): LoggedPrediction[] =>
  decode(output, values, rows).map((prediction, index) => ({
    time: '2026-01-01T00:00:00Z',
    id: String(index),
    version,
    row: null,
    // As it is written and read again.
    prediction: JSON.parse(JSON.stringify(prediction)) as LoggedPrediction['prediction'],
  }));
const read = (...batches: readonly LoggedPrediction[][]) =>
  async function* (): AsyncGenerator<LoggedPrediction[]> {
    yield* batches;
  };
const window = (output: OutputSpec, draw: Draw, seed: string, rows = 500): LoggedPrediction[] =>
  logged(output, valuesOf(rows, draw, seed), rows);
const drifted = (reference: DriftReference, predictions: LoggedPrediction[]): Promise<DriftResult> =>
  detectModelDrift(reference, read(predictions), {});

describe('drift of answers', () => {
  it.each<[string, OutputSpec, Draw]>([
    ['classes', kinds, kindsOf()],
    ['two classes', flags, (random) => [1 / (1 + Math.exp(-2 * random.normal()))]],
    ['numbers', price, priceOf()],
    ['lists of numbers', { ...price, width: 5 }, (random) => Array.from({ length: 5 }, () => random.normal())],
    [
      'several labels',
      { kind: 'several', name: 'kind', outputs: [kinds, price] },
      (random) => [...kindsOf()(random), ...priceOf()(random)],
    ],
  ])('is not found in %s that are as they were, over many references and windows', async (_, output, draw) => {
    const found: string[] = [];
    for (let seed = 0; seed < 60; seed += 1) {
      const result = await drifted(
        referenceOf(output, draw, { seed: `then ${seed}`, rows: 300 + 30 * seed }),
        window(output, draw, `now ${seed}`, 200 + 10 * seed),
      );
      expect(result.enoughRows).toBe(true);
      if (result.drifted) found.push(`${seed}: ${result.driftedColumns.join()}`);
    }
    expect(found).toEqual([]);
  });

  it('is found in the mix of classes, and in how sure the model is of them', async () => {
    const reference = referenceOf(kinds, kindsOf());
    for (let seed = 0; seed < 20; seed += 1) {
      expect((await drifted(reference, window(kinds, kindsOf(2.5), `more owls ${seed}`))).driftedColumns).toContain('prediction.label');
      expect((await drifted(reference, window(kinds, kindsOf(0, 0.4), `unsure ${seed}`))).driftedColumns).toEqual([
        'prediction.probability',
      ]);
    }
  });

  it('is found in numbers that are higher, and in numbers that are further apart', async () => {
    const reference = referenceOf(price, priceOf());
    for (let seed = 0; seed < 20; seed += 1) {
      expect((await drifted(reference, window(price, priceOf(0.6), `higher ${seed}`))).driftedColumns).toEqual(['prediction.value']);
      expect((await drifted(reference, window(price, priceOf(0, 2), `apart ${seed}`))).driftedColumns).toEqual(['prediction.value']);
    }
  });

  it('tells a class that the model knows, and had not named, from one that nobody has seen', async () => {
    const rare = referenceOf(kinds, (random) => softmax([4, 4 * random.normal(), -40]));
    const owls = await drifted(
      rare,
      window(kinds, () => [0, 0, 1], 'owls'),
    );
    expect(owls.driftedColumns).toContain('prediction.label');
    expect(violationsOf(owls).map((one) => one.constraint_check_type)).not.toContain('categorical_values_check');
  });

  it('takes no last bits for drift, where few rows differ', async () => {
    // Rows are computed together with others than at training, and a sum ends a bit higher or lower.
    const jitter = (scale: number): Draw => {
      return (random) => {
        const value = [0.25, 0.5, 0.75, 0.875][random.below(4)]!;
        return [value * (1 + scale * random.normal())];
      };
    };
    for (const output of [price, flags]) {
      const reference = referenceOf(output, jitter(0));
      expect(await drifted(reference, window(output, jitter(1e-7), 'bits'))).toMatchObject({ drifted: false, driftedColumns: [] });
    }
    const constant = referenceOf(price, () => [0.001]);
    expect(
      await drifted(
        constant,
        window(price, () => [0.001_000_1], 'bits'),
      ),
    ).toMatchObject({ drifted: false });
    expect(
      await drifted(
        constant,
        window(price, () => [0.2], 'moved'),
      ),
    ).toMatchObject({ drifted: true });
  });

  it('has one bound with the columns of the rows, whose windows it keeps apart', async () => {
    const reference: DriftReference = {
      ...referenceOf(flags, (random) => [random.uniform()]),
      profile: {
        formatVersion: 1,
        rows: 1_000,
        columns: [
          {
            name: 'color',
            type: 'string',
            count: 1_000,
            missing: 0,
            distinct: 2,
            categories: { counts: { red: 500, blue: 500 }, other: 0 },
          },
        ],
      },
      columns: ['color'],
    };
    const predictions = window(flags, (random) => [random.uniform() ** 3], 'lower').map((one, index) => ({
      ...one,
      row: { color: index % 2 === 0 ? 'red' : 'blue' },
    }));
    const together = await drifted(reference, predictions);
    expect(together).toMatchObject({
      drifted: true,
      rows: 500,
      driftedColumns: ['prediction.label', 'prediction.probabilities.yes'],
      newColumns: [],
    });
    expect(together.notes).toBeUndefined();
    expect(together.columns.map(({ name }) => name)).toEqual(['color', 'prediction.label', 'prediction.probabilities.yes']);
    // What is corrected for one family alone is corrected for two of them.
    const few = predictions.map((one, index) => ({ ...one, row: { color: index % 20 < 7 ? 'red' : 'blue' } }));
    const chance = (result: DriftResult): number =>
      result.columns.find(({ name }) => name === 'color')!.tests.find(({ corrected }) => corrected !== undefined)!.corrected!;
    const { answers: _, ...alone } = reference;
    const [both, one] = [chance(await drifted(reference, few)), chance(await detectModelDrift(alone, read(few), { looks: 3 }))];
    expect(both / one).toBeCloseTo(2 / 3, 6);
  });

  it('goes by rules of its own where they name its columns, and says so; without answers they say nothing', async () => {
    const reference = referenceOf(kinds, kindsOf());
    const perColumn = { 'prediction.probability': { tests: [{ wasserstein: { threshold: 5 } }] } } as const;
    const predictions = window(kinds, kindsOf(0, 0.4), 'unsure');
    const loose = await detectModelDrift(reference, read(predictions), { perColumn });
    expect(loose).toMatchObject({ drifted: false });
    expect(loose.options.columns['prediction.probability']!.tests).toEqual([{ test: 'wasserstein', threshold: 5 }]);
    await expect(detectModelDrift(reference, read(predictions), { perColumn: { 'prediction.probabilty': {} } })).rejects.toMatchObject({
      code: 'COLUMN_MISSING',
    });
    const { answers: _, ...old } = reference;
    const without = await detectModelDrift({ ...old, withoutAnswers: 'Answers are not compared.' }, read(predictions), { perColumn });
    expect(without).toMatchObject({ drifted: false, notes: ['Answers are not compared.'] });
  });

  it('is that of one version, and against earlier answers where questions are compared with earlier ones', async () => {
    const reference = referenceOf(price, priceOf());
    const weekend = window(price, priceOf(0.8), 'last Sunday');
    const now = window(price, priceOf(0.8), 'this Sunday');
    expect(await drifted(reference, now)).toMatchObject({ drifted: true });
    const others = now.map((one) => ({ ...one, version: 2 }));
    expect(await drifted(reference, [...others, ...window(price, priceOf(), 'own')])).toMatchObject({ drifted: false });
    const seasonal = await askedReference(reference, read(weekend), 200);
    expect(await drifted(seasonal, now)).toMatchObject({ drifted: false, isAsked: true });
    expect(await drifted(seasonal, window(price, priceOf(0), 'a Monday'))).toMatchObject({ drifted: true });
    // Another version said something else to the same questions.
    const former = await askedReference(reference, read(weekend.map((one) => ({ ...one, version: 2 }))), 200);
    expect(former.answers).toBeUndefined();
    expect(await drifted(former, now)).toMatchObject({
      drifted: false,
      notes: ['Answers are not compared: of the earlier questions version 3 itself answered 0, and at least 200 are needed.'],
    });
  });
});

describe('drift of labels', () => {
  const START = Date.parse('2026-03-01T00:00:00Z');
  const DAY = 86_400_000;
  const profile: DatasetProfile = {
    formatVersion: 1,
    rows: 3_000,
    columns: [
      { name: 'x', type: 'number', count: 3_000, missing: 0, distinct: 0 },
      {
        name: 'kind',
        type: 'string',
        count: 3_000,
        missing: 0,
        distinct: 3,
        categories: { counts: { cat: 1_500, dog: 1_000, owl: 500 }, other: 0 },
      },
    ],
  };
  const reference: DriftReference = { ...referenceOf(kinds, kindsOf()), labels: labelReference(kinds, { profile })! };
  const labelled = (seed: string, owls: number): string[] => {
    const random = new Prng('labels', seed);
    return Array.from({ length: 500 }, () => (random.uniform() < owls ? 'owl' : random.uniform() < 0.6 ? 'cat' : 'dog'));
  };
  const judged = async (labels: readonly string[], against = reference): Promise<DriftResult> =>
    (await judgeModelDrift(against, read(window(kinds, kindsOf(), 'as they were')), {}, [], labels)).result;

  it('is found where their mix is another, and not while it is as in training', async () => {
    for (let seed = 0; seed < 30; seed += 1) {
      expect((await judged(labelled(`as before ${seed}`, 1 / 6))).driftedColumns).toEqual([]);
      expect((await judged(labelled(`owls ${seed}`, 0.4))).driftedColumns).toEqual(['label']);
    }
    const { columns } = await judged(labelled('few', 0.4).slice(0, 100));
    expect(columns.find(({ name }) => name === 'label')).toMatchObject({ status: 'compared' });
    // Too few have no say.
    expect(await judged(labelled('few', 0.9).slice(0, 100))).toMatchObject({ drifted: false, enoughRows: true });
  });

  it('is looked for where there are labels, and they are those of training', async () => {
    expect((await judged([])).columns.map(({ name }) => name)).not.toContain('label');
    const seasonal = await askedReference(reference, read(window(kinds, kindsOf(), 'last week')), 200);
    expect((await judged(labelled('owls', 0.4), seasonal)).columns.map(({ name }) => name)).not.toContain('label');
    const perColumn = { label: { tests: [{ psi: { threshold: 9 } }] } };
    for (const labels of [[], labelled('owls', 0.4)])
      expect(
        (await judgeModelDrift(reference, read(window(kinds, kindsOf(), 'now')), { perColumn }, [], labels)).result.driftedColumns,
      ).toEqual([]);
  });

  it('has columns of their own for several labels, and reads classes that are told as numbers', () => {
    const codes = classes('code', '1', '2');
    const column = { count: 10, missing: 0, distinct: 2 };
    const found = labelReference(
      { kind: 'several', name: 'code', outputs: [codes, price] },
      {
        profile: {
          formatVersion: 1,
          rows: 10,
          columns: [
            { name: 'code', type: 'string', ...column },
            { name: 'price', type: 'number', ...column },
          ],
        },
      },
    )!;
    expect(found.profile.columns.map(({ name }) => name)).toEqual(['label.code', 'label.price']);
    expect(found.rowOf({ code: 1, price: 7.5 })).toEqual({ 'label.code': '1', 'label.price': 7.5 });
    expect(found.rowOf({ price: 3 })).toEqual({ 'label.price': 3 });
    expect(found.rowOf('1')).toBeUndefined();
    expect(labelReference({ ...price, width: 4 }, { profile: found.profile })).toBeUndefined();
  });

  it('takes no label for missing where another one of several is told alone', async () => {
    const counts = { count: 3_000, missing: 0 };
    const categories = (...names: string[]) => ({
      counts: Object.fromEntries(names.map((name) => [name, 3_000 / names.length])),
      other: 0,
    });
    const output: OutputSpec = { kind: 'several', name: 'kind', outputs: [kinds, flags] };
    const several: DriftReference = {
      ...reference,
      labels: labelReference(output, {
        profile: {
          formatVersion: 1,
          rows: 3_000,
          columns: [
            { name: 'kind', type: 'string', ...counts, distinct: 3, categories: categories('cat', 'dog', 'owl') },
            { name: 'churned', type: 'string', ...counts, distinct: 2, categories: categories('no', 'yes') },
          ],
        },
      })!,
    };
    const told = (churned: (index: number) => string | undefined): readonly Readonly<Record<string, string>>[] =>
      Array.from({ length: 600 }, (_, index) => {
        const own = churned(index);
        return { kind: ['cat', 'dog', 'owl'][index % 3]!, ...(own === undefined ? {} : { churned: own }) };
      });
    const columnsOf = async (labels: ReturnType<typeof told>): Promise<DriftResult> =>
      (await judgeModelDrift(several, read(window(kinds, kindsOf(), 'now')), {}, [], labels)).result;
    expect((await columnsOf(told(() => undefined))).columns.map(({ name }) => name)).not.toContain('label.churned');
    expect(await columnsOf(told((index) => (index % 2 === 0 ? undefined : ['no', 'yes'][Math.floor(index / 2) % 2])))).toMatchObject({
      drifted: false,
    });
    expect((await columnsOf(told(() => 'yes'))).driftedColumns).toEqual(['label.churned']);
  });

  it('is that of labels that arrived in the window, the last of each prediction, and of none that was chosen for its answer', async () => {
    const store = new MemoryStore();
    let now = START - DAY;
    const writer = new FeedbackWriter(store, { now: () => new Date(now) });
    await writer.write('pets', [{ id: 'a', label: 'early' }]);
    now = START + 1_000;
    await writer.write('pets', [
      { id: 'b', label: 'cat' },
      { id: 'c', label: 'owl', flag: true },
      { id: 'd', label: 'owl' },
      { key: { n: 7 }, label: 'dog' },
    ]);
    now += 1_000;
    await writer.write('pets', [
      { id: 'b', label: 'dog' },
      { id: 'd', flag: true },
    ]);
    now = START + DAY;
    await writer.write('pets', [{ id: 'e', label: 'late' }]);
    const between = { from: new Date(START), to: new Date(START + DAY), unread: new Unread() };
    expect((await labelsBetween(store, 'pets', between)).toSorted()).toEqual(['dog', 'dog']);
    expect(await labelsBetween(store, 'others', between)).toEqual([]);
  });
});

describe('the profile of answers', () => {
  const columnsOf = (output: OutputSpec, values: number[], rows: number): string[] =>
    (JSON.parse(Buffer.from(answerFiles(output, Float32Array.from(values), rows)[ANSWERS_FILE]!).toString()) as DatasetProfile).columns.map(
      ({ name }) => name,
    );

  it('names its columns as an answer names its parts', () => {
    expect(columnsOf(kinds, [0.2, 0.3, 0.5], 1)).toEqual(['prediction.label', 'prediction.probability']);
    expect(columnsOf(flags, [0.2], 1)).toEqual(['prediction.label', 'prediction.probabilities.yes']);
    expect(columnsOf(price, [0.2], 1)).toEqual(['prediction.value']);
    expect(columnsOf({ ...price, width: 2 }, [0.2, 1], 1)).toEqual(['prediction.value.0', 'prediction.value.1']);
    const outputs = [kinds, flags, { ...price, name: 'probabilities' }];
    expect(columnsOf({ kind: 'several', name: 'kind', outputs }, [0.2, 0.3, 0.5, 0.1, 0.9, 1], 1)).toEqual([
      'prediction.kind.label',
      'prediction.kind.probability',
      'prediction.churned.label',
      'prediction.churned.probabilities.yes',
      'prediction.probabilities.value',
    ]);
    const next: OutputSpec = { kind: 'text', name: 't', length: 4, vocabularySize: 9 };
    expect(hasAnswerProfile(next)).toBe(false);
    expect(answerFiles(next, new Float32Array(9), 1)).toEqual({});
    expect(answerFiles(kinds, new Float32Array(0), 0)).toEqual({});
  });

  it('is bounded, however long the answers and however many the classes', () => {
    const long: OutputSpec = { ...price, width: 500 };
    const names = columnsOf(long, new Array<number>(500).fill(1), 1);
    expect(names).toHaveLength(ANSWER_COLUMNS_MAX);
    expect([names[0], names.at(-1)]).toEqual(['prediction.value.0', 'prediction.value.499']);
    const many = classes('kind', ...Array.from({ length: 120 }, (_, index) => `c${String(index).padStart(3, '0')}`));
    const rows = 4_000;
    const draw: Draw = (random) => {
      const own = new Array<number>(120).fill(0);
      own[random.below(100)] = 1;
      return own;
    };
    const files = answerFiles(many, valuesOf(rows, draw, 'many'), rows);
    const profile = JSON.parse(Buffer.from(files[ANSWERS_FILE]!).toString()) as DatasetProfile;
    expect(profile.columns[0]).toMatchObject({ count: rows, distinct: 100 });
    expect(Object.keys(profile.columns[0]!.categories!.counts)).toHaveLength(50);
    const kept = decodeReference(files[ANSWERS_REFERENCE_FILE]!).get('prediction.label');
    expect(kept).toMatchObject({ kind: 'category', other: 0 });
    expect(kept!.kind === 'category' && kept!.counts.size).toBe(120);
  });

  it('counts what is no number as missing', () => {
    const files = answerFiles(price, Float32Array.of(1, NaN, 2, Infinity), 4);
    const [column] = (JSON.parse(Buffer.from(files[ANSWERS_FILE]!).toString()) as DatasetProfile).columns;
    expect(column).toMatchObject({ count: 2, missing: 2, number: { min: 2_005, max: 2_010 } });
  });
});
