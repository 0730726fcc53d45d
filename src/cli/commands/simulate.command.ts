import { PARAM_OPTION } from '../repeated.ts';
import { InvalidArgumentError } from 'commander';
import { PerennialError, messageOf } from '../../core/errors.ts';
import { scenarios } from '../../simulation/scenarios/index.generated.ts';
import { defineCommand } from './command.ts';

interface Options {
  readonly days: number;
  readonly scenario?: string;
  readonly table?: string;
  readonly time?: string;
  readonly seed: number;
  readonly rows: number;
  readonly history: number;
  readonly labelDelay: number;
  readonly report?: string;
  readonly maxRetrainings?: number;
  readonly maxLoss?: number;
  readonly param: readonly string[];
}

/** As of gates: what was asked for was not kept. */
const BEYOND = 3;
const INTERRUPTED = 130;

export default defineCommand({
  register(program, io) {
    program
      .command('simulate')
      .summary('play a document against a year of data in minutes')
      .description(
        'Play a document against a stream, a year in minutes: what would it retrain, promote, refuse and roll back, and how good would it be?',
      )
      .argument('<file>', 'the JSON document')
      .option('--scenario <name>', 'how a generated stream changes: see below (default: "year")')
      .option('--table <file>', 'play a table (CSV, Parquet, JSON, NDJSON) with the columns of the document in place of a generated stream')
      .option('--time <column>', 'with --table: the column that tells the time of a row')
      .option('--days <n>', 'days to play; of a table at most', wholeNumber(1, 3_650), 365)
      .option('--rows <n>', 'rows a day of a generated stream', wholeNumber(10, 100_000), 200)
      .option('--history <n>', 'days before the first one whose rows are known at the start', wholeNumber(1, 3_650), 30)
      .option('--label-delay <n>', 'days until the labels of a day are known', wholeNumber(0, 365), 1)
      .option('--seed <n>', 'another seed, another stream', wholeNumber(0, 1_000_000_000), 1)
      .option('--report <file>', 'write the days as one HTML page')
      .option('--max-loss <points>', 'exit with 3 where the accuracy is more points of a hundred behind the oracle', number)
      .option('--max-retrainings <n>', 'exit with 3 where more runs train after the first one', wholeNumber(0, 100_000))
      .option(...PARAM_OPTION)
      .addHelpText('after', HELP)
      .action(async (file: string, options: Options) => {
        const [{ simulate }, { parseParameterOptions }, { renderSimulation, summaryOf, boundValue }] = await Promise.all([
          import('../../simulation/simulate.ts'),
          import('../../config/parameters.ts'),
          import('../../reports/simulation-report.ts'),
        ]);
        if (options.report !== undefined)
          await requireWritable(options.report, [file, ...(options.table === undefined ? [] : [options.table])]);
        const stop = new AbortController();
        const interrupt = (): void => {
          io.note('ending the simulation');
          stop.abort();
        };
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt);
        try {
          const simulation = await simulate(file, {
            params: parseParameterOptions(options.param),
            stream: streamOf(options),
            days: options.days,
            seed: options.seed,
            rowsPerDay: options.rows,
            history: options.history,
            labelDelayDays: options.labelDelay,
            maxLoss: options.maxLoss,
            maxRetrainings: options.maxRetrainings,
            signal: stop.signal,
            tell: (line) => io.note(line),
            progress: () => undefined,
          });
          if (options.report !== undefined) {
            const { writeOut } = await import('../write-out.ts');
            await writeOut(options.report, await renderSimulation(simulation));
          }
          io.result(simulation);
          io.print(summaryOf(simulation));
          for (const { asked, kept, name, value } of simulation.bounds)
            io.print(`${kept ? '✔' : '✘'} ${asked}: ${boundValue(name, value)}`);
          for (const note of simulation.notes) io.note(note);
          if (options.report !== undefined) io.print(`Report: ${options.report}`);
          if (simulation.bounds.some(({ kept }) => !kept)) io.exit(BEYOND);
        } catch (error) {
          if (!stop.signal.aborted) throw error;
          // Calls that are under way would end with a stack trace of somebody else's.
          process.exit(INTERRUPTED);
        } finally {
          for (const signal of ['SIGINT', 'SIGTERM'] as const) process.removeListener(signal, interrupt);
        }
      });
  },
});

/** Asked before a year is played, not after. @throws USAGE */
async function requireWritable(report: string, inputs: readonly string[]): Promise<void> {
  const { requireApart } = await import('../../platform/same-file.ts');
  await requireApart(
    [{ named: `--report ${report}`, path: report }],
    inputs.map((path) => ({ named: path, path })),
  );
  const [{ access, constants, stat }, { dirname }] = await Promise.all([import('node:fs/promises'), import('node:path')]);
  try {
    const isThere = await stat(report).then(
      (found) => {
        if (found.isDirectory()) throw new Error('it is a folder');
        return true;
      },
      () => false,
    );
    await access(isThere ? report : dirname(report), constants.W_OK);
  } catch (error) {
    throw new PerennialError('USAGE', `The report cannot be written to ${report}: ${messageOf(error)}.`, {
      hint: 'Name a file in a folder that is there and that you can write to.',
      cause: error,
    });
  }
}

/** @throws USAGE where it is not said which */
function streamOf({ scenario, table, time }: Options): { readonly scenario: string } | { readonly table: string; readonly time: string } {
  if (table !== undefined && scenario !== undefined)
    throw new PerennialError('USAGE', '--table and --scenario are two streams.', { hint: 'Give one of both.' });
  if ((table === undefined) !== (time === undefined))
    throw new PerennialError('USAGE', table === undefined ? '--time goes with --table.' : '--table needs --time.', {
      hint: 'Give the table and the column that tells the time of its rows: --table FILE --time COLUMN.',
    });
  return table === undefined ? { scenario: scenario ?? 'year' } : { table, time: time! };
}

const HELP = `
The rows are drawn from the document's own table, and the scenario has its way with them. Temporal's time-skipping test server, a store,
a worker and a model server of their own live by a simulated clock; the document's runs, checks and triggers are played by the same
workflows as ever, and nothing of your own stack or store is touched. The first time, 27 MB are fetched for the test server.

Scenarios (columns of numbers by how well they tell the label, the best one first):
${scenarios.map(({ name, summary }) => `  ${name.padEnd(16)}${summary}`).join('\n')}

The oracle goes on learning every day from all that the document would take by then, and waits for no trigger, gate or promotion.

Examples:
  perennial simulate pipelines/penguins.json --scenario sudden --days 30
  perennial simulate pipelines/penguins.json --report year.html --max-loss 2 --max-retrainings 29
  perennial simulate pipelines/penguins.json --table last-year.csv --time at --label-delay 3

Exit codes: 0 done, 2 bad input, 3 beyond a bound, or there was never a champion, 130 interrupted.`;

/** @throws InvalidArgumentError */
function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isSafeInteger(value) || value < least || value > most)
      throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}.`);
    return value;
  };
}

/** @throws InvalidArgumentError */
function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('expected a number.');
  return value;
}
