import { formatNumber } from '../evaluation/step/gate-words.ts';
import { fairText } from '../evaluation/champion/fair-rows.ts';
import type { EvaluationReport, MetricResult, OutputFindings } from '../evaluation/step/report.ts';
import {
  calibrationChart,
  confusionChart,
  errorChart,
  forecastChart,
  historyCharts,
  residualChart,
  rocChart,
  scatterChart,
} from './evaluation-charts.ts';
import { continuationsSection } from './continuations-section.ts';
import { insightSections } from './insight-sections.ts';
import { shownValue } from './shown-value.ts';
import { generatedSection } from './generated-section.ts';
import { html, page, section, tableOf } from './html.ts';
import { notesOf } from './metric-notes.ts';
import type { Cell, Markup } from './html.ts';

/** The report of an evaluation as one self-contained HTML page. Equal reports give equal bytes. */
export async function renderEvaluationReport(report: EvaluationReport): Promise<string> {
  const { output, rows } = report;
  const title = `Evaluation of ${report.pipeline}`;
  return page(
    title,
    html`<header><h1>${title}</h1>
<p class="facts">${rows.toLocaleString('en')} examples of the test split, which training never saw. The model predicts <strong>${output.name}</strong>${predictedKind(report)}.</p></header>
`,
    await evaluationBody(report, { history: true }),
  );
}

/** All of a report but its head. @param options.history false: the page shows the curves of the training itself */
export async function evaluationBody(report: EvaluationReport, { history }: { readonly history: boolean }): Promise<Markup> {
  const { model } = report;
  return html`${[
    verdict(report),
    section(
      'Metrics',
      metricsNote(report),
      metricsTable(report),
      Object.entries(notesOf(report)).map(([key, note]) => html`<p class="note"><strong>${key}</strong>: ${note}.</p>`),
    ),
    generatedSection(report),
    continuationsSection(report),
    await findingsSections(report, report),
    await Promise.all(
      (report.outputs ?? []).map(async (one) => [
        html`<h1>${one.output.name}</h1>
`,
        await findingsSections({ ...one, metrics: report.metrics.filter(({ key }) => one.metrics.includes(key)) }, report),
      ]),
    ),
    history ? await historySection(report) : null,
    section(
      'Model and data',
      '',
      html`<dl><dt>Model</dt><dd>${model.summary} <code>${model.digest.slice(0, 12)}</code></dd>
<dt>Parameters</dt><dd>${model.parameters.toLocaleString('en')}</dd>
<dt>Training</dt><dd>${model.optimizer}, ${model.loss}, ${model.epochsRun} epochs; weights of epoch ${model.bestEpoch}</dd>
<dt>Dataset</dt><dd>${report.dataset.summary} <code>${report.dataset.digest.slice(0, 12)}</code></dd>
${report.positive === undefined ? null : html`<dt>Positive class</dt><dd>${report.positive}</dd>`}
${report.threshold === undefined ? null : html`<dt>Threshold</dt><dd>${report.threshold}</dd>`}</dl>`,
    ),
  ]}`;
}

/** What one output is judged by. */
type Judged = OutputFindings & Pick<EvaluationReport, 'output' | 'metrics'>;

async function findingsSections(judged: Judged, { rows }: EvaluationReport): Promise<(Markup | null)[]> {
  return [
    await reconstructionSection(judged),
    await classificationSection(judged),
    await regressionSection(judged),
    slicesSection(judged, rows),
    worstSection(judged),
    ...(await insightSections(judged.insights, judged.output.name)),
  ];
}

function predictedKind({ output }: EvaluationReport): string {
  if (output.kind === 'samples') return ': it makes new ones';
  if (output.kind === 'text') return ': the token that comes next';
  if (output.kind === 'anomaly') return ': how badly it rebuilds a row';
  if (output.kind === 'classes') return ` (${output.classes!.length} classes)`;
  return output.kind === 'number' ? ' (a number)' : '';
}

function verdict({ gates, verdict: { passed } }: EvaluationReport): Markup {
  if (gates.length === 0)
    return html`<div class="verdict"><strong>Ungated: no gates were set</strong><p>Whatever the numbers, the pipeline goes on.</p></div>`;
  return html`<div class="verdict ${passed ? 'good' : 'bad'}"><strong>${passed ? 'Accepted: every gate is passed' : 'Rejected: not every gate is passed'}</strong>
<ul>${gates.map((gate) => html`<li><span class="${gate.passed ? 'good' : 'bad'}">${gate.passed ? '✓' : '✗'}</span> ${gate.sentence}</li>`)}</ul></div>
`;
}

export function metricsNote({ baseline, champion, noChampion }: Pick<EvaluationReport, 'baseline' | 'champion' | 'noChampion'>): string {
  const naive = baseline.kind === 'none' ? '' : ` The baseline is ${baseline.description}.`;
  const note = `↑ higher is better, ↓ lower is better.${naive}`;
  if (champion === undefined) return `${note} Not compared with a champion: ${noChampion ?? 'there is none'}.`;
  const { model, version, rows, fair, confidence, resamples } = champion;
  const same = rows === 1 ? 'the same row' : `the same ${rows.toLocaleString('en')} rows`;
  const which = fair === undefined ? '' : `: ${fairText(fair)}${rows === fair.left ? '' : `; both predict ${rows} of them`}`;
  const interval =
    resamples === 0
      ? 'such a model is judged on all of them at once, so there is no interval of the difference'
      : `the ${Math.round(confidence * 100)} % interval of the difference comes from ${resamples.toLocaleString('en')} paired bootstrap samples. Where it holds 0, the difference may be chance`;
  return `${note} The champion, ${model} version ${version}, was judged on ${same}${which}; ${interval}.`;
}

function metricsTable({ metrics, champion, baseline }: EvaluationReport): Markup {
  const head = [
    'metric',
    'this model',
    ...(baseline.kind === 'none' ? [] : ['baseline']),
    ...(champion === undefined ? [] : [`champion (v${champion.version})`, 'difference', '95 % interval']),
  ];
  const rows = metrics.map((metric) => {
    const arrow = metric.direction === 'maximize' ? '↑' : '↓';
    const cells: (Cell | string | number | null)[] = [{ text: `${metric.key} ${arrow}` }, numberCell(metric.value)];
    if (baseline.kind !== 'none') cells.push(numberCell(metric.baseline));
    if (champion !== undefined) cells.push(numberCell(metric.champion?.value ?? null), differenceCell(metric), intervalCell(metric));
    return cells;
  });
  return tableOf(head, rows);
}

function numberCell(value: number | null): Cell {
  return { text: value === null ? '–' : formatNumber(value), number: true };
}

function differenceCell({ champion, direction }: MetricResult): Cell {
  const difference = champion?.difference ?? null;
  if (difference === null) return { text: '–', number: true };
  const gain = direction === 'maximize' ? difference : -difference;
  return {
    text: `${difference > 0 ? '+' : ''}${formatNumber(difference)}`,
    number: true,
    ...(gain === 0 ? {} : { tone: gain > 0 ? 'good' : 'bad' }),
  };
}

function intervalCell({ champion }: MetricResult): Cell {
  if (champion?.low === undefined || champion.low === null || champion.high === null) return { text: '–', number: true };
  return { text: `${formatNumber(champion.low)} to ${formatNumber(champion.high)}`, number: true, tone: 'quiet' };
}

async function classificationSection({ classification }: Judged): Promise<Markup | null> {
  if (classification === undefined) return null;
  const charts = await Promise.all([confusionChart(classification), rocChart(classification), calibrationChart(classification)]);
  return section(
    'Where classes are confused',
    '',
    html`<div class="charts">${charts}</div>`,
    html`<h3>Per class</h3>`,
    tableOf(
      ['class', 'rows', 'predicted', 'precision', 'recall', 'F1'],
      classification.classes.map((one) => [
        one.class,
        numberCell(one.support),
        numberCell(one.predicted),
        numberCell(one.precision),
        numberCell(one.recall),
        numberCell(one.f1),
      ]),
    ),
  );
}

async function reconstructionSection({ reconstruction }: Judged): Promise<Markup | null> {
  if (reconstruction === undefined) return null;
  const { calibration, threshold, images } = reconstruction;
  const share = `${Number((100 * calibration.quantile).toPrecision(6))} %`;
  return section(
    'How it rebuilds the rows',
    `The score of a row is the ${reconstruction.error === 'squared' ? 'mean square' : 'mean size'} of the differences between its values, as the network reads them, and their reconstruction. Above ${formatNumber(threshold)} a row counts as an anomaly${reconstruction.calibrated ? `: ${share} of the ${calibration.rows.toLocaleString('en')} ${calibration.split} rows lie below` : ''}.`,
    await errorChart(reconstruction),
    images.map(
      ({ title, rows }) => html`<h3>${title}</h3>
<div class="pictures">${rows.map(({ index, error, original, rebuilt }) => html`<figure><img src="data:image/png;base64,${original}" alt="row ${index}"><img src="data:image/png;base64,${rebuilt}" alt="its reconstruction"><figcaption>${formatNumber(error)}</figcaption></figure>`)}</div>`,
    ),
    images.length === 0 ? null : html`<p class="note">Each pair is a row and what the model made of it, with the score below.</p>`,
  );
}

async function regressionSection({ regression, output }: Judged): Promise<Markup | null> {
  if (regression === undefined) return null;
  const series = regression.ordered ? await forecastChart(regression, output.name) : null;
  return section(
    'Predicted and actual',
    '',
    series,
    html`<div class="charts">${await Promise.all([scatterChart(regression, output.name), residualChart(regression, output.name)])}</div>`,
  );
}

function slicesSection({ slices, metrics }: Judged, all: number): Markup | null {
  if (slices.length === 0) return null;
  const note = `The same metrics on parts of the test split, worst first by ${metrics[0]?.key ?? ''}. A dash: undefined on so few rows or classes.`;
  return section(
    'By slice',
    note,
    slices.map((slice) => [
      html`<h3>${slice.column}</h3>`,
      tableOf(
        ['value', 'rows', ...metrics.map((metric) => metric.key)],
        slice.values.map((row) => [
          row.value,
          { text: `${row.rows} (${Math.round((100 * row.rows) / all)} %)`, number: true },
          ...metrics.map((metric) => numberCell(row.metrics[metric.key] ?? null)),
        ]),
      ),
      slice.left > 0 ? html`<p class="note">${slice.left} rarer values are left out.</p>` : null,
    ]),
  );
}

function worstSection({ worst, classification, output }: Judged): Markup | null {
  if (worst.length === 0) return null;
  const columns = [...new Set(worst.flatMap((row) => Object.keys(row.columns)))].filter((name) => name !== output.name).slice(0, 14);
  const isClass = classification !== undefined;
  return section(
    'Where it errs most',
    isClass
      ? 'Test rows to which the model gave the lowest probability of the true class, worst first. Often the label itself is wrong here.'
      : 'Test rows with the largest error, worst first. Often the label itself is wrong here.',
    tableOf(
      ['row', 'actual', 'predicted', isClass ? 'probability' : 'error', ...columns],
      worst.map((row) => [
        { text: row.index, number: true },
        { text: row.label },
        { text: row.predicted, ...(isClass ? { tone: row.label === row.predicted ? ('good' as const) : ('bad' as const) } : {}) },
        isClass ? numberCell(row.probability) : numberCell(row.loss),
        ...columns.map((column): Cell => ({ text: shownValue(row.columns[column], column), tone: 'quiet' })),
      ]),
    ),
  );
}

async function historySection({ history, model }: EvaluationReport): Promise<Markup | null> {
  if (history.length === 0) return null;
  return section(
    'How it was trained',
    'Where validation turns away from training, the model begins to learn the training rows by heart.',
    html`<div class="charts">${await historyCharts(history, model.bestEpoch)}</div>`,
  );
}
