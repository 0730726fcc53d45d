import type { TrainingReport } from './run-training.ts';
import type { SearchResult } from '../trainer/learning-rate-search.ts';

/** Markdown for the Temporal UI: the course of training, thinned out to a dozen epochs. */
export function trainingDetails({ meta, history, resumedEpoch }: TrainingReport): string {
  const reason = meta.training.engineReason === undefined ? '' : ` (not compiled because of ${String(meta.training.engineReason)})`;
  const names = [...new Set(history.flatMap((entry) => Object.keys(entry)))].filter((name) => name !== 'epoch');
  const every = Math.max(1, Math.ceil(history.length / 12));
  const shown = history.filter((entry, index) => index % every === 0 || index === history.length - 1 || entry.epoch === meta.bestEpoch);
  const rows = shown.map(
    (entry) =>
      `| ${entry.epoch}${entry.epoch === meta.bestEpoch ? ' (kept)' : ''} | ${names.map((name) => entry[name]?.toPrecision(4) ?? '').join(' | ')} |`,
  );
  return [
    `**${meta.parameters} parameters**, loss ${meta.loss}, optimizer ${meta.optimizer}, ${meta.epochsRun} epochs, ${String(meta.training.engine)} engine${reason}${resumedEpoch > 0 ? `, resumed after epoch ${resumedEpoch}` : ''}`,
    '',
    `| epoch | ${names.join(' | ')} |`,
    `|${' --- |'.repeat(names.length + 1)}`,
    ...rows,
    ...searched(meta.training.learningRateSearch as unknown as SearchResult | undefined),
  ].join('\n');
}

/** The curve of the search for a learning rate, thinned out to a dozen points. */
function searched(search: SearchResult | undefined): string[] {
  if (search === undefined) return [];
  const { suggested, curve } = search;
  const every = Math.max(1, Math.ceil(curve.length / 12));
  const points = curve.filter((_, index) => index % every === 0 || index === curve.length - 1);
  return [
    '',
    `**Learning rate ${suggested === undefined ? 'searched for, but the loss fell at none' : `${suggested} found`}** in ${curve.length} steps from the initial weights`,
    '',
    '| learning rate | loss |',
    '| --- | --- |',
    ...points.map(({ learningRate, loss }) => `| ${learningRate.toPrecision(3)} | ${loss.toPrecision(4)} |`),
  ];
}
