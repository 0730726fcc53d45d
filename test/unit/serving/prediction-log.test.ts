import { describe, expect, it } from 'vitest';
import { PerennialError } from '../../../src/core/errors.ts';
import type { ObjectStore } from '../../../src/core/ports.ts';
import type { PredictionLogSettings } from '../../../src/core/prediction-log.ts';
import { DecodedImage } from '../../../src/data/table/row-values.ts';
import type { LoggedPrediction } from '../../../src/monitoring/predictions/logged-prediction.ts';
import { PredictionLog } from '../../../src/serving/prediction-log.ts';
import type { PredictionLogOptions } from '../../../src/serving/prediction-log.ts';
import { createServingMetrics } from '../../../src/serving/serving-metrics.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { eventually, fakeServable, recordingLog } from './doubles.ts';

const servable = fakeServable('m', 4);

class FlakyStore extends MemoryStore {
  down = false;
  puts = 0;
  override async put(...args: Parameters<ObjectStore['put']>): ReturnType<ObjectStore['put']> {
    this.puts += 1;
    if (this.down) throw new PerennialError('STORE_UNAVAILABLE', 'away');
    return super.put(...args);
  }
}

function setUp(options: Partial<PredictionLogOptions> = {}) {
  const store = new FlakyStore();
  const metrics = createServingMetrics();
  const recording = recordingLog();
  const log = new PredictionLog(store, { log: recording, metrics }, { serverId: 's1', flushMs: 60_000, ...options });
  const add = (id: string): void => log.add(servable, id, { body_mass_g: 1 }, { value: 1 });
  const value = (name: string): number => Number(new RegExp(`^${name} (.*)$`, 'm').exec(metrics.registry.render())![1]);
  return { store, log, add, value, lines: recording.lines };
}

async function records(store: ObjectStore): Promise<Record<string, LoggedPrediction[]>> {
  const found: Record<string, LoggedPrediction[]> = {};
  for await (const { key } of store.list('')) {
    found[key] = Buffer.from((await store.get(key)).body)
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as LoggedPrediction);
  }
  return found;
}

describe('the prediction log', () => {
  it('writes lines by model, day and hour', async () => {
    const times = ['2026-01-31T23:59:59.999Z', '2026-02-01T00:00:00.000Z', '2026-02-01T00:00:01.000Z'];
    const { store, log, add, value } = setUp({ now: () => new Date(times.shift()!) });
    for (const id of ['a', 'b', 'c']) add(id);
    await log.close();
    const found = await records(store);
    expect(Object.keys(found)).toEqual(['predictions/m/2026-01-31/23-s1-000001.ndjson', 'predictions/m/2026-02-01/00-s1-000002.ndjson']);
    expect(found['predictions/m/2026-01-31/23-s1-000001.ndjson']).toEqual([
      { time: '2026-01-31T23:59:59.999Z', id: 'a', version: 4, row: { body_mass_g: 1 }, prediction: { value: 1 } },
    ]);
    expect(found['predictions/m/2026-02-01/00-s1-000002.ndjson']!.map((record) => record.id)).toEqual(['b', 'c']);
    expect(value('perennial_prediction_log_lines_total')).toBe(3);
    expect(value('perennial_prediction_log_waiting_bytes')).toBe(0);
  });

  it('keeps what the deployment of the model says, and a server can be told to keep less', async () => {
    const settings = { share: 0 as number, leaveOut: ['body_mass_g'] };
    const { store, log, add } = setUp({ settings: (model) => (model === 'm' ? settings : undefined) });
    add('none');
    settings.share = 1;
    add('without');
    log.add(fakeServable('n', 1), 'all', { body_mass_g: 1 }, { value: 1 });
    await log.close();
    expect(Object.values(await records(store)).flat()).toMatchObject([
      { id: 'without', row: {}, hidden: { leftOut: ['body_mass_g'] } },
      { id: 'all', row: { body_mass_g: 1 } },
    ]);
    const silent = setUp({ sample: 0, settings: () => ({ share: 1 }) });
    silent.add('a');
    await silent.log.close();
    expect(await records(silent.store)).toEqual({});
  });

  it('writes by itself after a while, and when enough lines wait', async () => {
    const soon = setUp({ flushMs: 10 });
    soon.add('a');
    await eventually(async () => Object.keys(await records(soon.store)).length === 1);
    const many = setUp({ flushLines: 3 });
    for (const id of ['a', 'b', 'c', 'd']) many.add(id);
    await eventually(async () => Object.values(await records(many.store)).flat().length === 3);
    await many.log.close();
    expect(
      Object.values(await records(many.store))
        .flat()
        .map((record) => record.id),
    ).toEqual(['a', 'b', 'c', 'd']);
    await soon.log.close();
  });

  it('waits in bounded memory while the store is away, counts what it drops, and loses nothing else', async () => {
    const { store, log, add, value, lines } = setUp({ flushMs: 5, bufferBytesMax: 1_000 });
    store.down = true;
    for (let index = 0; index < 100; index += 1) add(`id-${index}`);
    await eventually(() => store.puts >= 3);
    const dropped = value('perennial_prediction_log_dropped_total');
    expect(dropped).toBeGreaterThan(80);
    expect(value('perennial_prediction_log_waiting_bytes')).toBeLessThan(1_200);
    expect(lines.filter((line) => line.includes('they wait in memory')).length).toBe(1);
    store.down = false;
    await eventually(async () => Object.values(await records(store)).flat().length === 100 - dropped);
    add('later');
    await log.close();
    const ids = Object.values(await records(store))
      .flat()
      .map((record) => record.id);
    expect(ids.length).toBe(101 - dropped);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('counts as dropped what the store does not take before the end', async () => {
    const { store, log, add, value } = setUp();
    store.down = true;
    add('a');
    await log.close();
    add('b');
    expect(value('perennial_prediction_log_dropped_total')).toBe(2);
  });

  it('logs the part that is asked for', async () => {
    const none = setUp({ sample: 0 });
    none.add('a');
    await none.log.close();
    expect(await records(none.store)).toEqual({});
    const half = setUp({ sample: 0.5 });
    for (let index = 0; index < 2_000; index += 1) half.add('x');
    await half.log.close();
    const share = Object.values(await records(half.store)).flat().length / 2_000;
    expect(share).toBeGreaterThan(0.4);
    expect(share).toBeLessThan(0.6);
    expect(half.value('perennial_prediction_log_dropped_total')).toBe(0);
  });

  it('leaves out a row that is too long', async () => {
    const { store, log } = setUp();
    log.add(servable, 'a', { text: 'x'.repeat(100_000) }, { value: 1 });
    await log.close();
    expect(Object.values(await records(store)).flat()).toMatchObject([{ id: 'a', row: null }]);
  });

  it('measures no image that a deployment hides, and says of rows without one that there is none', async () => {
    const pictured = fakeServable('pictured', 1, { columns: [{ name: 'photo', type: 'image', required: false }] });
    const photo = new DecodedImage({ width: 1, height: 1, channels: 3, data: Uint8Array.of(9, 9, 9) });
    let settings: PredictionLogSettings = {};
    const { store, log } = setUp({ settings: () => settings });
    log.add(pictured, 'shown', { photo }, { value: 1 });
    log.add(pictured, 'none', { photo: null }, { value: 1 });
    settings = { hash: ['PHOTO'] };
    log.add(pictured, 'hidden', { photo }, { value: 1 });
    await log.flush();
    const lines = new Map<string, LoggedPrediction>();
    for await (const { key } of store.list('predictions/'))
      for (const line of Buffer.from((await store.get(key)).body)
        .toString()
        .trim()
        .split('\n')) {
        const record = JSON.parse(line) as LoggedPrediction;
        lines.set(record.id, record);
      }
    expect(lines.get('shown')!.measured!['photo']).toMatchObject({ brightness: 0.0352941 });
    expect(lines.get('none')!.measured).toEqual({ photo: null });
    expect(lines.get('hidden')).toMatchObject({ row: {}, hidden: { leftOut: ['photo'] } });
    expect(lines.get('hidden')!.measured).toBeUndefined();
  });
});
