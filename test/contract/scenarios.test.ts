import { describe, expect, it } from 'vitest';
import { scenarios } from '../../src/simulation/scenarios/index.generated.ts';

const LENGTHS = [1, 10, 60, 365, 730];

describe.each(scenarios.map((scenario) => [scenario.name, scenario] as const))('the scenario %s', (_name, scenario) => {
  it('is described', () => {
    expect(scenario.summary).toMatch(/^[A-Z].*\.$/);
    expect(scenario.name).toMatch(/^[a-z][A-Za-z]*$/);
  });

  it('tells of every day the same each time, in numbers that can be added to rows', () => {
    for (const days of LENGTHS)
      for (let day = 0; day < days; day += Math.ceil(days / 40)) {
        const world = scenario.day(day, days);
        expect(scenario.day(day, days)).toEqual(world);
        for (const shift of world.shifts ?? []) expect(Math.abs(shift)).toBeLessThanOrEqual(10);
        for (const weight of world.classes ?? []) expect(weight).toBeGreaterThan(0);
        expect(typeof world.words).toBe('string');
      }
  });

  it('changes no more columns than it says it needs', () => {
    const used = LENGTHS.flatMap((days) =>
      Array.from({ length: days }, (_, day) => {
        const { shifts = [], broken } = scenario.day(day, days);
        return Math.max(shifts.length, broken === undefined ? 0 : broken.column + 1);
      }),
    );
    expect(Math.max(...used)).toBeLessThanOrEqual(scenario.numbers);
  });

  it('has its events on days that are played, the oldest first', () => {
    for (const days of LENGTHS) {
      const on = (scenario.events?.(days) ?? []).map(({ day }) => day);
      expect(on.every((day) => Number.isInteger(day) && day >= 0 && day < days)).toBe(true);
      expect([...on].sort((a, b) => a - b)).toEqual(on);
    }
  });
});
