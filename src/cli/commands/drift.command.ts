import { repeated } from '../repeated.ts';
import { durationMs, isDuration } from '../../core/duration.ts';
import { PerennialError } from '../../core/errors.ts';
import type { DriftCheck } from '../../monitoring/drift-checks/drift-check-record.ts';
import type { Violation } from '../../monitoring/violations.ts';
import type { DriftReference } from '../../monitoring/reference.ts';
import type { ScoredModel } from '../../scoring/score-task.ts';
import { DRIFT_DEFAULTS } from '../../monitoring/defaults.ts';
import type { NamedPath } from '../../platform/same-file.ts';
import { alarmRules, seasonOf, settingsOf } from '../drift/drift-options.ts';
import type { CompareOptions } from '../drift/drift-options.ts';
import { defineCommand } from './command.ts';
import type { CliIo } from './command.ts';

export default defineCommand({
  register(program, io) {
    const group = program
      .command('drift')
      .summary('how current data differ from what a model learnt')
      .description('Compare current data with what a model was trained on.')
      .argument('<model>', 'name of the registered model')
      .option('--current <file>', 'rows from a .csv, .tsv, .json, .ndjson, .jsonl or .parquet file, or a folder of images')
      .option('--window <duration>', 'rows that were predicted in the last e.g. 24h, from the prediction log')
      .option('--version <reference>', 'version number or alias to compare with (default: the champion)')
      .option('--report <file>', 'write an HTML report')
      .option('--violations <file>', 'write what the rows do not keep to, as constraint_violations.json of SageMaker Model Monitor')
      .option(
        '--test <name[=threshold]>',
        `a test that decides, in place of ${DRIFT_DEFAULTS.tests.map((test) => (typeof test === 'string' ? test : Object.keys(test)[0])).join(', ')}; COLUMN:NAME for one column; may be repeated`,
        repeated,
      )
      .option(
        '--joint <name[=threshold]>',
        'a test of whole rows, all columns at once, that decides as well: mmd, classifier; may be repeated (default: none)',
        repeated,
      )
      .option(
        '--measure <column:name>',
        'what is measured of free text, images or points in time, and compared: words, brightness, hour …; may be repeated (default: of free text and images what `perennial schema measure` marks so)',
        repeated,
      )
      .option('--agree <all|any>', 'all: every test of a column has to say so (default); any: one is enough')
      .option('--also <tests>', 'further tests to report, e.g. wasserstein,jensenShannon; they have no say in the verdict')
      .option('--missing <share>', `growth of missing and unreadable values that counts as drift (default ${DRIFT_DEFAULTS.missing})`)
      .option('--rows-min <number>', `with fewer rows there is no verdict (default ${DRIFT_DEFAULTS.rowsMin})`)
      .option('--columns-min <number>', `columns that have to drift (default ${DRIFT_DEFAULTS.columnsMin})`)
      .option('--stream <name>', 'this is one of several windows, e.g. of each day: it is looked at together with those before it')
      .option(
        '--pool <windows>',
        `so many of the newest windows of the stream, at most, are looked at together (default ${DRIFT_DEFAULTS.pool})`,
      )
      .option('--windows-min <number>', `so many of the newest windows have to drift (default ${DRIFT_DEFAULTS.windowsMin})`)
      .option('--windows-of <number>', 'of so many (default: as many as have to)')
      .option('--season <duration>', 'with --window: compare with what was asked at the same time of earlier seasons, e.g. 7d')
      .option('--seasons <number>', `so many of the last seasons (default ${DRIFT_DEFAULTS.seasons})`)
      .option('--cool-down <duration>', 'after an alarm of the stream there is none for so long (default: none)')
      .option('--correction <name>', 'benjaminiHochberg: p-values are corrected for the number of columns and looks (default); none')
      .addHelpText(
        'after',
        `
A column drifts where the change is both large (distance of the distributions above 0.05: one row in twenty would have to move) and not
by chance (Kolmogorov-Smirnov for numbers, chi-square for categories), or where values went missing. p-values are corrected for the
number of columns and of looks (Benjamini-Hochberg): of windows of unchanged data at most one in 50,000 is called drifted, all columns
together. With --stream, small changes are found that show only in several windows together. Defaults are those of "on.drift" of a
document; \`perennial schema drift\` lists the tests.

Of images brightness, contrast, colours, sharpness and size are compared, each as a column named IMAGE (MEASURE): the prediction log holds
these numbers, never the pictures.

--window also compares the answers of the version with those for the validation rows of its training (of anomaly scores, the rows that the
threshold was taken from), as columns beside those of the rows: prediction.label and prediction.probability, of two classes
prediction.probabilities.NAME of the second one, prediction.value (of lists prediction.value.0, …), prediction.score and
prediction.anomaly; of several labels prediction.LABEL.value and so on. And it compares the labels that came as feedback in that time with
those of the training: label, of several label.NAME. What was flagged with its label is left out. --current asks the version about the
rows of the file first: of more than 10,000 (of images 2,000), about so many of them.

Columns that changed towards each other alone, each by itself as it was, only tests of whole rows see: --joint mmd, --joint classifier
(\`perennial schema joint\`).

Every check is kept: \`perennial drift history MODEL\` lists them, \`perennial drift show ID\` shows one, \`perennial models gc\` removes old ones.

Exit code: 0 no drift or too few rows, 3 drift found.

Examples:
  perennial drift penguins --current new-penguins.csv
  perennial drift penguins --window 24h --report drift.html
  perennial drift penguins --current new.parquet --version 3 --json
  perennial drift penguins --current today.csv --stream daily --windows-min 2 --windows-of 3
  perennial drift orders --window 24h --season 7d
  perennial drift orders --window 24h --joint mmd --joint classifier=0.6
  perennial drift orders --window 7d --measure ordered_at:hour --measure ordered_at:weekday
  perennial drift history penguins
  perennial drift penguins --current new.csv --test psi=0.25 --test ks --test chiSquare --test body_mass_g:wasserstein=0.5`,
      )
      .action((model: string, options: CompareOptions) => compareModel(io, model, options));
    group
      .command('history')
      .summary('checks that were made, the newest first')
      .description('Checks of a model that were made, by monitors and by hand, newest first.')
      .argument('<model>')
      .option('--limit <number>', 'so many of them', '20')
      .addHelpText('after', '\nExamples:\n  perennial drift history penguins\n  perennial drift history penguins --limit 200 --json')
      .action((model: string, options: { readonly limit: string }) => history(io, model, options.limit));
    group
      .command('show')
      .summary('one check: columns, verdict and why')
      .description('One check: what it found in each column, its verdict and why.')
      .argument('<id>', 'as `perennial drift history MODEL` prints it, or its beginning')
      .option('--report <file>', 'write an HTML report')
      .option('--violations <file>', 'write what the rows do not keep to, as constraint_violations.json of SageMaker Model Monitor')
      .addHelpText(
        'after',
        '\nExamples:\n  perennial drift show 3f2a91c0de\n  perennial drift show 3f2a --json\n  perennial drift show 3f2a --report drift.html',
      )
      .action((id: string, _options: object, command: { optsWithGlobals(): WrittenFiles }) => show(io, id, command.optsWithGlobals()));
  },
});

async function compareModel(io: CliIo, model: string, options: CompareOptions): Promise<void> {
  if ((options.current === undefined) === (options.window === undefined)) {
    throw new PerennialError('USAGE', 'Give either --current FILE or --window DURATION.', { hint: 'See `perennial drift --help`.' });
  }
  const { requireApart } = await import('../../platform/same-file.ts');
  const named = (option: 'report' | 'violations' | 'current'): NamedPath[] =>
    options[option] === undefined ? [] : [{ named: `--${option} ${options[option]}`, path: options[option] }];
  await requireApart([...named('report'), ...named('violations')], named('current'));
  const { reference, check, notes } = await compare(model, options);
  const { result, source, verdict, id } = check;
  await writeFiles(io, check, options);
  for (const note of notes) io.note(note);
  const all = [...notes, ...(result.notes ?? [])];
  io.result({
    model,
    version: reference.version,
    source,
    check: id,
    verdict,
    ...result,
    ...(all.length === 0 ? {} : { notes: all }),
    violations: await violationsIn(check),
    ...(options.report === undefined ? {} : { report: options.report }),
  });
  const { columnsTable, jointLines } = await import('../drift/drift-text.ts');
  io.print(`${comparedText(check)}\n`);
  io.print(await columnsTable(result));
  for (const line of jointLines(result)) io.print(line);
  await printViolations(io, check);
  io.print(`\n${verdict.reason}\nKept as check ${id}: perennial drift show ${id}`);
  if (verdict.alarm) io.exit(3);
}

/** What was compared, with how many rows on each side. */
function comparedText({ model, version, source, result }: DriftCheck): string {
  return result.isAsked === true
    ? `${model}: ${result.rows} rows of ${source} (${result.rowsReference} rows)`
    : `${model} version ${version} (${result.rowsReference} rows) against ${source} (${result.rows} rows)`;
}

/** Files that a check is written to. */
interface WrittenFiles {
  readonly report?: string;
  readonly violations?: string;
}

async function writeFiles(io: CliIo, { model, version, source, result }: DriftCheck, { report, violations }: WrittenFiles): Promise<void> {
  const { writeOut } = await import('../write-out.ts');
  if (report !== undefined) {
    const { renderDriftReport } = await import('../../reports/drift-report.ts');
    await writeOut(report, await renderDriftReport(result, { model, version, source }));
    io.note(`report: ${report}`);
  }
  if (violations !== undefined) {
    const { violationsFile } = await import('../../monitoring/violations.ts');
    await writeOut(violations, violationsFile(result));
    io.note(`violations: ${violations}`);
  }
}

async function violationsIn({ result }: DriftCheck): Promise<readonly Violation[]> {
  return (await import('../../monitoring/violations.ts')).violationsOf(result);
}

async function printViolations(io: CliIo, check: DriftCheck): Promise<void> {
  const violations = await violationsIn(check);
  if (violations.length === 0) return;
  io.print('');
  for (const { feature_name: name, constraint_check_type: kind, description } of violations) io.print(`${kind}  ${name}: ${description}`);
}

async function compare(
  model: string,
  options: CompareOptions,
): Promise<{ reference: DriftReference; check: DriftCheck; notes: readonly string[] }> {
  const [{ openStore }, { storeNow }, { createArtifactStore }, { driftReference }, { runDriftCheck }, { driftSettings }] =
    await Promise.all([
      import('../../storage/open-store.ts'),
      import('../../storage/store-clock.ts'),
      import('../../storage/artifact-store.ts'),
      import('../../monitoring/reference.ts'),
      import('../../monitoring/drift-checks/run-drift-check.ts'),
      import('../../monitoring/settings.ts'),
    ]);
  const span = options.window === undefined ? undefined : lengthOf('--window', options.window);
  const season = seasonOf(options, lengthOf, span);
  const settings = { ...settingsOf(options), ...(season === undefined ? {} : { pool: 1 }) };
  const rules = alarmRules(options, lengthOf);
  const store = await openStore();
  // The log is by the clocks of the servers, which write to the same store.
  const now = new Date(await storeNow(store));
  const artifacts = createArtifactStore(store);
  const reference = await driftReference(store, artifacts, model, options.version);
  const base = {
    model,
    version: reference.version,
    ...(options.stream === undefined ? {} : { stream: `by hand: ${options.stream}` }),
    at: now.toISOString(),
    rules,
    pool: driftSettings(settings).pool,
  };
  if (span === undefined) {
    const [{ judgeFile }, { fetchModel }, { createRegistry }] = await Promise.all([
      import('../drift/judge-file.ts'),
      import('../../scoring/scored-model.ts'),
      import('../../registry/registry.ts'),
    ]);
    const path = options.current!;
    const fetched = async (): Promise<ScoredModel> => {
      const manifest = await createRegistry(store, artifacts).version(model, reference.version);
      return fetchModel(await artifacts.open(manifest.model), model, reference.version);
    };
    let notes: readonly string[] = [];
    const check = await runDriftCheck(store, {
      ...base,
      source: path,
      compare: async (before) => {
        const judged = await judgeFile(reference, fetched, path, settings, before);
        notes = judged.notes;
        return judged.compared;
      },
    });
    return { reference, check, notes };
  }
  const { judgeModelDrift, withoutVerdict } = await import('../../monitoring/model-drift.ts');
  const { readPredictions } = await import('../../monitoring/prediction-window.ts');
  const { labelsBetween } = await import('../../monitoring/feedback/label-window.ts');
  const { Unread } = await import('../../storage/unread.ts');
  const unread = new Unread();
  const from = new Date(now.getTime() - span);
  const labels = await labelsBetween(store, model, { from, to: now, unread });
  const seasonal =
    season === undefined
      ? undefined
      : await (
          await import('../../monitoring/seasonal-reference.ts')
        ).seasonalReference(store, reference, { from, to: now }, { season, rowsMin: driftSettings(settings).rowsMin, unread });
  const check = await runDriftCheck(store, {
    ...base,
    source: `predictions of the last ${options.window}${seasonal?.reference === undefined ? '' : `, against ${seasonal.when}`}`,
    window: { from: from.toISOString(), to: now.toISOString() },
    compare: async (before) =>
      withoutVerdict(
        await judgeModelDrift(
          seasonal?.reference ?? reference,
          () => readPredictions(store, model, { from, to: now, unread }),
          settings,
          before,
          labels,
        ),
        seasonal !== undefined && seasonal.reference === undefined ? seasonal.why : undefined,
      ),
  });
  return { reference, check, notes: unread.notes };
}

function lengthOf(option: string, text: string): number {
  if (!isDuration(text))
    throw new PerennialError(
      'USAGE',
      `${option} ${JSON.stringify(text)} is not a duration; expected a number and s, m, h, d or w, e.g. 24h.`,
    );
  return durationMs(text);
}

async function history(io: CliIo, model: string, limit: string): Promise<void> {
  const most = Number(limit);
  if (!Number.isSafeInteger(most) || most < 1)
    throw new PerennialError('USAGE', `--limit ${JSON.stringify(limit)} is not a number above 0.`);
  const [{ openStore }, { createArtifactStore }, { createRegistry }, { listChecks }, { historyTable }] = await Promise.all([
    import('../../storage/open-store.ts'),
    import('../../storage/artifact-store.ts'),
    import('../../registry/registry.ts'),
    import('../../monitoring/drift-checks/drift-check-record.ts'),
    import('../drift/drift-text.ts'),
  ]);
  const store = await openStore();
  const { checks, all, problems } = await listChecks(store, model, most);
  // A model that was deleted may have been checked; a name that nothing has is a slip.
  if (all === 0) await createRegistry(store, createArtifactStore(store)).version(model, 'latest');
  for (const problem of problems) io.note(problem);
  io.result({ model, kept: all, checks, ...(problems.length === 0 ? {} : { problems }) });
  if (all === 0) {
    io.print(`${model} was not checked yet: perennial drift ${model} --window 24h, or "drift" in "on" of its document.`);
    return;
  }
  io.print(historyTable(checks));
  if (most < all) io.print(`\n${most} of ${all}: --limit ${all} shows all of them.`);
}

async function show(io: CliIo, id: string, files: WrittenFiles): Promise<void> {
  const [{ openStore }, { findCheck }, { columnsTable, jointLines, OUTCOMES }] = await Promise.all([
    import('../../storage/open-store.ts'),
    import('../../monitoring/drift-checks/drift-check-record.ts'),
    import('../drift/drift-text.ts'),
  ]);
  const check = await findCheck(await openStore(), id);
  await writeFiles(io, check, files);
  io.result({ ...check, violations: await violationsIn(check) });
  const { result, verdict, at, stream } = check;
  io.print(comparedText(check));
  io.print(`at ${at}${stream === null ? '' : `, of the stream "${stream}"`}\n`);
  io.print(await columnsTable(result));
  for (const line of jointLines(result)) io.print(line);
  await printViolations(io, check);
  io.print(`\n${OUTCOMES[verdict.outcome]}: ${verdict.reason}`);
}
