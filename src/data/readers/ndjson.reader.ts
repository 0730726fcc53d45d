import { PerennialError } from '../../core/errors.ts';
import { listLiteral, pathLiteral } from '../table/duckdb.ts';
import { DATA_LIMITS } from '../table/limits.ts';
import { PATH_SCHEMA, defineReader } from './reader.ts';
import { jsonTable } from '../reading/json-table.ts';
import { plainFiles } from '../reading/text-files.ts';

interface NdjsonConfig {
  readonly format: 'ndjson';
  readonly path: string;
}

export default defineReader<NdjsonConfig>({
  format: 'ndjson',
  summary:
    'One JSON object per line; lines that are no objects are quarantined. Strings stay as they are; lists and objects become their JSON text.',
  layout: 'files',
  endings: ['.ndjson', '.jsonl', '.ndjson.gz', '.jsonl.gz', '.ndjson.zst', '.jsonl.zst'],
  text: true,
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['format', 'path'],
    description: 'One JSON object per line.',
    properties: { format: { const: 'ndjson' }, path: PATH_SCHEMA },
  },
  examples: [{ format: 'ndjson', path: 'data/spam/spam.ndjson' }],
  async read({ db, files, workDir }) {
    const names = files.map((file) => file.name).join(', ');
    const plain = await plainFiles(
      db,
      files.filter((file) => file.size > 0),
      undefined,
      workDir,
    );
    // Line by line, so that one torn line costs that line and not the file. chr(1) cannot stand in JSON text.
    const lines = `read_csv(${listLiteral(plain.map((file) => pathLiteral(file.path)))}, auto_detect=false, header=false, delim=chr(1), quote='', escape='', columns={'line': 'VARCHAR'}, max_line_size=${DATA_LIMITS.lineBytesMax}, buffer_size=${DATA_LIMITS.textBufferBytes})`;
    await db.run(`CREATE OR REPLACE TEMP TABLE lines AS SELECT line FROM ${lines}`);
    const blank = `(line IS NULL OR trim(line, chr(32) || chr(9) || chr(13)) = '')`;
    const bad = `(NOT ${blank} AND CASE WHEN json_valid(line) THEN json_type(line) <> 'OBJECT' ELSE true END)`;
    const [counts] = await db.rows(`SELECT count_if(NOT ${blank}), count_if(${bad}) FROM lines`);
    const [all, rejected] = counts!.map(Number) as [number, number];
    if (all === rejected)
      throw new PerennialError(
        'SOURCE_INVALID',
        all === 0 ? `${names} holds no lines.` : `None of the ${all} lines of ${names} is a JSON object.`,
        { hint: 'Use "format": "json" for a file that is one JSON array.' },
      );
    await db.run(
      `CREATE OR REPLACE TEMP TABLE objects AS SELECT CAST(line AS JSON) AS json FROM lines WHERE NOT ${blank} AND NOT ${bad} ORDER BY rowid`,
    );
    const table = await jsonTable(db, names, 'lines');
    if (rejected > 0)
      await db.run(
        `INSERT INTO rejects SELECT rowid + 1, 'line is no JSON object: line ' || (rowid + 1), left(line, 1000) FROM lines WHERE ${bad} ORDER BY rowid`,
      );
    await db.run('DROP TABLE lines');
    return table;
  },
});
