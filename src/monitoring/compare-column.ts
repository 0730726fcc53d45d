import { ownValue } from '../core/json.ts';
import type { ColumnProfile } from '../data/stored/dataset.ts';
import { binPair, shares } from './bins.ts';
import type { ColumnReference, ColumnWindow } from './column-window.ts';
import type { ColumnDrift, TestScore } from './column-drift.ts';
import { scoreText } from './score-text.ts';
import { drifted, sizeOf } from './drift/drift-test.ts';
import type { FeatureSample } from './drift/drift-test.ts';
import { driftRegistry } from './drift/index.generated.ts';
import { proportionsPValue } from './policy/correction.ts';
import { poolColumn, summarizeColumn } from './policy/window-summary.ts';
import type { ColumnSummary, WindowSummary } from './policy/window-summary.ts';
import type { ChosenTest, ColumnSettings } from './settings.ts';

/** The newest windows together. */
export interface Span {
  readonly windows: number;
  /** Of all of them. */
  readonly rows: number;
  readonly sample: FeatureSample;
  /** Those that decide. */
  readonly tests: readonly TestScore[];
  /** The p-value that decides, relative to its threshold and not corrected yet: below 1 it says drift. 0: distances alone say so. */
  readonly evidence: number;
}

/** A column before it is known how many others there are. */
export interface Comparison {
  readonly reference: ColumnReference;
  readonly settings: ColumnSettings;
  readonly also: readonly ChosenTest[];
  /** As it is where nothing drifted; of what cannot be compared, the result. */
  readonly base: ColumnDrift;
  /** From the newest window alone to the most windows. Empty: nothing to compare. */
  readonly spans: readonly Span[];
  /** Missing values grew by more than they may, and this is the p-value relative to its threshold. */
  readonly lost: { readonly reason: string; readonly evidence: number } | undefined;
  readonly kept: ColumnSummary | undefined;
}

interface Neighbours {
  /** Windows before this one, newest first. */
  readonly before: readonly WindowSummary[];
  /** Numbers of windows to look at together. */
  readonly spans: readonly number[];
  readonly rowsMin: number;
}

/** Without p-values among its tests, growth of missing values counts as significant at this level. */
const MISSING_LEVEL = 0.00002;

export function emptyOf({ name, type, count, missing }: ColumnProfile): Omit<ColumnDrift, 'status' | 'reason'> {
  return {
    name,
    type,
    score: null,
    tests: [],
    drifted: false,
    note: '',
    unseen: [],
    missingReference: count + missing === 0 ? 0 : missing / (count + missing),
    missingCurrent: 0,
    invalidCurrent: 0,
  };
}

/** All that can be said of a column by itself. */
export function compareColumn(
  reference: ColumnReference,
  window: ColumnWindow,
  settings: ColumnSettings,
  { required, also, neighbours }: { readonly required: boolean; readonly also: readonly ChosenTest[]; readonly neighbours: Neighbours },
): Comparison {
  const share = (rows: number): number => (window.rows === 0 ? 0 : rows / window.rows);
  const base = { ...emptyOf(reference.column), missingCurrent: share(window.missing), invalidCurrent: share(window.invalid) };
  const given = { reference, settings, also, kept: summarizeColumn(reference, window) };
  const without = (result: ColumnDrift, lost?: Comparison['lost']): Comparison => ({ ...given, base: result, spans: [], lost });
  if (window.rows === 0) return without({ ...base, status: 'skipped', reason: 'There are no current rows.' });
  if (!window.present) return without({ ...base, status: 'absent', drifted: required, reason: 'No current row has this column.' });
  const lost = lostOf(reference.column, base, window.rows, settings);
  const skipped = (reason: string): Comparison => without({ ...base, status: 'skipped', reason }, lost);
  const { sample: then } = reference;
  const { sample } = window;
  if (then === undefined) return skipped('The reference profile holds no values of this column.');
  if (reference.freeText || sample === undefined)
    return skipped('Nearly every value is different, as in text and identifiers: shares mean nothing.');
  if (settings.tests.length === 0)
    return skipped(`None of the declared tests compares ${then.kind === 'number' ? 'numbers' : 'categories'}.`);
  const needed = Math.max(...settings.tests.map(({ definition }) => definition.minSamples));
  const spans = spansOfColumn(given, sample, window.rows, neighbours).filter(
    (span) => Math.min(sizeOf(then), sizeOf(span.sample)) >= needed,
  );
  if (spans.length === 0) return skipped(`Too few values to compare (${sizeOf(then)} in the reference, ${sizeOf(sample)} now).`);
  const looked =
    sample.kind === 'number' && window.rows - window.missing - window.invalid > sizeOf(sample)
      ? `Of the current rows ${sizeOf(sample).toLocaleString('en')} were looked at.`
      : '';
  return {
    ...given,
    lost,
    base: {
      ...base,
      status: 'compared',
      reason: '',
      note: [reference.note, looked].filter((part) => part !== '').join(' '),
      unseen: unseenOf(then, sample, window.rows),
    },
    spans: spans.map((span) => {
      const tests = settings.tests.map((test) => scoreOf(test, then, span.sample, true));
      return { ...span, tests, evidence: evidenceOf(tests, settings.agree) };
    }),
  };
}

/** Windows together that have rows enough; where none has, the newest one alone. */
function spansOfColumn(
  { reference, kept }: Pick<Comparison, 'reference' | 'kept'>,
  sample: FeatureSample,
  rows: number,
  { before, spans, rowsMin }: Neighbours,
): Pick<Span, 'windows' | 'rows' | 'sample'>[] {
  const alone = { windows: 1, rows, sample };
  const name = reference.column.name;
  // In the first days there are fewer.
  const pooled = [...new Set(spans.map((windows) => Math.min(windows, before.length + 1)))]
    .filter((windows) => windows > 1 && kept !== undefined)
    .flatMap((windows) => {
      const earlier = before.slice(0, windows - 1);
      const parts = earlier.map(({ columns }) => ownValue(columns, name));
      if (parts.some((part) => part === undefined)) return [];
      const all = earlier.reduce((sum, window) => sum + window.rows, rows);
      return [{ windows, rows: all, sample: poolColumn(reference, [kept!, ...(parts as ColumnSummary[])]) }];
    });
  const enough = [alone, ...pooled].filter((span) => span.rows >= rowsMin);
  return enough.length === 0 ? [alone] : enough;
}

function lostOf(
  { count, missing }: ColumnProfile,
  { missingReference, missingCurrent, invalidCurrent }: Pick<ColumnDrift, 'missingReference' | 'missingCurrent' | 'invalidCurrent'>,
  rows: number,
  settings: ColumnSettings,
): Comparison['lost'] {
  const now = missingCurrent + invalidCurrent;
  if (!(now - missingReference > settings.missing)) return undefined;
  const level = settings.tests.find(({ definition }) => definition.score === 'pValue')?.threshold ?? MISSING_LEVEL;
  return {
    reason: `Missing or unreadable values went from ${percent(missingReference)} to ${percent(now)} of the rows.`,
    evidence: proportionsPValue(missing, count + missing, Math.round(now * rows), rows) / Math.max(level, MISSING_LEVEL),
  };
}

/** What the tests together say: see {@link Span.evidence}. */
function evidenceOf(tests: readonly TestScore[], agree: 'all' | 'any'): number {
  const relative = tests
    .filter(({ kind }) => kind === 'pValue')
    .map(({ score, threshold }) => (threshold > 0 ? score / threshold : Infinity));
  const distances = tests.filter(({ kind }) => kind === 'distance');
  if (agree === 'any') return distances.some(({ exceeded }) => exceeded) ? 0 : Math.min(...relative) * Math.max(1, relative.length);
  return distances.every(({ exceeded }) => exceeded) ? Math.max(0, ...relative) : Infinity;
}

/**
 * The result of a column.
 *
 * @param factor by which p-values are corrected; they are told as they were, and judged as they are after it
 * @param span that speaks for the column
 */
export function concludeColumn({ reference, settings, also, base }: Comparison, span: Span, factor: number): ColumnDrift {
  const then = reference.sample!;
  const tests = span.tests.map((test): TestScore => {
    if (test.kind === 'distance' || factor === 1) return test;
    const corrected = Math.min(1, test.score * factor);
    return { ...test, corrected, exceeded: corrected < test.threshold };
  });
  const smallest = Math.min(sizeOf(then), sizeOf(span.sample));
  const psi = driftRegistry.get('psi');
  const further = [...also, { definition: psi, threshold: psi.defaultThreshold }]
    .filter(
      ({ definition }, index, all) =>
        definition.featureTypes.includes(then.kind) &&
        smallest >= definition.minSamples &&
        !tests.some((one) => one.test === definition.name) &&
        all.findIndex((other) => other.definition === definition) === index,
    )
    .map((test) => scoreOf(test, then, span.sample, false));
  const moved = settings.agree === 'all' ? tests.every((test) => test.exceeded) : tests.some((test) => test.exceeded);
  const bins = binPair(then, span.sample);
  const scores = [...tests, ...further];
  return {
    ...base,
    score: scores.find((one) => one.test === 'psi')?.score ?? null,
    tests: scores,
    drifted: moved,
    reason: `${reasonOf(tests, moved, settings.agree)}${span.windows === 1 ? '' : ` Over the last ${span.windows} windows together (${span.rows.toLocaleString('en')} rows).`}`,
    ...(span.windows === 1 ? {} : { windows: span.windows }),
    bins: { labels: bins.labels, reference: [...shares(bins.reference)], current: [...shares(bins.current)] },
  };
}

function scoreOf({ definition, threshold }: ChosenTest, reference: FeatureSample, current: FeatureSample, decides: boolean): TestScore {
  const score = definition.compute(reference, current);
  return { test: definition.name, kind: definition.score, score, threshold, exceeded: drifted(definition, score, threshold), decides };
}

function unseenOf(reference: FeatureSample, current: FeatureSample, rows: number): ColumnDrift['unseen'] {
  if (reference.kind !== 'category' || current.kind !== 'category' || reference.other > 0) return [];
  return [...current.counts]
    .filter(([name]) => !reference.counts.has(name))
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, 20)
    .map(([value, count]) => ({ value, share: count / rows }));
}

/** What decided: where all have to agree, the first that does not is reason enough. */
function reasonOf(tests: readonly TestScore[], moved: boolean, agree: 'all' | 'any'): string {
  if (agree === 'any') return `${(moved ? tests.filter((test) => test.exceeded) : tests).map(scoreText).join(', ')}.`;
  return `${(moved ? tests : [tests.find((test) => !test.exceeded)!]).map(scoreText).join(', ')}.`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
}
