import { defineCommand, table, type CliIo } from './command.ts';
import type { ComponentStatus } from '../../stack/status.ts';
import type { Attention } from '../../runs/attention.ts';

const SERVICE_AWAY = 4;

export default defineCommand({
  register(program, io) {
    program
      .command('status')
      .summary('show what runs and whether it works')
      .description('Asks every component of the stack whether it works. Exits with 0 where all do, with 4 otherwise.')
      .addHelpText('after', '\nExamples:\n  perennial status\n  perennial status --json')
      .action(() => status(io));
  },
});

async function status(io: CliIo): Promise<void> {
  const { stackStatus } = await import('../../stack/status.ts');
  const { perennialHome } = await import('../../platform/paths.ts');
  const stack = await stackStatus();
  const { attention, trouble } = stack.components.some(({ name, health }) => name === 'temporal' && health === 'healthy')
    ? await lookedAt()
    : { attention: [], trouble: undefined };
  const answer =
    trouble === undefined
      ? stack
      : {
          ...stack,
          healthy: false,
          components: [...stack.components, { name: 'stores', health: 'unhealthy', detail: trouble } satisfies ComponentStatus],
        };
  io.result({ home: perennialHome(), ...answer, attention });
  if (!answer.healthy) io.exit(SERVICE_AWAY);
  if (answer.components.length === 0) {
    io.print(`Nothing is running in ${perennialHome()}. Start it with \`perennial up --detach\`.`);
    return;
  }
  io.print(
    table([
      ['COMPONENT', 'HEALTH', 'PID', 'ADDRESS', 'DETAIL'],
      ...answer.components.map(({ name, health, pid, address, detail }) => [
        name,
        health,
        pid === undefined ? '-' : String(pid),
        address ?? '-',
        detail,
      ]),
    ]),
  );
  const { attentionLines } = await import('../attention-text.ts');
  for (const line of attentionLines(attention)) io.print(line);
  if (answer.store !== undefined) io.print(`\nstore ${answer.store}\nlogs  ${answer.logs ?? ''}`);
}

/** What runs and checks came to, and whether workers of another store have joined. A stack whose components all work can still have a pipeline that does not. */
async function lookedAt(): Promise<{ readonly attention: readonly Attention[]; readonly trouble: string | undefined }> {
  const [{ connectTemporal }, { needsAttention }, { storeTrouble }] = await Promise.all([
    import('../../runs/connect.ts'),
    import('../../runs/attention.ts'),
    import('../../runs/own-stack.ts'),
  ]);
  const temporal = await connectTemporal();
  try {
    return { attention: await needsAttention(temporal), trouble: await storeTrouble(temporal) };
  } finally {
    await temporal.close();
  }
}
