import { Context } from '@temporalio/activity';
import { limits } from '../src/core/limits.ts';
import type { Admission, AdmissionTask, Deed, DeedTask, MonitorFinding, MonitorTask } from '../src/core/monitor.ts';
import { withFailures } from './failures.ts';
import type { ActivityDeps } from './deps.ts';

export interface MonitorActivities {
  checkModel(task: MonitorTask): Promise<MonitorFinding>;
  admitRetraining(task: AdmissionTask): Promise<Admission>;
  actOnFinding(task: DeedTask): Promise<Deed>;
}

/** What the monitor workflow looks at. */
export function monitorActivities(deps: ActivityDeps): MonitorActivities {
  return {
    checkModel: (task) =>
      beating(async () => {
        const { checkDrift, checkNewData, checkTrigger } = await import('../src/runs/monitor-findings.ts');
        if (task.check.kind === 'trigger') return checkTrigger(deps, task, task.check.name, task.check.trigger);
        return task.check.kind === 'drift' ? checkDrift(deps, task, task.check.drift) : checkNewData(deps, task, task.check.rows);
      }),
    admitRetraining: (task) =>
      beating(async () => {
        const { admit } = await import('../src/runs/admission.ts');
        return admit(deps, Context.current().client, task);
      }),
    actOnFinding: (task) =>
      beating(async () => {
        const { act } = await import('../src/runs/deeds.ts');
        const { client, info } = Context.current();
        return act(deps, { client, taskQueue: info.taskQueue }, task);
      }),
  };
}

function beating<T>(work: () => Promise<T>): Promise<T> {
  return withFailures(async () => {
    const beat = setInterval(() => Context.current().heartbeat(), limits.heartbeatIntervalMs);
    try {
      return await work();
    } finally {
      clearInterval(beat);
    }
  });
}
