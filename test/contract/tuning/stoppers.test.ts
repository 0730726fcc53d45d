import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { stopperRegistry } from '../../../src/tuning/stoppers/index.generated.ts';
import type { TrialRecord } from '../../../src/tuning/trial.ts';

const EPOCHS = 27;

/** A trial whose value is `level` away from its end by 1 / epoch, up to an epoch. */
function trial(number: number, level: number, epoch: number, state: TrialRecord['state'] = 'running'): TrialRecord {
  return { number, point: {}, state, readings: Array.from({ length: epoch }, (_, at) => ({ epoch: at + 1, value: level + 1 / (at + 1) })) };
}

describe.each(stopperRegistry.all())('stopper $name', (stopper) => {
  const asked = stopper.asksAt(EPOCHS, {});
  const others = Array.from({ length: 12 }, (_, number) => trial(number, number / 12, EPOCHS, 'completed'));
  const stops = (one: TrialRecord, among: readonly TrialRecord[], direction: 'minimize' | 'maximize' = 'minimize'): boolean =>
    stopper.stops({ direction, others: among, trial: one, epochs: EPOCHS, config: {} });

  it('says what it is, and where the definition comes from', () => {
    expect(stopper.name).toMatch(/^[a-z][A-Za-z0-9]*$/);
    expect(stopper.summary).toMatch(/^[A-Z].*\.$/);
    expect(stopper.reference).toMatch(/^https:\/\//);
    expect(Object.isFrozen(stopper)).toBe(true);
    const schema = stopper.configSchema as { properties: Record<string, { description?: string }> };
    const validate = new Ajv({ strict: true }).compile(schema);
    expect(validate({})).toBe(true);
    expect(validate({ misspelt: 1 })).toBe(false);
    for (const [name, property] of Object.entries(schema.properties)) expect(property.description, name).toBeTruthy();
  });

  it.each([1, 2, 3, 10, 27, 100])('asks at epochs below the last, ascending, each once: %i', (epochs) => {
    const found = stopper.asksAt(epochs, {});
    expect(found).toEqual([...new Set(found)].sort((a, b) => a - b));
    for (const epoch of found) expect(epoch >= 1 && epoch < epochs).toBe(true);
  });

  it('never ends what is best so far, nor a first trial', () => {
    for (const epoch of asked) {
      expect(stops(trial(12, -1, epoch), others)).toBe(false);
      expect(stops(trial(0, 5, epoch), [])).toBe(false);
    }
  });

  it('ends what is worst, at one of its epochs at least', () => {
    // Of a bracket of Hyperband that compares.
    const numbers = Array.from({ length: 20 }, (_, at) => 12 + at);
    const many = Array.from({ length: 200 }, (_, number) => trial(number + 100, number / 200, EPOCHS, 'completed'));
    for (const direction of ['minimize', 'maximize'] as const) {
      const level = direction === 'minimize' ? 9 : -9;
      const ended = numbers.filter((number) => asked.some((epoch) => stops(trial(number, level, epoch), many, direction)));
      expect(ended.length).toBeGreaterThan(numbers.length / 2);
    }
  });

  it('ends what gives no number once others do', () => {
    const lost: TrialRecord = { ...trial(12, 0, 9), readings: Array.from({ length: 9 }, (_, at) => ({ epoch: at + 1, value: NaN })) };
    expect(typeof stops(lost, others)).toBe('boolean');
    if (stopper.name !== 'hyperband') expect(stops(lost, others)).toBe(true);
  });

  it('answers the same question in the same way', () => {
    for (const epoch of asked) {
      const one = trial(12, 0.6, epoch);
      expect(stops(one, structuredClone(others))).toBe(stops(structuredClone(one), others));
    }
  });
});
