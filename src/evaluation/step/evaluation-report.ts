import type { OpenArtifact } from '../../core/ports.ts';
import type { OutputSpec } from '../../core/tensor.ts';
import type { Recency } from '../../data/stored/recency.ts';
import type { ModelMeta } from '../../training/model/model-meta.ts';
import { taskOf } from '../metrics/resolve-metrics.ts';
import type { Comparison } from '../champion/champion.ts';
import { fairText } from '../champion/fair-rows.ts';
import type { EvaluateOptions } from './evaluation-input.ts';
import { judge, verdictOf } from './gates.ts';
import type { FormerFacts, GateFacts } from './gate.ts';
import { withMeasures } from './measures.ts';
import { reportHead } from './model-facts.ts';
import type { ChampionComparison, EvaluationReport, MetricResult } from './report.ts';
import type { JudgedOutput } from './judge-output.ts';
import type { Compared } from './compare-output.ts';

interface Evaluated {
  readonly output: OutputSpec;
  readonly model: OpenArtifact;
  readonly dataset: OpenArtifact;
  readonly rows: number;
  /** Column with the weights of rows, where they carry any. */
  readonly weight: string | undefined;
  /** The column holds times, and older rows count less. */
  readonly recency: Recency | undefined;
  readonly former: readonly FormerFacts[];
  readonly meta: ModelMeta;
  readonly history: EvaluationReport['history'];
}

/** The report of a model whose outputs were judged, with the verdict of its gates. */
export function reportOf(
  judged: readonly JudgedOutput[],
  { output, model, dataset, rows, weight, recency, former, meta, history }: Evaluated,
  options: EvaluateOptions,
): EvaluationReport {
  const several = output.kind === 'several';
  const results = judged.flatMap((one) => one.results);
  const { compared, baseline, findings, view } = judged[0]!;
  const described = several ? judged.map((one) => `${one.view.output.name}: ${one.baseline.description}`).join('; ') : baseline.description;
  const slices: NonNullable<GateFacts['slices']> = Object.assign({}, ...judged.map((one) => one.sliceValues));
  const gates = judgeGates(results, mergeCompared(judged), former, described, slices, options);
  return {
    ...reportHead({ model, dataset }, meta, { pipeline: options.pipeline, rows }),
    task: several ? 'several' : taskOf(output, view.chunk.kind === 'classes'),
    output: outputOf(output),
    ...(!several && view.chunk.kind === 'classes' && view.chunk.classes.length === 2
      ? { positive: view.chunk.classes[view.chunk.positive]! }
      : {}),
    ...(options.threshold === undefined ? {} : { threshold: options.threshold }),
    metrics: results,
    ...(weight === undefined ? {} : { weightedBy: weight, ...(recency === undefined ? {} : { halfLife: recency.halfLife }) }),
    ...(options.measures === undefined ? {} : { measures: options.measures }),
    ...(judged.every((one) => one.leftOut.length === 0) ? {} : { leftOut: judged.flatMap((one) => one.leftOut) }),
    baseline: {
      kind: several ? (judged.every((one) => one.baseline.kind === 'none') ? 'none' : 'several') : baseline.kind,
      description: described,
    },
    ...('none' in compared
      ? { noChampion: compared.none, ...(compared.notFair === undefined ? {} : { notFair: compared.notFair }) }
      : {
          champion: {
            ...compared.summary,
            metrics: Object.assign(
              {},
              ...judged.map((one) => ('none' in one.compared ? {} : one.compared.summary.metrics)),
            ) as ChampionComparison['metrics'],
          },
        }),
    onNoChampion: options.onNoChampion,
    gates,
    verdict: verdictOf(gates),
    ...(several
      ? {
          slices: [],
          worst: [],
          outputs: judged.map((one) => ({
            output: outputOf(one.view.output),
            metrics: one.results.map(({ key }) => key),
            ...one.findings,
          })),
        }
      : findings),
    history,
  };
}

function outputOf(output: OutputSpec): EvaluationReport['output'] {
  return { kind: output.kind, name: output.name, ...(output.kind === 'classes' ? { classes: output.classes } : {}) };
}

/** What the gates read of the comparisons of all outputs. */
function mergeCompared(judged: readonly JudgedOutput[]): Compared {
  const [first] = judged;
  if (judged.length === 1 || 'none' in first!.compared) return first!.compared;
  const parts = judged.flatMap(({ compared }) => ('none' in compared ? [] : [compared.comparison]));
  const merge = <K extends 'ours' | 'theirs' | 'differences' | 'disagreements'>(key: K): Comparison[K] =>
    Object.assign({}, ...parts.map((part) => part[key])) as Comparison[K];
  return {
    summary: first!.compared.summary,
    comparison: {
      ...parts[0]!,
      ours: merge('ours'),
      theirs: merge('theirs'),
      differences: merge('differences'),
      disagreements: merge('disagreements'),
    },
  };
}

function judgeGates(
  results: readonly MetricResult[],
  compared: Compared,
  former: readonly FormerFacts[],
  baseline: string,
  slices: NonNullable<GateFacts['slices']>,
  options: EvaluateOptions,
): EvaluationReport['gates'] {
  const by = <T>(value: (result: MetricResult) => T): Record<string, T> =>
    Object.fromEntries(results.map((result) => [result.key, value(result)]));
  const facts: GateFacts = {
    metrics: by((result) => result.value),
    directions: by((result) => result.direction),
    former,
    slices,
    ...(options.formerAgesMs === undefined ? {} : { formerAgesMs: options.formerAgesMs }),
    onTooFewRows: options.comparison.onTooFewRows,
    ...('none' in compared
      ? { [compared.notFair === undefined ? 'noChampion' : 'notFair']: compared.none }
      : {
          champion: {
            name: `the champion (${compared.summary.model} version ${compared.summary.version})`,
            ...rowsOf(compared.summary),
            ours: compared.comparison.ours,
            metrics: compared.comparison.theirs,
            differences: compared.comparison.differences,
            disagreements: compared.comparison.disagreements,
          },
        }),
    baseline: { description: baseline, metrics: by((result) => result.baseline) },
    onNoChampion: options.onNoChampion,
  };
  return judge(options.gates, withMeasures(facts, options.measures));
}

/** Said only where rows were left out. */
function rowsOf({ fair }: ChampionComparison): { readonly rows?: string } {
  return fair === undefined || fair.left === fair.rows ? {} : { rows: fairText(fair) };
}
