import { PerennialError } from '../../core/errors.ts';
import type { Feedback } from '../../monitoring/feedback/feedback-record.ts';
import type { RealizedReport } from '../../monitoring/feedback/realized.ts';
import { defineCommand, table } from './command.ts';
import type { CliIo } from './command.ts';

interface ImportOptions {
  readonly model: string;
  readonly id?: string;
  readonly key?: string;
  readonly label?: string;
  readonly flag?: string;
}

interface ShowOptions {
  readonly since: string;
  readonly by?: string;
  readonly version?: string;
}

export default defineCommand({
  register(program, io) {
    const group = program
      .command('feedback')
      .summary('what became of predictions, and how a model did')
      .description('Tell what became of predictions, and see how a model did.')
      .addHelpText(
        'after',
        `
A running server takes feedback as well: POST /models/NAME/feedback with {"id": "…", "label": "…"} or {"id": "…", "flag": true}.
The id is that of the answer ("id" in the body, x-request-id among the headers), of one row among several ID/ROW. What came last holds.

Examples:
  perennial feedback import labels.csv --model penguins --id request_id --label species
  perennial feedback import orders.parquet --model fraud --key order_id --label was_fraud
  perennial feedback show penguins --since 7d --by 1d`,
      );
    group
      .command('import')
      .summary('labels that came later, from a table')
      .description('Labels that came later, from a table.')
      .argument('<file>', '.csv, .tsv, .json, .ndjson, .jsonl or .parquet')
      .requiredOption('--model <name>', 'the model whose predictions they belong to')
      .option('--id <column>', 'column with the ids of the requests')
      .option('--key <columns>', 'in place of --id: columns of the rows that were sent, divided by commas')
      .option('--label <column>', 'column with the true label')
      .option('--flag <column>', 'column that says whether the answer was wrong (true or false)')
      .addHelpText('after', '\nExamples:\n  perennial feedback import labels.csv --model penguins --id request_id --label species')
      .action((file: string, options: ImportOptions) => importFile(io, file, options));
    group
      .command('show')
      .summary('metrics of the answers that were given')
      .description(
        'Metrics of the answers that were given, by version, with 95 % intervals, from the labels that are known; and what to expect without.',
      )
      .argument('<model>')
      .option('--since <duration>', 'predictions of the last e.g. 7d', '30d')
      .option('--by <duration>', 'in periods of e.g. 1d')
      .option('--version <number>', 'only this version')
      .addHelpText('after', '\nExamples:\n  perennial feedback show penguins\n  perennial feedback show penguins --since 7d --by 1d --json')
      .action((model: string, options: ShowOptions) => show(io, model, options));
  },
});

async function importFile(io: CliIo, file: string, options: ImportOptions): Promise<void> {
  const keys = options.key?.split(',').map((name) => name.trim());
  if ((options.id === undefined) === (keys === undefined)) throw new PerennialError('USAGE', 'Give either --id COLUMN or --key COLUMNS.');
  if (options.label === undefined && options.flag === undefined)
    throw new PerennialError('USAGE', 'Give --label COLUMN, --flag COLUMN, or both.');
  const [{ readRowsFile }, { openStore }, { createArtifactStore }, { createRegistry }, { FeedbackWriter }, { readFeedback }] =
    await Promise.all([
      import('../../serving/rows-file.ts'),
      import('../../storage/open-store.ts'),
      import('../../storage/artifact-store.ts'),
      import('../../registry/registry.ts'),
      import('../../monitoring/feedback/feedback-writer.ts'),
      import('../../monitoring/feedback/feedback-record.ts'),
    ]);
  const store = await openStore();
  // A name that no model has would keep what nobody finds again.
  await createRegistry(store, createArtifactStore(store)).version(options.model, 'latest');
  const wanted = [options.id, ...(keys ?? []), options.label, options.flag].filter((name) => name !== undefined);
  const rows = await readRowsFile(file, { columns: Object.fromEntries(wanted.map((name) => [name, 'string'])) });
  const absent = wanted.filter((name) => rows.every((row) => !Object.hasOwn(row, name)));
  if (absent.length > 0)
    throw new PerennialError('COLUMN_MISSING', `${file} has no column ${absent.map((name) => JSON.stringify(name)).join(', ')}.`);
  const items: Feedback[] = [];
  let unknown = 0;
  rows.forEach((row, place) => {
    const [label, flag] = [valueIn(row, options.label), flagIn(row, options.flag, place)];
    if (label === undefined && flag === undefined) {
      unknown += 1;
      return;
    }
    items.push(
      readFeedback(
        {
          ...(options.id === undefined ? {} : { id: String(row[options.id] ?? '') }),
          ...(keys === undefined ? {} : { key: Object.fromEntries(keys.map((name) => [name, row[name]])) }),
          ...(label === undefined ? {} : { label }),
          ...(flag === undefined ? {} : { flag }),
        },
        place,
      ),
    );
  });
  await new FeedbackWriter(store).write(options.model, items);
  io.result({ model: options.model, kept: items.length, unknown });
  io.print(`${items.length} kept for ${options.model}${unknown === 0 ? '' : `; ${unknown} rows say nothing yet`}.`);
  io.print(`See how it did: perennial feedback show ${options.model}`);
}

function valueIn(row: Readonly<Record<string, unknown>>, column: string | undefined): unknown {
  const value = column === undefined ? undefined : row[column];
  return value === null || value === '' ? undefined : value;
}

function flagIn(row: Readonly<Record<string, unknown>>, column: string | undefined, place: number): boolean | undefined {
  const value = valueIn(row, column);
  if (value === undefined) return undefined;
  const read = { true: true, '1': true, yes: true, false: false, '0': false, no: false }[String(value).toLowerCase()];
  if (read === undefined)
    throw new PerennialError(
      'DATA_INVALID',
      `row ${place}, column ${JSON.stringify(column)}: ${JSON.stringify(String(value))} is neither true nor false.`,
    );
  return read;
}

async function show(io: CliIo, model: string, options: ShowOptions): Promise<void> {
  const [{ durationMs }, { openStore }, { createArtifactStore }, { createRegistry }, { realizedPerformance }] = await Promise.all([
    import('../../core/duration.ts'),
    import('../../storage/open-store.ts'),
    import('../../storage/artifact-store.ts'),
    import('../../registry/registry.ts'),
    import('../../monitoring/feedback/realized.ts'),
  ]);
  const store = await openStore();
  const artifacts = createArtifactStore(store);
  await createRegistry(store, artifacts).version(model, 'latest');
  const version = options.version === undefined ? undefined : Number(options.version);
  if (version !== undefined && !Number.isSafeInteger(version))
    throw new PerennialError('USAGE', `--version ${JSON.stringify(options.version)} is no number of a version.`);
  const lengthOf = (option: string, text: string): number => {
    const length = /^\d+(?:\.\d+)?[smhd]$/.test(text) ? durationMs(text) : 0;
    if (!(length > 0)) throw new PerennialError('USAGE', `${option} ${JSON.stringify(text)} is not a duration; expected e.g. 24h or 7d.`);
    return length;
  };
  const to = new Date();
  const report = await realizedPerformance(store, artifacts, model, {
    from: new Date(to.getTime() - lengthOf('--since', options.since)),
    to,
    ...(options.by === undefined ? {} : { byMs: lengthOf('--by', options.by) }),
    ...(version === undefined ? {} : { version }),
  });
  io.result(report);
  io.print(textOf(report, options.by !== undefined));
}

function textOf({ model, periods, unmatched, notes: unread }: RealizedReport, byPeriod: boolean): string {
  const leftOut = unread.map((note) => `note: ${note}`);
  if (periods.length === 0)
    return [
      `No prediction of ${model} was logged in this time${unmatched === 0 ? '' : `; ${unmatched} items of feedback belong to others`}.`,
      ...leftOut,
    ].join('\n');
  const isEstimated = periods.some(({ estimated }) => estimated !== undefined);
  const learntFrom = Math.max(0, ...periods.map(({ estimatedErrors }) => estimatedErrors?.learntFrom ?? 0));
  const errors = learntFrom === 0 ? [] : (['meanAbsoluteError', 'rootMeanSquaredError'] as const);
  const names = [...new Set(periods.flatMap(({ metrics }) => Object.keys(metrics)))];
  const rows = periods.map(
    ({ version, from, predictions, labelled, flagged, confirmed, metrics, intervals, estimated, estimatedErrors }) => [
      ...(byPeriod ? [from.slice(0, 16).replace('T', ' ')] : []),
      String(version),
      String(predictions),
      String(labelled),
      flagged + confirmed === 0 ? '-' : `${flagged} of ${flagged + confirmed}`,
      ...names.map((name) => (metrics[name] === undefined ? '-' : withInterval(metrics[name], intervals[name]))),
      ...(isEstimated ? [estimated === undefined ? '-' : withInterval(estimated.accuracy, estimated)] : []),
      ...errors.map((name) => {
        const one = estimatedErrors?.metrics[name];
        return one === undefined ? '-' : withInterval(one.value, one);
      }),
    ],
  );
  const head = [
    ...(byPeriod ? ['FROM'] : []),
    'VERSION',
    'PREDICTIONS',
    'LABELS',
    'WRONG',
    ...names.map((name) => name.toUpperCase()),
    ...(isEstimated ? ['ACCURACY, ESTIMATED'] : []),
    ...errors.map((name) => `${name.toUpperCase()}, ESTIMATED`),
  ];
  const notes = [...new Set(periods.flatMap((period) => period.notes.map((note) => `version ${period.version}: ${note}`)))];
  return [
    table([head, ...rows]),
    ...(isEstimated ? [calibrationText(periods)] : []),
    ...(errors.length === 0 ? [] : [errorsText(periods, learntFrom)]),
    ...notes.map((note) => `note: ${note}`),
    ...(unmatched === 0 ? [] : [`note: ${unmatched} items of feedback belong to no prediction that was logged in this time`]),
    ...leftOut,
  ].join('\n');
}

function withInterval(value: number, interval: { readonly low: number; readonly high: number } | undefined): string {
  const show = (one: number): string => String(Number(one.toPrecision(4)));
  return interval === undefined ? show(value) : `${show(value)} (${show(interval.low)} to ${show(interval.high)})`;
}

function errorsText(periods: RealizedReport['periods'], learntFrom: number): string {
  const missing = periods.reduce((sum, { estimatedErrors }) => sum + (estimatedErrors?.withoutRow ?? 0), 0);
  const left = missing === 0 ? '' : ` ${missing} answers are left out of it, as their rows are not logged as a whole.`;
  return `note: the estimated errors need no labels: they are what the errors on ${learntFrom} test rows say of such rows. They do not see that the same data came to mean something else.${left}`;
}

function calibrationText(periods: RealizedReport['periods']): string {
  const most = Math.max(...periods.map(({ estimated }) => estimated?.calibratedOn ?? 0));
  const by = most > 0 ? `corrected by ${most} labels` : 'taken as they are, with too few labels to correct them';
  return `note: the estimate needs no labels: it is what the model's own probabilities say (${by}). It does not see that the same data came to mean something else.`;
}
