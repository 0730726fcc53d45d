import { plural } from '../core/plural.ts';
import type { Comparison } from '../runs/compare/compare.ts';
import type { DataDifference, SettingDifference } from '../runs/compare/differences.ts';
import type { PairedMetrics } from '../runs/compare/measured.ts';
import { SPLITS } from '../data/stored/dataset.ts';
import { table } from './commands/command.ts';
import { sizeText } from '../core/byte-size.ts';
import { formatNumber } from './run-progress.ts';

/** Characters of a setting that are shown. */
const VALUE_MAX = 60;

/** A comparison for people, section by section; what is the same is said in a line. */
export function comparisonText(comparison: Comparison): string {
  const { names, statuses, paired, data, costs } = comparison;
  const letters = names.map((_, index) => String.fromCharCode(65 + index));
  const [first] = letters;
  const others = letters.slice(1);
  return [
    table(letters.map((letter, index) => [letter, names[index]!, statuses[index]!])),
    settings('Parameters', comparison.parameters, letters),
    comparison.documentKnown ? settings('Document', comparison.document, letters) : 'Document: not kept of one of them',
    settings('Seed', comparison.seeds, letters),
    ...others.map((letter, index) => dataText(data[index]!, first!, letter)),
    codeText(comparison, letters),
    settings('Environment', comparison.environment, letters),
    measuredThen(comparison, letters),
    ...paired.map((one, index) => pairedText(one, first!, others[index]!)),
    costsText(costs, letters),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function settings(title: string, differences: readonly SettingDifference[], letters: readonly string[]): string {
  if (differences.length === 0) return `${title}: the same`;
  return `${title}\n${table([['', ...letters], ...differences.map(({ path, values }) => [path, ...values.map(shown)])])}`;
}

function shown(value: unknown): string {
  if (value === undefined) return '-';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > VALUE_MAX ? `${text.slice(0, VALUE_MAX - 1)}…` : text;
}

function dataText(differences: readonly DataDifference[], first: string, other: string): string {
  const title = `Data of ${other} beside ${first}`;
  if (differences.length === 0) return `${title}: neither has a dataset`;
  if (differences.every(({ same }) => same)) return `${title}: the same rows in the same splits`;
  const lines = differences.flatMap(({ step, same, rows, added, removed, moved, unknown }) => {
    if (same) return [`${step}: the same`];
    const counts = rows === undefined ? [] : [SPLITS.map((split) => `${split} ${rows[split][0]} → ${rows[split][1]}`).join(', ')];
    const changes =
      unknown !== undefined
        ? [unknown]
        : [
            `${plural(added!, 'row')} added, ${removed} removed`,
            Object.keys(moved!).length === 0
              ? 'none moved between splits'
              : `moved between splits: ${Object.entries(moved!)
                  .map(([way, count]) => `${count} ${way}`)
                  .join(', ')}`,
          ];
    return [`${step}: ${[...counts, ...changes].join('; ')}`];
  });
  return `${title}\n${lines.join('\n')}`;
}

function codeText({ code, codeUnknown }: Comparison, letters: readonly string[]): string {
  if (codeUnknown.length > 0) return `Code: not kept of ${codeUnknown.join(', ')}`;
  if (code.length === 0) return 'Code: the same';
  return `Code\n${table([['STEP', ...letters], ...code.map(({ step, values }) => [step, ...values.map((value) => value.slice(0, 12))])])}`;
}

function measuredThen({ metrics }: Comparison, letters: readonly string[]): string {
  const rows = Object.entries(metrics);
  if (rows.length === 0) return 'Metrics: none of them was evaluated';
  return `Metrics, as measured then\n${table([['METRIC', ...letters], ...rows.map(([name, values]) => [name, ...values.map(number)])])}`;
}

const number = (value: number | null): string => (value === null ? '-' : formatNumber(value));

function pairedText({ metrics, rows, none }: PairedMetrics, first: string, other: string): string {
  if (none !== undefined) return `${other} beside ${first} on the same rows: not compared, ${none}`;
  const verdict = (better: boolean | null): string => (better === null ? 'may be chance' : better ? 'better' : 'worse');
  return `${other} beside ${first} on the same rows (${rows})\n${table([
    ['METRIC', first, other, 'DIFFERENCE', '95 % INTERVAL', ''],
    ...metrics.map((one) => [
      one.key,
      number(one.first),
      number(one.other),
      one.difference === null ? '-' : `${one.difference > 0 ? '+' : ''}${formatNumber(one.difference)}`,
      one.low === null || one.high === null ? '-' : `${formatNumber(one.low)} to ${formatNumber(one.high)}`,
      one.low === null ? '' : one.low === 0 && one.high === 0 ? 'the same' : verdict(one.better),
    ]),
  ])}`;
}

function costsText(costs: Comparison['costs'], letters: readonly string[]): string {
  if (costs.every((one) => one === null)) return '';
  const row = (name: string, value: (cost: NonNullable<(typeof costs)[number]>) => string): string[] => [
    name,
    ...costs.map((cost) => (cost === null ? '-' : value(cost))),
  ];
  const ms = (value: number | undefined): string => (value === undefined ? '-' : `${value.toPrecision(2)} ms`);
  return `Size and time\n${table([
    ['', ...letters],
    row('parameters', ({ parameters }) => String(parameters)),
    row('size of the model', ({ bytes }) => sizeText(bytes)),
    row('one row, median', ({ latencyMs }) => ms(latencyMs?.median)),
    row('one row, 95 %', ({ latencyMs }) => ms(latencyMs?.p95)),
  ])}`;
}
