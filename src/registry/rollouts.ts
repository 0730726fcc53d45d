import { PerennialError, isPerennialError } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';
import type { RolloutRouting } from '../core/rollout.ts';
import { shareText } from '../core/rollout.ts';
import { putJson } from '../storage/json-objects.ts';
import { changeStored, getStored } from '../storage/stored.ts';
import { CHAMPION, aliasOf, checkNotDeleted, pinned, promote } from './decisions.ts';
import { ROLLOUT, ofModel } from './documents.ts';
import { ifForward, ifJudged, ifWhole } from './guards.ts';
import { rolloutKey, rolloutsPrefix } from './keys.ts';
import { checkModelName } from './names.ts';
import { findVersion } from './registry.ts';
import { changeRouting, readRouting } from './routing.ts';
import type { Decide } from './routing.ts';
import { servingSettings } from './serving-settings.ts';
import type { ServingSettings } from './serving-settings.ts';
import type { Author, JudgedChampion, RolloutRecord, RoutingChange } from './types.ts';

/**
 * Rollouts in the routing. All changes but the first are made only while the rollout is the one that goes on: whoever was slower finds
 * that nothing changed.
 */

/**
 * Lets a version take a share of the traffic, as {@link Registry.promote} lets it take all: forward, over the champions that it was
 * judged against, after every byte was read. A rollout that goes on ends. Where it is this one already, nothing changes.
 *
 * @throws ROUTING_PINNED, CHAMPION_CHANGED, VERSION_OUTDATED, VERSION_INVALID, NOT_FOUND
 */
export async function beginRollout(
  store: ObjectStore,
  model: string,
  rollout: Omit<RolloutRouting, 'champion' | 'step'>,
  { judged, predictionLog, ...author }: Author & { readonly judged: readonly JudgedChampion[] } & Pick<ServingSettings, 'predictionLog'>,
): Promise<RoutingChange> {
  const version = await findVersion(store, model, rollout.candidate);
  const decide: Decide = (current) => {
    checkNotDeleted(current, rollout.candidate);
    if (current.pin !== null && current.pin.version !== rollout.candidate) throw pinned(model, current.pin, rollout.candidate);
    const champion = aliasOf(current, CHAMPION);
    if (champion === null || champion === rollout.candidate || current.rollout?.id === rollout.id) return undefined;
    return {
      action: 'rollout',
      alias: null,
      from: champion,
      to: rollout.candidate,
      rollout: { ...rollout, champion, step: 0 },
      // What of a request may be written holds from the first one that the candidate answers.
      ...(predictionLog === undefined ? {} : { predictionLog }),
    };
  };
  return changeRouting(
    store,
    model,
    { ...author, automatic: true },
    ifWhole(store, model, CHAMPION, ifJudged(store, judged, ifForward(store, version, decide))),
  );
}

/** Another share, while the rollout goes on. */
export function stepRollout(
  store: ObjectStore,
  model: string,
  id: string,
  { step, share }: Pick<RolloutRouting, 'step' | 'share'>,
  author: Author,
): Promise<RoutingChange> {
  return whileGoingOn(store, model, id, { ...author, automatic: true }, (rollout) =>
    rollout.step === step && rollout.share === share ? undefined : { action: 'rolloutStep', rollout: { ...rollout, step, share } },
  );
}

/** Writes into the history what somebody did to a rollout that goes on; the traffic stays as it is. */
export function noteRollout(store: ObjectStore, model: string, id: string, author: Author): Promise<RoutingChange> {
  return whileGoingOn(store, model, id, { ...author, automatic: false }, (rollout) => ({ action: 'rolloutNote', rollout }));
}

/** All traffic goes to the champion again. */
export function endRollout(
  store: ObjectStore,
  model: string,
  id: string,
  author: Author & { readonly automatic: boolean },
): Promise<RoutingChange> {
  return whileGoingOn(store, model, id, author, () => ({ action: 'rolloutEnd', rollout: null }));
}

/**
 * The candidate becomes champion, over the champion that the rollout compared it with.
 *
 * @param judged of other models: CHAMPION_CHANGED where one is another by now
 */
export async function finishRollout(
  store: ObjectStore,
  model: string,
  { id, candidate }: Pick<RolloutRouting, 'id' | 'candidate'>,
  { judged, ...author }: Author & { readonly automatic: boolean; readonly judged: readonly JudgedChampion[] },
): Promise<RoutingChange> {
  const said = await readRollout(store, model, id).catch((error: unknown) => {
    if (isPerennialError(error, 'NOT_FOUND')) return {};
    throw error;
  });
  const promotion = promote({
    alias: CHAMPION,
    version: candidate,
    automatic: author.automatic,
    unpin: false,
    ...servingSettings(said),
  });
  const decide: Decide = (current) => (current.rollout?.id === id ? promotion(current) : undefined);
  return changeRouting(store, model, author, ifWhole(store, model, CHAMPION, ifJudged(store, author.automatic ? judged : [], decide)));
}

type Step = { readonly action: 'rolloutStep' | 'rolloutNote' | 'rolloutEnd'; readonly rollout: RolloutRouting | null };

function whileGoingOn(
  store: ObjectStore,
  model: string,
  id: string,
  author: Author & { readonly automatic: boolean },
  next: (rollout: RolloutRouting) => Step | undefined,
): Promise<RoutingChange> {
  return changeRouting(store, model, author, ({ rollout }) => {
    const step = rollout?.id === id ? next(rollout) : undefined;
    if (rollout === undefined || step === undefined) return undefined;
    return { alias: null, from: rollout.champion, to: rollout.candidate, ...step };
  });
}

/** The rollout that goes on, of the routing; undefined: none. */
export async function currentRollout(store: ObjectStore, model: string): Promise<RolloutRouting | undefined> {
  checkModelName(model);
  return (await readRouting(store, model))?.routing.rollout;
}

/** @throws NOT_FOUND */
export async function readRollout(store: ObjectStore, model: string, id: string): Promise<RolloutRecord> {
  const found = await getStored(store, ROLLOUT, rolloutKey(model, id), ofModel(model));
  if (found !== undefined) return found.value;
  throw noRollout(model, id);
}

function noRollout(model: string, id: string): PerennialError {
  return new PerennialError('NOT_FOUND', `There is no rollout "${id}" of "${model}".`, {
    hint: `\`perennial models rollout show ${model}\` shows the newest one.`,
  });
}

/** The record of one that begins. */
export async function writeRollout(store: ObjectStore, record: RolloutRecord): Promise<void> {
  await putJson(store, rolloutKey(record.name, record.id), record);
}

const ATTEMPTS_MAX = 21;

/**
 * Changes the record of a rollout. Who drives it, who watches it and who ends it by hand write at the same moment: how it ended is
 * written once, and whoever comes later only adds what was concluded, where that is not there yet.
 *
 * @throws NOT_FOUND
 */
export async function changeRollout(store: ObjectStore, model: string, id: string, change: Partial<RolloutRecord>): Promise<void> {
  const changed = await changeStored(store, ROLLOUT, rolloutKey(model, id), (before) => afterChange(before, change), {
    attemptsMax: ATTEMPTS_MAX,
    holds: ofModel(model),
  });
  if (changed === undefined) throw noRollout(model, id);
}

function afterChange(before: RolloutRecord, change: Partial<RolloutRecord>): RolloutRecord | undefined {
  if (before.endedAt === undefined) return { ...before, ...change };
  const { evidence } = change;
  return evidence === undefined || isConcluded(before.evidence) || (before.evidence !== undefined && !isConcluded(evidence))
    ? undefined
    : { ...before, evidence };
}

function isConcluded(evidence: RolloutRecord['evidence']): boolean {
  return evidence?.some(({ findings }) => Array.isArray(findings) && findings.length > 0) ?? false;
}

/** The newest first. */
export async function listRollouts(store: ObjectStore, model: string): Promise<RolloutRecord[]> {
  const found: RolloutRecord[] = [];
  for await (const { key } of store.list(rolloutsPrefix(model))) {
    const record = await getStored(store, ROLLOUT, key, ofModel(model));
    if (record !== undefined) found.push(record.value);
  }
  return found.sort((a, b) => (a.startedAt < b.startedAt ? 1 : a.startedAt > b.startedAt ? -1 : 0));
}

/** "the canary of version 3 (5 %)" */
export function rolloutWords({ kind, candidate, share }: Pick<RolloutRouting, 'kind' | 'candidate' | 'share'>): string {
  return `the ${kind === 'abTest' ? 'A/B test' : kind} of version ${candidate} (${shareText(share)})`;
}
