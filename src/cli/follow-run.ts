import { cancelRun } from '../orchestration/runs.ts';
import type { StartedRun } from '../orchestration/runs.ts';
import type { Temporal } from '../orchestration/connect.ts';
import { waitRun } from '../orchestration/wait-run.ts';
import type { CliIo } from './command.ts';
import { createRunProgress } from './run-progress.ts';
import { reportRun } from './run-report.ts';

/** Follows a run to its end. The first Ctrl-C cancels it and waits for its clean-up, the second leaves. */
export async function followRun(temporal: Temporal, run: Pick<StartedRun, 'workflowId'>, io: CliIo): Promise<void> {
  const progress = createRunProgress(io);
  let asked = false;
  const interrupt = (): void => {
    if (asked) {
      progress.note(`Left behind. The run is being cancelled: perennial runs show ${run.workflowId}`);
      process.exit(130);
    }
    asked = true;
    progress.note('Cancelling the run (Ctrl-C again to leave at once) …');
    cancelRun(temporal, run.workflowId).catch((error: unknown) => progress.note(`The run could not be cancelled: ${error instanceof Error ? error.message : String(error)}`));
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  try {
    const report = await waitRun(temporal, run.workflowId, { onView: (view) => progress.show(view), onTrouble: (message) => progress.note(message) });
    progress.end(report);
    reportRun(report, io);
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}
