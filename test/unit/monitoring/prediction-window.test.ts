import { describe, expect, it } from 'vitest';
import { Unread } from '../../../src/storage/unread.ts';
import { readPredictions, rowsOf } from '../../../src/monitoring/prediction-window.ts';
import type { WindowOptions } from '../../../src/monitoring/prediction-window.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';

const line = (time: string, id: string, version: number, row: unknown): string =>
  `${JSON.stringify({ time, id, version, row, prediction: { value: 1 } })}\n`;

async function storeOf(objects: Record<string, string>): Promise<MemoryStore> {
  const store = new MemoryStore();
  for (const [key, text] of Object.entries(objects)) await store.put(key, Buffer.from(text));
  return store;
}

const LOG = {
  'predictions/m/2024-03-01/22-s1-000001.ndjson': line('2024-03-01T22:59:59.999Z', 'a', 1, { x: 1 }),
  'predictions/m/2024-03-01/23-s1-000002.ndjson':
    line('2024-03-01T23:10:00.000Z', 'b', 1, { x: 2 }) + line('2024-03-01T23:20:00.000Z', 'c', 2, { x: 3 }),
  'predictions/m/2024-03-02/00-s2-000001.ndjson':
    line('2024-03-02T00:00:00.000Z', 'd', 2, null) + line('2024-03-02T00:30:00.000Z', 'e', 2, { x: 5 }),
  'predictions/m/2024-03-02/01-s2-000002.ndjson': line('2024-03-02T01:00:00.000Z', 'f', 2, { x: 6 }),
  'predictions/m2/2024-03-01/23-s1-000001.ndjson': line('2024-03-01T23:15:00.000Z', 'other', 1, { x: 9 }),
};

async function ids(store: MemoryStore, options: WindowOptions): Promise<string[]> {
  const found: string[] = [];
  for await (const records of readPredictions(store, 'm', options)) found.push(...records.map((record) => record.id));
  return found;
}

describe('readPredictions', () => {
  it('reads the window across midnight, its start included and its end not', async () => {
    const store = await storeOf(LOG);
    expect(await ids(store, { from: new Date('2024-03-01T23:00:00Z'), to: new Date('2024-03-02T01:00:00Z') })).toEqual([
      'b',
      'c',
      'd',
      'e',
    ]);
    expect(await ids(store, { from: new Date('2024-03-01T22:59:59.999Z'), to: new Date('2024-03-01T23:10:00.000Z') })).toEqual(['a']);
    expect(await ids(store, { from: new Date('2024-03-05T00:00:00Z'), to: new Date('2024-03-06T00:00:00Z') })).toEqual([]);
  });

  it('reads one version only where asked', async () => {
    expect(
      await ids(await storeOf(LOG), { from: new Date('2024-03-01T00:00:00Z'), to: new Date('2024-03-03T00:00:00Z'), version: 1 }),
    ).toEqual(['a', 'b']);
  });

  it('leaves out predictions that were logged without their row', async () => {
    const rows = [];
    for await (const batch of rowsOf(
      readPredictions(await storeOf(LOG), 'm', { from: new Date('2024-03-02T00:00:00Z'), to: new Date('2024-03-03T00:00:00Z') }),
    ))
      rows.push(...batch);
    expect(rows).toEqual([{ x: 5 }, { x: 6 }]);
  });

  it.each(['not json\n', '[]\n', '{"time":"yesterday","version":1,"row":{}}\n', '{"time":"2024-03-01T23:00:00Z","version":1,"row":[1]}\n'])(
    'names object and line of what is no prediction: %j',
    async (text) => {
      const store = await storeOf({ 'predictions/m/2024-03-01/23-s1-000001.ndjson': line('2024-03-01T23:10:00.000Z', 'a', 1, {}) + text });
      const options = { from: new Date('2024-03-01T00:00:00Z'), to: new Date('2024-03-03T00:00:00Z') };
      await expect(ids(store, options)).rejects.toMatchObject({
        code: 'DATA_INVALID',
        message: expect.stringMatching(/^1 line of predictions\/m\/2024-03-01\/23-s1-000001\.ndjson cannot be read .*line 2: /) as string,
      });
      // Whoever wants to be told gets what is whole.
      const unread = new Unread();
      expect(await ids(store, { ...options, unread })).toEqual(['a']);
      expect(unread.notes).toEqual([expect.stringMatching(/^1 line of predictions\/m\/2024-03-01\/23-s1-000001\.ndjson cannot be read/)]);
    },
  );
});
