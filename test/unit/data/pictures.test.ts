import { mkdir, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readRows } from '../../../src/data/stored/dataset-rows.ts';
import { withDatabase } from '../../../src/data/table/duckdb.ts';
import { encodePng } from '../../../src/data/images/encode-png.ts';
import { openExamples } from '../../../src/data/stored/examples.ts';
import { fingerprintSource, ingest } from '../../../src/data/ingest/ingest.ts';
import type { IngestConfig } from '../../../src/data/ingest/ingest-config.ts';
import { preprocess } from '../../../src/data/preprocess/preprocess.ts';
import { loadPreprocessor } from '../../../src/data/preprocess/preprocessor.ts';
import { previewExamples } from '../../../src/planning/preview-examples.ts';
import { createBench, failure } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await createBench();
  await mkdir(join(bench.dir, 'table/img'), { recursive: true });
});
afterEach(() => bench.close());

const picture = (level: number): Uint8Array => encodePng(new Uint8Array(12).fill(level), 4, 3, 1);

const bytesOf = (level: number) => expect.toSatisfy((value: Uint8Array) => Buffer.compare(value, picture(level)) === 0);

/** So many rows: pictures 0.png, 1.png, … of one grey level each, label by turns, split codes 0, 0, 1, 2. */
async function writeTable(rows: number, path: (row: number) => string = (row) => `img/${row}.png`): Promise<IngestConfig> {
  for (let row = 0; row < rows; row += 1) await writeFile(join(bench.dir, `table/img/${row}.png`), picture(row * 5));
  const lines = Array.from({ length: rows }, (_, row) => `"${path(row)}",${row % 2},${[0, 0, 1, 2][row % 4]}`);
  await writeFile(join(bench.dir, 'table/rows.csv'), `image_path,label,split\n${lines.join('\n')}\n`);
  return {
    source: { format: 'csv', path: 'table/rows.csv' },
    label: 'label',
    columns: { image_path: 'image' },
    split: { by: 'column', column: 'split', values: { train: 0, validation: 1, test: 2 } },
  };
}

const rowsOf = async (config: IngestConfig) => {
  const { outputs, values } = await ingest(bench.context(), config);
  const dataset = await bench.open(outputs.dataset);
  const rows = [];
  for (const split of ['train', 'validation', 'test'] as const)
    for await (const batch of readRows(dataset, split)) rows.push(...batch.map((row) => ({ ...row, in: split })));
  const rejects =
    dataset.manifest.files['quarantine.parquet'] === undefined
      ? []
      : await withDatabase(async (db) =>
          db.rows(`SELECT reason, content FROM read_parquet('${await dataset.path('quarantine.parquet')}')`),
        );
  return {
    outputs,
    values,
    rows,
    rejects: rejects.map(([reason, content]) => ({
      reason: String(reason),
      content: JSON.parse(String(content)) as Record<string, string>,
    })),
  };
};

describe('paths of images in a table', () => {
  test('become the images, and are served as base64', async () => {
    const config = await writeTable(16, (row) => (row === 3 ? join(bench.dir, 'table/img/3.png') : `img/${row}.png`));
    const { outputs, rows } = await rowsOf(config);
    expect(rows.map((row) => row.in).join()).toBe(
      [...Array(8).fill('train'), ...Array(4).fill('validation'), ...Array(4).fill('test')].join(),
    );
    expect(rows.find((row) => (row as { split?: number }).split === 1)).toMatchObject({ image_path: bytesOf(10), label: 0 });
    const { outputs: examples } = await preprocess(bench.context(), {}, outputs.dataset!);
    const opened = await openExamples(await bench.open(examples.examples));
    // The split column is no feature by itself.
    expect(opened.meta.inputs).toMatchObject([{ name: 'image_path', shape: [3, 4, 3] }]);
    const preprocessor = loadPreprocessor(await opened.preprocessorJson());
    const { image_path: served } = await preprocessor.apply([{ image_path: Buffer.from(picture(255)).toString('base64') }]);
    expect([...new Set(served!.data)]).toEqual([1]);
    const preview = await previewExamples(config, {}, bench.dir);
    expect(preview).toMatchObject({ rows: 16, inputs: [{ name: 'image_path', shape: [3, 4, 3] }], output: { classes: ['0', '1'] } });
  });

  test('without a readable image go to quarantine with path and reason', async () => {
    const names: Record<number, string> = {
      0: 'img/none.png',
      1: '../secret.png',
      2: 'img/link.png',
      3: 'img',
      4: 'https://example.org/a.png',
      5: 'img/text.png',
      6: '../table/../table2/x.png',
    };
    const config = await writeTable(20, (row) => names[row] ?? `img/${row}.png`);
    await writeFile(join(bench.dir, 'secret.png'), picture(9));
    await symlink(join(bench.dir, 'secret.png'), join(bench.dir, 'table/img/link.png'));
    await writeFile(join(bench.dir, 'table/img/text.png'), 'no image');
    const { rows, rejects } = await rowsOf({ ...config, budget: 0.5 });
    expect(rows).toHaveLength(13);
    const reasons = Object.fromEntries(rejects.map(({ reason, content }) => [content.image_path, reason]));
    expect(reasons['img/none.png']).toContain(`"image_path" names no file below ${join(bench.dir, 'table')}: img/none.png`);
    for (const path of ['../secret.png', 'img/link.png', '../table/../table2/x.png'])
      expect(reasons[path]).toContain('leads out of the folder');
    expect(reasons['img']).toContain('names no ordinary file');
    expect(reasons['https://example.org/a.png']).toContain('only files are read');
    expect(reasons['img/text.png']).toContain('is no image that can be read');
    expect(await failure(ingest(bench.context(), config))).toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining('7 of 20 rows'),
    });
  });

  test('are part of the fingerprint', async () => {
    const config = await writeTable(8);
    const digest = () => fingerprintSource(config, bench.dir, '2026-01-01T00:00:00Z');
    const first = await digest();
    expect(await digest()).toEqual(first);
    await writeFile(join(bench.dir, 'table/img/7.png'), picture(200));
    const second = await digest();
    expect(second).not.toEqual(first);
    await unlink(join(bench.dir, 'table/img/7.png'));
    expect(await digest()).not.toEqual(second);
  });

  test('start in a folder of their own, or are base64', async () => {
    const config = await writeTable(8, (row) => `${row}.png`);
    expect((await rowsOf({ ...config, columns: { image_path: { image: { folder: 'table/img' } } } })).rows).toHaveLength(8);
    await rm(join(bench.dir, 'table/img'), { recursive: true });
    const inline = await writeTable(0).catch(() => config);
    await writeFile(
      join(bench.dir, 'table/rows.csv'),
      `image_path,label,split\n${[0, 1, 2, 3].map((row) => `"${row < 2 ? '' : 'data:image/png;base64,'}${Buffer.from(picture(row)).toString('base64')}",${row % 2},${row < 2 ? 0 : row - 1}`).join('\n')}\n`,
    );
    expect((await rowsOf({ ...inline, columns: { image_path: { image: 'base64' } } })).rows[3]).toMatchObject({ image_path: bytesOf(3) });
    // Usual formats are told from paths by themselves.
    expect((await rowsOf(inline)).rows[3]).toMatchObject({ image_path: bytesOf(3) });
  });
});

describe('codes of splits', () => {
  test('are refused with what to write, and told apart', async () => {
    const { split, ...config } = await writeTable(16);
    const coded = (values?: NonNullable<IngestConfig['split']>['values']) =>
      ingest(bench.context(), { ...config, split: { by: 'column', column: 'split', ...(values === undefined ? {} : { values }) } });
    expect(await failure(coded())).toMatchObject({
      code: 'SPLIT_INVALID',
      hint: expect.stringContaining('"values": {"train": 0, "validation": 1, "test": 2}'),
    });
    expect(await failure(coded({ train: 0, test: 2 }))).toMatchObject({
      code: 'SPLIT_INVALID',
      message: expect.stringContaining('"1" (4 rows); expected 0, 2'),
    });
    expect(await failure(coded({ train: [0, 1], test: [2, '1'] }))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('"1" stands for two splits'),
    });
    expect((await coded({ train: ['0', 1], test: 2.0 })).values).toMatchObject({ trainRows: 12, validationRows: 0, testRows: 4 });
    expect((await coded(split!.values)).values).toMatchObject({ trainRows: 8, validationRows: 4, testRows: 4 });
  });
});
