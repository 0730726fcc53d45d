import { messageOf, PerennialError } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';
import { ERRORS } from '../core/errors.ts';
import { modelWorkflowId } from '../core/model-updates.ts';
import type { ModelAnswer, PromoteRequest, RollbackRequest, UnpinRequest } from '../core/model-updates.ts';
import { temporalError } from './connect.ts';
import type { Temporal } from './connect.ts';
import { startAttributes } from './search-attributes.ts';

interface Requests {
  readonly promote: PromoteRequest;
  readonly rollback: RollbackRequest;
  readonly unpin: UnpinRequest;
}

/** What it takes to ask the workflow of a model. */
interface Asked extends Pick<Temporal, 'client'> {
  readonly settings: Pick<Temporal['settings'], 'taskQueue'>;
}

/** Starts the long-lived workflow of a model where it does not run yet. */
export async function ensureModelWorkflow(temporal: Temporal, model: string): Promise<void> {
  try {
    await temporal.client.workflow.start('model', startOptions(temporal, model));
  } catch (error) {
    throw temporalError(error, `Model "${model}"`);
  }
}

/** Promotes, rolls back or unpins through the model's workflow, started where need be. Done when the servers answered. */
export async function updateModel<K extends keyof Requests>(
  temporal: Asked,
  model: string,
  action: K,
  request: Requests[K],
): Promise<ModelAnswer> {
  const { WithStartWorkflowOperation } = await import('@temporalio/client');
  try {
    return await temporal.client.workflow.executeUpdateWithStart<(input: { model: string }) => Promise<void>, ModelAnswer, [Requests[K]]>(
      action,
      {
        args: [request],
        startWorkflowOperation: new WithStartWorkflowOperation('model', startOptions(temporal, model)),
      },
    );
  } catch (error) {
    const cause = (error as { cause?: { type?: string } }).cause;
    if ((error as Error).name !== 'WorkflowUpdateFailedError' || cause === undefined) throw temporalError(error, `Model "${model}"`);
    const code = cause.type !== undefined && Object.hasOwn(ERRORS, cause.type) ? (cause.type as ErrorCode) : 'INTERNAL';
    // The hint is part of the message since the activity.
    throw new PerennialError(code, messageOf(cause), { hint: '', cause: error });
  }
}

function startOptions(temporal: Asked, model: string) {
  return {
    workflowId: modelWorkflowId(model),
    taskQueue: temporal.settings.taskQueue,
    args: [{ model }] as [{ model: string }],
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    staticSummary: `Routing of ${model}: promote, roll back, unpin`,
    typedSearchAttributes: startAttributes({ kind: 'model', model }),
  };
}
