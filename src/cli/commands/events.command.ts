import { plural } from '../../core/plural.ts';
import { PerennialError } from '../../core/errors.ts';
import type { EventState } from '../../events/entries.ts';
import type { FoundEvent } from '../../events/browse.ts';
import { confirm } from '../confirm.ts';
import { defineCommand, table } from './command.ts';
import type { CliIo } from './command.ts';

interface ListOptions {
  readonly waiting?: boolean;
  readonly refused?: boolean;
  readonly sent?: boolean;
  readonly sink?: string;
  readonly limit: number;
}

const SINK = ['--sink <sink>', 'only of this one, "PIPELINE/NAME"'] as const;

export default defineCommand({
  register(program, io) {
    const group = program
      .command('events')
      .summary('what other programs are told of this store')
      .description(
        'What other programs are told of this store: sinks that "on.publish" of documents declares, and events that wait, were sent or were refused.',
      )
      .addHelpText(
        'after',
        `
An event is laid ready as its change is made, and a worker sends it until it has arrived, always with the same id. What a sink refuses
(a status such as 400 or 422) is set aside, and waits here to be sent again; a token or an address that is wrong keeps all waiting.

Examples:
  perennial events sinks
  perennial events list --refused
  perennial events show 6c550af9
  perennial events resend --sink penguins/http`,
      );
    group
      .command('sinks')
      .summary('where events go, and how the delivery goes')
      .description('Where events go, what waits for each, and how the delivery goes.')
      .addHelpText('after', '\nExamples:\n  perennial events sinks\n  perennial events sinks --json')
      .action(() => sinks(io));
    group
      .command('list')
      .summary('the newest events')
      .description('The newest events, the newest last. Default: all, wherever they are.')
      .option('--waiting', 'those that were not sent yet')
      .option('--refused', 'those that their sink did not want')
      .option('--sent', 'those that have arrived')
      .option(...SINK)
      .option('--limit <number>', 'at most so many', Number, 50)
      .addHelpText('after', '\nExamples:\n  perennial events list --waiting\n  perennial events list --sink penguins/http --limit 200')
      .action((options: ListOptions) => list(io, options));
    group
      .command('show')
      .summary('an event as it goes out')
      .description('An event as it goes out, and where it is.')
      .argument('<id>', 'its id, or the beginning of it')
      .option(...SINK)
      .addHelpText('after', '\nExamples:\n  perennial events show 6c550af9')
      .action((id: string, options: { readonly sink?: string }) => show(io, id, options.sink));
    group
      .command('resend')
      .summary('send events once more')
      .description('Send events once more, with their ids: all that were refused, or these.')
      .argument('[ids...]', 'ids, or beginnings of some, of refused or sent events')
      .option(...SINK)
      .addHelpText('after', '\nExamples:\n  perennial events resend\n  perennial events resend 6c550af9 --sink penguins/http')
      .action((ids: readonly string[], options: { readonly sink?: string }) => resend(io, ids, options.sink));
    group
      .command('try')
      .summary('send a trial event to the sinks of a document')
      .description('Send a trial event to every sink of a document, from this machine, with the secrets of this environment.')
      .argument('<file>', 'the document')
      .addHelpText('after', '\nExamples:\n  perennial events try pipelines/penguins.json')
      .action(async (file: string) => (await import('../events/try-sinks.ts')).trySinks(io, file));
    group
      .command('forget')
      .summary('take away a sink that no document declares')
      .description('Take away a sink that no document declares any more, with what waits for it or was refused.')
      .argument('<sink>', '"PIPELINE/NAME"')
      .option('-y, --yes', 'without asking')
      .addHelpText('after', '\nExamples:\n  perennial events forget penguins/http')
      .action((sink: string, options: { readonly yes?: boolean }) => forget(io, sink, options.yes === true));
  },
});

const browse = async () => {
  const [parts, { openStore }] = await Promise.all([import('../../events/browse.ts'), import('../../storage/open-store.ts')]);
  return { ...parts, store: await openStore() };
};

async function sinks(io: CliIo): Promise<void> {
  const { overviewOf, store } = await browse();
  const found = await overviewOf(store);
  io.result({ sinks: found });
  if (found.length === 0) return io.print('No document declares a sink: "on.publish" does, and `perennial apply` puts it in force.');
  io.print(
    table([
      ['SINK', 'TO', 'AS', 'OF', 'WAITING', 'REFUSED', 'SENT', 'STATE'],
      ...found.map(({ sink, record, counts, oldest, state }) => [
        sink,
        record?.kind ?? '-',
        record?.envelope ?? '-',
        record?.of ?? '-',
        counts.pending === 0 ? '0' : `${counts.pending} since ${moment(oldest ?? '')}`,
        String(counts.refused),
        String(counts.sent),
        record === undefined
          ? 'no document declares it any more'
          : (state?.failingSince ?? null) === null
            ? 'well'
            : `away since ${moment(state!.failingSince!)}, ${state!.attempts} attempts: ${state!.failure ?? ''}`,
      ]),
    ]),
  );
}

async function list(io: CliIo, { waiting, refused, sent, sink, limit }: ListOptions): Promise<void> {
  if (!(Number.isSafeInteger(limit) && limit > 0)) throw new PerennialError('USAGE', `--limit ${String(limit)} is no number above 0.`);
  const { listEvents, store } = await browse();
  const asked: EventState[] = [
    ...(waiting === true ? (['pending'] as const) : []),
    ...(refused === true ? (['refused'] as const) : []),
    ...(sent === true ? (['sent'] as const) : []),
  ];
  const states = asked.length === 0 ? (['pending', 'sent', 'refused'] as const) : asked;
  const found = await listEvents(store, { states, limit, ...(sink === undefined ? {} : { sink }) });
  io.result({ events: found });
  if (found.length === 0) return io.print('There are none.');
  io.print(
    table([
      ['ID', 'WHEN', 'WHAT', 'OF', 'SINK', 'STATE'],
      ...found.map(({ id, entry, problem, sink: to, state }) => [
        id,
        moment(entry?.at ?? ''),
        entry?.type ?? '-',
        entry?.subject ?? '-',
        to,
        state === 'pending' ? 'waits' : state === 'sent' ? 'sent' : `refused: ${entry?.why ?? problem ?? ''}`,
      ]),
    ]),
  );
}

async function show(io: CliIo, id: string, sink: string | undefined): Promise<void> {
  const { findEvent, store } = await browse();
  const found = await findEvent(store, id, sink);
  io.result({ events: found.map((one) => ({ ...one, entry: one.entry === undefined ? undefined : { ...one.entry, body: bodyOf(one) } })) });
  for (const one of found) {
    io.print(`${one.id}  ${one.sink}: ${one.state === 'pending' ? 'waits' : one.state} since ${one.since}`);
    if (one.entry?.why !== undefined) io.print(`  ${one.entry.why}`);
    if (one.problem !== undefined) io.print(`  ${one.problem}`);
    else {
      for (const [header, value] of Object.entries(one.entry?.headers ?? {})) io.print(`  ${header}: ${value}`);
      io.print(JSON.stringify(bodyOf(one), null, 2));
    }
  }
}

const bodyOf = ({ entry }: FoundEvent): unknown => (entry === undefined ? undefined : (JSON.parse(entry.body) as unknown));

async function resend(io: CliIo, ids: readonly string[], sink: string | undefined): Promise<void> {
  const { resend: again, store } = await browse();
  const count = await again(store, { ids, ...(sink === undefined ? {} : { sink }) });
  io.result({ events: count });
  io.print(count === 0 ? 'Nothing was refused.' : `${plural(count, 'event')} will be sent once more.`);
}

async function forget(io: CliIo, sink: string, yes: boolean): Promise<void> {
  const { overviewOf, store } = await browse();
  const found = (await overviewOf(store)).find((one) => one.sink === sink);
  if (found === undefined)
    throw new PerennialError('NOT_FOUND', `There is no sink ${JSON.stringify(sink)}.`, { hint: '`perennial events sinks` lists them.' });
  const { pending, refused } = found.counts;
  if (!yes && !(await confirm(io, `${sink} goes, with ${pending} events that wait and ${refused} that were refused. Go on?`, '--yes')))
    throw new PerennialError('USAGE', 'Nothing was changed.');
  const { forgetSink } = await import('../../events/sink-records.ts');
  await forgetSink(store, sink);
  io.result({ sink, waiting: pending, refused });
  io.print(`${sink} is forgotten. A document that still declares it brings it back when it is applied or run.`);
}

const moment = (at: string): string => at.slice(0, 19).replace('T', ' ');
