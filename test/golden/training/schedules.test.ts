import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { resolveNamed } from '../../../src/training/model/named.ts';
import { callbackRegistry } from '../../../src/training/callbacks/index.generated.ts';

interface Case {
  readonly config: Readonly<Record<string, unknown>>;
  readonly shares: readonly number[];
}

const { cases } = JSON.parse(readFileSync(join(import.meta.dirname, 'schedules.json'), 'utf8')) as { cases: Case[] };

test.each(cases.map((golden) => [JSON.stringify(golden.config), golden] as const))(
  'the schedule %s agrees with Keras 3',
  (_title, { config, shares }) => {
    const { definition, config: complete } = resolveNamed(callbackRegistry, { learningRateSchedule: config });
    const callback = definition.create(complete, { epochs: 20, stepsPerEpoch: 5, steps: 100, numbers: [] });
    for (const [index, share] of shares.entries())
      expect(Math.abs(callback.learningRateFactor!(3 * index, Math.floor((3 * index) / 5)) - share), `step ${3 * index}`).toBeLessThan(
        1e-6,
      );
  },
);
