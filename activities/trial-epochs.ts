import { ApplicationFailure } from '@temporalio/common';
import type { StepTask } from '../src/core/run.ts';
import type { StepContext } from '../src/core/step.ts';
import { TRIAL_STOPPED } from '../src/core/study.ts';
import { EpochJury } from '../src/studies/epoch-jury.ts';
import { StudyStore } from '../src/studies/study-store.ts';
import type { ActivityDeps } from './deps.ts';

/** Of the step that trains in a trial of a study with a stopper: what its epochs are told to. */
export async function trialEpochs(deps: ActivityDeps, { trial, stepId, config }: StepTask): Promise<StepContext['epoch']> {
  if (trial?.stops !== true) return undefined;
  const studies = new StudyStore(deps.store);
  const { step } = await studies.plan(trial.study);
  if (step.tune!.judged !== stepId || typeof config['epochs'] !== 'number') return undefined;
  const jury = new EpochJury(studies, trial.study, trial.number, config['epochs']);
  return async (numbers) => {
    const why = await jury.judge([numbers]);
    if (why !== undefined) throw ApplicationFailure.create({ message: why, type: TRIAL_STOPPED, nonRetryable: true });
  };
}
