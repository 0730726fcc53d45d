import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { VectorMoments, frechetDistance } from '../../../src/evaluation/generators/frechet.ts';

interface Case {
  readonly rows: number;
  readonly width: number;
  readonly first: readonly number[];
  readonly second: readonly number[];
  readonly distance: number;
}

const { cases } = JSON.parse(readFileSync(new URL('./frechet.json', import.meta.url), 'utf8')) as { cases: Case[] };

describe.each(cases)('the Fréchet distance of $rows rows of $width values', ({ width, first, second, distance }) => {
  const momentsOf = (values: readonly number[]): VectorMoments => {
    const moments = new VectorMoments(width);
    moments.add(values);
    return moments;
  };

  it('is that of SciPy', () => {
    // With fewer rows than values the product has no full rank, and its root in SciPy is less exact.
    expect(Math.abs(frechetDistance(momentsOf(first), momentsOf(second)) - distance) / distance).toBeLessThan(1e-6);
  });

  it('does not depend on how rows are split, and is 0 to itself', () => {
    const half = Math.floor(first.length / width / 2) * width;
    const merged = momentsOf(first.slice(0, half));
    merged.merge(momentsOf(first.slice(half)));
    expect(frechetDistance(merged, momentsOf(second))).toBeCloseTo(frechetDistance(momentsOf(first), momentsOf(second)), 5);
    expect(frechetDistance(merged, momentsOf(first))).toBeLessThan(1e-6);
  });
});
