import { writeFile } from 'node:fs/promises';
import { PerennialError } from '../../core/errors.ts';
import { literal } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import { DATA_LIMITS } from '../table/limits.ts';
import { createRejects, rowsAt, someRows } from '../readers/reader.ts';
import type { RawTable } from '../readers/reader.ts';
import type { RawColumn } from './source-column.ts';

const pointer = (key: string): string => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;

/**
 * The columns of objects of JSON, from the temporary table `objects` (json). Nothing is read out of a text: a string is a text as it
 * stands, numbers and true and false are values whose type our rules choose, and a column that mixes them, or holds lists or
 * objects, is a column of texts, each as JSON of one form, so that a request gives the same.
 *
 * @param layout how the source holds its objects
 * @throws SOURCE_EMPTY, SOURCE_INVALID
 */
export async function jsonTable(db: Database, where: string, layout: 'array' | 'lines'): Promise<RawTable> {
  await createRejects(db);
  await db.run(
    `INSERT INTO rejects SELECT rowid + 1, 'the object names a key twice', left(CAST(json AS VARCHAR), 1000) FROM objects WHERE len(json_keys(json)) <> len(list_distinct(json_keys(json)))`,
  );
  await db.run(`DELETE FROM objects WHERE len(json_keys(json)) <> len(list_distinct(json_keys(json)))`);
  const keys = (
    await db.rows(
      `SELECT k FROM (SELECT unnest(json_keys(json)) AS k, unnest(range(len(json_keys(json)))) AS place, rowid AS r FROM objects) GROUP BY k ORDER BY min(r * 100000 + place)`,
    )
  ).map(([key]) => String(key));
  if (keys.length === 0) throw new PerennialError('SOURCE_EMPTY', `${where}: the objects have no keys.`);
  const nul = keys.find((key) => key.includes('\0'));
  if (nul !== undefined)
    throw new PerennialError('SOURCE_INVALID', `${where}: a key holds a NUL character (${JSON.stringify(nul.slice(0, 40))}).`, {
      hint: 'Take it out of the key.',
    });
  await db.run(
    `CREATE OR REPLACE TEMP TABLE cells AS SELECT json_extract(json, [${keys.map((key) => literal(pointer(key))).join(', ')}]) AS v FROM objects ORDER BY rowid`,
  );
  await db.run(
    `CREATE OR REPLACE TEMP TABLE originals AS SELECT CAST(json AS VARCHAR) AS text FROM objects ORDER BY rowid LIMIT ${DATA_LIMITS.rawRowsFromFirst}`,
  );
  await db.run('DROP TABLE objects');
  const columns: RawColumn[] = [];
  const selected: string[] = [];
  const notes: string[] = [];
  for (const [index, name] of keys.entries()) {
    const value = `v[${index + 1}]`;
    const first = `left(CAST(${value} AS VARCHAR), 1)`;
    const [counts] = await db.rows(
      `SELECT count_if(${first} = '"'), count_if(${first} IN ('t', 'f')), count_if(${first} IN ('{', '[')), count_if(${first} NOT IN ('"', 't', 'f', '{', '[', 'n')) FROM cells`,
    );
    const [texts, booleans, nested, numbers] = counts!.map(Number) as [number, number, number, number];
    const kinds = [texts, booleans, nested, numbers].filter((count) => count > 0).length;
    const plain = `json_extract_string(${value}, '$')`;
    const id = `c${index}`;
    const allNumbers = kinds === 1 && numbers > 0;
    columns.push({
      name,
      id,
      from: kinds === 1 && (numbers > 0 || booleans > 0) ? 'text' : 'string',
      // Their types follow from how they are written; as texts they are what a request that holds them gives.
      ...(allNumbers ? { numbers: true, text: `json_text(${id})` } : {}),
    });
    if (nested === 0 && (kinds <= 1 || numbers === 0)) {
      selected.push(`${plain} AS ${id}`);
      continue;
    }
    if (kinds > 1 && nested === 0)
      notes.push(
        `The column "${name}" mixes ${[
          [texts, 'texts'],
          [numbers, 'numbers'],
          [booleans, 'true and false'],
        ]
          .filter(([count]) => Number(count) > 0)
          .map(([count, what]) => `${String(count)} ${String(what)}`)
          .join(' and ')}: it is read as text.`,
      );
    selected.push(
      `CASE WHEN ${first} = '"' THEN ${plain} WHEN ${first} = 'n' THEN NULL ELSE json_text(CAST(${value} AS VARCHAR)) END AS ${id}`,
    );
  }
  await db.run(`CREATE OR REPLACE TEMP TABLE raw AS SELECT ${selected.join(', ')} FROM cells ORDER BY rowid`);
  await db.run('DROP TABLE cells');
  return {
    columns,
    source: (rows) => someRows('raw', rows),
    options: {},
    nullValues: [],
    notes,
    async copyRows(rows, path) {
      const texts = (await db.rows(rowsAt('originals', rows))).map(([text]) => String(text));
      await writeFile(path, layout === 'lines' ? texts.map((text) => `${text}\n`).join('') : `[${texts.join(',\n')}]\n`);
    },
  };
}
