import type { ArtifactRef } from '../core/artifact.ts';
import type { JsonObject } from '../core/json.ts';
import { ofThePast } from '../core/run.ts';
import type { StepContext, StepResult } from '../core/step.ts';
import type { DeployConfig } from '../registry/deploy-config.ts';
import { servingSettings } from '../registry/serving-settings.ts';
import type { VersionManifest } from '../registry/types.ts';
import { signatureRule, specOf } from '../rollouts/strategy.ts';
import type { StrategyConfig } from '../rollouts/strategy.ts';
import { CONFIRM_SECONDS } from './deploy-schema.ts';
import { exportTo, confirm, heldBack, kept, notPromoted, result } from './deployment.ts';
import { followed, prepared, refusedByTarget } from './deployment-targets.ts';
import { frozenUntil } from './freeze.ts';
import type { Freeze } from './freeze.ts';
import { createRegistry } from '../registry/registry.ts';
import { promoteJudged } from './promotion.ts';
import { rollOut } from './rolling-out.ts';
import { countWin } from '../registry/wins.ts';

/** Configuration of a deploy step. */
export interface DeployStepConfig extends DeployConfig {
  readonly strategy?: StrategyConfig;
  readonly freeze?: readonly Freeze[];
}

/** `meta` of a `version` artifact. */
interface VersionMeta {
  readonly model: string;
  readonly version: number;
  /** Digest of the evaluation of the run; null: it had none. */
  readonly evaluation?: string | null;
}

/**
 * Lets a version go live, at once or by a rollout, unless it is frozen, has not won often enough, or a target refuses it; waits until
 * servers and targets have it.
 *
 * @throws SERVER_UNAVAILABLE, TARGET_UNAVAILABLE naming what does not follow
 */
export async function deploy(
  ctx: StepContext,
  config: DeployStepConfig,
  inputs: Readonly<Record<string, ArtifactRef>>,
): Promise<StepResult> {
  const target = (await ctx.artifacts.open(inputs['version']!)).manifest.meta as unknown as VersionMeta;
  const registry = createRegistry(ctx.store, ctx.artifacts);
  const version = await registry.version(target.model, target.version);
  const past = ofThePast(ctx.trigger);
  if (past !== undefined) return kept(ctx, version, past);
  const alias = config.promote === undefined ? 'champion' : config.promote;
  const frozen = config.freeze === undefined || alias === null ? undefined : frozenUntil(config.freeze, Date.now());
  const won = config.wins === undefined ? undefined : await winsOf(ctx, version);
  if (won !== undefined && won.wins < config.wins!)
    return heldBack(ctx, version, alias!, `won ${won.wins} of ${config.wins} times in a row against version ${won.champion}`);
  if (frozen !== undefined)
    return heldBack(ctx, version, alias!, `frozen until ${frozen.until}${frozen.why === '' ? '' : `: ${frozen.why}`}`);
  // Versions of runs that began with 0.1.0 do not say which evaluation was theirs: that of the manifest.
  const own = target.evaluation === undefined ? version.evaluation : target.evaluation === null ? null : { digest: target.evaluation };
  const evaluations = [...(own === null ? [] : [own]), ...(ctx.evaluations ?? [])];
  const { targets: named, ...said } = config;
  const readied = await prepared(ctx, version, alias === 'champion' ? named : []);
  if (readied.refusals.length > 0) return refusedByTarget(ctx, version, readied.refusals);
  const settings = servingSettings({ ...said, ...(named === undefined ? {} : { targets: readied.settings }) });
  const spec = specOf(config.strategy);
  if (spec !== undefined) {
    const rolled = await rollOut(ctx, registry, version, {
      spec: config.freeze === undefined ? spec : { ...spec, freeze: config.freeze as unknown as readonly JsonObject[] },
      signature: signatureRule(config.strategy!),
      evaluations,
      settings,
      confirmSeconds: config.confirm === false ? 0 : (config.confirmSeconds ?? CONFIRM_SECONDS),
    });
    if (rolled !== undefined) return 'kind' in rolled ? notPromoted(ctx, version, 'champion', rolled, config.onPinned ?? 'fail') : rolled;
  }
  const promotion =
    alias === null
      ? undefined
      : await promoteJudged(ctx, registry, version, {
          alias,
          evaluations,
          settings,
        });
  if (promotion !== undefined && promotion.kind !== 'promoted')
    return notPromoted(ctx, version, alias!, promotion, config.onPinned ?? 'fail');
  const directory = config.to === 'directory' ? await exportTo(ctx, version, config.path!) : undefined;
  const confirmation =
    promotion !== undefined && (config.confirm ?? (alias === 'champion' && readied.servers))
      ? await confirm(ctx, version, config.confirmSeconds ?? CONFIRM_SECONDS)
      : undefined;
  const targets =
    promotion === undefined || alias !== 'champion' ? [] : await followed(ctx, version, readied, config.confirmSeconds ?? CONFIRM_SECONDS);
  return result(ctx, version, { alias, promotion, directory, confirmation, targets });
}

async function winsOf(ctx: StepContext, { name, version }: VersionManifest) {
  return countWin(ctx.store, { model: name, version, pipeline: ctx.pipeline, run: ctx.runId, now: new Date().toISOString() });
}
