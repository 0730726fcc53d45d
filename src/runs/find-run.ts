import type { WorkflowExecutionInfo } from '@temporalio/client';
import { PerennialError } from '../core/errors.ts';
import { namesOnce, runNameOf, splitRunName } from '../core/run.ts';
import type { Temporal } from './connect.ts';
import type { RunAddress } from './run-address.ts';
import { executions } from './runs.ts';

const PIPELINE = /^[a-z0-9][a-z0-9._-]*$/;
/** Runs of schedules and backfills have the time of their tick in their name, and the end of the id of their execution. */
const RUN = /^[a-z0-9][a-z0-9._-]*(?:\/[A-Za-z0-9][\w.:+-]*)+$/;
/** Runs of a pipeline among which the newest is looked for: one that began after all of these has not ended before all of them. */
const NEWEST_AMONG = 200;

/**
 * What a user calls a run: `<pipeline>/<run>`, or the run alone as far as it is known once.
 *
 * @throws NOT_FOUND, also where it fits several
 */
export async function findRun(temporal: Temporal, run: string): Promise<RunAddress> {
  if (RUN.test(run)) return namesOnce(run) ? { workflowId: run } : findExecution(temporal, run);
  if (run.includes('/')) {
    const [pipeline = ''] = run.split('/');
    throw new PerennialError(
      'NOT_FOUND',
      `${JSON.stringify(run)} is no name of a run: expected PIPELINE/RUN, e.g. "penguins/20260131-174501-x7k2".`,
      { hint: `List what exists with \`perennial runs list${PIPELINE.test(pipeline) ? ` --pipeline ${pipeline}` : ''}\`.` },
    );
  }
  return only(run, await addresses(temporal, `RunKind = 'run'`, (name) => name.slice(name.indexOf('/') + 1).startsWith(run)));
}

/**
 * A run to look at: as {@link findRun}, or by the name of a pipeline its newest one. What changes a run asks for the run itself, since the
 * newest may be another one by then.
 *
 * @throws NOT_FOUND, also where it fits several
 */
export async function findShownRun(temporal: Temporal, name: string): Promise<RunAddress> {
  if (!PIPELINE.test(name)) return findRun(temporal, name);
  let newest: WorkflowExecutionInfo | undefined;
  let seen = 0;
  // Those that go on come first, then those that ended last.
  for await (const one of executions(temporal, `RunKind = 'run' AND Pipeline = '${name}'`)) {
    if (newest === undefined || one.startTime > newest.startTime) newest = one;
    if (++seen >= NEWEST_AMONG) break;
  }
  return newest === undefined ? findRun(temporal, name) : { workflowId: newest.workflowId, executionId: newest.runId };
}

/** Of a workflow id that can come twice. */
async function findExecution(temporal: Temporal, run: string): Promise<RunAddress> {
  const { workflowId, execution } = splitRunName(run);
  const found = await addresses(temporal, `WorkflowId = '${workflowId}'`, (name) => execution === undefined || name === run);
  // What started this moment is not listed yet.
  return found.size === 0 && execution === undefined ? { workflowId } : only(run, found);
}

function only(run: string, found: ReadonlyMap<string, RunAddress>): RunAddress {
  const [first, second] = [...found];
  if (first === undefined)
    throw new PerennialError('NOT_FOUND', `There is no run "${run}".`, { hint: 'List what exists with `perennial runs list`.' });
  if (second !== undefined)
    throw new PerennialError('NOT_FOUND', `"${run}" fits more than one run: ${[...found.keys()].slice(0, 5).join(', ')}.`, {
      hint: 'Give the whole id.',
    });
  return first[1];
}

async function addresses(temporal: Temporal, query: string, fits: (name: string) => boolean): Promise<Map<string, RunAddress>> {
  const found = new Map<string, RunAddress>();
  for await (const { workflowId, runId } of executions(temporal, query)) {
    const name = runNameOf(workflowId, runId);
    if (fits(name)) found.set(name, { workflowId, executionId: runId });
  }
  return found;
}
