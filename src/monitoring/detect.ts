import { columnMissing } from '../data/table/columns.ts';
import type { ReferenceValues } from '../data/stored/reference-values.ts';
import type { ColumnProfile, DatasetProfile } from '../data/stored/dataset.ts';
import { isComparable, referenceOf } from './column-window.ts';
import type { ColumnReference, CurrentSource } from './column-window.ts';
import { compareColumn, concludeColumn, emptyOf } from './compare-column.ts';
import type { Comparison, Span } from './compare-column.ts';
import type { ColumnDrift } from './column-drift.ts';
import { compareRows, concludeJoint, jointEvidence } from './joint/compare-rows.ts';
import type { JointDrift } from './joint/compare-rows.ts';
import type { LeftOut } from './joint/encode-rows.ts';
import type { RowSample, SampleOrder } from './joint/row-sample.ts';
import { MEASURED_ROWS, measureReference } from './measures/measured-columns.ts';
import type { MeasuredColumn } from './measures/measured-columns.ts';
import { imageReferences, measuredImageColumns } from './measures/measured-images.ts';
import { benjaminiHochberg, spansOf } from './policy/correction.ts';
import type { Correction } from './policy/correction.ts';
import { referenceName } from './policy/window-summary.ts';
import type { ColumnSummary, WindowSummary } from './policy/window-summary.ts';
import { chosenTests, driftSettings, fittingTests, measuresOf, testsFor } from './settings.ts';
import type { NamedTest } from './named-test.ts';
import type { ColumnSettings, DriftRules, Settings } from './settings.ts';

/** The data of a training. */
export interface TrainingProfile {
  readonly profile: DatasetProfile;
  /** From the file beside the profile; models made before there was one have none. */
  readonly values?: ReferenceValues;
  /** Some of its rows; undefined where they are not kept. */
  rowsOf?(order: SampleOrder): Promise<RowSample | undefined>;
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
  /** Windows before this one, newest first, none of them overlapping another; those of another reference are left out. */
  readonly before?: readonly KeptWindow[];
  /** Columns that the current rows do not show as they were: they are not compared. */
  readonly hidden?: ReadonlySet<string>;
  /** Looks that are taken in the time of one window, e.g. 24 where a day is looked at every hour: they share one bound. Default: 1. */
  readonly looks?: number;
}

/** A window with the name of the reference that it was counted by. */
export interface KeptWindow extends WindowSummary {
  readonly reference: string;
}

export interface JudgedWindow {
  readonly result: DriftResult;
  /** To be added to the windows that come. */
  readonly window: KeptWindow;
}

/** The rules that a result was judged by, as data. */
export interface JudgedBy {
  readonly rowsMin: number;
  readonly columnsMin: number;
  readonly missing: number;
  readonly agree: 'all' | 'any';
  readonly correction: Correction;
  /** Windows that were looked at together, at most. */
  readonly pool: number;
  readonly tests: readonly { readonly test: string; readonly threshold: number }[];
  readonly columns: Readonly<Record<string, Pick<JudgedBy, 'missing' | 'agree' | 'tests'>>>;
  /** Tests of whole rows; left out where there are none. */
  readonly joint?: readonly { readonly test: string; readonly threshold: number; readonly pValue: number; readonly rows: number }[];
}

export interface DriftResult {
  readonly drifted: boolean;
  /** Largest PSI of the compared columns. */
  readonly driftScore: number;
  /** true: what was compared with are earlier questions, and no training. */
  readonly isAsked?: true;
  /** Current rows. */
  readonly rows: number;
  readonly rowsReference: number;
  /** false: fewer than `rowsMin` rows, so that `drifted` is false whatever the scores. */
  readonly enoughRows: boolean;
  readonly driftedColumns: readonly string[];
  readonly columns: readonly ColumnDrift[];
  /** What tests of whole rows say; left out where there are none. */
  readonly joint?: readonly JointDrift[];
  /** Columns that the current rows have and the reference has not. */
  readonly newColumns: readonly string[];
  readonly options: JudgedBy;
  /** What was not compared, and why; left out where there is nothing to say. */
  readonly notes?: readonly string[];
  /** One sentence. */
  readonly summary: string;
}

/**
 * Compares current rows with the data of a training. By default a column drifts where the change is both large (distances above their
 * thresholds) and not by chance (KS or chi-square), or where values went missing; the data drift where enough columns do and there are
 * rows enough.
 *
 * Not by chance is judged over all that was looked at. A column has a p-value for each number of windows that are looked at together
 * ({@link spansOf}); the smallest counts, times the number of looks (Bonferroni); those of all columns are corrected by Benjamini and
 * Hochberg, together with those of tests of whole rows, of which one is enough. So, while nothing changes, the chance that a window is
 * called drifted is at most the threshold of the tests, however many columns there are.
 *
 * @throws COLUMN_MISSING where `columns` names one that the profile has not; CONFIG_INVALID for a test that does not exist or does not
 * fit the column that it was declared for
 */
export async function judgeWindow(training: TrainingProfile, current: CurrentSource, options: DriftOptions = {}): Promise<JudgedWindow> {
  const { profile, values } = training;
  const settings = driftSettings(options);
  const also = chosenTests(options.also ?? [], 'also');
  const chosen = chooseColumns(profile, options);
  const isHidden = ({ name }: ColumnProfile): boolean => options.hidden?.has(name) === true;
  const references = chosen.filter((column) => isComparable(column) && !isHidden(column)).map((column) => referenceOf(column, values));
  const rules = checkRules(chosen, references, settings);
  const toMeasure = measuredColumns(chosen, references, settings, isHidden);
  const wanted = toMeasure.filter(({ column }) => column.type !== 'image');
  const ofImages = toMeasure.filter(({ column }) => column.type === 'image');
  const images = imageReferences(ofImages, profile, values);
  for (const { column, numeric, ofImages } of images)
    rules.set(column.name, fittingTests(settings, ofImages!, numeric ? 'number' : 'category'));
  const known = new Set([
    ...profile.columns.map((column) => column.name),
    ...profile.columns.flatMap((column) =>
      column.type === 'image' ? measuredImageColumns(column, profile, values).map(({ name }) => name) : [],
    ),
  ]);
  const jointOrder = orderOf(settings, references);
  const order = orderOfAll(jointOrder, wanted);
  const sampled = order === undefined ? undefined : await training.rowsOf?.(order);
  const measured = sampled === undefined ? [] : await measureReference(wanted, sampled);
  const reference = referenceName([...references, ...images, ...measured.map((one) => one.reference)]);
  const before = (options.before ?? []).filter((window) => window.reference === reference);
  const neighbours = { before, spans: spansOf(settings.pool), rowsMin: settings.rowsMin };
  const window = await current([...references, ...images], known, order);
  const compared: Comparison[] = [];
  const byName = new Map([...references, ...images].map((one) => [one.column.name, one]));
  for await (const [name, column] of window.columns()) {
    const then = byName.get(name)!;
    // A column of images that is absent is told of once.
    const required = options.columns !== undefined && (then.ofImages === undefined || then.ofImages === name);
    compared.push(compareColumn(then, column, rules.get(name)!, { required, also, neighbours }));
  }
  const now = order === undefined ? undefined : await window.sample!();
  if (now !== undefined)
    for (const { of, reference: then, windowOf } of measured) {
      const column = await windowOf(now);
      if (column !== undefined)
        compared.push(
          compareColumn(then, column, fittingTests(settings, of, then.numeric ? 'number' : 'category'), {
            required: false,
            also,
            neighbours,
          }),
        );
    }
  const rows =
    jointOrder === undefined
      ? []
      : await compareRows(
          settings.joint,
          sampled,
          now!,
          jointOrder.columns.map(({ name }) => name),
          leftOutOf(chosen, references, isHidden),
        );
  const verdicts = concludeAll(compared, rows, settings, options.looks ?? 1);
  const { joint } = verdicts;
  const concluded = new Map(verdicts.columns.map((column) => [column.name, column]));
  const columns = chosen.flatMap((column) => {
    const own = [
      ...measured.flatMap(({ of, reference: { column: one } }) => (of === column.name ? (concluded.get(one.name) ?? []) : [])),
      ...images.flatMap(({ ofImages: of, column: one }) =>
        of === column.name && one.name !== of ? (told(concluded.get(one.name)) ?? []) : [],
      ),
    ];
    const found = concluded.get(column.name) ?? notCompared(column, isHidden(column));
    const unknown =
      (sampled === undefined && wanted.some((one) => one.column.name === column.name)) ||
      (!byName.has(column.name) && ofImages.some((one) => one.column.name === column.name));
    return [own.length > 0 ? measuredInstead(found, own) : unknown ? notMeasured(found) : found, ...own];
  });
  const gathered = before.slice(0, settings.pool - 1).reduce((sum, { rows }) => sum + rows, window.rows);
  const enoughRows = gathered >= settings.rowsMin;
  const driftedColumns = columns.filter((column) => column.drifted).map((column) => column.name);
  return {
    result: {
      drifted: enoughRows && (driftedColumns.length >= settings.columnsMin || joint.some(({ drifted }) => drifted)),
      driftScore: columns.reduce((largest, column) => Math.max(largest, column.score ?? 0), 0),
      rows: window.rows,
      rowsReference: profile.rows,
      enoughRows,
      driftedColumns,
      columns,
      ...(joint.length === 0 ? {} : { joint }),
      newColumns: window.unknown.filter((name) => !known.has(name)),
      options: judgedBy(settings),
      summary: summarize(window.rows, columns, driftedColumns, joint, settings, enoughRows),
    },
    window: {
      reference,
      rows: window.rows,
      columns: Object.fromEntries(
        compared.flatMap(({ reference: { column }, kept }): [string, ColumnSummary][] => (kept === undefined ? [] : [[column.name, kept]])),
      ),
    },
  };
}

/** {@link judgeWindow}, of a window by itself. */
export async function detectDrift(training: TrainingProfile, current: CurrentSource, options: DriftOptions = {}): Promise<DriftResult> {
  return (await judgeWindow(training, current, options)).result;
}

/** Columns of which something is measured: what is declared, and of free text what is by default. */
function measuredColumns(
  chosen: readonly ColumnProfile[],
  references: readonly ColumnReference[],
  settings: Settings,
  isHidden: (column: ColumnProfile) => boolean,
): MeasuredColumn[] {
  return chosen.flatMap((column): MeasuredColumn[] => {
    const freeText = references.some(({ column: { name }, freeText }) => name === column.name && freeText);
    const measures = measuresOf(settings, column, freeText);
    return measures.length === 0 || isHidden(column) ? [] : [{ column, measures }];
  });
}

/** One sample of rows serves both what is measured and tests of whole rows. */
function orderOfAll(joint: SampleOrder | undefined, measured: readonly MeasuredColumn[]): SampleOrder | undefined {
  if (measured.length === 0) return joint;
  const names = new Set(joint?.columns.map(({ name }) => name));
  const added = measured.filter(({ column }) => !names.has(column.name));
  return {
    most: Math.max(joint?.most ?? 0, MEASURED_ROWS),
    columns: [...(joint?.columns ?? []), ...added.map(({ column: { name, type } }) => ({ name, type, numeric: type === 'timestamp' }))],
  };
}

/** undefined: what is measured of images is not there, of which the column of the images tells. */
function told(column: ColumnDrift | undefined): ColumnDrift | undefined {
  return column?.status === 'absent' ? undefined : column;
}

/** There are no rows that could be measured. */
function notMeasured(column: ColumnDrift): ColumnDrift {
  const why = column.type === 'image' ? 'the training of this version kept nothing of it' : 'rows of the reference are not kept';
  const reason = `${column.reason} Nothing is measured of it: ${why}.`.trim();
  return { ...column, reason };
}

/** A column that is not compared by its values. That values went missing is said of the column itself. */
function measuredInstead(column: ColumnDrift, measured: readonly ColumnDrift[]): ColumnDrift {
  if (column.status !== 'skipped' || column.drifted) return column;
  const names = measured.map(({ name }) => name);
  const reason =
    column.type === 'timestamp' ? 'Points in time go on.' : column.type === 'image' ? 'Nearly every picture is different.' : column.reason;
  return { ...column, reason: `${reason} Compared is what is measured of it: ${names.join(', ')}.` };
}

/** What whole rows are compared by; undefined: by nothing. */
function orderOf({ joint }: Settings, references: readonly ColumnReference[]): SampleOrder | undefined {
  if (joint.length === 0) return undefined;
  return {
    most: Math.max(...joint.map(({ rows }) => rows)),
    columns: references
      .filter(({ sample, freeText }) => sample !== undefined && !freeText)
      .map(({ column: { name, type }, numeric }) => ({ name, type, numeric })),
  };
}

/** Columns that whole rows are not compared by. */
function leftOutOf(
  chosen: readonly ColumnProfile[],
  references: readonly ColumnReference[],
  isHidden: (column: ColumnProfile) => boolean,
): LeftOut[] {
  return chosen.flatMap((column): LeftOut[] => {
    const reference = references.find((one) => one.column.name === column.name);
    if (reference === undefined) return [{ name: column.name, reason: isHidden(column) ? 'not logged' : column.type }];
    if (reference.freeText) return [{ name: column.name, reason: 'text' }];
    return reference.sample === undefined ? [{ name: column.name, reason: 'no values in training' }] : [];
  });
}

/** The verdict on each column and on whole rows, now that it is known how many there are. */
function concludeAll(
  compared: readonly Comparison[],
  rows: readonly JointDrift[],
  settings: Settings,
  looks: number,
): { readonly columns: ColumnDrift[]; readonly joint: JointDrift[] } {
  const isCorrected = settings.correction === 'benjaminiHochberg';
  const best = compared.map(({ spans }) => bestOf(spans));
  // Distances alone have no chance that could be corrected, and are no part of the family.
  const family = compared.flatMap((comparison, index) =>
    best[index] !== undefined && comparison.settings.tests.some(({ definition }) => definition.score === 'pValue') ? [index] : [],
  );
  const judged = rows.filter(({ status }) => status === 'compared');
  const raw = [
    ...family.map((index) => best[index]!.evidence * compared[index]!.spans.length * looks),
    ...judged.map((one) => jointEvidence(one) * looks),
  ];
  const adjusted = isCorrected ? benjaminiHochberg(raw) : raw;
  const factors = new Map(
    family.map((index, place) => {
      const { evidence } = best[index]!;
      // Where nothing speaks for drift, all that is left to tell is the correction itself.
      const least = (compared.length + judged.length) * compared[index]!.spans.length * looks;
      return [index, !isCorrected ? 1 : evidence > 0 && Number.isFinite(evidence) ? adjusted[place]! / evidence : least];
    }),
  );
  const joint = rows.map((one) => {
    const place = judged.indexOf(one);
    if (place < 0) return one;
    const evidence = jointEvidence(one);
    const least = (compared.length + judged.length) * looks;
    return concludeJoint(
      one,
      !isCorrected ? 1 : evidence > 0 && Number.isFinite(evidence) ? adjusted[family.length + place]! / evidence : least,
    );
  });
  const columns = compared.map((comparison, index) => {
    const { base, lost, spans } = comparison;
    const span = best[index];
    const result = span === undefined || spans.length === 0 ? base : concludeColumn(comparison, span, factors.get(index) ?? 1);
    const isLost = lost !== undefined && (!isCorrected || lost.evidence * (compared.length + judged.length) * looks < 1);
    return isLost ? { ...result, drifted: true, reason: lost.reason } : result;
  });
  return { columns, joint };
}

/** The span that speaks most for drift; of equals the one with the fewest windows. */
function bestOf(spans: readonly Span[]): Span | undefined {
  return spans.reduce<Span | undefined>((best, span) => (best === undefined || span.evidence < best.evidence ? span : best), undefined);
}

function judgedBy({ rowsMin, columnsMin, correction, pool, perColumn, joint, ...whole }: Settings): JudgedBy {
  const plain = ({ tests, agree, missing }: ColumnSettings): Pick<JudgedBy, 'missing' | 'agree' | 'tests'> => ({
    missing,
    agree,
    tests: tests.map(({ definition, threshold }) => ({ test: definition.name, threshold })),
  });
  return {
    rowsMin,
    columnsMin,
    correction,
    pool,
    ...plain(whole),
    columns: Object.fromEntries([...perColumn].map(([name, own]) => [name, plain(own)])),
    ...(joint.length === 0
      ? {}
      : { joint: joint.map(({ definition, threshold, pValue, rows }) => ({ test: definition.name, threshold, pValue, rows })) }),
  };
}

/** The rules of each column that is compared. */
function checkRules(
  chosen: readonly ColumnProfile[],
  references: readonly ColumnReference[],
  settings: Settings,
): Map<string, ColumnSettings> {
  const names = chosen.map(({ name }) => name);
  for (const name of settings.perColumn.keys()) if (!names.includes(name)) throw columnMissing(name, names, 'columns');
  return new Map(
    references.map(({ column, numeric, freeText }) => {
      const kind = numeric ? 'number' : 'category';
      // Of free text the tests are for what is measured of it.
      return [column.name, freeText ? fittingTests(settings, column.name, kind) : testsFor(settings, column.name, kind)];
    }),
  );
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
  const joint = results.flatMap((result) => result.joint ?? []);
  const [first] = results;
  return {
    drifted: driftedColumns.length >= settings.columnsMin || heard.some(({ joint = [] }) => joint.some(({ drifted }) => drifted)),
    driftScore: heard.reduce((largest, result) => Math.max(largest, result.driftScore), 0),
    rows,
    rowsReference: first.rowsReference,
    enoughRows: heard.length > 0,
    driftedColumns,
    columns,
    ...(joint.length === 0 ? {} : { joint }),
    newColumns: results.flatMap((result) => result.newColumns),
    options: { ...first.options, columns: Object.assign({}, ...results.map(({ options }) => options.columns)) as JudgedBy['columns'] },
    summary: summarize(
      rows,
      heard.flatMap((result) => result.columns),
      driftedColumns,
      heard.flatMap((result) => result.joint ?? []),
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

function notCompared(column: ColumnProfile, isHidden: boolean): ColumnDrift {
  const reason = isHidden
    ? 'The predictions are logged without its values, as "predictionLog" of the deployment says.'
    : column.type === 'timestamp'
      ? 'Points in time go on, and are not compared; what "measures" names of them is, as their hour.'
      : column.type === 'image'
        ? 'Pictures are not compared; what is measured of them is, as their brightness.'
        : `Columns of the type ${column.type} are not compared.`;
  return { ...emptyOf(column), status: 'skipped', reason };
}

function summarize(
  rows: number,
  columns: readonly ColumnDrift[],
  driftedColumns: readonly string[],
  joint: readonly JointDrift[],
  settings: Pick<Settings, 'rowsMin' | 'columnsMin'>,
  enoughRows: boolean,
): string {
  const ofColumns = summarizeColumns(rows, columns, driftedColumns, settings, enoughRows);
  const moved = joint.filter(({ drifted }) => drifted).map(({ test }) => test);
  return !enoughRows || moved.length === 0 ? ofColumns : `${ofColumns} Drift of whole rows by ${moved.join(' and ')}.`;
}

function summarizeColumns(
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
