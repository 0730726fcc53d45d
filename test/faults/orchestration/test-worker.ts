import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { defineStep } from '../../../src/core/step.ts';
import { runWorker } from '../../../src/worker/worker.ts';

/** A worker process with one step type that counts to `epochs`, saving after each, and tells every epoch to a file. */
const [home, bundle] = process.argv.slice(2) as [string, string];

const count = defineStep<{ epochs: number; ms: number }>({
  type: 'count',
  version: 1,
  summary: 'counts',
  configSchema: {},
  inputs: {},
  outputs: { out: { kind: 'data' } },
  timeouts: { startToCloseMs: 60_000, heartbeatMs: 2_000 },
  retry: { maximumAttempts: 5, initialIntervalMs: 10, backoffCoefficient: 1, maximumIntervalMs: 10 },
  cacheable: true,
  examples: [],
  async run(ctx, { epochs, ms }) {
    const checkpoint = join(ctx.workDir, 'epoch');
    let epoch = existsSync(checkpoint) ? Number(readFileSync(checkpoint, 'utf8')) : 0;
    while (epoch < epochs) {
      await new Promise((resolve) => setTimeout(resolve, ms));
      ctx.signal.throwIfAborted();
      epoch += 1;
      writeFileSync(checkpoint, String(epoch));
      appendFileSync(join(home, `${ctx.runId}.log`), `${ctx.attempt}:${epoch}\n`);
      ctx.progress({ message: 'counting', epoch, epochs });
    }
    return {
      outputs: { out: await ctx.artifacts.write({ kind: 'data', summary: `counted to ${epoch}`, files: {}, meta: { epoch } }) },
      values: { epoch },
    };
  },
});

const store = new FileStore(join(home, 'store'));
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
await runWorker({
  signal: stop.signal,
  deps: {
    store,
    artifacts: createArtifactStore(store, join(home, 'blobs')),
    steps: [count],
    workRoot: join(home, 'work'),
    codeDigest: () => 'test',
  },
  options: { workflowBundle: { codePath: bundle } },
  onReady: () => process.send?.({ ready: true }),
});
process.exit(0);
