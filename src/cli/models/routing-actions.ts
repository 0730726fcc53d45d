import type { CliIo } from '../commands/command.ts';
import type { Pin, RoutingChange } from '../../registry/types.ts';
import { currentUser, openRegistry } from './options.ts';
import type { OpenRegistry } from './options.ts';
import { followAndTell } from './targets-action.ts';
import { confirmationText, moveText } from './views.ts';

export interface ConfirmOptions {
  readonly confirm: boolean;
  readonly timeout: number;
}

const SERVICE_AWAY = 4;

export async function promoteAction(
  io: CliIo,
  model: string,
  version: string,
  options: ConfirmOptions & { alias: string; reason?: string; unpin?: boolean },
): Promise<void> {
  const opened = await openRegistry('change');
  const why = options.reason ?? 'Promoted by hand.';
  const change = await opened.registry.promote(model, version, {
    alias: options.alias,
    who: currentUser(),
    why,
    unpin: options.unpin === true,
  });
  const headline = change.changed
    ? `${options.alias} of ${model}: ${change.from === change.to ? `stays ${change.to}` : moveText(change.from, change.to)}`
    : `${options.alias} of ${model} is version ${change.routing.aliases[options.alias]} already; nothing changed.`;
  if (options.alias === 'champion') return proveAndReport(io, opened, model, change, headline, options);
  io.result(changeResult(model, change, options.alias));
  io.print(headline);
}

export async function rollbackAction(io: CliIo, model: string, options: ConfirmOptions & { to?: string; reason?: string }): Promise<void> {
  const opened = await openRegistry('change');
  const why = options.reason ?? 'Rolled back by hand.';
  const change = await opened.registry.rollback(model, {
    who: currentUser(),
    why,
    ...(options.to === undefined ? {} : { to: options.to }),
  });
  const headline = change.changed
    ? `champion of ${model}: ${change.from === change.to ? `stays ${change.to}` : moveText(change.from, change.to)}, pinned to version ${change.to}`
    : `champion of ${model} is version ${change.to} and pinned already; nothing changed.`;
  await proveAndReport(io, opened, model, change, headline, options);
  io.print(pinText(model, change.to, (await opened.registry.routing(model))?.routing.pin ?? null));
}

/** What holds of a pin by now: while the servers were asked, somebody may have set another one, or lifted it. */
export function pinText(model: string, version: number | null, pin: Pin | null): string {
  if (pin === null) return `The pin to version ${version} was lifted meanwhile: \`perennial models history ${model}\` tells by whom.`;
  if (pin.version !== version) return `Meanwhile ${model} was pinned to version ${pin.version} by ${pin.by}: ${pin.why}`;
  return `No automation promotes over it until \`perennial models unpin ${model}\`.`;
}

export async function unpinAction(io: CliIo, model: string, options: { reason?: string }): Promise<void> {
  const { registry } = await openRegistry('change');
  const change = await registry.unpin(model, { who: currentUser(), why: options.reason ?? 'Unpinned by hand.' });
  io.result(changeResult(model, change, null));
  io.print(
    change.changed
      ? `${model} is no longer pinned; version ${change.to} stays champion until another one is promoted.`
      : `${model} was not pinned; nothing changed.`,
  );
}

/**
 * Says that it is done only after the servers answer with the version; exits with 4 where they do not in time, with 1 where another
 * version became champion meanwhile.
 */
async function proveAndReport(
  io: CliIo,
  opened: OpenRegistry,
  model: string,
  change: RoutingChange,
  headline: string,
  options: ConfirmOptions,
): Promise<void> {
  const version = change.routing.aliases.champion!;
  if (change.ended !== undefined) {
    const { rolloutWords } = await import('../../registry/rollouts.ts');
    io.note(`warning: this ended ${rolloutWords(change.ended)}: no request goes to it any more.`);
  }
  if (!options.confirm) {
    io.print(`${headline}\nNot confirmed by any server (--no-confirm).`);
    const targets = await followAndTell(io, opened, model);
    io.result({ ...changeResult(model, change, 'champion'), confirmation: null, targets });
    return;
  }
  io.note(`${headline}; asking the servers …`);
  const { confirmServed } = await import('../../registry/confirm.ts');
  const confirmation = await confirmServed(opened.store, model, version, { timeoutMs: options.timeout * 1000 });
  io.print(`${headline}\n${confirmationText(confirmation)}`);
  const targets = await followAndTell(io, opened, model);
  io.result({ ...changeResult(model, change, 'champion'), confirmation, targets });
  // Done, and undone by somebody else: no server is to blame.
  if (confirmation.superseded !== undefined) io.exit(1);
  else if (!confirmation.confirmed && confirmation.servers.length > 0) {
    io.note(
      `error SERVER_UNAVAILABLE: ${change.changed ? 'the routing is changed, but' : 'nothing had to be changed, but'} not every server answers with version ${version} after ${options.timeout} s.`,
    );
    io.exit(SERVICE_AWAY);
  }
}

function changeResult(model: string, change: RoutingChange, alias: string | null): object {
  const { changed, from, to, pin, routing } = change;
  return {
    model,
    changed,
    alias,
    from,
    to,
    pin,
    aliases: routing.aliases,
    revision: routing.revision,
    endedRollout: change.ended?.id ?? null,
  };
}
