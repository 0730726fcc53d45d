import { beforeAll, describe, expect, it } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import { judgeModelDrift, withoutVerdict } from '../../../src/monitoring/model-drift.ts';
import { readPredictions } from '../../../src/monitoring/prediction-window.ts';
import type { DriftReference } from '../../../src/monitoring/reference.ts';
import { seasonalReference } from '../../../src/monitoring/seasonal-reference.ts';
import type { SeasonalReference } from '../../../src/monitoring/seasonal-reference.ts';
import { violationsOf } from '../../../src/monitoring/violations.ts';
import { profileOfRows } from '../../../src/monitoring/window-profile.ts';
import { renderDriftReport } from '../../../src/reports/drift-report.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { Unread } from '../../../src/storage/unread.ts';

const DAY = 86_400_000;
const WEEK = 7 * DAY;
/** A Monday. */
const START = Date.UTC(2026, 0, 5);
const ROWS = 500;
const random = new Prng('seasons');
const store = new MemoryStore();
let training: DriftReference;

/** Orders of a day: on weekends small, and by private buyers. */
const order = (isWeekend: boolean, more = 0): { price: number; buyer: string } => ({
  price: (isWeekend ? 20 : 60) + more + 10 * random.normal(),
  buyer: random.uniform() < (isWeekend ? 0.9 : 0.3) ? 'private' : 'company',
});

async function day(at: number, more = 0): Promise<void> {
  const date = new Date(START + at * DAY).toISOString().slice(0, 10);
  const lines = Array.from({ length: ROWS }, (_, index) =>
    JSON.stringify({
      time: new Date(START + at * DAY + index * 60_000).toISOString(),
      id: `${at}-${index}`,
      // Other versions answered before.
      version: at < 21 ? 1 : 2,
      row: order(at % 7 >= 5, more),
      prediction: { value: 1 },
    }),
  );
  await store.put(`predictions/orders/${date}/00-s-${at}-${more}.ndjson`, Buffer.from(`${lines.join('\n')}\n`));
}

const window = (at: number): { from: Date; to: Date } => ({ from: new Date(START + at * DAY), to: new Date(START + (at + 1) * DAY) });

async function against(at: number, count = 4): Promise<SeasonalReference> {
  return seasonalReference(store, training, window(at), { season: { everyMs: WEEK, count }, rowsMin: 200, unread: new Unread() });
}

async function drifted(at: number, reference: DriftReference): Promise<readonly string[]> {
  const { result } = await judgeModelDrift(reference, () => readPredictions(store, 'orders', window(at)), {});
  return result.driftedColumns;
}

beforeAll(async () => {
  const rows = Array.from({ length: 2_000 }, (_, at) => order(at % 7 >= 5));
  const column = { count: 2_000, missing: 0, distinct: 2_000 };
  const { profile, values } = await profileOfRows(
    [
      { name: 'price', type: 'number', ...column },
      { name: 'buyer', type: 'string', ...column },
    ],
    (async function* () {
      yield rows;
    })(),
  );
  training = { model: 'orders', version: 2, columns: ['price', 'buyer'], profile, ...(values === undefined ? {} : { values }) };
  for (let at = 0; at < 28; at += 1) await day(at);
});

describe('a seasonal reference', () => {
  it('takes what differs between days of the week for no drift, which it is against the training', async () => {
    for (const at of [21, 26, 27]) {
      expect(await drifted(at, training), `day ${at}`).toEqual(['price', 'buyer']);
      const { reference } = await against(at, 3);
      expect(reference?.profile.rows).toBe(3 * ROWS);
      expect(await drifted(at, reference!), `day ${at}`).toEqual([]);
    }
  });

  it('finds what is new on this day of the week, also where another day is like that', async () => {
    await day(28, -40); // a Monday with the prices of a weekend
    const { reference } = await against(28);
    expect(await drifted(28, reference!)).toEqual(['price']);
  });

  it('is none before enough was asked, and then there is no verdict', async () => {
    const found = await against(3);
    expect(found).toEqual({
      reference: undefined,
      why: expect.stringMatching(/^0 rows were asked about at the same time of the last 4 seasons/),
    });
    const compared = await judgeModelDrift(training, () => readPredictions(store, 'orders', window(26)), {});
    expect(compared.result.drifted).toBe(true);
    expect(withoutVerdict(compared, 'too little.').result).toMatchObject({
      drifted: false,
      enoughRows: false,
      summary: 'No verdict: too little.',
    });
    expect(withoutVerdict(compared, undefined)).toBe(compared);
  });

  it('has whole rows as well, those that were asked', async () => {
    const judged = async (at: number, against: DriftReference) =>
      (await judgeModelDrift(against, () => readPredictions(store, 'orders', window(at)), { joint: ['mmd', 'classifier'] })).result.joint;
    const { reference } = await against(27, 3);
    expect(await judged(27, reference!)).toMatchObject([
      { status: 'compared', drifted: false, rowsReference: 1_000, rowsCurrent: ROWS, columns: ['price', 'buyer'] },
      { status: 'compared', drifted: false, rowsReference: 3 * ROWS },
    ]);
    expect(await judged(25, reference!)).toMatchObject([{ drifted: true }, { drifted: true }]);
    // The rows of this training are nowhere.
    expect(await judged(27, training)).toMatchObject([{ status: 'skipped' }, { status: 'skipped' }]);
  });

  it('needs not all of the seasons', async () => {
    const found = await against(8);
    expect(found.reference?.profile.rows).toBe(ROWS);
    expect(found).toMatchObject({ when: expect.stringMatching(/^the same time of 1 of the last 4 seasons \(from 2025-12-16/) });
    expect(await against(26, 3)).toMatchObject({ when: expect.stringMatching(/^the same time of the last 3 seasons/) });
  });

  it('compares no points in time and no images, as the training is not compared by them, and knows columns that no model reads', async () => {
    const column = { count: 2_000, missing: 0, distinct: 2_000 };
    const wide: DriftReference = {
      ...training,
      model: 'wide',
      columns: ['at', 'price', 'photo'],
      profile: {
        ...training.profile,
        columns: [
          { name: 'at', type: 'timestamp', ...column },
          ...training.profile.columns,
          { name: 'photo', type: 'image', ...column },
          { name: 'remark', type: 'string', ...column },
        ],
      },
    };
    for (const at of [0, 7]) {
      const { from } = window(at);
      const lines = Array.from({ length: ROWS }, (_, index) => {
        const time = new Date(from.getTime() + index * 60_000).toISOString();
        return JSON.stringify({ time, id: `${at}-${index}`, version: 2, row: { at: time, remark: 'x', ...order(false) }, prediction: {} });
      });
      await store.put(`predictions/wide/${from.toISOString().slice(0, 10)}/00-s-0.ndjson`, Buffer.from(`${lines.join('\n')}\n`));
    }
    const season = { everyMs: WEEK, count: 4 };
    const { reference } = await seasonalReference(store, wide, window(7), { season, rowsMin: 200, unread: new Unread() });
    const { result } = await judgeModelDrift(reference!, () => readPredictions(store, 'wide', window(7)), {});
    expect(result.columns.map(({ name, status }) => [name, status])).toEqual([
      ['at', 'skipped'],
      ['price', 'compared'],
      ['photo', 'skipped'],
    ]);
    expect(result).toMatchObject({ drifted: false, newColumns: [], rowsReference: ROWS });
  });

  it('is called what it is: what is new in it may well have been in the training', async () => {
    const { reference } = await against(26, 3);
    const { result } = await judgeModelDrift(
      reference!,
      async function* () {
        for await (const records of readPredictions(store, 'orders', window(26)))
          yield records.map((one, index) => (index % 10 === 0 ? { ...one, row: { ...one.row, buyer: 'state' } } : one));
      },
      {},
    );
    expect(violationsOf(result)).toContainEqual({
      feature_name: 'buyer',
      constraint_check_type: 'categorical_values_check',
      description: 'Never seen in the earlier questions: "state" (10.0 %).',
    });
    const page = await renderDriftReport(result, { model: 'orders', version: 2, source: 'now' });
    expect(page).toContain(`of now against ${(3 * ROWS).toLocaleString('en')} rows of earlier questions.`);
    expect(page).not.toMatch(/training|trained/);
  });

  it('stands beside no verdict where there is too little: nothing is said to have drifted', async () => {
    const compared = await judgeModelDrift(training, () => readPredictions(store, 'orders', window(26)), {});
    const kinds = (result: typeof compared.result): string[] => violationsOf(result).map((one) => one.constraint_check_type);
    expect(kinds(compared.result)).toContain('baseline_drift_check');
    expect(kinds(withoutVerdict(compared, 'too little.').result)).not.toContain('baseline_drift_check');
  });
});
