import type { JsonObject } from '../core/json.ts';
import type { DatasetProfile } from '../data/stored/dataset.ts';
import type { EvaluationReport } from '../evaluation/step/report.ts';
import { completeTrainConfig } from '../training/step/train-config.ts';
import { diagnoseCurves } from '../training/step/diagnose-curves.ts';
import type { TrainingCurves } from '../training/curves/curves.ts';
import { evaluationBody } from './evaluation-report.ts';
import { historyCharts } from './evaluation-charts.ts';
import { html, page, section, tableOf } from './html.ts';
import type { Markup } from './html.ts';
import { renderMarkdown } from './markdown.ts';
import { profileSection } from './profile-section.ts';

/** A step as a report tells of it. */
export interface ReportedStep {
  readonly id: string;
  readonly type: string;
  readonly status: string;
  readonly durationMs?: number;
  readonly cached?: boolean;
  readonly reason?: string;
  /** Markdown. */
  readonly details?: string;
  readonly failure?: string;
}

/** All that is known of a run, or of a version, for one page. */
export interface RunReportParts {
  /** E.g. "penguins, version 3". */
  readonly subject: string;
  readonly pipeline: string;
  readonly run: string;
  /** ISO 8601 UTC. */
  readonly date: string;
  /** What to know at first, by name. */
  readonly facts: Readonly<Record<string, string>>;
  readonly failure?: string;
  readonly steps: readonly ReportedStep[];
  readonly parameters: JsonObject;
  /** Complete configuration of each step, by its id. */
  readonly document: Readonly<Record<string, JsonObject>>;
  readonly trainings: readonly Pick<TrainingCurves, 'step' | 'state' | 'why' | 'points' | 'trained' | 'bestEpoch' | 'epochs'>[];
  readonly evaluation?: EvaluationReport;
  readonly profile?: DatasetProfile;
  readonly tags?: Readonly<Record<string, string>>;
  readonly notes?: readonly { readonly at: string; readonly by: string; readonly text: string }[];
}

/** One self-contained page about a run or a version: nothing is loaded from anywhere. */
export async function renderRunReport(parts: RunReportParts): Promise<string> {
  const { subject, pipeline, run, date, facts, failure, evaluation, profile, notes = [], tags = {} } = parts;
  const day = date.slice(0, 10);
  const title = [subject, ...(subject.includes(run) ? [] : [`run ${run}`]), `pipeline ${pipeline}`, day].join(' · ');
  return page(
    title,
    html`<header><h1>${subject}</h1>
<p class="facts">${[`pipeline ${pipeline}`, `run ${run}`, `${date.slice(0, 19).replace('T', ' ')} UTC`].join(' · ')}</p></header>
<dl>${Object.entries(facts).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}
${
  Object.keys(tags).length === 0
    ? null
    : html`<dt>Tags</dt><dd>${Object.entries(tags)
        .map(([tag, value]) => (value === '' ? tag : `${tag}=${value}`))
        .join(', ')}</dd>`
}
${notes.map(({ at, by, text }) => html`<dt>Note</dt><dd>${text} (${by}, ${at.slice(0, 10)})</dd>`)}</dl>
`,
    failure === undefined ? null : html`<div class="verdict bad"><strong>Failed</strong><p>${failure}</p></div>`,
    evaluation === undefined ? null : await evaluationBody(evaluation, { history: false }),
    await Promise.all(parts.trainings.map((training) => curvesSection(training, parts.document[training.step]))),
    profile === undefined ? null : profileSection(profile),
    stepsSection(parts.steps),
    parametersSection(parts.parameters),
    Object.keys(parts.document).length === 0
      ? null
      : section(
          'Resolved document',
          'Every setting of every step, defaults filled in.',
          Object.entries(parts.document).map(
            ([id, config]) => html`<h3>${id}</h3><pre>${JSON.stringify(config, null, 2)}</pre>
`,
          ),
        ),
  );
}

async function curvesSection(training: RunReportParts['trainings'][number], config: JsonObject | undefined): Promise<Markup> {
  const { step, state, why, points, trained, bestEpoch, epochs } = training;
  const name = `Training of ${step}`;
  const how = state === 'done' ? '' : ` It is ${state === 'running' ? 'not finished' : state}${why === undefined ? '' : `: ${why}`}.`;
  if (points.length === 0) return section(name, `No epoch came to its end.${how}`);
  const history = points.map(({ epoch, numbers }) => ({ epoch, ...numbers }));
  const charts = await historyCharts(history, bestEpoch ?? points.at(-1)!.epoch, {
    id: step,
    ...(trained === undefined ? {} : { trained }),
  });
  return section(
    name,
    `${points.length} of ${epochs} epochs.${how} Where validation turns away from training, the model begins to learn the training rows by heart.`,
    config?.['model'] === undefined ? null : diagnosis(history, bestEpoch ?? points.at(-1)!.epoch, config),
    html`<div class="charts">${charts}</div>`,
  );
}

/** What the curves say of the model, in the words that the run gave. */
function diagnosis(history: Parameters<typeof diagnoseCurves>[0]['history'], keptEpoch: number, config: JsonObject): Markup | null {
  const found = diagnoseCurves({ history, keptEpoch }, completeTrainConfig(config));
  return found.length === 0 ? null : html`<div class="verdict">${found.map((text) => html`<p>${text}</p>`)}</div>`;
}

function stepsSection(steps: readonly ReportedStep[]): Markup | null {
  if (steps.length === 0) return null;
  const seconds = (ms: number | undefined): string =>
    ms === undefined ? '–' : ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
  return section(
    'Steps',
    '',
    tableOf(
      ['step', 'type', 'status', 'took', 'why'],
      steps.map(({ id, type, status, durationMs, cached, reason = '', failure }) => [
        { text: id },
        { text: type },
        { text: cached === true ? `${status}, from the cache` : status, ...(failure === undefined ? {} : { tone: 'bad' as const }) },
        { text: seconds(durationMs), number: true },
        { text: failure ?? reason, tone: 'quiet' },
      ]),
    ),
    steps
      .filter(({ details, type }) => details !== undefined && details !== '' && type !== 'evaluate' && type !== 'train')
      .map(({ id, details }) => html`<h3>${id}</h3>${renderMarkdown(details!)}`),
  );
}

function parametersSection(parameters: JsonObject): Markup | null {
  const entries = Object.entries(parameters);
  if (entries.length === 0) return null;
  return section(
    'Parameters',
    '',
    tableOf(
      ['parameter', 'value'],
      entries.map(([name, value]) => [{ text: name }, { text: typeof value === 'string' ? value : JSON.stringify(value) }]),
    ),
  );
}
