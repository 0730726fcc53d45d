import { PerennialError } from '../core/errors.ts';
import { canonicalJson } from '../core/json.ts';
import type { Proposal } from './routing.ts';
import { servingSettings } from './serving-settings.ts';
import type { ServingSettings } from './serving-settings.ts';
import type { Pin, Routing } from './types.ts';

/** Of a state alone. */
type Decision = (current: Routing) => Proposal | undefined;

/**
 * What may happen to a routing, as pure functions of its state: `changeRouting` calls them again whenever somebody else was faster.
 */

export const CHAMPION = 'champion';
/** Former champions that a rollback can reach without being told a number. */
const PREVIOUS_MAX = 100;

/** Of the settings what is left out stays as it was. */
export interface PromoteOptions extends ServingSettings {
  readonly alias: string;
  readonly version: number;
  readonly automatic: boolean;
  readonly unpin: boolean;
}

/** @throws ROUTING_PINNED, VERSION_INVALID */
export function promote({ alias, version, automatic, unpin, ...said }: PromoteOptions): Decision {
  const settings = servingSettings(said);
  return (current) => {
    checkNotDeleted(current, version);
    const from = aliasOf(current, alias);
    if (alias !== CHAMPION)
      return from === version ? undefined : { action: 'alias', alias, from, to: version, aliases: withAlias(current, alias, version) };
    const blocked = current.pin !== null && current.pin.version !== version;
    if (blocked && (automatic || !unpin)) throw pinned(current.name, current.pin, version);
    const pin = unpin ? null : current.pin;
    const before = { fallback: 'previous', ...servingSettings(current) };
    const isSame = canonicalJson({ ...before, ...settings }) === canonicalJson(before);
    // Who says by hand what shall serve says so of all requests; a run that makes the champion again says nothing of a rollout.
    const ends = current.rollout !== undefined && !automatic;
    if (from === version && pin === current.pin && isSame && !ends) return undefined;
    return {
      action: 'promote',
      ...(from === version && automatic && current.rollout !== undefined ? { rollout: current.rollout } : {}),
      ...settings,
      alias,
      from,
      to: version,
      pin,
      aliases: withAlias(current, alias, version),
      previous:
        from === null || from === version
          ? current.previous
          : [from, ...current.previous.filter((one) => one !== from && one !== version)].slice(0, PREVIOUS_MAX),
    };
  };
}

export function pinned(name: string, pin: Pin, version: number): PerennialError {
  return new PerennialError(
    'ROUTING_PINNED',
    `"${name}" is pinned to version ${pin.version} by ${pin.by} since ${pin.at} (${pin.why}); version ${version} was not promoted.`,
    {
      hint: `\`perennial models unpin ${name}\` lets promotions through again; \`perennial models promote ${name} ${version} --unpin\` does both.`,
      details: { pin },
    },
  );
}

/** @throws VERSION_INVALID where the alias does not exist. */
export function removeAlias(alias: string): Decision {
  return (current) => {
    const from = aliasOf(current, alias);
    if (from === null) return undefined;
    if (alias === CHAMPION)
      throw new PerennialError('USAGE', `The alias "${CHAMPION}" of "${current.name}" cannot be removed, only moved.`, {
        hint: 'Promote another version, or roll back.',
      });
    const aliases = Object.fromEntries(Object.entries(current.aliases).filter(([name]) => name !== alias));
    return { action: 'alias', alias, from, to: null, aliases };
  };
}

/**
 * Back to `to`, or to the last champion that nobody rolled back from; pins what it arrives at.
 *
 * @throws VERSION_INVALID where there is nothing to go back to.
 */
export function rollback(options: { readonly to?: number; readonly by: string; readonly why: string }): Decision {
  return (current) => {
    const from = aliasOf(current, CHAMPION);
    if (from === null)
      throw new PerennialError('VERSION_INVALID', `"${current.name}" has no champion, so there is nothing to roll back.`, {
        hint: `Promote a version first: \`perennial models promote ${current.name} VERSION\`.`,
      });
    // While a rollout goes on, the newest step is its candidate: back from that is the champion.
    const to = options.to ?? (current.rollout === undefined ? current.previous[0] : from);
    if (to === undefined) {
      throw new PerennialError('VERSION_INVALID', `"${current.name}" has no earlier good champion than version ${from}.`, {
        hint: `Name one: \`perennial models rollback ${current.name} --to VERSION\`. \`perennial models show ${current.name}\` lists them.`,
      });
    }
    checkNotDeleted(current, to);
    if (to === from && current.pin?.version === to && current.rollout === undefined) return undefined;
    const position = current.previous.indexOf(to);
    return {
      action: 'rollback',
      alias: CHAMPION,
      from,
      to,
      aliases: withAlias(current, CHAMPION, to),
      pin: { version: to, by: options.by, at: new Date().toISOString(), why: options.why },
      // Going past a version on the way back says that it was no better.
      previous: position === -1 ? current.previous.filter((one) => one !== from) : current.previous.slice(position + 1),
    };
  };
}

export const unpin: Decision = (current) => {
  const champion = aliasOf(current, CHAMPION);
  return current.pin === null ? undefined : { action: 'unpin', alias: null, from: champion, to: champion, pin: null };
};

/** @throws VERSION_INVALID where an alias names it. */
export function markDeleted(version: number): Decision {
  return (current) => {
    if (current.deleted.includes(version)) return undefined;
    const names = Object.entries(current.aliases)
      .filter(([, number]) => number === version)
      .map(([alias]) => alias);
    if (names.length > 0 || current.pin?.version === version) {
      const listed = names.map((name) => `"${name}"`).join(' and ');
      const holder = names.length === 0 ? 'the pin names' : names.length === 1 ? `the alias ${listed} names` : `the aliases ${listed} name`;
      throw new PerennialError('VERSION_INVALID', `Version ${version} of "${current.name}" cannot be deleted: ${holder} it.`, {
        hint: 'Move the alias to another version first.',
      });
    }
    if (current.rollout?.candidate === version)
      throw new PerennialError(
        'VERSION_INVALID',
        `Version ${version} of "${current.name}" cannot be deleted: a rollout sends traffic to it.`,
        {
          hint: `End it first: \`perennial models rollout abort ${current.name}\`.`,
        },
      );
    return {
      action: 'delete',
      alias: null,
      from: version,
      to: null,
      deleted: [...current.deleted, version].sort((a, b) => a - b),
      previous: current.previous.filter((one) => one !== version),
    };
  };
}

export function restore(version: number): Decision {
  return (current) =>
    current.deleted.includes(version)
      ? { action: 'restore', alias: null, from: null, to: version, deleted: current.deleted.filter((one) => one !== version) }
      : undefined;
}

export function aliasOf(routing: Routing, alias: string): number | null {
  return Object.hasOwn(routing.aliases, alias) ? routing.aliases[alias]! : null;
}

function withAlias(routing: Routing, alias: string, version: number): Record<string, number> {
  return { ...routing.aliases, [alias]: version };
}

export function checkNotDeleted(routing: Routing, version: number): void {
  if (routing.deleted.includes(version)) {
    throw new PerennialError('VERSION_INVALID', `Version ${version} of "${routing.name}" was deleted.`, {
      hint: `\`perennial models show ${routing.name}\` lists the versions there are.`,
    });
  }
}
