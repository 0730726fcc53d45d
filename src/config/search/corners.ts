import { canonicalJson } from '../../core/json.ts';
import type { Json } from '../../core/json.ts';
import { Prng } from '../../core/prng.ts';
import { counts, drawn, placed } from '../../tuning/samplers/shared/draw.ts';
import type { Dimension, Point, Space } from '../../tuning/space.ts';

/** Points that a document is compiled with: more would make `validate` slow. */
const CORNERS_MAX = 160;

/**
 * Points by which a space shows what documents it gives: every choice, both bounds and a number between them, each where it counts; all
 * combinations while they are few, else every value of each dimension and each pair of neighbours with what chance adds.
 */
export function cornersOf(space: Space): Point[] {
  const names = Object.keys(space);
  const all = product(space, names);
  if (all !== undefined) return all;
  const found = new Map<string, Point>();
  const add = (point: Point): void => void found.set(canonicalJson(point), point);
  const first = complete(space, names, {});
  add(first);
  for (const name of names)
    for (const value of valuesOf(space[name]!)) add(complete(space, names, { ...requiredFor(space, name), [name]: value }));
  const prng = new Prng('corners');
  for (let tries = 0; tries < CORNERS_MAX * 4 && found.size < CORNERS_MAX; tries++) {
    const point = drawn(space, prng);
    add(
      complete(
        space,
        names,
        Object.fromEntries(
          Object.entries(point).map(([name, value]) => {
            const values = valuesOf(space[name]!);
            return [name, space[name]!.kind === 'choice' ? value : values[prng.below(values.length)]!];
          }),
        ),
      ),
    );
  }
  return [...found.values()];
}

/** Every combination; undefined where there are too many. */
function product(space: Space, names: readonly string[]): Point[] | undefined {
  let points: Point[] = [{}];
  for (const name of names) {
    const dimension = space[name]!;
    points = points.flatMap((point) =>
      counts(dimension, point) ? valuesOf(dimension).map((value) => ({ ...point, [name]: value })) : [point],
    );
    if (points.length > CORNERS_MAX) return undefined;
  }
  return points;
}

/** A point with these values, elsewhere the first. */
function complete(space: Space, names: readonly string[], given: Readonly<Record<string, Json>>): Point {
  const point: Record<string, Json> = {};
  for (const name of names) {
    const dimension = space[name]!;
    if (counts(dimension, point)) point[name] = given[name] ?? valuesOf(dimension)[0]!;
  }
  return point;
}

/** What other dimensions have to be for this one to count. */
function requiredFor(space: Space, name: string): Record<string, Json> {
  const { when } = space[name]!;
  return when === undefined ? {} : { ...requiredFor(space, when.dimension), [when.dimension]: when.in[0]! };
}

/** All choices; of numbers the bounds and one between them, which a rule for integers tells apart from them. */
function valuesOf(dimension: Dimension): readonly Json[] {
  if (dimension.kind === 'choice') return dimension.values;
  const { low, high } = dimension;
  const values = [low, placed(dimension, 1), ...(dimension.kind === 'float' ? [placed(dimension, 0.4142)] : [])];
  return [...new Set(values.filter((value) => value >= low && value <= high))];
}
