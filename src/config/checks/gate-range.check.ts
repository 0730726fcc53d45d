import { metricRegistry } from '../../evaluation/metrics/index.generated.ts';
import { defineCheck, stepsOf } from './check.ts';
import type { Finding } from '../diagnostic.ts';
import { isObject } from '../schema-walk.ts';
import { join } from '../pointer.ts';

export default defineCheck({
  name: 'gate-range',
  summary: 'A gate asks for a value that its metric can have.',
  run(facts) {
    return stepsOf(facts, 'evaluate').flatMap(({ step, config }) => {
      const gates = Array.isArray(config['gates']) ? config['gates'] : [];
      return gates.flatMap((gate, index): Finding[] => {
        // With several labels a result is named by its label and its metric.
        const metric = isObject(gate) ? metricRegistry.find(String(gate['metric']).split('.').at(-1)!) : undefined;
        if (metric === undefined || !isObject(gate)) return [];
        const [lowest, highest] = metric.range;
        const { atLeast, atMost } = gate;
        const beyond = (key: 'atLeast' | 'atMost', given: number, end: number): Finding => {
          const share = highest === 1 && given >= 2 && given <= 100;
          return {
            pointer: join(step.pointer, 'with', 'gates', index, key),
            given,
            message: `No model passes this gate: "${metric.name}" is ${key === 'atLeast' ? 'at most' : 'at least'} ${end}, and ${given} was given.`,
            fix: share ? `Write ${Number((given / 100).toPrecision(12))} for ${given} %.` : 'Give a value that the metric can have.',
          };
        };
        return [
          ...(typeof atLeast === 'number' && highest !== null && atLeast > highest ? [beyond('atLeast', atLeast, highest)] : []),
          ...(typeof atMost === 'number' && lowest !== null && atMost < lowest ? [beyond('atMost', atMost, lowest)] : []),
        ];
      });
    });
  },
});
