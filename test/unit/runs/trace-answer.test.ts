import { beforeEach, expect, it } from 'vitest';
import { packEndedDays } from '../../../src/monitoring/predictions/pack-days.ts';
import { traceAnswer } from '../../../src/runs/trace-answer.ts';
import { versionKey } from '../../../src/registry/keys.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { ada, workbench } from '../../contract/registry/models.ts';
import type { Workbench } from '../../contract/registry/models.ts';

let store: MemoryStore;
let bench: Workbench;
const DAY = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);

beforeEach(async () => {
  store = new MemoryStore();
  bench = workbench(store);
  for (const number of [1, 2]) await bench.registry.promote('m', await bench.register(number), ada);
});

const line = (id: string, version: number, time = `${DAY}T10:00:00.000Z`): string =>
  `${JSON.stringify({ time, id, version, row: { x: 1 }, prediction: { label: 'a' } })}\n`;
const log = (text: string, day = DAY, model = 'm'): Promise<unknown> =>
  store.put(`predictions/${model}/${day}/10-s-000001.ndjson`, Buffer.from(text));

it('walks from an answer to the version, the change by which it served, and the run', async () => {
  await log(line('r/0', 2) + line('r/1', 2) + line('r/10', 1) + line('rr', 2) + line('other', 2));
  const label = { formatVersion: 1, time: `${DAY}T11:00:00.000Z`, id: 'r/1', label: 'b' };
  await store.put(`feedback/m/${DAY}/10-s-000001.ndjson`, Buffer.from(`${JSON.stringify(label)}\n`));
  const found = await traceAnswer(store, bench.artifacts, 'r');
  expect(found.predictions.map(({ id, model }) => [model, id])).toEqual([
    ['m', 'r/0'],
    ['m', 'r/1'],
    ['m', 'r/10'],
  ]);
  expect(found.feedback.map((one) => one?.label ?? null)).toEqual([null, 'b', null]);
  const [second, first] = found.versions;
  expect(second).toMatchObject({
    model: 'm',
    version: 2,
    servedSince: { action: 'promote', to: 2, who: 'ada' },
    manifest: { pipeline: 'p', runId: 'r2', metrics: { accuracy: 0.2 } },
    files: { 'weights.bin': expect.stringMatching(/^[0-9a-f]{64}$/) as string },
  });
  // Version 1 was no champion any more: it was asked for by its number.
  expect(first).toMatchObject({ version: 1, servedSince: null, manifest: { runId: 'r1' } });
  expect((await traceAnswer(store, bench.artifacts, 'r/1')).predictions.map(({ id }) => id)).toEqual(['r/1']);
});

it('finds it in a packed day too, and looks at the newest day first', async () => {
  await log(line('r', 1, '2024-03-01T10:00:00.000Z'), '2024-03-01');
  await log(line('again', 1, '2024-03-01T10:00:00.000Z') + line(`it's "q"`, 1, '2024-03-01T10:00:01.000Z'), '2024-03-01', 'm2');
  await log(line('again', 2));
  await packEndedDays(store);
  expect((await traceAnswer(store, bench.artifacts, 'r')).predictions[0]!.key).toBe('predictions/m/2024-03-01/packed-000001.parquet');
  expect((await traceAnswer(store, bench.artifacts, `it's "q"`)).predictions).toHaveLength(1);
  expect((await traceAnswer(store, bench.artifacts, 'again')).predictions.map(({ model }) => model)).toEqual(['m']);
  expect((await traceAnswer(store, bench.artifacts, 'again', { model: 'm2' })).predictions.map(({ model }) => model)).toEqual(['m2']);
});

it('says where it looked, and what it could not read or find', async () => {
  await log(`${line('r', 2)}{"time":"cut`);
  await expect(traceAnswer(store, bench.artifacts, 'none')).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: `No prediction of any model has the id "none": the logs of 1 day, since ${DAY}, do not hold it.`,
  });
  await expect(traceAnswer(store, bench.artifacts, 'r', { since: '9999-01-01' })).rejects.toMatchObject({
    message: expect.stringContaining('no predictions of any model are logged since 9999-01-01') as string,
  });
  await store.delete(versionKey('m', 2));
  const found = await traceAnswer(store, bench.artifacts, 'r');
  expect(found.versions).toMatchObject([{ version: 2, manifest: null, steps: [] }]);
  expect(found.notes).toEqual([expect.stringContaining('the record of m version 2')]);
});
