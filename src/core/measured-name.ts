/** The name of what is measured of a column, where it stands beside columns: "subject (words)". */
export function measuredName(column: string, measure: string): string {
  return `${column} (${measure})`;
}
