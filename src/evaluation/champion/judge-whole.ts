import { PerennialError } from '../../core/errors.ts';
import type { OutputSpec } from '../../core/tensor.ts';
import type { ModelMeta } from '../../training/model/model-meta.ts';
import { defaultMetrics, resolveMetrics } from '../metrics/resolve-metrics.ts';
import type { ResolvedMetric } from '../metrics/resolve-metrics.ts';
import { requireFitting } from '../measure/compute.ts';
import type { EvaluateInputs, EvaluateOptions } from '../step/evaluation-input.ts';
import { fairRows, fairText } from './fair-rows.ts';
import { slicesOf } from '../step/gate.ts';
import type { GateFacts } from '../step/gate.ts';
import { judge, requireMeasured, verdictOf } from '../step/gates.ts';
import { measuredKeys, withMeasures } from '../step/measures.ts';
import type { MetricTask } from '../metrics/metric.ts';
import { reportHead } from '../step/model-facts.ts';
import type { ChampionComparison, EvaluationReport, MetricResult } from '../step/report.ts';

/** A champion that was judged as a whole: its results cannot be compared row by row. */
export type WholeChampion =
  | { readonly none: string; readonly notFair?: true }
  | {
      readonly model: string;
      readonly version: number;
      readonly digest: string;
      readonly values: Readonly<Record<string, number | null>>;
      readonly fair?: NonNullable<ChampionComparison['fair']>;
    };

/** The champion of now, and those of before. */
export interface WholeChampions {
  readonly champion: WholeChampion;
  readonly former: readonly { readonly version: number; readonly agoMs: number; readonly champion: WholeChampion }[];
}

/** Judges champions on the test split, which is judged as a whole: where one side has seen some of its rows, there is no comparison. */
export async function judgeChampions(
  inputs: EvaluateInputs,
  { comparison: { minimumRows } }: EvaluateOptions,
  judgeOne: (inputs: EvaluateInputs) => Promise<WholeChampion>,
): Promise<WholeChampions> {
  const judgeFairly = async (champion: EvaluateInputs['champion']): Promise<WholeChampion> => {
    if ('none' in champion) return champion;
    const fair = await fairRows(inputs.dataset, inputs.trainedOn, champion.trainedOn);
    if ('unknown' in fair) return { none: fair.unknown, notFair: true };
    if (fair.left < fair.rows)
      return {
        none: `${fairText(fair)}, and such a model is judged on all of them at once, so that it is compared only where neither side has seen any`,
        notFair: true,
      };
    if (fair.left < minimumRows) return { none: `${fairText(fair)}; at least ${minimumRows} are needed`, notFair: true };
    const judged = await judgeOne({ ...inputs, champion });
    const { unseen: _rows, ...counts } = fair;
    return 'none' in judged ? judged : { ...judged, fair: counts };
  };
  const former: { version: number; agoMs: number; champion: WholeChampion }[] = [];
  for (const one of inputs.former) former.push({ version: one.version, agoMs: one.agoMs, champion: await judgeFairly(one) });
  return { champion: await judgeFairly(inputs.champion), former };
}

/**
 * @param does what the model does, for the message
 *
 * @param settings those of other models, and whether they are given
 * @throws CONFIG_INVALID
 */
export function refuseSettings(does: string, settings: Readonly<Record<string, boolean>>): void {
  const given = Object.keys(settings)
    .filter((name) => settings[name])
    .map((name) => `"${name}"`);
  if (given.length > 0)
    throw new PerennialError(
      'CONFIG_INVALID',
      `The model ${does}, for which ${given.join(' and ')} ${given.length === 1 ? 'has' : 'have'} no meaning.`,
      { hint: 'Leave it out of the evaluate step.' },
    );
}

/** The metrics of an evaluation, those of the task unless some are named. @throws CONFIG_INVALID */
export function wholeMetrics({ metrics: specs, gates, measures }: EvaluateOptions, task: MetricTask, output: OutputSpec): ResolvedMetric[] {
  const metrics = resolveMetrics(specs.length > 0 ? specs : defaultMetrics(task));
  requireFitting(metrics, output);
  const sliced = gates.find((gate) => slicesOf(gate).length > 0);
  if (sliced !== undefined)
    throw new PerennialError('CONFIG_INVALID', `The gate on "${sliced.metric}" is about slices, and such a model is judged as a whole.`, {
      hint: 'Leave "slices" out of the gate.',
    });
  requireMeasured(gates, [...metrics.map(({ key }) => key), ...measuredKeys(measures)]);
  return metrics;
}

export function wholeResult(
  { key, definition, config }: ResolvedMetric,
  value: number,
  baseline: number | null,
  champion: WholeChampion,
): MetricResult {
  const theirs = 'none' in champion ? undefined : (champion.values[key] ?? null);
  return {
    key,
    metric: definition.name,
    config,
    direction: definition.direction,
    value,
    baseline,
    ...(theirs === undefined
      ? {}
      : { champion: { value: theirs, challenger: value, difference: theirs === null ? null : value - theirs, low: null, high: null } }),
  };
}

interface WholeJudgement extends Pick<
  EvaluationReport,
  'rows' | 'task' | 'output' | 'baseline' | 'history' | 'generated' | 'continuations'
> {
  readonly results: readonly MetricResult[];
  readonly champions: WholeChampions;
  readonly meta: ModelMeta;
}

/** The report of a model that was judged as a whole, with the verdict of its gates. */
export function wholeReport({ model, dataset }: EvaluateInputs, options: EvaluateOptions, judged: WholeJudgement): EvaluationReport {
  const {
    results,
    champions: { champion, former },
    meta,
    rows,
    task,
    output,
    baseline,
    history,
    ...findings
  } = judged;
  const by = <T>(value: (result: MetricResult) => T): Record<string, T> =>
    Object.fromEntries(results.map((result) => [result.key, value(result)]));
  const values = by((result) => result.value);
  const facts: GateFacts = {
    metrics: values,
    directions: by((result) => result.direction),
    onNoChampion: options.onNoChampion,
    baseline: { description: baseline.description, metrics: by((result) => result.baseline) },
    onTooFewRows: options.comparison.onTooFewRows,
    ...(options.formerAgesMs === undefined ? {} : { formerAgesMs: options.formerAgesMs }),
    former: former.map(({ version, agoMs, champion: one }) =>
      'none' in one ? { version, agoMs, ours: {}, metrics: {}, none: one.none } : { version, agoMs, ours: values, metrics: one.values },
    ),
    ...('none' in champion
      ? { [champion.notFair === undefined ? 'noChampion' : 'notFair']: champion.none }
      : {
          champion: {
            name: `the champion (${champion.model} version ${champion.version})`,
            ours: values,
            metrics: champion.values,
            differences: by(() => null),
          },
        }),
  };
  const gates = judge(options.gates, withMeasures(facts, options.measures));
  return {
    ...reportHead({ model, dataset }, meta, { pipeline: options.pipeline, rows }),
    task,
    output,
    metrics: results,
    ...(options.measures === undefined ? {} : { measures: options.measures }),
    baseline,
    ...('none' in champion
      ? { noChampion: champion.none, ...(champion.notFair === undefined ? {} : { notFair: champion.notFair }) }
      : {
          champion: {
            model: champion.model,
            version: champion.version,
            digest: champion.digest,
            rows,
            ...(champion.fair === undefined ? {} : { fair: champion.fair }),
            confidence: 0.95,
            resamples: 0,
            metrics: champion.values,
          },
        }),
    onNoChampion: options.onNoChampion,
    gates,
    verdict: verdictOf(gates),
    ...findings,
    slices: [],
    worst: [],
    history,
  };
}
