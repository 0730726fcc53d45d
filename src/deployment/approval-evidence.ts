import type { ArtifactRef } from '../core/artifact.ts';
import type { StepContext } from '../core/step.ts';
import { verdictWord } from '../core/step.ts';
import { formatNumber } from '../evaluation/step/gate-words.ts';
import { EVALUATION } from '../reports/write-evaluation.ts';
import { openAs } from '../storage/stored.ts';

type Inputs = Readonly<Record<string, ArtifactRef | undefined>>;

/** Metrics that the grounds name, and reasons. */
const LINES_MAX = 20;

/** What is asked where the document does not say. */
export function questionOf({ version, model }: Inputs): string {
  if (version !== undefined) return `May ${version.summary} go on?`;
  return model === undefined ? 'May the run go on?' : 'May this model go on?';
}

/** The grounds for an answer, a line each: the model, its metrics beside those of the champion, what the gates said, what serves now. */
export async function evidenceOf({ artifacts, store, pipeline }: StepContext, { model, evaluation, version }: Inputs): Promise<string[]> {
  const lines = [...(model === undefined ? [] : [`Model: ${model.summary}`])];
  if (evaluation !== undefined) {
    const { meta } = await openAs(artifacts, EVALUATION, evaluation);
    const { champion } = meta;
    for (const [key, value] of Object.entries(meta.metrics).slice(0, LINES_MAX)) {
      const theirs = champion?.metrics[key];
      lines.push(
        `${key}: ${formatNumber(value)}${typeof theirs === 'number' ? ` (${formatNumber(theirs)} of the champion, version ${champion!.version})` : ''}`,
      );
    }
    const word = verdictWord(meta.verdict);
    lines.push(word === 'ungated' ? 'Gates: none were set' : `Gates: ${word}`);
    lines.push(...meta.verdict.reasons.slice(0, LINES_MAX).map((reason) => `Gate: ${reason}`));
  }
  const name = version === undefined ? pipeline : ((await artifacts.open(version)).manifest.meta as { readonly model: string }).model;
  if (version !== undefined) lines.push(`Version: ${version.summary}`);
  if (model !== undefined) {
    const { findServing } = await import('../registry/champion.ts');
    const serving = await findServing(store, name);
    lines.push(serving === undefined ? `Now: no version of ${name} serves` : `Now: version ${serving.version} of ${name} serves`);
  }
  return lines;
}
