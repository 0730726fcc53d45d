import { join } from 'node:path';
import { PerennialError, messageOf } from '../../core/errors.ts';
import { listLiteral, literal, pathLiteral } from '../table/duckdb.ts';
import { DATA_LIMITS } from '../table/limits.ts';
import { PATH_SCHEMA, defineReader } from './reader.ts';
import type { SourceFile } from './reader.ts';
import { jsonTable } from '../reading/json-table.ts';
import { plainFiles, withEvenLines } from '../reading/text-files.ts';

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
    const linesOf = (of: readonly SourceFile[]): string =>
      `read_csv(${listLiteral(of.map((file) => pathLiteral(file.path)))}, auto_detect=false, header=false, delim=chr(1), quote='', escape='', columns={'line': 'VARCHAR'}, max_line_size=${DATA_LIMITS.lineBytesMax}, buffer_size=${DATA_LIMITS.textBufferBytes})`;
    const create = (of: readonly SourceFile[]): Promise<void> =>
      db.run(`CREATE OR REPLACE TEMP TABLE lines AS SELECT line FROM ${linesOf(of)}`);
    try {
      await create(plain);
    } catch (error) {
      // Lines that end in different ways.
      if (!/invalid state/i.test(messageOf(error))) throw error;
      const even: SourceFile[] = [];
      for (const [index, file] of plain.entries()) even.push(await withEvenLines(file, '', join(workDir, `even-${index}`)));
      await create(even);
    }
    const blank = `(line IS NULL OR trim(line, chr(32) || chr(9) || chr(13)) = '')`;
    const bad = `(NOT ${blank} AND CASE WHEN json_valid(line) THEN json_type(line) <> 'OBJECT' ELSE true END)`;
    const [counts] = await db.rows(`SELECT count_if(NOT ${blank}), count_if(${bad}) FROM lines`);
    const [all, rejected] = counts!.map(Number) as [number, number];
    if (all === 0) throw new PerennialError('SOURCE_EMPTY', `${names} holds no lines.`);
    if (all === rejected) {
      const [first] = await db.rows(`SELECT line, rowid + 1 FROM lines WHERE ${bad} ORDER BY rowid LIMIT 1`);
      throw noObjects(names, all, String(first![0]), Number(first![1]));
    }
    await db.run(
      `CREATE OR REPLACE TEMP TABLE objects AS SELECT CAST(line AS JSON) AS json FROM lines WHERE NOT ${blank} AND NOT ${bad} ORDER BY rowid`,
    );
    const table = await jsonTable(db, names, 'lines');
    if (rejected > 0)
      await db.run(
        `INSERT INTO rejects SELECT rowid + 1, 'line is no JSON object: line ' || (rowid + 1) || CASE WHEN regexp_matches(line, ${literal(HALF)}) THEN ${literal(HALF_SAID)} ELSE '' END, left(line, 1000) FROM lines WHERE ${bad} ORDER BY rowid`,
      );
    await db.run('DROP TABLE lines');
    return table;
  },
});

/** A character beyond 16 bits is written as two escapes; the database takes none of them alone. */
const HALF = '(?i)\\\\u(d[89ab]|d[c-f])[0-9a-f]{2}';
const HALF_SAID = ' (an escape such as \\ud83d is half of a character, and needs its other half)';

/** Why no line is an object, and what to do, by the first of them. */
function noObjects(names: string, all: number, line: string, at: number): PerennialError {
  const text = line.trim();
  const [why, hint] = text.startsWith('[')
    ? ['it begins an array', 'Use "format": "json" for a file that is one JSON array.']
    : /^\{\s*'/.test(text)
      ? ['its texts stand in single quotes', `Write names and texts in double quotes, as JSON has them: {"x": "a"}.`]
      : /\},$/.test(text)
        ? ['a comma stands behind the object', 'Take the commas at the ends of the lines away.']
        : /^\{$|^\{(?!.*\}$)/.test(text)
          ? ['the object goes on behind it', 'Write each object on a line of its own (jq -c . FILE).']
          : /\}\s*\{/.test(text)
            ? ['several objects stand on it', 'Write each object on a line of its own (jq -c . FILE).']
            : new RegExp(HALF.replace('(?i)', ''), 'i').test(text)
              ? [HALF_SAID.trim().slice(1, -1), 'Write both halves, or the character itself in UTF-8.']
              : ['it is something else', 'Each line is one object, such as {"x": 1}; give the "format" that the file has.'];
  return new PerennialError(
    'SOURCE_INVALID',
    `None of the ${all} lines of ${names} is a JSON object; line ${at} is ${JSON.stringify(text.slice(0, 60))}: ${why}.`,
    { hint },
  );
}
