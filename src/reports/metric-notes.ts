import type { EvaluationReport } from '../evaluation/step/report.ts';

/** What values are not about, and usual metrics that have none on these rows: by key, in a sentence without a full stop. */
export function notesOf({ metrics, leftOut = [] }: Pick<EvaluationReport, 'metrics' | 'leftOut'>): Readonly<Record<string, string>> {
  return Object.fromEntries([
    ...metrics.flatMap(({ key, note }) => (note === undefined ? [] : [[key, note]])),
    ...leftOut.map(({ key, why }) => [key, why.replace(/\.$/, '')]),
  ]);
}
