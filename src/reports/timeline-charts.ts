import type { ModelTimeline } from '../monitoring/timeline/model-timeline.ts';
import { COLOURS, chart, figure } from './chart.ts';
import type { Markup } from './html.ts';
import { TIME_WIDTH, stretchLayers, timeAxis } from './time-axis.ts';

/** Dots that a chart of checks has room for. */
const CHECKS_MAX = 400;
/** Pixels left of the charts, so that their times lie above each other. */
const LABELS = 64;

const xOf = ({ from, to }: ModelTimeline, field = 'at'): object => timeAxis(from, to, field);

/** The metric that stands for the model: the first of production that its versions were judged by; else the first of either. */
export function shownMetric({ performance, versions }: Pick<ModelTimeline, 'performance' | 'versions'>): string | undefined {
  const live = performance.flatMap(({ metrics }) => Object.keys(metrics));
  const judged = versions.toReversed().flatMap(({ metrics }) => Object.keys(metrics));
  return live.find((name) => judged.includes(name)) ?? live[0] ?? judged[0];
}

/** How the answers of each version did, beside what it was registered with; undefined where there is no number at all. */
export async function performanceChart(timeline: ModelTimeline): Promise<Markup | undefined> {
  const metric = shownMetric(timeline);
  if (metric === undefined) return undefined;
  const live = timeline.performance.flatMap(({ from, version, metrics, intervals, labelled }) => {
    const value = metrics[metric];
    if (value === undefined) return [];
    const at = new Date(Math.max(Date.parse(from), Date.parse(timeline.from))).toISOString();
    return [
      { at, version: `version ${version}`, value, low: intervals[metric]?.low ?? value, high: intervals[metric]?.high ?? value, labelled },
    ];
  });
  const registered = timeline.versions
    .filter(({ createdAt }) => createdAt >= timeline.from && createdAt < timeline.to)
    .flatMap(({ createdAt: at, version, metrics }) => {
      const value = metrics[metric];
      return value === undefined ? [] : [{ at, version: `version ${version}`, value }];
    });
  if (live.length + registered.length === 0) return undefined;
  const y = { type: 'quantitative', title: metric, scale: { zero: false }, axis: { tickCount: 5, minExtent: LABELS } };
  const color = {
    field: 'version',
    type: 'nominal',
    title: null,
    legend: new Set([...live, ...registered].map(({ version }) => version)).size > 12 ? null : { orient: 'top' },
  };
  const picture = await chart('performance', `${metric} in production by period and version, and when it was registered`, {
    width: TIME_WIDTH,
    height: 220,
    layer: [
      {
        data: { values: live },
        mark: { type: 'rule', strokeWidth: 2, opacity: 0.5 },
        encoding: { x: xOf(timeline), y: { ...y, field: 'low' }, y2: { field: 'high' }, color },
      },
      {
        data: { values: live },
        mark: { type: 'circle', size: 45 },
        encoding: { x: xOf(timeline), y: { ...y, field: 'value' }, color },
      },
      {
        data: { values: registered },
        mark: { type: 'point', shape: 'diamond', size: 70, strokeWidth: 2 },
        encoding: { x: xOf(timeline), y: { ...y, field: 'value' }, color },
      },
    ],
  } as never);
  return figure(
    metric,
    picture,
    `Dots: in production, ${timeline.periodMs <= 86_400_000 ? 'by day' : 'by week'}, with 95 % intervals, from the labels that are known. Diamonds: on the test rows, when a version was registered.`,
  );
}

const LANES = ['champion', 'runs', 'incidents'];

/** Which version served, when runs ended, and what somebody had to look at. */
export async function lifeChart(timeline: ModelTimeline): Promise<Markup> {
  const y = { field: 'lane', type: 'nominal', title: null, scale: { domain: LANES }, axis: { labelLimit: 120, minExtent: LABELS } };
  const runs = timeline.entries.filter(({ kind }) => kind === 'run').map(({ at, tone }) => ({ at, lane: 'runs', colour: colourOf(tone) }));
  const incidents = timeline.entries
    .filter(({ kind, tone }) => kind !== 'run' && tone === 'bad')
    .map(({ at, kind }) => ({ at, lane: 'incidents', colour: kind === 'routing' ? COLOURS.good : COLOURS.bad }));
  const point = { type: 'point', filled: true, opacity: 0.9 };
  const encoding = { x: xOf(timeline), y, color: { field: 'colour', type: 'nominal', scale: null } };
  const picture = await chart('life', 'Champions, runs and incidents', {
    width: TIME_WIDTH,
    height: 120,
    layer: [
      ...stretchLayers(timeline.reigns, { lane: 'champion', x: xOf(timeline, 'from'), y, from: timeline.from, to: timeline.to }),
      { data: { values: oncePerPixel(runs, timeline) }, mark: { ...point, size: 55, shape: 'triangle-up' }, encoding },
      { data: { values: oncePerPixel(incidents, timeline) }, mark: { ...point, size: 60, shape: 'diamond' }, encoding },
    ],
    resolve: { scale: { color: 'independent' } },
  } as never);
  return figure(
    'Champions, runs, incidents',
    picture,
    'Numbers: the version that was champion. Runs: red failed or rejected. Incidents: red what somebody has to look at, green a rollback.',
  );
}

/** Of marks that would lie on each other, the last. */
function oncePerPixel<Mark extends { readonly at: string; readonly colour: string }>(
  marks: readonly Mark[],
  { from, to }: Pick<ModelTimeline, 'from' | 'to'>,
): Mark[] {
  const pixelMs = Math.max(1, (Date.parse(to) - Date.parse(from)) / TIME_WIDTH);
  return [...new Map(marks.map((mark) => [`${mark.colour} ${Math.floor(Date.parse(mark.at) / pixelMs)}`, mark])).values()];
}

/** What the checks for drift saw; undefined where there was none. */
export async function checksChart(timeline: ModelTimeline): Promise<Markup | undefined> {
  if (timeline.checks.length === 0) return undefined;
  const kept = strongest(timeline.checks);
  const picture = await chart('checks', 'Drift score of the checks', {
    width: TIME_WIDTH,
    height: 130,
    data: { values: kept.map(({ at, driftScore, outcome }) => ({ at, driftScore, seen: seenOf(outcome) })) },
    mark: { type: 'circle', size: 40, opacity: 0.85 },
    encoding: {
      x: xOf(timeline),
      y: {
        field: 'driftScore',
        type: 'quantitative',
        title: 'largest PSI',
        scale: { type: 'symlog' },
        axis: { tickCount: 4, minExtent: LABELS },
      },
      color: {
        field: 'seen',
        type: 'nominal',
        title: null,
        scale: { domain: ['none', 'drift, no alarm', 'alarm'], range: [COLOURS.ours, COLOURS.other, COLOURS.bad] },
        legend: { orient: 'top' },
      },
    },
  } as never);
  const few =
    kept.length < timeline.checks.length ? ` Of ${timeline.checks.length} checks, the one with the largest in each stretch of time.` : '';
  return figure('Drift', picture, `Largest PSI of the columns at each check, on a logarithmic scale.${few}`);
}

/** Alarms, and of the others the one with the largest score in each of so many parts of the list. */
function strongest(checks: ModelTimeline['checks']): ModelTimeline['checks'] {
  if (checks.length <= CHECKS_MAX) return checks;
  const size = Math.ceil(checks.length / CHECKS_MAX);
  return checks.filter((check, at) => {
    const part = checks.slice(at - (at % size), at - (at % size) + size);
    return check.outcome === 'alarm' || check === part.reduce((most, one) => (one.driftScore > most.driftScore ? one : most));
  });
}

function seenOf(outcome: string): string {
  if (outcome === 'alarm') return 'alarm';
  return outcome === 'waiting' || outcome === 'coolingDown' ? 'drift, no alarm' : 'none';
}

function colourOf(tone: 'good' | 'bad' | 'quiet'): string {
  return tone === 'bad' ? COLOURS.bad : tone === 'good' ? COLOURS.good : COLOURS.quiet;
}
