import { Context } from '@temporalio/activity';
import { canonicalJson } from '../core/json.ts';
import type { RolloutInput, RolloutSpec } from '../core/rollout.ts';
import { rolloutText } from '../core/rollout.ts';
import type { StepContext, StepResult } from '../core/step.ts';
import type { Registry } from '../registry/registry.ts';
import type { ServingSettings } from '../registry/serving-settings.ts';
import type { JudgedChampion, RoutingChange, VersionManifest } from '../registry/types.ts';
import { sha256 } from '../storage/digest.ts';
import type { ArtifactRef } from '../core/artifact.ts';
import { writeDeployment } from './deployment.ts';
import { promoteJudged } from './promotion.ts';
import type { Promotion } from './promotion.ts';

interface RollingOut {
  readonly spec: RolloutSpec;
  readonly signature: 'same' | 'any';
  readonly evaluations: readonly Pick<ArtifactRef, 'digest'>[];
  readonly settings: ServingSettings;
  /** How long the servers may take to follow, in seconds; 0: nobody waits. */
  readonly confirmSeconds: number;
}

/**
 * Lets a version take its first share of the traffic, and leaves the rest to the workflow `rollout`, which outlives the run.
 *
 * @returns undefined where nothing serves, or the version does already: it is promoted as a whole then
 */
export async function rollOut(
  ctx: StepContext,
  registry: Registry,
  version: VersionManifest,
  { spec, signature, evaluations, settings, confirmSeconds }: RollingOut,
): Promise<StepResult | Exclude<Promotion, { kind: 'promoted' }> | undefined> {
  const model = version.name;
  const champion = (await registry.routing(model))?.routing.aliases['champion'];
  if (champion === undefined || champion === version.version) return undefined;
  const { misfitOf } = await import('../rollouts/fit.ts');
  const misfit = await misfitOf(ctx.store, ctx.artifacts, version, champion, spec, signature);
  if (misfit !== undefined) return refused(ctx, version, misfit);
  let begun: RolloutInput | undefined;
  const promotion = await promoteJudged(ctx, registry, version, {
    alias: 'champion',
    evaluations,
    settings,
    move: async (judged, author) => {
      const change = await begin(ctx, version, { spec, judged, settings }, author);
      begun = change.input;
      return change.change;
    },
  });
  if (promotion.kind !== 'promoted') return promotion;
  if (begun === undefined) return undefined;
  const { startRollout } = await import('../runs/rollouts.ts');
  const { client, info } = Context.current();
  // What a run that was cancelled, or a Temporal server that lost its runs, left behind goes on as well.
  await startRollout(client, info.taskQueue, begun);
  const { followedBy } = await import('../rollouts/followers.ts');
  ctx.progress({ message: `${rolloutText(spec)} of ${model} version ${version.version} has begun; waiting until the servers follow` });
  const followers =
    confirmSeconds === 0
      ? undefined
      : await followedBy(ctx.store, model, begun.id, { timeoutMs: confirmSeconds * 1_000, signal: ctx.signal });
  return told(ctx, version, begun, followers?.summary, followers?.following ?? 0);
}

/** Begins, or finds that it goes on already: the same version by the same rules. */
async function begin(
  ctx: StepContext,
  version: VersionManifest,
  {
    spec,
    judged,
    settings,
  }: { readonly spec: RolloutSpec; readonly judged: readonly JudgedChampion[]; readonly settings: ServingSettings },
  author: { readonly who: string; readonly why: string; readonly requestId: string },
): Promise<{ readonly change: RoutingChange; readonly input?: RolloutInput }> {
  const { beginRollout, readRollout, writeRollout } = await import('../registry/rollouts.ts');
  const { readRouting } = await import('../registry/routing.ts');
  const { name: model, version: candidate } = version;
  const current = (await readRouting(ctx.store, model))?.routing;
  const going = current?.rollout;
  const inputOf = (id: string, champion: number): RolloutInput => ({ model, id, champion, candidate, pipeline: ctx.pipeline, spec });
  if (going?.candidate === candidate) {
    const record = await readRollout(ctx.store, model, going.id).catch(() => undefined);
    if (record !== undefined && canonicalJson(record.spec) === canonicalJson(spec))
      return {
        change: { changed: false, from: going.champion, to: candidate, pin: current!.pin, routing: current! },
        input: { ...inputOf(going.id, going.champion), pipeline: record.pipeline },
      };
  }
  const id = sha256(`rollout ${author.requestId}`).slice(0, 12);
  const { share } = spec.steps[0]!;
  const { kind, by } = spec;
  const change = await beginRollout(
    ctx.store,
    model,
    { id, kind, candidate, share, ...(by === undefined ? {} : { by }) },
    {
      ...author,
      why: `${rolloutText(spec)}. ${author.why}`,
      judged,
      ...(settings.predictionLog === undefined ? {} : { predictionLog: settings.predictionLog }),
    },
  );
  const rollout = change.routing.rollout;
  if (rollout?.id !== id) return { change };
  const now = new Date().toISOString();
  await writeRollout(ctx.store, {
    formatVersion: 1,
    name: model,
    id,
    champion: rollout.champion,
    candidate,
    spec,
    pipeline: ctx.pipeline,
    runId: ctx.runId,
    judged,
    ...settings,
    startedAt: now,
    state: 'running',
    step: 0,
    stepStartedAt: now,
  });
  return { change, input: inputOf(id, rollout.champion) };
}

async function refused(ctx: StepContext, version: VersionManifest, reason: string): Promise<StepResult> {
  const deployment = await writeDeployment(ctx, version, { status: 'rejected', alias: 'champion' });
  const sentence = reason.replace(/\.$/, '');
  return {
    outputs: { deployment },
    values: { model: version.name, version: version.version, promoted: false, confirmed: 0, why: sentence },
    details: `**Not rolled out.** ${reason}`,
    verdict: { passed: false, reasons: [sentence] },
  };
}

async function told(
  ctx: StepContext,
  version: VersionManifest,
  { spec, id, champion }: RolloutInput,
  servers: string | undefined,
  following: number,
): Promise<StepResult> {
  const what = rolloutText(spec);
  const deployment = await writeDeployment(ctx, version, { status: `rolled out: ${what}`, alias: 'champion', rollout: id });
  ctx.log.info('rolled out', { model: version.name, version: version.version, rollout: id, what });
  return {
    outputs: { deployment },
    values: {
      model: version.name,
      version: version.version,
      previous: null,
      promoted: false,
      confirmed: following,
      rollout: id,
      why: `rolled out: ${what}`,
    },
    details: `**${what}** of ${version.name} version **${version.version}** beside version ${champion}. ${servers ?? ''} It goes on after this run: \`perennial models rollout show ${version.name}\`.`,
  };
}
