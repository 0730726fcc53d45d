import { castSql } from '../columns.ts';
import type { TypedColumn } from '../columns.ts';
import { literal } from '../duckdb.ts';
import type { Database } from '../duckdb.ts';
import { imageProblem } from './images.ts';

const IMAGES_AT_ONCE = 64;
const ROWS_PER_STATEMENT = 500;

/**
 * Moves rows with an image that cannot be decoded from `raw` to `rejects`.
 *
 * @param content SQL of what `rejects` says of a row
 */
export async function rejectImages(db: Database, columns: readonly TypedColumn[], content: string): Promise<void> {
  for (const column of columns.filter(({ type }) => type === 'image')) {
    const image = castSql(column.id, column.from, 'image');
    const problems: string[] = [];
    for await (const { rows, columns: [numbers, values] } of db.chunks(`SELECT "row", ${image} FROM raw WHERE ${image} IS NOT NULL`)) {
      for (let start = 0; start < rows; start += IMAGES_AT_ONCE) {
        const images = values!.slice(start, start + IMAGES_AT_ONCE) as { readonly bytes: Uint8Array }[];
        const found = await Promise.all(images.map(({ bytes }) => imageProblem(bytes)));
        found.forEach((problem, at) => {
          if (problem !== undefined) problems.push(`(${String(numbers![start + at])}, ${literal(`"${column.name}" is no image that can be read: ${problem.replaceAll('\0', ' ').slice(0, 200)}`)})`);
        });
      }
    }
    for (let start = 0; start < problems.length; start += ROWS_PER_STATEMENT) {
      const some = `(VALUES ${problems.slice(start, start + ROWS_PER_STATEMENT).join(', ')}) p("row", reason)`;
      await db.run(`INSERT INTO rejects SELECT r."row", p.reason, ${content} FROM raw r JOIN ${some} ON p."row" = r."row" ORDER BY r."row"`);
      await db.run(`DELETE FROM raw WHERE "row" IN (SELECT p."row" FROM ${some})`);
    }
  }
}
