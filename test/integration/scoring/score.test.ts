import { existsSync, linkSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Row } from '../../../src/core/tensor.ts';
import { decode } from '../../../src/data/answers/decode.ts';
import { withDatabase } from '../../../src/data/table/duckdb.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { createArtifactStore } from '../../../src/storage/artifact-store.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { deliver, workBeside } from '../../../src/scoring/deliver.ts';
import { score as scoreTask } from '../../../src/scoring/score.ts';
import type { ScoreResult, ScoreTask } from '../../../src/scoring/score-task.ts';
import { fetchModel } from '../../../src/scoring/scored-model.ts';
import { openBundle } from '../../../src/training/bundle/load-model.ts';
import { Perennial } from '../../support/perennial.ts';
import { tempDir } from '../../support/temp-dir.ts';
import {
  KIND_HEAD,
  SERIES_HEAD,
  kindRows,
  registerKinds,
  registerPictures,
  registerSeries,
  seriesRows,
  writeKinds,
  writePictures,
} from './models.ts';

const folder = tempDir('score');
const location = join(folder, 'store');
const perennial = new Perennial({ PERENNIAL_STORE: `file:${location}` });
const store = new FileStore(location);
const artifacts = createArtifactStore(store, join(folder, 'cache'));

const score = (...args: string[]) => perennial.run(['score', ...args, '--json'], { cwd: folder });

/** The same without the process of a command. */
async function scoreHere(
  model: string,
  rows: string,
  out: string,
  more: Partial<ScoreTask> = {},
): Promise<ScoreResult & { readonly told: readonly string[] }> {
  const manifest = await createRegistry(store, artifacts).version(model, 'latest');
  const told: string[] = [];
  const work = workBeside(file(out));
  const files = await scoreTask(
    {
      source: { path: rows },
      folder,
      model: await fetchModel(await artifacts.open(manifest.model), model, manifest.version),
      keep: [],
      format: out.replace(/^.*\./, '') as ScoreTask['format'],
      prefix: '',
      budget: 0.05,
      partRows: 65_536,
      processes: 1,
      ...more,
    },
    { folder: work, outputs: [] },
    { onNote: (text) => told.push(text) },
  );
  const result = await deliver(files, file(out));
  rmSync(work, { recursive: true });
  return { ...result, told };
}

const file = (name: string): string => join(folder, name);
const lines = (name: string): any[] =>
  readFileSync(file(name), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

/** Answers as the model gives them, a thousand rows at once as `predict --rows` sends them. */
async function answersOf(model: string, rows: readonly Row[]): Promise<unknown[]> {
  const manifest = await createRegistry(store, artifacts).version(model, 1);
  const { predictor, preprocessor, meta } = await openBundle(await artifacts.open(manifest.model));
  const answers: unknown[] = [];
  for (let start = 0; start < rows.length; start += 1_000) {
    const some = rows.slice(start, start + 1_000);
    answers.push(...decode(meta.output, await predictor.predict(await preprocessor.apply(some)), some.length));
  }
  return answers;
}

const kindRow = (line: string): Row => {
  const [, x, y, color] = line.split(',');
  return { x: Number(x), y: y === '' ? null : Number(y), color };
};

beforeAll(async () => {
  const place = { dir: folder, store, artifacts };
  await registerKinds(place);
  await registerSeries(place);
  await registerPictures(place);
});

const KINDS = 'kinds@latest';

describe('perennial score', () => {
  it('writes over nothing that it reads, whatever way leads there, and not into files that it would read the next time', async () => {
    mkdirSync(file('apart'), { recursive: true });
    const rows = 'rows.csv';
    writeKinds(file(`apart/${rows}`), kindRows(20));
    const before = readFileSync(file(`apart/${rows}`), 'utf8');
    linkSync(file(`apart/${rows}`), file('apart/hard.csv'));
    symlinkSync(file(`apart/${rows}`), file('apart/soft.csv'));
    const here = (...args: string[]) => perennial.run(['score', KINDS, '--rows', ...args, '--json'], { cwd: file('apart') });
    for (const [args, message] of [
      [[rows, '--out', rows], '--out rows.csv would be written over rows.csv, which is read'],
      [[rows, '--out', 'hard.csv'], '--out hard.csv would be written over rows.csv'],
      [['soft.csv', '--out', rows], '--out rows.csv would be written over soft.csv'],
      [[rows, '--out', 'new.csv', '--aside', rows], '--aside rows.csv would be written over rows.csv'],
      [[rows, '--out', 'new.csv', '--aside', './new.csv'], '--out new.csv and --aside ./new.csv are one file'],
      [['r*.csv', '--out', 'r-answers.csv'], '--out r-answers.csv is among the files that \"r*.csv\" names'],
    ] as const) {
      const ran = await here(...args);
      expect([ran.code, ran.stdout + ran.stderr]).toEqual([2, expect.stringContaining(message)]);
    }
    expect(readFileSync(file(`apart/${rows}`), 'utf8')).toBe(before);
    expect(readdirSync(file('apart')).sort()).toEqual(['hard.csv', 'rows.csv', 'soft.csv']);
  });

  it('gives from each format to each format the answers of the model, bit by bit, with what is kept of the rows', async () => {
    const rows = kindRows(2_003);
    writeKinds(file('in.csv'), rows);
    writeFileSync(file('in.ndjson'), rows.map((row, at) => `${JSON.stringify({ name: `n${at}`, ...kindRow(row) })}\n`).join(''));
    await withDatabase((db) => db.run(`COPY (SELECT * FROM read_csv('${file('in.csv')}')) TO '${file('in.parquet')}' (FORMAT parquet)`));
    const expected = await answersOf('kinds', rows.map(kindRow));
    const flat = expected.map((answer, at) => {
      const { label, probabilities } = answer as { label: string; probabilities: Record<string, number> };
      return [at, `n${at}`, label, probabilities[label], probabilities['high']];
    });
    const ran = await score(KINDS, '--rows', 'in.csv', '--out', 'out.ndjson', '--keep', 'name', 'x');
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    expect(ran.json()).toMatchObject({
      model: 'kinds',
      version: 1,
      rows: 2_003,
      answered: 2_003,
      aside: 0,
      output: { path: 'out.ndjson' },
    });
    expect(lines('out.ndjson')).toEqual(
      rows.map((row, at) => ({ row: at, name: `n${at}`, x: kindRow(row).x, ...(expected[at] as object) })),
    );
    for (const [from, to] of [
      ['in.ndjson', 'csv'],
      ['in.parquet', 'parquet'],
    ] as const) {
      await scoreHere('kinds', from, `out.${to}`, { keep: ['name'], partRows: 700 });
      const found = await withDatabase((db) =>
        db.rows(`SELECT "row", name, label, "probability", "probabilities.high" FROM read_${to}('${file(`out.${to}`)}') ORDER BY "row"`),
      );
      expect(found.map(([row, ...others]) => [Number(row), ...others])).toEqual(flat);
    }
    expect(readdirSync(folder).filter((name) => name.endsWith('.scoring'))).toEqual([]);
  });

  it('goes on after kill -9 to the same bytes as if nothing had happened', async () => {
    writeKinds(file('large.csv'), kindRows(40_000));
    const args = ['--rows', 'large.csv', '--keep', 'name', '--part-rows', '2000', '--processes', '2'];
    const whole = await score(KINDS, '--out', 'whole.parquet', ...args);
    const killed = perennial.start(['score', KINDS, '--out', 'killed.parquet', ...args], { cwd: folder });
    const parts = file('killed.parquet.scoring/parts');
    const done = (): number => (existsSync(parts) ? readdirSync(parts).filter((name) => name.endsWith('.json')).length : 0);
    while (done() < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    process.kill(killed.pid, 'SIGKILL');
    await killed.exited;
    expect([existsSync(file('killed.parquet')), done() < 20]).toEqual([false, true]);
    const resumed = await score(KINDS, '--out', 'killed.parquet', ...args);
    expect(resumed.stderr).toContain('parts of an earlier try are taken over');
    expect(resumed.json()).toMatchObject({ rows: 40_000, answered: 40_000, output: { digest: whole.json().output.digest } });
    expect(resumed.json().resumedParts).toBeGreaterThanOrEqual(3);
    expect(readFileSync(file('killed.parquet')).equals(readFileSync(file('whole.parquet')))).toBe(true);
  });

  it('notices a source that changed meanwhile, says so, and mixes nothing', async () => {
    writeKinds(file('moving.csv'), kindRows(20_000));
    const args = ['score', KINDS, '--out', 'moved.ndjson', '--rows', 'moving.csv', '--part-rows', '500', '--processes', '1'];
    const killed = perennial.start(args, { cwd: folder });
    const parts = file('moved.ndjson.scoring/parts');
    while (!existsSync(parts) || readdirSync(parts).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    process.kill(killed.pid, 'SIGKILL');
    await killed.exited;
    writeKinds(file('moving.csv'), kindRows(1_000, 'other'));
    const { told, resumedParts } = await scoreHere('kinds', 'moving.csv', 'moved.ndjson', { partRows: 500 });
    expect([told, resumedParts]).toEqual([['An earlier try is thrown away, since the source changed.'], 0]);
    expect(lines('moved.ndjson').length).toBe(1_000);
  });

  it('lets one process at a time write a file', async () => {
    const slow = perennial.start(['score', KINDS, '--rows', 'large.csv', '--out', 'twice.csv', '--part-rows', '1000'], { cwd: folder });
    while (!existsSync(file('twice.csv.scoring/lock'))) await new Promise((resolve) => setTimeout(resolve, 5));
    const second = await score(KINDS, '--rows', 'large.csv', '--out', 'twice.csv');
    expect([second.code, second.stderr]).toEqual([2, expect.stringContaining('is scoring into the same place since')]);
    expect((await slow.exited).code).toBe(0);
    expect(readFileSync(file('twice.csv'), 'utf8').split('\n').length).toBe(40_002);
  });

  it('sets rows aside that cannot be answered, with their numbers and the words of the server, within the budget', async () => {
    const rows = kindRows(400);
    rows[7] = 'n7,heavy,1,red,low';
    rows[300] = 'n300,,2,blue,low';
    writeFileSync(file('bad.csv'), `${KIND_HEAD}\n${rows.join('\n')}\nn400,1\n`);
    const ran = await score(KINDS, '--rows', 'bad.csv', '--out', 'bad.ndjson', '--part-rows', '150');
    expect([ran.code, ran.json()]).toMatchObject([0, { rows: 401, answered: 398, aside: 3, asidePath: 'bad.ndjson.aside.ndjson' }]);
    expect(lines('bad.ndjson.aside.ndjson')).toMatchObject([
      { line: 402, error: expect.stringContaining('columns are missing') },
      { row: 7, error: 'column "x": expected a number, got string "heavy".', values: { x: 'heavy', y: 1, color: 'red' } },
      { row: 300, error: expect.stringMatching(/^column "x": it is null|missing/), values: { x: null, y: 2, color: 'blue' } },
    ]);
    const answered = new Set(lines('bad.ndjson').map(({ row }) => row as number));
    expect([answered.size, answered.has(7), answered.has(300), answered.has(399)]).toEqual([398, false, false, true]);
    const strict = await score(KINDS, '--rows', 'bad.csv', '--out', 'strict.ndjson', '--budget', '0.005');
    expect([strict.code, strict.stdout]).toMatchObject([
      2,
      expect.stringContaining('of 401 rows cannot be answered; the budget of 0.5 % lets 2'),
    ]);
    expect(existsSync(file('strict.ndjson'))).toBe(false);
    // What was answered is kept for a larger budget.
    expect((await score(KINDS, '--rows', 'bad.csv', '--out', 'strict.ndjson')).json()).toMatchObject({ resumedParts: 1, answered: 398 });
  });

  it('says what is wrong with a file as a whole', async () => {
    writeFileSync(file('nothing.csv'), '');
    writeFileSync(file('head.csv'), `${KIND_HEAD}\n`);
    writeFileSync(file('lacks.csv'), 'name,y,color\na,1,red\n');
    writeFileSync(file('spelt.csv'), 'x,y,colour\n1,1,red\n');
    writeFileSync(file('one.csv'), 'x,y,color\n1,1,red\n');
    writeFileSync(file('labelled.csv'), 'x,y,color,label\n1,1,red,high\n');
    for (const [name, code, message] of [
      ['nothing.csv', 'SOURCE_EMPTY', 'the file is empty'],
      ['head.csv', 'SOURCE_EMPTY', 'head.csv holds no rows.'],
      ['lacks.csv', 'COLUMN_MISSING', 'lacks.csv lacks the column "x", which the model needs.'],
      ['spelt.csv', 'COLUMN_MISSING', 'did you mean "color"?'],
      ['missing.csv', 'SOURCE_NOT_FOUND', 'There is no file or folder "missing.csv"'],
    ] as const)
      await expect(scoreHere('kinds', name, 'never.csv')).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
    await expect(scoreHere('kinds', 'one.csv', 'never.csv', { keep: ['colr'] })).rejects.toMatchObject({ hint: 'Did you mean "color"?' });
    expect(readdirSync(folder).filter((name) => name.startsWith('never.csv'))).toEqual([]);
    await expect(scoreHere('kinds', 'labelled.csv', 'never.csv', { keep: 'all' })).rejects.toMatchObject({
      message: 'The column "label" of the source is called as one of the answers.',
    });
    await expect(scoreHere('kinds', 'one.csv', 'one.csv/below.csv')).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('cannot be written'),
    });
    expect(existsSync(file('never.csv'))).toBe(false);
    expect(await scoreHere('kinds', 'labelled.csv', 'one.ndjson', { keep: 'all', prefix: 'told_' })).toMatchObject({ rows: 1 });
    const [{ label, probabilities }] = (await answersOf('kinds', [{ x: 1, y: 1, color: 'red' }])) as [
      { label: string; probabilities: unknown },
    ];
    expect(lines('one.ndjson')).toEqual([
      { row: 0, x: 1, y: 1, color: 'red', label: 'high', told_label: label, told_probabilities: probabilities },
    ]);
  });

  it('keeps the history of windows over parts, for each series', async () => {
    const rows = seriesRows(400);
    rows[500] = rows[500]!.replace(/[^,]*$/, 'broken');
    writeFileSync(file('levels.csv'), `${SERIES_HEAD}\n${rows.join('\n')}\n`);
    const whole = await scoreHere('levels', 'levels.csv', 'levels.ndjson');
    const parts = await scoreHere('levels', 'levels.csv', 'levels-parts.ndjson', { partRows: 64 });
    expect([whole.aside, parts.output.digest]).toEqual([1, whole.output.digest]);
    // The same windows as all rows at once have, each series without the row that cannot be read.
    const manifest = await createRegistry(store, artifacts).version('levels', 1);
    const { preprocessor, predictor, meta } = await openBundle(await artifacts.open(manifest.model));
    const given = rows.map((row) => Object.fromEntries(row.split(',').map((value, at) => [SERIES_HEAD.split(',')[at]!, value])));
    const sensor = given[500]!['sensor'];
    const expected = new Map<number, unknown>();
    for (const some of [
      given.map((_, at) => at).filter((at) => given[at]!['sensor'] !== sensor),
      given.map((_, at) => at).filter((at) => given[at]!['sensor'] === sensor && at < 500),
      given.map((_, at) => at).filter((at) => given[at]!['sensor'] === sensor && at > 500),
    ]) {
      const { tensors, ends } = await preprocessor.series!.windows(
        some.map((at) => ({ ...given[at], level: Number(given[at]!['level']) })),
      );
      const answers = decode(meta.output, await predictor.predict(tensors), ends.length);
      ends.forEach((end, index) => expected.set(some[end]!, answers[index]));
    }
    expect(lines('levels.ndjson').map(({ row, sensor: key, value }) => [row, key, value.toFixed(4)])).toEqual(
      [...expected]
        .sort(([a], [b]) => a - b)
        .map(([row, answer]) => [row, given[row]!['sensor'], (answer as { value: number }).value.toFixed(4)]),
    );
  });

  it('sorts rows of series that are not in the order of time, says so, and gives each answer the place in the file', async () => {
    const rows = seriesRows(400);
    rows[500] = rows[500]!.replace(/[^,]*$/, 'broken');
    // Another order of the same rows.
    const places = rows.map((_, at) => at).sort((a, b) => ((a * 577 + 11) % rows.length) - ((b * 577 + 11) % rows.length));
    writeFileSync(file('ordered.csv'), `${SERIES_HEAD}\n${rows.join('\n')}\n`);
    writeFileSync(file('shuffled.csv'), `${SERIES_HEAD}\n${places.map((at) => rows[at]).join('\n')}\n`);
    await scoreHere('levels', 'ordered.csv', 'ordered.ndjson');
    const found = await scoreHere('levels', 'shuffled.csv', 'shuffled.ndjson', { partRows: 64 });
    expect(found.notes).toEqual([
      expect.stringMatching(/^shuffled\.csv is not in the order of "at": \d+ rows are earlier .* The rows were sorted/),
    ]);
    const byRow = (a: { row: number }, b: { row: number }): number => a.row - b.row;
    expect(
      lines('shuffled.ndjson')
        .map((line) => ({ ...line, row: places[line.row]! }))
        .sort(byRow),
    ).toEqual(lines('ordered.ndjson').sort(byRow));
    expect(lines('shuffled.ndjson.aside.ndjson').map(({ row, error }) => [places[row], error])).toEqual(
      lines('ordered.ndjson.aside.ndjson').map(({ row, error }) => [row, error]),
    );
    const bare = await scoreHere('levels', 'shuffled.csv', 'bare.csv', { format: 'csv', keep: [] });
    expect(bare.answered).toBe(found.answered);
  });

  it('answers the images of a folder, with or without folders for classes', async () => {
    await writePictures(file('photos'), 3);
    writeFileSync(file('photos/none.png'), 'no image');
    expect(await scoreHere('pictures', 'photos', 'photos.ndjson', { budget: 0.2 })).toMatchObject({ rows: 7, answered: 6, aside: 1 });
    const names = ['bright/0.png', 'bright/1.png', 'bright/2.png', 'dark/0.png', 'dark/1.png', 'dark/2.png'];
    const expected = await answersOf(
      'pictures',
      names.map((name) => ({ image: readFileSync(file(`photos/${name}`)) })),
    );
    expect(lines('photos.ndjson')).toEqual(names.map((name, row) => ({ row, file: name, ...(expected[row] as object) })));
    expect(lines('photos.ndjson.aside.ndjson')).toMatchObject([{ row: 6, error: expect.stringContaining('image') }]);
  });

  const disk = mkdtempSync(join(tmpdir(), 'perennial-score-disk-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', disk]).status === 0;
  afterAll(() => {
    if (mounted) spawnSync('umount', [disk]);
    rmSync(disk, { recursive: true, force: true });
  });
  it.skipIf(!mounted)('goes on when a full disk has room again (needs the right to mount)', async () => {
    writeFileSync(join(disk, 'ballast'), Buffer.alloc(2_400_000));
    const args = ['--rows', 'large.csv', '--out', join(disk, 'out.ndjson'), '--part-rows', '5000'];
    const full = await score(KINDS, ...args);
    expect([full.code, full.json().error?.code, existsSync(join(disk, 'out.ndjson'))]).toEqual([1, 'STORE_FULL', false]);
    spawnSync('mount', ['-o', 'remount,size=64m', disk]);
    expect((await score(KINDS, ...args)).json()).toMatchObject({ answered: 40_000 });
  });
});
