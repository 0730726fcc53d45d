import { defineCheck, stepsOf } from '../check.ts';
import type { Finding } from '../diagnostic.ts';
import { join } from '../pointer.ts';

export default defineCheck({
  name: 'label-kept',
  summary: 'The label of `ingest` is not among the columns that are left out.',
  run(facts) {
    return stepsOf(facts, 'ingest').flatMap(({ step, config }): Finding[] => {
      const { label, exclude } = config;
      if (typeof label !== 'string' || !Array.isArray(exclude)) return [];
      const position = exclude.indexOf(label);
      if (position < 0) return [];
      return [{ pointer: join(step.pointer, 'with', 'exclude', position), given: label, message: `The label "${label}" is among the columns that are left out.`, fix: 'Remove it from "exclude", or choose another label.' }];
    });
  },
});
