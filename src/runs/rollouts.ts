import type { Client } from '@temporalio/client';
import { ERRORS, PerennialError, messageOf } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';
import { rolloutText, rolloutWorkflowId } from '../core/rollout.ts';
import type { RolloutInput, RolloutRequest, RolloutView } from '../core/rollout.ts';
import { temporalError } from './connect.ts';
import type { Temporal } from './connect.ts';
import { startAttributes } from './search-attributes.ts';

/** One that was superseded finds that within a second; after this time it is ended by force. */
const LET_GO_MS = 20_000;
const AGAIN_MS = 200;

/**
 * Starts the workflow that drives a rollout; the one before, which the routing does not name any more, ends first. Where it runs
 * already, nothing happens.
 */
export async function startRollout(client: Client, taskQueue: string, input: RolloutInput): Promise<void> {
  const { model, candidate, spec } = input;
  const until = Date.now() + LET_GO_MS;
  for (;;) {
    try {
      await client.workflow.start('rollout', {
        workflowId: rolloutWorkflowId(model),
        taskQueue,
        args: [input],
        workflowIdConflictPolicy: Date.now() < until ? 'FAIL' : 'TERMINATE_EXISTING',
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        staticSummary: `${model} version ${candidate}: ${rolloutText(spec)}`,
        memo: { rollout: input.id },
        typedSearchAttributes: startAttributes({ kind: 'rollout', pipeline: input.pipeline, model }),
      });
      return;
    } catch (error) {
      if ((error as Error).name !== 'WorkflowExecutionAlreadyStartedError') throw error;
      if ((await drivenRollout(client, model)) === input.id) return;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}

/** The id of the rollout that a workflow drives; undefined: none does. */
export async function drivenRollout(client: Client, model: string): Promise<string | undefined> {
  try {
    const { status, memo } = await client.workflow.getHandle(rolloutWorkflowId(model)).describe();
    return status.name === 'RUNNING' ? String(memo?.['rollout']) : undefined;
  } catch (error) {
    if ((error as Error).name === 'WorkflowNotFoundError') return undefined;
    throw error;
  }
}

/** Asks the workflow of a rollout that goes on. @throws NOT_FOUND where none runs; what the Update is refused with */
export async function askRollout(
  temporal: Temporal,
  model: string,
  action: 'pause' | 'resume' | 'promote' | 'abort',
  request: RolloutRequest,
): Promise<RolloutView> {
  try {
    return await temporal.client.workflow
      .getHandle(rolloutWorkflowId(model))
      .executeUpdate<RolloutView, [RolloutRequest]>(action, { args: [request] });
  } catch (error) {
    const cause = (error as { cause?: { type?: string } }).cause;
    if ((error as Error).name !== 'WorkflowUpdateFailedError' || cause === undefined)
      throw temporalError(error, `The rollout of "${model}"`);
    const code = cause.type !== undefined && Object.hasOwn(ERRORS, cause.type) ? (cause.type as ErrorCode) : 'INTERNAL';
    throw new PerennialError(code, messageOf(cause), { hint: '', cause: error });
  }
}
