import { PerennialError } from '../core/errors.ts';
import { ident } from '../data/table/duckdb.ts';
import { flatName } from '../data/answers/answer-columns.ts';
import type { AnswerColumn } from '../data/answers/answer-columns.ts';
import { nestedSql, valueOfSql } from './answer-sql.ts';
import type { KeptColumn } from './kept-columns.ts';
import type { ScoreFormat } from './score-task.ts';

export interface ListRequest {
  readonly columns: readonly AnswerColumn[];
  readonly kept: readonly KeptColumn[];
  readonly prefix: string;
  readonly format: ScoreFormat;
  /** The rows were sorted: beside each stands its place in the source. */
  readonly sorted?: boolean;
}

/** The row of the source that an answer is of, from 0. */
const ROW = 'row';

/**
 * The columns of the file of answers with the SQL of each: the number of the row, what is kept of it, the answer. NDJSON has answers in the
 * form of the server, tables one column for each value of it.
 *
 * @throws USAGE where a column that is kept is called as one of the answer
 */
export function answerList(request: ListRequest): { readonly name: string; readonly sql: string }[] {
  const { columns, kept, prefix, format, sorted = false } = request;
  const ids = columns.map((_, index) => `a.a${index}`);
  const answers =
    format === 'ndjson'
      ? nestedSql(columns, ids)
      : columns.map((column, index) => ({ name: flatName(column), sql: valueOfSql(column, ids[index]!) }));
  const taken = new Set([ROW]);
  const own = [{ name: ROW, sql: sorted ? 's.place' : 'CAST(a.r AS BIGINT)' }];
  for (const { name, id } of kept) {
    if (taken.has(name.toLowerCase())) throw clash(name);
    taken.add(name.toLowerCase());
    own.push({ name, sql: `s.${ident(id)}` });
  }
  const keptNames = new Set(taken);
  return [
    ...own,
    ...answers.map(({ name, sql }) => {
      const called = `${prefix}${name}`;
      if (keptNames.has(called.toLowerCase())) throw clash(called);
      // Names of classes may differ in case alone, which names of columns must not.
      let unique = called;
      for (let number = 2; taken.has(unique.toLowerCase()); number += 1) unique = `${called}_${number}`;
      taken.add(unique.toLowerCase());
      return { name: unique, sql };
    }),
  ];
}

function clash(name: string): PerennialError {
  return name.toLowerCase() === ROW
    ? new PerennialError('USAGE', `The column "${name}" cannot be kept: "row" is the number of the row in the source.`, {
        hint: 'Leave it out of what is kept; the number tells the same row.',
      })
    : new PerennialError('USAGE', `The column "${name}" of the source is called as one of the answers.`, {
        hint: 'Name the answers otherwise with a prefix, e.g. "predicted_", or leave the column out of what is kept.',
      });
}
