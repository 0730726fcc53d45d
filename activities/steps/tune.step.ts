import { PerennialError } from '../../src/core/errors.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { DEFAULT_RETRY, defineStep } from '../../src/core/step.ts';
import { describeTuning } from '../../src/tuning/describe.ts';
import { tuneConfigSchema } from '../../src/tuning/tune-config.ts';
import type { TuneConfig } from '../../src/tuning/tune-config.ts';

export default defineStep<JsonObject>({
  type: 'tune',
  version: 1,
  summary: 'Searches for values that the steps after it take as "${search.NAME}", by trials that are judged on the validation split.',
  configSchema: tuneConfigSchema,
  inputs: {},
  outputs: {},
  timeouts: { startToCloseMs: 7 * 24 * 3_600_000, heartbeatMs: 30_000 },
  retry: DEFAULT_RETRY,
  cacheable: false,
  examples: [
    {
      title: 'A learning rate and a network',
      config: {
        search: {
          learningRate: { float: [0.0001, 0.1], scale: 'log' },
          units: { choice: [[32], [64, 32]] },
          dropout: { float: [0, 0.5] },
        },
        objective: { metric: 'accuracy' },
        trials: 20,
        parallel: 2,
      },
    },
    {
      title: 'Good and small',
      config: {
        search: { units: { integer: [4, 256], scale: 'log' } },
        objective: [{ metric: 'accuracy' }, { value: 'parameters', direction: 'minimize' }],
        choose: 'balanced',
        trials: 30,
      },
    },
  ],
  describe: (config) => describeTuning(config as unknown as TuneConfig),
  // Workflows run it: each of its trials is a workflow of its own.
  run: () => Promise.reject(new PerennialError('INTERNAL', 'A tune step is a workflow, and was started as an activity.')),
});
