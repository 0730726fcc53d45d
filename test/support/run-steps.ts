import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { steps } from '../../activities/steps/index.generated.ts';
import type { ArtifactRef } from '../../src/core/artifact.ts';
import type { Json } from '../../src/core/json.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { ArtifactStore, ObjectStore } from '../../src/core/ports.ts';
import type { StepContext, StepResult } from '../../src/core/step.ts';
import { compileText } from '../../src/config/plan-document.ts';

export interface RunPlace {
  /** Folder of the document; what a run needs beside it lies in `work/`. */
  readonly dir: string;
  readonly store: ObjectStore;
  readonly artifacts: ArtifactStore;
}

export type StepRun = StepResult & { readonly fingerprint: Json; readonly log: readonly string[] };

/** The steps of a run one after the other, with real contexts, as the workflow has them done. By step id. */
export async function runSteps(
  { dir, store, artifacts }: RunPlace,
  runId: string,
  document: unknown,
  { nominalTime = '2026-01-01T00:00:00Z' }: { readonly nominalTime?: string } = {},
): Promise<Record<string, StepRun>> {
  const { plan, diagnostics } = compileText(join(dir, 'flow.json'), JSON.stringify(document));
  if (plan === undefined) throw new Error(JSON.stringify(diagnostics));
  return runPlanSteps({ dir, store, artifacts }, runId, plan, { nominalTime });
}

/** Steps of a plan, and those of its cross-validations before each. By step id. */
async function runPlanSteps(
  { dir, store, artifacts }: RunPlace,
  runId: string,
  plan: Pick<Plan, 'pipeline' | 'revision' | 'steps'>,
  { nominalTime = '2026-01-01T00:00:00Z' }: { readonly nominalTime?: string } = {},
): Promise<Record<string, StepRun>> {
  const results: Record<string, StepRun> = {};
  for (const step of plan.steps.flatMap((one) => [...(one.folds?.steps ?? []), one])) {
    const definition = steps.find(({ type }) => type === step.type)!;
    const log: string[] = [];
    const say = (message: string): void => void log.push(message);
    const workDir = join(dir, 'work', runId, step.id);
    mkdirSync(workDir, { recursive: true });
    const ctx: StepContext = {
      runId,
      pipeline: plan.pipeline,
      stepId: step.id,
      attempt: 1,
      nominalTime,
      documentDir: dir,
      workDir,
      store,
      artifacts,
      log: { info: say, warn: say, error: say },
      signal: new AbortController().signal,
      progress() {},
      secret: () => '',
      planRevision: plan.revision,
      trigger: 'schedule',
    };
    const inputs: Record<string, ArtifactRef> = Object.fromEntries(
      Object.entries(step.inputs).map(([port, { step: from, output }]) => [port, results[from]!.outputs[output]!]),
    );
    const fingerprint = ((await definition.fingerprint?.(ctx, step.config, inputs)) ?? null) as Json;
    results[step.id] = { ...(await definition.run(ctx, step.config, inputs)), fingerprint, log };
  }
  return results;
}
