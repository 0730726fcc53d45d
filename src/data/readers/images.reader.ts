import { listLiteral, literal, pathLiteral } from '../table/duckdb.ts';
import { FOLDER_SCHEMA, createRejects, defineReader, someRows } from './reader.ts';

interface ImagesConfig {
  readonly format: 'images';
  readonly path: string;
}

const FILES_PER_QUERY = 1_000;

export default defineReader<ImagesConfig>({
  format: 'images',
  summary: 'Images in class folders: columns "image" and "file", and "label" from the folder\'s name.',
  layout: 'classFolders',
  extensions: ['.png', '.jpg', '.jpeg', '.webp', '.gif', '.tif', '.tiff', '.avif'],
  text: false,
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['format', 'path'],
    description: 'Images in class folders (<path>/<class>/*.png). Columns: image, label, file.',
    properties: { format: { const: 'images' }, path: FOLDER_SCHEMA },
  },
  examples: [{ format: 'images', path: 'data/digits' }],
  async read({ db, files }) {
    await createRejects(db);
    await db.run('CREATE OR REPLACE TEMP TABLE raw (c0 BLOB, c1 VARCHAR, c2 VARCHAR)');
    for (let start = 0; start < files.length; start += FILES_PER_QUERY) {
      const batch = files.slice(start, start + FILES_PER_QUERY);
      const names = batch.map(
        (file, index) => `(${start + index + 1}, ${literal(file.path)}, ${literal(file.className ?? '')}, ${literal(file.name)})`,
      );
      await db.run(`INSERT INTO raw SELECT b.content, n.label, n.name FROM (VALUES ${names.join(', ')}) n("row", path, label, name)
        JOIN read_blob(${listLiteral(batch.map((file) => pathLiteral(file.path)))}) b ON b.filename = n.path ORDER BY n."row"`);
    }
    await db.run(`INSERT INTO rejects SELECT rowid + 1, 'the image file is empty', c2 FROM raw WHERE octet_length(c0) = 0`);
    await db.run('DELETE FROM raw WHERE octet_length(c0) = 0');
    return {
      columns: [
        { name: 'image', from: 'image', id: 'c0' },
        { name: 'label', from: 'string', id: 'c1', fixed: true },
        { name: 'file', from: 'string', id: 'c2', origin: true, fixed: true },
      ],
      label: 'label',
      source: (rows) => someRows('raw', rows),
      options: {},
      nullValues: [],
      notes: [],
    };
  },
});
