import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { nearestRows } from '../../../src/data/neighbours/nearest-rows.ts';

interface Case {
  readonly name: string;
  readonly width: number;
  readonly k: number;
  readonly eighths: readonly number[];
  /** Squared distances in sixty-fourths. */
  readonly squares: readonly number[];
  /** null where several rows are equally near. */
  readonly neighbours: readonly number[] | null;
}

const cases = JSON.parse(readFileSync(new URL('neighbours.json', import.meta.url), 'utf8')) as Case[];

/** Every distance, sorted; of equally near rows the lower number first. */
function plain({ width, k, eighths }: Case): number[] {
  const rows = eighths.length / width;
  return Array.from({ length: rows }, (_, row) => {
    const square = (other: number): number =>
      eighths.slice(row * width, (row + 1) * width).reduce((sum, value, at) => sum + (value - eighths[other * width + at]!) ** 2, 0);
    return [...Array(rows).keys()]
      .filter((other) => other !== row)
      .sort((a, b) => square(a) - square(b) || a - b)
      .slice(0, k);
  }).flat();
}

describe.each([
  ['at once', undefined],
  ['in one thread', 1],
  ['in two threads', 2],
] as const)('%s', (_, threads) => {
  test.each(cases.map((each) => [each.name, each] as const))('%s: the neighbours of scikit-learn', async (_name, each) => {
    const { width, k, eighths, squares, neighbours } = each;
    const near = nearestRows(eighths.length / width, width, k, 'neighbours');
    near.values.set(eighths.map((value) => value / 8));
    const found = Array.from(await near.find({ what: 'neighbours', threads }));
    if (neighbours !== null) expect(found).toEqual(neighbours);
    expect(found).toEqual(plain(each));
    expect(
      found.map((other, place) => {
        const row = Math.floor(place / k);
        return Array.from({ length: width }, (__, at) => (eighths[row * width + at]! - eighths[other * width + at]!) ** 2).reduce(
          (sum, value) => sum + value,
          0,
        );
      }),
    ).toEqual(squares);
  });
});
