import { penalized } from './shared/activity.ts';
import { passed } from './shared/plain.ts';
import { defineLayer } from './layer.ts';
import { number } from '../model/schema-parts.ts';

export default defineLayer<{ readonly l1: number; readonly l2: number }>({
  type: 'activityRegularization',
  keras: { className: 'ActivityRegularization' },
  summary: 'Gives what it reads, and adds a penalty on it to the loss.',
  properties: {
    l1: number('Factor of the sum of absolute values of an example.', 0, 0.01, { minimum: 0 }),
    l2: number('Factor of the sum of squares of an example.', 0, 0.01, { minimum: 0 }),
  },
  outputShape: ([input]) => input!,
  call: (tf, [x], _weights, config, context) => penalized(tf, x!, config, context),
  plain: () => passed,
  examples: [{ inputs: [[4]], config: { l1: 0.1, l2: 0.05 } }],
});
