import type { StudyObjective } from '../core/tune-plan.ts';
import type { StoredTrial } from '../studies/stored-study.ts';
import { isBetter } from '../studies/winner.ts';
import { valueText } from '../tuning/describe.ts';
import type { Dimension, Space } from '../tuning/space.ts';
import { placeOf } from '../tuning/samplers/shared/draw.ts';
import { COLOURS, chart, figure } from './chart.ts';
import type { Markup } from './html.ts';

/** Dimensions of a picture of parallel coordinates: more cannot be told apart. */
const AXES_MAX = 10;
/** Lines of the learning curves, and of the parallel coordinates: the best of them. */
const LINES_MAX = 200;

type Scored = StoredTrial & { readonly values: readonly number[] };

export function scoredTrials(trials: readonly StoredTrial[]): Scored[] {
  return trials.filter((trial): trial is Scored => trial.state === 'completed' && trial.values !== undefined);
}

/** Every score by the number of its trial, and the best so far. */
export async function progressChart(trials: readonly StoredTrial[], { name, direction }: StudyObjective, at: number): Promise<Markup> {
  const scored = scoredTrials(trials).map(({ number, values }) => ({ number, score: values[at]! }));
  let best: number | undefined;
  const line = scored.map(({ number, score }) => {
    if (best === undefined || isBetter(score, best, direction)) best = score;
    return { number, score: best };
  });
  const encoding = {
    x: { field: 'number', type: 'quantitative', title: 'trial', axis: { tickMinStep: 1 } },
    y: { field: 'score', type: 'quantitative', title: name, scale: { zero: false } },
  };
  const picture = await chart(`progress-${at}`, `${name} of every trial`, {
    width: 420,
    height: 240,
    layer: [
      { data: { values: scored }, mark: { type: 'circle', size: 34, color: COLOURS.ours, opacity: 0.75 }, encoding },
      { data: { values: line }, mark: { type: 'line', interpolate: 'step-after', color: COLOURS.other, strokeWidth: 1.8 }, encoding },
    ],
  } as never);
  return figure(`${name} by trial`, picture, `Line: the best so far; ${direction === 'minimize' ? 'lower' : 'higher'} is better.`);
}

/** The scores by the values of one dimension. */
export async function dimensionChart(
  trials: readonly StoredTrial[],
  [name, dimension]: readonly [string, Dimension],
  objective: StudyObjective,
  at: number,
): Promise<Markup> {
  const points = scoredTrials(trials).flatMap(({ point, values }) =>
    point[name] === undefined ? [] : [{ value: dimension.kind === 'choice' ? valueText(point[name]) : point[name], score: values[0]! }],
  );
  const x =
    dimension.kind === 'choice'
      ? { field: 'value', type: 'nominal', title: name, sort: dimension.values.map(valueText), axis: { labelAngle: -30, labelLimit: 90 } }
      : {
          field: 'value',
          type: 'quantitative',
          title: name,
          scale: { type: dimension.scale, ...(dimension.scale === 'log' ? {} : { zero: false }), domain: [dimension.low, dimension.high] },
          axis: { tickCount: 4 },
        };
  const picture = await chart(`dimension-${at}`, `${objective.name} by ${name}`, {
    width: 240,
    height: 180,
    data: { values: points },
    mark: { type: 'circle', size: 30, color: COLOURS.ours, opacity: 0.7 },
    encoding: { x, y: { field: 'score', type: 'quantitative', title: objective.name, scale: { zero: false } } },
  } as never);
  return figure(name, picture, '');
}

/** Every trial as a line through the values of its dimensions, the best ones on top. */
export async function parallelChart(trials: readonly StoredTrial[], space: Space, objective: StudyObjective): Promise<Markup | undefined> {
  const names = Object.keys(space).slice(0, AXES_MAX);
  const ranked = scoredTrials(trials)
    .sort((a, b) => (isBetter(a.values[0]!, b.values[0]!, objective.direction) ? -1 : 1))
    .slice(0, LINES_MAX);
  if (names.length < 2 || ranked.length < 2) return undefined;
  const good = Math.max(1, Math.ceil(ranked.length / 10));
  const values = ranked.flatMap(({ number, point }, rank) =>
    names.flatMap((name) =>
      point[name] === undefined
        ? []
        : [
            {
              trial: number,
              name,
              place: placeIn(space[name]!, point[name]),
              good: rank < good ? 'best tenth' : 'others',
              order: rank < good ? 1 : 0,
            },
          ],
    ),
  );
  const ends = names.flatMap((name) => endsOf(space[name]!).map(([place, text]) => ({ name, place, text })));
  const x = {
    field: 'name',
    type: 'nominal',
    title: null,
    sort: names,
    scale: { type: 'point', padding: 0.6 },
    axis: { labelAngle: 0, labelLimit: 110, domain: false, grid: true },
  };
  const y = { field: 'place', type: 'quantitative', title: null, axis: null, scale: { domain: [-0.08, 1.08] } };
  const lines = (which: string, color: string, opacity: number): object => ({
    data: { values: values.filter((value) => value.good === which) },
    mark: { type: 'line', color, opacity, strokeWidth: which === 'others' ? 1 : 1.8 },
    encoding: { x, y, detail: { field: 'trial', type: 'nominal' } },
  });
  const picture = await chart('parallel', 'Values of every trial', {
    width: Math.max(320, Math.min(880, names.length * 130)),
    height: 260,
    layer: [
      lines('others', COLOURS.quiet, 0.3),
      lines('best tenth', COLOURS.other, 0.9),
      { data: { values: ends }, mark: { type: 'text', fontSize: 11, align: 'left', dx: 5 }, encoding: { x, y, text: { field: 'text' } } },
    ],
  } as never);
  return figure(
    'Values of every trial',
    picture,
    `Orange: the best tenth by ${objective.name}. A line that ends has no value for what follows.`,
  );
}

/** Where a value stands on its axis, 0 to 1. */
function placeIn(dimension: Dimension, value: unknown): number {
  if (dimension.kind !== 'choice') return placeOf(dimension, value as number);
  const at = dimension.values.findIndex((one) => JSON.stringify(one) === JSON.stringify(value));
  return dimension.values.length === 1 ? 0.5 : at / (dimension.values.length - 1);
}

function endsOf(dimension: Dimension): (readonly [number, string])[] {
  if (dimension.kind === 'choice')
    return dimension.values.length > 8 ? [] : dimension.values.map((value) => [placeIn(dimension, value), valueText(value)] as const);
  return [
    [placeOf(dimension, dimension.low), String(dimension.low)],
    [placeOf(dimension, dimension.high), String(dimension.high)],
  ];
}

/** Two objectives against each other, with the trials that none beats in both. */
export async function frontChart(
  trials: readonly StoredTrial[],
  objectives: readonly StudyObjective[],
  [one, other]: readonly [number, number],
  front: readonly number[],
): Promise<Markup> {
  const values = scoredTrials(trials).map(({ number, values: scores }) => ({
    x: scores[one]!,
    y: scores[other]!,
    which: front.includes(number) ? 'on the front' : 'beaten',
  }));
  const [a, b] = [objectives[one]!, objectives[other]!];
  const picture = await chart(`front-${one}-${other}`, `${b.name} against ${a.name}`, {
    width: 320,
    height: 260,
    data: { values },
    mark: { type: 'circle', size: 44, opacity: 0.85 },
    encoding: {
      x: { field: 'x', type: 'quantitative', title: `${a.name} (${a.direction})`, scale: { zero: false } },
      y: { field: 'y', type: 'quantitative', title: `${b.name} (${b.direction})`, scale: { zero: false } },
      color: {
        field: 'which',
        type: 'nominal',
        title: null,
        scale: { domain: ['on the front', 'beaten'], range: [COLOURS.other, COLOURS.quiet] },
        legend: { orient: 'bottom' },
      },
    },
  } as never);
  return figure(`${b.name} against ${a.name}`, picture, 'On the front: no trial is better in every objective.');
}

/** What a stopper looked at, epoch by epoch. */
export async function readingsChart(trials: readonly StoredTrial[]): Promise<Markup | undefined> {
  const read = trials.filter(({ readings }) => readings.length > 0).slice(0, LINES_MAX);
  if (read.length === 0) return undefined;
  const name = read[0]!.reading?.name ?? 'value';
  const values = read.flatMap(({ number, state, readings }) =>
    readings.map(({ epoch, value }) => ({ number, epoch, value, which: state === 'stopped' ? 'stopped' : 'went on' })),
  );
  const picture = await chart('readings', `${name} of every trial by epoch`, {
    width: 420,
    height: 240,
    data: { values },
    mark: { type: 'line', strokeWidth: 1.2, opacity: 0.75, point: { size: 14 } },
    encoding: {
      x: { field: 'epoch', type: 'quantitative', axis: { tickMinStep: 1 } },
      y: { field: 'value', type: 'quantitative', title: name, scale: { zero: false } },
      detail: { field: 'number', type: 'nominal' },
      color: {
        field: 'which',
        type: 'nominal',
        title: null,
        scale: { domain: ['went on', 'stopped'], range: [COLOURS.ours, COLOURS.quiet] },
        legend: { orient: 'bottom' },
      },
    },
  } as never);
  return figure(`${name} by epoch`, picture, 'As far as the stopper looked.');
}
