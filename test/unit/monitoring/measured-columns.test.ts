import { describe, expect, it } from 'vitest';
import type { Row } from '../../../src/core/tensor.ts';
import { Prng } from '../../../src/core/prng.ts';
import type { ColumnProfile } from '../../../src/data/stored/dataset.ts';
import { currentRows } from '../../../src/monitoring/current-rows.ts';
import { judgeWindow } from '../../../src/monitoring/detect.ts';
import type { DriftOptions, JudgedWindow, KeptWindow, TrainingProfile } from '../../../src/monitoring/detect.ts';
import { sampleBatches } from '../../../src/monitoring/joint/row-sample.ts';

/** The words of a language: the n-th is as frequent as 1/n. */
const wordOf = (random: Prng, foreign: number): string => {
  const rank = Math.floor(Math.exp(random.uniform() * Math.log(20_000)));
  const name = [...rank.toString(16)].map((digit) => 'abdeghiklmnoprst'[Number.parseInt(digit, 16)]).join('');
  return random.uniform() < foreign ? `u${name}` : `x${name}`;
};
const DAY = 86_400_000;

interface Mails {
  readonly rows?: number;
  readonly longer?: number;
  /** Share of the words that are of another language. */
  readonly foreign?: number;
  readonly hours?: readonly [number, number];
}

/** Mails of one kind, in the hours of a week. */
function mails(seed: string, { rows = 1_200, longer = 1, foreign = 0, hours = [8, 18] }: Mails = {}): Row[] {
  const random = new Prng('mails', seed);
  const monday = 1_700_000_000_000 - (1_700_000_000_000 % DAY);
  return Array.from({ length: rows }, () => ({
    text: Array.from({ length: Math.ceil((6 + random.below(20)) * longer) }, () => wordOf(random, foreign)).join(' '),
    sent: new Date(monday + random.below(7) * DAY + (hours[0] + random.below(hours[1] - hours[0])) * 3_600_000).toISOString(),
    size: random.normal(),
  }));
}

const column = (name: string, type: ColumnProfile['type'], extra: Partial<ColumnProfile> = {}): ColumnProfile => ({
  name,
  type,
  count: 1_200,
  missing: 0,
  distinct: 1_200,
  ...extra,
});

function training(rows: readonly Row[]): TrainingProfile {
  const sizes = rows.map(({ size }) => size as number).sort((a, b) => a - b);
  return {
    profile: {
      formatVersion: 1,
      rows: rows.length,
      columns: [
        column('text', 'string', { categories: { counts: { 'the same': 1 }, other: 1_199 } }),
        column('sent', 'timestamp'),
        column('size', 'number', {
          number: { min: sizes[0]!, max: sizes.at(-1)!, mean: 0, std: 1, quantiles: {}, edges: [], counts: [], sample: sizes },
        }),
      ],
    },
    rowsOf: (order) =>
      sampleBatches(
        (async function* () {
          yield rows;
        })(),
        order,
        undefined,
      ),
  };
}

const judge = (now: readonly Row[], options: DriftOptions = {}, then = mails('then')): Promise<JudgedWindow> =>
  judgeWindow(training(then), currentRows([now]), options);
const drifted = async (now: readonly Row[], options: DriftOptions = {}): Promise<readonly string[]> =>
  (await judge(now, options)).result.driftedColumns;
const HOURS: DriftOptions = { perColumn: { sent: { measures: ['hour'] } } };

describe('what is measured of columns whose values are not compared', () => {
  it('is compared beside the column, which says so', async () => {
    const { result } = await judge(mails('now'), HOURS);
    expect(result.columns.map(({ name, status }) => [name, status])).toEqual([
      ['text', 'skipped'],
      ['text (characters)', 'compared'],
      ['text (letters)', 'compared'],
      ['text (unknownWords)', 'compared'],
      ['text (words)', 'compared'],
      ['sent', 'skipped'],
      ['sent (hour)', 'compared'],
      ['size', 'compared'],
    ]);
    expect(result.columns[0]!.reason).toContain('Compared is what is measured of it: text (characters), text (letters)');
    expect(result.drifted).toBe(false);
  });

  it('raises no alarm while nothing changes', async () => {
    for (let seed = 0; seed < 20; seed += 1) expect(await drifted(mails(`same ${seed}`), HOURS)).toEqual([]);
    // The very rows of the reference, all of them or some, are what nothing is unknown of.
    expect(await drifted(mails('then'), HOURS)).toEqual([]);
    expect(await drifted([...mails('then').slice(0, 400), ...mails('now', { rows: 800 })], HOURS)).toEqual([]);
  });

  it('shows longer texts, other words, and other hours, each by itself', async () => {
    expect(await drifted(mails('now', { longer: 1.3 }))).toEqual(['text (characters)', 'text (words)']);
    expect(await drifted(mails('now', { foreign: 0.1 }))).toEqual(['text (unknownWords)']);
    expect(await drifted(mails('now', { hours: [8, 22] }), HOURS)).toEqual(['sent (hour)']);
    expect(await drifted(mails('now', { hours: [8, 22] }))).toEqual([]);
  });

  it('is of declared measures only, or of none', async () => {
    const names = async (measures: readonly string[]) =>
      (await judge(mails('now'), { perColumn: { text: { measures } } })).result.columns.flatMap(({ name }) =>
        name.startsWith('text') ? [name] : [],
      );
    expect(await names(['words'])).toEqual(['text', 'text (words)']);
    expect(await names([])).toEqual(['text']);
  });

  it('goes by the rules of its column', async () => {
    const rules = { perColumn: { text: { tests: ['wasserstein' as const], agree: 'any' as const } } };
    const { result } = await judge(mails('now', { longer: 2 }), rules);
    expect(result.columns.find(({ name }) => name === 'text (words)')).toMatchObject({
      drifted: true,
      tests: expect.arrayContaining([expect.objectContaining({ test: 'wasserstein', decides: true })]) as unknown,
    });
  });

  it('counts over several windows together', async () => {
    const then = mails('then', { rows: 4_000 });
    const before: KeptWindow[] = [];
    let found: readonly string[] = [];
    for (let day = 0; day < 12 && found.length === 0; day += 1) {
      const { result, window } = await judge(mails(`day ${day}`, { rows: 300, longer: 1.12 }), { pool: 8, before }, then);
      found = result.driftedColumns;
      before.unshift(window);
    }
    expect(found.length).toBeGreaterThan(0);
    expect(before.length).toBeGreaterThan(1);
  });

  it('is not known where rows of the reference are not kept, nor of columns that are gone', async () => {
    const { rowsOf: _gone, ...without } = training(mails('then'));
    const { result } = await judgeWindow(without, currentRows([mails('now')]));
    expect(result.columns.map(({ name }) => name)).toEqual(['text', 'sent', 'size']);
    const { result: absent } = await judge(mails('now').map(({ size }) => ({ size: size! })));
    expect(absent.columns.filter(({ name }) => name.startsWith('text (')).map(({ status }) => status)).toEqual([]);
  });

  it('is refused for columns of another type, and where there is no such measure', async () => {
    await expect(judge(mails('now'), { perColumn: { size: { measures: ['words'] } } })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'columns.size.measures: "words" is measured of texts, and "size" is a column of the type number.',
    });
    await expect(judge(mails('now'), { perColumn: { sent: { measures: ['hours'] } } })).rejects.toMatchObject({
      message: expect.stringContaining('there is no measure "hours"') as string,
    });
  });
});
