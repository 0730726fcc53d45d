import type { Json } from '../core/json.ts';
import type { Plan, PlanStep } from '../core/plan.ts';
import { completeTrainConfig } from '../training/step/train-config.ts';
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
  const { epochs, steps } = complete;
  const patience = usualPatience(steps === undefined ? epochs : 0);
  const followed = {
    ...(given['epochs'] === undefined && given['steps'] === undefined ? { epochs } : {}),
    ...(given['loss'] === undefined && given['losses'] === undefined && loss !== '' ? { loss } : {}),
  };
  const why = problem?.message ?? unknown;
  return {
    step: id,
    lines: [
      ...Object.entries(followed).map(([key, value]) => `${key}: ${JSON.stringify(value)}`),
      ...(protects(complete)
        ? [
            `· with validation rows: ends after ${patience}${steps === undefined ? '' : ' or more'} epochs without a better validationLoss, with the weights of the best epoch ("earlyStopping": "off" lets it run)`,
          ]
        : []),
      ...(why === undefined ? [] : [`· what follows from the data is not known: ${why}`]),
    ],
    json: { ...followed, ...(why === undefined ? {} : { unknown: why }) },
  };
}
