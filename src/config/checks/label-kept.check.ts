import { defineCheck, stepsOf } from './check.ts';
import type { Json } from '../../core/json.ts';
import type { Finding } from '../diagnostic.ts';
import { join } from '../pointer.ts';

export default defineCheck({
  name: 'label-kept',
  summary: 'The label of `ingest` is not among the columns that are left out.',
  run(facts) {
    return stepsOf(facts, 'ingest').flatMap(({ step, config }): Finding[] => {
      const label = config.label as Json | undefined;
      const { exclude } = config;
      if (!Array.isArray(exclude)) return [];
      const labels = Array.isArray(label) ? label : [label];
      return exclude.flatMap((name, position) =>
        !(labels as readonly (Json | undefined)[]).includes(name)
          ? []
          : [
              {
                pointer: join(step.pointer, 'with', 'exclude', position),
                given: name,
                message: `The label "${String(name)}" is among the columns that are left out.`,
                fix: 'Remove it from "exclude", or choose another label.',
              },
            ],
      );
    });
  },
});
