import type { DriftCheck } from '../../monitoring/drift-checks/drift-check-record.ts';
import type { ColumnDrift } from '../../monitoring/column-drift.ts';
import type { DriftResult } from '../../monitoring/detect.ts';
import { table } from '../commands/command.ts';

/** Checks in a table, as they are given. */
export function historyTable(checks: readonly DriftCheck[]): string {
  const rows = checks.map(({ id, at, version, stream, verdict, result }) => [
    id,
    at.replace(/\.\d+Z$/, 'Z'),
    String(version),
    stream ?? '-',
    String(result.rows),
    OUTCOMES[verdict.outcome],
    verdict.reason,
  ]);
  return table([['check', 'at', 'version', 'stream', 'rows', 'verdict', ''], ...rows]);
}

export const OUTCOMES: Readonly<Record<DriftCheck['verdict']['outcome'], string>> = {
  alarm: 'DRIFT',
  waiting: 'drift, waiting',
  coolingDown: 'drift, cooling down',
  stable: 'ok',
  tooFewRows: 'too few rows',
};

/** Tests of whole rows, each in a line; empty without any. */
export function jointLines({ joint = [] }: DriftResult): string[] {
  if (joint.length === 0) return [];
  const rows = joint.map((one) => [
    one.test,
    one.score === null ? '-' : `${one.effect} ${one.score.toFixed(3)}`,
    one.pValue === null ? '-' : `p ${showP(one.corrected ?? one.pValue)}`,
    `${one.rowsReference} against ${one.rowsCurrent} rows`,
    one.drifted ? 'DRIFT' : one.status === 'compared' ? 'ok' : one.status,
    one.reason,
  ]);
  const left = joint[0]!.leftOut.map(({ name, reason }) => `${name} (${reason})`);
  return [
    '',
    table([['whole rows', '', '', '', '', ''], ...rows]),
    ...(left.length === 0 ? [] : [`Left out of whole rows: ${left.join(', ')}`]),
  ];
}

function showP(value: number): string {
  return value < 0.001 ? '< 0.001' : value.toFixed(3);
}

/** The columns of a comparison. */
export async function columnsTable(result: DriftResult): Promise<string> {
  const { furtherTests, showScore } = await import('../../reports/drift-report.ts');
  const score = (column: ColumnDrift, names: readonly string[]): string => {
    const test = column.tests.find((one) => names.includes(one.test));
    return test === undefined ? '-' : showScore(test.score);
  };
  const pValue = (column: ColumnDrift): string => {
    const test = column.tests.find((one) => ['ks', 'chiSquare'].includes(one.test)) ?? column.tests.find((one) => one.kind === 'pValue');
    return test === undefined ? '-' : showScore(test.corrected ?? test.score);
  };
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  const rows = result.columns.map((column) => [
    column.name,
    score(column, ['psi']),
    score(column, ['ksDistance']),
    pValue(column),
    `${percent(column.missingReference)} -> ${percent(column.missingCurrent + column.invalidCurrent)}`,
    column.drifted ? 'DRIFT' : column.status === 'compared' ? 'ok' : column.status,
    furtherTests(column)
      .map((test) => `${test.test} ${showScore(test.score)}`)
      .join(' '),
    column.drifted || column.status !== 'compared'
      ? column.reason
      : column.unseen.length > 0
        ? `new: ${column.unseen
            .slice(0, 3)
            .map((one) => one.value)
            .join(', ')}`
        : '',
  ]);
  const notes = [...new Set(result.columns.flatMap((column) => (column.note === '' ? [] : [`${column.name}: ${column.note}`])))];
  const known = table([['column', 'PSI', 'KS', 'p-value', 'missing', 'verdict', '', ''], ...rows]);
  const added = result.newColumns.length === 0 ? [] : [`Columns that training did not know: ${result.newColumns.join(', ')}`];
  return [known, ...[...notes, ...added, ...(result.notes ?? [])].map((line) => `\n${line}`)].join('\n');
}
