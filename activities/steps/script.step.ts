import type { ScriptConfig } from '../../src/programs/script/config.ts';
import { defineStep } from '../../src/core/step.ts';
import { coverOf } from '../../src/steps/seen/cover.ts';
import { portsOf, portsSchema } from '../../src/steps/step-ports.ts';
import { FILES_TEXT } from './command.step.ts';

export default defineStep<ScriptConfig>({
  type: 'script',
  version: 1,
  summary: 'Runs a local TypeScript step with the same contract as the steps that ship, in a process of its own.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['path'],
    properties: {
      path: {
        type: 'string',
        minLength: 1,
        description: 'The module, from the folder of the document. Written as "uses": "./my-step.ts".',
        examples: ['./my-step.ts'],
      },
      with: {
        type: 'object',
        default: {},
        description: 'Configuration that the step gets; checked against its "configSchema" where it has one.',
        examples: [{ threshold: 0.5 }],
      },
      takes: portsSchema('Artifacts that go in: name → kind.', { table: 'dataset' }),
      gives: portsSchema('Artifacts that come out: name → kind.', { table: 'dataset' }),
      files: {
        type: 'array',
        items: { type: 'string', minLength: 1 },
        default: [],
        uniqueItems: true,
        description: FILES_TEXT,
        examples: [['lookup.csv']],
      },
    },
  },
  inputs: {},
  outputs: {},
  ports: portsOf,
  timeouts: { startToCloseMs: 24 * 3_600_000, heartbeatMs: 15_000 },
  retry: { maximumAttempts: 3, initialIntervalMs: 1_000, backoffCoefficient: 2, maximumIntervalMs: 30_000 },
  cacheable: true,
  heavy: true,
  examples: [
    { title: 'A step beside the document', config: { path: './my-step.ts', takes: { table: 'dataset' }, gives: { scores: 'data' } } },
  ],
  describe: ({ path }) => path,
  async fingerprint(ctx, config) {
    const { fingerprintScript } = await import('../../src/programs/script/fingerprint.ts');
    return fingerprintScript(ctx, config);
  },
  covers: coverOf,
  watched: true,
  async run(ctx, config, inputs) {
    const { runScript } = await import('../../src/programs/script/run.ts');
    return runScript(ctx, config, inputs);
  },
});
