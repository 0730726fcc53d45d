import { PerennialError } from '../../core/errors.ts';
import { defineCommand, table, type CliIo } from './command.ts';

const SERVICE_AWAY = 4;

export default defineCommand({
  register(program, io) {
    program
      .command('doctor')
      .summary('check every component')
      .description(
        'Reports every component: version, where it comes from, what is missing and how to get it. Exits with 0 where all that is needed is there, with 4 otherwise. With --store: with 0 where nothing is broken, or all of it was mended; with 1 otherwise.',
      )
      .option('--store', 'read the registry of the store instead, and name what of it is broken or half made')
      .option('--repair', 'with --store: mend what can be mended without losing anything')
      .addHelpText(
        'after',
        '\nExamples:\n  perennial doctor\n  perennial doctor --json\n  perennial doctor --store\n  perennial doctor --store --repair',
      )
      .action((options: { store?: boolean; repair?: boolean }) => {
        if (options.repair === true && options.store !== true)
          throw new PerennialError('USAGE', '--repair goes with --store.', { hint: 'perennial doctor --store --repair' });
        return options.store === true ? doctorOfStore(io, options.repair === true) : doctor(io);
      });
  },
});

async function doctor(io: CliIo): Promise<void> {
  const { examine } = await import('../doctor.ts');
  const findings = await examine();
  const missing = findings.filter((finding) => finding.needed && finding.verdict === 'missing');
  io.result({ healthy: missing.length === 0, components: findings });
  if (missing.length > 0) io.exit(SERVICE_AWAY);
  const rows = findings.map(({ component, needed, verdict, version, from, detail }) => [
    component,
    verdict === 'missing' && !needed ? 'not there (optional)' : verdict,
    version ?? '',
    [from, detail].filter((text) => text !== undefined).join('; '),
  ]);
  io.print(table([['COMPONENT', 'STATE', 'VERSION', 'WHERE'], ...rows]));
  const advice = findings.filter((finding) => finding.verdict !== 'ok');
  if (advice.length > 0) io.print(`\n${advice.map(({ component, fix }) => `${component}: ${fix ?? ''}`).join('\n')}`);
  io.print(
    missing.length === 0
      ? '\nAll that is needed is there.'
      : `\nNeeded and missing: ${missing.map((finding) => finding.component).join(', ')}.`,
  );
}

const BROKEN = 1;

async function doctorOfStore(io: CliIo, repair: boolean): Promise<void> {
  const [{ checkStore }, { storedKinds: kinds }] = await Promise.all([
    import('../../registry/check-store.ts'),
    import('../stored-kinds.generated.ts'),
  ]);
  const store = repair
    ? await (await import('../../runs/own-stack.ts')).openOwnStore()
    : await (await import('../../storage/open-store.ts')).openStore();
  const { location, models, versions, findings } = await checkStore(store, { repair, kinds });
  const left = findings.filter(({ repaired }) => !repaired);
  io.result({ healthy: left.length === 0, location, models, versions, findings });
  if (left.length > 0) io.exit(BROKEN);
  for (const { key, problem, fix, repaired } of findings)
    io.print(`${repaired ? 'mended ' : 'broken '} ${key}\n  ${problem}\n  ${repaired ? 'done' : 'fix '}  ${fix}`);
  const mendable = left.filter(({ repairable }) => repairable).length;
  const advice = mendable === 0 ? '' : ` \`perennial doctor --store --repair\` mends ${mendable} of them.`;
  io.print(
    `${location}: ${models} models, ${versions} versions; ${findings.length === 0 ? 'nothing is broken' : `${findings.length} broken or half made, ${findings.length - left.length} mended`}.${advice}`,
  );
}
