/**
 * What the start of a training costs: a step of one epoch on a small table, by a new process each time, and by one that is handed the next.
 *
 *     npm run build && node bench/run.mjs trainers [--times 9]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Prng } from '../src/core/prng.ts';
import type { StepContext } from '../src/core/step.ts';
import { SPLITS } from '../src/data/stored/dataset.ts';
import { ShardWriter } from '../src/data/stored/examples.ts';
import { createArtifactStore } from '../src/storage/artifact-store.ts';
import { MemoryStore } from '../src/storage/memory-store.ts';
import { runTraining } from '../src/training/step/run-training.ts';
import { completeTrainConfig } from '../src/training/step/train-config.ts';
import { Trainers } from '../src/training/step/trainers.ts';

const { values: options } = parseArgs({ args: process.argv.slice(3), options: { times: { type: 'string', default: '9' } } });
const home = mkdtempSync(join(tmpdir(), 'perennial-bench-'));
const store = new MemoryStore();
const artifacts = createArtifactStore(store, join(home, 'blobs'));
const features = { name: 'features', shape: [8], dtype: 'float32' } as const;
const label = { name: '@label', shape: [1], dtype: 'int32' } as const;

async function examples() {
  const files: Record<string, Uint8Array | { path: string }> = { 'preprocessor.json': Buffer.from('{}') };
  const splits: Record<string, { rows: number; shards: { rows: number }[] }> = {};
  for (const split of SPLITS) {
    const rows = 300;
    const prng = new Prng(split);
    const writer = new ShardWriter(home, split, [features, label]);
    const kinds = Int32Array.from({ length: rows }, () => prng.below(3));
    const data = Float32Array.from({ length: rows * 8 }, (_, at) => prng.normal() + kinds[Math.floor(at / 8)]!);
    await writer.write({ features: { spec: features, rows, data }, '@label': { spec: label, rows, data: kinds } });
    await writer.close();
    Object.assign(files, writer.files);
    splits[split] = { rows, shards: writer.shards };
  }
  const output = { kind: 'classes', name: 'kind', classes: ['a', 'b', 'c'] };
  return artifacts.write({ kind: 'examples', summary: '', files, meta: { inputs: [features], output, splits, dataset: '' } as never });
}

/** Milliseconds from the step's beginning to its first step of training, and to its end. */
async function once(ref: Awaited<ReturnType<typeof examples>>, trainers: Trainers, seed: number) {
  const workDir = mkdtempSync(join(home, 'work-'));
  const started = performance.now();
  let first: number | undefined;
  const nothing = (): void => undefined;
  const ctx = {
    runId: 'run',
    pipeline: 'bench',
    stepId: 'train',
    attempt: 1,
    workDir,
    store,
    artifacts,
    log: { info: nothing, warn: nothing, error: nothing },
    signal: new AbortController().signal,
    progress: ({ epoch }) => void (epoch === undefined ? undefined : (first ??= performance.now() - started)),
  } satisfies Pick<
    StepContext,
    'runId' | 'pipeline' | 'stepId' | 'attempt' | 'workDir' | 'store' | 'artifacts' | 'log' | 'signal' | 'progress'
  >;
  const config = completeTrainConfig({ model: { architecture: 'mlp', units: [32] }, epochs: 1, seed } as never);
  await runTraining(ctx, config, ref, undefined, undefined, trainers);
  return { toFirstEpoch: first!, whole: performance.now() - started };
}

function median(values: readonly number[]): number {
  return Math.round([...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!);
}

const times = Number(options.times);
try {
  const ref = await examples();
  const cold: Awaited<ReturnType<typeof once>>[] = [];
  const warm: Awaited<ReturnType<typeof once>>[] = [];
  const trainers = new Trainers();
  await once(ref, trainers, 0);
  // By turns, so that both see the machine as it is.
  for (let at = 1; at <= times; at++) {
    const fresh = new Trainers({ idleMax: 0 });
    cold.push(await once(ref, fresh, at));
    warm.push(await once(ref, trainers, at));
  }
  const row = (all: typeof cold) => ({
    medianMsToFirstEpoch: median(all.map(({ toFirstEpoch }) => toFirstEpoch)),
    medianMs: median(all.map(({ whole }) => whole)),
  });
  console.log(JSON.stringify({ times, newProcess: row(cold), handedTheNext: row(warm) }, null, 2));
  await trainers.close();
} finally {
  rmSync(home, { recursive: true, force: true });
}
