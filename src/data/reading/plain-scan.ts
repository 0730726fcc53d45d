import type { DuckDBDataChunk, DuckDBTableFunction, DuckDBType } from '@duckdb/node-api';
import { PerennialError } from '../../core/errors.ts';
import type { Database } from '../table/duckdb.ts';
import { roundKeys } from '../table/row-digest.ts';
import { NotPlain, PlainRows } from './plain-rows.ts';
import type { PlainChunk, PlainKind, PlainLayout } from './plain-rows.ts';

/** Name of the SQL function `plain_rows(ticket)`. */
const PLAIN_ROWS = 'plain_rows';

interface Scan {
  readonly rows: PlainRows;
  readonly kinds: readonly PlainKind[];
  error?: unknown;
}

const scans = new Map<number, Scan>();
let tickets = 0;

/** The SQL function that gives the rows of {@link PlainRows}: columns v0, v1, … of what is not left out, and `digest`. */
async function plainRowsFunction(): Promise<DuckDBTableFunction> {
  const { DOUBLE, DuckDBDoubleVector, DuckDBTableFunction: Table, INTEGER, UBIGINT, VARCHAR } = await import('@duckdb/node-api');
  const typeOf = (kind: PlainKind): DuckDBType => (kind === 'string' ? VARCHAR : DOUBLE);
  return Table.create({
    name: PLAIN_ROWS,
    parameterTypes: [INTEGER],
    bindFunction(info) {
      const ticket = Number(info.getParameter(0));
      const scan = scans.get(ticket);
      if (scan === undefined) return info.setError(`no scan has the ticket ${ticket}`);
      scan.kinds.forEach((kind, column) => kind !== 'leave' && info.addResultColumn(`v${column}`, typeOf(kind)));
      info.addResultColumn('digest', UBIGINT);
      info.setBindData({ ticket });
    },
    initFunction(info) {
      info.setMaxThreads(1);
    },
    mainFunction(info, output) {
      const scan = scans.get((info.bindData as { ticket: number }).ticket)!;
      try {
        scan.rows.next();
        put(scan.rows.chunk, scan.kinds, output, (vector, words, rows) =>
          new DuckDBDoubleVector(new Float64Array(words.buffer, 0, 2 * rows), vector.validity as never, vector.vector as never).flush(),
        );
      } catch (error) {
        scan.error = error;
        info.setError('the rows are not plain');
      }
    },
  });
}

/** What the vectors of the database's package have in common with each other. */
interface RawVector {
  readonly items: Float64Array | BigUint64Array;
  readonly validity: { data: BigUint64Array | null };
  readonly vector: unknown;
  setItem(row: number, value: string): void;
  flush(): void;
}

function put(
  { rows, numbers, words, present, long, digests }: PlainChunk,
  kinds: readonly PlainKind[],
  output: DuckDBDataChunk,
  putWords: (vector: RawVector, words: Uint32Array, rows: number) => void,
): void {
  output.rowCount = rows;
  if (rows === 0) return;
  let place = 0;
  for (const [column, kind] of kinds.entries()) {
    if (kind === 'leave') continue;
    const vector = output.getColumnVector(place++) as unknown as RawVector;
    const bits = present[column]!;
    if (bits.some((word) => word !== 0xffffffff)) vector.validity.data = new BigUint64Array(bits.buffer, 0, Math.ceil(rows / 64));
    if (kind !== 'string') {
      (vector.items as Float64Array).set(numbers[column]!.subarray(0, rows));
      vector.flush();
      continue;
    }
    putWords(vector, words[column]!, rows);
    const texts = long[column];
    if (texts === undefined) continue;
    for (const [row, text] of texts) vector.setItem(row, text);
    vector.flush();
  }
  const vector = output.getColumnVector(place) as unknown as RawVector;
  (vector.items as BigUint64Array).set(digests.subarray(0, rows));
  vector.flush();
}

export interface PlainSource extends Omit<PlainLayout, 'columns'> {
  /** Of all columns of the files, in their order. */
  readonly columns: readonly { readonly name: string; readonly kind: PlainKind }[];
}

/**
 * Runs a query over the rows of plain files.
 *
 * @param query from the name of a table with the columns v0, v1, … and `digest`
 * @returns false where the files are not plain: the query has failed then, and has to be asked of the general reading
 */
export async function overPlainRows(db: Database, { columns, ...layout }: PlainSource, query: (table: string) => string): Promise<boolean> {
  const ticket = ++tickets;
  const rows = new PlainRows({ ...layout, columns: columns.map(({ name, kind }) => ({ kind, keys: roundKeys(name) })) });
  const scan: Scan = { rows, kinds: columns.map(({ kind }) => kind) };
  await db.provide(PLAIN_ROWS, plainRowsFunction);
  scans.set(ticket, scan);
  try {
    await db.run(query(`${PLAIN_ROWS}(${ticket})`));
    return true;
  } catch (error) {
    if (scan.error instanceof NotPlain) return false;
    throw scan.error instanceof PerennialError || (scan.error as NodeJS.ErrnoException | undefined)?.code !== undefined
      ? scan.error
      : error;
  } finally {
    scans.delete(ticket);
    rows.close();
  }
}
