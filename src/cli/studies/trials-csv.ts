import { meanAndDeviation } from '../../core/folds.ts';
import type { StudyObjective } from '../../core/tune-plan.ts';
import type { StoredFinal, StoredTrial } from '../../studies/stored-study.ts';

/** One row for each trial; texts as they are, other values as JSON, what does not count empty. */
export function trialsCsv(
  trials: readonly StoredTrial[],
  objectives: readonly StudyObjective[],
  names: readonly string[],
  finals: readonly StoredFinal[] = [],
): string {
  const folded = trials.some(({ scores }) => scores?.some((own) => own.length > 1));
  const scored = [
    ...objectives.flatMap(({ name }) => (folded ? [name, `${name}Deviation`] : [name])),
    ...(finals.length === 0 ? [] : objectives.map(({ name }) => `${name}Final`)),
  ];
  const own = new Set(['trial', 'state', ...scored]);
  const head = [
    'trial',
    'state',
    ...scored,
    ...names.map((name) => (own.has(name) ? `search.${name}` : name)),
    'epochs',
    'cached',
    'startedAt',
    'endedAt',
    'failure',
  ];
  const rows = trials.map((trial) => [
    String(trial.number),
    trial.state,
    ...objectives.flatMap((_, at) => {
      const value = trial.values?.[at];
      const scores = trial.scores?.[at];
      return [
        value === undefined ? '' : String(value),
        ...(folded ? [scores === undefined ? '' : String(meanAndDeviation(scores).deviation)] : []),
      ];
    }),
    ...(finals.length === 0
      ? []
      : objectives.map((_, at) => String(finals.find(({ number }) => number === trial.number)?.values?.[at] ?? ''))),
    ...names.map((name) => {
      const value = trial.point[name];
      return value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
    }),
    String(trial.readings.at(-1)?.epoch ?? ''),
    String(trial.cached === true),
    trial.startedAt,
    trial.endedAt ?? '',
    trial.failure === undefined ? '' : `${trial.failure.code}: ${trial.failure.message}`,
  ]);
  return [head, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

/** RFC 4180. */
function cell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
