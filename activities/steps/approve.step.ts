import { ON_TIMEOUT } from '../../src/core/approval.ts';
import type { OnTimeout } from '../../src/core/approval.ts';
import { DEFAULT_RETRY, defineStep } from '../../src/core/step.ts';

interface ApproveConfig {
  readonly ask?: string;
  readonly onTimeout?: OnTimeout;
}

const WEEK_MS = 7 * 24 * 3_600_000;

export default defineStep<ApproveConfig>({
  type: 'approve',
  version: 1,
  summary:
    'Asks a person: what is made of the model waits until somebody approves it, and stops where somebody rejects it. Other runs of the pipeline may go meanwhile.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      ask: {
        type: 'string',
        minLength: 1,
        maxLength: 500,
        description: 'What is asked. Default: whether the model may go on.',
        examples: ['Do the worst errors of the report look harmless?'],
      },
      onTimeout: {
        enum: [...ON_TIMEOUT],
        default: 'reject',
        description:
          'What happens where nobody answers within the "timeout" of the step, which is 7 days unless it says otherwise: "reject" rejects the run, "approve" goes on, "fail" fails the run.',
      },
    },
  },
  inputs: {
    model: {
      kind: 'model',
      optional: true,
      description: 'What is made of it after this step waits for the answer. Without a model before it, every later step waits.',
    },
    evaluation: { kind: 'evaluation', optional: true, description: 'Its metrics and gates are shown as grounds for the answer.' },
    version: { kind: 'version', optional: true, description: 'The answer is kept with it, be it yes or no.' },
  },
  outputs: {},
  timeouts: { startToCloseMs: WEEK_MS, heartbeatMs: 15_000 },
  retry: DEFAULT_RETRY,
  // Somebody is asked each time.
  cacheable: false,
  examples: [
    { title: 'Before the model is registered', config: { ask: 'Do the worst errors of the report look harmless?', onTimeout: 'reject' } },
    { title: 'An objection that has to come in time', config: { ask: 'Does anything speak against it?', onTimeout: 'approve' } },
  ],
  describe: ({ ask, onTimeout }) => `asks: ${ask ?? 'may the model go on?'} (no answer: ${onTimeout ?? 'reject'})`,
  async run(ctx, { ask, onTimeout = 'reject' }, inputs) {
    const { evidenceOf, questionOf } = await import('../../src/deployment/approval-evidence.ts');
    const evidence = await evidenceOf(ctx, inputs);
    return { outputs: {}, asks: { text: ask ?? questionOf(inputs), evidence, onTimeout } };
  },
});
