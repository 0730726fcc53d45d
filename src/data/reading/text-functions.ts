import type { DuckDBDataChunk, DuckDBScalarFunction, DuckDBVector } from '@duckdb/node-api';
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

export async function textFunctions(): Promise<DuckDBScalarFunction[]> {
  const { DOUBLE, DuckDBScalarFunction: Scalar, VARCHAR } = await import('@duckdb/node-api');
  return Object.entries(FUNCTIONS).map(([name, { of, write }]) =>
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
