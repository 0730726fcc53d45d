import { defineCommand, table, type CliIo } from '../command.ts';

const SERVICE_AWAY = 4;

export default defineCommand({
  register(program, io) {
    program
      .command('doctor')
      .summary('check every component')
      .description('Reports every component: version, where it comes from, what is missing and how to get it. Exits with 0 where all that is needed is there, with 4 otherwise.')
      .addHelpText('after', '\nExamples:\n  perennial doctor\n  perennial doctor --json')
      .action(() => doctor(io));
  },
});

async function doctor(io: CliIo): Promise<void> {
  const { examine } = await import('../doctor.ts');
  const findings = await examine();
  const missing = findings.filter((finding) => finding.needed && finding.verdict === 'missing');
  io.result({ healthy: missing.length === 0, components: findings });
  if (missing.length > 0) io.exit(SERVICE_AWAY);
  const rows = findings.map(({ component, needed, verdict, version, from, detail }) => [
    component, verdict === 'missing' && !needed ? 'not there (optional)' : verdict, version ?? '', [from, detail].filter((text) => text !== undefined).join('; '),
  ]);
  io.print(table([['COMPONENT', 'STATE', 'VERSION', 'WHERE'], ...rows]));
  const advice = findings.filter((finding) => finding.verdict !== 'ok');
  if (advice.length > 0) io.print(`\n${advice.map(({ component, fix }) => `${component}: ${fix ?? ''}`).join('\n')}`);
  io.print(missing.length === 0 ? '\nAll that is needed is there.' : `\nNeeded and missing: ${missing.map((finding) => finding.component).join(', ')}.`);
}
