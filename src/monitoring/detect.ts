import { columnMissing } from '../data/table/columns.ts';
import type { ReferenceValues } from '../data/stored/reference-values.ts';
import type { ColumnProfile, DatasetProfile } from '../data/stored/dataset.ts';
import { binPair, shares } from './bins.ts';
import { isComparable, referenceOf } from './column-window.ts';
import type { ColumnReference, ColumnWindow, CurrentSource } from './column-window.ts';
import { drifted, sizeOf } from './drift/drift-test.ts';
import type { DriftTestDefinition, FeatureSample } from './drift/drift-test.ts';
import { chosenTests, driftSettings, testsFor } from './settings.ts';
import { driftRegistry } from './drift/index.generated.ts';
import type { ChosenTest, ColumnSettings, DriftRules, NamedTest, Settings } from './settings.ts';

/** The data of a training. */
export interface TrainingProfile {
  readonly profile: DatasetProfile;
  /** From the file beside the profile; models made before there was one have none. */
  readonly values?: ReferenceValues;
}

export interface DriftOptions extends DriftRules {
  /**
   * Columns to compare, e.g. those that the model reads: one that no current row has counts as drifted. Default: all of the profile but
   * `labels`.
   */
  readonly columns?: readonly string[];
  readonly labels?: readonly string[];
  /** Further tests whose scores are reported; they have no say in the verdict. */
  readonly also?: readonly NamedTest[];
}

export interface TestScore {
  readonly test: string;
  readonly kind: DriftTestDefinition['score'];
  readonly score: number;
  readonly threshold: number;
  readonly exceeded: boolean;
  /** false: reported only. */
  readonly decides: boolean;
}

export interface ColumnDrift {
  readonly name: string;
  readonly type: ColumnProfile['type'];
  /** "skipped": not comparable, for `reason`. "absent": no current row has it. */
  readonly status: 'compared' | 'absent' | 'skipped';
  /** The measure of the size of the change, whatever tests decide: PSI. null where nothing was compared. */
  readonly score: number | null;
  /** Those that decide first. */
  readonly tests: readonly TestScore[];
  readonly drifted: boolean;
  /** One sentence. */
  readonly reason: string;
  /** What has to be said of the comparison, e.g. that one side of it is a sample. */
  readonly note: string;
  /** Shares of rows. */
  readonly missingReference: number;
  readonly missingCurrent: number;
  readonly invalidCurrent: number;
  /** Categories that the reference never had, most frequent first, with their share of the current rows. */
  readonly unseen: readonly { readonly value: string; readonly share: number }[];
  /** Shares per bin, for a picture. */
  readonly bins?: { readonly labels: readonly string[]; readonly reference: readonly number[]; readonly current: readonly number[] };
}

/** The rules that a result was judged by, as data. */
export interface JudgedBy {
  readonly rowsMin: number;
  readonly columnsMin: number;
  readonly missing: number;
  readonly agree: 'all' | 'any';
  readonly tests: readonly { readonly test: string; readonly threshold: number }[];
  readonly columns: Readonly<Record<string, Pick<JudgedBy, 'missing' | 'agree' | 'tests'>>>;
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
  readonly options: JudgedBy;
  /** One sentence. */
  readonly summary: string;
}

/**
 * Compares current rows with the data of a training. By default a column drifts where the change is both large (PSI above its
 * threshold, for numbers also a distance of the distribution functions) and not by chance (KS or chi-square), or where values went
 * missing; the data drift where enough columns do and there are rows enough.
 *
 * @throws COLUMN_MISSING where `columns` names one that the profile has not; CONFIG_INVALID for a test that does not exist or does not
 * fit the column that it was declared for
 */
export async function detectDrift(
  { profile, values }: TrainingProfile,
  current: CurrentSource,
  options: DriftOptions = {},
): Promise<DriftResult> {
  const settings = driftSettings(options);
  const also = chosenTests(options.also ?? [], 'also');
  const chosen = chooseColumns(profile, options);
  const references = chosen.filter(isComparable).map((column) => referenceOf(column, values));
  const rules = checkRules(chosen, references, settings);
  const known = new Set(profile.columns.map((column) => column.name));
  const window = await current(references, known);
  const compared = new Map<string, ColumnDrift>();
  const byName = new Map(references.map((reference) => [reference.column.name, reference]));
  for await (const [name, column] of window.columns()) {
    compared.set(name, compareColumn(byName.get(name)!, column, rules.get(name)!, { required: options.columns !== undefined, also }));
  }
  const columns = chosen.map((column) => compared.get(column.name) ?? notCompared(column));
  const enoughRows = window.rows >= settings.rowsMin;
  const driftedColumns = columns.filter((column) => column.drifted).map((column) => column.name);
  return {
    drifted: enoughRows && driftedColumns.length >= settings.columnsMin,
    driftScore: columns.reduce((largest, column) => Math.max(largest, column.score ?? 0), 0),
    rows: window.rows,
    rowsReference: profile.rows,
    enoughRows,
    driftedColumns,
    columns,
    newColumns: window.unknown.filter((name) => !known.has(name)),
    options: judgedBy(settings),
    summary: summarize(window.rows, columns, driftedColumns, settings, enoughRows),
  };
}

function judgedBy({ rowsMin, columnsMin, perColumn, ...whole }: Settings): JudgedBy {
  const plain = ({ tests, agree, missing }: ColumnSettings): Pick<JudgedBy, 'missing' | 'agree' | 'tests'> => ({
    missing,
    agree,
    tests: tests.map(({ definition, threshold }) => ({ test: definition.name, threshold })),
  });
  return { rowsMin, columnsMin, ...plain(whole), columns: Object.fromEntries([...perColumn].map(([name, own]) => [name, plain(own)])) };
}

/** The rules of each column that is compared. */
function checkRules(
  chosen: readonly ColumnProfile[],
  references: readonly ColumnReference[],
  settings: Settings,
): Map<string, ColumnSettings> {
  const names = chosen.map(({ name }) => name);
  for (const name of settings.perColumn.keys()) if (!names.includes(name)) throw columnMissing(name, names, 'columns');
  return new Map(references.map(({ column, numeric }) => [column.name, testsFor(settings, column.name, numeric ? 'number' : 'category')]));
}

/** Several comparisons of one window as one. What has too few rows has no say. */
export function conclude(
  results: readonly [DriftResult, ...DriftResult[]],
  settings: Pick<Settings, 'rowsMin' | 'columnsMin'>,
): DriftResult {
  const heard = results.filter((result) => result.enoughRows);
  const columns = results.flatMap((result) => result.columns);
  const driftedColumns = heard.flatMap((result) => result.driftedColumns);
  const rows = Math.max(...results.map((result) => result.rows));
  const [first] = results;
  return {
    drifted: driftedColumns.length >= settings.columnsMin,
    driftScore: heard.reduce((largest, result) => Math.max(largest, result.driftScore), 0),
    rows,
    rowsReference: first.rowsReference,
    enoughRows: heard.length > 0,
    driftedColumns,
    columns,
    newColumns: results.flatMap((result) => result.newColumns),
    options: first.options,
    summary: summarize(
      rows,
      heard.flatMap((result) => result.columns),
      driftedColumns,
      settings,
      heard.length > 0,
    ),
  };
}

function chooseColumns(profile: DatasetProfile, { columns, labels = [] }: DriftOptions): ColumnProfile[] {
  if (columns === undefined) return profile.columns.filter((column) => !labels.includes(column.name));
  return columns.map((name) => {
    const column = profile.columns.find((candidate) => candidate.name === name);
    if (column === undefined)
      throw columnMissing(
        name,
        profile.columns.map((one) => one.name),
        'The reference profile',
      );
    return column;
  });
}

function notCompared(column: ColumnProfile): ColumnDrift {
  return { ...emptyOf(column), status: 'skipped', reason: `Columns of the type ${column.type} are not compared.` };
}

function emptyOf({ name, type, count, missing }: ColumnProfile): Omit<ColumnDrift, 'status' | 'reason'> {
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

function compareColumn(
  reference: ColumnReference,
  window: ColumnWindow,
  settings: ColumnSettings,
  { required, also }: { readonly required: boolean; readonly also: readonly ChosenTest[] },
): ColumnDrift {
  const share = (rows: number): number => (window.rows === 0 ? 0 : rows / window.rows);
  const base = { ...emptyOf(reference.column), missingCurrent: share(window.missing), invalidCurrent: share(window.invalid) };
  if (window.rows === 0) return { ...base, status: 'skipped', reason: 'There are no current rows.' };
  if (!window.present) return { ...base, status: 'absent', drifted: required, reason: 'No current row has this column.' };
  const now = base.missingCurrent + base.invalidCurrent;
  const lost =
    now - base.missingReference > settings.missing
      ? `Missing or unreadable values went from ${percent(base.missingReference)} to ${percent(now)} of the rows.`
      : undefined;
  const skipped = (reason: string): ColumnDrift => ({ ...base, status: 'skipped', drifted: lost !== undefined, reason: lost ?? reason });
  const { sample: then } = reference;
  const { sample } = window;
  if (then === undefined) return skipped('The reference profile holds no values of this column.');
  if (reference.freeText || sample === undefined)
    return skipped('Nearly every value is different, as in text and identifiers: shares mean nothing.');
  if (settings.tests.length === 0)
    return skipped(`None of the declared tests compares ${then.kind === 'number' ? 'numbers' : 'categories'}.`);
  const smallest = Math.min(sizeOf(then), sizeOf(sample));
  if (settings.tests.some(({ definition }) => smallest < definition.minSamples))
    return skipped(`Too few values to compare (${sizeOf(then)} in the reference, ${sizeOf(sample)} now).`);
  const tests = settings.tests.map((test) => scoreOf(test, then, sample, true));
  const psi = driftRegistry.get('psi');
  const further = [...also, { definition: psi, threshold: psi.defaultThreshold }]
    .filter(
      ({ definition }, index, all) =>
        definition.featureTypes.includes(then.kind) &&
        smallest >= definition.minSamples &&
        !tests.some((one) => one.test === definition.name) &&
        all.findIndex((other) => other.definition === definition) === index,
    )
    .map((test) => scoreOf(test, then, sample, false));
  const moved = settings.agree === 'all' ? tests.every((test) => test.exceeded) : tests.some((test) => test.exceeded);
  const bins = binPair(then, sample);
  const scores = [...tests, ...further];
  const looked =
    sample.kind === 'number' && window.rows - window.missing - window.invalid > sizeOf(sample)
      ? `Of the current rows ${sizeOf(sample).toLocaleString('en')} were looked at.`
      : '';
  return {
    ...base,
    status: 'compared',
    score: scores.find((one) => one.test === 'psi')?.score ?? null,
    tests: scores,
    drifted: moved || lost !== undefined,
    reason: lost ?? reasonOf(tests, moved, settings.agree),
    note: [reference.note, looked].filter((part) => part !== '').join(' '),
    unseen: unseenOf(then, sample, window.rows),
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
  if (agree === 'any') return `${(moved ? tests.filter((test) => test.exceeded) : tests).map(describe).join(', ')}.`;
  return `${(moved ? tests : [tests.find((test) => !test.exceeded)!]).map(describe).join(', ')}.`;
}

function describe({ test, kind, score, threshold, exceeded }: TestScore): string {
  if (kind === 'pValue')
    return `p of ${test} ${score < 0.001 ? '< 0.001' : `= ${score.toFixed(3)}`} is ${exceeded ? '' : 'not '}below ${threshold}`;
  return `${test} ${score.toFixed(3)} is ${exceeded ? '' : 'not '}above ${threshold}`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
}

function summarize(
  rows: number,
  columns: readonly ColumnDrift[],
  driftedColumns: readonly string[],
  settings: Pick<Settings, 'rowsMin' | 'columnsMin'>,
  enoughRows: boolean,
): string {
  if (!enoughRows) return `No verdict: ${rows} rows, and at least ${settings.rowsMin} are needed.`;
  const compared = columns.filter((column) => column.status !== 'skipped').length;
  const names = driftedColumns.length === 0 ? '' : `: ${driftedColumns.join(', ')}`;
  if (driftedColumns.length >= settings.columnsMin)
    return `Drift in ${driftedColumns.length} of ${compared} compared columns over ${rows} rows${names}.`;
  if (driftedColumns.length > 0)
    return `${driftedColumns.length} of ${compared} compared columns drifted over ${rows} rows${names}; ${settings.columnsMin} are needed.`;
  return `No drift in ${compared} compared columns over ${rows} rows.`;
}
