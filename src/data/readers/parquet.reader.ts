import { listLiteral, pathLiteral } from '../duckdb.ts';
import { PATH_SCHEMA, createRejects, defineReader } from '../reader.ts';
import { createRaw } from './shared.ts';

interface ParquetConfig {
  readonly format: 'parquet';
  readonly path: string;
}

export default defineReader<ParquetConfig>({
  format: 'parquet',
  summary: 'Apache Parquet; types are those of the file. Binary columns hold encoded images.',
  layout: 'files',
  text: false,
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['format', 'path'],
    description: 'Apache Parquet.',
    properties: { format: { const: 'parquet' }, path: PATH_SCHEMA },
  },
  examples: [{ format: 'parquet', path: 'data/trips/*.parquet' }],
  async read({ db, files, limit }) {
    await createRejects(db);
    return { columns: await createRaw(db, `read_parquet(${listLiteral(files.map((file) => pathLiteral(file.path)))})`, limit) };
  },
});
