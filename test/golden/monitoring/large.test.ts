import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { withDatabase } from '../../../src/data/table/duckdb.ts';
import { DATA_LIMITS } from '../../../src/data/table/limits.ts';
import { describeTable, profileFiles } from '../../../src/data/table/profile.ts';
import type { TableProfile } from '../../../src/data/table/profile.ts';
import { ranksOf, thinned } from '../../../src/data/table/ranks.ts';
import { REFERENCE_FILE, decodeReference, encodeReference } from '../../../src/data/stored/reference-values.ts';
import { currentRows } from '../../../src/monitoring/current-rows.ts';
import { currentTable } from '../../../src/monitoring/current-table.ts';
import { detectDrift } from '../../../src/monitoring/detect.ts';
import type { DriftResult } from '../../../src/monitoring/detect.ts';
import { numberSample, rankedSample } from '../../../src/monitoring/drift/drift-test.ts';
import { driftRegistry } from '../../../src/monitoring/drift/index.generated.ts';

interface Numbers {
  readonly reference: number;
  readonly current: number;
  readonly shift: number;
  readonly digits: number | null;
  readonly ks: number;
  readonly ksDistance: number;
  readonly wasserstein: number;
  readonly deviation: number;
}
interface Categories {
  readonly name: string;
  readonly reference: Record<string, number>;
  readonly current: Record<string, number>;
  readonly new: number;
  readonly chiSquare: number;
}

const golden = JSON.parse(readFileSync(new URL('./large.json', import.meta.url), 'utf8')) as {
  numbers: Numbers[];
  categories: Categories[];
};

/** The numbers of make_large.py. */
function draws(seed: number, rows: number, shift: number, digits: number | null): Float64Array {
  let state = seed;
  return Float64Array.from({ length: rows }, () => {
    let total = 0;
    for (let term = 0; term < 4; term++) {
      state = (state * 48271) % 2147483647;
      total += state / 2147483647;
    }
    const value = total - 2 + shift;
    return digits === null ? value : Math.floor(value * 10 ** digits + 0.5) / 10 ** digits;
  });
}

describe.each(golden.numbers)('$reference against $current values agree with SciPy (shift $shift, digits $digits)', (want) => {
  const values = draws(11, want.reference, 0, want.digits);
  const ranks = thinned(ranksOf(values.slice().sort()), DATA_LIMITS.referenceValuesMax);
  const kept = decodeReference(encodeReference([{ kind: 'number', name: 'x', ranks, deviation: want.deviation, of: values.length }])).get(
    'x',
  )!;
  const reference = kept.kind === 'number' ? rankedSample(kept.ranks, kept.deviation) : undefined;
  const current = numberSample(draws(29, want.current, want.shift, want.digits));
  const score = (test: string): number => driftRegistry.get(test).compute(reference!, current);

  it('keeps all values up to the limit, and their places beyond it', () => {
    expect(ranks.size).toBe(want.reference);
    expect(ranks.complete).toBe(new Set(values).size <= DATA_LIMITS.referenceValuesMax);
  });

  it('Kolmogorov-Smirnov', () => {
    // Of a reference that is not complete the distance lies up to one kept step too low.
    expect(Math.abs(score('ksDistance') - want.ksDistance)).toBeLessThanOrEqual(
      ranks.complete ? 1e-12 : 1 / DATA_LIMITS.referenceValuesMax,
    );
    // Asymptotic p-values are approximations on either side.
    expect(Math.abs(score('ks') - want.ks)).toBeLessThanOrEqual((ranks.complete ? 0.01 : 0.03) * Math.max(want.ks, 0.001));
  });

  it('Wasserstein', () => {
    const got = score('wasserstein') * want.deviation;
    expect(Math.abs(got - want.wasserstein)).toBeLessThanOrEqual((ranks.complete ? 1e-9 : 2e-3) * want.wasserstein);
  });
});

/** A profile as it travels: written, and read again. */
const travelled = (described: TableProfile): Parameters<typeof detectDrift>[0] => {
  const files = profileFiles(described);
  return { profile: described.profile, ...(files[REFERENCE_FILE] === undefined ? {} : { values: decodeReference(files[REFERENCE_FILE]) }) };
};

describe.each(golden.categories)('categories agree with chi2_contingency: $name', (want) => {
  const rows = (counts: Record<string, number>): string =>
    Object.entries(counts)
      .map(([name, count]) => `SELECT '${name}' AS city FROM range(${count})`)
      .join(' UNION ALL ');
  const judge = (old: boolean): Promise<[DriftResult, DriftResult]> =>
    withDatabase(async (db) => {
      await db.run(`CREATE TEMP TABLE trained AS ${rows(want.reference)}`);
      await db.run(`CREATE TEMP TABLE arrived AS ${rows(want.current)}`);
      const described = await describeTable(db, 'trained', [{ name: 'city', type: 'string', sql: 'city' }]);
      const reference = old ? { profile: described.profile } : travelled(described);
      const table = await detectDrift(reference, currentTable({ db, table: 'arrived', columns: new Map([['city', { sql: 'city' }]]) }));
      const objects = Object.entries(want.current).flatMap(([city, count]) => Array.from({ length: count }, () => ({ city })));
      return [table, await detectDrift(reference, currentRows([objects]))];
    });

  it('with the categories beside the profile, from a table and from rows alike', async () => {
    const [table, logged] = await judge(false);
    expect(logged).toEqual(table);
    const [column] = table.columns;
    const chi = column!.tests.find(({ test }) => test === 'chiSquare')!.score;
    expect(Math.abs(chi - want.chiSquare)).toBeLessThanOrEqual(1e-9);
    expect(table.drifted).toBe(want.new > 0);
    expect(column!.unseen.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(want.new, 9);
    expect(column!.note).toBe('');
  });

  it('of a model whose profile names fifty of them: no false alarm, and said so', async () => {
    const [table] = await judge(true);
    expect(table.columns[0]!.note).toBe(
      `The reference names 50 of ${Object.keys(want.reference).length} categories, so that new ones count among the others.`,
    );
    if (want.new === 0) expect(table.drifted).toBe(false);
    if (want.new > 0.5 && Object.keys(want.reference).length === 60) expect(table.drifted).toBe(true);
  });
});
