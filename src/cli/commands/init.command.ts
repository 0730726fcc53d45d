import { defineCommand } from './command.ts';
import type { CliIo } from './command.ts';

export default defineCommand({
  register(program, io) {
    program
      .command('init')
      .summary('start a pipeline')
      .description('Writes a folder with a working pipeline document and a small data set. Existing files are never touched.')
      .argument('<name>', 'name of the pipeline and of its folder')
      .option('--dir <folder>', 'where the folder is made', '.')
      .addHelpText('after', '\nExamples:\n  perennial init churn\n  perennial init churn --dir ~/models')
      .action((name: string, options: { dir: string }) => init(name, options.dir, io));
  },
});

async function init(name: string, dir: string, io: CliIo): Promise<void> {
  const { writeStarter } = await import('../../config/starter.ts');
  const { document, files } = await writeStarter(name, dir);
  io.result({ name, document, files });
  io.print(
    `Wrote ${files.join(' and ')}.\n\nNext:\n  perennial validate ${document}\n  perennial plan ${document}\n  perennial run ${document}`,
  );
}
