import type { ArtifactRef } from '../core/artifact.ts';
import { PerennialError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { ObjectStore, OpenArtifact } from '../core/ports.ts';
import type { StepContext, StepResult } from '../core/step.ts';
import type { BaselineChoice } from '../evaluation/measure/baseline.ts';
import type { MetricSpec } from '../evaluation/metrics/resolve-metrics.ts';
import type { Costs } from '../evaluation/findings/insights/insight-types.ts';
import type { ComparisonChoice } from '../evaluation/step/evaluation-input.ts';
import type { Gate, OnNoChampion } from '../evaluation/step/gate.ts';
import type { Measure } from '../evaluation/step/measures.ts';
import type { ServingVersion } from '../evaluation/rows/test-rows.ts';
import type { FormerVersion } from '../registry/champion.ts';
import type { Judgement } from '../reports/write-evaluation.ts';

/** Configuration of an evaluate step. */
export interface EvaluateConfig {
  readonly metrics?: readonly MetricSpec[];
  readonly gates?: readonly Gate[];
  readonly onNoChampion?: OnNoChampion;
  readonly comparison?: Partial<ComparisonChoice>;
  readonly champion?: string;
  readonly positive?: string;
  readonly threshold?: number;
  readonly slices?: readonly string[];
  readonly costs?: Costs;
  readonly baseline?: BaselineChoice;
  readonly features?: { readonly model?: string; readonly version?: number; readonly layer?: string };
  readonly seed?: number;
}

type JudgeContext = Pick<StepContext, 'pipeline' | 'nominalTime' | 'store' | 'artifacts' | 'signal' | 'progress'>;
type Inputs = Readonly<Record<string, ArtifactRef>>;

/** What evaluate steps do, and what a deployment does again where the champion is another one by then. */
export async function judgeModel(ctx: JudgeContext, config: EvaluateConfig, inputs: Inputs): Promise<StepResult> {
  const { evaluateModel } = await import('../evaluation/step/evaluate.ts');
  const { COMPARISON_DEFAULTS } = await import('../evaluation/step/evaluation-input.ts');
  const { trainedOn } = await import('../training/model/trained-on.ts');
  const { writeEvaluation } = await import('../reports/write-evaluation.ts');
  const name = config.champion ?? ctx.pipeline;
  const champion = await findChampion(ctx.store, name, inputs);
  const features = await findFeatures(ctx.store, config, inputs);
  const { former, agesMs } = await findFormer(ctx, config, inputs);
  const model = await ctx.artifacts.open(inputs['model']!);
  const opened = async <T extends { readonly version: number; readonly model: ArtifactRef }>({
    version,
    model: ref,
  }: T): Promise<ServingVersion> => {
    const artifact = await ctx.artifacts.open(ref);
    return { model: name, version, artifact, trainedOn: await trainedOn(ctx.artifacts, artifact) };
  };
  const measures = await measuresOf(ctx, config.gates ?? [], model, champion?.model);
  const dataset = await ctx.artifacts.open(inputs['dataset']!);
  let numbers: { readonly answers: Float64Array; readonly truth: Float64Array } | undefined;
  const report = await evaluateModel(
    {
      model,
      trainedOn: await trainedOn(ctx.artifacts, model),
      former: await Promise.all(former.map(async (one) => ({ ...(await opened(one)), agoMs: one.agoMs }))),
      examples: await ctx.artifacts.open(inputs['examples']!),
      dataset,
      ...(features === undefined
        ? {}
        : {
            features: {
              artifact: await ctx.artifacts.open(features.model),
              name: features.name,
              ...(config.features?.layer === undefined ? {} : { layer: config.features.layer }),
            },
          }),
      champion: champion === undefined ? { none: `no other version of "${name}" serves` } : await opened(champion),
    },
    {
      pipeline: ctx.pipeline,
      metrics: config.metrics ?? [],
      gates: config.gates ?? [],
      onNoChampion: config.onNoChampion ?? 'pass',
      formerAgesMs: agesMs,
      comparison: { ...COMPARISON_DEFAULTS, ...config.comparison },
      ...(measures.length === 0 ? {} : { measures }),
      ...(config.positive === undefined ? {} : { positive: config.positive }),
      ...(config.threshold === undefined ? {} : { threshold: config.threshold }),
      slices: config.slices ?? [],
      ...(config.costs === undefined ? {} : { costs: config.costs }),
      ...(config.baseline === undefined ? {} : { baseline: config.baseline }),
      seed: config.seed ?? 1,
      signal: ctx.signal,
      onNumbers: (answers, truth) => (numbers = { answers, truth }),
      onProgress: (message, fraction) => ctx.progress({ message, ...(fraction === undefined ? {} : { fraction }) }),
    },
  );
  const judgement: Judgement = {
    champion: { model: name, version: champion?.version ?? null },
    config: { ...config, champion: name } as unknown as JsonObject,
    inputs: Object.fromEntries(Object.entries(inputs).map(([port, ref]) => [port, ref.digest])),
  };
  return writeEvaluation(
    ctx.artifacts,
    report,
    judgement,
    numbers === undefined ? {} : await expectedErrorOf(ctx, model, dataset, numbers),
  );
}

/** What answers without a label are judged by later: how far off they are expected to be. */
async function expectedErrorOf(
  ctx: JudgeContext,
  model: OpenArtifact,
  dataset: OpenArtifact,
  { answers, truth }: { readonly answers: Float64Array; readonly truth: Float64Array },
): Promise<Record<string, Uint8Array>> {
  const { expectedErrorOfTest, EXPECTED_ERROR_FILE } = await import('../monitoring/feedback/expected-error.ts');
  ctx.progress({ message: 'learning how far off answers are expected to be' });
  const expected = await expectedErrorOfTest(model, dataset, answers, truth, ctx.signal);
  return expected === undefined ? {} : { [EXPECTED_ERROR_FILE]: Buffer.from(JSON.stringify(expected)) };
}

/** What gates ask of the model in use, and of the champion where they compare with it. */
async function measuresOf(
  ctx: JudgeContext,
  gates: readonly Gate[],
  model: OpenArtifact,
  champion: ArtifactRef | undefined,
): Promise<Measure[]> {
  const { isMeasure } = await import('../evaluation/step/measures.ts');
  const { comparesWithChampion } = await import('../evaluation/step/gate.ts');
  const wanted = [...new Set(gates.map(({ metric }) => metric))].filter(isMeasure);
  if (wanted.length === 0) return [];
  const { measureServed } = await import('../client/measure-served.ts');
  const measured = async (artifact: OpenArtifact, names: readonly string[]): Promise<Record<string, Omit<Measure, 'name'>>> => {
    const served = names.some((name) => name !== 'modelBytes') ? await measureServed(ctx.artifacts, artifact, ctx.signal) : undefined;
    const files = Object.values(artifact.manifest.files);
    return {
      modelBytes: { value: files.reduce((sum, { size }) => sum + size, 0), note: `${files.length} files` },
      ...(served === undefined
        ? {}
        : { latencyMs: { value: served.latencyMs, note: served.note }, servedShare: { value: served.share, note: served.note } }),
    };
  };
  ctx.progress({ message: 'asking the model in a server process, as a client would' });
  const own = await measured(model, wanted);
  const compared = gates
    .filter(comparesWithChampion)
    .map(({ metric }) => metric)
    .filter(isMeasure);
  const theirs = champion === undefined || compared.length === 0 ? {} : await measured(await ctx.artifacts.open(champion), compared);
  return wanted.map((name) => {
    const other = compared.includes(name) ? theirs[name]?.value : undefined;
    return { name, ...own[name]!, ...(other === undefined ? {} : { champion: other }) };
  });
}

/** The same judgement of the same model on the same rows, against whoever serves now. */
export async function judgeAgain(ctx: JudgeContext, { config, inputs }: Judgement): Promise<StepResult> {
  const refs: [string, ArtifactRef][] = [];
  for (const [port, digest] of Object.entries(inputs)) {
    const { manifest } = await ctx.artifacts.open({ digest });
    refs.push([port, { kind: manifest.kind, digest, summary: manifest.summary }]);
  }
  return judgeModel(ctx, config, Object.fromEntries(refs));
}

/** What decides a judgement besides its configuration and inputs. */
export async function othersOf(
  ctx: Pick<StepContext, 'pipeline' | 'nominalTime' | 'store'>,
  config: EvaluateConfig,
  inputs: Inputs,
): Promise<JsonObject> {
  const champion = await findChampion(ctx.store, config.champion ?? ctx.pipeline, inputs);
  const features = await findFeatures(ctx.store, config, inputs);
  const { former, agesMs } = await findFormer(ctx, config, inputs);
  return {
    // Whose champion, and whose report: both are told in the evaluation, and decide whether deploying judges again.
    pipeline: ctx.pipeline,
    champion: {
      of: config.champion ?? ctx.pipeline,
      ...(champion === undefined ? { none: true } : { version: champion.version, model: champion.model.digest }),
    },
    ...(former.length === 0 ? {} : { former: await formerByGate(config, former, agesMs) }),
    ...(features === undefined ? {} : { features: features.model.digest }),
  };
}

/** Which former champions each gate that looks back compares with: time alone moves one out of its period. */
async function formerByGate(
  { gates = [] }: EvaluateConfig,
  former: readonly FormerVersion[],
  agesMs: readonly number[],
): Promise<JsonObject[]> {
  const { lookBackMs } = await import('../evaluation/step/gate.ts');
  return gates
    .map(lookBackMs)
    .filter((periodMs) => periodMs > 0)
    .map((periodMs) => ({
      periodMs,
      of: agesMs.filter((agoMs) => agoMs <= periodMs).length,
      versions: former.filter(({ agoMs }) => agoMs <= periodMs).map(({ version, model }) => ({ version, model: model.digest })),
    }));
}

/** The champion, unless it is the very model that is judged: then there is nothing to compare, and nothing to judge again. */
async function findChampion(
  store: ObjectStore,
  name: string,
  inputs: Inputs,
): Promise<{ version: number; model: ArtifactRef } | undefined> {
  const { findServing } = await import('../registry/champion.ts');
  const serving = await findServing(store, name);
  return serving?.model.digest === inputs['model']?.digest ? undefined : serving;
}

/**
 * Champions of the periods that gates look back at, without the model that is judged: those to compare with, and how long ago all of
 * them served.
 */
async function findFormer(
  ctx: Pick<StepContext, 'pipeline' | 'nominalTime' | 'store'>,
  config: EvaluateConfig,
  inputs: Inputs,
): Promise<{ readonly former: readonly FormerVersion[]; readonly agesMs: readonly number[] }> {
  const { lookBackMs } = await import('../evaluation/step/gate.ts');
  const periodMs = Math.max(0, ...(config.gates ?? []).map(lookBackMs));
  if (periodMs === 0) return { former: [], agesMs: [] };
  const { championsWithin } = await import('../registry/champion.ts');
  const { chooseFormer } = await import('../evaluation/former.ts');
  const found = (await championsWithin(ctx.store, config.champion ?? ctx.pipeline, new Date(ctx.nominalTime), periodMs)).filter(
    ({ model }) => model.digest !== inputs['model']?.digest,
  );
  return { former: chooseFormer(found, config.gates ?? []), agesMs: found.map(({ agoMs }) => agoMs) };
}

/** The classifier of the Fréchet distance: the input, or a registered model. @throws CONFIG_INVALID where there is none, or two */
async function findFeatures(
  store: ObjectStore,
  { features }: EvaluateConfig,
  inputs: Readonly<Record<string, ArtifactRef>>,
): Promise<{ name: string; model: ArtifactRef } | undefined> {
  const wired = inputs['features'];
  const named = features?.model;
  if (wired !== undefined && named !== undefined)
    throw new PerennialError('CONFIG_INVALID', `Both the input "features" and the registered model "${named}" are named.`, {
      hint: 'Leave one of them out of the evaluate step.',
    });
  if (wired !== undefined) return { name: 'the model of the input "features"', model: wired };
  if (named === undefined) {
    if (features === undefined) return undefined;
    throw new PerennialError('CONFIG_INVALID', '"features" of the evaluate step names no model.', {
      hint: 'Give "model", or "inputs": { "features": "<id of a train step>" }.',
    });
  }
  const { findServing } = await import('../registry/champion.ts');
  const { readVersion } = await import('../registry/versions.ts');
  const found = features?.version === undefined ? await findServing(store, named) : await readVersion(store, named, features.version);
  if (found === undefined) {
    throw new PerennialError(
      'CONFIG_INVALID',
      `"features" names the model "${named}"${features?.version === undefined ? ', of which no version serves' : ` version ${features.version}, which does not exist`}.`,
      { hint: 'Register it first, or train it in this pipeline and name that step as the input "features".' },
    );
  }
  return { name: `${named} version ${found.version}`, model: found.model };
}
