import { approvalText } from '../core/approval.ts';
import type { ArtifactRef } from '../core/artifact.ts';
import { isPerennialError } from '../core/errors.ts';
import type { PerennialError } from '../core/errors.ts';
import type { StepContext } from '../core/step.ts';
import type { Registry } from '../registry/registry.ts';
import type { ServingSettings } from '../registry/serving-settings.ts';
import type { JudgedChampion, RoutingChange, VersionManifest } from '../registry/types.ts';
import { judgeOnceMore, judgementsOf } from './judgements.ts';

/** What came of a promotion. Whatever it is, it is so at the moment of the change. */
export type Promotion =
  | {
      readonly kind: 'promoted';
      readonly change: RoutingChange;
      /** What its gates said the second time, where a champion was another one by now. */
      readonly judgedAgain?: readonly string[];
    }
  /** A newer version is there already. */
  | { readonly kind: 'outdated'; readonly error: PerennialError }
  | { readonly kind: 'pinned'; readonly error: PerennialError }
  /** Against the champion of now its gates say no: the evaluation that says so. */
  | { readonly kind: 'rejected'; readonly evaluation: string; readonly reasons: readonly string[] };

/** Champions that may come one after the other while a version is judged again and again. */
const JUDGEMENTS_MAX = 5;

interface PromotionRequest {
  readonly alias: string;
  readonly settings: ServingSettings;
  /** All that judged it in this run. */
  readonly evaluations: readonly Pick<ArtifactRef, 'digest'>[];
  /** What is done over the champions that the version was judged against; left out: it is promoted. */
  readonly move?: Move;
}

type Move = (
  judged: readonly JudgedChampion[],
  author: { readonly who: string; readonly why: string; readonly requestId: string },
) => Promise<RoutingChange>;

/**
 * Promotes over the champions that the version was judged against. Where one is another by now, all that compared with it is judged
 * again.
 */
export async function promoteJudged(
  ctx: StepContext,
  registry: Registry,
  version: VersionManifest,
  { alias, settings, evaluations, move }: PromotionRequest,
): Promise<Promotion> {
  const author = {
    who: `run ${ctx.runId}`,
    why: `Deployed by step "${ctx.stepId}" of pipeline "${ctx.pipeline}" (${ctx.trigger}).${approvedText(ctx)}`,
    requestId: `${ctx.pipeline}/${ctx.runId}/${ctx.stepId}`,
  };
  const promote: Move = (judged, by) =>
    registry.promote(version.name, version.version, {
      alias,
      automatic: true,
      ...settings,
      judged,
      ...by,
    });
  let judgements = await judgementsOf(ctx.artifacts, evaluations, version);
  let judgedAgain: readonly string[] | undefined;
  for (let attempt = 1; ; attempt++) {
    try {
      const change = await (move ?? promote)(
        judgements.map(({ champion }) => champion),
        author,
      );
      return { kind: 'promoted', change, ...(judgedAgain === undefined ? {} : { judgedAgain }) };
    } catch (error) {
      if (isPerennialError(error, 'ROUTING_PINNED')) return { kind: 'pinned', error };
      if (isPerennialError(error, 'VERSION_OUTDATED')) return { kind: 'outdated', error };
      if (!isPerennialError(error, 'CHAMPION_CHANGED') || attempt > JUDGEMENTS_MAX) throw error;
      ctx.log.warn(`${error.message} It is judged again.`);
      ctx.progress({ message: `${error.message} Judging again` });
      const { model } = error.details as { readonly model: string };
      const reasons: string[] = [];
      for (const judgement of judgements.filter(({ champion }) => champion.model === model)) {
        const again = await judgeOnceMore(ctx, judgement);
        if (!again.passed) return { kind: 'rejected', evaluation: again.evaluation, reasons: [error.message, ...again.reasons] };
        judgements = judgements.map((one) => (one === judgement ? again.judgement : one));
        reasons.push(...again.reasons);
      }
      judgedAgain = reasons;
    }
  }
}

/** Who let it through, as the history tells it. */
function approvedText({ approvals = [] }: StepContext): string {
  return approvals.map((approval) => ` "${approval.step}" was ${approvalText(approval)}.`).join('');
}
