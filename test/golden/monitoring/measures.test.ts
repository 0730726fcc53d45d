import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { imageFacts } from '../../../src/data/images/image-facts.ts';
import { CHARACTERS_MAX } from '../../../src/monitoring/measures/measure.ts';
import { measureRegistry } from '../../../src/monitoring/measures/index.generated.ts';

const { texts, moments, images, want } = JSON.parse(readFileSync(new URL('measures.json', import.meta.url), 'utf8')) as {
  readonly texts: readonly string[];
  readonly moments: readonly number[];
  readonly images: readonly { readonly width: number; readonly height: number; readonly data: string }[];
  readonly want: Readonly<Record<string, readonly (number | string | null)[]>>;
};

const pictures = images.map(({ width, height, data }) => ({ width, height, channels: 3, data: Uint8Array.from(Buffer.from(data, 'hex')) }));
const facts = await Promise.all(pictures.map(imageFacts));
const given = {
  text: texts.map((text) => text.slice(0, CHARACTERS_MAX)),
  timestamp: moments,
  image: facts,
};

it.each(Object.entries(want))('%s agrees with Python', (name, values) => {
  const measure = measureRegistry.get(name);
  const taken = given[measure.of].map((value) => measure.take(value, undefined));
  values.forEach((value, at) => {
    // Of images six digits are kept.
    if (typeof value === 'number' && measure.of === 'image') expect(taken[at]).toBe(Number(value.toPrecision(6)));
    else if (typeof value === 'number') expect(taken[at]).toBeCloseTo(value, 12);
    else expect(taken[at]).toBe(value);
  });
});
