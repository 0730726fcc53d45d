import { PerennialError, messageOf } from '../../core/errors.ts';
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
    const names = files.map((file) => file.name).join(', ');
    try {
      await db.run(
        `CREATE OR REPLACE TEMP TABLE elements AS SELECT json FROM read_json_objects(${paths}, format='array', maximum_object_size=${DATA_LIMITS.lineBytesMax})`,
      );
    } catch (error) {
      throw inWords(error, names) ?? error;
    }
    const other = `json_type(json) <> 'OBJECT'`;
    const [counts] = await db.rows(`SELECT count(*), count_if(${other}) FROM elements`);
    const [all, others] = counts!.map(Number) as [number, number];
    if (all === others)
      throw all === 0
        ? new PerennialError('SOURCE_EMPTY', `${names} is an array without elements.`)
        : new PerennialError('SOURCE_INVALID', `None of the ${all} elements of ${names} is an object.`, {
            hint: 'A json source is one array of objects, one for each row.',
          });
    await db.run(`CREATE OR REPLACE TEMP TABLE objects AS SELECT json FROM elements WHERE NOT ${other} ORDER BY rowid`);
    const table = await jsonTable(db, names, 'array');
    if (others > 0)
      await db.run(
        `INSERT INTO rejects SELECT rowid + 1, 'element is no JSON object: element ' || (rowid + 1), left(CAST(json AS VARCHAR), 1000) FROM elements WHERE ${other} ORDER BY rowid`,
      );
    await db.run('DROP TABLE elements');
    return table;
  },
});

/** What the database says of a text that is no array of objects. */
function inWords(error: unknown, names: string): PerennialError | undefined {
  const message = messageOf(error);
  const begins = /Expected top-level JSON array.* first character is '(.)'/su.exec(message);
  if (begins !== null)
    return new PerennialError('SOURCE_INVALID', `${names} begins with "${begins[1]!}": a json source is one array of objects.`, {
      hint:
        begins[1] === '{'
          ? 'For a file with one object per line write "format": "ndjson". Of one object that holds the array, write the array alone into a file.'
          : 'Check that "format" fits the file.',
      cause: error,
    });
  const malformed = /Malformed JSON in file .* in record\/value (\d+): (.*)$/su.exec(message);
  if (malformed === null) return undefined;
  return new PerennialError(
    'SOURCE_INVALID',
    `${names} is no valid JSON near element ${malformed[1]!}: ${malformed[2]!.replace(/[\s.]+$/u, '')}.`,
    {
      hint: 'Correct it; a file that was cut short has to be written again.',
      cause: error,
    },
  );
}
