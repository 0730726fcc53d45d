import { PerennialError } from '../../core/errors.ts';
import type { ColumnDrift, DriftOptions, DriftResult } from '../../monitoring/detect.ts';
import type { DriftReference } from '../../monitoring/reference.ts';
import { defineCommand, table } from '../command.ts';

interface Options {
  readonly current?: string;
  readonly window?: string;
  readonly version?: string;
  readonly report?: string;
  readonly rowsMin?: string;
  readonly psi?: string;
  readonly pValue?: string;
  readonly columnsMin?: string;
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
      .option('--rows-min <number>', 'with fewer rows there is no verdict (default 100)')
      .option('--psi <number>', 'PSI above this is a large change (default 0.2)')
      .option('--p-value <number>', 'p-value below this is not by chance (default 0.05)')
      .option('--columns-min <number>', 'columns that have to drift (default 1)')
      .option('--also <tests>', 'further tests to report, e.g. wasserstein,jensenShannon; they have no say in the verdict')
      .addHelpText(
        'after',
        `
A column drifts where the change is both large (PSI, for numbers also the distance of the distributions) and not by chance
(Kolmogorov-Smirnov for numbers, chi-square for categories), or where values went missing. Of a model that scores anomalies, --window
also compares the scores and the share of alarms with those of the rows that its threshold was taken from.

Exit code: 0 no drift or too few rows, 3 drift found.

Examples:
  perennial drift penguins --current new-penguins.csv
  perennial drift penguins --window 24h --report drift.html
  perennial drift penguins --current new.parquet --version 3 --json`,
      )
      .action(async (model: string, options: Options) => {
        if ((options.current === undefined) === (options.window === undefined)) {
          throw new PerennialError('USAGE', 'Give either --current FILE or --window DURATION.', { hint: 'See `perennial drift --help`.' });
        }
        const settings = settingsOf(options);
        const { reference, result, source } = await compare(model, options, settings);
        if (options.report !== undefined) {
          const { writeFile } = await import('node:fs/promises');
          const { renderDriftReport } = await import('../../reports/drift-report.ts');
          await writeFile(options.report, await renderDriftReport(result, { model, version: reference.version, source }));
          io.note(`report: ${options.report}`);
        }
        io.result({ model, version: reference.version, source, ...result, ...(options.report === undefined ? {} : { report: options.report }) });
        io.print(`${model} version ${reference.version} (${result.rowsReference} rows) against ${source} (${result.rows} rows)\n`);
        io.print(await tableOf(result));
        io.print(`\n${result.summary}`);
        if (result.drifted) io.exit(3);
      });
  },
});

async function compare(model: string, options: Options, settings: DriftOptions): Promise<{ reference: DriftReference; result: DriftResult; source: string }> {
  const { openStore } = await import('../../storage/open-store.ts');
  const { createArtifactStore } = await import('../../storage/artifact-store.ts');
  const { driftReference } = await import('../../monitoring/reference.ts');
  const store = await openStore();
  const reference = await driftReference(store, createArtifactStore(store), model, options.version);
  if (options.current !== undefined) {
    const { detectDrift } = await import('../../monitoring/detect.ts');
    const wanted = { ...settings, columns: reference.columns };
    const { readCurrent } = await import('../../monitoring/read-current.ts');
    let result: DriftResult | undefined;
    await readCurrent(options.current, process.cwd(), reference.profile, reference.reading, async (rows) => {
      result = await detectDrift(reference.profile, rows, wanted);
    });
    return { reference, result: result!, source: options.current };
  }
  const { durationMs } = await import('../../data/ingest/ingest-tables.ts');
  const { detectModelDrift } = await import('../../monitoring/model-drift.ts');
  const { readPredictions } = await import('../../monitoring/prediction-window.ts');
  const to = new Date();
  const from = new Date(to.getTime() - windowMs(options.window!, durationMs));
  const result = await detectModelDrift(reference, () => readPredictions(store, model, { from, to }), settings);
  return { reference, result, source: `predictions of the last ${options.window}` };
}

function windowMs(text: string, parse: (text: string) => number): number {
  if (!/^\d+(\.\d+)?(s|m|h|d|w)$/.test(text)) throw new PerennialError('USAGE', `--window ${JSON.stringify(text)} is not a duration; expected a number and s, m, h, d or w, e.g. 24h.`);
  return parse(text);
}

function settingsOf(options: Options): DriftOptions {
  const settings = { rowsMin: positive('--rows-min', options.rowsMin), psi: positive('--psi', options.psi), pValue: positive('--p-value', options.pValue), columnsMin: positive('--columns-min', options.columnsMin), also: options.also?.split(',').map((name) => name.trim()) };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

function positive(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0) throw new PerennialError('USAGE', `${flag} ${JSON.stringify(text)} is not a number above 0.`);
  return value;
}

async function tableOf(result: DriftResult): Promise<string> {
  const { showScore } = await import('../../reports/drift-report.ts');
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
    column.tests.slice(column.type === 'number' || column.type === 'integer' ? 3 : 2).map((test) => `${test.test} ${showScore(test.score)}`).join(' '),
    column.drifted || column.status !== 'compared' ? column.reason : column.unseen.length > 0 ? `new: ${column.unseen.slice(0, 3).map((one) => one.value).join(', ')}` : '',
  ]);
  const known = table([['column', 'PSI', 'KS', 'p-value', 'missing', 'verdict', '', ''], ...rows]);
  return result.newColumns.length === 0 ? known : `${known}\n\nColumns that training did not know: ${result.newColumns.join(', ')}`;
}
