import type { Json, JsonObject } from '../core/json.ts';
import type { Plan, PlanStep } from '../core/plan.ts';
import { completeTrainConfig } from '../training/step/train-config.ts';
import type { TrainConfig } from '../training/step/train-config.ts';
import { featureLines } from './feature-text.ts';
import { protects, usualPatience } from '../training/callbacks/create-callbacks.ts';
import { planModels } from '../planning/plan-model.ts';
import type { PlannedModel } from '../planning/plan-model.ts';

/** What a step will do that its configuration does not say. */
export interface StepFacts {
  readonly step: string;
  readonly lines: readonly string[];
  readonly json: Json;
}

/** What preprocessing decides on columns, and the settings of training that follow from others or from the data. */
export async function stepFacts(plan: Plan): Promise<StepFacts[]> {
  const models = await planModels(plan, new Date().toISOString());
  const preprocessed = [
    ...new Map(models.flatMap((model) => (model.preprocess === undefined ? [] : [[model.preprocess, model]]))).entries(),
  ];
  return [
    ...preprocessed.map(([step, model]): StepFacts => ({
      step,
      lines: featureLines(model).map((line) => `· ${line}`),
      json: { features: model.features, notes: model.notes } as unknown as Json,
    })),
    ...models.map((model) =>
      trainFacts(
        plan.steps.find(({ id }) => id === model.step)!,
        model,
      ),
    ),
  ];
}

function trainFacts({ id, config }: PlanStep, { loss, unknown, problem }: PlannedModel): StepFacts {
  const given = config;
  const complete = completeTrainConfig(given);
  const { epochs } = complete;
  const ending = endOf(complete);
  const followed = {
    ...(given['epochs'] === undefined && given['steps'] === undefined ? { epochs } : {}),
    ...(given['loss'] === undefined && given['losses'] === undefined && loss !== '' ? { loss } : {}),
  };
  const why = problem?.message ?? unknown;
  return {
    step: id,
    lines: [
      ...Object.entries(followed).map(([key, value]) => `${key}: ${JSON.stringify(value)}`),
      ...(ending === undefined ? [] : [`· ${ending}`]),
      ...(why === undefined ? [] : [`· what follows from the data is not known: ${why}`]),
    ],
    json: { ...followed, ...(why === undefined ? {} : { unknown: why }) },
  };
}

/** When a training ends by itself, and with which weights; undefined: it runs to its end, or as its callbacks say. */
function endOf(complete: TrainConfig): string | undefined {
  const { epochs, steps } = complete;
  if (!protects(complete)) return undefined;
  const patience = usualPatience(steps === undefined ? epochs : 0);
  return `with validation rows: ends after ${patience}${steps === undefined ? '' : ' or more'} epochs without a better validationLoss, with the weights of the best epoch ("earlyStopping": "off" lets it run)`;
}

/** One line about how long a train step trains, and with which weights it ends. */
export function courseText(config: JsonObject): string {
  const complete = completeTrainConfig(config);
  const { epochs, steps, callbacks, checkpoint } = complete;
  const most = steps === undefined ? `up to ${epochs} epochs` : `up to ${steps} batches`;
  const own = callbacks.some((named) => (typeof named === 'string' ? named : Object.keys(named)[0]) === 'earlyStopping');
  const declared = own ? 'ends as its callback earlyStopping says' : 'runs to its end';
  const weights = checkpoint.best === undefined ? '' : ', with the weights of the epoch that "checkpoint.best" says';
  return `${most}; ${endOf(complete) ?? `${declared}${weights}`}`;
}

/** Most trainings and epochs of a study; undefined where its trials train in no epochs. */
export function studyText(plan: Plan, step: PlanStep): string | undefined {
  const { trials, folds, repeats, final } = step.config;
  const judged = plan.steps.find(({ id }) => id === step.tune?.judged);
  if (typeof trials !== 'number' || judged === undefined || judged.type !== 'train') return undefined;
  const ofSeed = typeof folds === 'number' ? folds : 1;
  const each = ofSeed * (typeof repeats === 'number' ? repeats : 1);
  const { top, repeats: more } = (final ?? { top: 0, repeats: 0 }) as { readonly top: number; readonly repeats: number };
  const last = Math.min(top, trials) * more * ofSeed;
  const { epochs, steps } = completeTrainConfig(judged.config);
  const count = (value: number): string => value.toLocaleString('en');
  const trainings = `at most ${count(trials)} trials${each === 1 ? '' : ` of ${each} trainings each, ${count(trials * each)} in all`}${last === 0 ? '' : ` and ${count(last)} further trainings in the final round`}`;
  if (steps !== undefined) return trainings;
  const stopped = step.config['stop'] === undefined ? '' : ', far fewer where the stopper ends trials';
  return `${trainings}; at most ${count((trials * each + last) * epochs)} epochs${stopped}`;
}
