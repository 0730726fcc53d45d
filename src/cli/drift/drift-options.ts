import { PerennialError } from '../../core/errors.ts';
import type { AlarmRules } from '../../monitoring/drift-checks/run-drift-check.ts';
import { DRIFT_DEFAULTS } from '../../monitoring/defaults.ts';
import type { DriftOptions } from '../../monitoring/detect.ts';
import type { Season } from '../../monitoring/seasonal-reference.ts';
import type { NamedJointTest, NamedTest } from '../../monitoring/named-test.ts';

/** Options of `perennial drift MODEL`, as they were typed. */
export interface CompareOptions {
  readonly current?: string;
  readonly window?: string;
  readonly version?: string;
  readonly report?: string;
  readonly violations?: string;
  readonly rowsMin?: string;
  readonly columnsMin?: string;
  readonly missing?: string;
  readonly test?: readonly string[];
  readonly joint?: readonly string[];
  readonly measure?: readonly string[];
  readonly agree?: string;
  readonly also?: string;
  readonly stream?: string;
  readonly pool?: string;
  readonly correction?: string;
  readonly windowsMin?: string;
  readonly windowsOf?: string;
  readonly coolDown?: string;
  readonly season?: string;
  readonly seasons?: string;
}

/** What the window is compared with, where it is no training. @param windowMs undefined: the rows are of a file. @throws USAGE */
export function seasonOf(
  { season, seasons, pool }: CompareOptions,
  durationMs: (option: string, text: string) => number,
  windowMs: number | undefined,
): Season | undefined {
  if (season === undefined) {
    if (seasons !== undefined)
      throw new PerennialError('USAGE', '--seasons says how many seasons, and --season how long one is: give both.');
    return undefined;
  }
  if (windowMs === undefined)
    throw new PerennialError('USAGE', '--season looks into the prediction log: it is for --window, and rows of a file have no season.');
  const everyMs = durationMs('--season', season);
  if (everyMs < windowMs)
    throw new PerennialError('USAGE', `--season ${season} is shorter than the window, which would be part of what it is compared with.`);
  if (pool !== undefined && pool !== '1')
    throw new PerennialError('USAGE', '--pool looks at windows together, and with --season each is compared with other rows.', {
      hint: 'Leave one of them out.',
    });
  return { everyMs, count: windowsOf('--seasons', seasons, 'seasons') ?? DRIFT_DEFAULTS.seasons };
}

/** @throws USAGE */
export function settingsOf(options: CompareOptions): DriftOptions {
  const { tests, perColumn } = testsOf(options.test ?? [], options.measure ?? []);
  const settings = {
    rowsMin: positive('--rows-min', options.rowsMin),
    columnsMin: positive('--columns-min', options.columnsMin),
    missing: shareOf('--missing', options.missing),
    agree: agreeOf(options.agree),
    pool: windowsOf('--pool', options.pool),
    correction: correctionOf(options.correction),
    tests,
    perColumn,
    joint: options.joint?.map(jointOf),
    also: options.also?.split(',').map((name) => name.trim()),
  };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

/** "psi=0.25", or "body_mass_g:wasserstein" for a column; "when:hour" for what is measured. A column may have a colon in its name. */
function testsOf(given: readonly string[], measured: readonly string[]): Pick<DriftOptions, 'tests' | 'perColumn'> {
  const tests: NamedTest[] = [];
  const perColumn = new Map<string, { tests?: readonly NamedTest[]; measures?: readonly string[] }>();
  for (const text of measured) {
    const [, column, name] = /^(.+):([^:]+)$/s.exec(text) ?? [];
    if (column === undefined || name === undefined)
      throw new PerennialError('USAGE', `--measure ${JSON.stringify(text)} is not COLUMN:NAME, e.g. ordered_at:hour.`, {
        hint: '`perennial schema measure` lists what can be measured.',
      });
    perColumn.set(column, { measures: [...(perColumn.get(column)?.measures ?? []), name] });
  }
  for (const text of given) {
    const [, column, name, threshold] = /^(?:(.+):)?([^:=]*)(?:=(.*))?$/s.exec(text) ?? [];
    if (name === undefined || name === '')
      throw new PerennialError(
        'USAGE',
        `--test ${JSON.stringify(text)} names no test; expected NAME, NAME=THRESHOLD or COLUMN:NAME=THRESHOLD, e.g. psi=0.25.`,
      );
    const test: NamedTest =
      threshold === undefined ? name : { [name]: { threshold: numberIn(`--test ${JSON.stringify(text)}: the threshold`, threshold) } };
    if (column === undefined) tests.push(test);
    else perColumn.set(column, { ...perColumn.get(column), tests: [...(perColumn.get(column)?.tests ?? []), test] });
  }
  return {
    ...(tests.length === 0 ? {} : { tests }),
    ...(perColumn.size === 0 ? {} : { perColumn: Object.fromEntries(perColumn) }),
  };
}

/** "mmd", or "classifier=0.6". */
function jointOf(text: string): NamedJointTest {
  const [, name = '', threshold] = /^([^=]*)(?:=(.*))?$/s.exec(text) ?? [];
  return threshold === undefined ? name : { [name]: { threshold: numberIn(`--joint ${JSON.stringify(text)}: the threshold`, threshold) } };
}

function agreeOf(text: string | undefined): 'all' | 'any' | undefined {
  if (text !== undefined && text !== 'all' && text !== 'any')
    throw new PerennialError('USAGE', `--agree ${JSON.stringify(text)} is neither "all" nor "any".`);
  return text;
}

function shareOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = numberIn(flag, text);
  if (value < 0 || value > 1) throw new PerennialError('USAGE', `${flag} ${JSON.stringify(text)} is no share from 0 to 1, e.g. 0.1.`);
  return value;
}

function numberIn(what: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new PerennialError('USAGE', `${what} ${JSON.stringify(text)} is not a number.`);
  return value;
}

function positive(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0)
    throw new PerennialError('USAGE', `${flag} ${JSON.stringify(text)} is not a number above 0.`);
  return value;
}

/** When drift of the windows of a stream is an alarm. @throws USAGE */
export function alarmRules(options: CompareOptions, durationMs: (option: string, text: string) => number): AlarmRules {
  if (options.stream === undefined)
    for (const [flag, given] of [
      ['--pool', options.pool],
      ['--windows-min', options.windowsMin],
      ['--windows-of', options.windowsOf],
      ['--cool-down', options.coolDown],
    ])
      if (given !== undefined)
        throw new PerennialError('USAGE', `${flag} looks at windows that came before, and this one is none of several.`, {
          hint: 'Add --stream NAME, the same for all windows of one kind, e.g. --stream daily.',
        });
  const windowsMin = windowsOf('--windows-min', options.windowsMin) ?? DRIFT_DEFAULTS.windowsMin;
  const of = windowsOf('--windows-of', options.windowsOf) ?? Math.max(windowsMin, DRIFT_DEFAULTS.windowsOf);
  if (windowsMin > of) throw new PerennialError('USAGE', `--windows-min ${windowsMin} is more than --windows-of ${of}.`);
  return { windowsMin, windowsOf: of, coolDownMs: options.coolDown === undefined ? 0 : durationMs('--cool-down', options.coolDown) };
}

function windowsOf(flag: string, text: string | undefined, what = 'windows'): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1 || value > 64 || text.trim() === '')
    throw new PerennialError('USAGE', `${flag} ${JSON.stringify(text)} is no number of ${what}; expected an integer from 1 to 64.`);
  return value;
}

function correctionOf(text: string | undefined): DriftOptions['correction'] {
  if (text !== undefined && text !== 'benjaminiHochberg' && text !== 'none')
    throw new PerennialError('USAGE', `--correction ${JSON.stringify(text)} is neither "benjaminiHochberg" nor "none".`);
  return text;
}
