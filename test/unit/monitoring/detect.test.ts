import { describe, expect, it } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import type { Row } from '../../../src/core/tensor.ts';
import type { ColumnProfile, DatasetProfile, SourceReading } from '../../../src/data/stored/dataset.ts';
import { currentRows } from '../../../src/monitoring/current-rows.ts';
import { detectDrift } from '../../../src/monitoring/detect.ts';
import type { DriftOptions, DriftResult } from '../../../src/monitoring/detect.ts';
import type { JointDrift } from '../../../src/monitoring/joint/compare-rows.ts';
import { violationsFile, violationsOf } from '../../../src/monitoring/violations.ts';

const random = new Prng('detect');
const sample = Array.from({ length: 500 }, () => 40 + 5 * random.normal()).sort((a, b) => a - b);
const numberColumn = (name: string, values: readonly number[]): ColumnProfile => ({
  name,
  type: 'number',
  count: values.length,
  missing: 0,
  distinct: values.length,
  number: { min: values[0]!, max: values.at(-1)!, mean: 40, std: 5, quantiles: {}, edges: [], counts: [], sample: values },
});
const profile: DatasetProfile = {
  formatVersion: 1,
  rows: 500,
  columns: [
    numberColumn('mass', sample),
    {
      name: 'island',
      type: 'string',
      count: 490,
      missing: 10,
      distinct: 3,
      categories: { counts: { Biscoe: 250, Dream: 180, Torgersen: 60 }, other: 0 },
    },
    { name: 'flag', type: 'boolean', count: 500, missing: 0, distinct: 2, categories: { counts: { false: 400, true: 100 }, other: 0 } },
    numberColumn(
      'constant',
      Array.from({ length: 500 }, () => 7),
    ),
    { name: 'note', type: 'string', count: 500, missing: 0, distinct: 480, categories: { counts: { a: 2, b: 1 }, other: 497 } },
    { name: 'when', type: 'timestamp', count: 500, missing: 0, distinct: 500 },
    { name: 'species', type: 'string', count: 500, missing: 0, distinct: 2, categories: { counts: { x: 300, y: 200 }, other: 0 } },
  ],
};

function rowsOf(count: number, change: (row: Record<string, unknown>, index: number) => void = () => undefined): Row[] {
  const own = new Prng('rows');
  return Array.from({ length: count }, (_, index) => {
    const row: Record<string, unknown> = {
      mass: 40 + 5 * own.normal(),
      island: ['Biscoe', 'Biscoe', 'Biscoe', 'Dream', 'Dream', 'Torgersen'][own.below(6)],
      flag: own.uniform() < 0.2,
      constant: 7,
      note: `note ${index}`,
      when: '2024-01-01',
      species: own.uniform() < 0.6 ? 'x' : 'y',
    };
    change(row, index);
    return row;
  });
}

const detect = (rows: Row[], options: DriftOptions = {}): Promise<DriftResult> =>
  detectDrift({ profile }, currentRows([rows]), { labels: ['species'], ...options });
const column = (result: DriftResult, name: string) => result.columns.find((one) => one.name === name)!;

describe('detectDrift', () => {
  it('finds nothing where nothing changed', async () => {
    const result = await detect(rowsOf(400));
    expect(result).toMatchObject({ drifted: false, rows: 400, rowsReference: 500, enoughRows: true, driftedColumns: [], newColumns: [] });
    expect(result.driftScore).toBeLessThan(0.1);
    expect(result.summary).toBe('No drift in 4 compared columns over 400 rows.');
    expect(result.columns.map((one) => one.name)).not.toContain('species');
  });

  it('finds a shift of a number, with the scores that say so', async () => {
    const result = await detect(rowsOf(400, (row) => (row['mass'] = (row['mass'] as number) + 5)));
    expect(result).toMatchObject({
      drifted: true,
      driftedColumns: ['mass'],
      summary: 'Drift in 1 of 4 compared columns over 400 rows: mass.',
    });
    expect(column(result, 'mass').tests.map((test) => [test.test, test.exceeded, test.decides])).toEqual([
      ['ks', true, true],
      ['ksDistance', true, true],
      ['totalVariation', true, true],
      ['psi', true, false],
    ]);
    expect(column(result, 'mass').bins!.labels).toHaveLength(10);
  });

  it('does not call a small change drift, however significant', async () => {
    // A quarter of a standard deviation over 50,000 rows against 500.
    const rows = rowsOf(50_000, (row) => (row['mass'] = (row['mass'] as number) + 1.25));
    const result = await detect(rows, { tests: ['psi', 'ks', 'ksDistance', 'chiSquare'] });
    const ks = column(result, 'mass').tests.find((test) => test.test === 'ks')!;
    expect(ks.exceeded).toBe(true);
    expect(result.drifted).toBe(false);
  });

  it('gives no verdict on few rows, whatever they hold', async () => {
    const result = await detect(rowsOf(50, (row) => (row['mass'] = 1000)));
    expect(result).toMatchObject({
      drifted: false,
      enoughRows: false,
      driftedColumns: ['mass'],
      summary: 'No verdict: 50 rows, and at least 200 are needed.',
    });
    expect(
      await detect(
        rowsOf(50, (row) => (row['mass'] = 1000)),
        { rowsMin: 40 },
      ),
    ).toMatchObject({ drifted: true });
    expect(await detect([])).toMatchObject({ drifted: false, rows: 0, enoughRows: false, driftScore: 0 });
  });

  it('finds moved and unseen categories', async () => {
    const result = await detect(rowsOf(300, (row, index) => index % 3 === 0 && (row['island'] = 'Anvers')));
    expect(column(result, 'island')).toMatchObject({ drifted: true, unseen: [{ value: 'Anvers', share: 1 / 3 }] });
    expect(column(result, 'island').bins).toMatchObject({ labels: ['Biscoe', 'Dream', 'Torgersen', '(new)'] });
  });

  it('finds a constant that changed', async () => {
    const result = await detect(rowsOf(300, (row) => (row['constant'] = 8)));
    expect(column(result, 'constant').drifted).toBe(true);
  });

  it('finds values that went missing or became unreadable', async () => {
    const result = await detect(
      rowsOf(300, (row, index) => {
        if (index % 4 === 0) row['mass'] = null;
        if (index % 4 === 1) row['flag'] = NaN;
        if (index % 2 === 0) row['constant'] = 'seven';
      }),
    );
    expect(column(result, 'mass')).toMatchObject({
      drifted: true,
      missingCurrent: 0.25,
      reason: 'Missing or unreadable values went from 0 % to 25 % of the rows.',
    });
    expect(column(result, 'flag')).toMatchObject({ drifted: true, missingCurrent: 0.25 });
    expect(column(result, 'constant')).toMatchObject({ drifted: true, invalidCurrent: 0.5, missingCurrent: 0 });
  });

  it('reports columns that came and went', async () => {
    const rows = rowsOf(200, (row) => {
      delete row['mass'];
      row['colour'] = 'red';
    });
    const asked = await detect(rows, { columns: ['mass', 'island'] });
    expect(column(asked, 'mass')).toMatchObject({ status: 'absent', drifted: true, reason: 'No current row has this column.' });
    expect(asked.newColumns).toEqual(['colour']);
    // Not asked for by name, it may be a column that the model does not read.
    expect(column(await detect(rows), 'mass')).toMatchObject({ status: 'absent', drifted: false });
    await expect(detect(rows, { columns: ['mas'] })).rejects.toMatchObject({ code: 'COLUMN_MISSING' });
  });

  it('leaves out what cannot be compared, and says why', async () => {
    const result = await detect(rowsOf(200));
    expect(column(result, 'note')).toMatchObject({
      status: 'skipped',
      drifted: false,
      reason: expect.stringContaining('Nearly every value is different'),
    });
    expect(column(result, 'when')).toMatchObject({ status: 'skipped', reason: expect.stringMatching(/^Points in time go on/) as string });
  });

  it('obeys every threshold', async () => {
    const rows = rowsOf(400, (row) => (row['mass'] = (row['mass'] as number) + 5));
    expect((await detect(rows, { tests: [{ psi: { threshold: 5 } }, 'ks'] })).drifted).toBe(false);
    expect((await detect(rows, { tests: ['psi', { ks: { threshold: 0 } }] })).drifted).toBe(false);
    expect((await detect(rows, { tests: ['psi', { ksDistance: { threshold: 0.9 } }] })).drifted).toBe(false);
    expect(await detect(rows, { columnsMin: 2 })).toMatchObject({
      drifted: false,
      driftedColumns: ['mass'],
      summary: expect.stringContaining('2 are needed'),
    });
    const gone = rowsOf(400, (row, index) => index % 4 === 0 && (row['mass'] = null));
    expect((await detect(gone, { missing: 0.3 })).drifted).toBe(false);
  });

  it('reports further tests without giving them a say', async () => {
    const result = await detect(
      rowsOf(400, (row) => (row['mass'] = (row['mass'] as number) + 0.9)),
      { also: ['wasserstein', 'hellinger', 'psi'] },
    );
    const names = ['ks', 'ksDistance', 'totalVariation', 'wasserstein', 'hellinger', 'psi'];
    expect(column(result, 'mass').tests.map((test) => test.test)).toEqual(names);
    expect(column(result, 'mass').tests[3]).toMatchObject({ exceeded: true, decides: false });
    expect(column(result, 'island').tests.map((test) => test.test)).toEqual(['chiSquare', 'totalVariation', 'hellinger', 'psi']);
    expect(result.drifted).toBe(false);
    await expect(detect([], { also: ['ps'] })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('takes rows in batches of any size', async () => {
    const rows = rowsOf(300);
    async function* batches(): AsyncGenerator<Row[]> {
      for (let start = 0; start < rows.length; start += 7) yield rows.slice(start, start + 7);
    }
    expect(await detectDrift({ profile }, currentRows(batches()), { labels: ['species'] })).toEqual(await detect(rows));
  });

  it('reads rows that were asked about as the model read its source', async () => {
    const reading: SourceReading = {
      formatVersion: 1,
      source: { format: 'csv', nullValues: ['', '-999'] },
      columns: [{ name: 'mass', type: 'number', format: { number: { decimal: ',' } } }],
    };
    const rows = rowsOf(400, (row, index) => {
      if (index % 4 === 0) row['mass'] = [-999, '-999', '-999,0', ''][(index / 4) % 4];
      else row['mass'] = String(row['mass']).replace('.', ',');
      row['flag'] = row['flag'] === true ? 'yes' : 0;
    });
    const result = await detectDrift({ profile }, currentRows([rows], reading), { labels: ['species'] });
    expect(column(result, 'mass')).toMatchObject({ missingCurrent: 0.25, invalidCurrent: 0 });
    expect(result.driftedColumns).not.toContain('flag');
  });
});

describe('violations', () => {
  const kinds = (result: DriftResult): string[] =>
    violationsOf(result).map(({ feature_name: name, constraint_check_type: kind }) => `${name} ${kind}`);

  it('are none where nothing changed', async () => {
    const result = await detect(rowsOf(400));
    expect(violationsOf(result)).toEqual([]);
    expect(JSON.parse(violationsFile(result))).toEqual({ violations: [] });
  });

  it('are judged by the rules of their column, whatever it is called', async () => {
    const profileOf = (name: string): DatasetProfile => ({ ...profile, columns: [{ ...numberColumn('mass', sample), name }] });
    for (const name of ['mass', 'constructor', 'toString', '__proto__']) {
      const rows = Array.from({ length: 400 }, (_, index) => Object.fromEntries([[name, index % 2 === 0 ? null : sample[index]!]]));
      const result = await detectDrift(
        { profile: profileOf(name) },
        currentRows(
          (async function* () {
            yield rows;
          })(),
        ),
      );
      expect(kinds(result), name).toContain(`${name} completeness_check`);
    }
  });

  it('name every way in which rows are not as those of the training, in the words of Model Monitor', async () => {
    const result = await detect(
      rowsOf(400, (row, index) => {
        row['mass'] = index % 4 === 0 ? 'heavy' : Number(row['mass']) + 10;
        if (index % 3 === 0) row['island'] = null;
        else if (index % 3 === 1) row['island'] = 'Kerguelen';
        delete row['constant'];
        row['added'] = 1;
      }),
      { columns: ['mass', 'island', 'flag', 'constant'] },
    );
    expect(kinds(result)).toEqual([
      'mass data_type_check',
      'mass baseline_drift_check',
      'island completeness_check',
      'island categorical_values_check',
      'island baseline_drift_check',
      'constant missing_column_check',
      'added extra_column_check',
    ]);
    const { violations } = JSON.parse(violationsFile(result)) as { violations: Record<string, string>[] };
    for (const one of violations) expect(Object.keys(one)).toEqual(['feature_name', 'constraint_check_type', 'description']);
    expect(violations[0]!['description']).toBe('25.0 % of the rows hold no number.');
    expect(violations[3]!['description']).toMatch(/"Kerguelen" \(33\.\d %\)/);
  });

  it('of whole rows are drift of no column: one for each test that says so', async () => {
    const joint = (test: string, drifted: boolean): JointDrift => ({
      test,
      status: 'compared',
      effect: 'ROC AUC',
      score: 0.7,
      threshold: 0.55,
      pValue: 1e-9,
      pValueThreshold: 0.00002,
      drifted,
      reason: 'ROC AUC 0.700 is above 0.55, p = 1e-9 is below 0.00002, over 2 columns together.',
      rowsReference: 500,
      rowsCurrent: 500,
      columns: ['mass', 'island'],
      leftOut: [],
    });
    const base = await detect(rowsOf(400));
    expect(violationsOf({ ...base, joint: [joint('mmd', false), joint('classifier', true)] })).toEqual([
      {
        feature_name: '*',
        constraint_check_type: 'baseline_drift_check',
        description:
          'Whole rows, by classifier: ROC AUC 0.700 is above 0.55, p = 1e-9 is below 0.00002, over 2 columns together (mass, island).',
      },
    ]);
    expect(violationsOf({ ...base, enoughRows: false, joint: [joint('mmd', true)] })).toEqual([]);
  });

  it('follow the declared bound of missing values, also of one column', async () => {
    const lost = rowsOf(400, (row, index) => {
      if (index % 20 === 0) row['mass'] = null;
    });
    expect(kinds(await detect(lost))).toEqual([]);
    expect(kinds(await detect(lost, { missing: 0.01 }))).toEqual(['mass completeness_check']);
  });
});
