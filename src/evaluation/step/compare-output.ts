import type { OutputSpec } from '../../core/tensor.ts';
import { answersOf } from '../../data/answers/decode.ts';
import type { ResolvedMetric } from '../metrics/resolve-metrics.ts';
import { alignChampion, compareOn } from '../champion/champion.ts';
import type { Comparison, Judged } from '../champion/champion.ts';
import { fairText } from '../champion/fair-rows.ts';
import type { fairRows } from '../champion/fair-rows.ts';
import type { EvaluateOptions } from './evaluation-input.ts';
import type { Chunk } from '../metrics/metric.ts';
import type { ChampionComparison } from './report.ts';
import type { TestRowFacts } from '../rows/test-rows.ts';
import { choices } from './output-view.ts';

/** The champion's predictions of one output. */
export function championFor(champion: TestRowFacts['champion'], output: OutputSpec): TestRowFacts['champion'] {
  if ('none' in champion || champion.output.kind !== 'several') return champion;
  const own = champion.output.outputs.find(({ name }) => name === output.name)!;
  return {
    ...champion,
    output: own,
    predictions: answersOf(champion.predictions, champion.targets.length, champion.output.outputs, output.name),
  };
}

/** One output of model and champion on the rows that both may be judged by; or why there is no comparison. */
export type Compared =
  { readonly none: string; readonly notFair?: true } | { readonly summary: ChampionComparison; readonly comparison: Comparison };

/** @param oneOf the output, where the model has several */
export async function compare(
  metrics: readonly ResolvedMetric[],
  challenger: Judged,
  champion: TestRowFacts['champion'],
  fair: Fair,
  oneOf: OutputSpec | undefined,
  options: EvaluateOptions,
): Promise<Compared> {
  if ('none' in champion) return champion;
  options.onProgress?.(`comparing with version ${champion.version}`);
  const aligned = alignFairly(challenger, champion, fair, oneOf, options);
  if ('none' in aligned) return aligned;
  const { ours, theirs, rows } = aligned;
  const comparison = await compareOn(metrics, ours, theirs, {
    seed: options.seed,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const interval = Object.values(comparison.differences).find((one) => one !== null);
  const { model, version, digest } = champion;
  return {
    comparison,
    summary: {
      model,
      version,
      digest,
      rows: comparison.rows,
      fair: rows,
      confidence: interval?.confidence ?? 0.95,
      resamples: interval?.resamples ?? 0,
      metrics: comparison.theirs,
    },
  };
}

/** Which test rows neither side has seen. */
export type Fair = Awaited<ReturnType<typeof fairRows>>;

/** Both on the rows that neither has seen. */
export function alignFairly(
  challenger: Judged,
  champion: Exclude<TestRowFacts['champion'], { none: string }>,
  fair: Fair,
  oneOf: OutputSpec | undefined,
  options: EvaluateOptions,
): { ours: Chunk; theirs: Chunk; rows: NonNullable<ChampionComparison['fair']> } | { none: string; notFair?: true } {
  if ('unknown' in fair) return { none: fair.unknown, notFair: true };
  const { unseen, ...rows } = fair;
  const { ours, theirs } = alignChampion(challenger, champion, { ...choices(options, oneOf), only: (target) => unseen[target] === 1 });
  if (ours.rows === 0 && rows.left === rows.rows) return { none: 'the champion predicts none of these rows' };
  const { minimumRows } = options.comparison;
  if (ours.rows < minimumRows)
    return {
      none: `${ours.rows === rows.left ? fairText(rows) : `${ours.rows} rows that both predict, of ${fairText(rows)}`}; at least ${minimumRows} are needed`,
      notFair: true,
    };
  return { ours, theirs, rows };
}
