import type { StudyObjective } from '../core/tune-plan.ts';
import { pointText } from '../tuning/describe.ts';
import type { StoredFinal, StoredTrial } from './stored-study.ts';
import { isBetter } from './winner.ts';
import type { Choice } from './winner.ts';

/** Trials that the Temporal UI shows. */
const SHOWN = 15;

/** The best trials of a study as Markdown. */
export function studyDetails(
  trials: readonly StoredTrial[],
  objectives: readonly StudyObjective[],
  { winner, front }: Choice,
  finals: readonly StoredFinal[] = [],
): string {
  const ranked = rankedTrials(trials, objectives);
  const rows = ranked
    .slice(0, SHOWN)
    .map(
      ({ number, values, point }) =>
        `| ${number}${number === winner ? ' ✔' : front.includes(number) ? ' ·' : ''} | ${values!.map((value) => Number(value.toPrecision(5))).join(' | ')} | ${pointText(point)} |`,
    );
  return [
    ...(finals.length === 0 ? [] : [...finalTable(finals, trials, objectives, winner), '', '**The search**', '']),
    `| Trial | ${objectives.map(({ name }) => name).join(' | ')} | Values |`,
    `|---|${objectives.map(() => '---|').join('')}---|`,
    ...rows,
    ...(ranked.length > SHOWN ? ['', `and ${ranked.length - SHOWN} more`] : []),
  ].join('\n');
}

function finalTable(
  finals: readonly StoredFinal[],
  trials: readonly StoredTrial[],
  objectives: readonly StudyObjective[],
  winner: number,
): string[] {
  const short = (value: number | undefined): string => (value === undefined ? '–' : String(Number(value.toPrecision(5))));
  return [
    '**Final round**: the best of the search, trained again with seeds that it did not see',
    '',
    `| Trial | ${objectives.map(({ name }) => `${name} | in the search`).join(' | ')} |`,
    `|---|${objectives.map(() => '---|---|').join('')}`,
    ...finals.map(({ number, values, failure }) => {
      const cells = objectives.map(
        (_, at) => `${failure === undefined ? short(values?.[at]) : failure.code} | ${short(trials[number]?.values?.[at])}`,
      );
      return `| ${number}${number === winner ? ' ✔' : ''} | ${cells.join(' | ')} |`;
    }),
  ];
}

/** Completed trials, the best of the first objective first. */
export function rankedTrials(trials: readonly StoredTrial[], [first]: readonly StudyObjective[]): StoredTrial[] {
  return trials
    .filter(({ state, values }) => state === 'completed' && values !== undefined)
    .sort((a, b) =>
      isBetter(a.values![0]!, b.values![0]!, first!.direction)
        ? -1
        : isBetter(b.values![0]!, a.values![0]!, first!.direction)
          ? 1
          : a.number - b.number,
    );
}
