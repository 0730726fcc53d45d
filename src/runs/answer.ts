import { ERRORS, PerennialError, isPerennialError, messageOf } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { AnswerRequest, Approval } from '../core/approval.ts';
import type { RunView } from '../core/run.ts';
import { runNameOf } from '../core/run.ts';
import { temporalError } from './connect.ts';
import type { Temporal } from './connect.ts';
import type { RunAddress } from './run-address.ts';

/** A worker that is there takes an Update within a second. */
const ANSWER_MS = 20_000;

/**
 * Answers what a run asks.
 *
 * @throws NOT_FOUND for an unknown run or step; USAGE for a run that asks nothing, an answer that comes twice or too late;
 * TEMPORAL_UNAVAILABLE where no worker is there to take it
 */
export async function answerRun(
  temporal: Temporal,
  { workflowId, executionId }: RunAddress,
  decision: Approval['decision'],
  request: AnswerRequest,
): Promise<Approval> {
  const handle = temporal.client.workflow.getHandle(workflowId, executionId);
  const name = executionId === undefined ? workflowId : runNameOf(workflowId, executionId);
  const update = decision === 'approved' ? 'approve' : 'reject';
  try {
    const { status, type } = await handle.describe();
    if (type !== 'pipeline') throw new PerennialError('NOT_FOUND', `"${workflowId}" is no run of a pipeline.`);
    if (status.name !== 'RUNNING')
      throw await tooLate(temporal, { workflowId, ...(executionId === undefined ? {} : { executionId }) }, name);
    return await temporal.connection.withDeadline(Date.now() + ANSWER_MS, () =>
      handle.executeUpdate<Approval, [AnswerRequest]>(update, { args: [request] }),
    );
  } catch (error) {
    if (isPerennialError(error)) throw error;
    const cause = (error as { cause?: { type?: string } }).cause;
    if ((error as Error).name === 'WorkflowUpdateFailedError' && cause !== undefined) {
      const code = cause.type !== undefined && Object.hasOwn(ERRORS, cause.type) ? (cause.type as ErrorCode) : 'USAGE';
      throw new PerennialError(code, `Run "${name}": ${messageOf(cause)}`, {
        hint: `See what it asks: perennial runs show ${name}`,
        cause: error,
      });
    }
    if ((error as Error).name === 'WorkflowUpdateRPCTimeoutOrCancelledError')
      throw new PerennialError(
        'TEMPORAL_UNAVAILABLE',
        `No worker took the answer to run "${name}" within ${ANSWER_MS / 1000} s; it does not count.`,
        {
          hint: 'Start one with `perennial up --detach` or `perennial worker`, and answer again.',
          cause: error,
        },
      );
    throw temporalError(error, `Run "${name}"`);
  }
}

/** How a run ended, and what was answered in it. A closed run is only described by a worker. */
async function tooLate(temporal: Temporal, { workflowId, executionId }: RunAddress, name: string): Promise<PerennialError> {
  const view = await temporal.connection
    .withDeadline(Date.now() + ANSWER_MS / 4, () => temporal.client.workflow.getHandle(workflowId, executionId).query<RunView>('status'))
    .catch(() => undefined);
  const answers = (view?.steps ?? []).flatMap(({ id, verdict, values }) =>
    typeof values?.['approved'] === 'boolean'
      ? [`"${id}": ${verdict?.reasons.at(-1) ?? (values['approved'] ? 'approved' : 'rejected')}`]
      : [],
  );
  return new PerennialError(
    'USAGE',
    `Run "${name}" has ended already${view === undefined ? '' : ` (${view.status})`}, so the answer is too late.${answers.length === 0 ? '' : ` ${answers.join('; ')}.`}`,
    { hint: `See how it ended: perennial runs show ${name}` },
  );
}
