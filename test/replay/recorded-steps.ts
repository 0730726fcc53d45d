import { PerennialError } from '../../src/core/errors.ts';
import { createRegistry } from '../../src/registry/registry.ts';
import { testStep } from '../integration/temporal/harness.ts';

const data = { out: { kind: 'data' } } as const;
/** What the steps of recorded runs do. */
export const recordedSteps = [
  testStep({
    type: 'make',
    outputs: data,
    run: async (ctx) => ({
      outputs: { out: await ctx.artifacts.write({ kind: 'data', summary: 'made', files: {}, meta: {} }) },
      values: { size: 3 },
    }),
  }),
  testStep({
    type: 'join',
    outputs: data,
    inputs: { in0: { kind: 'data', optional: true }, in1: { kind: 'data', optional: true } },
    run: async (ctx, _config, inputs) => ({
      outputs: { out: await ctx.artifacts.write({ kind: 'data', summary: 'joined', files: {}, meta: Object.keys(inputs) }) },
    }),
  }),
  testStep({
    type: 'judge',
    outputs: { out: { kind: 'evaluation' } },
    run: async (ctx, config: { passed: boolean }) => ({
      outputs: { out: await ctx.artifacts.write({ kind: 'evaluation', summary: 'judged', files: {}, meta: {} }) },
      values: { accuracy: 0.9 },
      verdict: { passed: config.passed, reasons: ['accuracy 0.9'] },
    }),
  }),
  testStep({
    type: 'fail',
    outputs: data,
    cacheable: false,
    run: async () => {
      throw new PerennialError('DATA_INVALID', 'Row 3 is broken.');
    },
  }),
  testStep({
    type: 'wait',
    outputs: data,
    cacheable: false,
    run: (ctx) =>
      new Promise((_, reject) => {
        const timer = setInterval(() => ctx.progress({ message: 'waiting', epoch: 1, epochs: 2, loss: 0.5 }), 200);
        ctx.signal.addEventListener(
          'abort',
          () => {
            clearInterval(timer);
            reject(new Error('aborted'));
          },
          { once: true },
        );
      }),
  }),
  testStep({
    type: 'train',
    outputs: { out: { kind: 'model' } },
    cacheable: false,
    // Slow enough for a scheduled run to look out for ticks.
    run: async (ctx, { slow }: { slow: boolean }) => {
      if (slow) await new Promise((resolve) => setTimeout(resolve, 6_000));
      return { outputs: { out: await ctx.artifacts.write({ kind: 'model', summary: 'trained', files: {}, meta: {} }) } };
    },
  }),
  testStep({
    type: 'enrol',
    inputs: { in0: { kind: 'model' } },
    outputs: { out: { kind: 'version' } },
    cacheable: false,
    run: async (ctx, { model }: { model: string }, { in0 }) => {
      const registry = createRegistry(ctx.store, ctx.artifacts);
      const { version } = await registry.register({ model, modelRef: in0!, pipeline: ctx.pipeline, runId: ctx.runId, stepId: 'register' });
      return {
        outputs: { out: await ctx.artifacts.write({ kind: 'version', summary: `v${version}`, files: {}, meta: {} }) },
        values: { model, version },
      };
    },
  }),
];
