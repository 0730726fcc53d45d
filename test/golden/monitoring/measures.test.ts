import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { CHARACTERS_MAX } from '../../../src/monitoring/measures/measure.ts';
import { measureRegistry } from '../../../src/monitoring/measures/index.generated.ts';

const { texts, moments, want } = JSON.parse(readFileSync(new URL('measures.json', import.meta.url), 'utf8')) as {
  readonly texts: readonly string[];
  readonly moments: readonly number[];
  readonly want: Readonly<Record<string, readonly (number | string)[]>>;
};

it.each(Object.entries(want))('%s agrees with Python', (name, values) => {
  const measure = measureRegistry.get(name);
  const given = measure.of === 'text' ? texts.map((text) => text.slice(0, CHARACTERS_MAX)) : moments;
  const taken = given.map((value) => measure.take(value, undefined));
  values.forEach((value, at) => {
    if (typeof value === 'number') expect(taken[at]).toBeCloseTo(value, 12);
    else expect(taken[at]).toBe(value);
  });
});
