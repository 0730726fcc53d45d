import type { PlannedSink } from '../core/change.ts';
import type { ObjectStore } from '../core/ports.ts';
import { putJson } from '../storage/json-objects.ts';
import { OBJECT, TEXT, defineStored, getStored, isUnreadable, listOf, recordSchema } from '../storage/stored.ts';
import type { StoredKind } from '../storage/stored.ts';

/** `outbox/sinks/<pipeline>/<name>.json`: a sink that a document declares. Whoever changes something reads it, and lays the event ready. */
export interface SinkRecord extends PlannedSink {
  readonly formatVersion: 1;
  readonly pipeline: string;
  /** Models of the pipeline: whoever changes them knows of no pipeline. */
  readonly models: readonly string[];
  readonly documentDir: string;
  /** Since when it is told, ISO 8601 UTC. */
  readonly since: string;
}

/** {@link SinkRecord} as it is stored. */
export const SINK: StoredKind<SinkRecord> = defineStored({
  at: 'outbox/sinks/*/*.json',
  fix: 'Apply its document again.',
  name: 'sink of events',
  formatVersion: 1,
  schema: recordSchema(
    {
      name: TEXT,
      kind: TEXT,
      config: OBJECT,
      envelope: TEXT,
      envelopeConfig: OBJECT,
      of: { enum: ['pipeline', 'store'] },
      pipeline: TEXT,
      models: listOf(TEXT),
      documentDir: TEXT,
      since: TEXT,
    },
    { events: listOf(TEXT) },
  ),
});

const PREFIX = 'outbox/sinks/';

/** How commands name a sink: `<pipeline>/<name>`. */
export const sinkId = ({ pipeline, name }: Pick<SinkRecord, 'pipeline' | 'name'>): string => `${pipeline}/${name}`;
const keyOf = (id: string): string => `${PREFIX}${id}.json`;

/** All sinks of a store that can be read. @param problem is told of the others */
export async function readSinks(store: ObjectStore, problem: (error: unknown) => void = () => undefined): Promise<SinkRecord[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(PREFIX)) keys.push(key);
  const found = await Promise.all(
    keys.map(async (key) => {
      try {
        return (await getStored(store, SINK, key))?.value;
      } catch (error) {
        if (!isUnreadable(error)) throw error;
        problem(error);
        return undefined;
      }
    }),
  );
  return found.filter((sink) => sink !== undefined);
}

/** What has to be done to the sinks of a store so that they are those that documents declare. */
export interface SinkChange {
  /** `<pipeline>/publish/<name>`, beside the ids of schedules. */
  readonly id: string;
  readonly pipeline: string;
  readonly action: 'create' | 'update' | 'delete' | 'keep';
  readonly differences: readonly string[];
}

/** What a document declares. */
export interface DeclaredSinks {
  readonly pipeline: string;
  readonly models: readonly string[];
  readonly documentDir: string;
  readonly sinks: readonly PlannedSink[];
}

/**
 * Compares; nothing is changed yet.
 *
 * @param options prune: those of pipelines that are not among the declared ones go as well, or of those of them that it says yes to.
 * moved: pipelines that have another name now, whose sinks go. removes: false: none goes
 * @returns `carryOut` leaves those of pipelines that stay all the same
 */
export async function compareSinks(
  store: ObjectStore,
  declared: readonly DeclaredSinks[],
  {
    prune = false,
    moved = [],
    removes = true,
  }: { readonly prune?: boolean | ((pipeline: string) => boolean); readonly moved?: readonly string[]; readonly removes?: boolean } = {},
): Promise<{ readonly changes: readonly SinkChange[]; carryOut(stays?: (pipeline: string) => boolean): Promise<void> }> {
  const there = new Map((await readSinks(store)).map((sink) => [sinkId(sink), sink]));
  const desired = declared.flatMap(({ sinks, ...whose }) =>
    sinks.map((sink): SinkRecord => {
      const before = there.get(sinkId({ ...whose, name: sink.name }));
      return { formatVersion: 1, ...sink, ...whose, since: before?.since ?? new Date().toISOString() };
    }),
  );
  const changes: SinkChange[] = [];
  const work: { readonly pipeline: string; readonly removes: boolean; readonly go: () => Promise<unknown> }[] = [];
  for (const sink of desired) {
    const id = sinkId(sink);
    const before = there.get(id);
    const differences = differencesOf(before, sink);
    changes.push({
      id: shownId(sink),
      pipeline: sink.pipeline,
      action: before === undefined ? 'create' : differences.length > 0 ? 'update' : 'keep',
      differences,
    });
    if (before === undefined || differences.length > 0)
      work.push({ pipeline: sink.pipeline, removes: false, go: () => putJson(store, keyOf(id), sink) });
  }
  for (const [id, { pipeline, name }] of removes ? there : []) {
    if (desired.some((sink) => sinkId(sink) === id)) continue;
    const known = declared.some((document) => document.pipeline === pipeline);
    if (!known && !moved.includes(pipeline) && !(typeof prune === 'boolean' ? prune : prune(pipeline))) continue;
    const why = known
      ? `the document of "${pipeline}" no longer asks for it`
      : moved.includes(pipeline)
        ? 'its document has another name now'
        : `no document of "${pipeline}" was given`;
    changes.push({ id: shownId({ pipeline, name }), pipeline, action: 'delete', differences: [why] });
    work.push({ pipeline, removes: true, go: () => store.delete(keyOf(id)) });
  }
  return {
    changes,
    carryOut: async (stays = () => false) => {
      for (const { pipeline, removes, go } of work) if (!removes || !stays(pipeline)) await go();
    },
  };
}

/** Beside the ids of schedules; those whom "on.notify" names have their own place. */
const shownId = ({ pipeline, name }: Pick<SinkRecord, 'pipeline' | 'name'>): string =>
  name.startsWith('@') ? `${pipeline}/${name.slice(1)}` : `${pipeline}/publish/${name}`;

/** As lines of `apply`. Secrets stand as references. */
function differencesOf(before: SinkRecord | undefined, after: SinkRecord): string[] {
  const now = before === undefined ? {} : factsOf(before);
  return Object.entries(factsOf(after)).flatMap(([name, value]) =>
    now[name] === value ? [] : [before === undefined ? `${name}: ${value}` : `${name}: ${now[name] ?? '(none)'} → ${value}`],
  );
}

const factsOf = ({ kind, config, envelope, envelopeConfig, events, of, models, documentDir }: SinkRecord): Record<string, string> => ({
  to: `${kind} ${JSON.stringify(config)}`,
  as: `${envelope}${Object.keys(envelopeConfig).length === 0 ? '' : ` ${JSON.stringify(envelopeConfig)}`}`,
  events: events?.join(', ') ?? 'all',
  of,
  models: models.join(', '),
  folder: documentDir,
});

/** Takes a sink away, with what waits for it and what it refused. What it was sent goes with time. */
export async function forgetSink(store: ObjectStore, id: string): Promise<void> {
  await store.delete(keyOf(id));
  const left: string[] = [`outbox/state/${id}.json`];
  for (const state of ['pending', 'refused']) for await (const { key } of store.list(`outbox/${state}/${id}/`)) left.push(key);
  for (const key of left) await store.delete(key);
}
