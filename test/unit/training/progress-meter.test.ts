import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ProgressMeter } from '../../../src/training/trainer/progress-meter.ts';

let now = 0;
beforeEach(() => {
  now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
});
afterEach(() => vi.restoreAllMocks());

it('says no time left before it knows the speed: the first stretch compiles', () => {
  const meter = new ProgressMeter(100_000);
  meter.add(32);
  now = 1_200;
  expect(meter.measure(32, false)).toEqual({ fraction: 0.00032, samplesPerSecond: 0 });
  meter.add(5_000);
  now = 1_700;
  expect(meter.measure(5_032, false)).toEqual({ fraction: 0.05032, samplesPerSecond: 10_000, secondsLeft: 9 });
});

it('gives the last report of a training that ended early, however soon after the one before', () => {
  const meter = new ProgressMeter(10_000);
  meter.add(40);
  now = 200;
  expect(meter.measure(40, false)).toBeUndefined();
  expect(meter.measure(40, true)).toEqual({ fraction: 0.004, samplesPerSecond: 200, secondsLeft: 0 });
});

it('knows the speed of a training that is over in its first stretch', () => {
  const meter = new ProgressMeter(100);
  meter.add(100);
  now = 200;
  expect(meter.measure(100, true)).toEqual({ fraction: 1, samplesPerSecond: 500, secondsLeft: 0 });
});
