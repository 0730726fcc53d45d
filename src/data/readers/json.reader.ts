import { listLiteral, pathLiteral } from '../table/duckdb.ts';
import { DATA_LIMITS } from '../table/limits.ts';
import { PATH_SCHEMA, defineReader } from './reader.ts';
import { jsonTable } from '../reading/json-table.ts';
import { plainFiles } from '../reading/text-files.ts';

interface JsonConfig {
  readonly format: 'json';
  readonly path: string;
}

export default defineReader<JsonConfig>({
  format: 'json',
  summary: 'A JSON array of objects. Strings stay as they are; lists and objects become their JSON text.',
  layout: 'files',
  endings: ['.json', '.json.gz', '.json.zst'],
  text: true,
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['format', 'path'],
    description: 'A JSON array of objects.',
    properties: { format: { const: 'json' }, path: PATH_SCHEMA },
  },
  examples: [{ format: 'json', path: 'data/orders.json' }],
  async read({ db, files, workDir }) {
    const plain = await plainFiles(
      db,
      files.filter((file) => file.size > 0),
      undefined,
      workDir,
    );
    const paths = listLiteral(plain.map((file) => pathLiteral(file.path)));
    await db.run(
      `CREATE OR REPLACE TEMP TABLE objects AS SELECT json FROM read_json_objects(${paths}, format='array', maximum_object_size=${DATA_LIMITS.lineBytesMax}) WHERE json_type(json) = 'OBJECT'`,
    );
    return jsonTable(db, files.map((file) => file.name).join(', '), 'array');
  },
});
