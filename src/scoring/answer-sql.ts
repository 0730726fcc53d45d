import type { AnswerColumn } from '../data/answers/answer-columns.ts';
import { literal } from '../data/table/duckdb.ts';

/** SQL of a column by what was appended of it. */
export function valueOfSql({ type, texts }: AnswerColumn, id: string): string {
  if (texts !== undefined) return `list_extract([${texts.map(literal).join(', ')}], ${id} + 1)`;
  return type === 'boolean' ? `(${id} = 1)` : id;
}

/** SQL of the answers in the form of the server, one expression for each name of the first level. @param ids of the columns */
export function nestedSql(columns: readonly AnswerColumn[], ids: readonly string[]): { readonly name: string; readonly sql: string }[] {
  const leaves = columns.flatMap((column, at) => (column.more === true ? [] : [{ path: column.path, sql: valueOfSql(column, ids[at]!) }]));
  return [...new Set(leaves.map(({ path }) => String(path[0])))].map((name) => ({
    name,
    sql: joined(leaves.filter(({ path }) => String(path[0]) === name).map(({ path, sql }) => ({ path: path.slice(1), sql }))),
  }));
}

function joined(leaves: readonly { readonly path: readonly (string | number)[]; readonly sql: string }[]): string {
  const [first] = leaves;
  if (first!.path.length === 0) return first!.sql;
  const names = [...new Set(leaves.map(({ path }) => path[0]!))];
  const parts = names.map((name) => ({
    name,
    sql: joined(leaves.filter(({ path }) => path[0] === name).map(({ path, sql }) => ({ path: path.slice(1), sql }))),
  }));
  return typeof first!.path[0] === 'number'
    ? `json_array(${parts.map(({ sql }) => sql).join(', ')})`
    : `json_object(${parts.map(({ name, sql }) => `${literal(String(name))}, ${sql}`).join(', ')})`;
}
