import { verdictWord } from '../core/step.ts';
import type { ModelTimeline } from '../monitoring/timeline/model-timeline.ts';
import { html, page, section, tableOf } from './html.ts';
import type { Cell, Markup } from './html.ts';
import { timelineTable } from './timeline-table.ts';
import { minuteText, timelineFacts } from './timeline-text.ts';
import { checksChart, lifeChart, performanceChart, shownMetric } from './timeline-charts.ts';

/** Entries that a page has room for, the newest. */
const ENTRIES_MAX = 1_000;
/** Charts are of an hour at least, with a margin before what came first. */
const SHOWN_MIN_MS = 3_600_000;
const MARGIN = 0.03;

/** What became of a model, as one self-contained HTML page. Equal time lines give equal bytes. */
export async function renderTimeline(timeline: ModelTimeline): Promise<string> {
  const { model, from, to, entries, versions, notes } = timeline;
  const title = `Time line of ${model}`;
  const shown = entries.toReversed().slice(0, ENTRIES_MAX);
  const drawn = { ...timeline, from: firstMoment(timeline) };
  return page(
    title,
    html`<header><h1>${title}</h1><p class="facts">${minuteText(from)} to ${minuteText(to)} UTC</p></header>
${verdict(timeline)}`,
    section('At a glance', '', (await performanceChart(drawn)) ?? null, await lifeChart(drawn), (await checksChart(drawn)) ?? null),
    section(
      'What happened, and who did what',
      entries.length > shown.length ? `The ${shown.length} newest of ${entries.length} entries, the newest first.` : 'The newest first.',
      shown.length === 0 ? html`<p>Nothing in this time.</p>` : timelineTable(shown),
    ),
    versions.length === 0 ? null : section('Versions', 'Those that were registered or served in this time.', versionTable(timeline)),
    timeline.performance.length === 0
      ? null
      : section('In production', 'From the labels and flags that are known.', performanceTable(timeline)),
    notes.length === 0 ? null : section('Notes', '', html`<ul>${notes.map((note) => html`<li>${note}</li>`)}</ul>`),
  );
}

/** Where the charts begin: charts of a young model would show an empty stretch, and all that happened in their last pixel. */
function firstMoment({ from, to, entries, checks, reigns, performance }: ModelTimeline): string {
  const known = [...entries.map(({ at }) => at), ...checks.map(({ at }) => at), ...[...reigns, ...performance].map((one) => one.from)];
  const first = Math.min(Date.parse(to) - SHOWN_MIN_MS, ...known.map((at) => Date.parse(at)));
  const margin = (Date.parse(to) - first) * MARGIN;
  return new Date(Math.max(Date.parse(from), first - margin)).toISOString();
}

function verdict(timeline: ModelTimeline): Markup {
  const { champion, pin, reigns, entries } = timeline;
  const bad = entries.some(({ tone }) => tone === 'bad');
  const since = reigns.at(-1);
  const head = champion === null ? 'No version is champion' : `Version ${champion} is champion`;
  return html`<div class="verdict${champion === null || bad ? '' : ' good'}"><strong>${head}</strong><p>${
    champion === null || since === undefined ? '' : `Since ${minuteText(since.from)}${since.from === timeline.from ? ' or longer' : ''}. `
  }${pin === null ? '' : `Pinned to version ${pin.version} by ${pin.by}: ${pin.why}. `}${timelineFacts(timeline)}</p></div>
`;
}

function versionTable({ versions, deleted, performance, reigns, champion }: ModelTimeline): Markup {
  const metric = shownMetric({ performance, versions });
  return tableOf(
    ['version', 'registered (UTC)', 'by', ...(metric === undefined ? [] : [metric]), 'verdict', 'served'],
    versions.map(({ version, createdAt, createdBy, metrics, verdict: judged }): (Cell | string | number | null)[] => [
      {
        text: deleted.includes(version) ? `${version}, deleted since` : String(version),
        ...(version === champion ? { tone: 'good' as const } : {}),
      },
      minuteText(createdAt),
      createdBy,
      ...(metric === undefined ? [] : [{ text: numberOf(metrics[metric]), number: true }]),
      judged === null ? null : verdictWord(judged),
      reigns
        .filter((reign) => reign.version === version)
        .map((reign) => `${minuteText(reign.from)} – ${minuteText(reign.to)}`)
        .join('; '),
    ]),
  );
}

function performanceTable({ performance }: ModelTimeline): Markup {
  const names = [...new Set(performance.flatMap(({ metrics }) => Object.keys(metrics)))];
  return tableOf(
    ['from', 'version', 'answers', 'labelled', 'taken for wrong', ...names],
    performance.map(({ from, version, predictions, labelled, flagged, metrics }): (Cell | string | number)[] => [
      from.slice(0, 10),
      version,
      predictions,
      labelled,
      flagged,
      ...names.map((name) => ({ text: numberOf(metrics[name]), number: true })),
    ]),
  );
}

function numberOf(value: number | undefined): string {
  return value === undefined ? '–' : value.toPrecision(4);
}
