import type { ActivityDeps } from './deps.ts';
import { PerennialError } from '../src/core/errors.ts';
import { activityName } from '../src/core/run.ts';
import type { StepOutcome, StepTask } from '../src/core/run.ts';
import { approvalActivities } from './approvals.ts';
import type { ApprovalActivities } from './approvals.ts';
import { changeActivities } from './changes.ts';
import type { ChangeActivities } from './changes.ts';
import { modelActivities } from './models.ts';
import type { ModelActivities } from './models.ts';
import { monitorActivities } from './monitors.ts';
import type { MonitorActivities } from './monitors.ts';
import { notificationActivities } from './notifications.ts';
import type { NotificationActivities } from './notifications.ts';
import { outcomeActivities } from './outcomes.ts';
import type { OutcomeActivities } from './outcomes.ts';
import { rolloutActivities } from './rollouts.ts';
import type { RolloutActivities } from './rollouts.ts';
import { scheduleActivities } from './schedules.ts';
import type { ScheduleActivities } from './schedules.ts';
import { studyActivities } from './studies.ts';
import type { StudyActivities } from './studies.ts';
import { targetActivities } from './targets.ts';
import type { TargetActivities } from './targets.ts';
import { unchangedActivities } from './unchanged.ts';
import type { UnchangedActivities } from './unchanged.ts';
import { stepActivity } from './run-step.ts';

/** Every activity of a worker: one per step type, named `<type>@<version>`, and those of the other workflows. */
export function createActivities(
  deps: ActivityDeps,
): Record<string, (task: StepTask) => Promise<StepOutcome>> &
  ModelActivities &
  MonitorActivities &
  RolloutActivities &
  ScheduleActivities &
  OutcomeActivities &
  StudyActivities &
  ApprovalActivities &
  UnchangedActivities &
  ChangeActivities &
  TargetActivities &
  NotificationActivities {
  const steps: Record<string, (task: StepTask) => Promise<StepOutcome>> = {};
  for (const definition of deps.steps) {
    const name = activityName(definition.type, definition.version);
    if (Object.hasOwn(steps, name)) throw new PerennialError('INTERNAL', `Two definitions of the step ${name}.`);
    steps[name] = stepActivity(definition, deps);
  }
  return {
    ...steps,
    ...modelActivities(deps),
    ...monitorActivities(deps),
    ...rolloutActivities(deps),
    ...scheduleActivities(),
    ...outcomeActivities(deps),
    ...studyActivities(deps),
    ...approvalActivities(deps),
    ...unchangedActivities(deps),
    ...changeActivities(deps),
    ...targetActivities(deps),
    ...notificationActivities(deps),
  } as ReturnType<typeof createActivities>;
}
