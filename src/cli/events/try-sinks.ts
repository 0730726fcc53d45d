import type { Change } from '../../core/change.ts';
import { PerennialError, isPerennialError, messageOf } from '../../core/errors.ts';
import { table } from '../commands/command.ts';
import type { CliIo } from '../commands/command.ts';

/** Time of one attempt, in milliseconds. */
const ATTEMPT_MS = 30_000;

/** Sends a trial event to every sink that a document declares, from this machine and past the outbox. */
export async function trySinks(io: CliIo, file: string): Promise<void> {
  const [{ compileOrThrow }, { asSent }, { envelopeRegistry }, { sinkRegistry }, { resolveSecrets }, { randomUUID }] = await Promise.all([
    import('../../config/plan-document.ts'),
    import('../../events/deliver.ts'),
    import('../../events/envelopes/index.generated.ts'),
    import('../../events/sinks/index.generated.ts'),
    import('../../steps/secrets.ts'),
    import('node:crypto'),
  ]);
  const plan = await compileOrThrow(file);
  const sinks = plan.on.publish ?? [];
  if (sinks.length === 0) throw new PerennialError('USAGE', `${file} declares no sink: it has no "on.publish".`);
  const change = trialOf(plan.pipeline, randomUUID());
  const results = await Promise.all(
    sinks.map(async ({ name, kind, config, envelope, envelopeConfig }) => {
      const sink = `${plan.pipeline}/${name}`;
      try {
        // Of no store: receivers that tell stores apart can tell a trial, too.
        const message = envelopeRegistry.get(envelope).write(change, envelopeConfig, { storeId: '00000000-0000-0000-0000-000000000000' })!;
        const context = { signal: AbortSignal.timeout(ATTEMPT_MS), documentDir: plan.documentDir };
        await sinkRegistry.get(kind).send(asSent({ envelope, envelopeConfig }, [message]), resolveSecrets(config).config, context);
        return { sink, id: message.id, sent: true };
      } catch (error) {
        if (!isPerennialError(error)) throw error;
        return { sink, sent: false, why: messageOf(error) };
      }
    }),
  );
  io.result({ pipeline: plan.pipeline, sinks: results });
  io.print(table([['SINK', 'RESULT'], ...results.map(({ sink, sent, why }) => [sink, sent ? 'sent' : `not sent: ${why ?? ''}`])]));
  if (results.some(({ sent }) => !sent)) io.exit(1);
}

function trialOf(pipeline: string, id: string): Change {
  return {
    key: `trial/${id}`,
    type: 'sink.tried',
    at: new Date().toISOString(),
    subject: `pipelines/${pipeline}`,
    order: 0,
    pipeline,
    model: null,
    data: { pipeline, run: `${pipeline}/trial`, executionId: id, summary: `A trial of the sinks of ${pipeline}: nothing happened.` },
  };
}
