import type { Outcome } from '../core/outcome.ts';
import { plural } from '../core/plural.ts';
import type { ModelTimeline } from '../monitoring/timeline/model-timeline.ts';
import type { StoreDigest } from '../monitoring/timeline/store-digest.ts';
import { endEntry } from '../monitoring/timeline/timeline-entries.ts';
import type { TimelineEntry } from '../monitoring/timeline/timeline-entries.ts';
import { html, page, section } from './html.ts';
import { timelineTable } from './timeline-table.ts';
import { ENTRY_HEAD, entryCells, markdownTable, minuteText, plainText, timelineFacts } from './timeline-text.ts';
import { shownMetric } from './timeline-charts.ts';

/** Entries of a model; the whole is its time line. */
const ENTRIES_MAX = 12;
/** Where all ends of pipelines stand that have no model. */
const ALL = 'perennial digest --json';

/** What a digest says, in the order in which it says it: both forms are of it. */
interface Told {
  readonly title: string;
  readonly head: string;
  /** Somebody has to look: 'bad'; nothing to look at, and nothing went wrong: 'good'. */
  readonly tone: 'good' | 'bad' | 'quiet';
  readonly summary: string;
  readonly toLookAt: readonly TimelineEntry[];
  readonly models: readonly {
    readonly name: string;
    readonly facts: string;
    readonly entries: readonly TimelineEntry[];
    readonly more: number;
  }[];
  /** Of models to which nothing happened. */
  readonly quiet: string;
  /** Of pipelines that have no model. */
  readonly others: readonly TimelineEntry[];
  readonly moreOthers: number;
  readonly notes: readonly string[];
}

const HEADS = { bad: 'Somebody has to look', quiet: 'Nothing waits for anybody', good: 'All is well' };

function told({ from, to, toLookAt, models, others: otherEnds, notes: own }: StoreDigest): Told {
  const busy = models.filter(({ entries }) => entries.length > 0);
  const quiet = models.filter(({ entries }) => entries.length === 0).map(quietText);
  const others = otherEnds.map(endEntry);
  const shownOthers = shownOf(others);
  const incidents = [...others, ...busy.flatMap(({ entries }) => entries)].filter(({ tone }) => tone === 'bad').length;
  const notes = [...own, ...models.flatMap((timeline) => timeline.notes.map((note) => `${timeline.model}: ${note}`))];
  const pinned = models.filter(({ pin }) => pin !== null).map(({ model }) => model);
  const tone = toLookAt.length > 0 ? 'bad' : incidents + pinned.length + notes.length > 0 ? 'quiet' : 'good';
  return {
    title: `What happened from ${from.slice(0, 10)} to ${to.slice(0, 10)}`,
    head: HEADS[tone],
    tone,
    summary: [
      `${plural(models.length, 'model')}${quietOf(quiet.length, models.length)}, ${toLookAt.length === 0 ? 'nothing waits for anybody' : `${plural(toLookAt.length, 'thing')} to look at`}.`,
      ...(incidents === 0 ? [] : [`${plural(incidents, 'incident')} in this time.`]),
      ...(pinned.length === 0 ? [] : [`Pinned, so that no automation promotes: ${pinned.join(', ')}.`]),
      ...(notes.length === 0 ? [] : ['Something cannot be read or is left out: see the notes.']),
    ].join(' '),
    toLookAt: toLookAt.map(lastEntry),
    models: busy.map((timeline) => {
      const shown = shownOf(timeline.entries);
      return { name: timeline.model, facts: modelFacts(timeline), entries: shown, more: timeline.entries.length - shown.length };
    }),
    quiet: quiet.join('; '),
    others: shownOthers,
    moreOthers: others.length - shownOthers.length,
    notes,
  };
}

function quietOf(quiet: number, models: number): string {
  if (quiet === 0) return '';
  return quiet === models ? ' without news' : `, ${quiet} of them without news`;
}

/** Those that matter most, the newest first. @param entries oldest first */
function shownOf(entries: readonly TimelineEntry[]): TimelineEntry[] {
  const newest = entries.toReversed();
  const kept = new Set([...newest].sort((a, b) => Number(b.tone !== 'quiet') - Number(a.tone !== 'quiet')).slice(0, ENTRIES_MAX));
  return newest.filter((entry) => kept.has(entry));
}

const lastEntry = (outcome: Outcome): TimelineEntry => {
  const entry = endEntry(outcome);
  return { ...entry, what: `${outcome.pipeline}: ${entry.what}` };
};

function quietText({ model, champion }: ModelTimeline): string {
  return `${model} (${champion === null ? 'no champion' : `version ${champion}`})`;
}

/** Champion, counts, and how its answers did at the end of the time. */
function modelFacts(timeline: ModelTimeline): string {
  const { champion, pin, performance, versions } = timeline;
  const metric = shownMetric({ performance, versions });
  const live =
    metric === undefined ? undefined : performance.findLast((one) => one.version === champion && one.metrics[metric] !== undefined);
  const did =
    live === undefined || metric === undefined
      ? ''
      : ` In production ${metric} ${live.metrics[metric]!.toPrecision(4)} of ${plural(live.labelled, 'labelled answer')} from ${live.from.slice(0, 10)} on.`;
  return `${champion === null ? 'No champion' : `Version ${champion} is champion`}${pin === null ? '' : `, pinned by ${pin.by}`}. ${timelineFacts(timeline)}${did}`;
}

/** The digest as one line. */
export function digestLine(digest: StoreDigest): string {
  const { title, summary } = told(digest);
  return `${title}: ${summary}`;
}

/** The digest as Markdown. */
export function digestMarkdown(digest: StoreDigest): string {
  const { title, summary, toLookAt, models, quiet, others, moreOthers, notes } = told(digest);
  const table = (entries: readonly TimelineEntry[]): string[] => markdownTable(ENTRY_HEAD, entries.map(entryCells));
  return [
    `# ${title}`,
    '',
    summary,
    ...(toLookAt.length === 0 ? [] : ['', '## To look at', '', ...table(toLookAt)]),
    ...models.flatMap(({ name, facts, entries, more }) => [
      '',
      `## ${name}`,
      '',
      plainText(facts),
      '',
      ...table(entries),
      ...(more === 0 ? [] : ['', `${more} more: \`perennial models timeline ${name}\``]),
    ]),
    ...(quiet === '' ? [] : ['', '## Without news', '', quiet]),
    ...(others.length === 0 ? [] : ['', '## Pipelines without a model', '', ...table(others)]),
    ...(moreOthers === 0 ? [] : ['', `${moreOthers} more: \`${ALL}\``]),
    ...(notes.length === 0 ? [] : ['', '## Notes', '', ...notes.map((note) => `- ${plainText(note)}`)]),
    '',
  ].join('\n');
}

/** The digest as one self-contained HTML page. */
export function renderDigest(digest: StoreDigest): string {
  const { title, head, tone, summary, toLookAt, models, quiet, others, moreOthers, notes } = told(digest);
  return page(
    title,
    html`<header><h1>${title}</h1><p class="facts">${minuteText(digest.from)} to ${minuteText(digest.to)} UTC</p></header>
<div class="verdict${tone === 'quiet' ? '' : ` ${tone}`}"><strong>${head}</strong><p>${summary}</p></div>
`,
    toLookAt.length === 0 ? null : section('To look at', 'What came last of runs and checks, whenever it came.', timelineTable(toLookAt)),
    models.map(({ name, facts, entries, more }) =>
      section(
        name,
        facts,
        timelineTable(entries),
        more === 0 ? null : html`<p class="note">${more} more: <code>perennial models timeline ${name}</code></p>`,
      ),
    ),
    quiet === '' ? null : section('Without news', quiet),
    others.length === 0
      ? null
      : section(
          'Pipelines without a model',
          '',
          timelineTable(others),
          moreOthers === 0 ? null : html`<p class="note">${moreOthers} more: <code>${ALL}</code></p>`,
        ),
    notes.length === 0 ? null : section('Notes', '', html`<ul>${notes.map((note) => html`<li>${note}</li>`)}</ul>`),
  );
}
