import type { DuckDBDataChunk, DuckDBScalarFunction, DuckDBVector } from '@duckdb/node-api';
import { SHORTEST, shortestOfFloat32 } from './float32.ts';
import { canonicalDecimal, canonicalText } from './json-text.ts';

/**
 * SQL functions that write values as texts. They are the code that writes the values of a request, so that a column of texts holds the
 * same whatever brought its values: the database's own way differs (1.0, 1e-05, 2^70).
 */
const FUNCTIONS = {
  /** number_text(DOUBLE): as JSON writes it. */
  number_text: { of: 'DOUBLE', write: (value: number) => String(value) },
  /** json_text(VARCHAR): a number, a list or an object of JSON in its one form. */
  json_text: { of: 'VARCHAR', write: (text: string) => canonicalText(text) },
  /** decimal_text(VARCHAR): a decimal without zeros at its end. */
  decimal_text: { of: 'VARCHAR', write: (text: string) => canonicalDecimal(text) },
} as const;

/** Code that reads and writes values of requests, as functions of SQL. */
export async function valueFunctions(): Promise<DuckDBScalarFunction[]> {
  const { DOUBLE, DuckDBScalarFunction: Scalar, VARCHAR } = await import('@duckdb/node-api');
  const shortest = Scalar.create({
    name: SHORTEST,
    returnType: DOUBLE,
    parameterTypes: [DOUBLE],
    mainFunction(_, chunk, output) {
      const [given, made] = [doubles(chunk.getColumnVector(0), chunk.rowCount), doubles(output, chunk.rowCount)];
      for (let row = 0; row < chunk.rowCount; row += 1) made[row] = shortestOfFloat32(given[row]!);
      output.flush();
    },
  });
  const texts = Object.entries(FUNCTIONS).map(([name, { of, write }]) =>
    Scalar.create({
      name,
      returnType: VARCHAR,
      parameterTypes: [of === 'DOUBLE' ? DOUBLE : VARCHAR],
      specialHandling: true,
      mainFunction(_, chunk, output) {
        writeTexts(chunk, output, write as (value: unknown) => string);
      },
    }),
  );
  return [shortest, ...texts];
}

/** The numbers of a vector as they lie in memory: one value at a time takes ten times as long. */
function doubles(vector: DuckDBVector, rows: number): Float64Array {
  const { items } = vector as unknown as { readonly items: ArrayBufferView };
  return new Float64Array(items.buffer, items.byteOffset, rows);
}

function writeTexts(chunk: DuckDBDataChunk, output: DuckDBVector, write: (value: unknown) => string): void {
  const given = chunk.getColumnVector(0);
  const target = output as DuckDBVector & { setItem(index: number, value: string | null): void };
  for (let row = 0; row < chunk.rowCount; row += 1) {
    const value = given.getItem(row);
    target.setItem(row, value === null ? null : write(value));
  }
  output.flush();
}
