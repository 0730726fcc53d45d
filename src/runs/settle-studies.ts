import { WorkflowNotFoundError } from '@temporalio/client';
import type { StudyRecord } from '../studies/stored-study.ts';
import type { StudyStore } from '../studies/study-store.ts';
import { splitRunName } from '../core/run.ts';
import type { Temporal } from './connect.ts';

/** How workflows end without having a say. */
const WORDS: Readonly<Record<string, string>> = {
  TERMINATED: 'its workflow was terminated',
  TIMED_OUT: 'its workflow ran out of time',
  FAILED: 'its workflow failed',
  CANCELLED: 'its workflow was cancelled',
  COMPLETED: 'its workflow has ended',
};
const GONE = 'Temporal knows nothing of it any more';

/**
 * A study as it is: one that says it runs, while nothing runs it, is written down as ended. What it did stays, and can be gone on with.
 *
 * @throws what Temporal throws where it is away
 */
export async function settled(temporal: Temporal, studies: StudyStore, record: StudyRecord): Promise<StudyRecord> {
  if (record.state !== 'running') return record;
  const status = await statusOf(temporal, record.study);
  if (status === 'RUNNING') return record;
  // Between being written down and being started it has no workflow of its own.
  if (status === undefined && (await statusOf(temporal, splitRunName(`${record.pipeline}/${record.run}`).workflowId)) === 'RUNNING')
    return record;
  return endedAs(studies, record.study, status === undefined ? GONE : endText(status));
}

/** Writes down that nobody runs a study that was not closed. */
export async function endedAs(studies: StudyStore, study: string, why: string): Promise<StudyRecord> {
  return studies.change(study, (record) =>
    record.state === 'running' ? { ...record, state: 'cancelled', why, endedAt: new Date().toISOString() } : record,
  );
}

/** undefined: there is no such workflow. */
async function statusOf(temporal: Temporal, workflowId: string): Promise<string | undefined> {
  try {
    return (await temporal.client.workflow.getHandle(workflowId).describe()).status.name;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** The end of a study's workflow in words. */
export function endText(status: string): string {
  return WORDS[status] ?? `its workflow is ${status}`;
}
