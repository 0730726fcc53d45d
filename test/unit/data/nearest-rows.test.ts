import { expect, test } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import { nearestRows } from '../../../src/data/neighbours/nearest-rows.ts';
import type { NearestRows } from '../../../src/data/neighbours/nearest-rows.ts';
import { smote, smoteRows } from '../../../src/data/preprocess/balance.ts';
import { workInThreads } from '../../../src/platform/threads.ts';

function filled<Rows extends NearestRows>(near: Rows): Rows {
  const random = new Prng('rows', 1);
  for (let at = 0; at < near.values.length; at += 1) near.values[at] = random.normal();
  return near;
}

test('huge, tiny and far away numbers: as every distance in double precision', async () => {
  const random = new Prng('odd', 1);
  const scales = [1e30, 1e-30, 1e-22, 1];
  for (const offset of [0, 1e6]) {
    const [rows, width, k] = [300, 4, 4];
    const near = nearestRows(rows, width, k, 'neighbours');
    for (let at = 0; at < near.values.length; at += 1)
      near.values[at] = offset + random.normal() * scales[random.below(offset === 0 ? 4 : 1) + (offset === 0 ? 0 : 3)]!;
    const square = (row: number, other: number): number => {
      let sum = 0;
      for (let at = 0; at < width; at += 1) sum += (near.values[row * width + at]! - near.values[other * width + at]!) ** 2;
      return sum;
    };
    const expected = Array.from({ length: rows }, (_, row) =>
      [...Array(rows).keys()]
        .filter((other) => other !== row)
        .sort((a, b) => square(row, a) - square(row, b) || a - b)
        .slice(0, k),
    ).flat();
    expect(Array.from(await near.find({ what: 'neighbours' }))).toEqual(expected);
  }
});

test('SMOTE of many rows leaves the event loop to others, and tells how far it is', async () => {
  const real = filled(smoteRows(20_000, 8, 5, 'few'));
  const fractions: number[] = [];
  let rows = 0;
  let beats = 0;
  const heart = setInterval(() => (beats += 1), 10);
  for await (const batch of smote(real, 50_000, 'few', 1, { onProgress: (fraction) => fractions.push(fraction) })) {
    rows += batch.length / 8;
    await new Promise((resolve) => setImmediate(resolve));
  }
  clearInterval(heart);
  expect(rows).toBe(50_000);
  expect(fractions.length).toBeGreaterThan(10);
  expect(fractions.at(-1)).toBe(1);
  // Searched at once there would be one turn of the event loop per batch of synthetic rows, and none before.
  expect(beats).toBeGreaterThan(15);
});

test('a cancelled search ends its threads at once, with the reason of the signal', async () => {
  const near = filled(nearestRows(100_000, 30, 5, 'neighbours'));
  const controller = new AbortController();
  const reason = new Error('stopped');
  const searching = near.find({ what: 'neighbours', signal: controller.signal, onProgress: () => controller.abort(reason) });
  await expect(searching).rejects.toBe(reason);
  await expect(near.find({ what: 'neighbours', signal: controller.signal })).rejects.toBe(reason);
});

test('an error in a thread is an error of the step, in words', async () => {
  const failing = workInThreads({
    entry: 'neighbours',
    what: 'balance: SMOTE of the class "few"',
    data: { memory: null, layout: null },
    tasks: ['tree'],
    threads: 1,
  });
  await expect(failing).rejects.toMatchObject({
    code: 'STEP_FAILED',
    message: expect.stringMatching(/^balance: SMOTE of the class "few": a thread failed: /),
  });
});

test('more rows than the search can address are refused before anything is computed', () => {
  expect(() => nearestRows(100_000_000, 30, 5, 'balance: SMOTE of the class "few"')).toThrow(
    expect.objectContaining({ code: 'LIMIT_EXCEEDED', message: expect.stringContaining('100000000 rows of 30 columns') }),
  );
});
