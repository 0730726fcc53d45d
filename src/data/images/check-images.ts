import { literal } from '../table/duckdb.ts';
import type { Database } from '../table/duckdb.ts';
import { imageProblem } from './images.ts';

const IMAGES_AT_ONCE = 64;
const ROWS_PER_STATEMENT = 500;

/**
 * Moves rows with an image that cannot be decoded from a table to `rejects`.
 *
 * @param columns of images, with their SQL names
 * @param content SQL of what `rejects` says of a row
 */
export async function rejectImages(
  db: Database,
  table: string,
  columns: readonly { readonly name: string; readonly id: string }[],
  content: string,
): Promise<void> {
  for (const column of columns) {
    const problems: string[] = [];
    for await (const {
      rows,
      columns: [numbers, values],
    } of db.chunks(`SELECT rowid, ${column.id} FROM ${table} WHERE ${column.id} IS NOT NULL`)) {
      for (let start = 0; start < rows; start += IMAGES_AT_ONCE) {
        const images = values!.slice(start, start + IMAGES_AT_ONCE) as { readonly bytes: Uint8Array }[];
        const found = await Promise.all(images.map(({ bytes }) => imageProblem(bytes)));
        found.forEach((problem, at) => {
          if (problem !== undefined)
            problems.push(
              `(${String(numbers![start + at])}, ${literal(`"${column.name}" is no image that can be read: ${problem.replaceAll('\0', ' ').slice(0, 200)}`)})`,
            );
        });
      }
    }
    for (let start = 0; start < problems.length; start += ROWS_PER_STATEMENT) {
      const some = `(VALUES ${problems.slice(start, start + ROWS_PER_STATEMENT).join(', ')}) p(r, reason)`;
      await db.run(
        `INSERT INTO rejects SELECT r.rowid + 1, p.reason, ${content} FROM ${table} r JOIN ${some} ON p.r = r.rowid ORDER BY r.rowid`,
      );
      await db.run(`DELETE FROM ${table} WHERE rowid IN (SELECT p.r FROM ${some})`);
    }
  }
}
