import { describe, expect, test } from 'vitest';
import { BEYOND_MIN, bounds, isElsewhere, otherUnit } from '../../../src/data/ingest/reference-units.ts';
import type { Numbers } from '../../../src/data/ingest/reference-units.ts';

/** Mulberry32. */
function source(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Draw = (random: () => number) => number;
const gauss: Draw = (random) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** With mean and standard deviation, as far as they are known. */
const SHAPES: Readonly<Record<string, { readonly draw: Draw; readonly mean: number; readonly deviation: number }>> = {
  weights: { draw: (r) => 70 + 12 * gauss(r), mean: 70, deviation: 12 },
  centred: { draw: (r) => gauss(r), mean: 0, deviation: 1 },
  temperatures: { draw: (r) => 15 + 8 * gauss(r), mean: 15, deviation: 8 },
  narrow: { draw: (r) => 2 + 4 * r(), mean: 4, deviation: 4 / Math.sqrt(12) },
  wide: { draw: (r) => 10 * r(), mean: 5, deviation: 10 / Math.sqrt(12) },
  prices: { draw: (r) => -20 * Math.log(1 - r()), mean: 20, deviation: 20 },
  'prices, some 0': { draw: (r) => (r() < 0.1 ? 0 : -20 * Math.log(1 - r())), mean: 18, deviation: 20 },
  incomes: { draw: (r) => Math.exp(10 + 0.6 * gauss(r)), mean: 26_400, deviation: 17_500 },
  'long tail': { draw: (r) => Math.exp(2 + 1.5 * gauss(r)), mean: 22.8, deviation: 66 },
  counts: { draw: (r) => Math.floor(-3 * Math.log(1 - r())), mean: 2.5, deviation: 2.9 },
  ratings: { draw: (r) => 1 + Math.floor(5 * r()), mean: 3, deviation: Math.SQRT2 },
  'mostly 0': { draw: (r) => (r() < 0.8 ? 0 : Math.ceil(5 * r())), mean: 0.6, deviation: 1.35 },
};

function numbers(draw: Draw, count: number, seed: number): Numbers {
  const random = source(seed);
  const all = Float64Array.from({ length: count }, () => draw(random)).sort();
  const kept = Math.min(count, 401);
  return {
    sample: Array.from({ length: kept }, (_, index) => all[Math.floor((index * (count - 1)) / (kept - 1))]!),
    count,
    min: all[0]!,
    max: all.at(-1)!,
  };
}

const stops = (before: Numbers, now: Numbers): boolean => otherUnit(before, now) !== undefined || isElsewhere(before, now);
const TABLES: readonly (readonly [number, number])[] = [
  [60, 60],
  [400, 400],
  [400, 800],
  [3_000, 6_000],
];

describe('another unit', () => {
  test.each(Object.entries(SHAPES))('honest data do not stop: %s', (shape, { draw, mean, deviation }) => {
    const wrong: string[] = [];
    // Sixty values of a long tail do not tell how far it reaches.
    for (const [old, young] of shape === 'long tail' ? TABLES.slice(1) : TABLES)
      for (let seed = 1; seed <= 12; seed++) {
        const before = numbers(draw, old, seed);
        const move = 2 * source(seed + 900)() - 1;
        const growth = mean <= 0 ? 1 : 1 + (move * deviation) / mean;
        const honest: Readonly<Record<string, Draw>> = {
          same: draw,
          moved: (r) => draw(r) + move * deviation,
          'moved by all of it': (r) => draw(r) + deviation * Math.sign(move),
          wider: (r) => (draw(r) - mean) * 1.5 + mean,
          ...(growth > 0.2 ? { grown: (r: () => number) => draw(r) * growth } : {}),
        };
        for (const [name, now] of Object.entries(honest)) {
          const after = numbers(now, young, seed + 5_000);
          if (stops(before, after))
            wrong.push(`${name} by ${move.toFixed(2)}, ${old} → ${young} rows, seed ${seed}: ${otherUnit(before, after)}`);
          const limits = bounds(before, after);
          const beyond = after.sample.filter(
            (v) => v !== 0 && limits !== undefined && (Math.abs(v) > limits.high || Math.abs(v) < limits.low),
          );
          if (beyond.length / after.sample.length >= BEYOND_MIN) wrong.push(`${name}, seed ${seed}: ${beyond.length} beyond the bounds`);
        }
      }
    expect(wrong).toEqual([]);
  });

  const UNITS: readonly (readonly [string, (value: number) => number, readonly string[]])[] = [
    ['×100', (v) => Math.round(v * 100), Object.keys(SHAPES)],
    ['÷100', (v) => v / 100, Object.keys(SHAPES)],
    ['×1000', (v) => v * 1_000, Object.keys(SHAPES)],
    ['÷1000', (v) => v / 1_000, Object.keys(SHAPES)],
    ['kg → lb', (v) => v * 2.2046, ['weights', 'narrow', 'wide']],
    ['lb → kg', (v) => v / 2.2046, ['weights', 'narrow']],
    ['°C → °F', (v) => v * 1.8 + 32, ['temperatures', 'weights']],
    ['°F → °C', (v) => (v - 32) / 1.8, ['weights']],
    ['°C → K', (v) => v + 273.15, ['temperatures']],
    ['in → cm', (v) => v * 2.54, ['weights', 'narrow', 'wide']],
    ['mi → km', (v) => v * 1.609344, ['weights']],
  ];
  test.each(UNITS)('%s stops', (_, unit, shapes) => {
    const missed: string[] = [];
    for (const shape of shapes)
      for (const [old, young] of TABLES.slice(1))
        for (let seed = 1; seed <= 10; seed++) {
          const { draw, deviation } = SHAPES[shape]!;
          // Data move a little while their unit changes.
          const move = 0.15 * deviation * (2 * source(seed)() - 1);
          const before = numbers(draw, old, seed);
          if (
            !stops(
              before,
              numbers((r) => unit(draw(r) + (draw === SHAPES['weights']!.draw ? move : 0)), young, seed + 5_000),
            )
          )
            missed.push(`${shape}, ${old} → ${young} rows, seed ${seed}`);
        }
    expect(missed).toEqual([]);
  });
});
