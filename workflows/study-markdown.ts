import type { RunFailure } from '../src/core/run.ts';
import type { StudyInput, StudyProgress, TrialEnd, TrialInput } from '../src/core/study.ts';
import { compose } from './markdown.ts';
import { number } from './run-headline.ts';

/** What is shown of a trial besides its steps. */
export interface TrialNote {
  readonly end?: TrialEnd;
  readonly failure?: RunFailure;
  readonly stopped?: string;
  readonly progress?: string;
}

/** How far the final round is. */
interface FinalProgress {
  readonly over: number;
  readonly of: number;
}

/** What is shown of a study besides its trials. */
export interface StudyNote {
  readonly running: readonly number[];
  readonly state: string;
  readonly final?: FinalProgress | undefined;
}

/** A trial in the Temporal UI: its values and its score first. */
export function trialMarkdown(
  { suggestion, objectives, study, final }: TrialInput,
  steps: readonly { readonly id: string; readonly status: string }[],
  { end, failure, stopped, progress }: TrialNote,
): string {
  const score = objectives.map(({ name }, at) => `${name} ${end?.values?.[at] === undefined ? '–' : number(end.values[at])}`).join(', ');
  return compose(
    [
      `**${final === true ? 'Final round of trial' : 'Trial'} ${suggestion.number}**: ${end?.state ?? 'running'}${end?.values === undefined ? '' : `, ${score}`}`,
      [
        '| Value | |',
        '|---|---|',
        ...Object.entries(suggestion.point).map(([name, value]) => `| ${name} | \`${JSON.stringify(value)}\` |`),
      ].join('\n'),
      ...(failure === undefined ? [] : [`\`${failure.code}\`: ${failure.message}`]),
      ...(stopped === undefined ? [] : [stopped]),
      ...(progress === undefined ? [] : [progress]),
    ],
    [['| Step | |', '|---|---|', ...steps.map(({ id, status }) => `| ${id} | ${status} |`)].join('\n'), `Of the study \`${study}\``],
  );
}

/** "12 of 40 trials, best accuracy 0.9712 (trial 8)" */
export function studyHeadline({ settings, objectives, anew }: StudyInput, progress: StudyProgress, final?: FinalProgress): string {
  const { completed, stopped, failed, cached, best } = progress;
  const over = completed + stopped + failed;
  const parts = [
    ...(stopped === 0 ? [] : [`${stopped} stopped`]),
    ...(failed === 0 ? [] : [`${failed} failed`]),
    ...(cached === 0 ? [] : [`${cached} from the cache`]),
  ];
  const score = best === undefined ? '' : `, best ${objectives[0]!.name} ${number(best.values![0]!)} (trial ${best.number})`;
  const round = final === undefined ? '' : `; final round: ${final.over} of ${final.of}`;
  return `${over} of ${settings.trials} trials${parts.length === 0 ? '' : ` (${parts.join(', ')})`}${score}${round}${anew === undefined ? '' : `; ${anew}`}`;
}

/** A study in the Temporal UI. */
export function studyMarkdown(input: StudyInput, progress: StudyProgress, { running, state, final }: StudyNote): string {
  const { best, causes } = progress;
  return compose(
    [
      `**${state}**: ${studyHeadline(input, progress, final)}`,
      ...(best === undefined
        ? []
        : [
            [
              '| Best so far | |',
              '|---|---|',
              ...Object.entries(best.point).map(([name, value]) => `| ${name} | \`${JSON.stringify(value)}\` |`),
            ].join('\n'),
          ]),
      ...causes.map(({ code, message }) => `\`${code}\`: ${message}`),
    ],
    [
      ...(running.length === 0 ? [] : [`Running: ${running.map((one) => `trial ${one}`).join(', ')}`]),
      `All of it: \`perennial studies show ${input.study}\``,
    ],
  );
}
