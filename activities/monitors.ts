import { Context } from '@temporalio/activity';
import { limits } from '../src/core/limits.ts';
import type { Admission, AdmissionTask, MonitorFinding, MonitorTask } from '../src/core/monitor.ts';
import { withFailures } from './failures.ts';
import type { ActivityDeps } from './deps.ts';

export interface MonitorActivities {
  checkModel(task: MonitorTask): Promise<MonitorFinding>;
  admitRetraining(task: AdmissionTask): Promise<Admission>;
}

/** What the monitor workflow looks at. */
export function monitorActivities(deps: ActivityDeps): MonitorActivities {
  return {
    checkModel: (task) =>
      beating(async () => {
        const { checkDrift, checkNewData } = await import('../src/runs/monitor-findings.ts');
        return task.check.kind === 'drift' ? checkDrift(deps, task, task.check.drift) : checkNewData(deps, task, task.check.rows);
      }),
    admitRetraining: (task) =>
      beating(async () => {
        const { admit } = await import('../src/runs/admission.ts');
        return admit(deps, Context.current().client, task);
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
