import { closest, distance } from 'fastest-levenshtein';
import { PerennialError } from '../core/errors.ts';
import { DRIFT_DEFAULTS } from './defaults.ts';
import type { NamedJointTest, NamedMeasure, NamedTest } from './named-test.ts';
import type { DriftTestDefinition, FeatureSample } from './drift/drift-test.ts';
import { driftRegistry } from './drift/index.generated.ts';
import type { ColumnProfile } from '../data/stored/dataset.ts';
import type { ChosenJointTest } from './joint/compare-rows.ts';
import { jointRegistry } from './joint/index.generated.ts';
import { LEVEL } from './joint/joint-test.ts';
import { measureRegistry } from './measures/index.generated.ts';
import { MEASURED_WORDS } from './measures/measure.ts';
import type { MeasureDefinition } from './measures/measure.ts';
import type { Correction } from './policy/correction.ts';

/** What may be said of a column by itself. */
export interface ColumnOptions {
  /** In place of the tests of all columns. */
  readonly tests?: readonly NamedTest[];
  readonly agree?: 'all' | 'any';
  readonly missing?: number;
  /** What is measured of its values, and compared. Default: of free text and of images all measures that need not be asked for. */
  readonly measures?: readonly NamedMeasure[];
}

/** When data count as drifted: the keys of `on.drift`. */
export interface DriftRules extends Omit<ColumnOptions, 'measures'> {
  /** With fewer current rows there is no verdict. */
  readonly rowsMin?: number;
  /** So many columns have to drift. */
  readonly columnsMin?: number;
  /** Newest windows that are looked at together, at most. */
  readonly pool?: number;
  readonly correction?: Correction;
  readonly perColumn?: Readonly<Record<string, ColumnOptions>>;
  /** Tests of whole rows. Default: none. */
  readonly joint?: readonly NamedJointTest[];
}

export interface ChosenTest {
  readonly definition: DriftTestDefinition;
  readonly threshold: number;
}

export interface ColumnSettings {
  readonly tests: readonly ChosenTest[];
  /** all: a column has drifted where every test of it says so; any: where one does. */
  readonly agree: 'all' | 'any';
  /** Share of rows by which missing and unreadable values may grow. */
  readonly missing: number;
  /** undefined: what is measured by default. */
  readonly measures?: readonly MeasureDefinition[];
}

export interface Settings extends ColumnSettings {
  readonly rowsMin: number;
  readonly columnsMin: number;
  readonly pool: number;
  readonly correction: Correction;
  readonly perColumn: ReadonlyMap<string, ColumnSettings>;
  readonly joint: readonly ChosenJointTest[];
}

/** Rules with their defaults. @throws CONFIG_INVALID for a test that does not exist */
export function driftSettings(rules: DriftRules): Settings {
  const whole: ColumnSettings = {
    tests: chosenTests(rules.tests ?? DRIFT_DEFAULTS.tests, 'tests'),
    agree: rules.agree ?? DRIFT_DEFAULTS.agree,
    missing: rules.missing ?? DRIFT_DEFAULTS.missing,
  };
  const perColumn = new Map(
    Object.entries(rules.perColumn ?? {}).map(([name, own]): [string, ColumnSettings] => [
      name,
      {
        tests: own.tests === undefined ? whole.tests : chosenTests(own.tests, `columns.${name}.tests`),
        agree: own.agree ?? whole.agree,
        missing: own.missing ?? whole.missing,
        ...(own.measures === undefined ? {} : { measures: chosenMeasures(own.measures, `columns.${name}.measures`) }),
      },
    ]),
  );
  return {
    ...whole,
    rowsMin: rules.rowsMin ?? DRIFT_DEFAULTS.rowsMin,
    columnsMin: rules.columnsMin ?? DRIFT_DEFAULTS.columnsMin,
    pool: rules.pool ?? DRIFT_DEFAULTS.pool,
    correction: rules.correction ?? DRIFT_DEFAULTS.correction,
    perColumn,
    joint: chosenJointTests(rules.joint ?? []),
  };
}

/** @throws CONFIG_INVALID */
function chosenJointTests(named: readonly NamedJointTest[]): ChosenJointTest[] {
  return named.map((one) => {
    const entries: (readonly [string, Exclude<NamedJointTest, string>[string] | undefined])[] =
      typeof one === 'string' ? [[one, {}]] : Object.entries(one);
    const [[name, config] = ['', undefined]] = entries;
    const definition = jointRegistry.find(name);
    if (entries.length !== 1 || definition === undefined) throw unknownTest(name, 'joint', 'test of whole rows', jointRegistry.names());
    const { threshold = definition.defaultThreshold, pValue = LEVEL, rows = definition.defaultRows } = config ?? {};
    if (!(threshold >= 0 && threshold <= 1))
      throw new PerennialError('CONFIG_INVALID', `joint: the threshold ${threshold} of "${name}" is not from 0 to 1.`, {
        hint: `The default is ${definition.defaultThreshold}.`,
      });
    return { definition, threshold, pValue, rows };
  });
}

/** @throws CONFIG_INVALID */
function chosenMeasures(named: readonly NamedMeasure[], where: string): MeasureDefinition[] {
  return named.map((one) => {
    const [name = '', ...others] = typeof one === 'string' ? [one] : Object.keys(one);
    const definition = measureRegistry.find(name);
    if (others.length > 0 || definition === undefined) throw unknownTest(name, where, 'measure', measureRegistry.names());
    return definition;
  });
}

/**
 * What is measured of a column.
 *
 * @param freeText nearly every value of it is different
 * @throws CONFIG_INVALID for a measure that is declared for a column of another type
 */
export function measuresOf(settings: Settings, { name, type }: ColumnProfile, freeText: boolean): readonly MeasureDefinition[] {
  const declared = settings.perColumn.get(name)?.measures;
  const kind = type === 'timestamp' || type === 'image' ? type : type === 'string' ? 'text' : undefined;
  if (declared === undefined)
    return kind === 'image' || freeText ? measureRegistry.all().filter(({ of, byDefault }) => of === kind && byDefault) : [];
  const misfit = declared.find(({ of }) => of !== kind);
  if (misfit === undefined) return declared;
  const fitting = measureRegistry.all().filter(({ of }) => of === kind);
  throw new PerennialError(
    'CONFIG_INVALID',
    `columns.${name}.measures: "${misfit.name}" is measured of ${MEASURED_WORDS[misfit.of]}, and "${name}" is a column of the type ${type}.`,
    { hint: fitting.length === 0 ? 'Its values are compared as they are.' : `Take one of ${fitting.map((one) => one.name).join(', ')}.` },
  );
}

/** The tests of a column that fit what is measured of it. */
export function fittingTests(settings: Settings, name: string, kind: FeatureSample['kind']): ColumnSettings {
  const { tests, agree, missing } = settings.perColumn.get(name) ?? settings;
  return { tests: tests.filter(({ definition }) => definition.featureTypes.includes(kind)), agree, missing };
}

/** @param where for messages: the place of the list. @throws CONFIG_INVALID */
export function chosenTests(named: readonly NamedTest[], where: string): ChosenTest[] {
  return named.map((one) => {
    const entries: (readonly [string, { readonly threshold?: number } | undefined])[] =
      typeof one === 'string' ? [[one, {}]] : Object.entries(one);
    const [[name, config] = ['', undefined]] = entries;
    const definition = driftRegistry.find(name);
    if (entries.length !== 1 || definition === undefined) throw unknownTest(name, where, 'drift test', driftRegistry.names());
    const threshold = config?.threshold ?? definition.defaultThreshold;
    const most = definition.score === 'pValue' ? 1 : Infinity;
    if (!(threshold >= 0 && threshold <= most))
      throw new PerennialError(
        'CONFIG_INVALID',
        `${where}: the threshold ${threshold} of "${name}" is ${most === 1 ? 'no probability from 0 to 1' : 'below 0'}.`,
        { hint: `The default is ${definition.defaultThreshold}.` },
      );
    return { definition, threshold };
  });
}

function unknownTest(name: string, where: string, what: string, names: readonly string[]): PerennialError {
  const near = closest(name, names);
  const isClose = distance(name.toLowerCase(), near.toLowerCase()) <= Math.max(2, near.length / 3);
  return new PerennialError(
    'CONFIG_INVALID',
    `${where}: there is no ${what} "${name}". There is: ${names.join(', ')}.`,
    isClose ? { hint: `Did you mean "${near}"?` } : {},
  );
}

/**
 * The tests of a column of a kind. Of the tests for all columns those that fit are taken; one that was declared for this very column
 * has to fit.
 *
 * @throws CONFIG_INVALID
 */
export function testsFor(settings: Settings, name: string, kind: FeatureSample['kind']): ColumnSettings {
  const own = settings.perColumn.get(name);
  const { tests, agree, missing } = own ?? settings;
  const misfit =
    own === undefined || own.tests === settings.tests ? undefined : tests.find(({ definition }) => !definition.featureTypes.includes(kind));
  if (misfit !== undefined) throw misfitting(name, misfit.definition, kind, `columns.${name}.tests`);
  return { tests: tests.filter(({ definition }) => definition.featureTypes.includes(kind)), agree, missing };
}

const KINDS: Readonly<Record<FeatureSample['kind'], string>> = { number: 'numbers', category: 'categories' };

function misfitting(name: string, definition: DriftTestDefinition, kind: FeatureSample['kind'], where: string): PerennialError {
  const fitting = driftRegistry
    .all()
    .filter(({ featureTypes }) => featureTypes.includes(kind))
    .map((test) => test.name);
  return new PerennialError(
    'CONFIG_INVALID',
    `${where}: "${definition.name}" compares ${definition.featureTypes.map((type) => KINDS[type]).join(' and ')}, and "${name}" is a column of ${KINDS[kind]}.`,
    { hint: `Tests of ${KINDS[kind]}: ${fitting.join(', ')}.` },
  );
}
