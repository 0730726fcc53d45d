import { PerennialError, isPerennialError, messageOf } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { Plan, PlanStep } from '../core/plan.ts';
import type { OutputSpec, TensorSpec } from '../core/tensor.ts';
import type { IngestConfig } from '../data/ingest/ingest-config.ts';
import type { Compared } from '../data/ingest/reference-schema.ts';
import { resolveSplit } from '../data/ingest/split.ts';
import type { ColumnOutcome } from '../data/preprocess/column-outcomes.ts';
import type { ExamplesPreview } from './preview-examples.ts';
import type { LayerDescription } from '../training/model/describe.ts';
import type { Topology } from '../training/model/model-config.ts';
import type { Named } from '../training/model/named.ts';
import type { ResolvedModel } from '../training/model/resolve-model.ts';
import type { TrainConfig } from '../training/step/train-config.ts';
import { baseText } from '../training/transfer/base.ts';
import type { BaseNetwork } from '../training/transfer/base.ts';
import { BaseUnknown, isAway, openRegistered, planBaseNetwork, planReused } from './plan-base.ts';
import type { PlannedTrain, Registered } from './plan-base.ts';

/** What the steps will give and build, as far as a look at the data tells. Nothing is written. */
export interface PlannedModel {
  /** Id of the train step. */
  readonly step: string;
  readonly inputs: readonly TensorSpec[];
  readonly layers: readonly LayerDescription[];
  readonly parameters: number;
  readonly trainableParameters: number;
  /** Networks that take part in training and do not serve. */
  readonly companions?: readonly PlannedNetwork[];
  /** What it starts from. */
  readonly base?: string;
  readonly loss: string;
  readonly output: string;
  /** Rows of the source; an estimate where `exact` is false. */
  readonly rows: number;
  /** The source has more rows than these, which were looked at. */
  readonly more?: boolean;
  readonly exact: boolean;
  /** Which column becomes what in its preprocess step, and the id of that step; none where a model's preprocessing is taken over. */
  readonly features: readonly ColumnOutcome[];
  readonly preprocess?: string;
  readonly notes: readonly string[];
  /** Why the layers are not known before the run. */
  readonly unknown?: string;
  /** Why the run would fail, and in which step: this one, or one that it takes its examples from. */
  readonly problem?: { readonly step: string; readonly code: ErrorCode; readonly message: string; readonly hint: string };
}

export interface PlannedNetwork {
  readonly name: string;
  readonly layers: readonly LayerDescription[];
  readonly parameters: number;
}

const NOTHING = {
  inputs: [],
  layers: [],
  parameters: 0,
  trainableParameters: 0,
  loss: '',
  output: '',
  rows: 0,
  exact: true,
  features: [],
  notes: [],
} as const;

/** The model of every train step. A source or a model that does not work is a `problem`, not an exception. */
export async function planModels(plan: Plan, nominalTime: string): Promise<PlannedModel[]> {
  let opened: Promise<Registered> | undefined;
  const context: Context = { plan, nominalTime, previews: new Map(), trains: new Map(), open: () => (opened ??= openRegistered()) };
  const models: PlannedModel[] = [];
  for (const step of plan.steps) if (step.type === 'train') models.push(await planModel(context, step));
  return models;
}

interface Context {
  readonly plan: Plan;
  readonly nominalTime: string;
  readonly previews: Map<string, Preview>;
  /** What is known of the train steps so far, by id. */
  readonly trains: Map<string, PlannedTrain>;
  readonly open: () => Promise<Registered>;
}

interface Preview {
  /** The step whose work is being looked at. */
  step: string;
  examples?: Promise<ExamplesPreview>;
}

/** Settings of a preprocess step that say where its transforms come from. */
interface Reusing {
  readonly from?: Parameters<typeof planReused>[0];
}

async function planModel(context: Context, train: PlanStep): Promise<PlannedModel> {
  const { plan, nominalTime, previews, trains, open } = context;
  const preprocess = sourceOf(plan, train, 'examples');
  if (preprocess?.type !== 'preprocess')
    return { step: train.id, ...NOTHING, unknown: `"${preprocess?.id ?? 'nothing'}" makes its examples while it runs` };
  const ingest = ingestBehind(plan, preprocess);
  if (ingest === undefined) return { step: train.id, ...NOTHING, unknown: `the dataset of "${preprocess.id}" is made while the run goes` };
  const key = `${ingest.id}/${preprocess.id}`;
  let failing = ingest.id;
  try {
    const { previewExamples } = await import('./preview-examples.ts');
    const { describeResolved, resolveModel } = await import('../training/model/resolve-model.ts');
    const { classWeightsOf } = await import('../training/trainer/labels.ts');
    const { createCallbacks } = await import('../training/callbacks/create-callbacks.ts');
    const { describeTopology } = await import('../training/model/describe.ts');
    const { isTransfer } = await import('../training/transfer/transfer-config.ts');
    const before = (step: PlanStep): PlannedTrain | undefined => trains.get(step.inputs['base']?.step ?? '');
    // Two models on the same examples look at the data once.
    let preview = previews.get(key);
    if (preview === undefined) {
      const compared = await comparedWith(plan, configOf<IngestConfig>(ingest), open);
      const { from } = configOf<Reusing>(preprocess);
      failing = preprocess.id;
      const reused = from === undefined ? undefined : await planReused(from, before(preprocess), open);
      const looking: Preview = (preview = { step: ingest.id });
      looking.examples = previewExamples(
        configOf(ingest),
        configOf(preprocess),
        plan.documentDir,
        nominalTime,
        reused,
        (stage) => (looking.step = stage === 'ingest' ? ingest.id : preprocess.id),
        compared,
      );
      previews.set(key, preview);
    }
    const { inputs, output, rows, more, exact, splits, features, notes } = await preview.examples!.catch((error: unknown) => {
      failing = preview.step;
      throw error;
    });
    failing = train.id;
    const config = configOf<
      Parameters<typeof resolveModel>[0] & Pick<TrainConfig, 'classWeights' | 'callbacks' | 'checkpoint' | 'earlyStopping'>
    >(train);
    const { model } = config;
    const onMissing = isTransfer(model) ? (model.onMissing ?? 'fail') : 'fail';
    const base = isTransfer(model)
      ? await planBaseNetwork(model.from, onMissing === 'fail' ? 'fail' : 'go on', inputs, plan.documentDir, before(train), open)
      : undefined;
    const scratch = isTransfer(model) && base === undefined && onMissing !== 'fail' ? onMissing : model;
    // The counts of the classes are known in the run only; names and kind of the label are checked here.
    if (config.classWeights !== undefined) classWeightsOf(config.classWeights, output, () => []);
    const resolved = resolveModel({ ...config, model: scratch, ...(base === undefined ? {} : { base }), inputs, output });
    createCallbacks(
      config,
      resolved.objective.create(resolved, {}),
      NO_COURSE,
      hasValidation(splits, configOf<IngestConfig>(ingest).split),
    );
    for (const deploy of plan.steps.filter(({ type }) => type === 'deploy')) {
      failing = deploy.id;
      // With several train steps, which is deployed where is a matter of wiring.
      if (plan.steps.filter(({ type }) => type === 'train').length === 1) await checkTargets(deploy, output, resolved.topology);
    }
    failing = train.id;
    const text = `the model of "${train.id}"`;
    trains.set(train.id, {
      network: { origin: { file: text, digest: '' }, output, ...asBase(resolved, config.loss ?? base?.loss) },
      examples: { text, inputs, output },
    });
    const companions = Object.entries(resolved.companions).map(([name, topology]): PlannedNetwork => ({
      name,
      ...describeTopology(topology),
    }));
    const { layers, parameters, trainableParameters, loss, objective } = describeResolved(resolved);
    return {
      step: train.id,
      ...(base === undefined ? {} : { base: baseText(base.origin) }),
      inputs,
      layers,
      parameters,
      trainableParameters,
      ...(companions.length === 0 ? {} : { companions }),
      loss,
      output: OUTPUTS[objective] ?? outputText(output),
      rows,
      ...(more === undefined ? {} : { more }),
      exact,
      features,
      preprocess: preprocess.id,
      notes,
    };
  } catch (error) {
    if (error instanceof BaseUnknown || isAway(error)) return { step: train.id, ...NOTHING, unknown: messageOf(error) };
    if (!isPerennialError(error)) throw error;
    return { step: train.id, ...NOTHING, problem: { step: failing, code: error.code, message: error.message, hint: error.hint } };
  }
}

/** That the targets of a deploy step take what will be trained. @throws MODEL_INVALID naming the target, and the layer where it is one */
async function checkTargets(deploy: PlanStep, output: OutputSpec, topology: Topology): Promise<void> {
  const { targetRegistry } = await import('../targets/index.generated.ts');
  const { resolveNamed } = await import('../training/model/named.ts');
  for (const target of configOf<{ readonly targets?: readonly Named[] }>(deploy).targets ?? []) {
    const { name, definition, config } = resolveNamed(targetRegistry, target);
    const unfit = definition.placing?.unfit?.({ output: output.kind }, config);
    if (unfit !== undefined) throw new PerennialError('MODEL_INVALID', `The target "${name}" does not take this model: ${unfit}.`);
    definition.placing?.unfitLayers?.(topology, config);
  }
}

/** What a run would compare the data with. A store that is away is said. @throws VERSION_INVALID, NOT_FOUND */
async function comparedWith(plan: Plan, config: IngestConfig, open: () => Promise<Registered>): Promise<Compared> {
  if (config.reference?.version === 'none') return {};
  const away = (error: unknown): Compared => ({
    notes: [`The data could not be compared with those of the last version, as a run does: ${messageOf(error)}`],
  });
  let registered: Registered;
  try {
    registered = await open();
  } catch (error) {
    if (!isPerennialError(error)) throw error;
    return away(error);
  }
  try {
    const { findReference } = await import('../registry/data-reference.ts');
    const found = await findReference(registered.store, registered.artifacts, plan.pipeline, config);
    if (found === undefined) return {};
    if ('none' in found) return { notes: [found.none] };
    return { schema: found.schema, ...(found.note === undefined ? {} : { notes: [found.note] }) };
  } catch (error) {
    if (!isAway(error)) throw error;
    return away(error);
  }
}

/** A model of the plan as the start of another one. */
function asBase({ topology, objective, settings, companions, model }: ResolvedModel, loss: Named | undefined): Omit<BaseNetwork, 'origin'> {
  return {
    topology,
    ...(loss === undefined ? {} : { loss }),
    ...(LEARNS_FROM_LABELS.includes(objective.name) ? {} : { objective: { [objective.name]: settings } }),
    ...(Object.keys(companions).length === 0 ? {} : { companions, model }),
  };
}

/** Where the rows were not divided yet, as far as their shares tell. */
function hasValidation(rows: ExamplesPreview['splits'], config: IngestConfig['split']): boolean {
  const { by, validation } = resolveSplit(config);
  return rows === undefined ? by === 'column' || validation > 0 : rows.validation > 0;
}

/** Callbacks are created to be checked, and never asked. */
const NO_COURSE = { epochs: 1, steps: 1, stepsPerEpoch: 1 };

/** Configurations of a plan have passed the schema of their step. */
function configOf<T>(step: PlanStep): T {
  return step.config as T;
}

function sourceOf(plan: Plan, step: PlanStep, port: string): PlanStep | undefined {
  return plan.steps.find(({ id }) => id === step.inputs[port]?.step);
}

/** The ingest step that a dataset comes from, if all that stands between leaves its columns as they are. */
function ingestBehind(plan: Plan, preprocess: PlanStep): PlanStep | undefined {
  let at = sourceOf(plan, preprocess, 'dataset');
  while (at?.type === 'validate') at = sourceOf(plan, at, 'dataset');
  return at?.type === 'ingest' ? at : undefined;
}

const LEARNS_FROM_LABELS = ['supervised', 'severalOutputs'];

/** What models answer that do not learn from a label, by their objective. */
const OUTPUTS: Readonly<Record<string, string>> = {
  reconstruction: 'the error of the reconstruction: the score of an anomaly',
  adversarial: 'samples like the training examples',
  nextToken: 'the next token of a text, and so its continuation',
};

function outputText(output: ExamplesPreview['output']): string {
  if (output.kind === 'none' || output.kind === 'anomaly' || output.kind === 'samples' || output.kind === 'text') return 'none';
  if (output.kind === 'number') return `${output.name}, ${output.width === 1 ? 'a number' : `${output.width} numbers`}`;
  if (output.kind === 'several') return output.outputs.map(outputText).join('; ');
  const shown = output.classes.slice(0, 10).join(', ');
  return `${output.name}, one of ${output.classes.length} classes: ${shown}${output.classes.length > 10 ? ', …' : ''}`;
}
