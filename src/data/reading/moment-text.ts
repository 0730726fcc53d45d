/** SQL of the text of a point in time, as JSON of one shows it. */
export function momentTextSql(c: string): string {
  return `CASE WHEN epoch_ms(${c}) % 1000 = 0 THEN strftime(${c}, '%Y-%m-%dT%H:%M:%S') ELSE strftime(${c}, '%Y-%m-%dT%H:%M:%S.%g') END`;
}

/** SQL of the text of a day. */
export function dateTextSql(c: string): string {
  return `strftime(${c}, '%Y-%m-%d')`;
}
