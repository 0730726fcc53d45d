import { PerennialError, isPerennialError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import type { OpenArtifact } from '../../core/ports.ts';
import { measureSplit } from '../../evaluation/measure/measure-split.ts';
import { metricRegistry } from '../../evaluation/metrics/index.generated.ts';
import { metricsOfEach, misfit, resolveMetrics, taskOf } from '../../evaluation/metrics/resolve-metrics.ts';
import type { MetricSpec, ResolvedMetric } from '../../evaluation/metrics/resolve-metrics.ts';
import type { VersionManifest } from '../../registry/types.ts';
import { metaAs, openAs } from '../../storage/stored.ts';
import { EVALUATION } from '../../reports/write-evaluation.ts';
import { formatNumber } from '../../evaluation/step/gate-words.ts';
import { decodeQuantized, quantize as pack } from '../../training/keras/quantization.ts';
import { encodeWeights } from '../../training/bundle/weights-file.ts';
import { readModel } from '../../training/bundle/load-model.ts';
import { MODEL } from '../../training/model/model-meta.ts';
import type { Packing } from './packing.ts';
import type { TargetTools } from '../target.ts';

interface Bound {
  readonly maxLoss: number | null;
  readonly metric?: string;
}

interface Judged {
  readonly evidence: readonly string[];
  readonly measured: JsonObject;
  readonly refusals: readonly string[];
}

const OTHERS: readonly Packing[] = ['uint16', 'float16'];

/**
 * What packed weights cost: the metric of the evaluation, of the model as it is and with the weights as they are read from their
 * packing, on the same test rows.
 *
 * @throws CONFIG_INVALID for a metric that the evaluation did not measure
 */
export async function judgePacking(
  { artifacts }: TargetTools,
  version: VersionManifest,
  model: OpenArtifact,
  packing: Packing,
  { maxLoss, metric: wanted }: Bound,
): Promise<Judged> {
  const choice = await choiceOf(version, artifacts, model, wanted);
  const { examples: digest } = metaAs(model, MODEL);
  let examples: OpenArtifact;
  try {
    examples = await artifacts.open({ digest });
  } catch (error) {
    if (!isPerennialError(error, 'OBJECT_NOT_FOUND')) throw error;
    return unmeasured('its examples are not in the store any more', maxLoss);
  }
  const measured = (one: OpenArtifact): ReturnType<typeof measureSplit> =>
    measureSplit(one, examples, { split: 'test', metrics: choice.specs, ...choice.options });
  let full: Awaited<ReturnType<typeof measureSplit>>;
  try {
    full = await measured(model);
  } catch (error) {
    if (!isPerennialError(error, 'SPLIT_INVALID')) throw error;
    return unmeasured('it has no test rows', maxLoss);
  }
  const metric = pick(choice.metrics, full.values, wanted);
  const before = full.values[metric.key]!;
  const loss = async (type: Packing): Promise<{ readonly after: number; readonly loss: number }> => {
    const after = type === 'none' ? before : (await measured(await packedModel(model, type))).values[metric.key]!;
    return { after, loss: lossOf(metric, before, after) };
  };
  const own = await loss(packing);
  const words = `${metric.key} ${formatNumber(before)} as it is, ${formatNumber(own.after)} with weights in ${packing}, on ${full.rows} test rows`;
  const numbers: JsonObject = {
    metric: metric.key,
    rows: full.rows,
    full: before,
    packed: own.after,
    loss: own.loss,
    maxLoss,
    quantize: packing,
  };
  if (maxLoss === null || own.loss <= maxLoss) return { evidence: [words], measured: numbers, refusals: [] };
  const others: string[] = [];
  for (const type of OTHERS.filter((one) => one !== packing)) others.push(`${type} loses ${lossText(metric, (await loss(type)).loss)}`);
  return {
    evidence: [words],
    measured: numbers,
    refusals: [`${words}: it loses ${lossText(metric, own.loss)}, and "maxLoss" is ${maxLoss}; ${others.join(', ')}`],
  };
}

function unmeasured(why: string, maxLoss: number | null): Judged {
  const sentence = `what packing costs cannot be measured: ${why}`;
  return {
    evidence: [sentence],
    measured: { maxLoss },
    refusals: maxLoss === null ? [] : [`${sentence}. "maxLoss": null deploys it unmeasured`],
  };
}

interface Choice {
  readonly specs: readonly MetricSpec[];
  readonly metrics: readonly ResolvedMetric[];
  readonly options: { readonly positive?: string; readonly threshold?: number };
}

/** As the evaluate step judged it; what it needs to know besides (which rows are anomalies) is left out. */
async function choiceOf(
  version: VersionManifest,
  artifacts: TargetTools['artifacts'],
  model: OpenArtifact,
  wanted: string | undefined,
): Promise<Choice> {
  const { output } = metaAs(model, MODEL);
  const config = (
    version.evaluation === null ? undefined : (await openAs(artifacts, EVALUATION, version.evaluation)).meta.judgement?.config
  ) as { readonly metrics?: readonly MetricSpec[]; readonly positive?: string; readonly threshold?: number } | undefined;
  const task = taskOf(output);
  const given = config?.metrics ?? [];
  const specs =
    output.kind === 'several'
      ? given
      : given.filter((spec) => resolveMetrics([spec]).every(({ definition }) => misfit(definition, task) === undefined));
  if (wanted !== undefined && !Object.keys(version.metrics).includes(wanted))
    throw new PerennialError(
      'CONFIG_INVALID',
      `The target "edge" is to watch "${wanted}", and the evaluation of ${version.name} version ${version.version} measured ${Object.keys(version.metrics).join(', ') || 'nothing'}.`,
      { hint: 'Name one of these as "metric", or leave it out.' },
    );
  const metrics = output.kind === 'several' ? [...metricsOfEach(specs, output.outputs).values()].flat() : resolveMetrics(specs);
  const { positive, threshold } = config ?? {};
  return {
    specs,
    metrics,
    options: { ...(positive === undefined ? {} : { positive }), ...(threshold === undefined ? {} : { threshold }) },
  };
}

function pick(metrics: readonly ResolvedMetric[], values: Readonly<Record<string, number>>, wanted: string | undefined): ResolvedMetric {
  const key = wanted !== undefined && values[wanted] !== undefined ? wanted : Object.keys(values)[0]!;
  const known = metrics.find((metric) => metric.key === key);
  return known ?? { key, definition: metricRegistry.get(key.slice(key.lastIndexOf('.') + 1)), config: {} };
}

/** Above 0: it is worse. */
function lossOf({ definition }: ResolvedMetric, before: number, after: number): number {
  const worse = definition.direction === 'minimize' ? after - before : before - after;
  if (isShare(definition.range)) return worse;
  return before === 0 ? (worse === 0 ? 0 : Math.sign(worse) * Infinity) : worse / Math.abs(before);
}

const isShare = ([low, high]: readonly (number | null)[]): boolean => low !== null && high !== null && high! - low! <= 2;

function lossText({ definition }: ResolvedMetric, loss: number): string {
  return isShare(definition.range) ? formatNumber(loss) : `${formatNumber(100 * loss)} % of it`;
}

/** The model with weights as a browser reads them. */
async function packedModel(model: OpenArtifact, type: Exclude<Packing, 'none'>): Promise<OpenArtifact> {
  const { network, weights } = await readModel(model);
  const rounded = new Map(
    [...weights].map(([name, values]) => {
      const { bytes, quantization } = pack(values, type);
      return [name, decodeQuantized(bytes, quantization)];
    }),
  );
  const { bytes } = encodeWeights(network.weights, rounded);
  return {
    ...model,
    ref: model.ref,
    manifest: model.manifest,
    path: model.path.bind(model),
    json: model.json.bind(model),
    bytes: async (file) => (file === 'weights.bin' ? bytes : model.bytes(file)),
  };
}
