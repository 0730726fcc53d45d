import { plural } from '../../core/plural.ts';
import { PerennialError } from '../../core/errors.ts';
import type { ScoreFormat, ScoreResult } from '../../scoring/score-task.ts';
import { defineCommand, table } from './command.ts';
import type { CliIo } from './command.ts';

interface Options {
  readonly rows: string;
  readonly out: string;
  readonly aside?: string;
  readonly keep?: string[];
  readonly format?: string;
  readonly prefix?: string;
  readonly budget?: string;
  readonly processes?: string;
  readonly partRows?: string;
  readonly version?: string;
}

const ENDINGS: Readonly<Record<string, ScoreFormat>> = { '.parquet': 'parquet', '.csv': 'csv', '.ndjson': 'ndjson', '.jsonl': 'ndjson' };

export default defineCommand({
  register(program, io) {
    program
      .command('score')
      .summary('answer a file of any size without a server')
      .description('Answer a file of any size with a registered model: without a server, in bounded memory, on several cores, resumable.')
      .argument('<model>', 'name of the model, or NAME@ALIAS')
      .requiredOption(
        '--rows <file>',
        'rows from a .csv, .parquet, .ndjson, .jsonl or .json file, from several by a pattern ("day-*.csv"), or a folder of images',
      )
      .requiredOption('--out <file>', 'where the answers are written: .parquet, .csv, .ndjson or .jsonl; the file appears when it is whole')
      .option('--keep <column...>', 'columns of the rows that stand beside the answers; "*" keeps all')
      .option('--aside <file>', 'where rows that cannot be answered are written with their errors, as NDJSON (default: OUT.aside.ndjson)')
      .option('--budget <share>', 'share of the rows that may be set aside before nothing is written at all (default: 0.05)')
      .option('--prefix <text>', 'in front of the names of the answers, where they are called as columns that are kept')
      .option('--format <name>', 'parquet, csv or ndjson, where the ending of the file does not say it')
      .option('--processes <number>', 'processes that answer at once (default: one per core, as far as the rows are worth it)')
      .option('--part-rows <number>', 'rows of one part, which is what a kill costs at most for each process (default: 65536)')
      .option('--version <number>', 'version to ask (default: the champion)')
      .addHelpText(
        'after',
        `
Unlike \`predict --rows\`, which sends rows to a running server and holds their answers in memory, this reads the model from the store
and works through the file in parts. Ended in the middle (also by kill -9), the same command goes on where it was, and writes the same
bytes; where the file, the model or an option has changed, it says so and begins anew. Answers are those of the server, and no traffic.
Each answer has the number of its row (from 0) in the file. A model of a time series answers once per full window, at its last row.

Examples:
  perennial score penguins --rows pipelines/data/penguins.csv --out answers.parquet
  perennial score penguins@challenger --rows 'night-*.parquet' --out night.csv --keep customer order --budget 0.001
  perennial score digits --rows photos/ --out photos.ndjson`,
      )
      .action(async (model: string, options: Options) => {
        const out = options.out;
        const format = formatOf(options);
        const [{ resolveScored }, { score }, { asideBeside, deliver, workBeside }, { SCORE_BUDGET, PART_ROWS }, { rm }] = await Promise.all(
          [
            import('../score/resolve-scored.ts'),
            import('../../scoring/score.ts'),
            import('../../scoring/deliver.ts'),
            import('../../scoring/score-task.ts'),
            import('node:fs/promises'),
          ],
        );
        const budget = shareOf(options.budget) ?? SCORE_BUDGET;
        const processes = countOf('--processes', options.processes);
        const partRows = countOf('--part-rows', options.partRows) ?? PART_ROWS;
        const scored = await resolveScored(model, countOf('--version', options.version));
        const work = workBeside(out);
        const progress = progressLine(io);
        const files = await score(
          {
            source: { path: options.rows },
            folder: process.cwd(),
            model: scored,
            keep: options.keep === undefined ? [] : options.keep.includes('*') ? 'all' : options.keep,
            format,
            prefix: options.prefix ?? '',
            budget,
            partRows,
            ...(processes === undefined ? {} : { processes }),
          },
          {
            folder: work,
            outputs: [
              { named: `--out ${out}`, path: out },
              options.aside === undefined
                ? { named: asideBeside(out), path: asideBeside(out) }
                : { named: `--aside ${options.aside}`, path: options.aside },
            ],
          },
          { onProgress: progress.tell, onNote: (text) => io.note(text) },
        ).finally(progress.end);
        const result = await deliver(files, out, options.aside);
        await rm(work, { recursive: true, force: true });
        tell(io, options.rows, result);
      });
  },
});

function tell(io: CliIo, source: string, result: ScoreResult): void {
  io.result(result);
  const { model, version, rows, answered, aside, unanswered, output, seconds, rowsPerSecond, resumedParts, parts } = result;
  const number = (value: number): string => value.toLocaleString('en-US');
  io.print(
    table([
      ['model', `${model} version ${version}`],
      ['rows', `${number(rows)} of ${source}`],
      ['answered', number(answered)],
      ...(unanswered === 0 ? [] : [['no full window', number(unanswered)]]),
      ['set aside', `${number(aside)}${result.asidePath === undefined ? '' : `, in ${result.asidePath}`}`],
      [
        'time',
        `${seconds} s, ${number(rowsPerSecond)} rows a second${resumedParts === 0 ? '' : `, ${resumedParts} of ${parts} parts from an earlier try`}`,
      ],
      ['source', `sha256 ${result.sourceDigest}`],
      ['answers', `${output.path}, ${number(output.size)} bytes, sha256 ${output.digest}`],
    ]),
  );
  for (const { reason, rows: count } of result.reasons) io.note(`${plural(count, 'row')} set aside: ${reason}`);
  for (const note of result.notes) io.note(note);
}

/** One line that is drawn again, on a terminal. */
function progressLine(io: CliIo): { tell: (update: { message: string; samplesPerSecond?: number }) => void; end: () => void } {
  if (!io.interactive) return { tell: () => undefined, end: () => undefined };
  let last = 0;
  return {
    tell({ message, samplesPerSecond }) {
      if (performance.now() - last < 100) return;
      last = performance.now();
      process.stderr.write(
        `\r\u001b[K${message}${samplesPerSecond === undefined ? '' : `, ${samplesPerSecond.toLocaleString('en-US')} a second`}`,
      );
    },
    end() {
      process.stderr.write('\r\u001b[K');
    },
  };
}

/** @throws USAGE */
function formatOf({ out, format }: Options): ScoreFormat {
  const formats = [...new Set(Object.values(ENDINGS))];
  if (format !== undefined) {
    const found = formats.find((one) => one === format);
    if (found === undefined) throw new PerennialError('USAGE', `--format ${JSON.stringify(format)} is none of ${formats.join(', ')}.`);
    return found;
  }
  const ending = Object.keys(ENDINGS).find((one) => out.toLowerCase().endsWith(one));
  if (ending === undefined)
    throw new PerennialError('USAGE', `The ending of "${out}" does not say in which format the answers are written.`, {
      hint: `End it in ${Object.keys(ENDINGS).join(', ')}, or give --format.`,
    });
  return ENDINGS[ending]!;
}

/** @throws USAGE */
function shareOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1))
    throw new PerennialError('USAGE', `--budget ${JSON.stringify(text)} is no share; give a number from 0 to 1, e.g. 0.01.`);
  return value;
}

/** @throws USAGE */
function countOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new PerennialError('USAGE', `${option} ${JSON.stringify(text)} is no number from 1 on.`);
  return Number(text);
}
