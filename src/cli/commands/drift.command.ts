import { PerennialError } from '../../core/errors.ts';
import type { ColumnDrift, DriftOptions, DriftResult } from '../../monitoring/detect.ts';
import type { DriftReference } from '../../monitoring/reference.ts';
import type { NamedTest } from '../../monitoring/settings.ts';
import { DRIFT_DEFAULTS } from '../../monitoring/defaults.ts';
import { defineCommand, table } from './command.ts';

interface Options {
  readonly current?: string;
  readonly window?: string;
  readonly version?: string;
  readonly report?: string;
  readonly rowsMin?: string;
  readonly columnsMin?: string;
  readonly missing?: string;
  readonly test?: readonly string[];
  readonly agree?: string;
  readonly also?: string;
}

export default defineCommand({
  register(program, io) {
    program
      .command('drift')
      .description('Compare current data with what a model was trained on')
      .argument('<model>', 'name of the registered model')
      .option('--current <file>', 'rows from a .csv, .tsv, .json, .ndjson, .jsonl or .parquet file')
      .option('--window <duration>', 'rows that were predicted in the last e.g. 24h, from the prediction log')
      .option('--version <reference>', 'version number or alias to compare with (default: the champion)')
      .option('--report <file>', 'write an HTML report')
      .option(
        '--test <name[=threshold]>',
        `a test that decides, in place of ${DRIFT_DEFAULTS.tests.join(', ')}; COLUMN:NAME for one column; may be repeated`,
        (text: string, before: readonly string[] = []) => [...before, text],
      )
      .option('--agree <all|any>', 'all: every test of a column has to say so (default); any: one is enough')
      .option('--also <tests>', 'further tests to report, e.g. wasserstein,jensenShannon; they have no say in the verdict')
      .option('--missing <share>', `growth of missing and unreadable values that counts as drift (default ${DRIFT_DEFAULTS.missing})`)
      .option('--rows-min <number>', `with fewer rows there is no verdict (default ${DRIFT_DEFAULTS.rowsMin})`)
      .option('--columns-min <number>', `columns that have to drift (default ${DRIFT_DEFAULTS.columnsMin})`)
      .addHelpText(
        'after',
        `
A column drifts where the change is both large (PSI, for numbers also the distance of the distributions) and not by chance
(Kolmogorov-Smirnov for numbers, chi-square for categories), or where values went missing. Of a model that scores anomalies, --window
also compares the scores and the share of alarms with those of the rows that its threshold was taken from. Defaults are those of "on.drift"
of a document; \`perennial schema drift\` lists the tests.

Exit code: 0 no drift or too few rows, 3 drift found.

Examples:
  perennial drift penguins --current new-penguins.csv
  perennial drift penguins --window 24h --report drift.html
  perennial drift penguins --current new.parquet --version 3 --json
  perennial drift penguins --current new.csv --test psi=0.25 --test ks --test chiSquare --test body_mass_g:wasserstein=0.5`,
      )
      .action(async (model: string, options: Options) => {
        if ((options.current === undefined) === (options.window === undefined)) {
          throw new PerennialError('USAGE', 'Give either --current FILE or --window DURATION.', { hint: 'See `perennial drift --help`.' });
        }
        const settings = settingsOf(options);
        const { reference, result, source, notes } = await compare(model, options, settings);
        if (options.report !== undefined) {
          const { writeFile } = await import('node:fs/promises');
          const { renderDriftReport } = await import('../../reports/drift-report.ts');
          await writeFile(options.report, await renderDriftReport(result, { model, version: reference.version, source }));
          io.note(`report: ${options.report}`);
        }
        for (const note of notes) io.note(note);
        io.result({
          model,
          version: reference.version,
          source,
          ...(notes.length === 0 ? {} : { notes }),
          ...result,
          ...(options.report === undefined ? {} : { report: options.report }),
        });
        io.print(`${model} version ${reference.version} (${result.rowsReference} rows) against ${source} (${result.rows} rows)\n`);
        io.print(await tableOf(result));
        io.print(`\n${result.summary}`);
        if (result.drifted) io.exit(3);
      });
  },
});

async function compare(
  model: string,
  options: Options,
  settings: DriftOptions,
): Promise<{ reference: DriftReference; result: DriftResult; source: string; notes: readonly string[] }> {
  const { openStore } = await import('../../storage/open-store.ts');
  const { createArtifactStore } = await import('../../storage/artifact-store.ts');
  const { driftReference } = await import('../../monitoring/reference.ts');
  const store = await openStore();
  const reference = await driftReference(store, createArtifactStore(store), model, options.version);
  if (options.current !== undefined) {
    const [{ detectDrift }, { readCurrent }] = await Promise.all([
      import('../../monitoring/detect.ts'),
      import('../../monitoring/read-current.ts'),
    ]);
    const { result, notes } = await readCurrent(options.current, process.cwd(), reference.profile, reference.reading, (current) =>
      detectDrift(reference, current, { ...settings, columns: reference.columns }),
    );
    return { reference, result, source: options.current, notes };
  }
  const { durationMs } = await import('../../data/ingest/duration.ts');
  const { detectModelDrift } = await import('../../monitoring/model-drift.ts');
  const { readPredictions } = await import('../../monitoring/prediction-window.ts');
  const { Unread } = await import('../../storage/unread.ts');
  const unread = new Unread();
  const to = new Date();
  const from = new Date(to.getTime() - windowMs(options.window!, durationMs));
  const result = await detectModelDrift(reference, () => readPredictions(store, model, { from, to, unread }), settings);
  return { reference, result, source: `predictions of the last ${options.window}`, notes: unread.notes };
}

function windowMs(text: string, parse: (text: string) => number): number {
  if (!/^\d+(\.\d+)?(s|m|h|d|w)$/.test(text))
    throw new PerennialError(
      'USAGE',
      `--window ${JSON.stringify(text)} is not a duration; expected a number and s, m, h, d or w, e.g. 24h.`,
    );
  return parse(text);
}

function settingsOf(options: Options): DriftOptions {
  const { tests, perColumn } = testsOf(options.test ?? []);
  const settings = {
    rowsMin: positive('--rows-min', options.rowsMin),
    columnsMin: positive('--columns-min', options.columnsMin),
    missing: shareOf('--missing', options.missing),
    agree: agreeOf(options.agree),
    tests,
    perColumn,
    also: options.also?.split(',').map((name) => name.trim()),
  };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

/** "psi=0.25", or "body_mass_g:wasserstein" for a column; a column may have a colon in its name. */
function testsOf(given: readonly string[]): Pick<DriftOptions, 'tests' | 'perColumn'> {
  const tests: NamedTest[] = [];
  const perColumn = new Map<string, NamedTest[]>();
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
    else perColumn.set(column, [...(perColumn.get(column) ?? []), test]);
  }
  return {
    ...(tests.length === 0 ? {} : { tests }),
    ...(perColumn.size === 0 ? {} : { perColumn: Object.fromEntries([...perColumn].map(([column, own]) => [column, { tests: own }])) }),
  };
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

async function tableOf(result: DriftResult): Promise<string> {
  const { furtherTests, showScore } = await import('../../reports/drift-report.ts');
  const score = (column: ColumnDrift, names: readonly string[]): string => {
    const test = column.tests.find((one) => names.includes(one.test));
    return test === undefined ? '-' : showScore(test.score);
  };
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  const rows = result.columns.map((column) => [
    column.name,
    score(column, ['psi']),
    score(column, ['ksDistance']),
    score(column, ['ks', 'chiSquare']),
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
  return [known, ...[...notes, ...added].map((line) => `\n${line}`)].join('\n');
}
