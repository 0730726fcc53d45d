import type { Json } from '../../core/json.ts';
import { triggers } from '../../monitoring/triggers/index.generated.ts';
import { defineCheck } from './check.ts';
import type { Finding } from '../diagnostic.ts';
import { durationMs, isDuration } from '../../core/duration.ts';
import { join } from '../pointer.ts';
import { isObject } from '../schema-walk.ts';

const YEAR_MS = 365 * 86_400_000;

export default defineCheck({
  name: 'durations',
  summary: 'Durations are longer than nothing and at most a year, and the longest pause is not below the first.',
  run({ steps, document }) {
    const findings: Finding[] = [];
    const length = (value: Json | undefined, pointer: string): number | undefined => {
      if (!isDuration(value)) return undefined;
      const milliseconds = durationMs(value);
      if (milliseconds >= 1 && milliseconds <= YEAR_MS) return milliseconds;
      findings.push({
        pointer,
        given: value,
        message: milliseconds < 1 ? `${value} is no time at all.` : `${value} is longer than a year.`,
        fix: 'Give a time from "1ms" to "365d".',
      });
      return undefined;
    };
    for (const { raw, pointer } of steps) {
      length(raw['timeout'], join(pointer, 'timeout'));
      const { retry } = raw;
      if (!isObject(retry)) continue;
      const first = length(retry['initialInterval'], join(pointer, 'retry', 'initialInterval'));
      const longest = length(retry['maximumInterval'], join(pointer, 'retry', 'maximumInterval'));
      if (first !== undefined && longest !== undefined && longest < first)
        findings.push({
          pointer: join(pointer, 'retry', 'maximumInterval'),
          given: retry['maximumInterval']!,
          message: `The longest pause (${String(retry['maximumInterval'])}) is shorter than the first (${String(retry['initialInterval'])}).`,
          fix: 'Raise "maximumInterval", or lower "initialInterval".',
        });
    }
    const { on } = document;
    if (!isObject(on)) return findings;
    for (const [trigger, keys] of Object.entries({
      schedule: ['catchup', 'every', 'jitter'],
      drift: ['every', 'window'],
      newData: ['every'],
      ...Object.fromEntries(triggers.map(({ name, durations }) => [name, ['every', ...durations.filter((key) => key !== 'delay')]])),
    })) {
      const config = on[trigger];
      if (isObject(config)) for (const key of keys) length(config[key], join('/on', trigger, key));
    }
    return findings;
  },
});
