import type { ArtifactRef } from '../src/core/artifact.ts';
import { isPerennialError } from '../src/core/errors.ts';
import type { PerennialError } from '../src/core/errors.ts';
import type { StepContext, StepResult } from '../src/core/step.ts';
import { CHAMPION } from '../src/registry/decisions.ts';
import type { Registry } from '../src/registry/registry.ts';
import type { Fallback, RoutingChange, VersionManifest } from '../src/registry/types.ts';
import { judgeAgain, judgementOf } from './judging.ts';

/** What came of a promotion. Whatever it is, it is so at the moment of the change. */
export type Promotion =
  | { readonly kind: 'promoted'; readonly change: RoutingChange; readonly judgedAgain?: StepResult }
  /** A newer version is there already. */
  | { readonly kind: 'outdated'; readonly error: PerennialError }
  | { readonly kind: 'pinned'; readonly error: PerennialError }
  /** Against the champion of now its gates say no. */
  | { readonly kind: 'rejected'; readonly judged: StepResult; readonly reasons: readonly string[] };

/** Champions that may come one after the other while a version is judged again and again. */
const JUDGEMENTS_MAX = 5;

interface PromotionRequest {
  readonly alias: string;
  readonly fallback?: Fallback;
  /** The evaluation of this run; null: there was none. */
  readonly evaluation: Pick<ArtifactRef, 'digest'> | null;
}

/** Promotes over the champion that the version was judged against. Where it is another one by now, the version is judged again. */
export async function promoteJudged(
  ctx: StepContext,
  registry: Registry,
  version: VersionManifest,
  { alias, fallback, evaluation }: PromotionRequest,
): Promise<Promotion> {
  const author = {
    who: `run ${ctx.runId}`,
    why: `Deployed by step "${ctx.stepId}" of pipeline "${ctx.pipeline}" (${ctx.trigger}).`,
    requestId: `${ctx.pipeline}/${ctx.runId}/${ctx.stepId}`,
  };
  let judgement = alias === CHAMPION ? await judgementOf(ctx.artifacts, evaluation, version.name) : undefined;
  let judgedAgain: StepResult | undefined;
  for (let judgements = 1; ; judgements++) {
    try {
      const judged = judgement === undefined ? {} : { judged: judgement.champion.version };
      const change = await registry.promote(version.name, version.version, {
        alias,
        automatic: true,
        ...(fallback === undefined ? {} : { fallback }),
        ...judged,
        ...author,
      });
      return { kind: 'promoted', change, ...(judgedAgain === undefined ? {} : { judgedAgain }) };
    } catch (error) {
      if (isPerennialError(error, 'ROUTING_PINNED')) return { kind: 'pinned', error };
      if (isPerennialError(error, 'VERSION_OUTDATED')) return { kind: 'outdated', error };
      if (!isPerennialError(error, 'CHAMPION_CHANGED') || judgement === undefined || judgements > JUDGEMENTS_MAX) throw error;
      ctx.log.warn(`${error.message} It is judged again.`);
      ctx.progress({ message: `${error.message} Judging again` });
      judgedAgain = await judgeAgain(ctx, judgement);
      judgement = await judgementOf(ctx.artifacts, judgedAgain.outputs['evaluation']!, version.name);
      const { verdict } = judgedAgain;
      if (verdict?.passed === false) return { kind: 'rejected', judged: judgedAgain, reasons: [error.message, ...verdict.reasons] };
    }
  }
}
