import { Context } from '@temporalio/activity';
import { setTimeout as sleep } from 'node:timers/promises';
import { PerennialError } from '../core/errors.ts';
import type { StepContext, StepResult } from '../core/step.ts';
import { targetText } from '../core/targets.ts';
import type { TargetSetting, TargetState } from '../core/targets.ts';
import type { VersionManifest } from '../registry/types.ts';
import { writeDeployment } from './deployment.ts';

type Named = string | Readonly<Record<string, unknown>>;

/** What was made ready for the targets, before anything is promoted. */
export interface Readied {
  readonly settings: readonly TargetSetting[];
  /** Whether the servers of Perennial are among them. */
  readonly servers: boolean;
  readonly refusals: readonly string[];
  readonly evidence: readonly string[];
}

/**
 * Makes and checks what the targets get of a version, and looks whether their places can be written to.
 *
 * @param named as the document says; undefined: those that the model has
 * @throws TARGET_UNAVAILABLE, TARGET_TAKEN, STORE_UNSUITABLE, STORE_FULL, MODEL_INVALID, EXPORT_DIFFERS
 */
export async function prepared(ctx: StepContext, version: VersionManifest, named: readonly Named[] | undefined): Promise<Readied> {
  const { readRouting } = await import('../registry/routing.ts');
  const { meansServers, prepareTargets, settingsOf } = await import('../targets/prepare.ts');
  const settings =
    named === undefined ? ((await readRouting(ctx.store, version.name))?.routing.targets ?? []) : settingsOf(named, ctx.documentDir);
  if (settings.length === 0) return { settings, servers: meansServers(named), refusals: [], evidence: [] };
  const tools = { store: ctx.store, artifacts: ctx.artifacts, progress: (message: string) => ctx.progress({ message }) };
  const all = await prepareTargets(tools, version, settings);
  for (const { target, evidence } of all) for (const sentence of evidence) ctx.log.info(`${target}: ${sentence}`);
  return {
    settings,
    servers: meansServers(named),
    refusals: all.flatMap(({ target, refusals }) => refusals.map((reason) => `${target}: ${reason}`)),
    evidence: all.flatMap(({ target, evidence }) => evidence.map((sentence) => `${target}: ${sentence}`)),
  };
}

/** A target said no: nothing is promoted. */
export async function refusedByTarget(ctx: StepContext, version: VersionManifest, refusals: readonly string[]): Promise<StepResult> {
  const deployment = await writeDeployment(ctx, version, { status: 'rejected', alias: 'champion', refusals: [...refusals] });
  return {
    outputs: { deployment },
    values: { model: version.name, version: version.version, promoted: false, confirmed: 0, why: refusals[0]! },
    details: `**Not promoted.** ${refusals.join('\n- ')}`,
    verdict: { passed: false, reasons: refusals },
  };
}

const LOOK_MS = 100;

/**
 * Has the targets follow, and waits until all show the version, or another one is champion.
 *
 * @throws TARGET_BEHIND naming those that do not show it in time, and why
 */
export async function followed(
  ctx: StepContext,
  { name: model, version }: VersionManifest,
  { settings, evidence }: Readied,
  seconds: number,
): Promise<TargetState[]> {
  if (settings.length === 0) return [];
  const { startFollowing } = await import('../runs/targets.ts');
  const { readState } = await import('../targets/records.ts');
  const { successorOf } = await import('../registry/confirm.ts');
  const { client, info } = Context.current();
  const asked = new Date(Date.now() - CLOCK_BLUR_MS).toISOString();
  await startFollowing(client, info.taskQueue, model);
  ctx.progress({
    message: `${model} version ${version} is champion now; waiting until ${settings.map(({ name }) => name).join(', ')} ${settings.length === 1 ? 'has' : 'have'} it`,
  });
  const until = Date.now() + seconds * 1_000;
  for (;;) {
    const states = await Promise.all(settings.map((setting) => readState(ctx.store, model, setting)));
    if (states.every((state) => state?.inStep === true && state.version === version)) {
      for (const sentence of evidence) ctx.log.info(sentence);
      return states as TargetState[];
    }
    if ((await successorOf(ctx.store, model, version)) !== undefined) return [];
    const late = Date.now() >= until;
    const failed = states.some((state) => state?.refused === true && state.at >= asked);
    if (late || failed) {
      const behind = states.flatMap((state, index) =>
        state?.inStep === true && state.version === version
          ? []
          : [state === undefined ? `${settings[index]!.name} was not tried yet` : targetText(state)],
      );
      throw new PerennialError(
        'TARGET_BEHIND',
        `${model} version ${version} was promoted, but ${late ? `after ${seconds} s ` : ''}not every target has it: ${behind.join('; ')}.`,
      );
    }
    await sleep(LOOK_MS, undefined, { signal: ctx.signal });
  }
}

/** What the clocks of two workers may differ by. */
const CLOCK_BLUR_MS = 2_000;
