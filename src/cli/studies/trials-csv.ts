import type { StudyObjective } from '../../core/tune-plan.ts';
import type { StoredTrial } from '../../studies/stored-study.ts';

/** One row for each trial; texts as they are, other values as JSON, what does not count empty. */
export function trialsCsv(trials: readonly StoredTrial[], objectives: readonly StudyObjective[], names: readonly string[]): string {
  const own = new Set(['trial', 'state', ...objectives.map(({ name }) => name)]);
  const head = [
    'trial',
    'state',
    ...objectives.map(({ name }) => name),
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
    ...objectives.map((_, at) => (trial.values?.[at] === undefined ? '' : String(trial.values[at]))),
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
