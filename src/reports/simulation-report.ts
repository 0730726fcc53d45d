import type { Simulation } from '../core/simulation.ts';
import { plural } from '../core/plural.ts';
import { html, page, section, tableOf } from './html.ts';
import type { Cell, Markup } from './html.ts';
import { INCIDENTS, costChart, driftChart, lifeChart, metricChart } from './simulation-charts.ts';

/** A simulated stretch of a document's life as one self-contained HTML page. */
export async function renderSimulation(simulation: Simulation): Promise<string> {
  const { pipeline, days, runs, incidents, stream } = simulation;
  const title = `${days.length} days of ${pipeline}`;
  const hasDrift = days.some(({ drift }) => drift !== null);
  return page(
    title,
    html`<header><h1>${title}</h1>
<p class="facts">Stream "${stream}", ${days[0]!.date} to ${days.at(-1)!.date} by a simulated clock, seed ${simulation.seed}; ${rowsText(simulation)}; labels are known ${simulation.labelDelayDays === 0 ? 'on the same day' : `after ${plural(simulation.labelDelayDays, 'day')}`}.</p></header>
${verdict(simulation)}`,
    section(
      'The days',
      'What was served by the champion of the day, beside an oracle: a network that goes on learning every day from all that the document would take, and waits for no trigger, gate or promotion.',
      await metricChart(simulation),
      await lifeChart(simulation),
      hasDrift ? await driftChart(simulation) : null,
      await costChart(simulation),
    ),
    section(
      'What happened',
      incidents.length === 0 ? 'Nothing that anybody had to know of.' : '',
      incidents.length === 0
        ? null
        : tableOf(
            ['day', 'date', 'what', ''],
            incidents.map(({ day, at, kind, what }): (Cell | string | number)[] => [
              day + 1,
              at.slice(0, 10),
              { text: INCIDENTS[kind] ?? kind, tone: toneOf(kind) },
              { text: what },
            ]),
          ),
    ),
    section(
      'Runs',
      `${plural(runs.length, 'run')}, of which ${simulation.retrainings} trained after the first one; ${simulation.checks} checks.`,
      tableOf(
        ['day', 'trigger', 'what came of it', 'version', 'rows', 'seconds', 'training'],
        runs.map((run): (Cell | string | number | null)[] => [
          run.day + 1,
          run.trigger,
          { text: run.headline, tone: run.live ? 'good' : run.status === 'rejected' || run.status === 'failed' ? 'bad' : 'quiet' },
          run.version,
          { text: run.rows === 0 ? '–' : run.rows.toLocaleString('en'), number: true },
          { text: run.seconds.toFixed(1), number: true },
          { text: run.trainingSeconds === 0 ? '–' : run.trainingSeconds.toFixed(1), number: true },
        ]),
      ),
    ),
    section(
      'Who did what',
      'Every change of the champion.',
      tableOf(
        ['day', 'change', 'from', 'to', 'who', 'why'],
        simulation.changes.map(({ day, action, from, to, who, why }): (Cell | string | number | null)[] => [
          day + 1,
          action,
          from,
          to,
          who,
          { text: why, tone: 'quiet' },
        ]),
      ),
    ),
    simulation.notes.length === 0 ? null : section('Notes', '', html`<ul>${simulation.notes.map((note) => html`<li>${note}</li>`)}</ul>`),
  );
}

/** What a person has to know, first. */
export function summaryOf({ served, oracle, loss, retrainings, days, seconds }: Simulation): string {
  const unanswered = days.filter((day) => day.answered < day.rows).length;
  return `Accuracy ${percent(served)} against ${percent(oracle)} of the oracle (${loss >= 0 ? `${loss.toFixed(2)} points less` : `${(-loss).toFixed(2)} points more`}), ${plural(retrainings, 'retraining')}; ${unanswered === 0 ? 'every row was answered' : `${plural(unanswered, 'day')} with rows that nobody answered`}; ${plural(days.length, 'day')} in ${duration(seconds)}.`;
}

function verdict(simulation: Simulation): Markup {
  const { bounds } = simulation;
  const kept = bounds.every((bound) => bound.kept);
  const tone = bounds.length === 0 ? '' : kept ? ' good' : ' bad';
  const word = bounds.length === 0 ? 'Played' : kept ? 'Within its bounds' : 'Beyond its bounds';
  return html`<div class="verdict${tone}"><strong>${word}</strong><p>${summaryOf(simulation)}</p>${
    bounds.length === 0
      ? null
      : html`<ul>${bounds.map((bound) => html`<li>${bound.kept ? '✔' : '✘'} ${bound.asked}: ${boundValue(bound.name, bound.value)}</li>`)}</ul>`
  }</div>
`;
}

/** "1.24 points", "12" */
export function boundValue(name: string, value: number): string {
  return name === 'loss' ? `${value.toFixed(2)} points` : String(value);
}

function rowsText({ days }: Simulation): string {
  return `${days.reduce((sum, { rows }) => sum + rows, 0).toLocaleString('en')} rows`;
}

function toneOf(kind: string): NonNullable<Cell['tone']> {
  if (kind === 'rolledBack' || kind === 'unpinned') return 'good';
  return kind === 'failed' || kind === 'brokenPromotion' || kind === 'refused' ? 'bad' : 'quiet';
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

function duration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  return minutes === 0 ? `${Math.round(seconds)} s` : `${minutes} min ${Math.round(seconds - 60 * minutes)} s`;
}
