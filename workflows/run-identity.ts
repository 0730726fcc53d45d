import { patched } from '@temporalio/workflow';
import { executionIdOf, runIdOf } from '../src/core/run.ts';
import { PATCHES } from './patches.ts';

/** The id of this very execution. A marker is written only where the workflow id does not name one. */
export function runIdIn(workflowId: string, executionId: string): string {
  const run = executionIdOf(workflowId, executionId);
  return run === runIdOf(workflowId) || patched(PATCHES.runIdNamesExecution) ? run : runIdOf(workflowId);
}
