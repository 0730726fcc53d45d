import { ERRORS, isPerennialError } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';
import { cancelRun } from '../runs/runs.ts';
import type { RunAddress } from '../runs/run-address.ts';
import type { RunReport } from '../runs/runs.ts';
import type { Temporal } from '../runs/connect.ts';
import { waitRun } from '../runs/wait-run.ts';
import type { CliIo } from './commands/command.ts';
import { createRunProgress } from './run-progress.ts';
import { reportRun } from './run-report.ts';

/** Where the document that is run says what a step failed of. */
export type PlaceOf = (step: string, message: string) => Promise<string | undefined>;

/** Follows a run to its end. The first Ctrl-C cancels it and waits for its clean-up, the second leaves. */
export async function followRun(temporal: Temporal, run: RunAddress, io: CliIo, placeOf?: PlaceOf): Promise<void> {
  const progress = createRunProgress(io);
  let asked = false;
  const interrupt = (): void => {
    if (asked) {
      progress.note(`Left behind. The run is being cancelled: perennial runs show ${run.workflowId}`);
      process.exit(130);
    }
    asked = true;
    progress.note('Cancelling the run (Ctrl-C again to leave at once) …');
    cancelRun(temporal, run).catch((error: unknown) =>
      progress.note(`The run could not be cancelled: ${error instanceof Error ? error.message : String(error)}`),
    );
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  try {
    const report = await waitRun(temporal, run, { onView: (view) => progress.show(view), onTrouble: (message) => progress.note(message) });
    progress.end(report);
    const failure = report.failure;
    const place = failure?.step === undefined || !isOfDocument(failure.code) ? undefined : await placeOf?.(failure.step, failure.message);
    reportRun(await reachable(report), io, place);
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

/** The run with links that lead somewhere now, and the standing of its version now. What came of it is told also where the store is away. */
export async function reachable(report: RunReport): Promise<RunReport> {
  if (report.version === null && report.urls.report === undefined && report.urls.model === undefined) return report;
  try {
    const [{ openStore }, { withLiveLinks }, { withStandingNow }] = await Promise.all([
      import('../storage/open-store.ts'),
      import('../runs/live-links.ts'),
      import('../runs/standing-now.ts'),
    ]);
    const store = await openStore();
    return await withStandingNow(await withLiveLinks(report, store), store);
  } catch (error) {
    if (isPerennialError(error, 'STORE_UNAVAILABLE')) return { ...report, links: {}, urls: { temporal: report.urls.temporal } };
    throw error;
  }
}

/** Failures that another document, or other data, would not have. */
function isOfDocument(code: string): boolean {
  return Object.hasOwn(ERRORS, code) && ['user', 'data'].includes(ERRORS[code as ErrorCode].category);
}
