import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { questionOf as questionOfInfer } from '../../../src/serving/protocols/open-inference-messages.ts';
import { examplesOf, questionOf } from '../../../src/serving/protocols/tf-serving-messages.ts';
import { checkRows } from '../../../src/serving/source-rows.ts';
import { FakeSource, fakeServable } from './doubles.ts';
import { ask, startTestApp } from './test-app.ts';
import type { TestApp } from './test-app.ts';

const servable = fakeServable('penguins', 1);
const wide = (keys: number): Record<string, unknown> => ({
  body_mass_g: 4000,
  ...Object.fromEntries(Array.from({ length: keys }, (_, at) => [`unread${at}`, at])),
});

/** Processor time of this process, in microseconds: the least of some attempts. */
function cost(work: () => unknown): number {
  return Math.min(
    ...Array.from({ length: 3 }, () => {
      const before = process.cpuUsage();
      try {
        work();
      } catch {
        // What is refused has to be refused as quickly.
      }
      const { user, system } = process.cpuUsage(before);
      return user + system;
    }),
  );
}

describe('what a model does not read', () => {
  it.each<[string, (row: Record<string, unknown>) => unknown]>([
    ['plain rows', (row) => checkRows(servable, [row])],
    ['instances of TensorFlow Serving', (row) => questionOf({ instances: [row] }, servable)],
    ['inputs of TensorFlow Serving', (row) => questionOf({ inputs: row }, servable)],
    ['examples of TensorFlow Serving', (row) => examplesOf({ examples: [row] }, servable)],
    [
      'inputs of the Open Inference Protocol',
      (row) =>
        questionOfInfer(
          {
            body: { inputs: Object.entries(row).map(([name, value]) => ({ name, shape: [1], datatype: 'FP64', data: [value] })) },
            tail: Buffer.alloc(0),
          },
          servable,
        ),
    ],
  ])('costs %s no more than its length', (_, read) => {
    const [few, many] = [wide(4_000), wide(64_000)];
    cost(() => read(few));
    // In proportion it is 16 times as much, with the square of the length 256 times. Below a millisecond nothing can be told.
    expect(
      cost(() => read(many)) /
        Math.max(
          cost(() => read(few)),
          1_000,
        ),
    ).toBeLessThan(100);
  });
});

describe('a body', () => {
  let app: TestApp;
  beforeAll(async () => {
    const source = new FakeSource();
    source.route('penguins', { champion: 3 });
    app = await startTestApp(source);
  });
  afterAll(() => app.close());

  it('may hold columns by the thousand, and is refused where an object has more keys than any table', async () => {
    for (const path of ['/models/penguins/predict', '/models/penguins/invocations', '/v1/models/penguins:predict']) {
      const body = (keys: number): unknown =>
        path.endsWith('predict') && path.startsWith('/models') ? wide(keys) : { instances: [wide(keys)] };
      expect([path, (await ask(app.url, path, body(20_000))).status]).toEqual([path, 200]);
      const { status, body: refused } = await ask(app.url, path, body(100_000));
      expect([path, status]).toEqual([path, 413]);
      expect(refused.error).toMatch(
        /^The body is too large: an object holds more than 100,000 keys at character \d+\. Columns that the model does not read/,
      );
    }
  });

  it('of thousands of bad rows is answered in turns with others', async () => {
    const rows = Array.from({ length: 9_999 }, () => ({ island: 'x', body_mass_g: 'no' }));
    let answered = false;
    let worst = 0;
    const asking = ask(app.url, '/models/penguins/predict', { partial: true, rows }).finally(() => (answered = true));
    let looks = 0;
    for (; !answered; looks += 1) {
      const before = performance.now();
      expect((await ask(app.url, '/v2/health/live')).status).toBe(200);
      worst = Math.max(worst, performance.now() - before);
    }
    expect((await asking).body.refused).toHaveLength(9_999);
    // As long as the bad rows take; where the event loop is held there are two looks.
    expect(looks).toBeGreaterThan(5);
  });
});
