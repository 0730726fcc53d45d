import { describe, expect, it } from 'vitest';
import { PerennialError } from '../../../src/core/errors.ts';
import { ModelMemory } from '../../../src/serving/model-memory.ts';
import type { MemoryOptions } from '../../../src/serving/model-memory.ts';
import type { Servable } from '../../../src/serving/servable.ts';
import { SERVING_LIMITS } from '../../../src/serving/limits.ts';
import { createServingMetrics } from '../../../src/serving/serving-metrics.ts';
import { neutralExamples } from '../../../src/serving/warm-up.ts';
import { eventually, fakeServable, recordingLog } from './doubles.ts';

const MIB = 1024 * 1024;
/** Each counts twice its weights and 2 MiB: 22 MiB. */
const WEIGHTS = 10 * MIB;

interface Bench {
  readonly memory: ModelMemory;
  readonly lines: string[];
  readonly metrics: ReturnType<typeof createServingMetrics>;
  /** Loads from the shelf, by model. */
  readonly returns: string[];
  open(model: string, weightBytes?: number): Promise<Servable>;
  /** Where each of them is. */
  where(...servables: Servable[]): (string | undefined)[];
  /** Calls of these models wait until they are let go. */
  hold(model: string): () => void;
  failing: Set<string>;
  /** Models whose network takes long → what their process takes, in bytes. */
  slow: Map<string, number>;
}

function bench(options: MemoryOptions): Bench {
  const log = recordingLog();
  const metrics = createServingMetrics();
  const memory = new ModelMemory({ log, metrics }, { retryMs: 20, ...options });
  const returns: string[] = [];
  const held = new Map<string, Promise<void>>();
  const failing = new Set<string>();
  const slow = new Map<string, number>();
  const make = (model: string): Servable =>
    fakeServable(model, 1, {
      predict: async (batch) => {
        await held.get(model);
        if (slow.has(model)) await new Promise((resolve) => setTimeout(resolve, 2 * SERVING_LIMITS.loopMsMax));
        return new Float32Array(3 * Object.values(batch)[0]!.rows).fill(1 / 3);
      },
    });
  return {
    memory,
    lines: log.lines,
    metrics,
    returns,
    failing,
    slow,
    open: (model, weightBytes = WEIGHTS) =>
      memory.open(
        model,
        1,
        () =>
          Promise.resolve({
            ...make(model),
            network: {
              weightBytes,
              again: () => {
                if (failing.has(model)) return Promise.reject(new PerennialError('BLOB_CORRUPT', 'weights.bin is torn.'));
                returns.push(model);
                return Promise.resolve(make(model).predictor);
              },
              apart: () => {
                const bytes = slow.get(model);
                if (bytes === undefined) return Promise.reject(new Error('it is quick'));
                return Promise.resolve({ ...make(model).predictor, bytes });
              },
            },
          }),
        weightBytes,
      ),
    where: (...servables) => servables.map((servable) => memory.residence(servable)),
    hold(model) {
      let release = (): void => undefined;
      held.set(model, new Promise<void>((resolve) => (release = resolve)));
      return () => {
        held.delete(model);
        release();
      };
    },
  };
}

const ask = ({ predictor, preprocessor }: Servable): Promise<Float32Array> => predictor.predict(neutralExamples(preprocessor));

describe('the memory of the models', () => {
  it('puts the one that was used least recently on the shelf, and brings it back once for all who ask', async () => {
    const { memory, open, where, returns, metrics } = bench({ budget: 50 * MIB });
    const [a, b] = [await open('a'), await open('b')];
    await ask(a);
    const c = await open('c');
    expect(where(a, b, c)).toEqual(['memory', 'shelf', 'memory']);
    expect(memory.isBounded).toBe(true);
    const answers = await Promise.all([ask(b), ask(b), ask(b)]);
    expect(answers).toHaveLength(3);
    expect(returns).toEqual(['b']);
    expect(where(a, b, c)).toEqual(['shelf', 'memory', 'memory']);
    const told = metrics.registry.render();
    for (const model of ['a', 'b']) expect(told).toContain(`perennial_model_evictions_total{model="${model}"} 1`);
    expect(told).toContain('perennial_model_loads_total{model="b"} 2');
    expect(told).toContain(`perennial_model_memory_bytes{model="a",version="1"} 0`);
  });

  it('puts nothing away that is amid an answer, and lets who waits for room in when that is given', async () => {
    const { open, where, hold } = bench({ budget: 50 * MIB });
    const [a, b] = [await open('a'), await open('b')];
    const releases = [hold('a'), hold('b')];
    const going = [ask(a), ask(b)];
    let opened = false;
    const c = open('c').then((servable) => {
      opened = true;
      return servable;
    });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(opened).toBe(false);
    releases[0]!();
    await going[0];
    expect(where(a, b, await c)).toEqual(['shelf', 'memory', 'memory']);
    releases[1]!();
    expect(await going[1]).toHaveLength(3);
  });

  it('answers 503 with when to come again where no room comes free', async () => {
    const { open, hold } = bench({ budget: 25 * MIB, waitMs: 30 });
    const a = await open('a');
    const release = hold('a');
    const going = ask(a);
    await expect(open('b')).rejects.toMatchObject({ status: 503 });
    release();
    await going;
    expect(await ask(await open('b'))).toHaveLength(3);
  });

  it('refuses what is larger than all of it, says so once, and loads nothing of it', async () => {
    const { open, lines, returns } = bench({ budget: 21 * MIB });
    for (let attempt = 0; attempt < 2; attempt += 1)
      await expect(open('large')).rejects.toMatchObject({
        code: 'SERVING_MEMORY',
        message: expect.stringMatching(/takes 22\.0 MiB, and all models together may take 21\.0 MiB/),
      });
    expect(lines.filter((line) => line.includes('larger than the memory'))).toHaveLength(1);
    expect(returns).toEqual([]);
  });

  it('says why one does not come back, and tries again later', async () => {
    const { memory, open, failing } = bench({ budget: 25 * MIB });
    const a = await open('a');
    await open('b');
    failing.add('a');
    await expect(ask(a)).rejects.toMatchObject({ status: 503 });
    expect(memory.problem(a)).toContain('weights.bin is torn');
    failing.delete('a');
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(await ask(a)).toHaveLength(3);
    expect(memory.problem(a)).toBeUndefined();
  });

  it('keeps both versions of a rollout longest, so that their times compare', async () => {
    const { open, where } = bench({ budget: 50 * MIB, isCompared: (model) => model === 'rolled' });
    const rolled = await open('rolled');
    const a = await open('a');
    const b = await open('b');
    expect(where(rolled, a, b)).toEqual(['memory', 'shelf', 'memory']);
  });

  it('counts the process of a network, and puts others away for it', async () => {
    const { open, where, slow } = bench({ budget: 50 * MIB });
    slow.set('heavy', 40 * MIB);
    const a = await open('a');
    const heavy = await open('heavy');
    await eventually(() => where(heavy)[0] === 'process');
    expect(where(a, heavy)).toEqual(['shelf', 'process']);
    expect(await ask(a)).toHaveLength(3);
    expect(where(a, heavy)).toEqual(['memory', 'shelf']);
    expect(await ask(heavy)).toHaveLength(3);
    expect(where(a, heavy)).toEqual(['shelf', 'process']);
  });

  it('leaves a network in the server whose process is larger than all of it, and says so with both numbers', async () => {
    const { open, where, slow, lines } = bench({ budget: 50 * MIB, waitMs: 30 });
    slow.set('heavy', 400 * MIB);
    const [a, heavy] = [await open('a'), await open('heavy')];
    await eventually(() => lines.some((line) => line.includes('has no process of its own')));
    expect(lines.find((line) => line.includes('has no process of its own'))).toMatch(/400\.0 MiB.*50\.0 MiB/);
    expect(where(a, heavy)).toEqual(['memory', 'memory']);
    const b = await open('b');
    await ask(b);
    await ask(a);
    expect(where(heavy)).toEqual(['shelf']);
    expect(await ask(heavy)).toHaveLength(3);
    expect(where(heavy)).toEqual(['memory']);
  });

  it('brings a network back into the server whose process has grown beyond all of it', async () => {
    const { open, where, slow } = bench({ budget: 50 * MIB, waitMs: 30 });
    slow.set('heavy', 30 * MIB);
    const heavy = await open('heavy');
    await eventually(() => where(heavy)[0] === 'process');
    await open('a');
    expect(where(heavy)).toEqual(['shelf']);
    slow.set('heavy', 60 * MIB);
    expect(await ask(heavy)).toHaveLength(3);
    expect(where(heavy)).toEqual(['memory']);
  });

  it('has no bound unless one is given, and frees what is not wanted any more', async () => {
    const { memory, open, where } = bench({});
    const all = await Promise.all(['a', 'b', 'c', 'd'].map((model) => open(model)));
    expect(where(...all)).toEqual(['memory', 'memory', 'memory', 'memory']);
    expect(memory.isBounded).toBe(false);
    all[0]!.predictor.dispose();
    await expect(ask(all[0]!)).rejects.toMatchObject({ code: 'INTERNAL' });
  });
});

describe('a network whose size says that it is slow', () => {
  /** Where a call of it is made, in their order. */
  const open = async (options: MemoryOptions, { ms = 0, bytes = MIB, fails }: { ms?: number; bytes?: number; fails?: PerennialError }) => {
    const log = recordingLog();
    const memory = new ModelMemory({ log, metrics: createServingMetrics() }, options);
    const calls: string[] = [];
    const made: (readonly [string, ReturnType<typeof fakeServable>])[] = [];
    const make = (where: string): Servable => {
      const one = fakeServable('m', 1, {
        predict: async (batch) => {
          calls.push(where);
          await new Promise((resolve) => setTimeout(resolve, ms));
          return new Float32Array(3 * Object.values(batch)[0]!.rows).fill(1 / 3);
        },
      });
      made.push([where, one]);
      return one;
    };
    const network = {
      weightBytes: MIB,
      isLikelySlow: true,
      again: () => Promise.reject(new Error('it is not brought back')),
      apart: () => (fails === undefined ? Promise.resolve({ ...make('apart').predictor, bytes }) : Promise.reject(fails)),
    };
    const servable = await memory.open('m', 1, () => Promise.resolve({ ...make('here'), network }));
    await ask(servable);
    return { where: memory.residence(servable), calls, disposed: made.map(([name, one]) => [name, one.disposed()]), lines: log.lines };
  };

  it('begins in a process of its own: it is never computed here', async () => {
    const { where, calls, disposed, lines } = await open({}, { ms: 2 * SERVING_LIMITS.loopMsMax });
    expect([where, [...new Set(calls)], disposed]).toEqual(['process', ['apart'], [['here', true], ['apart', false]]]); // prettier-ignore
    expect(lines.join()).toContain('answers from a process of its own');
  });

  it('and is quick, as where it looks things up, stays with the server', async () => {
    const { where, calls, disposed } = await open({}, {});
    expect([where, calls.at(-1), disposed]).toEqual(['memory', 'here', [['here', false], ['apart', true]]]); // prettier-ignore
  });

  it('and cannot have one answers here, and it is said', async () => {
    for (const [options, given] of [
      [{ budget: 8 * MIB }, { bytes: 9 * MIB }],
      [{}, { fails: new PerennialError('SERVING_PROCESS', 'There is none.') }],
    ] as const) {
      const { where, calls, lines } = await open(options, { ms: 2 * SERVING_LIMITS.loopMsMax, ...given });
      expect([where, new Set(calls)]).toEqual(['memory', new Set(['here'])]);
      expect(lines.filter((line) => line.includes('has no process of its own'))).toHaveLength(1);
    }
  });

  it('and is damaged is not opened', async () => {
    await expect(open({}, { fails: new PerennialError('BLOB_CORRUPT', 'weights.bin is torn.') })).rejects.toThrow('weights.bin is torn');
  });
});
