import type { FoundSlice } from './insight-types.ts';

/** Columns with more different values than this have no slices of single values. */
const VALUES_MAX = 20;
/** A slice of fewer rows says nothing that holds elsewhere. */
const ROWS_MIN = 10;
/** Columns whose pairs are looked at. */
const COLUMNS_MAX = 40;
const SIGNIFICANT = 0.05;
const FOUND_MAX = 10;
/** Of two columns: how much worse than each of them alone, relative to it. */
const WORSE_BY = 1.1;

interface Column {
  readonly name: string;
  /** Group of each row, -1: none. */
  readonly groups: Int16Array;
  readonly names: readonly string[];
}

/**
 * Slices over one and two columns on which rows go wrong more often, or are further off, than the others, worst first. What is found is
 * significant at 5 % after a correction (Holm) for all slices that were looked at.
 *
 * @param columns values of each row
 * @param losses one per row; where all are 0 or 1, shares are compared (Fisher's exact test), else ranks (Mann and Whitney)
 */
export function findSlices(
  columns: ReadonlyMap<string, readonly unknown[]>,
  losses: Float64Array,
): { readonly looked: number; readonly columns: readonly string[]; readonly found: FoundSlice[] } {
  const grouped = [...columns].flatMap(([name, values]) => group(name, values) ?? []).slice(0, COLUMNS_MAX);
  const compare = losses.every((loss) => loss === 0 || loss === 1) ? shareTest(losses) : rankTest(losses);
  const total = losses.reduce((sum, loss) => sum + loss, 0);
  const singles = new Map<string, number>();
  const candidates: (FoundSlice & { readonly excess: number })[] = [];
  let looked = 0;
  const look = (parts: readonly { readonly column: Column; readonly value: number }[], rows: Int32Array): void => {
    if (rows.length < ROWS_MIN || losses.length - rows.length < ROWS_MIN) return;
    looked++;
    let sum = 0;
    for (const row of rows) sum += losses[row]!;
    const value = sum / rows.length;
    const others = (total - sum) / (losses.length - rows.length);
    const key = (part: (typeof parts)[number]): string => `${part.column.name}\u0000${part.value}`;
    if (parts.length === 1) singles.set(key(parts[0]!), value);
    if (value <= others) return;
    if (parts.length === 2 && parts.some((part) => value < WORSE_BY * (singles.get(key(part)) ?? 0))) return;
    candidates.push({
      columns: parts.map(({ column, value: index }) => ({ name: column.name, value: column.names[index]! })),
      rows: rows.length,
      value,
      others,
      p: compare(rows, sum),
      excess: rows.length * (value - others),
    });
  };
  for (const column of grouped)
    members(column.names.length, (row) => column.groups[row]!, losses.length).forEach((rows, value) => look([{ column, value }], rows));
  grouped.forEach((one, index) => {
    for (const other of grouped.slice(index + 1)) {
      const width = other.names.length;
      const both = members(
        one.names.length * width,
        (row) => (one.groups[row]! < 0 || other.groups[row]! < 0 ? -1 : one.groups[row]! * width + other.groups[row]!),
        losses.length,
      );
      both.forEach((rows, at) =>
        look(
          [
            { column: one, value: Math.floor(at / width) },
            { column: other, value: at % width },
          ],
          rows,
        ),
      );
    }
  });
  return { looked, columns: grouped.map(({ name }) => name), found: significant(candidates, looked) };
}

/** Holm's correction, and those that stay below the level: most excess loss first. */
function significant(candidates: readonly (FoundSlice & { readonly excess: number })[], looked: number): FoundSlice[] {
  const ordered = [...candidates].sort((a, b) => a.p - b.p);
  let least = 0;
  const corrected = ordered.map((one, rank) => {
    least = Math.max(least, Math.min(1, one.p * (looked - rank)));
    return { ...one, p: least };
  });
  return corrected
    .filter(({ p }) => p < SIGNIFICANT)
    .sort((a, b) => b.excess - a.excess || a.p - b.p)
    .slice(0, FOUND_MAX)
    .map(({ excess: _excess, ...slice }) => slice);
}

function members(groups: number, groupOf: (row: number) => number, rows: number): Int32Array[] {
  const found = Array.from({ length: groups }, (): number[] => []);
  for (let row = 0; row < rows; row++) {
    const at = groupOf(row);
    if (at >= 0) found[at]!.push(row);
  }
  return found.map((list) => Int32Array.from(list));
}

/** Values as they are where there are few; numbers and lengths of texts by quartiles; undefined where there is nothing to tell apart. */
function group(name: string, values: readonly unknown[]): Column | undefined {
  const missing = (value: unknown): boolean => value === null || value === undefined || value === '';
  const plain = values.map((value) => (missing(value) ? '(missing)' : value instanceof Date ? value.toISOString() : String(value)));
  const distinct = new Map<string, number>();
  for (const value of plain) if (!distinct.has(value) && distinct.size <= VALUES_MAX) distinct.set(value, distinct.size);
  if (distinct.size <= VALUES_MAX)
    return distinct.size < 2
      ? undefined
      : { name, names: [...distinct.keys()], groups: Int16Array.from(plain, (value) => distinct.get(value)!) };
  const numbers = values.every((value) => missing(value) || typeof value === 'number');
  const measured = numbers ? values : values.map((value) => (typeof value === 'string' && value !== '' ? value.length : value));
  if (!measured.every((value) => missing(value) || typeof value === 'number')) return undefined;
  const sorted = measured.filter((value): value is number => typeof value === 'number' && Number.isFinite(value)).sort((a, b) => a - b);
  const cuts = [...new Set([0.25, 0.5, 0.75].map((share) => sorted[Math.floor(sorted.length * share)]!))];
  if (sorted.length === 0 || sorted[0] === sorted.at(-1)) return undefined;
  const names = [
    `< ${shown(cuts[0]!)}`,
    ...cuts.slice(1).map((cut, index) => `${shown(cuts[index]!)} to < ${shown(cut)}`),
    `≥ ${shown(cuts.at(-1)!)}`,
    '(missing)',
  ];
  return {
    name: numbers ? name : `length of ${name}`,
    names,
    groups: Int16Array.from(measured, (value) =>
      typeof value === 'number' && Number.isFinite(value) ? cuts.filter((cut) => value >= cut).length : names.length - 1,
    ),
  };
}

const shown = (value: number): string => String(Number(value.toPrecision(6)));

/** Fisher's exact test, one-sided: so many wrong rows or more among those drawn without a look. */
function shareTest(losses: Float64Array): (rows: Int32Array, wrong: number) => number {
  const all = losses.length;
  const allWrong = losses.reduce((sum, loss) => sum + loss, 0);
  const logs = new Float64Array(all + 1);
  for (let at = 1; at <= all; at++) logs[at] = logs[at - 1]! + Math.log(at);
  const choose = (from: number, some: number): number => logs[from]! - logs[some]! - logs[from - some]!;
  return (rows, wrong) => {
    let p = 0;
    for (let hits = wrong; hits <= Math.min(rows.length, allWrong); hits++) {
      if (rows.length - hits > all - allWrong) continue;
      const term = Math.exp(choose(allWrong, hits) + choose(all - allWrong, rows.length - hits) - choose(all, rows.length));
      p += term;
      // Above what is expected each is smaller than the one before.
      if (term < p * Number.EPSILON) break;
    }
    return Math.min(1, p);
  };
}

/** The test of Mann and Whitney, one-sided, by the normal approximation with ties and continuity. */
function rankTest(losses: Float64Array): (rows: Int32Array) => number {
  const order = Int32Array.from(losses, (_, row) => row).sort((a, b) => losses[a]! - losses[b]!);
  const ranks = new Float64Array(losses.length);
  let ties = 0;
  for (let start = 0; start < order.length;) {
    let end = start;
    while (end < order.length && losses[order[end]!] === losses[order[start]!]) end++;
    for (let at = start; at < end; at++) ranks[order[at]!] = (start + end + 1) / 2;
    ties += (end - start) ** 3 - (end - start);
    start = end;
  }
  const all = losses.length;
  return (rows) => {
    const [inside, outside] = [rows.length, all - rows.length];
    let sum = 0;
    for (const row of rows) sum += ranks[row]!;
    const above = sum - (inside * (inside + 1)) / 2 - (inside * outside) / 2 - 0.5;
    const deviation = Math.sqrt(((inside * outside) / 12) * (all + 1 - ties / (all * (all - 1))));
    return deviation === 0 ? 1 : upperTail(above / deviation);
  };
}

/** Of the standard normal distribution, by a Chebyshev fit of the complementary error function; relative error below 1.2e-7. */
function upperTail(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.5 * x);
  const series = [
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223, 0.17087277,
  ];
  const tail = 0.5 * t * Math.exp(-x * x + series.reduceRight((sum, coefficient) => sum * t + coefficient, 0));
  return z >= 0 ? tail : 1 - tail;
}
