import { listLiteral, pathLiteral } from '../duckdb.ts';
import { DATA_LIMITS } from '../limits.ts';
import { PATH_SCHEMA, createRejects, defineReader } from '../reader.ts';
import { createRaw } from './shared.ts';

interface JsonConfig {
  readonly format: 'json';
  readonly path: string;
}

export default defineReader<JsonConfig>({
  format: 'json',
  summary: 'A JSON array of objects; nested values become their JSON text.',
  layout: 'files',
  text: true,
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['format', 'path'],
    description: 'A JSON array of objects.',
    properties: { format: { const: 'json' }, path: PATH_SCHEMA },
  },
  examples: [{ format: 'json', path: 'data/orders.json' }],
  async read({ db, files, limit }) {
    await createRejects(db);
    const paths = listLiteral(files.filter((file) => file.size > 0).map((file) => pathLiteral(file.path)));
    return { columns: await createRaw(db, `read_json(${paths}, format='array', records=true, sample_size=-1, map_inference_threshold=-1, maximum_object_size=${DATA_LIMITS.lineBytesMax})`, limit) };
  },
});
