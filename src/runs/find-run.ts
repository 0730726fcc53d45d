import { PerennialError } from '../core/errors.ts';
import { namesOnce, runNameOf, splitRunName } from '../core/run.ts';
import type { Temporal } from './connect.ts';
import type { RunAddress } from './run-address.ts';
import { executions } from './runs.ts';

const PIPELINE = /^[a-z0-9][a-z0-9._-]*$/;
/** Runs of schedules and backfills have the time of their tick in their name, and the end of the id of their execution. */
const RUN = /^[a-z0-9][a-z0-9._-]*(?:\/[A-Za-z0-9][\w.:+-]*)+$/;

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
