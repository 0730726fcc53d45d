import { isPerennialError, messageOf } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';
import { putJson } from '../storage/json-objects.ts';
import { mapLimited } from '../storage/concurrency.ts';
import { OBJECT, defineStored, getStored, isUnreadable, liesAt } from '../storage/stored.ts';
import type { StoredKind } from '../storage/stored.ts';
import { Unread, readLines } from '../storage/unread.ts';
import { CLAIM, INDEX_ENTRY, MANIFEST, ROUTING, TRANSITION } from './documents.ts';
import { INDEX_PREFIX, MODELS_PREFIX, claimKey, indexKey, routingKey, transitionKey, transitionsPrefix } from './keys.ts';
import { readRouting, rebuildRouting } from './routing.ts';
import type { Routing, VersionManifest } from './types.ts';
import { readVersions } from './versions.ts';
import { problemsOfArtifact } from './whole.ts';

/** One thing that is broken or half made. */
export interface StoreFinding {
  readonly key: string;
  readonly model?: string;
  readonly version?: number;
  readonly problem: string;
  /** What to do, or what was done. */
  readonly fix: string;
  /** true: `--repair` mends it without losing anything. */
  readonly repairable: boolean;
  readonly repaired: boolean;
}

export interface StoreCheck {
  readonly location: string;
  readonly models: number;
  readonly versions: number;
  readonly findings: readonly StoreFinding[];
}

type Report = (finding: Omit<StoreFinding, 'repaired' | 'repairable'>, mend?: () => Promise<void>) => Promise<void>;

export interface CheckOptions {
  /** Mends what can be mended from other objects of the store. Nothing is guessed, and no version is taken away. */
  readonly repair?: boolean;
  /** Of every record that lies in a store under a key of its own. */
  readonly kinds: readonly StoredKind<object>[];
}

/**
 * Reads every record of a store and says what of it is broken or half made. Every byte of the models that an alias or the pin names, or
 * that a rollback would go to, is read; of the others the sizes are compared.
 */
export async function checkStore(store: ObjectStore, { repair = false, kinds }: CheckOptions): Promise<StoreCheck> {
  const findings: StoreFinding[] = [];
  const report: Report = async (finding, mend) => {
    const repaired = repair && mend !== undefined;
    if (repaired) await mend();
    findings.push({ ...finding, repairable: mend !== undefined, repaired });
  };
  const keys: string[] = [];
  for await (const { key } of store.list('')) if (!key.startsWith('blobs/')) keys.push(key);
  const models = [
    ...new Set([
      ...namesBelow(keys, MODELS_PREFIX),
      ...keys.filter((key) => key.startsWith(INDEX_PREFIX)).map((key) => key.slice(INDEX_PREFIX.length).replace(/\.json$/, '')),
    ]),
  ].sort();
  let versions = 0;
  for (const model of models) versions += await checkModel(store, model, keys, report);
  const told = new Set(findings.map(({ key }) => key));
  await mapLimited(
    keys.filter((key) => !told.has(key) && !OF_MODELS.some((kind) => liesAt(kind, key))),
    CONCURRENT,
    (key) => checkRecord(store, key, kinds, report),
  );
  return { location: store.location, models: models.length, versions, findings };
}

function namesBelow(keys: readonly string[], prefix: string): string[] {
  return keys.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length).split('/')[0]!);
}

/** @returns how many versions it has */
async function checkModel(store: ObjectStore, model: string, keys: readonly string[], report: Report): Promise<number> {
  await checkIndex(store, model, report);
  const { versions, problems } = await readVersions(store, model);
  const routing = await checkRoutingOf(store, model, versions, report);
  const deleted = routing?.deleted ?? [];
  for (const { version, message } of problems) {
    if (deleted.includes(version!)) continue;
    await report({
      key: `models/${model}/versions/${version}.json`,
      model,
      version: version!,
      problem: message,
      fix: `Restore it from a copy of the store, or take the version out of sight: perennial models delete ${model} ${version}`,
    });
  }
  for (const manifest of versions.filter(({ version }) => !deleted.includes(version))) await checkVersion(store, manifest, routing, report);
  await checkClaims(store, model, versions, keys, report);
  for (const key of keys.filter((one) => one.startsWith(transitionsPrefix(model)))) {
    const problem = (await unreadable(store, TRANSITION, key))?.problem;
    if (problem === undefined) continue;
    const last = routing !== undefined && transitionKey(routing.transition) === key ? routing.transition : undefined;
    const fix =
      last === undefined
        ? 'Restore it from a copy of the store; the history lacks this change until then.'
        : 'It is written anew from the routing, whose last change it is.';
    await report({ key, model, problem, fix }, last === undefined ? undefined : () => putJson(store, key, last).then(() => undefined));
  }
  return versions.length + problems.length;
}

async function checkIndex(store: ObjectStore, model: string, report: Report): Promise<void> {
  const key = indexKey(model);
  const head = await store.head(key);
  const found =
    head === undefined
      ? { problem: 'the model has no entry in the index, so nothing lists it', newer: false }
      : await unreadable(store, INDEX_ENTRY, key);
  if (found === undefined) return;
  const { problem } = found;
  if (found.newer) return report({ key, model, problem, fix: NEWER });
  await report({ key, model, problem, fix: 'The entry is written anew.' }, async () => {
    await putJson(
      store,
      key,
      { formatVersion: 1, name: model, createdAt: new Date().toISOString() },
      head === undefined ? { ifNoneMatch: '*' } : { ifMatch: head.etag },
    );
  });
}

async function checkRoutingOf(
  store: ObjectStore,
  model: string,
  versions: readonly VersionManifest[],
  report: Report,
): Promise<Routing | undefined> {
  const key = routingKey(model);
  let routing: Routing | undefined;
  try {
    routing = (await readRouting(store, model))?.routing;
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    if (error.code === 'PIPELINE_OUTDATED') {
      await report({ key, model, problem: messageOf(error), fix: NEWER });
      return undefined;
    }
    const [rebuilt, head] = await Promise.all([rebuildRouting(store, model), store.head(key)]);
    const fix =
      rebuilt === undefined
        ? `No change of it is recorded: remove the object, then promote a version: perennial models promote ${model} VERSION`
        : `It is written anew from the history, as revision ${rebuilt.revision} left it (champion: version ${rebuilt.aliases.champion ?? 'none'}).`;
    await report(
      { key, model, problem: messageOf(error), fix },
      rebuilt === undefined
        ? undefined
        : async () => {
            await putJson(store, key, rebuilt, { ifMatch: head!.etag });
          },
    );
    return rebuilt;
  }
  if (routing === undefined) return undefined;
  const { transition } = routing;
  if ((await store.head(transitionKey(transition))) === undefined) {
    await report(
      {
        key: transitionKey(transition),
        model,
        problem: `the change that led to revision ${routing.revision} is not in the history: its writer ended in between`,
        fix: 'It is recorded from the routing.',
      },
      async () => {
        await putJson(store, transitionKey(transition), transition, { ifNoneMatch: '*' });
      },
    );
  }
  const known = new Set(versions.map(({ version }) => version));
  for (const [alias, version] of Object.entries(routing.aliases)) {
    if (!known.has(version))
      await report({
        key,
        model,
        version,
        problem: `the alias "${alias}" names version ${version}, which is not there or cannot be read`,
        fix: `Move it: perennial models promote ${model} VERSION --alias ${alias}`,
      });
  }
  return routing;
}

async function checkVersion(store: ObjectStore, manifest: VersionManifest, routing: Routing | undefined, report: Report): Promise<void> {
  const { name: model, version } = manifest;
  const wanted =
    routing !== undefined &&
    (Object.values(routing.aliases).includes(version) || routing.pin?.version === version || routing.previous[0] === version);
  const kinds = [
    ['model', manifest.model.digest, wanted],
    ...(manifest.evaluation === null ? [] : [['evaluation', manifest.evaluation.digest, false]]),
  ] as [string, string, boolean][];
  for (const [kind, digest, bytes] of kinds) {
    for (const problem of await problemsOfArtifact(store, digest, { bytes })) {
      await report({
        key: `artifacts/${digest}.json`,
        model,
        version,
        problem: `the ${kind} of version ${version}: ${problem}`,
        fix: `Restore the object from a copy of the store, or run pipeline "${manifest.pipeline}" again: what is broken is written anew.${wanted ? ` Until then promote or roll back to another version of ${model}.` : ''}`,
      });
    }
  }
}

/** A claim says which number an artifact has; without it the same artifact would get a second one. */
async function checkClaims(
  store: ObjectStore,
  model: string,
  versions: readonly VersionManifest[],
  keys: readonly string[],
  report: Report,
): Promise<void> {
  for (const key of keys.filter((one) => one.startsWith(`models/${model}/by-digest/`))) {
    const found = await unreadable(store, CLAIM, key);
    if (found === undefined) continue;
    const { problem } = found;
    if (found.newer) {
      await report({ key, model, problem, fix: NEWER });
      continue;
    }
    const owner = versions.find((manifest) => claimKey(model, manifest.model.digest) === key);
    const head = await store.head(key);
    const fix =
      owner === undefined
        ? 'No version that can be read has this artifact; restore the object from a copy of the store.'
        : `It is written anew from version ${owner.version}.`;
    await report(
      { key, model, problem, fix },
      owner === undefined
        ? undefined
        : async () => {
            await putJson(store, key, { formatVersion: 1, version: owner.version, id: owner.id }, { ifMatch: head!.etag });
          },
    );
  }
}

/** Kinds that are looked at model by model. */
const OF_MODELS = [MANIFEST, ROUTING, TRANSITION, CLAIM, INDEX_ENTRY];
const CONCURRENT = 8;

/** A record or log of any kind, at its own key. */
async function checkRecord(store: ObjectStore, key: string, kinds: readonly StoredKind<object>[], report: Report): Promise<void> {
  const kind = kinds.find((one) => liesAt(one, key)) ?? (key.endsWith('.json') ? ANY : undefined);
  if (kind === undefined) return;
  // Of what is made again by itself, older formats are none any more, and no harm.
  const found = await lookAt(store, kind, key);
  if (found === undefined) return;
  const { problem } = found;
  if (found.newer) return kind === ANY || kind.remade !== undefined ? undefined : report({ key, problem, fix: NEWER });
  if (kind.remade !== undefined) return report({ key, problem, fix: `It is removed: ${kind.remade}.` }, () => store.delete(key));
  await report({ key, problem, fix: kind.fix ?? 'Restore it from a copy of the store.' });
}

/** That an object is a record at all: what else it is, whoever knows it judges. */
const ANY: StoredKind<object> = defineStored({ name: 'record', formatVersion: 1, unmarked: 1, schema: OBJECT });

function lookAt(store: ObjectStore, kind: StoredKind<object>, key: string): ReturnType<typeof unreadable> {
  if (kind.read !== undefined) return unreadableObject(store, kind, key);
  return kind.lines === true ? unreadableLines(store, kind, key) : unreadable(store, kind.oldest === undefined ? kind : ANY, key);
}

async function unreadableObject(store: ObjectStore, { read, broken }: StoredKind<object>, key: string): ReturnType<typeof unreadable> {
  try {
    await read!(store, key);
    return undefined;
  } catch (error) {
    if (!isPerennialError(error, broken?.code ?? 'BLOB_CORRUPT')) throw error;
    return { problem: messageOf(error), newer: false };
  }
}

async function unreadableLines(store: ObjectStore, kind: StoredKind<object>, key: string): ReturnType<typeof unreadable> {
  const unread = new Unread();
  readLines(kind, new TextDecoder().decode((await store.get(key)).body), key, jsonIn, unread);
  const [problem] = unread.notes;
  return problem === undefined ? undefined : { problem, newer: false };
}

/** What is no JSON is told as the text that it is. */
function jsonIn(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return line;
  }
}

const NEWER = 'Nothing is changed: a newer version of Perennial wrote it. Use that one.';

/** What keeps a record from being read; `newer`: this version is too old for it. */
async function unreadable(
  store: ObjectStore,
  kind: StoredKind<object>,
  key: string,
): Promise<{ readonly problem: string; readonly newer: boolean } | undefined> {
  try {
    await getStored(store, kind, key);
    return undefined;
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return { problem: messageOf(error), newer: error.code === 'PIPELINE_OUTDATED' };
  }
}
