import type { Database } from '../data/table/duckdb.ts';
import type { ReadTable } from '../data/reading/read-as.ts';

/** A line or record of the file that is no row. */
export interface RejectedLine {
  /** Its number, from 1, as far as the reader knows it. */
  readonly line: number;
  readonly error: string;
  /** What it holds, shortened. */
  readonly text: string | null;
}

/** After the table was read: what in it is no row. */
export async function rejectedLines(db: Database, table: ReadTable): Promise<RejectedLine[]> {
  await table.malformed();
  return (await db.rows('SELECT "row", reason, left(content, 1000) FROM rejects ORDER BY "row"')).map(([line, reason, content]) => ({
    line: Number(line),
    error: String(reason),
    text: content === null || content === undefined ? null : String(content),
  }));
}
