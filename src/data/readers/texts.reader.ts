import { readFile } from 'node:fs/promises';
import { ENCODINGS, decodeText } from '../reading/text-files.ts';
import { literal } from '../table/duckdb.ts';
import { FOLDER_SCHEMA, createRejects, defineReader, someRows } from './reader.ts';

interface TextsConfig {
  readonly format: 'texts';
  readonly path: string;
  readonly encoding?: string;
}

const BATCH = 200;

export default defineReader<TextsConfig>({
  format: 'texts',
  summary: 'Text files in class folders: columns "text" and "file", and "label" from the folder\'s name.',
  layout: 'classFolders',
  extensions: ['.txt'],
  text: false,
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['format', 'path'],
    description: 'Text files in class folders (<path>/<class>/*.txt). Columns: text, label, file.',
    properties: {
      format: { const: 'texts' },
      path: FOLDER_SCHEMA,
      encoding: {
        enum: Object.keys(ENCODINGS),
        default: 'utf-8',
        description: 'Encoding of the files. A byte order mark is believed more. Files that are not in it are set aside.',
      },
    },
  },
  examples: [
    { format: 'texts', path: 'data/reviews' },
    { format: 'texts', path: 'data/letters', encoding: 'windows-1252' },
  ],
  async read({ db, files, config }) {
    await createRejects(db);
    await db.run('CREATE OR REPLACE TEMP TABLE raw (c0 VARCHAR, c1 VARCHAR, c2 VARCHAR)');
    for (let start = 0; start < files.length; start += BATCH) {
      const good: string[] = [];
      const bad: string[] = [];
      const batch = files.slice(start, start + BATCH);
      const contents = await Promise.all(batch.map((file) => readFile(file.path)));
      contents.forEach((bytes, index) => {
        const file = batch[index]!;
        const row = start + index + 1;
        const read = decodeText(bytes, config.encoding);
        if ('reason' in read)
          bad.push(
            `(${row}, ${literal(`${read.reason}: ${file.name}${read.detail === '' ? '' : `, ${read.detail}`}`)}, ${literal(file.name)})`,
          );
        else if (read.text.includes('\0')) bad.push(`(${row}, 'the file holds NUL characters', ${literal(file.name)})`);
        else good.push(`(${literal(read.text)}, ${literal(file.className ?? '')}, ${literal(file.name)})`);
      });
      if (good.length > 0) await db.run(`INSERT INTO raw VALUES ${good.join(', ')}`);
      if (bad.length > 0) await db.run(`INSERT INTO rejects VALUES ${bad.join(', ')}`);
    }
    return {
      columns: [
        { name: 'text', from: 'string', id: 'c0', fixed: true },
        { name: 'label', from: 'string', id: 'c1', fixed: true },
        { name: 'file', from: 'string', id: 'c2', origin: true, fixed: true },
      ],
      label: 'label',
      source: (rows) => someRows('raw', rows),
      options: config.encoding === undefined ? {} : { encoding: config.encoding },
      nullValues: [],
      notes: [],
    };
  },
});
