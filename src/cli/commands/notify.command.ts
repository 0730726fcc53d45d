import { PerennialError, isPerennialError, messageOf } from '../../core/errors.ts';
import { NOTIFICATION_EVENTS } from '../../core/notification.ts';
import type { NotificationEvent } from '../../core/notification.ts';
import { defineCommand, table } from './command.ts';
import type { CliIo } from './command.ts';

export default defineCommand({
  register(program, io) {
    program
      .command('notify')
      .summary('try the notifications of a document')
      .description(
        'Sends a trial message to everybody whom "on.notify" of a document names, from this machine, with the secrets of this environment.',
      )
      .argument('<file>', 'the document')
      .option('--event <name>', `of ${NOTIFICATION_EVENTS.join(', ')}; only those who ask for it are told`)
      .addHelpText(
        'after',
        '\nExamples:\n  perennial notify pipelines/penguins.json\n  perennial notify pipelines/penguins.json --event failed',
      )
      .action((file: string, { event }: { readonly event?: string }) => notify(io, file, event));
  },
});

async function notify(io: CliIo, file: string, wanted: string | undefined): Promise<void> {
  if (wanted !== undefined && !NOTIFICATION_EVENTS.includes(wanted as NotificationEvent))
    throw new PerennialError('USAGE', `--event ${JSON.stringify(wanted)} is no event. There is: ${NOTIFICATION_EVENTS.join(', ')}.`);
  const [{ compileOrThrow }, { sendBy }] = await Promise.all([
    import('../../config/plan-document.ts'),
    import('../../notifications/send.ts'),
  ]);
  const plan = await compileOrThrow(file);
  const targets = plan.on.notify ?? [];
  if (targets.length === 0) throw new PerennialError('USAGE', `${file} names nobody who is told: it has no "on.notify".`);
  const now = new Date().toISOString();
  const results = await Promise.all(
    targets.map(async ({ channel, config, events }) => {
      const event = (wanted as NotificationEvent | undefined) ?? events[0]!;
      if (!events.includes(event)) return { channel, event, sent: false, why: 'does not ask for it' };
      const message = {
        id: `trial/${plan.pipeline}/${now}/${event}`,
        event,
        pipeline: plan.pipeline,
        kind: 'run' as const,
        outcome: 'trial',
        summary: `A trial of the notifications of ${plan.pipeline}: nothing happened.`,
        workflow: `${plan.pipeline}/trial`,
        trigger: 'manual',
        model: null,
        version: null,
        at: now,
      };
      try {
        await sendBy(message, channel, config, { signal: new AbortController().signal });
        return { channel, event, sent: true };
      } catch (error) {
        if (!isPerennialError(error)) throw error;
        return { channel, event, sent: false, why: messageOf(error), failed: true };
      }
    }),
  );
  io.result({ pipeline: plan.pipeline, notifications: results });
  io.print(
    table([
      ['CHANNEL', 'EVENT', 'RESULT'],
      ...results.map(({ channel, event, sent, why }) => [channel, event, sent ? 'sent' : `not sent: ${why ?? ''}`]),
    ]),
  );
  if (results.some(({ failed }) => failed === true)) io.exit(1);
}
