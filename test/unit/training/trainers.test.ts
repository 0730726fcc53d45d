import { readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ArtifactRef } from '../../../src/core/artifact.ts';
import type { Json } from '../../../src/core/json.ts';
import { runTraining } from '../../../src/training/step/run-training.ts';
import { completeTrainConfig } from '../../../src/training/step/train-config.ts';
import { Trainers } from '../../../src/training/step/trainers.ts';
import type { TrainersOptions } from '../../../src/training/step/trainers.ts';
import {
  asJson,
  buildTrainer,
  classTable,
  imageTable,
  memoryStores,
  numberTable,
  stepContext,
  temporaryFolder,
  writeExamples,
} from './fixtures.ts';
import type { Stores } from './fixtures.ts';

let trainer = '';
const pools: Trainers[] = [];

beforeAll(async () => {
  trainer = await buildTrainer();
});

afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.close()));
  rmSync(dirname(trainer), { recursive: true, force: true });
});

/** Counts the processes that are started. */
class Counted extends Trainers {
  readonly pids: (number | undefined)[] = [];

  constructor(options?: TrainersOptions) {
    super(options);
    pools.push(this);
  }

  override take(...given: Parameters<Trainers['take']>): ReturnType<Trainers['take']> {
    const taken = super.take(...given);
    this.pids.push(taken.pid);
    return taken;
  }
}

const config = (json: Json): ReturnType<typeof completeTrainConfig> => completeTrainConfig(asJson(json));
const JOBS: readonly (readonly [string, Json, 'classes' | 'numbers' | 'images'])[] = [
  ['dropout and Adam', { model: { architecture: 'mlp', units: [16], dropout: 0.3, batchNormalization: true }, epochs: 3 }, 'classes'],
  ['another seed', { model: { architecture: 'mlp', units: [16], dropout: 0.3 }, epochs: 3, seed: 7 }, 'classes'],
  ['operation by operation', { model: { architecture: 'mlp', units: [8] }, epochs: 2, engine: 'eager', seed: 2 }, 'classes'],
  ['another optimizer', { model: { architecture: 'mlp', units: [8] }, epochs: 3, optimizer: 'nadam' }, 'numbers'],
  ['histograms', { model: { architecture: 'mlp', units: [8] }, epochs: 2, histograms: { of: ['weights', 'gradients'] } }, 'numbers'],
  ['convolutions', { model: { architecture: 'cnn', filters: [4], units: [4] }, epochs: 2 }, 'images'],
  ['convolutions, again', { model: { architecture: 'cnn', filters: [4], units: [4] }, epochs: 2, seed: 3 }, 'images'],
];
const endless = config({ model: { architecture: 'mlp' }, epochs: 100_000, checkpoint: { everySeconds: 0.05 } });
const small = config({ model: { architecture: 'mlp', units: [8] }, epochs: 2 });

async function tables(stores: Stores): Promise<Record<'classes' | 'numbers' | 'images', ArtifactRef>> {
  return {
    classes: await writeExamples(stores, classTable(150)),
    numbers: await writeExamples(stores, numberTable(120)),
    images: await writeExamples(stores, imageTable(100)),
  };
}

test('a process that has done others gives the bytes of a fresh one', async () => {
  const stores = memoryStores();
  const examples = await tables(stores);
  const digests = async (each: () => Trainers): Promise<string[]> => {
    const found: string[] = [];
    for (const [, json, table] of JOBS) {
      const { model } = await runTraining(
        stepContext(stores, temporaryFolder()),
        config(json),
        examples[table],
        trainer,
        undefined,
        each(),
      );
      found.push(model.digest);
    }
    return found;
  };
  const fresh = await digests(() => new Counted({ idleMax: 0 }));
  const warm = new Counted();
  const [once, twice] = [await digests(() => warm), await digests(() => warm)];
  expect(once).toEqual(fresh);
  expect(twice).toEqual(fresh);
  // One that convolves by oneDNN, and one that does not.
  expect(new Set(warm.pids).size).toBe(2);
});

test('what was cancelled or killed is replaced, also where it was killed while it waited', async () => {
  const stores = memoryStores();
  const { classes } = await tables(stores);
  const warm = new Counted();
  const train = (ctx = stepContext(stores, temporaryFolder()), as = small) => runTraining(ctx, as, classes, trainer, undefined, warm);
  const { model } = await train();
  const stop = new AbortController();
  const ctx = stepContext(stores, temporaryFolder(), stop.signal);
  const running = train(ctx, endless);
  await until(() => ctx.recorded.progress.some(({ epoch }) => epoch !== undefined));
  const [pid] = warm.pids;
  expect(warm.pids).toEqual([pid, pid]);
  expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).toContain(join(ctx.workDir, 'job.json'));
  stop.abort();
  await expect(running).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(() => process.kill(pid!, 0)).toThrow();

  expect((await train()).model.digest).toBe(model.digest);
  const [, , waiting] = warm.pids;
  expect(waiting).not.toBe(pid);
  process.kill(waiting!, 'SIGKILL');
  expect((await train()).model.digest).toBe(model.digest);

  const doomed = stepContext(stores, temporaryFolder());
  const crashing = train(doomed, endless);
  await until(() => doomed.recorded.progress.some(({ epoch }) => epoch !== undefined));
  const killed = warm.pids.at(-1)!;
  process.kill(killed, 'SIGKILL');
  await expect(crashing).rejects.toMatchObject({ code: 'TRAINER_CRASHED', retryable: true });
  expect((await train()).model.digest).toBe(model.digest);
  expect(warm.pids.at(-1)).not.toBe(killed);
});

test('one that a study told to drop its job does the next one as a fresh one would, and one that does not listen is replaced', async () => {
  const stores = memoryStores();
  const { classes } = await tables(stores);
  const warm = new Counted();
  const train = (as = small, ctx = stepContext(stores, temporaryFolder())) => runTraining(ctx, as, classes, trainer, undefined, warm);
  const fresh = await runTraining(stepContext(stores, temporaryFolder()), small, classes, trainer, undefined, new Counted({ idleMax: 0 }));
  const ended = new Error('Stopped');
  const stopping = () => ({ ...stepContext(stores, temporaryFolder()), epoch: () => Promise.reject(ended) });
  for (const engine of ['compiled', 'eager']) {
    const dropped = config({ model: { architecture: 'mlp', units: [16], dropout: 0.2 }, epochs: 100_000, engine });
    await expect(train(dropped, stopping())).rejects.toBe(ended);
  }
  // It had done all of its job before the answer came.
  await expect(train(small, stopping())).rejects.toBe(ended);
  expect((await train()).model.digest).toBe(fresh.model.digest);
  expect(new Set(warm.pids).size).toBe(1);
  expect(warm.waiting).toHaveLength(1);

  const [first] = warm.pids;
  const deaf = {
    ...stepContext(stores, temporaryFolder()),
    epoch: () => {
      process.kill(first!, 'SIGSTOP');
      return Promise.reject(ended);
    },
  };
  await expect(train(endless, deaf)).rejects.toBe(ended);
  expect(() => process.kill(first!, 0)).toThrow();
  const [waiting] = warm.waiting;
  await train();
  expect(warm.pids.at(-1)).toBe(waiting!.pid);
});

test('one that failed, whose memory has grown, or that nobody needed for a while is ended', async () => {
  const stores = memoryStores();
  const { numbers } = await tables(stores);
  const train = (warm: Trainers, as = small) => runTraining(stepContext(stores, temporaryFolder()), as, numbers, trainer, undefined, warm);
  const failing = new Counted();
  const diverging = config({ model: { architecture: 'mlp' }, optimizer: { sgd: { learningRate: 1e9 } }, epochs: 50 });
  await expect(train(failing, diverging)).rejects.toMatchObject({ code: 'TRAINING_DIVERGED' });
  expect(() => process.kill(failing.pids[0]!, 0)).toThrow();

  const grown = new Counted({ rssMax: 1 });
  await train(grown);
  expect(grown.waiting).toEqual([]);
  expect(() => process.kill(grown.pids[0]!, 0)).toThrow();

  const short = new Counted({ idleMs: 0 });
  await train(short);
  await until(() => !runs(short.pids[0]!));
  expect(short.waiting).toEqual([]);
});

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}
