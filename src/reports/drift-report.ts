import type { ColumnDrift } from '../monitoring/column-drift.ts';
import type { DriftResult } from '../monitoring/detect.ts';
import type { JointDrift } from '../monitoring/joint/compare-rows.ts';
import { unseenTextOf, violationsOf } from '../monitoring/violations.ts';
import { COLOURS, chart, figure } from './chart.ts';
import { html, page, section, tableOf } from './html.ts';
import type { Cell, Markup } from './html.ts';

/** What the result is about. */
export interface DriftReportContext {
  readonly model: string;
  readonly version: number;
  /** Where the current rows come from, e.g. "current.csv" or "predictions of the last 24h". */
  readonly source: string;
}

/** Pictures of so many columns, the most drifted first. */
const PICTURES_MAX = 24;

/** The drift of current rows against training data or earlier questions as one self-contained HTML page. Equal results give equal bytes. */
export async function renderDriftReport(result: DriftResult, context: DriftReportContext): Promise<string> {
  const title = `Drift of ${context.model}`;
  const columns = byScore(result.columns);
  const pictures = columns.filter((column) => column.bins !== undefined).slice(0, PICTURES_MAX);
  const violations = violationsOf(result);
  const then = result.isAsked === true ? 'earlier' : 'training';
  const tone = result.drifted ? 'bad' : result.enoughRows ? 'good' : '';
  return page(
    title,
    html`<header><h1>${title}</h1>
<p class="facts">${result.rows.toLocaleString('en')} rows of ${context.source} against ${
      result.isAsked === true
        ? `${result.rowsReference.toLocaleString('en')} rows of earlier questions`
        : `the ${result.rowsReference.toLocaleString('en')} rows that version ${context.version} was trained on`
    }.</p></header>
<div class="verdict ${tone}"><strong>${result.drifted ? 'The data have drifted' : result.enoughRows ? 'No drift' : 'No verdict'}</strong><p>${result.summary}</p></div>
`,
    section(
      'Columns',
      rulesOf(result),
      driftTable(columns, unseenTextOf(result)),
      result.newColumns.length === 0 ? null : html`<p>Columns that training did not know: ${result.newColumns.join(', ')}.</p>`,
      result.notes === undefined ? null : html`<p>${result.notes.join(' ')}</p>`,
    ),
    result.joint === undefined ? null : jointSection(result.joint),
    violations.length === 0
      ? null
      : section(
          'Violations',
          'What the rows do not keep to, in the words of constraint_violations.json of SageMaker Model Monitor.',
          tableOf(
            ['column', 'check', 'what'],
            violations.map((one) => [one.feature_name, one.constraint_check_type, { text: one.description, tone: 'quiet' }]),
          ),
        ),
    pictures.length === 0
      ? null
      : section(
          'Then and now',
          `Share of the rows in each range or category: ${then} beside current.`,
          html`<div class="charts">${await Promise.all(pictures.map((column, index) => distributionChart(column, index, then)))}</div>`,
        ),
  );
}

function jointSection(joint: readonly JointDrift[]): Markup {
  const left = joint[0]!.leftOut.map(({ name, reason }) => `${name} (${reason})`);
  return section(
    'Whole rows',
    'All columns at once, of the newest window: also sees columns that changed towards each other while each by itself is as it was. Rows have drifted where the effect is above its threshold and the p-value, corrected with those of the columns, below its own.',
    tableOf(
      ['test', 'verdict', 'effect', 'size', 'p-value', 'rows then', 'rows now', 'columns', 'why'],
      joint.map((one): (Cell | string)[] => [
        one.test,
        {
          text: one.drifted ? 'drifted' : one.status === 'compared' ? 'ok' : one.status,
          tone: one.drifted ? 'bad' : one.status === 'compared' ? 'good' : 'quiet',
        },
        one.effect,
        { text: one.score === null ? '–' : one.score.toFixed(3), number: true },
        { text: one.pValue === null ? '–' : showScore(one.corrected ?? one.pValue), number: true },
        { text: one.rowsReference.toLocaleString('en'), number: true },
        { text: one.rowsCurrent.toLocaleString('en'), number: true },
        { text: String(one.columns.length), number: true },
        { text: one.reason, tone: 'quiet' },
      ]),
    ),
    left.length === 0 ? null : html`<p>Left out: ${left.join(', ')}.</p>`,
  );
}

/** How the verdict came about, in words. */
export function rulesOf({ options }: Pick<DriftResult, 'options'>): string {
  const { tests, agree, missing, columns, columnsMin, rowsMin, correction, pool, joint = [] } = options;
  const corrected =
    correction === 'benjaminiHochberg'
      ? ` p-values are corrected for the number of columns, of checks in the time of one window, and of windows that are looked at together${pool > 1 ? ` (up to ${pool})` : ''}: of unchanged data, no larger share of all windows is called drifted than the threshold says.`
      : '';
  const own = Object.keys(columns);
  const others =
    own.length === 0
      ? ''
      : ` Rules of their own: ${own.map((name) => `${name} (${testsText(columns[name]!.tests, columns[name]!.agree)})`).join('; ')}.`;
  return `A column drifts where ${testsText(tests, agree)}, of those that fit it; or where missing and unreadable values grew by more than ${Math.round(missing * 100)} % of the rows.${others} The data drift where ${columnsMin === 1 ? 'one column does' : `${columnsMin} columns do`}${joint.length === 0 ? '' : `, or whole rows do by ${joint.map(({ test }) => test).join(' or ')}`}, in at least ${rowsMin} rows.${corrected}`;
}

function testsText(tests: DriftResult['options']['tests'], agree: 'all' | 'any'): string {
  const listed = tests.map(({ test, threshold }) => `${test} (${threshold})`).join(', ');
  return tests.length === 1 ? `${listed} exceeds its threshold` : `${agree === 'all' ? 'all' : 'any'} of ${listed} exceed their thresholds`;
}

function byScore(columns: readonly ColumnDrift[]): ColumnDrift[] {
  return [...columns].sort(
    (a, b) => Number(b.drifted) - Number(a.drifted) || (b.score ?? -1) - (a.score ?? -1) || (a.name < b.name ? -1 : 1),
  );
}

function driftTable(columns: readonly ColumnDrift[], unseenText: ReturnType<typeof unseenTextOf>): Markup {
  return tableOf(
    ['column', 'type', 'verdict', 'PSI', 'KS distance', 'p-value', 'further tests', 'missing then', 'missing now', 'why'],
    columns.map((column): (Cell | string)[] => [
      column.name,
      { text: column.type, tone: 'quiet' },
      {
        text: column.drifted ? 'drifted' : column.status === 'compared' ? 'ok' : column.status,
        tone: column.drifted ? 'bad' : column.status === 'compared' ? 'good' : 'quiet',
      },
      score(column, ['psi']),
      score(column, ['ksDistance']),
      score(column, ['ks', 'chiSquare']),
      {
        text: furtherTests(column)
          .map((test) => `${test.test} ${showScore(test.score)}`)
          .join(', '),
        tone: 'quiet',
      },
      { text: share(column.missingReference), number: true },
      { text: share(column.missingCurrent + column.invalidCurrent), number: true },
      { text: [column.reason, column.note, unseenText(column)].filter((part) => part !== '').join(' '), tone: 'quiet' },
    ]),
  );
}

function score({ tests }: ColumnDrift, names: readonly string[]): Cell {
  const test = tests.find((one) => names.includes(one.test));
  if (test === undefined) return { text: '–', number: true };
  return { text: showScore(test.score), number: true, ...(test.exceeded ? { tone: 'bad' as const } : {}) };
}

/** Tests that have no column of their own in a table. */
const SHOWN = ['psi', 'ksDistance', 'ks', 'chiSquare'];

export function furtherTests({ tests }: ColumnDrift): ColumnDrift['tests'] {
  return tests.filter(({ test }) => !SHOWN.includes(test));
}

/** Three decimals; what is smaller is "< 0.001". */
export function showScore(value: number): string {
  return value < 0.001 ? '< 0.001' : value.toFixed(3);
}

function share(value: number): string {
  return `${(value * 100).toFixed(1)} %`;
}

/** Names that lie beside each other under a chart; pixels that one takes. */
const LABELS_MAX = 16;
const LABEL_PIXELS = 20;

/** The bins with the largest shares then or now, in their order; what has no room for its name is one bin. */
export function shownBins({ labels, reference, current }: NonNullable<ColumnDrift['bins']>): NonNullable<ColumnDrift['bins']> {
  if (labels.length <= LABELS_MAX) return { labels, reference, current };
  const largest = (at: number): number => Math.max(reference[at]!, current[at]!);
  const kept = new Set([...labels.keys()].sort((a, b) => largest(b) - largest(a) || a - b).slice(0, LABELS_MAX - 1));
  const pick = <T>(values: readonly T[]): T[] => values.filter((_, at) => kept.has(at));
  const rest = (values: readonly number[]): number => values.reduce((sum, value, at) => (kept.has(at) ? sum : sum + value), 0);
  return {
    labels: [...pick(labels), `${labels.length - kept.size} others`],
    reference: [...pick(reference), rest(reference)],
    current: [...pick(current), rest(current)],
  };
}

async function distributionChart(column: ColumnDrift, index: number, then: string): Promise<Markup> {
  const { labels, reference, current } = shownBins(column.bins!);
  const values = labels.flatMap((label, at) => [
    { label, share: reference[at]!, set: then },
    { label, share: current[at]!, set: 'current' },
  ]);
  const picture = await chart(`drift${index}`, `Distribution of ${column.name} then and now`, {
    width: Math.max(240, labels.length * LABEL_PIXELS),
    height: 140,
    data: { values },
    mark: { type: 'bar' },
    encoding: {
      x: { field: 'label', type: 'nominal', sort: [...labels], title: null, axis: { labelAngle: -45, labelLimit: 130 } },
      xOffset: { field: 'set', sort: [then, 'current'] },
      y: { field: 'share', type: 'quantitative', title: 'share of rows', axis: { format: '%', tickCount: 4 } },
      color: {
        field: 'set',
        type: 'nominal',
        title: null,
        scale: { domain: [then, 'current'], range: [COLOURS.quiet, column.drifted ? COLOURS.bad : COLOURS.ours] },
        legend: { orient: 'top' },
      },
    },
  } as never);
  return figure(column.name, picture, '');
}
