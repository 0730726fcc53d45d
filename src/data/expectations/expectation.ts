import { PerennialError } from '../../core/errors.ts';
import type { JsonSchema } from '../../core/json.ts';
import type { Column } from '../stored/column.ts';

/** SQL of a column in the table that is judged. */
export interface ExpectedColumn extends Column {
  readonly sql: string;
}

export interface ExpectationScope {
  /** @throws COLUMN_MISSING with the nearest spelling */
  column(name: string): ExpectedColumn;
}

/** Judges rows one by one: those for which `violation` is true break it. */
export interface RowRule {
  /** A boolean SQL expression, never NULL. A missing value breaks nothing but `notNull`. */
  readonly violation: string;
  /** Why such a row is set aside, e.g. `"x" is not between 0 and 1`. */
  readonly reason: string;
  /** SQL of the value to show beside the reason. */
  readonly value?: string;
}

/** Judges the data as a whole. */
export interface TableRule {
  /** A SQL aggregate over all rows. */
  readonly measure: string;
  /** undefined where it holds; else what was found and what was expected. */
  judge(measured: unknown): string | undefined;
}

/**
 * A promise about the data. One file `expectations/<name>.expectation.ts`. `configSchema` is the closed object schema of the whole
 * expectation; the expectation is recognised by the key `name`.
 */
export interface ExpectationDefinition<C = any> {
  readonly name: string;
  readonly summary: string;
  readonly configSchema: JsonSchema;
  readonly examples: readonly C[];
  rule(config: C, scope: ExpectationScope): RowRule | TableRule;
}

export function defineExpectation<C>(definition: ExpectationDefinition<C>): ExpectationDefinition<C> {
  return Object.freeze(definition);
}

/** The schema of an expectation about one column. */
export function columnExpectation(
  name: string,
  description: string,
  value: JsonSchema,
  example: Readonly<Record<string, unknown>>,
): JsonSchema {
  return {
    type: 'object',
    additionalProperties: false,
    required: ['column', name],
    description,
    properties: { column: { type: 'string', minLength: 1, description: 'Name of the column.' }, [name]: value },
    examples: [example],
  };
}

/** @throws CONFIG_INVALID where the column has another type than the expectation is for. */
export function requireType(column: ExpectedColumn, types: readonly Column['type'][], name: string): void {
  if (!types.includes(column.type))
    throw new PerennialError(
      'CONFIG_INVALID',
      `expect: "${name}" is for ${types.join(', ')} columns; "${column.name}" is a ${column.type} column.`,
    );
}
