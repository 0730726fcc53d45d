import { isPerennialError } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { Plan, PlanStep } from '../core/plan.ts';
import type { TensorSpec } from '../core/tensor.ts';
import type { ExamplesPreview } from '../data/preview.ts';
import type { LayerDescription } from '../training/describe.ts';

/** What the steps will give and build, as far as a look at the data tells. Nothing is written. */
export interface PlannedModel {
  /** Id of the train step. */
  readonly step: string;
  readonly inputs: readonly TensorSpec[];
  readonly layers: readonly LayerDescription[];
  readonly parameters: number;
  readonly loss: string;
  readonly output: string;
  /** Rows of the source; an estimate where `exact` is false. */
  readonly rows: number;
  readonly exact: boolean;
  readonly notes: readonly string[];
  /** Why the layers are not known before the run. */
  readonly unknown?: string;
  /** Why the step would fail. */
  readonly problem?: { readonly code: ErrorCode; readonly message: string; readonly hint: string };
}

const NOTHING = { inputs: [], layers: [], parameters: 0, loss: '', output: '', rows: 0, exact: true, notes: [] } as const;

/** The model of every train step. A source or a model that does not work is a `problem`, not an exception. */
export async function planModels(plan: Plan, nominalTime: string): Promise<PlannedModel[]> {
  const previews = new Map<string, Promise<ExamplesPreview>>();
  const models: PlannedModel[] = [];
  for (const step of plan.steps) if (step.type === 'train') models.push(await planModel(plan, step, nominalTime, previews));
  return models;
}

async function planModel(plan: Plan, train: PlanStep, nominalTime: string, previews: Map<string, Promise<ExamplesPreview>>): Promise<PlannedModel> {
  const preprocess = sourceOf(plan, train, 'examples');
  if (preprocess?.type !== 'preprocess') return { step: train.id, ...NOTHING, unknown: `"${preprocess?.id ?? 'nothing'}" makes its examples while it runs` };
  const ingest = ingestBehind(plan, preprocess);
  if (ingest === undefined) return { step: train.id, ...NOTHING, unknown: `the dataset of "${preprocess.id}" is made while the run goes` };
  const key = `${ingest.id}/${preprocess.id}`;
  try {
    const { previewExamples } = await import('../data/preview.ts');
    const { describeModel } = await import('../training/resolve-model.ts');
    // Two models on the same examples look at the data once.
    if (!previews.has(key)) previews.set(key, previewExamples(configOf(ingest), configOf(preprocess), plan.documentDir, nominalTime));
    const { inputs, output, rows, exact, notes } = await previews.get(key)!;
    const { layers, parameters, loss, objective } = describeModel({ ...configOf<Parameters<typeof describeModel>[0]>(train), inputs, output });
    return { step: train.id, inputs, layers, parameters, loss, output: OUTPUTS[objective] ?? outputText(output), rows, exact, notes };
  } catch (error) {
    if (!isPerennialError(error)) throw error;
    return { step: train.id, ...NOTHING, problem: { code: error.code, message: error.message, hint: error.hint } };
  }
}

/** Configurations of a plan have passed the schema of their step. */
function configOf<T>(step: PlanStep): T {
  return step.config as JsonObject as T;
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

/** What models answer that do not learn from a label, by their objective. */
const OUTPUTS: Readonly<Record<string, string>> = {
  reconstruction: 'the error of the reconstruction: the score of an anomaly',
  adversarial: 'samples like the training examples',
};

function outputText(output: ExamplesPreview['output']): string {
  if (output.kind === 'none' || output.kind === 'anomaly' || output.kind === 'samples') return 'none';
  if (output.kind === 'number') return `${output.name}, ${output.width === 1 ? 'a number' : `${output.width} numbers`}`;
  if (output.kind === 'several') return output.outputs.map(outputText).join('; ');
  const shown = output.classes.slice(0, 10).join(', ');
  return `${output.name}, one of ${output.classes.length} classes: ${shown}${output.classes.length > 10 ? ', …' : ''}`;
}
