import type { JsonObject } from '../core/json.ts';
import { meanAndDeviation } from '../core/folds.ts';
import type { StudyObjective } from '../core/tune-plan.ts';
import { importanceOf } from '../studies/importance.ts';
import type { StoredFinal, StoredTrial, StudyRecord } from '../studies/stored-study.ts';
import { rankedTrials } from '../studies/study-details.ts';
import type { Choice } from '../studies/winner.ts';
import { describeTuning, pointText, valueText } from '../tuning/describe.ts';
import type { Space } from '../tuning/space.ts';
import type { TuneConfig } from '../tuning/tune-config.ts';
import { html, page, section, tableOf } from './html.ts';
import type { Cell, Markup } from './html.ts';
import { dimensionChart, frontChart, parallelChart, progressChart, readingsChart, scoredTrials } from './study-charts.ts';

/** Trials that a table lists. */
const LISTED = 300;
/** Pairs of objectives that are drawn against each other. */
const FRONTS_MAX = 6;

/** All that is known of a study, for one page. */
export interface StudyReportParts {
  readonly record: StudyRecord;
  readonly trials: readonly StoredTrial[];
  readonly objectives: readonly StudyObjective[];
  readonly space: Space;
  /** undefined: no trial completed. */
  readonly choice: Choice | undefined;
  /** What a final round found; empty: there was none. */
  readonly finals: readonly StoredFinal[];
}

/** One self-contained page about a study: nothing is loaded from anywhere. */
export async function renderStudyReport(parts: StudyReportParts): Promise<string> {
  const { record, trials, objectives, space, choice, finals } = parts;
  const final = finals.find(({ number }) => number === choice?.winner);
  const day = record.startedAt.slice(0, 10);
  const winner = choice === undefined ? undefined : trials[choice.winner]!;
  return page(
    `Study ${record.study} · ${day}`,
    html`<header><h1>Study ${record.study}</h1>
<p class="facts">${[`pipeline ${record.pipeline}`, `run ${record.run}`, `${record.startedAt.slice(0, 19).replace('T', ' ')} UTC`].join(' · ')}</p></header>
<dl>${facts(parts).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
`,
    winner === undefined
      ? html`<div class="verdict bad"><strong>No trial completed</strong></div>`
      : html`<div class="verdict good"><strong>Winner: trial ${winner.number}</strong><p>${objectives.map(({ name }, at) => `${name} ${scoreText(final ?? winner, at)}`).join(', ')}${final === undefined ? '' : ' with seeds that the search did not see'}</p><p>${pointText(winner.point)}</p></div>`,
    finalSection(parts),
    await progressSection(parts),
    await frontSection(parts),
    await valuesSection(parts),
    failuresSection(trials, record),
    trialsSection(trials, objectives, Object.keys(space), choice),
    section('Search', 'Every setting of the step.', html`<pre>${JSON.stringify(settings(record), null, 2)}</pre>`),
  );
}

function settings({ plan }: StudyRecord): JsonObject {
  return plan.step.config;
}

function facts({ record, trials }: StudyReportParts): [string, string][] {
  const count = (state: StoredTrial['state']): number => trials.filter((trial) => trial.state === state).length;
  const kinds = (['completed', 'stopped', 'failed'] as const).flatMap((state) => (count(state) === 0 ? [] : [`${count(state)} ${state}`]));
  const unended = count('running') === 0 ? [] : [`${count('running')} ${record.state === 'running' ? 'running' : 'unfinished'}`];
  const { history } = record;
  return [
    ['What', describeTuning(record.plan.step.config as unknown as TuneConfig)],
    ['State', `${record.state}${record.why === undefined ? '' : `: ${record.why}`}`],
    ['Trials', `${trials.length} of ${String(record.plan.step.config['trials'])}: ${[...kinds, ...unended].join(', ') || 'none'}`],
    ...(record.endedAt === undefined ? [] : ([['Ended', record.endedAt]] as [string, string][])),
    ...(history === undefined
      ? []
      : ([
          [
            'Warm start',
            history.study === undefined
              ? 'there was no earlier study'
              : [
                  `${history.trials} trials of ${history.study}`,
                  ...history.left.map(({ why, trials: left }) => `${left} left out: ${why}`),
                ].join('; '),
          ],
        ] as [string, string][])),
  ];
}

async function progressSection({ trials, objectives }: StudyReportParts): Promise<Markup | null> {
  if (scoredTrials(trials).length === 0 && trials.every(({ readings }) => readings.length === 0)) return null;
  const charts: Markup[] = [];
  if (scoredTrials(trials).length > 0)
    for (const [at, objective] of objectives.entries()) charts.push(await progressChart(trials, objective, at));
  const readings = await readingsChart(trials);
  return section(
    'Scores',
    'A line that has been flat for long says that more trials of the same search will bring little.',
    html`<div class="charts">${[...charts, ...(readings === undefined ? [] : [readings])]}</div>`,
  );
}

async function frontSection({ trials, objectives, choice }: StudyReportParts): Promise<Markup | null> {
  if (objectives.length < 2 || choice === undefined) return null;
  const pairs = objectives
    .flatMap((_, one) => objectives.slice(one + 1).map((__, step) => [one, one + 1 + step] as const))
    .slice(0, FRONTS_MAX);
  const charts = await Promise.all(pairs.map((pair) => frontChart(trials, objectives, pair, choice.front)));
  return section(
    'Pareto front',
    `${choice.front.length} trials that no other one beats in every objective.`,
    html`<div class="charts">${charts}</div>`,
  );
}

async function valuesSection({ trials, objectives, space }: StudyReportParts): Promise<Markup | null> {
  const [first] = objectives;
  if (first === undefined || scoredTrials(trials).length === 0) return null;
  const importance = importanceOf(space, trials);
  const ranked = Object.entries(space).sort(([a], [b]) => (importance[b] ?? -1) - (importance[a] ?? -1));
  const charts: Markup[] = [];
  for (const [at, entry] of ranked.entries()) charts.push(await dimensionChart(trials, entry, first, at));
  const parallel = await parallelChart(trials, space, first);
  return section(
    'What matters',
    `By how much the value of each dimension by itself decides ${first.name}: the share of its variance, less what chance would give (ε²). What works only together with another value shows in the lines below, not in this number.`,
    tableOf(
      ['dimension', 'share'],
      ranked.map(([name]) => [
        { text: name },
        importance[name] === null || importance[name] === undefined
          ? null
          : { text: `${Math.round(importance[name] * 100)} %`, number: true },
      ]),
    ),
    html`<div class="charts">${charts}</div>`,
    parallel ?? null,
  );
}

function failuresSection(trials: readonly StoredTrial[], record: StudyRecord): Markup | null {
  const failed = trials.filter(({ state }) => state === 'failed');
  if (failed.length === 0) return null;
  const causes = new Map<string, number[]>();
  for (const { number, failure } of failed) {
    const cause = `${failure?.code ?? 'INTERNAL'}${failure?.step === undefined ? '' : ` in ${failure.step}`}: ${failure?.message ?? ''}`;
    causes.set(cause, [...(causes.get(cause) ?? []), number]);
  }
  return section(
    'Failures',
    `${failed.length} of ${trials.length} trials; \`perennial runs logs ${record.pipeline}/${record.run}/trial-NUMBER\` shows what they said.`,
    tableOf(
      ['trials', 'why'],
      [...causes].map(([cause, numbers]) => [
        { text: numbers.slice(0, 12).join(', ') + (numbers.length > 12 ? ' …' : '') },
        { text: cause },
      ]),
    ),
  );
}

function finalSection({ finals, trials, objectives, choice }: StudyReportParts): Markup | null {
  if (finals.length === 0) return null;
  return section(
    'Final round',
    'The best of the search, trained again with seeds that it did not see. Among many trials the best score is partly luck; this one is not.',
    tableOf(
      ['trial', ...objectives.flatMap(({ name }) => [name, `${name} in the search`])],
      finals.map((one): (Cell | null)[] => [
        { text: `${one.number}${one.number === choice?.winner ? ' ✔' : ''}` },
        ...objectives.flatMap((_, at): Cell[] => [
          one.failure === undefined ? { text: scoreText(one, at), number: true } : { text: one.failure.code, tone: 'bad' },
          { text: scoreText(trials[one.number]!, at), number: true },
        ]),
      ]),
    ),
  );
}

function trialsSection(
  trials: readonly StoredTrial[],
  objectives: readonly StudyObjective[],
  names: readonly string[],
  choice: Choice | undefined,
): Markup | null {
  if (trials.length === 0) return null;
  const ranked = [...rankedTrials(trials, objectives), ...trials.filter(({ state }) => state !== 'completed')];
  const rows = ranked.slice(0, LISTED).map((trial): (Cell | number | null)[] => [
    { text: `${trial.number}${trial.number === choice?.winner ? ' ✔' : ''}` },
    {
      text: trial.state,
      ...(trial.state === 'failed' ? { tone: 'bad' as const } : trial.state === 'completed' ? {} : { tone: 'quiet' as const }),
    },
    ...objectives.map((_, at): Cell | null => (trial.values?.[at] === undefined ? null : { text: scoreText(trial, at), number: true })),
    ...names.map((name): Cell | null => (trial.point[name] === undefined ? null : { text: valueText(trial.point[name]) })),
  ]);
  return section(
    'Trials',
    ranked.length > LISTED ? `The best ${LISTED} of ${ranked.length}.` : 'The best first.',
    tableOf(['trial', 'state', ...objectives.map(({ name }) => name), ...names], rows),
  );
}

/** The score, with the deviation of its trainings where there are several. */
function scoreText({ values, scores }: Pick<StoredTrial, 'values' | 'scores'>, at: number): string {
  const short = (value: number): string => String(Number(value.toPrecision(5)));
  const folds = scores?.[at];
  const value = values?.[at];
  if (value === undefined) return '–';
  return folds === undefined || folds.length < 2
    ? short(value)
    : `${short(value)} ± ${Number(meanAndDeviation(folds).deviation.toPrecision(2))}`;
}
