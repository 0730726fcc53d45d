import { PerennialError, isPerennialError } from '../core/errors.ts';
import type { ArtifactStore, ObjectStore } from '../core/ports.ts';
import { mapLimited } from '../storage/concurrency.ts';
import { getStored, isUnreadable } from '../storage/stored.ts';
import { currentTrace } from '../telemetry/telemetry.ts';
import { aliasOf, markDeleted, promote, removeAlias, restore, rollback, unpin, CHAMPION } from './decisions.ts';
import { ifForward, ifJudged, ifWhole } from './guards.ts';
import { INDEX_PREFIX, indexKey } from './keys.ts';
import { checkAlias, checkModelName, suggestion } from './names.ts';
import { INDEX_ENTRY, problemOf } from './documents.ts';
import type { Problem } from './documents.ts';
import { tellChange } from './registry-telemetry.ts';
import { changeRouting, historyGaps, readHistory, readRouting } from './routing.ts';
import type { Decide, HistoryGap } from './routing.ts';
import { servingSettings } from './serving-settings.ts';
import type { ServingSettings } from './serving-settings.ts';
import type { Author, JudgedChampion, ModelSummary, Routing, RoutingChange, Transition, VersionManifest } from './types.ts';
import { readVersion, readVersions, registerVersion, versionNumbers } from './versions.ts';
import type { Registration } from './versions.ts';

export type VersionReference = number | string;

/** What served at a moment: the state after the last change before it. */
export interface RoutingAt {
  readonly at: string;
  readonly champion: number | null;
  readonly aliases: Readonly<Record<string, number>>;
  readonly pin: Transition['pin'];
  /** The change that made it champion; null where there was none. */
  readonly since: Transition | null;
}

export interface Survey {
  readonly versions: readonly VersionManifest[];
  /** What is still known of deleted ones. */
  readonly deleted: readonly VersionManifest[];
  /** undefined where no alias was ever set, or it cannot be read. */
  readonly routing: Routing | undefined;
  readonly problems: readonly Problem[];
}

interface PromoteBasics extends ServingSettings {
  readonly alias?: string;
  readonly unpin?: boolean;
}

/**
 * A person decides for themselves. Automation has to say which champions the version was compared with; none: no gate compared it with
 * any.
 */
export type PromoteChoice = PromoteBasics &
  ({ readonly automatic?: false } | { readonly automatic: true; readonly judged: readonly JudgedChampion[] });

export interface Registry {
  /** Idempotent per model artifact: the same artifact gives the same version. @throws NAME_INVALID, OBJECT_NOT_FOUND */
  register(
    registration: Registration,
  ): Promise<{ readonly version: number; readonly created: boolean; readonly manifest: VersionManifest }>;
  /** By number, "3", "v3", "latest" or an alias. @throws NOT_FOUND (the model), VERSION_INVALID */
  version(model: string, reference: VersionReference): Promise<VersionManifest>;
  /** Those that can be read, in rising order, without deleted ones. @throws NOT_FOUND */
  versions(model: string): Promise<VersionManifest[]>;
  /** The same with what is wrong: of versions that cannot be read, and of the routing. @throws NOT_FOUND */
  survey(model: string): Promise<Survey>;
  /** By name. */
  models(): Promise<ModelSummary[]>;
  /** undefined where no alias was ever set. One read. */
  routing(model: string): Promise<{ readonly routing: Routing; readonly etag: string } | undefined>;
  /**
   * Moves an alias, `champion` unless told otherwise, after every byte of the version's model was read. Automation moves it forward only,
   * and over no other champions than those that the version was judged against.
   *
   * @throws ROUTING_PINNED, CHAMPION_CHANGED, VERSION_OUTDATED, VERSION_INVALID, NOT_FOUND, NAME_INVALID
   */
  promote(model: string, version: VersionReference, options: Author & PromoteChoice): Promise<RoutingChange>;
  /** The same for any alias but `champion`. @throws VERSION_OUTDATED, USAGE */
  setAlias(
    model: string,
    alias: string,
    version: VersionReference,
    options: Author & { readonly automatic?: boolean },
  ): Promise<RoutingChange>;
  removeAlias(model: string, alias: string, options: Author): Promise<RoutingChange>;
  /** To the last known good champion or to a named version, which it pins. @throws VERSION_INVALID, NOT_FOUND */
  rollback(model: string, options: Author & { readonly to?: VersionReference; readonly automatic?: true }): Promise<RoutingChange>;
  unpin(model: string, options: Author): Promise<RoutingChange>;
  /**
   * Takes a version out of sight and releases what it refers to; the number stays taken.
   *
   * @throws VERSION_INVALID where an alias names it.
   */
  deleteVersion(model: string, version: VersionReference, options: Author): Promise<RoutingChange>;
  /** Oldest first. @throws NOT_FOUND */
  history(model: string): Promise<Transition[]>;
  /** Changes of the routing that {@link history} lacks, since their objects are broken or gone. */
  historyGaps(model: string): Promise<HistoryGap[]>;
  /** undefined where nothing was routed yet. */
  historyAt(model: string, time: Date): Promise<RoutingAt | undefined>;
}

const CONCURRENT_READS = 16;

/** The model registry over an object store. */
export function createRegistry(store: ObjectStore, artifacts: ArtifactStore): Registry {
  const resolve = async (model: string, reference: VersionReference): Promise<number> =>
    (await findVersion(store, model, reference)).version;
  return {
    register: (registration) => tellChange(registration.model, 'register', () => register(store, artifacts, registration)),
    version: (model, reference) => findVersion(store, model, reference),
    versions: async (model) => [...(await survey(store, model)).versions],
    survey: (model) => survey(store, model),
    models: () => listModels(store),
    async routing(model) {
      checkModelName(model);
      return readRouting(store, model);
    },
    async promote(model, reference, { alias = CHAMPION, unpin: lift = false, ...choice }) {
      checkAlias(alias);
      const automatic = choice.automatic === true;
      const { who, why, requestId } = choice;
      const author = { who, why, ...(requestId === undefined ? {} : { requestId }) };
      if (automatic && lift) throw new PerennialError('USAGE', 'An automatic promotion cannot lift a pin.');
      const version = await findVersion(store, model, reference);
      const decision = promote({
        alias,
        version: version.version,
        automatic,
        unpin: lift,
        ...servingSettings(choice),
      });
      const guarded = choice.automatic === true ? ifJudged(store, choice.judged, ifForward(store, version, decision)) : decision;
      return tellChange(
        model,
        'promote',
        () => changeRouting(store, model, { ...author, automatic }, ifWhole(store, model, alias, guarded)),
        alias,
      );
    },
    async setAlias(model, alias, reference, { automatic = false, ...author }) {
      checkAlias(alias);
      if (alias === CHAMPION) throw new PerennialError('USAGE', `The alias "${CHAMPION}" is moved by a promotion or a rollback alone.`);
      return tellChange(
        model,
        'alias',
        async () => {
          const version = await findVersion(store, model, reference);
          const decision: Decide = promote({ alias, version: version.version, automatic, unpin: false });
          return changeRouting(store, model, { ...author, automatic }, automatic ? ifForward(store, version, decision) : decision);
        },
        alias,
      );
    },
    async removeAlias(model, alias, author) {
      await checkExists(store, model);
      return tellChange(
        model,
        'removeAlias',
        () => changeRouting(store, model, { ...author, automatic: false }, removeAlias(alias)),
        alias,
      );
    },
    async rollback(model, { to, automatic = false, ...author }) {
      await checkExists(store, model);
      const named = to === undefined ? {} : { to: await resolve(model, to) };
      return tellChange(
        model,
        'rollback',
        () =>
          changeRouting(
            store,
            model,
            { ...author, automatic },
            ifWhole(store, model, CHAMPION, rollback({ ...named, by: author.who, why: author.why })),
          ),
        CHAMPION,
      );
    },
    async unpin(model, author) {
      await checkExists(store, model);
      return tellChange(model, 'unpin', () => changeRouting(store, model, { ...author, automatic: false }, unpin));
    },
    async deleteVersion(model, version, author) {
      const number = await numberToDelete(store, model, version);
      return tellChange(model, 'delete', () => changeRouting(store, model, { ...author, automatic: false }, markDeleted(number)));
    },
    async history(model) {
      await checkExists(store, model);
      return readHistory(store, model);
    },
    historyGaps: (model) => historyGaps(store, model),
    historyAt: (model, time) => historyAt(store, model, time),
  };
}

async function register(
  store: ObjectStore,
  artifacts: ArtifactStore,
  registration: Registration,
): Promise<Awaited<ReturnType<typeof registerVersion>>> {
  checkModelName(registration.model);
  const found = await readRouting(store, registration.model);
  const parent = found === undefined ? null : aliasOf(found.routing, CHAMPION);
  const trace = currentTrace();
  const result = await registerVersion(store, artifacts, {
    ...(parent === null ? {} : { parent }),
    ...(trace === undefined ? {} : { trace }),
    ...registration,
  });
  if (found?.routing.deleted.includes(result.version) === true) {
    const who = registration.createdBy ?? `run ${registration.runId}`;
    await changeRouting(
      store,
      registration.model,
      { who, why: 'The same model was registered again.', automatic: true },
      restore(result.version),
    );
  }
  return result;
}

/** By number, "3", "v3", "latest" or an alias. @throws NOT_FOUND (the model), VERSION_INVALID with what exists, NAME_INVALID */
export async function findVersion(store: ObjectStore, model: string, reference: VersionReference): Promise<VersionManifest> {
  checkModelName(model);
  const routing = (await readRouting(store, model))?.routing;
  const number = await numberOf(store, model, reference, routing);
  const manifest = number === undefined || routing?.deleted.includes(number) === true ? undefined : await readVersion(store, model, number);
  if (manifest !== undefined) return manifest;
  await checkExists(store, model);
  const numbers = (await versionNumbers(store, model)).filter((one) => routing?.deleted.includes(one) !== true);
  const aliases = Object.keys(routing?.aliases ?? {});
  const hint = typeof reference === 'string' ? suggestion(reference, [...aliases, 'latest']) : '';
  throw new PerennialError(
    'VERSION_INVALID',
    `"${model}" has no version ${JSON.stringify(reference)}. It has ${spanOf(numbers)}${aliases.length === 0 ? ' and no alias' : ` and the aliases ${aliases.join(', ')}`}.${hint}`,
  );
}

async function numberOf(
  store: ObjectStore,
  model: string,
  reference: VersionReference,
  routing: Routing | undefined,
): Promise<number | undefined> {
  if (typeof reference === 'number') return Number.isSafeInteger(reference) && reference > 0 ? reference : undefined;
  const match = /^[vV]?([1-9]\d{0,14})$/.exec(reference);
  if (match !== null) return Number(match[1]);
  if (reference === 'latest') return (await versionNumbers(store, model)).filter((one) => routing?.deleted.includes(one) !== true).at(-1);
  return routing === undefined ? undefined : (aliasOf(routing, reference) ?? undefined);
}

function spanOf(numbers: readonly number[]): string {
  if (numbers.length === 0) return 'no versions';
  if (numbers.length <= 8) return `the versions ${numbers.join(', ')}`;
  return `${numbers.length} versions, ${numbers[0]} to ${numbers.at(-1)}`;
}

async function checkExists(store: ObjectStore, model: string): Promise<void> {
  checkModelName(model);
  if ((await store.head(indexKey(model))) !== undefined) return;
  const known = (await listModels(store)).map((one) => one.name);
  const list =
    known.length === 0
      ? `No model is registered yet in ${store.location}`
      : `There is: ${known.slice(0, 20).join(', ')}${known.length > 20 ? ', …' : ''}`;
  throw new PerennialError('NOT_FOUND', `There is no model "${model}". ${list}.${suggestion(model, known)}`, {
    hint:
      known.length === 0
        ? 'Where models lie elsewhere, name that store with PERENNIAL_STORE, or the home of its stack with PERENNIAL_HOME.'
        : 'List what exists with `perennial models list`.',
  });
}

/** A version whose manifest cannot be read is found by its number alone. */
async function numberToDelete(store: ObjectStore, model: string, reference: VersionReference): Promise<number> {
  try {
    return (await findVersion(store, model, reference)).version;
  } catch (error) {
    if (!isPerennialError(error, 'BLOB_CORRUPT')) throw error;
    const number = await numberOf(store, model, reference, (await readRouting(store, model))?.routing);
    if (number === undefined) throw error;
    return number;
  }
}

async function survey(store: ObjectStore, model: string): Promise<Survey> {
  await checkExists(store, model);
  const broken: Problem[] = [];
  const routing = await readRouting(store, model).catch((error: unknown) => {
    if (!isUnreadable(error)) throw error;
    broken.push(problemOf(error));
    return undefined;
  });
  const deleted = routing?.routing.deleted ?? [];
  const { versions, problems } = await readVersions(store, model);
  return {
    versions: versions.filter(({ version }) => !deleted.includes(version)),
    deleted: versions.filter(({ version }) => deleted.includes(version)),
    routing: routing?.routing,
    problems: [...broken, ...problems.filter(({ version }) => version === undefined || !deleted.includes(version))],
  };
}

async function listModels(store: ObjectStore): Promise<ModelSummary[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(INDEX_PREFIX)) keys.push(key);
  const found = await mapLimited(keys, CONCURRENT_READS, (key) => readSummary(store, key));
  return found.filter((summary) => summary !== undefined);
}

/** The key alone names the model: one that is damaged inside hides neither it nor any other. */
async function readSummary(store: ObjectStore, key: string): Promise<ModelSummary | undefined> {
  const name = key.slice(INDEX_PREFIX.length).replace(/\.json$/, '');
  try {
    const found = await getStored(store, INDEX_ENTRY, key);
    return found === undefined ? undefined : { name, createdAt: found.value.createdAt ?? '' };
  } catch (error) {
    if (isUnreadable(error)) return { name, createdAt: '' };
    throw error;
  }
}

async function historyAt(store: ObjectStore, model: string, time: Date): Promise<RoutingAt | undefined> {
  await checkExists(store, model);
  const moment = time.toISOString();
  // By revision: a time that a wrong clock wrote hides at most its own entry.
  const before = (await readHistory(store, model)).filter((one) => one.at <= moment);
  const last = before.at(-1);
  if (last === undefined) return undefined;
  const champion = last.aliases.champion ?? null;
  const since = before.findLast((one) => one.alias === CHAMPION && one.from !== champion && one.to === champion) ?? null;
  return { at: moment, champion, aliases: last.aliases, pin: last.pin, since };
}
