import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isPerennialError } from '../../../src/core/errors.ts';
import { compileOrThrow } from '../../../src/config/plan-document.ts';
import { Perennial } from '../../support/perennial.ts';
import { tempDir } from '../../support/temp-dir.ts';

const folder = tempDir('bad-documents');
writeFileSync(join(folder, 'rows.csv'), 'x,label\n1,a\n2,b\n');

interface Document {
  [key: string]: unknown;
  steps: Record<string, any>[];
}

function document(change: (document: Document) => void = () => {}): string {
  const good: Document = {
    apiVersion: 'perennial/v1',
    name: 'good',
    parameters: { epochs: { type: 'integer', default: 2, minimum: 1 } },
    steps: [
      { uses: 'ingest', with: { source: { format: 'csv', path: 'rows.csv' }, label: 'label' } },
      { uses: 'preprocess', with: { features: { x: ['standardize'] } } },
      { uses: 'train', with: { model: { architecture: 'mlp', units: [4] }, epochs: '${parameters.epochs}' } },
      { uses: 'evaluate', with: { metrics: ['accuracy'] } },
      { uses: 'register', with: {} },
    ],
  };
  change(good);
  return JSON.stringify(good, null, 1);
}

/** A text or bytes as they stand in the file, and what the message has to say: what was given, what was expected, where. */
const CASES: readonly [string, string | Uint8Array, RegExp][] = [
  ['an empty file', '', /1:1: The document is empty[\s\S]*perennial init/],
  ['a text that ends too early', document().slice(0, document().lastIndexOf(']')), /:\d+:\d+: The document ends too early/],
  ['a superfluous comma', document().replace('[', '[,'), /:\d+:\d+: A value is expected here; "," was found/],
  ['a comment', document().replace('{', '{ // why\n'), /JSON has no comments/],
  [
    'Latin-1',
    Buffer.from(
      document((one) => {
        one.description = 'é';
      }),
      'latin1',
    ),
    /not UTF-8: the byte 0xe9 at offset \d+[\s\S]*Save the file as UTF-8/,
  ],
  ['UTF-16', Buffer.from(`\ufeff${document()}`, 'utf16le'), /The file is UTF-16; a document is UTF-8/],
  ['NUL bytes', Buffer.alloc(100), /no value of JSON/],
  ['null', 'null', /must be an object; null was given/],
  ['a list', '[]', /must be an object; \[\] was given/],
  ['a number beyond all', '1e999', /too large/],
  ['a hundred thousand brackets', '['.repeat(100_000), /nested more than 64 deep|ends too early/],
  ['a key that stands twice', document().replace('"name": "good"', '"name": "good", "name": "other"'), /The key "name" stands twice/],
  ['the key __proto__', document().replace('"name": "good"', '"name": "good", "__proto__": {}'), /The key "__proto__" is not allowed/],
  [
    'an unknown key',
    document((one) => {
      one.stepz = 1;
    }),
    /Unknown key "stepz"[\s\S]*allowed[\s\S]*"steps"/,
  ],
  [
    'a misspelt key',
    document((one) => {
      one.steps[2]!.with.epoch = 3;
      delete one.steps[2]!.with.epochs;
    }),
    /Unknown key "epoch"[\s\S]*"epochs"/,
  ],
  [
    'a wrong type',
    document((one) => {
      one.steps[2]!.with.epochs = 'many';
    }),
    /"epochs" must be an integer; "many" was given/,
  ],
  [
    'a number out of range',
    document((one) => {
      one.steps[2]!.with.batchSize = -5;
    }),
    /"batchSize" must be at least 1; -5 was given/,
  ],
  [
    'a huge layer',
    document((one) => {
      one.steps[2]!.with.model.units = [1e9];
    }),
    /at most 65536; 1000000000 was given/,
  ],
  [
    'a label as feature',
    document((one) => {
      one.steps[1]!.with.features.label = ['oneHot'];
    }),
    /"label" is the label/,
  ],
  [
    'a parameter with a wrong default',
    document((one) => {
      (one.parameters as any).epochs.default = 'two';
    }),
    /default "two" is no integer/,
  ],
  ...['../evil', 'a b', 'ünïcode', '__proto__', 'A', '-x', '', '.', 'a/b', 'a\u0000b', 'a'.repeat(5000)].flatMap(
    (name): [string, string, RegExp][] => [
      [
        `the pipeline name ${JSON.stringify(name).slice(0, 20)}`,
        document((one) => {
          one.name = name;
        }),
        /:3:\d+: "name" is "[\s\S]*form that is expected[\s\S]*lower-case letters, digits/,
      ],
      [
        `the model name ${JSON.stringify(name).slice(0, 20)}`,
        document((one) => {
          one.steps[4]!.with.model = name;
        }),
        /"model" is "[\s\S]*form that is expected[\s\S]*must match/,
      ],
    ],
  ),
  ...['../evil', 'a b', '__proto__', ''].map((id): [string, string, RegExp] => [
    `the step id ${JSON.stringify(id)}`,
    document((one) => {
      one.steps[0]!.id = id;
    }),
    /"id" is "[\s\S]*must match/,
  ]),
];

async function mistakeOf(path: string, params: Readonly<Record<string, string>> = {}): Promise<string> {
  try {
    await compileOrThrow(path, { params });
  } catch (error) {
    if (!isPerennialError(error)) throw error;
    expect(['DOCUMENT_INVALID', 'DOCUMENT_UNREADABLE']).toContain(error.code);
    return error.message;
  }
  throw new Error('nothing was found wrong');
}

describe('a document with', () => {
  it.each(CASES)('%s is refused with place and cause', async (_name, text, expected) => {
    const path = join(folder, 'document.json');
    writeFileSync(path, text);
    expect(await mistakeOf(path)).toMatch(expected);
  });

  it('a byte order mark is read', async () => {
    const path = join(folder, 'bom.json');
    writeFileSync(path, `\ufeff${document()}`);
    expect((await compileOrThrow(path, { params: {} })).pipeline).toBe('good');
  });

  it.each(['constructor', 'toString', 'hasOwnProperty'])('a step, and so a model, called %s is compiled', async (id) => {
    const path = join(folder, 'builtin.json');
    writeFileSync(
      path,
      document((one) => {
        one.steps[0]!.id = id;
      }),
    );
    expect((await compileOrThrow(path, { params: {} })).steps.map((step) => step.id)).toContain(id);
  });

  it.each([
    [{ epochs: 'abc' }, /"epochs" was given "abc", which is no integer/],
    [{ epochs: '0' }, /"epochs" was given "0", which is below the minimum of 1/],
    [{ epoch: '1' }, /declares no parameter "epoch"[\s\S]*"epochs"/],
    [{ ['__proto__x']: '1' }, /declares no parameter "__proto__x"/],
  ])('parameters %j says what is wrong, and nothing besides', async (params, expected) => {
    const path = join(folder, 'parameters.json');
    writeFileSync(path, document());
    const message = await mistakeOf(path, params);
    expect(message).toMatch(expected);
    expect(message).toContain('has a mistake');
  });

  it('a folder, or nothing, in its place is said; exit code 2, no stack trace, JSON on stdout', async () => {
    mkdirSync(join(folder, 'folder.json'));
    const perennial = new Perennial();
    for (const [command, name, expected] of [
      ['run', 'folder.json', /folder, not a file/],
      ['validate', 'folder.json', /No pipeline document lies in /],
      ['validate', 'nothing.json', /no such file/],
    ] as const) {
      const answer = await perennial.run([command, join(folder, name)]);
      expect(answer.code).toBe(2);
      expect(answer.stdout + answer.stderr).toMatch(expected);
      expect(answer.stdout + answer.stderr).not.toMatch(/^ +at .*:\d+:\d+/m);
    }
    expect((await perennial.run(['validate', join(folder, 'nothing.json'), '--json'])).json()).toBeTypeOf('object');
  });
});
