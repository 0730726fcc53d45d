import { PerennialError } from '../../core/errors.ts';
import type { OutputSpec } from '../../core/tensor.ts';
import { leaveOutHint } from '../../data/preprocess/row-weight.ts';
import { recencyWeight } from '../../data/stored/recency.ts';
import type { Recency } from '../../data/stored/recency.ts';
import { answersOf } from '../../data/answers/decode.ts';
import type { ResolvedMetric } from '../metrics/resolve-metrics.ts';
import { toChunk } from '../measure/chunk.ts';
import { worstOf } from '../findings/error-analysis.ts';
import type { EvaluateOptions } from './evaluation-input.ts';
import type { Chunk } from '../metrics/metric.ts';
import type { Scored } from '../measure/score.ts';
import { withSourceLabels } from '../rows/source-labels.ts';
import type { TestRowFacts } from '../rows/test-rows.ts';
import { requirePositive } from './options-fit.ts';

/** Highest-loss rows that the report shows. */
const WORST_ROWS = 20;

/** What turns scores into decisions; `chunkOf`: the one of several outputs that is asked about. */
export function choices(options: EvaluateOptions, chunkOf?: OutputSpec): { positive?: string; threshold?: number } {
  // Of several outputs, the positive class is that of the one that has it.
  const positive =
    chunkOf?.kind === 'classes' && options.positive !== undefined && !chunkOf.classes.includes(options.positive)
      ? undefined
      : options.positive;
  return { ...(positive === undefined ? {} : { positive }), ...(options.threshold === undefined ? {} : { threshold: options.threshold }) };
}

/** One output of the model on the test split. */
export interface OutputView {
  readonly output: OutputSpec;
  readonly metrics: readonly ResolvedMetric[];
  readonly chunk: Chunk;
  readonly worst: ReturnType<typeof worstOf>;
}

/** What each output answered for the test split, and where it errs most. @throws CONFIG_INVALID for a positive class of no output */
export function viewsOf(
  output: OutputSpec,
  { rows, predictions, labels }: Scored,
  metrics: ReadonlyMap<string, readonly ResolvedMetric[]>,
  options: EvaluateOptions,
): OutputView[] {
  if (output.kind === 'several') requirePositive(output.outputs, options);
  return (output.kind === 'several' ? output.outputs : [output]).map((one) => {
    const own = output.kind === 'several' ? answersOf(predictions, rows, output.outputs, one.name) : predictions;
    const chunk = toChunk({
      output: one,
      predictions: own,
      labels: labels.get(one.name) ?? [],
      rows,
      ...choices(options, output.kind === 'several' ? one : undefined),
    });
    return { output: one, metrics: metrics.get(one.name)!, chunk, worst: worstOf(chunk, WORST_ROWS) };
  });
}

/** The column that says how much a row counts, by its values or by their age. */
interface NamedWeight {
  readonly column: string;
  readonly recency?: Recency;
}

/** The view with the labels of the source, which are those of its examples. @throws DATA_INVALID */
export function exactly(
  view: OutputView,
  { rows, labels, slices }: TestRowFacts,
  targets: Int32Array,
  sequence: boolean,
  { weight, naiveError }: { readonly weight: NamedWeight | undefined; readonly naiveError: number | undefined },
): OutputView {
  const raw = labels.get(view.output.name) ?? [];
  requireAligned(rows, raw, targets, view.chunk, sequence);
  const chunk = withSourceLabels(view.chunk, view.output, raw, targets);
  return {
    ...view,
    chunk: {
      ...chunk,
      ...(weight === undefined ? {} : { weights: weightsOf(weight, slices.get(weight.column)!, targets) }),
      ...(chunk.kind === 'number' && chunk.width === 1 && naiveError !== undefined && !Number.isNaN(naiveError) ? { naiveError } : {}),
    },
  };
}

/** @throws DATA_INVALID for a weight that is missing, negative or infinite */
function weightsOf({ column, recency }: NamedWeight, values: readonly unknown[], targets: Int32Array): Float64Array {
  return Float64Array.from(targets, (target) => {
    const value = values[target];
    const weight =
      recency !== undefined && typeof value === 'string'
        ? recencyWeight(recency, Date.parse(value))
        : typeof value === 'bigint'
          ? Number(value)
          : value;
    if (typeof weight === 'number' && weight >= 0 && weight < Infinity) return weight;
    throw new PerennialError(
      'DATA_INVALID',
      `Row ${target} of the test split: the weight "${column}" is ${value === null || value === undefined ? 'missing' : String(value)}; a weight is a number from 0 up.`,
      { hint: leaveOutHint(column, value === null || value === undefined) },
    );
  });
}

/** Examples and rows have to be the same rows in the same order, or slices and comparisons would speak of others. */
function requireAligned(rows: number, labels: readonly unknown[], targets: Int32Array, chunk: Chunk, sequence: boolean): void {
  const mismatch = (why: string): PerennialError =>
    new PerennialError('DATA_INVALID', `The test examples do not fit the rows of the dataset: ${why}.`, {
      hint: 'Give the evaluate step the dataset that its examples were made from ("inputs": { "dataset": … }).',
    });
  if (chunk.rows > rows || (chunk.rows < rows && !sequence)) throw mismatch(`there are ${chunk.rows} examples and ${rows} rows`);
  if (labels.length === 0 || chunk.kind !== 'classes') return;
  for (let example = 0; example < chunk.rows; example++) {
    const raw = labels[targets[example]!];
    const name = chunk.classes[chunk.labels[example]!]!;
    if (String(raw) !== name) throw mismatch(`example ${example} has the label "${name}" and row ${targets[example]} has "${String(raw)}"`);
  }
}
