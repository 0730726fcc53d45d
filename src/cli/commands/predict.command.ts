import type { PlacedPrediction } from '../../client/server-client.ts';
import type { Prediction, Row } from '../../core/tensor.ts';
import { PerennialError, exitCodeOf, isPerennialError, messageOf } from '../../core/errors.ts';
import type { AllAnswers } from '../../client/predict-all.ts';
import type { ModelDescription, ServerClient } from '../../client/server-client.ts';
import { defineCommand, table } from './command.ts';
import type { CliIo } from './command.ts';

interface Options {
  readonly row?: string;
  readonly rows?: string;
  readonly aside?: string;
  readonly log?: boolean;
  readonly server?: string;
  readonly version?: string;
  readonly prompt?: string;
  readonly maxTokens?: string;
  readonly temperature?: string;
  readonly topK?: string;
  readonly topP?: string;
  readonly seed?: string;
}

export default defineCommand({
  register(program, io) {
    program
      .command('predict')
      .summary('ask the model server for predictions')
      .description('Ask the running model server for predictions.')
      .argument('<model>', 'name of the model, or NAME@ALIAS')
      .option('--row <json>', 'one row of the source data as a JSON object')
      .option(
        '--rows <file>',
        'rows from a .json, .ndjson, .jsonl, .csv or .parquet file; those that cannot be answered are set aside, and the exit code is 2',
      )
      .option('--aside <file>', 'with --rows: write the rows that could not be answered here, as NDJSON with their errors')
      .option('--log', 'count the rows as traffic: they go into the prediction log, which drift is looked for in')
      .option('--prompt <text>', 'for a language model: the text to go on with')
      .option('--max-tokens <number>', 'with --prompt: most tokens to add (default: 50)')
      .option(
        '--temperature <number>',
        'with --prompt: 0 takes the most probable token each time, higher ones draw more freely (default: 1)',
      )
      .option('--top-k <number>', 'with --prompt: draw from so many most probable tokens (default: all)')
      .option('--top-p <number>', 'with --prompt: draw from the most probable tokens that together have this share (default: 1)')
      .option('--seed <number>', 'with --prompt: another seed, another text (default: 0)')
      .option(
        '--server <url>',
        'address of the server (default: that of the stack of this home, or else one that announces itself in the store)',
      )
      .option('--version <number>', 'version to ask (default: the champion)')
      .addHelpText(
        'after',
        `
Rows hold the raw columns of the source data: the fitted preprocessing is part of the model. Columns that the model does not read
are ignored. An image is base64 text, in a file also the path of its file. A model of a time series answers once per full window; rows that are not in the order of time are sorted, as in training.
Rows of this command are no traffic: nothing looks for drift in them, unless --log says so.

Examples:
  perennial predict penguins --row '{"island":"Biscoe","bill_length_mm":46.1,"bill_depth_mm":13.2,"flipper_length_mm":211,"body_mass_g":4500,"sex":"female"}'
  perennial predict penguins --rows pipelines/data/penguins.csv --json
  perennial predict penguins --rows new.csv --aside refused.ndjson
  perennial predict mails --prompt "Dear friend" --max-tokens 30 --temperature 0.7 --seed 3
  perennial predict penguins@challenger --rows new.ndjson --server http://localhost:9000`,
      )
      .action(async (model: string, options: Options) => {
        const { ServerClient } = await import('../../client/server-client.ts');
        const client = new ServerClient(await serverUrl(io, options.server));
        const version = versionOf(options.version);
        const columns = async (): Promise<Columns> => client.describe(model, version);
        if (options.aside !== undefined && options.rows === undefined) throw new PerennialError('USAGE', '--aside goes with --rows FILE.');
        const logged = options.log === true;
        if (options.rows !== undefined && options.row === undefined && options.prompt === undefined)
          return predictFile(io, client, model, { ...options, rows: options.rows, logged }, await client.describe(model, version));
        const row = options.prompt === undefined ? rowOf(options) : promptRow(options, options.prompt, (await columns()).columns, model);
        const answer = await client.predict(model, [row], version, { logged });
        io.result(answer);
        const [first] = answer.predictions;
        if (options.prompt !== undefined && first !== undefined && 'finish' in first) {
          io.print(first.text);
          io.note(
            `${answer.model} version ${answer.version}: ${first.tokens} tokens, ${first.finish === 'end' ? 'the text is at its end' : 'as many as were asked for'}`,
          );
          return;
        }
        io.print(table(linesOf(answer.predictions)));
        io.note(`${answer.model} version ${answer.version}`);
      });
  },
});

interface FileOptions {
  readonly rows: string;
  readonly aside?: string;
  readonly logged: boolean;
}

/** Rows that are named one by one; further ones are counted. */
const REFUSED_SHOWN = 10;

async function predictFile(
  io: CliIo,
  client: ServerClient,
  model: string,
  { rows: path, aside, logged, ...options }: FileOptions,
  description: ModelDescription,
): Promise<void> {
  refuseGeneration(options);
  const [{ readEveryRow }, { predictAll }, { sortedText }] = await Promise.all([
    import('../../serving/rows-file.ts'),
    import('../../client/predict-all.ts'),
    import('../../data/preprocess/series.ts'),
  ]);
  if (aside !== undefined) {
    const { requireApart } = await import('../../platform/same-file.ts');
    await requireApart([{ named: `--aside ${aside}`, path: aside }], [{ named: `--rows ${path}`, path }]);
  }
  const { rows, malformed } = await readEveryRow(path, description);
  if (rows.length === 0 && malformed !== undefined) throw malformed;
  const { ended, ...answers } = await predictAll(client, model, rows, { description, logged });
  const whole = answers.refused.length === 0 && ended === undefined;
  if (aside !== undefined) {
    const { writeOut } = await import('../write-out.ts');
    const { writeJson } = await import('../../data/reading/json-numbers.ts');
    await writeOut(
      aside,
      answers.refused
        .map(({ row, error }) => `${writeJson({ row, error, values: isPerennialError(rows[row]) ? null : rows[row] })}\n`)
        .join(''),
    );
  }
  const unanswered = rows.length - answers.refused.length - answers.predictions.length;
  const error = ended === undefined ? undefined : { code: ended.code, message: ended.message, hint: ended.hint };
  io.result({
    ...answers,
    ...(malformed === undefined ? {} : { malformed: malformed.message }),
    ...(error === undefined ? {} : { error }),
    predictions:
      whole && description.windowSize === 1 ? answers.predictions.map(({ row: _place, ...prediction }) => prediction) : answers.predictions,
  });
  io.print(table(linesOf(answers.predictions)));
  io.note(`${answers.model} version ${answers.version}`);
  if (answers.sorted !== undefined) io.note(sortedText(path, answers.sorted));
  tellRefused(io, path, answers, aside);
  if (malformed !== undefined) io.note(malformed.message);
  if (answers.refused.length > 0 || malformed !== undefined) io.exit(exitCodeOf('DATA_INVALID'));
  if (ended === undefined) return;
  io.note(
    `error ${ended.code}: ${ended.message}\n  ${answers.predictions.length} rows of ${path} were answered and are kept; ${unanswered} were not.\n  fix: ${ended.hint}`,
  );
  io.exit(exitCodeOf(ended.code));
}

function tellRefused(io: CliIo, path: string, { refused }: Pick<AllAnswers, 'refused'>, aside: string | undefined): void {
  if (refused.length === 0) return;
  for (const { row, error } of refused.slice(0, REFUSED_SHOWN)) io.note(`${path}: row ${row} was set aside: ${error}`);
  const more = refused.length - REFUSED_SHOWN;
  io.note(
    `${refused.length} ${refused.length === 1 ? 'row was' : 'rows were'} set aside${more > 0 ? `, ${more} more than are named here` : ''} (the first row is 0)${aside === undefined ? '; --aside FILE keeps them, --json names all' : ` and written to ${aside}`}.`,
  );
}

type Columns = Parameters<typeof import('../../serving/rows-file.ts').readRowsFile>[1];

/** Option → column of a request to a language model. */
const GENERATION = { maxTokens: '--max-tokens', temperature: '--temperature', topK: '--top-k', topP: '--top-p', seed: '--seed' } as const;

function given(options: Options): (keyof typeof GENERATION)[] {
  return (Object.keys(GENERATION) as (keyof typeof GENERATION)[]).filter((key) => options[key] !== undefined);
}

/** @throws USAGE where the model is no language model */
function promptRow(options: Options, prompt: string, columns: Columns['columns'], model: string): Row {
  if (options.row !== undefined || options.rows !== undefined)
    throw new PerennialError('USAGE', 'Give --prompt without --row and --rows.', {
      hint: `Settings may be columns of a row too: --row '{"text": "…", "temperature": 0.7}'`,
    });
  const names = Object.keys(columns);
  const text = names.find((name) => !(name in GENERATION));
  if (text === undefined || !Object.keys(GENERATION).every((name) => names.includes(name)))
    throw new PerennialError('USAGE', `--prompt is for language models, and "${model}" takes ${names.join(', ')}.`, {
      hint: 'Give --row JSON or --rows FILE.',
    });
  const numbers = given(options).map((key) => {
    const value = Number(options[key]);
    if (options[key]!.trim() === '' || !Number.isFinite(value))
      throw new PerennialError('USAGE', `${GENERATION[key]} ${JSON.stringify(options[key])} is not a number.`);
    return [key, value] as const;
  });
  return { [text]: prompt, ...Object.fromEntries(numbers) };
}

function refuseGeneration(options: Options): void {
  const [lost] = given(options);
  if (lost !== undefined)
    throw new PerennialError('USAGE', `${GENERATION[lost]} is for --prompt.`, { hint: 'With --row and --rows it is a column of the row.' });
}

function rowOf(options: Options): Row {
  refuseGeneration(options);
  if ((options.row === undefined) === (options.rows === undefined))
    throw new PerennialError('USAGE', 'Give --row JSON, --rows FILE or, for a language model, --prompt TEXT.', {
      hint: 'See `perennial predict --help`.',
    });
  let row: unknown;
  try {
    row = JSON.parse(options.row!);
  } catch (error) {
    throw new PerennialError('USAGE', `--row is not JSON: ${messageOf(error)}.`, {
      hint: `Quote it for the shell: --row '{"column": 1}'`,
      cause: error,
    });
  }
  if (typeof row !== 'object' || row === null || Array.isArray(row))
    throw new PerennialError('USAGE', '--row is not an object of column names and values.', { hint: 'For several rows use --rows FILE.' });
  return row as Row;
}

function versionOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new PerennialError('USAGE', `--version ${JSON.stringify(text)} is not a version; versions are 1, 2, 3, …`);
  return Number(text);
}

async function serverUrl(io: CliIo, given: string | undefined): Promise<string> {
  if (given !== undefined) {
    if (!/^https?:\/\//.test(given))
      throw new PerennialError('USAGE', `--server ${JSON.stringify(given)} is not an address; expected http://HOST:PORT.`);
    return given;
  }
  const { findServer } = await import('../find-server.ts');
  const { url, told } = await findServer();
  if (told !== undefined) io.note(told);
  return url;
}

/** Labels with the probability of the answer, or numbers; of several series also which one, and the row that ends the window. */
function linesOf(predictions: readonly PlacedPrediction[]): string[][] {
  const [first] = predictions;
  const series = Object.keys(first?.series ?? {});
  return [
    ['ROW', ...series.map((name) => name.toUpperCase()), ...(first === undefined ? [] : cellsOf(answerOf(first)).map(([name]) => name))],
    ...predictions.map((prediction, index) => [
      String(prediction.row ?? index),
      ...series.map((name) => String(prediction.series![name])),
      ...cellsOf(answerOf(prediction)).map(([, text]) => text),
    ]),
  ];
}

/** Without its place. */
function answerOf({ row: _row, series: _series, ...answer }: PlacedPrediction): Prediction {
  return answer;
}

/** Column names and texts of one answer. */
function cellsOf(prediction: Prediction): [name: string, text: string][] {
  if ('label' in prediction)
    return [
      ['LABEL', prediction.label],
      ['PROBABILITY', (prediction.probabilities[prediction.label] ?? 0).toFixed(4)],
    ];
  if ('outputs' in prediction)
    return Object.entries(prediction.outputs).flatMap(([label, one]) =>
      cellsOf(one).map(([name, text]): [string, string] => [`${label} ${name}`.toUpperCase(), text]),
    );
  if ('value' in prediction)
    return [['VALUE', typeof prediction.value === 'number' ? number(prediction.value) : prediction.value.map(number).join(' ')]];
  if ('image' in prediction) return [['IMAGE', `PNG of ${Buffer.from(prediction.image, 'base64').length} bytes: --json gives it`]];
  return Object.entries(prediction).map(([name, value]) => [name.toUpperCase(), typeof value === 'number' ? number(value) : String(value)]);
}

function number(value: number): string {
  return Number(value.toPrecision(6)).toString();
}
