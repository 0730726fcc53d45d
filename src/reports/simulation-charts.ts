import type { Simulation } from '../core/simulation.ts';
import { COLOURS, chart, figure } from './chart.ts';
import type { Markup } from './html.ts';
import { TIME_WIDTH, stretchLayers, timeAxis } from './time-axis.ts';
import type { Stretch } from './time-axis.ts';

/** Days of which one value of a line is the mean. */
const SMOOTHED = 7;

/** x of all charts of a year lies at the same pixels. */
function days({ days: all }: Simulation, field = 'date'): object {
  return timeAxis(all[0]!.date, all.at(-1)!.date, field);
}

/** The kinds of incidents that are drawn, and how. */
const MARKS = {
  outage: { kinds: ['worker', 'store', 'server', 'temporal'], colour: COLOURS.quiet },
  data: { kinds: ['upstream', 'stopped', 'check'], colour: COLOURS.other },
  model: { kinds: ['refused', 'brokenPromotion', 'failed'], colour: COLOURS.bad },
  mended: { kinds: ['rolledBack', 'unpinned'], colour: COLOURS.good },
} as const;

type MarkName = keyof typeof MARKS;

/** The word for a kind of incident. */
export const INCIDENTS: Readonly<Record<string, string>> = {
  worker: 'worker killed',
  store: 'store away',
  server: 'server killed',
  temporal: 'Temporal away',
  upstream: 'broken upstream',
  stopped: 'run stopped by its data',
  check: 'check',
  refused: 'challenger refused',
  brokenPromotion: 'wrong labels',
  failed: 'run failed',
  rolledBack: 'rolled back',
  unpinned: 'let through again',
};

/** Right answers: what was served, and what the oracle would have. */
export async function metricChart(simulation: Simulation): Promise<Markup> {
  const values = simulation.days.flatMap(({ date, served, oracle }, at) => [
    {
      date,
      who: 'oracle',
      share: smoothed(
        simulation.days.map((day) => day.oracle),
        at,
      ),
      daily: oracle,
    },
    ...(served === null
      ? []
      : [
          {
            date,
            who: 'served',
            share: smoothed(
              simulation.days.map((day) => day.served),
              at,
            ),
            daily: served,
          },
        ]),
  ]);
  const colour = {
    field: 'who',
    type: 'nominal',
    title: null,
    scale: { domain: ['served', 'oracle'], range: [COLOURS.ours, COLOURS.quiet] },
    legend: { orient: 'top' },
  };
  const y = { type: 'quantitative', title: 'accuracy', scale: { zero: false }, axis: { format: '%', tickCount: 5 } };
  const picture = await chart('metric', 'Accuracy of what was served and of the oracle, day by day', {
    width: TIME_WIDTH,
    height: 240,
    data: { values },
    layer: [
      {
        mark: { type: 'circle', size: 12, opacity: 0.35 },
        encoding: { x: days(simulation), y: { ...y, field: 'daily' }, color: colour },
      },
      {
        mark: { type: 'line', strokeWidth: 2 },
        encoding: { x: days(simulation), y: { ...y, field: 'share' }, color: colour },
      },
    ],
  } as never);
  return figure('Right answers', picture, `Dots: days. Lines: their mean over ${SMOOTHED} days. Days without answers have none.`);
}

/** Which version answered, when runs ended and when something happened. */
export async function lifeChart(simulation: Simulation): Promise<Markup> {
  const lanes = ['champion', 'runs', 'incidents'];
  const runs = simulation.runs.map(({ at, live, status, headline }) => ({
    date: at.slice(0, 10),
    lane: 'runs',
    what: live ? 'promoted' : status === 'rejected' || status === 'failed' ? 'refused or failed' : 'not promoted',
    headline,
  }));
  const incidents = simulation.incidents.map(({ at, kind }) => ({
    date: at.slice(0, 10),
    lane: 'incidents',
    colour: MARKS[markOf(kind)].colour,
  }));
  const y = { field: 'lane', type: 'nominal', title: null, scale: { domain: lanes }, axis: { labelLimit: 120 } };
  const picture = await chart('life', 'Versions, runs and incidents', {
    width: TIME_WIDTH,
    height: 120,
    layer: [
      ...stretchLayers(stretchesOf(simulation), {
        lane: 'champion',
        x: days(simulation, 'from'),
        y,
        from: simulation.days[0]!.date,
        to: simulation.days.at(-1)!.date,
      }),
      {
        data: { values: runs },
        mark: { type: 'point', filled: true, size: 55, shape: 'triangle-up', opacity: 0.9 },
        encoding: {
          x: days(simulation),
          y,
          color: {
            field: 'what',
            type: 'nominal',
            title: 'run',
            scale: { domain: ['promoted', 'not promoted', 'refused or failed'], range: [COLOURS.good, COLOURS.quiet, COLOURS.bad] },
            legend: { orient: 'bottom' },
          },
        },
      },
      {
        data: { values: incidents },
        mark: { type: 'point', filled: true, size: 60, shape: 'diamond', opacity: 0.9 },
        encoding: { x: days(simulation), y, color: { field: 'colour', type: 'nominal', scale: null } },
      },
    ],
    resolve: { scale: { color: 'independent' } },
  } as never);
  return figure(
    'Versions, runs, incidents',
    picture,
    'Numbers: the version that was champion. Incidents: grey what failed around us, orange data, red models, green what was mended; each is told of below.',
  );
}

/** What the checks saw. */
export async function driftChart(simulation: Simulation): Promise<Markup> {
  const values = simulation.days.flatMap(({ date, drift, alarm }) =>
    drift === null ? [] : [{ date, drift, seen: alarm ? 'alarm' : 'none' }],
  );
  const picture = await chart('drift', 'Drift score of the daily checks', {
    width: TIME_WIDTH,
    height: 130,
    data: { values },
    mark: { type: 'bar', width: Math.max(1, Math.floor(TIME_WIDTH / simulation.days.length) - 1) },
    encoding: {
      x: days(simulation),
      y: { field: 'drift', type: 'quantitative', title: 'largest PSI', scale: { type: 'symlog' }, axis: { tickCount: 4 } },
      color: {
        field: 'seen',
        type: 'nominal',
        title: null,
        scale: { domain: ['none', 'alarm'], range: [COLOURS.ours, COLOURS.bad] },
        legend: { orient: 'top' },
      },
    },
  } as never);
  return figure('Drift', picture, 'Largest PSI of the columns at the check of the day, on a logarithmic scale. Red: it was called drift.');
}

/** What it took. */
export async function costChart(simulation: Simulation): Promise<Markup> {
  let [seconds, rows] = [0, 0];
  const runs = simulation.runs.map((run) => ({
    date: run.at.slice(0, 10),
    seconds: (seconds += run.seconds),
    rows: (rows += run.rows),
  }));
  const last = { date: simulation.days.at(-1)!.date, seconds, rows };
  const picture = await chart('cost', 'Seconds of computing, added up', {
    width: TIME_WIDTH,
    height: 110,
    data: { values: [...runs, last] },
    mark: { type: 'area', interpolate: 'step-after', color: COLOURS.other, opacity: 0.35, line: { color: COLOURS.other } },
    encoding: {
      x: days(simulation),
      y: { field: 'seconds', type: 'quantitative', title: 'seconds', stack: null, axis: { tickCount: 4 } },
    },
  } as never);
  return figure('Cost', picture, 'Seconds that the steps of all runs took on this machine, added up.');
}

/** Stretches of days with one champion. */
function stretchesOf({ days: all }: Simulation): Stretch[] {
  const stretches: Stretch[] = [];
  for (let from = 0; from < all.length;) {
    let to = from;
    while (to < all.length && all[to]!.version === all[from]!.version) to += 1;
    const { version, date } = all[from]!;
    if (version !== null) stretches.push({ version, from: date, to: (all[to] ?? all.at(-1)!).date });
    from = to;
  }
  return stretches;
}

function markOf(kind: string): MarkName {
  return (Object.keys(MARKS) as MarkName[]).find((name) => (MARKS[name].kinds as readonly string[]).includes(kind))!;
}

/** Mean of the days around one, of those that have a value. */
function smoothed(values: readonly (number | null)[], at: number): number {
  const half = Math.floor(SMOOTHED / 2);
  const near = values.slice(Math.max(0, at - half), at + half + 1).filter((value) => value !== null);
  return near.reduce((sum, value) => sum + value, 0) / Math.max(1, near.length);
}
