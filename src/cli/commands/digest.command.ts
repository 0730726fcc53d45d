import { Option } from 'commander';
import { PAGE_FORMATS, givePage } from '../page-out.ts';
import type { PageOptions } from '../page-out.ts';
import { defineCommand } from './command.ts';
import type { CliIo } from './command.ts';

interface DigestFlags extends PageOptions {
  readonly since: string;
  readonly performance: boolean;
}

export default defineCommand({
  register(program, io) {
    program
      .command('digest')
      .summary('what happened to all models, e.g. in the last week')
      .description(
        'Tells what happened in a stretch of time to every model of the store, and what waits for somebody: as Markdown, or as one HTML file that loads nothing. Run it from a weekly timer and send it where people read.',
      )
      .option('--since <when>', 'a duration such as "7d", or a date', '7d')
      .addOption(new Option('--format <format>', 'what it is written in').choices(PAGE_FORMATS).default('markdown'))
      .option('--out <file>', 'write it there')
      .option('--no-performance', 'read no predictions: how the answers did is left out')
      .addHelpText('after', '\nExamples:\n  perennial digest\n  perennial digest --since 30d --format html --out november.html')
      .action((options: DigestFlags) => digest(io, options));
  },
});

async function digest(io: CliIo, options: DigestFlags): Promise<void> {
  const [{ storeDigest }, { digestMarkdown, renderDigest }, { openRegistry }, { storeNow }, { spanOf }] = await Promise.all([
    import('../../monitoring/timeline/store-digest.ts'),
    import('../../reports/digest.ts'),
    import('../models/options.ts'),
    import('../../storage/store-clock.ts'),
    import('../since.ts'),
  ]);
  const { store, artifacts } = await openRegistry();
  const span = await spanOf(options, () => storeNow(store));
  const found = await storeDigest(store, artifacts, { ...span, performance: options.performance });
  await givePage(io, options, { markdown: () => digestMarkdown(found), html: () => renderDigest(found) }, found);
}
