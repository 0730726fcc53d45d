import { beforeAll, describe, expect, it } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import type { Row } from '../../../src/core/tensor.ts';
import { encodePng } from '../../../src/data/images/encode-png.ts';
import { imageFacts } from '../../../src/data/images/image-facts.ts';
import type { ImageFacts } from '../../../src/data/images/image-facts.ts';
import { decodeReference, encodeReference } from '../../../src/data/stored/reference-values.ts';
import { withDatabase } from '../../../src/data/table/duckdb.ts';
import { describeTable } from '../../../src/data/table/profile.ts';
import { askedReference } from '../../../src/monitoring/asked-reference.ts';
import { detectModelDrift } from '../../../src/monitoring/model-drift.ts';
import type { LoggedPrediction } from '../../../src/monitoring/predictions/logged-prediction.ts';
import type { DriftReference } from '../../../src/monitoring/reference.ts';
import type { DriftOptions, DriftResult } from '../../../src/monitoring/detect.ts';

const SIZE = 8;

/** Noise around a colour of its own. @param light what all of it is multiplied by */
function pixels(random: Prng, light = 1): Uint8Array {
  const colour = [0, 1, 2].map(() => 80 + random.below(60));
  return Uint8Array.from({ length: 3 * SIZE * SIZE }, (_, at) => Math.min(255, light * (colour[at % 3]! + random.below(30))));
}

const factsOf = (random: Prng, light?: number): Promise<ImageFacts> =>
  imageFacts({ width: SIZE, height: SIZE, channels: 3, data: pixels(random, light) });

/** Logged by a server that measures; `share` of the rows has no picture. */
async function logged(seed: string, { light = 1, share = 0, rows = 500 } = {}): Promise<LoggedPrediction[]> {
  const random = new Prng('pictures', seed);
  return Promise.all(
    Array.from({ length: rows }, async (_, index) => ({
      time: '2026-01-01T00:00:00Z',
      id: String(index),
      version: 3,
      row: { age: random.normal() },
      prediction: { value: 1 },
      measured: { photo: random.uniform() < share ? null : await factsOf(random, light) },
    })),
  );
}

const withoutMeasured = (records: readonly LoggedPrediction[]): LoggedPrediction[] =>
  records.map(({ measured: _gone, ...record }) => record);
const read = (...batches: readonly (readonly LoggedPrediction[])[]) =>
  async function* (): AsyncGenerator<readonly LoggedPrediction[]> {
    yield* batches;
  };
const compare = (records: readonly LoggedPrediction[], options: DriftOptions = {}, to = reference): Promise<DriftResult> =>
  detectModelDrift(to, read(records), options);

let reference: DriftReference;
beforeAll(async () => {
  const random = new Prng('pictures', 'training');
  reference = await withDatabase(async (db) => {
    await db.run('CREATE TABLE rows (age DOUBLE, photo BLOB)');
    for (let row = 0; row < 600; row += 1) {
      const picture = Buffer.from(encodePng(pixels(random), SIZE, SIZE, 3)).toString('base64');
      await db.run(`INSERT INTO rows VALUES (${random.normal()}, from_base64('${picture}'))`);
    }
    const { profile, reference: beside } = await describeTable(db, 'rows', [
      { name: 'age', type: 'number', sql: 'age' },
      { name: 'photo', type: 'image', sql: 'photo' },
    ]);
    return { model: 'houses', version: 3, profile, values: decodeReference(encodeReference(beside)), columns: ['age', 'photo'] };
  });
});

describe('pictures', () => {
  it('are compared by what is measured of them, beside their column', async () => {
    const result = await compare(await logged('now'));
    expect(result.columns.map(({ name, status }) => [name, status])).toEqual([
      ['age', 'compared'],
      ['photo', 'skipped'],
      ...['blue', 'brightness', 'contrast', 'height', 'red', 'saturation', 'sharpness', 'width'].map((name) => [
        `photo (${name})`,
        'compared',
      ]),
    ]);
    expect(result).toMatchObject({ drifted: false, newColumns: [], rows: 500 });
    expect(result.columns[1]!.reason).toContain('Compared is what is measured of it: photo (blue), photo (brightness)');
  });

  it('raise no alarm while nothing changes, and one where they get a little darker', async () => {
    for (let seed = 0; seed < 8; seed += 1) expect((await compare(await logged(`same ${seed}`))).driftedColumns).toEqual([]);
    const { driftedColumns } = await compare(await logged('darker', { light: 0.9 }));
    expect(driftedColumns).toContain('photo (brightness)');
    expect(driftedColumns).not.toContain('photo (red)');
    expect(driftedColumns).not.toContain('age');
  });

  it('that are missing are told of once, as of the column', async () => {
    const { driftedColumns, columns } = await compare(await logged('some', { share: 0.3 }));
    expect(driftedColumns).toEqual(['photo']);
    expect(columns.find(({ name }) => name === 'photo')!.reason).toContain('Missing or unreadable values went from 0 % to');
  });

  it('of servers that did not measure are not known, and no alarm', async () => {
    const all = await logged('half');
    const half = await compare([...all.slice(0, 250), ...withoutMeasured(all.slice(250))]);
    expect(half.driftedColumns).toEqual([]);
    expect(half.columns.find(({ name }) => name === 'photo (brightness)')).toMatchObject({ status: 'compared', missingCurrent: 0 });
    const none = await compare(withoutMeasured(all));
    expect(none.drifted).toBe(false);
    expect(none.columns.find(({ name }) => name === 'photo (brightness)')!.status).toBe('skipped');
  });

  it('are measured as declared, or not at all', async () => {
    const names = async (measures: readonly string[]) =>
      (await compare(await logged('now'), { perColumn: { photo: { measures } } })).columns.map(({ name }) => name);
    expect(await names(['aspectRatio', 'green'])).toEqual(['age', 'photo', 'photo (aspectRatio)', 'photo (green)']);
    expect(await names([])).toEqual(['age', 'photo']);
    await expect(names(['words'])).rejects.toMatchObject({
      message: 'columns.photo.measures: "words" is measured of texts, and "photo" is a column of the type image.',
    });
  });

  it('are not measured where the training kept nothing of it, which is said', async () => {
    const { values: _gone, ...before } = reference;
    const result = await compare(await logged('now', { light: 0.5 }), {}, before);
    expect(result.drifted).toBe(false);
    expect(result.columns.find(({ name }) => name === 'photo')!.reason).toContain('the training of this version kept nothing of it');
  });

  it('that a deployment hides are not compared', async () => {
    const hidden = (await logged('hidden', { light: 0.5 })).map(({ measured: _gone, ...record }) => ({
      ...record,
      hidden: { leftOut: ['photo'] },
    }));
    const result = await compare(hidden);
    expect(result.drifted).toBe(false);
    expect(result.columns.find(({ name }) => name === 'photo')!.reason).toContain('logged without its values');
  });

  it('are compared with those of earlier questions', async () => {
    const dusk = await logged('last week', { light: 0.8 });
    const asked = await askedReference(reference, read(dusk), 100);
    expect((await compare(await logged('this week', { light: 0.8 }), {}, asked)).driftedColumns).toEqual([]);
    expect((await compare(await logged('this week at noon'), {}, asked)).driftedColumns).toContain('photo (brightness)');
  });

  it('count over several windows together with the columns of their rows', async () => {
    const rows: Row[] = (await logged('whole rows')).map(({ row }) => row!);
    expect(rows[0]).toEqual({ age: expect.any(Number) as number });
    const result = await compare(await logged('whole rows'), { joint: ['mmd'] });
    expect(result.joint).toHaveLength(1);
    expect(result.drifted).toBe(false);
  });
});
