import { plural } from '../../core/plural.ts';
import { resolve } from 'node:path';
import { PerennialError } from '../../core/errors.ts';
import { meanAndDeviation } from '../../core/folds.ts';
import type { StudyObjective } from '../../core/tune-plan.ts';
import { importanceOf } from '../../studies/importance.ts';
import { rankedTrials } from '../../studies/study-details.ts';
import type { HistorySummary, StoredFinal, StoredTrial, StudyRecord } from '../../studies/stored-study.ts';
import type { StudyStore } from '../../studies/study-store.ts';
import { choiceOf } from '../../studies/winner.ts';
import type { Choice } from '../../studies/winner.ts';
import { pointText, valueText } from '../../tuning/describe.ts';
import type { Space } from '../../tuning/space.ts';
import { table } from '../commands/command.ts';
import type { CliIo } from '../commands/command.ts';
import { formatNumber, seconds } from '../run-progress.ts';
import { UNCERTAIN, allStudies, asTheyAre, findStudy, openStudies } from './find-study.ts';
import { dimensionText } from './dimension-text.ts';
import { trialsCsv } from './trials-csv.ts';
import { writeOut } from '../write-out.ts';

/** Readings that one trial shows. */
const READINGS_SHOWN = 12;

export async function listAction(io: CliIo, { pipeline, limit }: { readonly pipeline?: string; readonly limit: number }): Promise<void> {
  const studies = await openStudies();
  const { records: found, certain } = await asTheyAre(studies, (await allStudies(studies, pipeline)).slice(0, limit));
  const rows = await Promise.all(
    found.map(async (record) => {
      return summaryOf(record, await factsOf(studies, record));
    }),
  );
  io.result({ studies: rows });
  if (rows.length === 0) return io.print('There is no study yet: a document with a tune step makes one when it runs.');
  io.print(
    table([
      ['STUDY', 'STATE', 'TRIALS', 'STOPPED', 'FAILED', 'BEST', 'STARTED'],
      ...rows.map(({ study, state, trials, stopped, failed, best, startedAt }) => [
        study,
        state,
        String(trials),
        String(stopped),
        String(failed),
        best === null
          ? ''
          : Object.entries(best.values)
              .map(([name, value]) => `${name} ${formatNumber(value)}`)
              .join(', '),
        `${startedAt.slice(0, 19).replace('T', ' ')}Z`,
      ]),
    ]),
  );
  if (!certain) io.note(UNCERTAIN);
}

export async function showAction(
  io: CliIo,
  name: string,
  { trial, limit }: { readonly trial?: number; readonly limit: number },
): Promise<void> {
  const studies = await openStudies();
  const { records, certain } = await asTheyAre(studies, [await findStudy(studies, name)]);
  const record = records[0]!;
  if (!certain) io.note(UNCERTAIN);
  const facts = await factsOf(studies, record);
  const { trials, choice, objectives, space, finals } = facts;
  if (trial !== undefined) return showTrial(io, record, trials, objectives, trial);
  io.result({
    ...summaryOf(record, facts),
    front: choice?.front ?? [],
    objectives,
    space,
    history: record.history ?? null,
    anew: record.anew ?? null,
    goesOnWith: record.earlier ?? null,
    importance: importanceOf(space, trials),
    causes: record.causes ?? [],
    trials,
    finals,
  });
  const importance = importanceOf(space, trials);
  io.print(`${record.study}: ${stateText(record, trials)}`);
  io.print(
    `\n${table([
      ['DIMENSION', 'SEARCHED', 'DECIDES'],
      ...Object.entries(space).map(([key, dimension]) => [key, dimensionText(dimension), shareText(importance[key])]),
    ])}`,
  );
  if (record.anew !== undefined) io.print(`\nIt began anew, not gone on with ${record.anew.study}: ${record.anew.why}.`);
  if (record.history !== undefined) io.print(`\n${historyText(record.history)}`);
  const ranked = [...rankedTrials(trials, objectives), ...trials.filter(({ state }) => state !== 'completed')];
  const names = Object.keys(space);
  const stops = record.plan.step.config['stop'] !== undefined;
  io.print(
    `\n${table([
      [
        'TRIAL',
        'STATE',
        ...objectives.map(({ name: objective }) => objective.toUpperCase()),
        ...names,
        ...(stops ? ['EPOCHS'] : []),
        'TOOK',
      ],
      ...ranked
        .slice(0, limit)
        .map((one) => [
          `${one.number}${one.number === choice?.winner ? ' ✔' : objectives.length > 1 && choice?.front.includes(one.number) === true ? ' ·' : ''}`,
          stateOf(one, record),
          ...objectives.map((_, at) => scoreText(one, at)),
          ...names.map((key) => (one.point[key] === undefined ? '' : valueText(one.point[key]))),
          ...(stops ? [String(one.readings.at(-1)?.epoch ?? '')] : []),
          one.endedAt === undefined ? '' : one.cached === true ? 'cached' : seconds(Date.parse(one.endedAt) - Date.parse(one.startedAt)),
        ]),
    ])}`,
  );
  if (ranked.length > limit) io.print(`and ${ranked.length - limit} more (--limit)`);
  if (finals.length > 0)
    io.print(
      `\nFinal round, with seeds that the search did not see:\n${table([
        ['TRIAL', ...objectives.map(({ name: objective }) => objective.toUpperCase()), 'IN THE SEARCH', 'SEEDS'],
        ...finals.map((one) => [
          `${one.number}${one.number === choice?.winner ? ' ✔' : ''}`,
          ...objectives.map((_, at) => (one.failure === undefined ? scoreText(one, at) : one.failure.code)),
          objectives.map((_, at) => scoreText(trials[one.number]!, at)).join(', '),
          String(one.scores?.[0]?.length ?? ''),
        ]),
      ])}`,
    );
  if (objectives.length > 1) io.print('\n✔ goes on   · on the Pareto front: no trial is better in every objective');
  for (const { code, message, step } of record.causes ?? [])
    io.print(`\n${code}${step === undefined ? '' : ` in step "${step}"`}: ${message}`);
  if (choice !== undefined) io.print(`\nWinner: trial ${choice.winner} (${pointText(trials[choice.winner]!.point)})`);
}

/** Writes the page of a study. */
export async function reportAction(io: CliIo, name: string, out: string | undefined): Promise<void> {
  const studies = await openStudies();
  const { records, certain } = await asTheyAre(studies, [await findStudy(studies, name)]);
  const record = records[0]!;
  if (!certain) io.note(UNCERTAIN);
  const { renderStudyReport } = await import('../../reports/study-report.ts');
  const file = resolve(out ?? `${record.study.replaceAll('/', '-')}.html`);
  const page = await renderStudyReport({ record, ...(await factsOf(studies, record)) });
  await writeOut(file, page);
  io.result({ file, bytes: Buffer.byteLength(page) });
  io.print(`Wrote ${file}`);
}

export async function exportAction(io: CliIo, name: string, { out }: { readonly out?: string }): Promise<void> {
  const ending = out === undefined ? 'csv' : /\.(csv|json)$/.exec(out)?.[1];
  if (ending === undefined)
    throw new PerennialError('USAGE', `--out takes a file that ends in .csv or .json; ${JSON.stringify(out)} was given.`, {
      hint: 'For example: --out trials.csv',
    });
  const studies = await openStudies();
  const record = await findStudy(studies, name);
  const facts = await factsOf(studies, record);
  const { trials, objectives, space, finals } = facts;
  const summary = summaryOf(record, facts);
  io.result({ ...summary, trials, finals, out: out ?? null });
  const text =
    ending === 'csv'
      ? trialsCsv(trials, objectives, Object.keys(space), finals)
      : `${JSON.stringify({ ...summary, objectives, space, trials, finals }, null, 2)}\n`;
  if (out === undefined) return io.print(text.trimEnd());
  await writeOut(out, text);
  io.print(`${trials.length} trials of ${record.study} are in ${out}.`);
}

function showTrial(
  io: CliIo,
  record: StudyRecord,
  trials: readonly StoredTrial[],
  objectives: readonly StudyObjective[],
  number: number,
): void {
  const trial = trials[number];
  if (trial === undefined)
    throw new PerennialError(
      'NOT_FOUND',
      `${record.study} has no trial ${number}; it has ${trials.length === 0 ? 'none' : `0 to ${trials.length - 1}`}.`,
      { hint: '' },
    );
  io.result(trial);
  io.print(`Trial ${number} of ${record.study}: ${stateOf(trial, record)}${trial.cached === true ? ', from the cache' : ''}`);
  io.print(`\n${table([['DIMENSION', 'VALUE'], ...Object.entries(trial.point).map(([name, value]) => [name, JSON.stringify(value)])])}`);
  if (trial.values !== undefined)
    io.print(
      `\n${table([
        ['OBJECTIVE', 'VALUE', ...(trial.scores === undefined ? [] : ['TRAININGS'])],
        ...objectives.map(({ name }, at) => [
          name,
          scoreText(trial, at),
          ...(trial.scores === undefined ? [] : [trial.scores[at]!.map(formatNumber).join(', ')]),
        ]),
      ])}`,
    );
  const { readings } = trial;
  if (readings.length > 0) {
    const every = Math.max(1, Math.ceil(readings.length / READINGS_SHOWN));
    const shown = readings.filter((_, at) => at % every === 0 || at === readings.length - 1);
    io.print(
      `\n${table([['EPOCH', (trial.reading?.name ?? 'value').toUpperCase()], ...shown.map(({ epoch, value }) => [String(epoch), formatNumber(value)])])}`,
    );
  }
  if (trial.failure !== undefined)
    io.print(
      `\n${trial.failure.code}${trial.failure.step === undefined ? '' : ` in step "${trial.failure.step}"`}: ${trial.failure.message}`,
    );
  io.print(`\nlogs: perennial runs logs ${record.pipeline}/${record.run}/trial-${number}`);
}

/** A trial of a study that nobody runs does not run. */
function stateOf({ state }: StoredTrial, record: StudyRecord): string {
  return state === 'running' && record.state !== 'running' ? 'unfinished' : state;
}

/** The value, with the deviation of its trainings where there are several. */
function scoreText({ values, scores }: Pick<StoredTrial, 'values' | 'scores'>, at: number): string {
  const value = values?.[at];
  if (value === undefined) return '';
  const folds = scores?.[at];
  return folds === undefined || folds.length < 2
    ? formatNumber(value)
    : `${formatNumber(value)} ± ${formatNumber(meanAndDeviation(folds).deviation)}`;
}

/** By how much a dimension decides the first objective. */
function shareText(share: number | null | undefined): string {
  return share === null || share === undefined ? '' : `${Math.round(share * 100)} %`;
}

/** What a study started from. */
function historyText({ study, trials, left }: HistorySummary): string {
  if (study === undefined) return 'Warm start: there was no earlier study.';
  const rest = left.map(({ why, trials: count }) => `${count} left out: ${why}`);
  return [`Warm start: ${plural(trials, 'trial')} of ${study} were known from the start`, ...rest].join('; ');
}

interface Facts {
  readonly trials: readonly StoredTrial[];
  readonly objectives: readonly StudyObjective[];
  readonly space: Space;
  readonly choice: Choice | undefined;
  /** What a final round found; empty: there was none, or it has not ended. */
  readonly finals: readonly StoredFinal[];
}

async function factsOf(studies: StudyStore, record: StudyRecord): Promise<Facts> {
  const { tune, config } = record.plan.step;
  const [trials, finals] = await Promise.all([studies.trials(record.study), studies.finals(record.study)]);
  return {
    trials,
    finals,
    objectives: tune!.objectives,
    space: tune!.space as unknown as Space,
    choice: choiceOf(trials, { objectives: tune!.objectives, choose: config['choose'] as string | undefined, finals }),
  };
}

function summaryOf(record: StudyRecord, { trials, objectives, choice, finals }: Facts) {
  const count = (state: StoredTrial['state']): number => trials.filter((one) => one.state === state).length;
  const winner = choice === undefined ? undefined : trials[choice.winner]!;
  const final = finals.find(({ number }) => number === winner?.number);
  return {
    study: record.study,
    state: record.state,
    trials: trials.length,
    completed: count('completed'),
    stopped: count('stopped'),
    failed: count('failed'),
    running: record.state === 'running' ? count('running') : 0,
    unfinished: record.state === 'running' ? 0 : count('running'),
    why: record.why ?? null,
    best:
      winner === undefined
        ? null
        : {
            trial: winner.number,
            point: winner.point,
            // Of the final round, where there was one: what the search found of the best is partly luck.
            values: Object.fromEntries(objectives.map(({ name }, at) => [name, (final?.values ?? winner.values!)[at]!])),
          },
    startedAt: record.startedAt,
    endedAt: record.endedAt ?? null,
  };
}

function stateText(record: StudyRecord, trials: readonly StoredTrial[]): string {
  const { state, why, startedAt, endedAt, plan } = record;
  const took = endedAt === undefined ? '' : ` in ${seconds(Date.parse(endedAt) - Date.parse(startedAt))}`;
  const most = plan.step.config['trials'];
  const kinds = (['completed', 'stopped', 'failed', 'running'] as const)
    .map(
      (kind) =>
        [trials.filter((one) => one.state === kind).length, kind === 'running' && state !== 'running' ? 'unfinished' : kind] as const,
    )
    .filter(([count]) => count > 0)
    .map(([count, kind]) => `${count} ${kind}`);
  return `${state}${why === undefined ? '' : ` (${why})`}${took}; ${trials.length} of ${String(most)} trials${kinds.length === 0 ? '' : ` (${kinds.join(', ')})`}`;
}
