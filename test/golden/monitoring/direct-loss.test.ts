import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ErrorSums, learnExpectedError } from '../../../src/monitoring/feedback/expected-error.ts';
import type { RowSample } from '../../../src/monitoring/joint/row-sample.ts';

type Columns = Readonly<Record<string, readonly (number | string)[]>>;
interface Errors {
  readonly mae: number;
  readonly mse: number;
  readonly rmse: number;
}
const golden = JSON.parse(readFileSync(new URL('./direct-loss.json', import.meta.url), 'utf8')) as {
  readonly rows: number;
  readonly reference: Columns;
  readonly analysis: Columns;
  readonly nannyml: readonly Errors[];
  readonly realized: readonly Errors[];
  readonly onReference: Errors;
};

const FEATURES = Object.keys(golden.reference).filter((name) => !name.startsWith('y_'));
const columns = FEATURES.map((name) => ({
  name,
  type: typeof golden.reference[name]![0] === 'string' ? ('string' as const) : ('number' as const),
}));
const numbers = (table: Columns, name: string, from: number, to: number): Float64Array =>
  Float64Array.from(table[name]!.slice(from, to) as number[]);

function sampleOf(table: Columns, from: number, to: number): RowSample {
  return {
    rows: to - from,
    of: to - from,
    columns: new Map(
      columns.map(({ name, type }) => [
        name,
        type === 'number' ? numbers(table, name, from, to) : (table[name]!.slice(from, to) as string[]),
      ]),
    ),
  };
}

const SHORT = { meanAbsoluteError: 'mae', meanSquaredError: 'mse', rootMeanSquaredError: 'rmse' } as const;

describe('errors that are expected without labels', async () => {
  const all = golden.reference['y_true']!.length;
  const expected = (await learnExpectedError(
    sampleOf(golden.reference, 0, all),
    columns,
    numbers(golden.reference, 'y_pred', 0, all),
    numbers(golden.reference, 'y_true', 0, all),
  ))!;
  const estimates = golden.realized.map((_, at) => {
    const [from, to] = [at * golden.rows, (at + 1) * golden.rows];
    const sums = new ErrorSums();
    // Batch by batch, as a log is read.
    for (let start = from; start < to; start += 300) {
      const end = Math.min(to, start + 300);
      sums.add(expected, sampleOf(golden.analysis, start, end), numbers(golden.analysis, 'y_pred', start, end));
    }
    return sums.finish(expected)!;
  });

  it.each(golden.realized.map((_, at) => [at + 1, at] as const))('are near what NannyML says of chunk %i', (_, at) => {
    const { metrics, rows } = estimates[at]!;
    const want = golden.nannyml[at]!;
    expect(rows).toBe(golden.rows);
    for (const [name, short] of Object.entries(SHORT) as ['meanAbsoluteError', 'mae'][]) {
      const { value, low, high } = metrics[name];
      expect(Math.abs(value / want[short] - 1), `${name} against NannyML`).toBeLessThan(short === ('mse' as string) ? 0.04 : 0.02);
      expect(Math.abs(value / golden.realized[at]![short] - 1), `${name} against labels`).toBeLessThan(
        short === ('mse' as string) ? 0.12 : 0.06,
      );
      expect(low < value && value < high).toBe(true);
    }
  });

  it('follow what labels show where the errors of the test rows do not, and have it between their bounds most of the time', () => {
    const off = (values: readonly number[]): number =>
      values.reduce((sum, value, at) => sum + Math.abs(value - golden.realized[at]!.mae), 0);
    const ours = estimates.map(({ metrics }) => metrics.meanAbsoluteError);
    expect(off(ours.map(({ value }) => value))).toBeLessThan(off(golden.realized.map(() => golden.onReference.mae)) / 3);
    const inside = golden.realized.filter(({ mae }, at) => ours[at]!.low < mae && mae < ours[at]!.high);
    expect(inside.length).toBeGreaterThanOrEqual(4);
  });
});
