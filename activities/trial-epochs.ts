import { ApplicationFailure } from '@temporalio/common';
import { firstTraining } from '../src/core/folds.ts';
import type { StepTask } from '../src/core/run.ts';
import type { StepContext } from '../src/core/step.ts';
import { TRIAL_STOPPED } from '../src/core/study.ts';
import { EpochJury } from '../src/studies/epoch-jury.ts';
import { keptBy } from '../src/training/callbacks/create-callbacks.ts';
import { completeTrainConfig } from '../src/training/step/train-config.ts';
import { StudyStore } from '../src/studies/study-store.ts';
import type { ActivityDeps } from './deps.ts';

/**
 * Of the step that trains in a trial of a study with a stopper: what its epochs are told to.
 *
 * @param key of the execution in the cache; undefined: not all that decides it can be known
 * @throws where an earlier study ended the very same training early
 */
export async function trialEpochs(deps: ActivityDeps, task: StepTask, key: string | undefined): Promise<StepContext['epoch']> {
  const { trial, stepId, config } = task;
  if (trial?.stops !== true) return undefined;
  const studies = new StudyStore(deps.store);
  const { step } = await studies.plan(trial.study);
  if (
    step.tune!.judged === undefined ||
    firstTraining(step.tune!.judged, step.config['folds'] !== undefined) !== stepId ||
    typeof config['epochs'] !== 'number'
  )
    return undefined;
  const jury = new EpochJury(studies, trial.study, trial.number, {
    epochs: config['epochs'],
    key,
    keptBy: keptBy(completeTrainConfig(config)),
  });
  const before = key === undefined || task.cache !== true ? undefined : await jury.before();
  if (before !== undefined) throw stopped(before);
  return async (numbers) => {
    const why = await jury.judge([numbers]);
    if (why !== undefined) throw stopped(why);
  };
}

function stopped(why: string): ApplicationFailure {
  return ApplicationFailure.create({ message: why, type: TRIAL_STOPPED, nonRetryable: true });
}
