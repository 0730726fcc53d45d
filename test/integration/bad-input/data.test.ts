import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Perennial } from '../../support/perennial.ts';
import { tempDir } from '../../support/temp-dir.ts';

const folder = tempDir('bad-data');
const perennial = new Perennial();

const ROWS = 60;
const kindOf = (row: number): string => 'ab'[row % 2]!;
const valueOf = (row: number): string => (((row * 37) % 50) + (row % 2) * 30 + row / 100).toFixed(2);

/** Rows `x,y,label` where `change` may give a row other fields. */
function table(change: (row: number) => Partial<Record<'x' | 'y' | 'label', string>> = () => ({}), head = 'x,y,label'): string {
  const lines = Array.from({ length: ROWS }, (_, row) => {
    const { x, y, label } = { x: valueOf(row), y: String((row * 13) % 60), label: kindOf(row), ...change(row) };
    return `${x},${y},${label}`;
  });
  return `${[head, ...lines].join('\n')}\n`;
}

interface Wanted {
  readonly source?: Record<string, unknown>;
  readonly ingest?: Record<string, unknown>;
  readonly features?: Record<string, unknown> | null;
  readonly regression?: boolean;
}

function documentOf(name: string, wanted: Wanted): string {
  const path = join(folder, `${name}.json`);
  const features = wanted.features === undefined ? { x: ['standardize'] } : wanted.features;
  writeFileSync(
    path,
    JSON.stringify({
      apiVersion: 'perennial/v1',
      name,
      steps: [
        { uses: 'ingest', with: { source: { format: 'csv', path: `${name}.csv`, ...wanted.source }, label: 'label', ...wanted.ingest } },
        { uses: 'preprocess', with: features === null ? {} : { features } },
        {
          uses: 'train',
          with: {
            model: { architecture: 'mlp', units: [4] },
            loss: wanted.regression === true ? 'meanSquaredError' : 'categoricalCrossentropy',
            epochs: 2,
            batchSize: 16,
          },
        },
        { uses: 'evaluate', with: { metrics: [wanted.regression === true ? 'meanAbsoluteError' : 'accuracy'] } },
        { uses: 'register', with: {} },
      ],
    }),
  );
  return path;
}

beforeAll(async () => {
  await perennial.up();
});

/** The source's bytes (absent: no file), the code, and what the message has to say. */
const REFUSED: readonly (readonly [string, string | Uint8Array | undefined, Wanted, string, RegExp])[] = [
  ['a-missing-file', undefined, {}, 'SOURCE_NOT_FOUND', /no file or folder "a-missing-file\.csv"/],
  ['an-empty-file', '', {}, 'SOURCE_EMPTY', /empty \(0 bytes\)/],
  ['only-a-header', 'x,y,label\n', {}, 'SOURCE_EMPTY', /header but no rows/],
  [
    'ragged-lines',
    table((row) => (row % 7 === 0 ? { label: 'a,b,c' } : {})),
    {},
    'DATA_INVALID',
    /9 of 60 rows cannot be used .*too many columns/,
  ],
  [
    'an-open-quote',
    table((row) => (row === 30 ? { label: '"a' } : {})),
    {},
    'SOURCE_INVALID',
    /line \d+: a quote is opened and not closed/,
  ],
  [
    'bytes-of-latin-1',
    Buffer.from(
      table(() => ({ label: 'é' })),
      'latin1',
    ),
    {},
    'SOURCE_INVALID',
    /not UTF-8: byte 0xe9 .*line 2.*windows-1252/,
  ],
  ['a-column-twice', table(undefined, 'x,x,label'), {}, 'SOURCE_INVALID', /two columns named "x"/],
  ['a-long-column-name', table(undefined, `x,${'y'.repeat(5000)},label`), {}, 'SOURCE_INVALID', /5000 characters; at most 256/],
  [
    'no-such-label',
    table(),
    { ingest: { label: 'lable' } },
    'COLUMN_MISSING',
    /no column "lable".*columns are: x, y, label.*Did you mean "label"/,
  ],
  ['a-constant-label', table(() => ({ label: 'a' })), {}, 'LABEL_INVALID', /constant: all 60 rows are "a"/],
  ['a-missing-label', table(() => ({ label: '' })), {}, 'DATA_INVALID', /label "label" is missing \(60 rows\)/],
  ['a-label-that-is-an-id', table((row) => ({ label: `id${row}` })), {}, 'LABEL_INVALID', /looks like an identifier/],
  [
    'a-class-with-one-row',
    table((row) => (row % 10 === 5 ? { label: `rare${row}` } : {})),
    {},
    'SPLIT_INVALID',
    /no row of "rare\d+" \(1 rows in all\).*stratify/,
  ],
  [
    'nan-in-the-label',
    table((row) => ({ label: row % 10 === 0 ? 'nan' : String(row / 2) })),
    { regression: true },
    'DATA_INVALID',
    /label "label" is missing \(6 rows\)/,
  ],
  [
    'infinity-in-the-label',
    table((row) => ({ label: row % 10 === 0 ? 'inf' : String(row / 2) })),
    { regression: true },
    'DATA_INVALID',
    /label "label" is infinite \(6 rows\)/,
  ],
  ['a-column-without-values', table(() => ({ x: '' })), {}, 'DATA_INVALID', /features\.x: the column is missing in every row/],
  ['no-such-feature', table(), { features: { X: ['standardize'] } }, 'COLUMN_MISSING', /no column "X".*Did you mean "x"/],
  [
    'nan-in-a-feature',
    table((row) => (row % 10 === 0 ? { x: 'NaN' } : {})),
    {},
    'DATA_INVALID',
    /column "x": the value is missing .*impute/,
  ],
  [
    'infinity-in-a-feature',
    table((row) => (row % 10 === 0 ? { x: 'inf' } : {})),
    {},
    'DATA_INVALID',
    /"x" holds Infinity in the train split.*clip/,
  ],
  [
    'numbers-too-large-to-square',
    table((row) => ({ x: row % 2 === 0 ? `1e200` : `-1e20${row % 9}` })),
    {},
    'DATA_INVALID',
    /features\.x: the values are too large/,
  ],
  [
    'numbers-at-the-end',
    table((row) => ({ x: row % 2 === 0 ? '1e308' : '-1e308' })),
    {},
    'DATA_INVALID',
    /features\.x: the values are too large/,
  ],
  [
    'text-as-numbers',
    table((row) => (row === 3 ? { x: 'three' } : {})),
    { features: { x: ['standardize'] } },
    'CONFIG_INVALID',
    /"standardize" takes numbers, but gets text/,
  ],
  ['another-format', table(), { source: { format: 'parquet' } }, 'SOURCE_INVALID', /cannot be read as parquet/],
  ['equal-rows', table(() => ({ x: '1', y: '1' })), {}, 'SPLIT_INVALID', /split is empty.*Only 2 of the rows differ/],
];

describe('a source with', () => {
  it.each(REFUSED)('%s fails the run', async (name, bytes, wanted, code, message) => {
    if (bytes !== undefined) writeFileSync(join(folder, `${name}.csv`), bytes);
    const answer = await perennial.here(['run', documentOf(name, wanted), '--json']);
    expect(answer.json().failure).toMatchObject({ code, message: expect.stringMatching(message) as string });
    expect(answer.code).toBe(1);
    expect(answer.stderr).not.toMatch(/^ +at .*:\d+:\d+/m);
    // Told once: what data lack, trying again does not bring.
    expect(answer.stderr).not.toMatch(/attempt 2/);
  });

  it('a folder in the place of the file, and a pattern that nothing fits, are told apart', async () => {
    mkdirSync(join(folder, 'folder.csv'));
    expect((await perennial.here(['run', documentOf('folder', {}), '--json'])).json().failure).toMatchObject({
      code: 'SOURCE_INVALID',
      message: expect.stringMatching(/is a folder; a file is expected.*folder\.csv\/\*\.csv/) as string,
    });
    expect((await perennial.here(['run', documentOf('pattern', { source: { path: 'zz*.csv' } }), '--json'])).json().failure).toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: expect.stringContaining('No file matches "zz*.csv"') as string,
    });
  });

  it('names and classes that mean something to JavaScript, to shells or to no keyboard is learnt from and served', async () => {
    const names = ['__proto__', 'größe 📏 "q"'];
    const classes = ['constructor', '__proto__', '../日本'];
    const lines = Array.from({ length: 90 }, (_, row) => `${row % 3 === 0 ? 5 : 0}.${row},${row % 3}.${row},${classes[row % 3]}`);
    writeFileSync(join(folder, 'names.csv'), `\ufeff${names[0]},"größe 📏 ""q""",label\r\n${lines.join('\r\n')}\r\n`);
    const answer = await perennial.run(['run', documentOf('names', { features: null }), '--json']);
    expect(answer.json(), answer.stderr).toMatchObject({ status: 'completed', version: 1 });
    expect((await perennial.run(['models', 'promote', 'names', '1', '--reason', 'test', '--json'])).code).toBe(0);
    const row = `{"__proto__": 5.3, "größe 📏 \\"q\\"": 0.3}`;
    const predicted = await perennial.run(['predict', 'names', '--row', row, '--json']);
    expect(predicted.code, predicted.stderr).toBe(0);
    expect(classes).toContain(predicted.json().predictions[0].label);
    const lacking = await perennial.run(['predict', 'names', '--row', '{"x": 1}', '--json']);
    expect(lacking.json().error).toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining('none of the columns that the model reads: __proto__, größe') as string,
    });
    expect(lacking.code).toBe(2);
  });

  it('rows that change under a run is read again, and no mixture is stored', async () => {
    const path = join(folder, 'changing.csv');
    writeFileSync(path, table());
    const before = (await perennial.here(['run', documentOf('changing', {}), '--json'])).json();
    appendFileSync(path, '1.5,2,a\n');
    const after = (await perennial.here(['run', documentOf('changing', {}), '--json'])).json();
    expect(before.steps[0].outputs.dataset.digest).not.toBe(after.steps[0].outputs.dataset.digest);
    expect(after.steps[0]).toMatchObject({ cached: false, reason: expect.stringMatching(/source|data|changed/i) as string });
  });
});

/** Arguments, exit code, error code, and what the message or the hint has to say. */
const COMMANDS: readonly (readonly [string, readonly string[], number, string, RegExp])[] = [
  ['an unknown model', ['models', 'rollback', 'nobody'], 2, 'NOT_FOUND', /no model "nobody"/],
  ['a model out of the folder', ['models', 'rollback', '../evil'], 2, 'NAME_INVALID', /"\.\.\/evil" is not the name of a model/],
  ['the model __proto__', ['models', 'show', '__proto__'], 2, 'NAME_INVALID', /is not the name of a model/],
  [
    'an unknown version',
    ['models', 'promote', 'plain', '99', '--reason', 'test'],
    2,
    'VERSION_INVALID',
    /no version "99".*It has the versions 1/,
  ],
  [
    'an alias out of the folder',
    ['models', 'promote', 'plain', '1', '--alias', '../x', '--reason', 'test'],
    2,
    'NAME_INVALID',
    /is not an alias/,
  ],
  [
    'a rollback without anything to go back to',
    ['models', 'rollback', 'plain'],
    2,
    'VERSION_INVALID',
    /no earlier good champion than version 1/,
  ],
  ['an unknown run to cancel', ['runs', 'cancel', 'nothing/x'], 2, 'NOT_FOUND', /no such run/],
  ['an unknown run to read', ['runs', 'logs', 'nothing/x'], 2, 'NOT_FOUND', /nothing\/x/],
  [
    'a parameter nobody declared',
    ['run', join(folder, 'plain.json'), '--param', 'x=1'],
    2,
    'DOCUMENT_INVALID',
    /declares no parameter "x"/,
  ],
  ['a row that is no JSON', ['predict', 'plain', '--row', '{bad'], 2, 'USAGE', /--row is not JSON/],
  ['a model that is not served', ['predict', 'nobody', '--row', '{}'], 2, 'NOT_FOUND', /no model "nobody"/],
  ['rows from no file', ['predict', 'plain', '--rows', join(folder, 'nothing.csv')], 2, 'SOURCE_NOT_FOUND', /nothing\.csv/],
  [
    'a server that is not there',
    ['predict', 'plain', '--row', '{"x":1}', '--server', 'http://127.0.0.1:9'],
    4,
    'SERVER_UNAVAILABLE',
    /127\.0\.0\.1:9/,
  ],
];

describe('a command with', () => {
  beforeAll(async () => {
    writeFileSync(join(folder, 'plain.csv'), table());
    const answer = await perennial.run(['run', documentOf('plain', {}), '--json']);
    expect(answer.json()).toMatchObject({ status: 'completed', version: 1 });
    expect((await perennial.run(['models', 'promote', 'plain', '1', '--reason', 'test', '--json'])).code).toBe(0);
  });

  it.each(COMMANDS)('%s', async (_name, args, exit, code, message) => {
    const answer = await perennial.here([...args, '--json']);
    const { error } = answer.json<{ error: { code: string; message: string; hint: string } }>();
    expect(error.code).toBe(code);
    expect(`${error.message} ${error.hint}`).toMatch(message);
    expect(error.hint).not.toBe('');
    expect(answer.code).toBe(exit);
    expect(answer.stderr).not.toMatch(/^ +at .*:\d+:\d+/m);
  });

  it.each([
    [{ x: 'long' }, /column "x": expected a number, got string "long"/],
    [{ y: 1 }, /none of the columns|"x"/],
    [{ x: null }, /"x"/],
    [{ x: [1] }, /expected a number/],
  ])('the row %j for the served model is refused', async (row, message) => {
    const { url } = (JSON.parse(readFileSync(join(perennial.home, 'run/stack.json'), 'utf8')) as { server: { url: string } }).server;
    const answer = await fetch(`${url}/models/plain/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ rows: [row] }),
    });
    expect(answer.status).toBe(400);
    expect(((await answer.json()) as { error: string }).error).toMatch(message);
  });

  it.each(['..%2f..%2fetc', '__proto__', 'a%20b', '%00', '%ff'])(
    'the model %s in an address finds nothing, and harms nothing',
    async (name) => {
      const { url } = (JSON.parse(readFileSync(join(perennial.home, 'run/stack.json'), 'utf8')) as { server: { url: string } }).server;
      for (const path of [`/models/${name}/predict`, `/v1/models/${name}:predict`, `/v2/models/${name}/infer`]) {
        const answer = await fetch(`${url}${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{"rows":[{"__proto__":{"polluted":1}}]}',
        });
        expect([400, 404]).toContain(answer.status);
        expect(((await answer.json()) as { error: string }).error).toBeTypeOf('string');
      }
    },
  );
});
