import type { Approval } from '../src/core/approval.ts';
import type { ArtifactRef } from '../src/core/artifact.ts';
import type { StepTask } from '../src/core/run.ts';
import { withFailures } from './failures.ts';
import type { ActivityDeps } from './deps.ts';

/** The step that asked, and the version that it asked about. */
export type AnsweredTask = Pick<StepTask, 'pipeline' | 'runId'> & { readonly version: Pick<ArtifactRef, 'digest'> };

export interface ApprovalActivities {
  recordApproval(task: AnsweredTask, approval: Approval): Promise<void>;
}

/** What people said of a version, yes or no, is kept with it. */
export function approvalActivities({ store, artifacts }: ActivityDeps): ApprovalActivities {
  return {
    recordApproval: ({ pipeline, runId, version: ref }, approval) =>
      withFailures(async () => {
        const { saveApprovals } = await import('../src/registry/version-approvals.ts');
        const { model: name, version } = (await artifacts.open(ref)).manifest.meta as { readonly model: string; readonly version: number };
        await saveApprovals(store, { name, version, run: `${pipeline}/${runId}` }, [approval]);
      }),
  };
}
