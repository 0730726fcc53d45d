import { PerennialError } from '../../core/errors.ts';
import { canonicalJson } from '../../core/json.ts';
import type { Json } from '../../core/json.ts';
import { optionsSchema } from '../options.ts';
import type { Dimension, Point, Space } from '../space.ts';
import { counts, onGrid, valuesOf } from './shared/draw.ts';
import { defineSampler } from './sampler.ts';

interface GridConfig {
  readonly points?: number;
  readonly pointsOf?: Readonly<Record<string, number>>;
}

export default defineSampler<GridConfig>({
  name: 'grid',
  aliases: ['gridSearch', 'exhaustive', 'bruteForce'],
  summary: 'Every combination once; the last dimension changes first.',
  learns: false,
  configSchema: optionsSchema('How many values a number takes.', {
    points: {
      type: 'integer',
      minimum: 2,
      description: 'Values of every number that has no step, evenly spread over its scale, both bounds among them.',
      examples: [5],
    },
    pointsOf: {
      type: 'object',
      additionalProperties: { type: 'integer', minimum: 2 },
      description: 'The same for single dimensions, by their names, integers and those with a step among them.',
      examples: [{ learningRate: 4 }],
    },
  }),
  reference: 'https://en.wikipedia.org/wiki/Hyperparameter_optimization#Grid_search',
  refuses(space, config) {
    for (const name of Object.keys(config.pointsOf ?? {})) {
      const dimension = space[name];
      if (dimension === undefined)
        return `"pointsOf" names "${name}", which is no dimension of the space. There is: ${Object.keys(space).join(', ')}.`;
      if (dimension.kind === 'choice') return `"pointsOf" names "${name}", which is a choice: it takes every one of its values.`;
    }
    for (const [name, dimension] of Object.entries(space))
      if (dimension.kind !== 'choice' && axisLength(name, dimension, config) === Infinity)
        return `"${name}" is any number from ${String(dimension.low)} to ${String(dimension.high)}: a grid needs a "step" there, or "points" in its options.`;
    return undefined;
  },
  points: (space, config) => new Grid(space, config).size,
  suggest({ space, config, number }) {
    const grid = new Grid(space, config);
    if (number >= grid.size)
      throw new PerennialError('INTERNAL', `The grid has ${String(grid.size)} points; number ${String(number)} was asked for.`);
    return grid.point(number);
  },
});

/** Combinations of a space in their order, without listing them. */
class Grid {
  readonly #names: readonly string[];
  readonly #space: Space;
  readonly #axes: ReadonlyMap<string, readonly Json[]>;
  readonly #sizes = new Map<string, number>();
  readonly size: number;

  constructor(space: Space, config: GridConfig) {
    this.#space = space;
    this.#names = Object.keys(space);
    this.#axes = new Map(Object.entries(space).map(([name, dimension]) => [name, axis(name, dimension, config)]));
    this.size = this.#combinations(0, {});
  }

  point(number: number): Point {
    const point: Record<string, Json> = {};
    let rest = number;
    for (const [at, name] of this.#names.entries()) {
      if (!counts(this.#space[name]!, point)) continue;
      for (const value of this.#axes.get(name)!) {
        const below = this.#combinations(at + 1, { ...point, [name]: value });
        if (rest < below) {
          point[name] = value;
          break;
        }
        rest -= below;
      }
    }
    return point;
  }

  /** Combinations of the dimensions from number `at` on, where those before it have these values. */
  #combinations(at: number, point: Point): number {
    if (at === this.#names.length) return 1;
    // Only what a later condition names makes a difference.
    const later = this.#names.slice(at).map((name) => this.#space[name]!.when?.dimension);
    const key = `${String(at)} ${canonicalJson(Object.fromEntries(later.flatMap((name) => (name !== undefined && name in point ? [[name, point[name]!]] : []))))}`;
    const known = this.#sizes.get(key);
    if (known !== undefined) return known;
    const name = this.#names[at]!;
    const size = counts(this.#space[name]!, point) ? this.#named(at, name, point) : this.#combinations(at + 1, point);
    this.#sizes.set(key, size);
    return size;
  }

  #named(at: number, name: string, point: Point): number {
    const values = this.#axes.get(name)!;
    const matters = this.#names.slice(at + 1).some((later) => this.#space[later]!.when?.dimension === name);
    if (!matters) return values.length * this.#combinations(at + 1, point);
    return values.reduce<number>((sum, value) => sum + this.#combinations(at + 1, { ...point, [name]: value }), 0);
  }
}

function axisLength(name: string, dimension: Dimension, { points, pointsOf }: GridConfig): number {
  if (dimension.kind === 'choice') return dimension.values.length;
  const own = pointsOf?.[name];
  const all = valuesOf(dimension);
  return own === undefined ? (all === Infinity ? (points ?? Infinity) : all) : Math.min(own, all);
}

function axis(name: string, dimension: Dimension, config: GridConfig): readonly Json[] {
  if (dimension.kind === 'choice') return dimension.values;
  const count = axisLength(name, dimension, config);
  if (count === Infinity) throw new PerennialError('INTERNAL', `The grid was not asked whether it refuses "${name}".`);
  if (count === valuesOf(dimension)) return Array.from({ length: count }, (_, at) => onGrid(dimension, at));
  const { low, high, scale } = dimension;
  const spread = Array.from({ length: count }, (_, at) => {
    const share = at / (count - 1);
    const value = scale === 'log' ? Math.exp(Math.log(low) + share * (Math.log(high) - Math.log(low))) : low + share * (high - low);
    const round = at === 0 ? low : at === count - 1 ? high : Number(value.toPrecision(12));
    return valuesOf(dimension) === Infinity ? round : onGrid(dimension, Math.round((round - low) / (dimension.step ?? 1)));
  });
  return [...new Set(spread)];
}
