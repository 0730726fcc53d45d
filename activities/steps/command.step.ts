import type { ProgramConfig } from '../../src/programs/program-config.ts';
import { defineStep } from '../../src/core/step.ts';
import { coverOf } from '../../src/steps/seen/cover.ts';
import { portsOf, portsSchema } from '../../src/steps/step-ports.ts';

/** Of the key `files`, for steps that run programs. */
export const FILES_TEXT =
  'Files, folders and patterns (*, **) from the folder of the document that decide the result besides configuration and inputs: when one changes, the step is computed anew. What a program is seen to read counts by itself: files that its command line names, sources and what they import or name. Where something cannot be seen (the network, other programs, packages, the environment, the clock, chance, names that files or parameters of functions hold), the result is cached only with "files".';

export default defineStep<ProgramConfig>({
  type: 'command',
  version: 1,
  summary: 'Runs any program: artifacts in and out as files, JSON on standard input.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['command'],
    properties: {
      command: {
        type: 'array',
        minItems: 1,
        items: { type: 'string' },
        description:
          'The program and its arguments. No shell reads it; name one for pipes: ["sh", "-c", "…"]. A program with "/" is looked for from "cwd".',
        examples: [
          ['python3', 'train.py'],
          ['sh', '-c', 'sort < in.txt | uniq'],
        ],
      },
      with: {
        type: 'object',
        default: {},
        description: 'Given to the program as "config" of the JSON on its standard input. Secrets: { "$secret": "NAME" }.',
        examples: [{ learningRate: 0.01 }],
      },
      takes: portsSchema('Artifacts that go in: name → kind. Their files lie in the folder inputs.<name>.path.', { table: 'dataset' }),
      gives: portsSchema(
        'Artifacts that come out: name → kind. What the program writes to the folder outputs.<name> becomes the artifact; meta.json there holds its facts, summary.txt its one line.',
        { scores: 'data' },
      ),
      cwd: {
        type: 'string',
        minLength: 1,
        default: '.',
        description: 'Folder that the program starts in, from the folder of the document.',
        examples: ['scripts'],
      },
      env: {
        type: 'object',
        default: {},
        propertyNames: { pattern: '^[A-Za-z_][A-Za-z0-9_]*$' },
        additionalProperties: {
          anyOf: [
            { type: 'string' },
            {
              type: 'object',
              additionalProperties: false,
              required: ['$secret'],
              properties: { $secret: { type: 'string', minLength: 1, description: 'Name of the environment variable.' } },
            },
          ],
        },
        description:
          'Variables of its environment. Besides these it gets PATH, HOME, TMPDIR and the locale (LANG, LC_…, TZ) of the worker, PYTHONHASHSEED=0, and nothing else.',
        examples: [{ PGPASSWORD: { $secret: 'PGPASSWORD' } }],
      },
      files: {
        type: 'array',
        items: { type: 'string', minLength: 1 },
        default: [],
        uniqueItems: true,
        description: FILES_TEXT,
        examples: [['src/**/*.py', 'settings.toml']],
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
    { title: 'A Python program that makes a file', config: { command: ['python3', 'score.py'], gives: { scores: 'data' } } },
    { title: 'A shell line over a dataset', config: { command: ['sh', '-c', 'ls'], takes: { table: 'dataset' } } },
  ],
  describe: ({ command }) => command.join(' '),
  async fingerprint(ctx, config) {
    const { fingerprintProgram } = await import('../../src/programs/run-program.ts');
    return fingerprintProgram(ctx, config);
  },
  covers: coverOf,
  watched: true,
  async run(ctx, config, inputs) {
    const { runProgram } = await import('../../src/programs/run-program.ts');
    return runProgram(ctx, config, inputs);
  },
});
