import type { RunCurves } from '../runs/run-curves.ts';
import { seriesOf } from '../training/curves/series.ts';
import type { Series } from '../training/curves/series.ts';
import { formatNumber } from './run-progress.ts';

/** Lines of one plot. */
const HEIGHT = 10;
/** A number that spans more than this factor is drawn by its logarithm. */
const LOG_FROM = 50;
const MARKS = { train: '·', validation: '●', both: '◉' } as const;
/** Columns for the numbers at the left. */
const LABEL = 10;

/** The curves of one training as plots for a terminal of so many columns. */
export function curveLines(curves: RunCurves, columns: number): string[] {
  const series = seriesOf(curves);
  const names = [...new Set(series.map(({ name }) => name))];
  return [
    headOf(curves),
    ...names.flatMap((name) => {
      const own = series.filter((one) => one.name === name && one.values.length > 0);
      if (own.length === 0 || (name === 'learningRate' && constant(own))) return [];
      return ['', ...plot(name, own, curves, Math.max(30, columns))];
    }),
  ];
}

function headOf({ step, state, why, epochs, bestEpoch, points, cached, kept }: RunCurves): string {
  const best = bestEpoch === null || bestEpoch === points.length ? '' : `, best ${bestEpoch}`;
  const again = (kept?.attempts.length ?? 1) - 1;
  const resumed = again === 0 ? '' : `, gone on ${again === 1 ? 'once' : `${again} times`}`;
  const how = cached ? 'from the cache' : state === 'done' ? '' : state;
  return `${step}: ${points.length === epochs ? epochs : `${points.length} of ${epochs}`} epochs${best}${resumed}${how === '' ? '' : `, ${how}`}${why === undefined ? '' : `: ${why.split('\n', 1)[0]!}`}`;
}

const constant = (series: readonly Series[]): boolean =>
  new Set(series.flatMap(({ values }) => values.map(([, value]) => value))).size === 1;

function plot(name: string, series: readonly Series[], { bestEpoch, points }: RunCurves, columns: number): string[] {
  const all = series.flatMap(({ values }) => values.map(([, value]) => value));
  const logarithmic = Math.min(...all) > 0 && Math.max(...all) / Math.min(...all) > LOG_FROM;
  const scale = logarithmic ? Math.log10 : (value: number): number => value;
  const [low, high] = [scale(Math.min(...all)), scale(Math.max(...all))];
  const [first, last] = [points[0]!.epoch, points.at(-1)!.epoch];
  const width = Math.max(1, Math.min(columns - LABEL - 2, Math.max(2 * (last - first) + 1, 20)));
  const columnOf = (epoch: number): number => (last === first ? 0 : Math.round(((epoch - first) / (last - first)) * (width - 1)));
  const rowOf = (value: number): number => (high === low ? 0 : Math.round(((high - scale(value)) / (high - low)) * (HEIGHT - 1)));
  const height = high === low ? 1 : HEIGHT;
  const grid = Array.from({ length: height }, () => new Array<string>(width).fill(' '));
  for (const { part, values } of series) for (const [column, row] of path(values, columnOf, rowOf)) mark(grid, row, column, part);
  const valueAt = (row: number): number => {
    const at = high - (row / (HEIGHT - 1)) * (high - low);
    return logarithmic ? 10 ** at : at;
  };
  const labelled = new Set([0, Math.floor((HEIGHT - 1) / 2), HEIGHT - 1]);
  const legend = series.map(
    ({ part, values }) => `${MARKS[part]} ${part === 'train' ? 'training' : part} ${formatNumber(values.at(-1)![1])}`,
  );
  const best = bestEpoch === null || bestEpoch < first || bestEpoch > last ? undefined : columnOf(bestEpoch);
  const axis = Array.from({ length: width }, (_, column) => (column === best ? '┴' : '─')).join('');
  return [
    `${' '.repeat(LABEL)} ${name}${logarithmic ? ' (logarithmic)' : ''}   ${legend.join('   ')}`,
    ...grid.map((line, row) => `${(labelled.has(row) ? formatNumber(valueAt(row)) : '').padStart(LABEL)} ┤${line.join('').trimEnd()}`),
    `${' '.repeat(LABEL)} └${axis}`,
    `${' '.repeat(LABEL)}  ${epochsLine(first, last, best === undefined ? undefined : { epoch: bestEpoch!, column: best }, width)}`,
  ];
}

/** Where a line through the values goes: a column each, the rows between two neighbours filled. */
function* path(
  values: Series['values'],
  columnOf: (epoch: number) => number,
  rowOf: (value: number) => number,
): Iterable<readonly [column: number, row: number]> {
  let before: readonly [number, number] | undefined;
  for (const [epoch, value] of values) {
    const here = [columnOf(epoch), rowOf(value)] as const;
    if (before !== undefined) {
      const [fromColumn, fromRow] = before;
      for (let column = fromColumn + 1; column < here[0]; column++)
        yield [column, Math.round(fromRow + ((here[1] - fromRow) * (column - fromColumn)) / (here[0] - fromColumn))];
    }
    yield here;
    before = here;
  }
}

function mark(grid: string[][], row: number, column: number, part: Series['part']): void {
  const before = grid[row]![column]!;
  grid[row]![column] = before === ' ' || before === MARKS[part] ? MARKS[part] : MARKS.both;
}

/** "1          ^ 25      40": the kept epoch below its place on the axis, where there is room for it. */
function epochsLine(
  first: number,
  last: number,
  best: { readonly epoch: number; readonly column: number } | undefined,
  width: number,
): string {
  const line = new Array<string>(width + 12).fill(' ');
  const put = (text: string, at: number): boolean => {
    const from = Math.max(0, Math.min(at, line.length - text.length));
    if (line.slice(Math.max(0, from - 1), from + text.length + 1).some((character) => character !== ' ')) return false;
    [...text].forEach((character, index) => (line[from + index] = character));
    return true;
  };
  put(`epoch ${first}`, 0);
  if (last !== first) put(String(last), width - String(last).length);
  if (best !== undefined && best.epoch !== last) put(`${best.epoch} (kept)`, best.column) || put(`(${best.epoch} kept)`, width + 1);
  return line.join('').trimEnd();
}
