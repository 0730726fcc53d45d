import { durationMs } from '../core/duration.ts';
import { isPerennialError } from '../core/errors.ts';
import type { ArtifactManifest } from '../core/artifact.ts';
import type { ObjectHead, ObjectStore } from '../core/ports.ts';
import { artifactKey, readManifest } from '../storage/artifact-store.ts';
import { REUSE_MS_MAX } from '../storage/blobs.ts';
import { mapLimited } from '../storage/concurrency.ts';
import { PerennialError } from '../core/errors.ts';
import { storeNow } from '../storage/store-clock.ts';
import { getReadable } from '../storage/stored.ts';
import { MANIFEST, ROUTING } from './documents.ts';
import { endedRollouts } from './ended-rollouts.ts';
import type { Routings } from './ended-rollouts.ts';
import { MODELS_PREFIX } from './keys.ts';
import { JOURNAL_PREFIX } from './outcomes.ts';
import type { Routing } from './types.ts';

export interface GcOptions {
  /** Deletes only with `false`. Default: true. */
  readonly dryRun?: boolean;
  /** Nothing younger is deleted: a run may be about to refer to it. At least a day. */
  readonly graceMs?: number;
  /** Cache entries younger than this keep what they refer to. */
  readonly cacheMs?: number;
  /**
   * Logged predictions that are older go, and so does what was told of them: no drift check looks so far back. Of models whose deployment
   * does not say how long it keeps them. At least a day.
   */
  readonly predictionsMs?: number;
  /** Logs of steps, curves of trainings, and checks for drift that are older go. At least a day. */
  readonly logsMs?: number;
  /** Events that other programs took longer ago go. At least a week: so far back a change may be told again, and is known by them. */
  readonly eventsMs?: number;
  /** What came of runs and checks longer ago goes: time lines look no further back. At least a week. */
  readonly journalMs?: number;
}

export interface GcItem {
  readonly key: string;
  readonly kind:
    | 'blob'
    | 'artifact'
    | 'cache entry'
    | 'prediction log'
    | 'step log'
    | 'training curves'
    | 'drift check'
    | 'ended rollout'
    | 'sent event'
    | 'journal entry'
    | 'announcement'
    | 'leftover';
  readonly size: number;
}

export interface GcResult {
  readonly dryRun: boolean;
  /** What is, or would be, deleted. */
  readonly items: readonly GcItem[];
  readonly bytes: number;
  readonly kept: {
    readonly blobs: number;
    readonly artifacts: number;
    readonly cacheEntries: number;
    readonly predictionLogs: number;
    readonly stepLogs: number;
    readonly trainingCurves: number;
    readonly driftChecks: number;
    /** Those that go on included. */
    readonly rollouts: number;
    readonly sentEvents: number;
    readonly journalEntries: number;
    readonly announcements: number;
  };
}

/** Twice what {@link REUSE_MS_MAX} lets a writer reuse: an object that a running step counts on is never old enough. */
const GRACE_MS_MIN = 2 * REUSE_MS_MAX;
const DAY_MS = 24 * 3_600_000;
const CACHE_MS = 30 * DAY_MS;
/** Of logs: a season, which is as far as people look back. */
export const LOGS_MS = 90 * DAY_MS;
/** Sent events: long enough to find out what a receiver made of them. */
export const EVENTS_MS = 30 * DAY_MS;
const EVENTS_MS_MIN = 7 * DAY_MS;
/** The journal: two years, so that a year can be set beside the one before. */
export const JOURNAL_MS = 730 * DAY_MS;
const JOURNAL_MS_MIN = 7 * DAY_MS;
/** A server that lives announces itself every few seconds. */
const ANNOUNCED_MS = 3_600_000;
/** No run goes for longer. */
const RUN_MS = 30 * DAY_MS;
const CONCURRENT = 16;
/** Larger objects are data, not documents that refer to something. */
const DOCUMENT_BYTES_MAX = 4 * 1024 * 1024;
const DIGEST = /(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g;

/**
 * Finds blobs, artifacts and cache entries that nothing refers to, logs that are older than they are kept, and what killed servers
 * and checks left, and deletes them unless it is a dry run.
 *
 * What counts as a reference is generous on purpose: every digest that stands in any JSON object of the store (version manifests,
 * routing, cache entries that are young enough, documents of other parts), and every digest in the manifest of an artifact that is
 * referred to. Deleted versions count no more.
 *
 * @throws USAGE for a grace period below a day.
 */
export async function collectGarbage(store: ObjectStore, options: GcOptions = {}): Promise<GcResult> {
  const {
    dryRun = true,
    graceMs = GRACE_MS_MIN,
    cacheMs = CACHE_MS,
    predictionsMs = LOGS_MS,
    logsMs = LOGS_MS,
    eventsMs = EVENTS_MS,
    journalMs = JOURNAL_MS,
  } = options;
  for (const [what, ms] of [
    ['prediction log', predictionsMs],
    ['step logs', logsMs],
  ] as const)
    if (!(ms >= DAY_MS)) throw new PerennialError('USAGE', `The ${what} would be kept for ${ms / DAY_MS} days; it must be at least one.`);
  if (!(eventsMs >= EVENTS_MS_MIN))
    throw new PerennialError('USAGE', `Sent events would be kept for ${eventsMs / DAY_MS} days; it must be at least seven.`);
  if (!(journalMs >= JOURNAL_MS_MIN))
    throw new PerennialError('USAGE', `The journal would be kept for ${journalMs / DAY_MS} days; it must be at least seven.`);
  if (graceMs < GRACE_MS_MIN)
    throw new PerennialError(
      'USAGE',
      `The grace period is ${graceMs / 3_600_000} h; it must be at least ${GRACE_MS_MIN / 3_600_000} h, since a running step may count on younger objects.`,
    );
  const now = await storeNow(store, 0);
  const inventory = await takeInventory(store);
  const expired = (head: ObjectHead, age: number): boolean => now - head.modifiedAt > age;
  const liveCache = inventory.cache.filter((head) => !expired(head, Math.max(cacheMs, graceMs)));
  const routings = await readRoutings(store, inventory);
  const referenced = await references(store, inventory, { roots: [...inventory.documents, ...liveCache], routings });
  const unreferenced = (head: ObjectHead, digest: string): boolean => !referenced.has(digest) && expired(head, graceMs);
  const artifacts = inventory.artifacts.filter((head) => unreferenced(head, digestOf(head.key)));
  const blobs = inventory.blobs.filter((head) => unreferenced(head, digestOf(head.key)));
  const cache = inventory.cache.filter((head) => expired(head, Math.max(cacheMs, graceMs)));
  const rollouts = await endedRollouts(store, inventory, routings, (head) => expired(head, logsMs));
  const logs = [
    ['prediction log', inventory.predictions.filter(isOldPrediction(routings, { now, predictionsMs }))],
    ['step log', inventory.logs.filter((head) => expired(head, logsMs))],
    ['training curves', inventory.curves.filter((head) => expired(head, logsMs))],
    ['drift check', inventory.checks.filter((head) => expired(head, logsMs))],
    ['ended rollout', rollouts],
    ['sent event', inventory.sentEvents.filter((head) => expired(head, eventsMs))],
    ['journal entry', inventory.journal.filter((head) => expired(head, journalMs))],
    ['announcement', inventory.servers.filter((head) => expired(head, ANNOUNCED_MS))],
    [
      'leftover',
      [
        ...inventory.probes.filter((head) => expired(head, DAY_MS)),
        ...inventory.bases.filter((head) => expired(head, Math.max(logsMs, RUN_MS))),
        ...inventory.scorings.filter((head) => expired(head, RUN_MS)),
      ],
    ],
  ] as const;
  const item =
    (kind: GcItem['kind']) =>
    ({ key, size }: ObjectHead): GcItem => ({ key, kind, size });
  // Whoever refers goes before what is referred to: an interrupted collection leaves nothing that points at nothing.
  const items = [
    ...cache.map(item('cache entry')),
    ...artifacts.map(item('artifact')),
    ...blobs.map(item('blob')),
    ...logs.flatMap(([kind, heads]) => heads.map(item(kind))),
  ];
  if (!dryRun) await remove(store, [cache, artifacts, blobs, ...logs.map(([, heads]) => heads)]);
  const keptOf = (all: readonly ObjectHead[], kind: GcItem['kind']): number => all.length - items.filter((one) => one.kind === kind).length;
  return {
    dryRun,
    items,
    bytes: items.reduce((sum, { size }) => sum + size, 0),
    kept: {
      blobs: inventory.blobs.length - blobs.length,
      artifacts: inventory.artifacts.length - artifacts.length,
      cacheEntries: inventory.cache.length - cache.length,
      predictionLogs: keptOf(inventory.predictions, 'prediction log'),
      stepLogs: keptOf(inventory.logs, 'step log'),
      trainingCurves: keptOf(inventory.curves, 'training curves'),
      driftChecks: keptOf(inventory.checks, 'drift check'),
      rollouts: keptOf([...inventory.rollouts, ...inventory.rolloutCounts], 'ended rollout'),
      sentEvents: keptOf(inventory.sentEvents, 'sent event'),
      journalEntries: keptOf(inventory.journal, 'journal entry'),
      announcements: keptOf(inventory.servers, 'announcement'),
    },
  };
}

/** As long as the deployment of the model says. Where that cannot be read, nothing of the model goes. */
function isOldPrediction(
  routings: Routings,
  { now, predictionsMs }: { readonly now: number; readonly predictionsMs: number },
): (head: ObjectHead) => boolean {
  const kept = new Map<string, number>();
  for (const [folder, routing] of routings) {
    const model = folder.slice(MODELS_PREFIX.length, -1);
    const keep = routing?.predictionLog?.keep;
    if (routing === undefined) kept.set(model, Infinity);
    else if (keep !== undefined) kept.set(model, durationMs(keep));
  }
  return ({ key, modifiedAt }) => {
    const [, model, day] = /^(?:predictions|feedback)\/(.+)\/(\d{4}-\d\d-\d\d)\/[^/]+$/.exec(key) ?? [];
    // What was packed is as old as the day that it is of.
    const end = key.endsWith('.parquet') && day !== undefined ? Date.parse(day) + DAY_MS : Infinity;
    return now - Math.min(modifiedAt, end) > (kept.get(model ?? '') ?? predictionsMs);
  };
}

async function readRoutings(store: ObjectStore, { documents }: Inventory): Promise<Routings> {
  const routings = new Map<string, Routing | undefined>();
  for (const { key } of documents)
    if (key.startsWith(MODELS_PREFIX) && key.endsWith('/routing.json'))
      routings.set(key.slice(0, -'routing.json'.length), await getReadable(store, ROUTING, key));
  return routings;
}

interface Inventory {
  readonly blobs: ObjectHead[];
  readonly artifacts: ObjectHead[];
  readonly cache: ObjectHead[];
  readonly documents: ObjectHead[];
  readonly predictions: ObjectHead[];
  /** Of steps, and what these were computed with. */
  readonly logs: ObjectHead[];
  readonly curves: ObjectHead[];
  /** Checks for drift: each stands for itself, and refers to nothing. */
  readonly checks: ObjectHead[];
  readonly servers: ObjectHead[];
  /** Records of rollouts, and what servers counted for each. */
  readonly rollouts: ObjectHead[];
  readonly rolloutCounts: ObjectHead[];
  /** Events that other programs took. */
  readonly sentEvents: ObjectHead[];
  /** What came of runs and checks. */
  readonly journal: ObjectHead[];
  /** What checks of the store left that were killed. */
  readonly probes: ObjectHead[];
  /** What runs started from: asked for as long as the run goes. */
  readonly bases: ObjectHead[];
  /** Parts of scorings that were given up: a scoring that ends takes its own away. */
  readonly scorings: ObjectHead[];
}

async function takeInventory(store: ObjectStore): Promise<Inventory> {
  const inventory: Inventory = {
    blobs: [],
    artifacts: [],
    cache: [],
    documents: [],
    predictions: [],
    logs: [],
    curves: [],
    checks: [],
    servers: [],
    rollouts: [],
    rolloutCounts: [],
    sentEvents: [],
    journal: [],
    probes: [],
    bases: [],
    scorings: [],
  };
  for await (const head of store.list('')) {
    if (head.key.startsWith('blobs/')) inventory.blobs.push(head);
    else if (head.key.startsWith('artifacts/')) inventory.artifacts.push(head);
    else if (head.key.startsWith('cache/')) inventory.cache.push(head);
    else if (head.key.startsWith('predictions/') || head.key.startsWith('feedback/')) inventory.predictions.push(head);
    else if (head.key.startsWith('logs/') || head.key.startsWith('records/')) inventory.logs.push(head);
    else if (head.key.startsWith('curves/')) inventory.curves.push(head);
    else if (/^drift\/.+\/checks\/[^/]+$/.test(head.key)) inventory.checks.push(head);
    else if (/^models\/[^/]+\/rollouts\//.test(head.key)) inventory.rollouts.push(head);
    else if (/^models\/[^/]+\/rollout-counts\//.test(head.key)) inventory.rolloutCounts.push(head);
    else if (head.key.startsWith(JOURNAL_PREFIX)) inventory.journal.push(head);
    else if (head.key.startsWith('outbox/')) {
      // What waits or was refused stays until it is sent; and no event keeps alive what it speaks of.
      if (head.key.startsWith('outbox/sent/')) inventory.sentEvents.push(head);
    } else if (head.key.startsWith('servers/')) inventory.servers.push(head);
    else if (head.key.startsWith('probe/')) inventory.probes.push(head);
    else if (head.key.startsWith('scoring/')) inventory.scorings.push(head);
    else if (head.key.startsWith('bases/')) inventory.bases.push(head);
    else if (head.key.endsWith('.json') && head.size <= DOCUMENT_BYTES_MAX) inventory.documents.push(head);
  }
  return inventory;
}

async function references(
  store: ObjectStore,
  inventory: Inventory,
  { roots, routings }: { readonly roots: readonly ObjectHead[]; readonly routings: Routings },
): Promise<Set<string>> {
  const skipped = await keysOfDeletedVersions(store, roots, routings);
  const found = new Set<string>();
  await mapLimited(roots, CONCURRENT, async ({ key }) => {
    if (skipped.has(key)) return;
    const text = await readText(store, key);
    for (const [digest] of text.matchAll(DIGEST)) found.add(digest);
  });
  await followManifests(store, inventory, found);
  return found;
}

/** A model refers to its dataset, an evaluation to its model: what an artifact stands on is kept with it. */
async function followManifests(store: ObjectStore, inventory: Inventory, found: Set<string>): Promise<void> {
  const known = new Set(inventory.artifacts.map((head) => digestOf(head.key)));
  let open = [...found].filter((digest) => known.has(digest));
  while (open.length > 0) {
    const manifests = await mapLimited(open, CONCURRENT, (digest) => readIfPresent(store, digest));
    const fresh = new Set<string>();
    for (const manifest of manifests) {
      for (const [digest] of JSON.stringify(manifest ?? null).matchAll(DIGEST)) if (!found.has(digest)) fresh.add(digest);
    }
    for (const digest of fresh) found.add(digest);
    open = [...fresh].filter((digest) => known.has(digest));
  }
}

/** A damaged one keeps what its text still names. */
async function readIfPresent(store: ObjectStore, digest: string): Promise<ArtifactManifest | string | undefined> {
  try {
    return await readManifest(store, digest);
  } catch (error) {
    if (isPerennialError(error, 'OBJECT_NOT_FOUND')) return undefined;
    if (isPerennialError(error, 'BLOB_CORRUPT')) return readText(store, artifactKey(digest));
    throw error;
  }
}

/** Manifests and claims of deleted versions stay, to hold their numbers, but keep nothing alive. */
async function keysOfDeletedVersions(store: ObjectStore, roots: readonly ObjectHead[], routings: Routings): Promise<Set<string>> {
  const skipped = new Set<string>();
  for (const [folder, routing] of routings) {
    for (const version of routing?.deleted ?? []) {
      const versionKey = `${folder}versions/${version}.json`;
      const manifest = await getReadable(store, MANIFEST, versionKey);
      skipped.add(versionKey);
      skipped.add(`${folder}cards/${version}.json`);
      if (manifest !== undefined) skipped.add(`${folder}by-digest/${manifest.model.digest}.json`);
      for (const kept of ['exports', 'prepared'])
        for (const root of roots) if (root.key.startsWith(`${folder}${kept}/${version}/`)) skipped.add(root.key);
    }
  }
  return skipped;
}

async function readText(store: ObjectStore, key: string): Promise<string> {
  try {
    return `${key}\n${Buffer.from((await store.get(key)).body).toString('utf8')}`;
  } catch (error) {
    // Deleted since it was listed: a cache entry, or a server that stopped.
    if (isPerennialError(error, 'OBJECT_NOT_FOUND')) return '';
    throw error;
  }
}

async function remove(store: ObjectStore, groups: readonly (readonly ObjectHead[])[]): Promise<void> {
  for (const group of groups) {
    await mapLimited(group, CONCURRENT, async (head) => {
      // Written again since it was listed: somebody wants it.
      const current = await store.head(head.key);
      if (current !== undefined && current.etag === head.etag && current.modifiedAt === head.modifiedAt) await store.delete(head.key);
    });
  }
}

function digestOf(key: string): string {
  const name = key.slice(key.lastIndexOf('/') + 1).replace(/\.json$/, '');
  return key === artifactKey(name) || key.startsWith('blobs/') ? name : key;
}
