import { PerennialError } from '../core/errors.ts';
import { DefinitionRegistry } from '../core/registry.ts';
import type { ColumnProfile, DatasetProfile } from '../data/types.ts';
import { binPair, shares } from './bins.ts';
import { drifted, sizeOf } from './drift-test.ts';
import type { DriftTestDefinition, FeatureSample } from './drift-test.ts';
import { driftTests } from './drift/index.generated.ts';
import { isComparable, profileWindow, referenceSample } from './profile-window.ts';
import type { ColumnWindow, RowBatches } from './profile-window.ts';

export const driftRegistry = new DefinitionRegistry('drift test', driftTests, (test) => test.name);

export interface DriftOptions {
  /** Columns to compare, e.g. those that the model reads: one that no current row has counts as drifted. Default: all of the profile but `labels`. */
  readonly columns?: readonly string[];
  readonly labels?: readonly string[];
  /** With fewer current rows there is no verdict. */
  readonly rowsMin?: number;
  /** PSI above this is a change worth acting on. */
  readonly psi?: number;
  /** Level of significance of KS (numbers) and chi-square (categories). */
  readonly pValue?: number;
  /** Numbers: the distribution functions have to differ by this much as well. */
  readonly ksDistance?: number;
  /** Share of rows by which missing and unreadable values may grow. */
  readonly missing?: number;
  /** So many columns have to drift. */
  readonly columnsMin?: number;
  /** Names of further tests whose scores are reported, each against its own default threshold; they have no say in the verdict. */
  readonly also?: readonly string[];
}

/** Small windows drift by chance (ten bins of eight rows), so the default asks for a hundred rows. */
export const DRIFT_DEFAULTS = { rowsMin: 100, psi: 0.2, pValue: 0.05, ksDistance: 0.1, missing: 0.1, columnsMin: 1 } as const;

export interface TestScore {
  readonly test: string;
  readonly kind: DriftTestDefinition['score'];
  readonly score: number;
  readonly threshold: number;
  readonly exceeded: boolean;
}

export interface ColumnDrift {
  readonly name: string;
  readonly type: ColumnProfile['type'];
  /** "skipped": not comparable, for `reason`. "absent": no current row has it. */
  readonly status: 'compared' | 'absent' | 'skipped';
  /** The measure of the size of the change: PSI. null where nothing was compared. */
  readonly test: 'psi';
  readonly score: number | null;
  readonly threshold: number;
  /** All scores of the column, PSI first. */
  readonly tests: readonly TestScore[];
  readonly drifted: boolean;
  /** One sentence. */
  readonly reason: string;
  /** Shares of rows. */
  readonly missingReference: number;
  readonly missingCurrent: number;
  readonly invalidCurrent: number;
  /** Categories that the reference never had, most frequent first, with their share of the current rows. */
  readonly unseen: readonly { readonly value: string; readonly share: number }[];
  /** Shares per bin, for a picture. */
  readonly bins?: { readonly labels: readonly string[]; readonly reference: readonly number[]; readonly current: readonly number[] };
}

export interface DriftResult {
  readonly drifted: boolean;
  /** Largest PSI of the compared columns. */
  readonly driftScore: number;
  /** Current rows. */
  readonly rows: number;
  readonly rowsReference: number;
  /** false: fewer than `rowsMin` rows, so that `drifted` is false whatever the scores. */
  readonly enoughRows: boolean;
  readonly driftedColumns: readonly string[];
  readonly columns: readonly ColumnDrift[];
  /** Columns that the current rows have and the reference has not. */
  readonly newColumns: readonly string[];
  readonly options: Settings;
  /** One sentence. */
  readonly summary: string;
}

/**
 * Compares current rows with the profile of the training data. A column drifts where the change is both large (PSI above its threshold,
 * for numbers also a distance of the distribution functions) and not by chance (KS or chi-square), or where values went missing;
 * the data drift where enough columns do and there are rows enough.
 *
 * @throws COLUMN_MISSING where `columns` names one that the profile has not; CONFIG_INVALID where `also` names no test.
 */
export async function detectDrift(profile: DatasetProfile, rows: RowBatches, options: DriftOptions = {}): Promise<DriftResult> {
  const settings = driftSettings(options);
  const also = (options.also ?? []).map((name) => driftRegistry.get(name));
  const chosen = chooseColumns(profile, options);
  const window = await profileWindow({ ...profile, columns: chosen }, rows);
  const columns = chosen.map((column) => compareColumn(column, window.columns.get(column.name), settings, { required: options.columns !== undefined, also }));
  const enoughRows = window.rows >= settings.rowsMin;
  const driftedColumns = columns.filter((column) => column.drifted).map((column) => column.name);
  const driftScore = columns.reduce((largest, column) => Math.max(largest, column.score ?? 0), 0);
  const known = new Set(profile.columns.map((column) => column.name));
  const isDrift = enoughRows && driftedColumns.length >= settings.columnsMin;
  const { rowsMin, psi, pValue, ksDistance, missing, columnsMin } = settings;
  return {
    drifted: isDrift,
    driftScore,
    rows: window.rows,
    rowsReference: profile.rows,
    enoughRows,
    driftedColumns,
    columns,
    newColumns: window.unknown.filter((name) => !known.has(name)),
    options: { rowsMin, psi, pValue, ksDistance, missing, columnsMin },
    summary: summarize(window.rows, columns, driftedColumns, settings, enoughRows),
  };
}

export type Settings = Required<Omit<DriftOptions, 'columns' | 'labels' | 'also'>>;

/** Options with their defaults. */
export function driftSettings(options: DriftOptions): Settings {
  return { ...DRIFT_DEFAULTS, ...withoutUndefined(options) };
}

/** Several comparisons of one window as one. What has too few rows has no say. */
export function conclude(results: readonly [DriftResult, ...DriftResult[]], settings: Settings): DriftResult {
  const heard = results.filter((result) => result.enoughRows);
  const columns = results.flatMap((result) => result.columns);
  const driftedColumns = heard.flatMap((result) => result.driftedColumns);
  const rows = Math.max(...results.map((result) => result.rows));
  const [first] = results;
  return {
    drifted: driftedColumns.length >= settings.columnsMin,
    driftScore: heard.reduce((largest, result) => Math.max(largest, result.driftScore), 0),
    rows, rowsReference: first.rowsReference, enoughRows: heard.length > 0, driftedColumns, columns, newColumns: results.flatMap((result) => result.newColumns), options: first.options,
    summary: summarize(rows, heard.flatMap((result) => result.columns), driftedColumns, settings, heard.length > 0),
  };
}

function withoutUndefined(options: DriftOptions): Partial<Settings> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<Settings>;
}

function chooseColumns(profile: DatasetProfile, { columns, labels = [] }: DriftOptions): ColumnProfile[] {
  if (columns === undefined) return profile.columns.filter((column) => !labels.includes(column.name));
  return columns.map((name) => {
    const column = profile.columns.find((candidate) => candidate.name === name);
    if (column === undefined) throw new PerennialError('COLUMN_MISSING', `The reference profile has no column "${name}". It has: ${profile.columns.map((one) => one.name).join(', ')}.`);
    return column;
  });
}

function compareColumn(column: ColumnProfile, window: ColumnWindow | undefined, settings: Settings, { required, also }: { readonly required: boolean; readonly also: readonly DriftTestDefinition[] }): ColumnDrift {
  const base = {
    name: column.name,
    type: column.type,
    test: 'psi' as const,
    threshold: settings.psi,
    missingReference: column.count + column.missing === 0 ? 0 : column.missing / (column.count + column.missing),
    missingCurrent: window === undefined || window.rows === 0 ? 0 : window.missing / window.rows,
    invalidCurrent: window === undefined || window.rows === 0 ? 0 : window.invalid / window.rows,
  };
  const skipped = (reason: string): ColumnDrift => ({ ...base, status: 'skipped', score: null, tests: [], drifted: false, reason, unseen: [] });
  if (window === undefined || !isComparable(column)) return skipped(`Columns of the type ${column.type} are not compared.`);
  if (window.rows === 0) return skipped('There are no current rows.');
  if (!window.present) return { ...base, status: 'absent', score: null, tests: [], drifted: required, reason: 'No current row has this column.', unseen: [] };
  const grown = base.missingCurrent + base.invalidCurrent - base.missingReference;
  const lost = grown > settings.missing ? `Missing or unreadable values went from ${percent(base.missingReference)} to ${percent(base.missingCurrent + base.invalidCurrent)} of the rows.` : undefined;
  const reference = referenceSample(column);
  if (reference === undefined || reference.kind !== window.sample.kind) return lost === undefined ? skipped('The reference profile holds no values of this column.') : { ...skipped(lost), drifted: true };
  if (isFreeText(reference, column)) return lost === undefined ? skipped('Nearly every value is different, as in text and identifiers: shares mean nothing.') : { ...skipped(lost), drifted: true };
  const tests = scoresOf(reference, window.sample, settings);
  if (tests === undefined) {
    const reason = lost ?? `Too few values to compare (${sizeOf(reference)} in the reference, ${sizeOf(window.sample)} now).`;
    return { ...skipped(reason), drifted: lost !== undefined };
  }
  const moved = tests.every((test) => test.exceeded);
  const bins = binPair(reference, window.sample);
  const { sample } = window;
  const smallest = Math.min(sizeOf(reference), sizeOf(sample));
  const further = also
    .filter((test) => test.featureTypes.includes(reference.kind) && smallest >= test.minSamples && !tests.some((one) => one.test === test.name))
    .map((test) => scoreOf(test, test.defaultThreshold, reference, sample));
  return {
    ...base,
    status: 'compared',
    score: tests[0]!.score,
    tests: [...tests, ...further],
    drifted: moved || lost !== undefined,
    reason: lost ?? reasonOf(tests, moved),
    unseen: unseenOf(reference, window.sample, window.rows),
    bins: { labels: bins.labels, reference: [...shares(bins.reference)], current: [...shares(bins.current)] },
  };
}

/** PSI, then what tells chance from change; undefined where a side is too small for any of them. */
function scoresOf(reference: FeatureSample, current: FeatureSample, settings: Settings): TestScore[] | undefined {
  const wanted: [string, number][] =
    reference.kind === 'number' ? [['psi', settings.psi], ['ks', settings.pValue], ['ksDistance', settings.ksDistance]] : [['psi', settings.psi], ['chiSquare', settings.pValue]];
  const definitions = wanted.map(([name, threshold]) => ({ definition: driftRegistry.get(name), threshold }));
  const smallest = Math.min(sizeOf(reference), sizeOf(current));
  if (definitions.some(({ definition }) => smallest < definition.minSamples)) return undefined;
  return definitions.map(({ definition, threshold }) => scoreOf(definition, threshold, reference, current));
}

function scoreOf(definition: DriftTestDefinition, threshold: number, reference: FeatureSample, current: FeatureSample): TestScore {
  const score = definition.compute(reference, current);
  return { test: definition.name, kind: definition.score, score, threshold, exceeded: drifted(definition, score, threshold) };
}

function isFreeText(reference: FeatureSample, column: ColumnProfile): boolean {
  return reference.kind === 'category' && column.distinct > 50 && column.distinct > column.count / 2;
}

function unseenOf(reference: FeatureSample, current: FeatureSample, rows: number): ColumnDrift['unseen'] {
  if (reference.kind !== 'category' || current.kind !== 'category' || reference.other > 0) return [];
  return [...current.counts]
    .filter(([name]) => !reference.counts.has(name))
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, 20)
    .map(([value, count]) => ({ value, share: count / rows }));
}

function reasonOf(tests: readonly TestScore[], moved: boolean): string {
  if (moved) return `${tests.map(describe).join(', ')}.`;
  return `${describe(tests.find((test) => !test.exceeded)!)}.`;
}

function describe({ test, kind, score, threshold, exceeded }: TestScore): string {
  if (kind === 'pValue') return `p of ${test} ${score < 0.001 ? '< 0.001' : `= ${score.toFixed(3)}`} is ${exceeded ? '' : 'not '}below ${threshold}`;
  return `${test} ${score.toFixed(3)} is ${exceeded ? '' : 'not '}above ${threshold}`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
}

function summarize(rows: number, columns: readonly ColumnDrift[], driftedColumns: readonly string[], settings: Settings, enoughRows: boolean): string {
  if (!enoughRows) return `No verdict: ${rows} rows, and at least ${settings.rowsMin} are needed.`;
  const compared = columns.filter((column) => column.status !== 'skipped').length;
  const names = driftedColumns.length === 0 ? '' : `: ${driftedColumns.join(', ')}`;
  if (driftedColumns.length >= settings.columnsMin) return `Drift in ${driftedColumns.length} of ${compared} compared columns over ${rows} rows${names}.`;
  if (driftedColumns.length > 0) return `${driftedColumns.length} of ${compared} compared columns drifted over ${rows} rows${names}; ${settings.columnsMin} are needed.`;
  return `No drift in ${compared} compared columns over ${rows} rows.`;
}
