import { PerennialError } from '../../core/errors.ts';
import { literal, pathLiteral } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import type { SourceFile } from '../readers/reader.ts';

/** Where a file that we wrote keeps the names that the database could not write. */
const KEPT = 'perennial.columns';

/**
 * The names of the columns as they stand in the files. The database knows no names that differ in their case only: of "A" and "a" it
 * calls the second "a_1".
 *
 * @param shown as the database calls them, columns of folder names at the end
 * @throws SOURCE_INVALID where names stand twice, or files have such names in different orders
 */
export async function parquetNames(db: Database, files: readonly SourceFile[], shown: readonly string[]): Promise<string[]> {
  const own = await namesIn(db, files[0]!);
  const names = shown.map((name, index) => own[index] ?? name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw new PerennialError('SOURCE_INVALID', `${files[0]!.name} has two columns named "${twice}".`, {
      hint: 'Give every column its own name.',
    });
  if (new Set(names.map((name) => name.toLowerCase())).size === names.length) return names;
  // Columns of several files are put together by their names, whatever their case.
  for (const file of files.slice(1)) {
    const theirs = await namesIn(db, file);
    if (theirs.join('\0') === own.join('\0')) continue;
    throw new PerennialError(
      'SOURCE_INVALID',
      `${files[0]!.name} has columns whose names differ in their case only, and ${file.name} has other ones, or in another order: ${own.join(', ')} and ${theirs.join(', ')}.`,
      { hint: 'Write the files with the same columns in the same order, or give the columns names that differ in more than their case.' },
    );
  }
  return names;
}

async function namesIn(db: Database, { path }: SourceFile): Promise<string[]> {
  const kept = await db.rows(`SELECT decode(value) FROM parquet_kv_metadata(${pathLiteral(path)}) WHERE decode("key") = ${literal(KEPT)}`);
  if (kept.length > 0) return JSON.parse(String(kept[0]![0])) as string[];
  const [root, ...nodes] = (await db.rows(`SELECT name, coalesce(num_children, 0) FROM parquet_schema(${pathLiteral(path)})`)).map(
    ([name, children]) => ({ name: String(name), children: Number(children) }),
  );
  const names: string[] = [];
  // A node stands before its children.
  let at = 0;
  const skip = (): void => {
    for (let left = nodes[at++]?.children ?? 0; left > 0; left -= 1) skip();
  };
  for (let left = root?.children ?? 0; left > 0; left -= 1) {
    names.push(nodes[at]!.name);
    skip();
  }
  return names;
}

/** Option of a COPY that keeps the names where the database cannot. */
export function namesOption(names: readonly string[]): string {
  if (new Set(names.map((name) => name.toLowerCase())).size === names.length) return '';
  return `, KV_METADATA {${literal(KEPT)}: ${literal(JSON.stringify(names))}}`;
}
