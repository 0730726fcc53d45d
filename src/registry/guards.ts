import { PerennialError, isPerennialError } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';
import { CHAMPION, aliasOf } from './decisions.ts';
import { readRouting, whoBegan, whoMoved } from './routing.ts';
import type { Decide, Proposal } from './routing.ts';
import type { JudgedChampion, Routing, VersionManifest } from './types.ts';
import { readVersion } from './versions.ts';
import { checkWhole } from './whole.ts';

/**
 * What a move has to find before it is made. The guards look at the state that the swap replaces, as often as somebody else was faster:
 * what they found is so at the moment of the change.
 */

type Decision = (current: Routing) => Proposal | undefined | Promise<Proposal | undefined>;

/**
 * Where a move leads is read once, before it is made. What is to stay where it is counts as a move: nobody is told "already so" of a
 * version that cannot be served, and no pin is set on it.
 *
 * @param alias which moves, or stays
 * @throws VERSION_INVALID naming what is broken
 */
export function ifWhole(store: ObjectStore, model: string, alias: string, decide: Decision): Decide {
  const whole = new Set<number>();
  return async (current) => {
    const proposal = await decide(current);
    const to = proposal?.to ?? aliasOf(current, alias);
    if (to !== null && !whole.has(to)) await checkWhole(store, model, to);
    if (to !== null) whole.add(to);
    return proposal;
  };
}

/**
 * Only over the champions that it was compared with, every one of them. That of the model itself is the one that the swap replaces;
 * those of other models are read beside it.
 *
 * @throws CHAMPION_CHANGED
 */
export function ifJudged(store: ObjectStore, judged: readonly JudgedChampion[], decide: Decision): Decide {
  return async (current) => {
    const proposal = await decide(current);
    if (proposal === undefined) return proposal;
    for (const { model, version, judged: digest } of judged) {
      const own = model === current.name;
      const routing = own ? current : (await readRouting(store, model))?.routing;
      const now = routing === undefined ? null : aliasOf(routing, CHAMPION);
      if (now === version || (own && now === proposal.to)) continue;
      // What serves is the very model that was judged: there is nothing to compare it with.
      if (now !== null && (await modelOf(store, model, now)) === digest) continue;
      const by = now === null ? 'there is none' : `it is version ${now} (${await whoMoved(store, routing!, CHAMPION)})`;
      const whose = own ? '' : ` of "${model}"`;
      throw new PerennialError(
        'CHAMPION_CHANGED',
        `"${current.name}" version ${proposal.to} was judged against ${version === null ? 'no champion' : `version ${version}`}${whose}, and now ${by}.`,
        { details: { model, champion: now } },
      );
    }
    return proposal;
  };
}

/** Digest of a version's model; undefined where its manifest cannot be read. */
async function modelOf(store: ObjectStore, model: string, version: number): Promise<string | undefined> {
  try {
    return (await readVersion(store, model, version))?.model.digest;
  } catch (error) {
    if (isPerennialError(error, 'BLOB_CORRUPT')) return undefined;
    throw error;
  }
}

/**
 * No automation goes back: not to what an earlier run made, nor to what knows of an earlier time. What takes over step by step stands
 * before the champion: it is not ended by what is older.
 *
 * @throws VERSION_OUTDATED
 */
export function ifForward(store: ObjectStore, version: VersionManifest, decide: Decision): Decide {
  return async (current) => {
    const proposal = await decide(current);
    if (proposal === undefined) return proposal;
    const alias = proposal.alias ?? CHAMPION;
    const { rollout } = current;
    const ends = rollout !== undefined && alias === CHAMPION && proposal.rollout?.id !== rollout.id;
    for (const from of [proposal.from, ends ? rollout.candidate : null]) {
      if (from === null || from === version.version) continue;
      const there = await told(store, current.name, from);
      if (!isBefore(version, there)) continue;
      const who = from === proposal.from ? await whoMoved(store, current, alias) : await whoBegan(store, current);
      throw outdated(current.name, version, there, who, alias);
    }
    return proposal;
  };
}

function outdated(model: string, version: VersionManifest, there: Made, who: string, alias: string): PerennialError {
  const why =
    version.nominalTime !== undefined && there.nominalTime !== undefined && version.nominalTime !== there.nominalTime
      ? `of ${version.nominalTime}, does not replace version ${there.version} of ${there.nominalTime} (${who})`
      : `which was made before version ${there.version} (${who}), does not replace it`;
  return new PerennialError('VERSION_OUTDATED', `"${model}" version ${version.version}, ${why}.`, {
    hint:
      alias === CHAMPION
        ? `To let it serve all the same: \`perennial models rollback ${model} --to ${version.version}\`, which pins it.`
        : `To move the alias all the same: \`perennial models promote ${model} ${version.version} --alias ${alias}\`.`,
    details: { version: there.version, who },
  });
}

type Made = Pick<VersionManifest, 'version' | 'nominalTime'>;

/** A manifest that is damaged, or gone, stands in nobody's way: its number is left. */
async function told(store: ObjectStore, model: string, version: number): Promise<Made> {
  try {
    return (await readVersion(store, model, version)) ?? { version };
  } catch (error) {
    if (isPerennialError(error, 'BLOB_CORRUPT')) return { version };
    throw error;
  }
}

/** By the times that they know of; the numbers say what came first where a version does not tell, or both know of the same time. */
function isBefore(one: Made, other: Made): boolean {
  if (one.nominalTime === undefined || other.nominalTime === undefined || one.nominalTime === other.nominalTime)
    return one.version < other.version;
  return Date.parse(one.nominalTime) < Date.parse(other.nominalTime);
}
