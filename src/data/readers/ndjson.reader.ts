import { join } from 'node:path';
import { PerennialError } from '../../core/errors.ts';
import { listLiteral, literal, pathLiteral } from '../duckdb.ts';
import { DATA_LIMITS } from '../limits.ts';
import { PATH_SCHEMA, createRejects, defineReader } from '../reader.ts';
import { createRaw } from './shared.ts';

interface NdjsonConfig {
  readonly format: 'ndjson';
  readonly path: string;
}

const reader = (paths: string) => `read_json(${paths}, format='newline_delimited', records=true, sample_size=-1, map_inference_threshold=-1, maximum_object_size=${DATA_LIMITS.lineBytesMax})`;

export default defineReader<NdjsonConfig>({
  format: 'ndjson',
  summary: 'One JSON object per line; lines that are no objects are quarantined.',
  layout: 'files',
  text: true,
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['format', 'path'],
    description: 'One JSON object per line.',
    properties: { format: { const: 'ndjson' }, path: PATH_SCHEMA },
  },
  examples: [{ format: 'ndjson', path: 'data/spam/spam.ndjson' }],
  async read({ db, files, limit, workDir }) {
    await createRejects(db);
    const paths = listLiteral(files.filter((file) => file.size > 0).map((file) => pathLiteral(file.path)));
    // Line by line, so that one torn line costs that line and not the file. chr(1) and chr(2) cannot stand in JSON text.
    const lines = `read_csv(${paths}, auto_detect=false, header=false, delim=chr(1), quote='', escape='', columns={'line': 'VARCHAR'}, max_line_size=${DATA_LIMITS.lineBytesMax})`;
    await db.run(`CREATE TEMP TABLE lines AS SELECT row_number() OVER () AS "row", line FROM ${lines} WHERE line IS NOT NULL AND trim(line) <> ''`);
    const bad = `CASE WHEN json_valid(line) THEN json_type(line) <> 'OBJECT' ELSE true END`;
    await db.run(`INSERT INTO rejects SELECT "row", 'line is no JSON object', line[:1000] FROM lines WHERE ${bad}`);
    const [counts] = await db.rows('SELECT (SELECT count(*) FROM lines), (SELECT count(*) FROM rejects)');
    const [all, rejected] = counts!.map(Number) as [number, number];
    if (all === rejected) throw new PerennialError('SOURCE_INVALID', `None of the ${all} lines of ${files.map((file) => file.name).join(', ')} is a JSON object.`, { hint: 'Use "format": "json" for a file that is one JSON array.' });
    if (rejected === 0) {
      await db.run('DROP TABLE lines');
      return { columns: await createRaw(db, reader(paths), limit) };
    }
    const clean = join(workDir, 'clean.ndjson');
    await db.run(`COPY (SELECT line FROM lines WHERE NOT (${bad}) ORDER BY "row") TO ${literal(clean)} (FORMAT csv, HEADER false, DELIMITER '\x01', QUOTE '', ESCAPE '')`);
    await db.run('DROP TABLE lines');
    return { columns: await createRaw(db, reader(listLiteral([pathLiteral(clean)])), limit) };
  },
});
