import { Context } from '@temporalio/activity';
import { limits } from '../src/core/limits.ts';
import type { MonitorFinding, MonitorTask } from '../src/core/monitor.ts';
import { withFailures } from './failures.ts';
import type { ActivityDeps } from './index.ts';

export interface MonitorActivities {
  checkModel(task: MonitorTask): Promise<MonitorFinding>;
}

/** What the monitor workflow looks at. */
export function monitorActivities(deps: ActivityDeps): MonitorActivities {
  return {
    checkModel: (task) =>
      withFailures(async () => {
        const beat = setInterval(() => Context.current().heartbeat(), limits.heartbeatIntervalMs);
        try {
          const { checkDrift, checkNewData } = await import('../src/orchestration/checks.ts');
          return task.check.kind === 'drift' ? await checkDrift(deps, task, task.check.drift) : await checkNewData(deps, task, task.check.rows);
        } finally {
          clearInterval(beat);
        }
      }),
  };
}
