import { defineCommand, table, type CliIo } from './command.ts';

export default defineCommand({
  register(program, io) {
    program
      .command('datasets [names...]')
      .summary('fetch the larger sample data sets')
      .description(
        'Fetches the data of the sample pipelines that do not travel with the repository: digits, fashion, spam, weather. Without names: all of them.',
      )
      .addHelpText('after', '\nExamples:\n  perennial datasets\n  perennial datasets digits')
      .action((names: string[]) => datasets(names, io));
  },
});

async function datasets(names: readonly string[], io: CliIo): Promise<void> {
  const { fetchSampleDatasets } = await import('../../data/samples/sample-datasets.ts');
  const fetched = await fetchSampleDatasets(names, (line) => io.note(line));
  io.result(fetched);
  io.print(table([['DATA SET', 'ROWS', 'PATH'], ...fetched.map(({ name, rows, path }) => [name, String(rows), path])]));
}
