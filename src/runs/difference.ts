import { readFile } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { documentChanges, valuesOf } from '../config/document-changes.ts';
import type { ValueChange } from '../config/document-changes.ts';
import { PerennialError } from '../core/errors.ts';
import type { Plan } from '../core/plan.ts';
import type { ObjectStore } from '../core/ports.ts';
import type { StepDefinition } from '../core/step.ts';
import { compareSinks, readSinks } from '../events/sink-records.ts';
import { versionsPrefix } from '../registry/keys.ts';
import { readRouting } from '../registry/routing.ts';
import { mapLimited } from '../storage/concurrency.ts';
import { readApplied } from './applied.ts';
import type { AppliedRecord } from './applied.ts';
import { carryOut } from './carry-out.ts';
import type { Temporal } from './connect.ts';
import type { Declared } from './declared.ts';
import { declaredSinks } from './declared-sinks.ts';
import { compareSchedules, surveySchedules } from './reconcile.ts';
import type { HandChange, ScheduleChange } from './reconcile.ts';
import { findRenames } from './renames.ts';
import type { NamedDocument } from './renames.ts';
import { promotes, routingState } from './routing-changes.ts';
import type { RoutingState } from './routing-changes.ts';
import { findOurs } from './schedule-marks.ts';
import type { Marked } from './schedule-marks.ts';
import { modelOf, modelsOf } from './search-attributes.ts';
import { refuseCircles } from './version-circles.ts';

/** From when on a changed value holds, once it is applied. */
export type Holds = 'now' | 'nextRun' | 'nextDeployment';

/** What has to be done so that a pipeline lives as its document says. */
export interface PipelineDifference {
  readonly pipeline: string;
  readonly action: 'create' | 'change' | 'rename' | 'remove' | 'unchanged';
  /** Where its document lies, or lay; null: not known. */
  readonly file: string | null;
  /** Its name before, where it has another one now. */
  readonly from?: string;
  /** When it was applied last, and by whom; null: not known. */
  readonly applied: { readonly at: string; readonly who: string } | null;
  /** Of the document, against what was applied. */
  readonly values: readonly (ValueChange & { readonly holds: Holds })[];
  /** Its schedules and sinks. */
  readonly parts: readonly ScheduleChange[];
  /** What is not as it was applied. */
  readonly byHand: readonly HandChange[];
  readonly notes: readonly string[];
}

export interface Difference {
  readonly pipelines: readonly PipelineDifference[];
  readonly summary: Readonly<Record<'create' | 'change' | 'rename' | 'remove' | 'unchanged' | 'byHand', number>>;
  /** Whether anything is not as the documents say. */
  readonly differs: boolean;
  /** Names of pipelines that go, of those that `prune` lets go. */
  readonly pruned: readonly string[];
  /** Pipelines of documents that lie elsewhere: nothing is done about them. */
  readonly elsewhere: readonly NamedDocument[];
  /** Does it, and remembers it. What people did to the routing stays. */
  carryOut(): Promise<void>;
}

export interface DifferenceOptions {
  /** Absolute paths: what was applied from there and is there no more is to be removed. */
  readonly folders?: readonly string[];
  /** Files of them that are no documents, and why: one that was applied is broken, and not gone. */
  readonly leftOut?: readonly { readonly path: string; readonly why: string }[];
  /** Remove what is to be removed; without folders whatever none of the documents is of. */
  readonly prune?: boolean;
  /** Old names by new ones, where nothing else tells that a document was renamed. */
  readonly renamed?: ReadonlyMap<string, string>;
  /** Who applies, for the record. */
  readonly who: string;
  /** Has to be true before anything is changed; throws otherwise. */
  readonly mayStill?: () => void;
}

type Steps = readonly Pick<StepDefinition, 'type' | 'version' | 'heavy'>[];
type Known = NamedDocument & { readonly likeness?: string };

const AT_ONCE = 16;

/**
 * Compares documents with what lives: Temporal's Schedules, the sinks of events, the routing, and what was applied last. Nothing is
 * changed yet.
 *
 * @param store undefined: it cannot be opened from here, so that neither sinks nor what was applied is known
 * @throws TEMPORAL_UNAVAILABLE; DOCUMENT_INVALID for a schedule that Temporal refuses, for an applied document that is there and is none
 * any more, and for pipelines that start each other for ever; USAGE for names that nothing is of; STORE_…
 */
export async function compareDeclared(
  temporal: Temporal,
  store: ObjectStore | undefined,
  declared: readonly Declared[],
  steps: Steps,
  options: DifferenceOptions,
): Promise<Difference> {
  const [listed, applied, sinks] = await Promise.all([
    surveySchedules(temporal),
    store === undefined ? new Map<string, AppliedRecord>() : readApplied(store),
    store === undefined ? [] : readSinks(store),
  ]);
  const there = await withUnlisted(temporal, listed, applied);
  const known = knownOf(there, applied, sinks);
  const renamed = await renamesOf(declared, known, options);
  const given = new Set(declared.map(({ plan }) => plan.pipeline));
  const oldNames = new Map([...renamed].map(([to, from]) => [from, to]));
  const gone = known.filter(({ pipeline }) => !given.has(pipeline) && !oldNames.has(pipeline));
  const { folders = [], prune = false } = options;
  const toRemove = gone.filter((one) => (folders.length === 0 ? prune : liesIn(folders, one.file)));
  refuseBroken(toRemove, options.leftOut ?? []);
  const leaving = new Set(toRemove.map(({ pipeline }) => pipeline));
  refuseCircles(
    declared.map(({ plan, file, document }) => ({ pipeline: plan.pipeline, file, document, models: modelsOf(plan) })),
    [...applied.values()].filter(({ pipeline }) => !given.has(pipeline) && !oldNames.has(pipeline) && !leaving.has(pipeline)),
  );
  const whyGone = (pipeline: string): string =>
    folders.length === 0 ? `no document of "${pipeline}" was given` : `its document is gone: ${fileOf(known, pipeline) ?? 'not known'}`;
  const plans = declared.map(({ plan }) => plan);
  const schedules = await compareSchedules(temporal, plans, steps, {
    there,
    renamed,
    files: new Map(declared.map(({ plan, file }) => [plan.pipeline, file])),
    made: new Set([...applied.values()].flatMap((record) => record.schedules)),
    remove: (pipeline) => (leaving.has(pipeline) ? whyGone(pipeline) : undefined),
  });
  const sinkChanges =
    store === undefined
      ? undefined
      : await compareSinks(store, plans.map(declaredSinks), {
          prune: (pipeline) => leaving.has(pipeline),
          moved: [...renamed.values()],
        });
  const routings = store === undefined ? new Map<string, RoutingState>() : await routingsOf(store, declared, applied);
  const old = store === undefined ? new Map<string, string[]>() : await formerModels(store, declared, applied, renamed);
  const byPipeline = new Map<string, ScheduleChange[]>();
  for (const change of [...schedules.changes, ...(sinkChanges?.changes ?? [])]) {
    const name = oldNames.get(change.pipeline) ?? change.pipeline;
    byPipeline.set(name, [...(byPipeline.get(name) ?? []), change]);
  }
  const pipelines = [
    ...declared.map((one): PipelineDifference => {
      const { pipeline } = one.plan;
      const from = renamed.get(pipeline);
      return declaredDifference(one, {
        from,
        record: applied.get(from ?? pipeline),
        lives: applied.has(pipeline) || there.some(({ mark }) => mark.pipeline === pipeline),
        parts: byPipeline.get(pipeline) ?? [],
        routing: routings.get(pipeline),
        left: old.get(pipeline) ?? [],
      });
    }),
    ...(await mapLimited(toRemove, AT_ONCE, async ({ pipeline }): Promise<PipelineDifference> => ({
      pipeline,
      action: 'remove',
      file: fileOf(known, pipeline) ?? null,
      applied: appliedOf(applied.get(pipeline)),
      values: [],
      parts: byPipeline.get(pipeline) ?? [],
      byHand: [],
      notes: store === undefined ? [] : await notesOfRemoved(store, applied.get(pipeline), whyGone(pipeline)),
    }))),
  ];
  const count = (action: PipelineDifference['action']): number => pipelines.filter((one) => one.action === action).length;
  const byHand = pipelines.filter((one) => one.byHand.length > 0).length;
  const unchanged = count('unchanged');
  return {
    pipelines,
    summary: { create: count('create'), change: count('change'), rename: count('rename'), remove: count('remove'), unchanged, byHand },
    differs: unchanged < pipelines.length || byHand > 0,
    pruned: prune ? [...leaving] : [],
    elsewhere: folders.length === 0 ? [] : gone.filter(({ pipeline }) => !leaving.has(pipeline)),
    carryOut: () =>
      carryOut({
        store,
        declared,
        applied,
        renamed,
        routings,
        schedules,
        sinks: sinkChanges,
        leaving,
        prune,
        who: options.who,
        mayStill: options.mayStill ?? (() => undefined),
      }),
  };
}

/** Temporal lists a schedule some time after it was made: those that were applied are asked for by their names. */
async function withUnlisted(temporal: Temporal, listed: readonly Marked[], applied: ReadonlyMap<string, AppliedRecord>): Promise<Marked[]> {
  const ids = new Set(listed.map(({ id }) => id));
  const missing = [...applied.values()].flatMap(({ schedules }) => schedules).filter((id) => !ids.has(id));
  const found = await mapLimited(missing, AT_ONCE, (id) => findOurs(temporal, id));
  return [...listed, ...found.filter((one) => one !== undefined)];
}

function knownOf(
  there: readonly Marked[],
  applied: ReadonlyMap<string, AppliedRecord>,
  sinks: readonly { readonly pipeline: string; readonly documentDir: string }[],
): Known[] {
  const known = new Map<string, Known>();
  // Of a pipeline that was only run so much is known: its folder.
  for (const { pipeline, documentDir } of sinks) known.set(pipeline, { pipeline, file: `${documentDir}${sep}?` });
  for (const { mark } of there) {
    const file = mark.facts.file ?? known.get(mark.pipeline)?.file;
    known.set(mark.pipeline, { pipeline: mark.pipeline, file });
  }
  for (const { pipeline, file, likeness } of applied.values()) known.set(pipeline, { pipeline, file, likeness });
  return [...known.values()].sort((a, b) => (a.pipeline < b.pipeline ? -1 : 1));
}

const fileOf = (known: readonly Known[], pipeline: string): string | undefined => {
  const file = known.find((one) => one.pipeline === pipeline)?.file;
  return file?.endsWith(`${sep}?`) === true ? file.slice(0, -2) : file;
};

const liesIn = (folders: readonly string[], file: string | undefined): boolean =>
  file !== undefined && folders.some((folder) => file.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`));

/**
 * A file that was emptied by a full disk, or a link whose target is away, is no wish to remove what is applied.
 *
 * @throws DOCUMENT_INVALID
 */
function refuseBroken(toRemove: readonly Known[], leftOut: readonly { readonly path: string; readonly why: string }[]): void {
  const why = new Map(leftOut.map((one) => [resolve(one.path), one.why]));
  const broken = toRemove.filter(({ file }) => file !== undefined && why.has(file));
  if (broken.length === 0) return;
  throw new PerennialError(
    'DOCUMENT_INVALID',
    broken
      .map(({ pipeline, file }) => `${file!}: "${pipeline}" was applied from here, and it is no document any more (${why.get(file!)!}).`)
      .join('\n'),
    { hint: 'Restore it; where the pipeline is to go, remove the file.' },
  );
}

/** @throws USAGE for a name that was told and nothing is of */
async function renamesOf(
  declared: readonly Declared[],
  known: readonly Known[],
  { folders = [], renamed: told = new Map<string, string>() }: DifferenceOptions,
): Promise<Map<string, string>> {
  const documents = declared.map(({ plan, file, document }) => ({ pipeline: plan.pipeline, file, document }));
  const given = new Set(documents.map(({ pipeline }) => pipeline));
  for (const [to, from] of told) {
    const problem = !given.has(to)
      ? `none of the documents is named "${to}"`
      : given.has(from)
        ? `a document named "${from}" was given, too`
        : known.some(({ pipeline }) => pipeline === from)
          ? undefined
          : `nothing was applied as "${from}"; there is ${known.map(({ pipeline }) => pipeline).join(', ') || 'nothing'}`;
    if (problem !== undefined)
      throw new PerennialError('USAGE', `--move ${from}=${to}: ${problem}.`, { hint: 'Name the old and the new name: --move OLD=NEW.' });
  }
  const gone = new Set<string>();
  for (const one of known) if (!given.has(one.pipeline) && (liesIn(folders, one.file) || !(await isNamedSo(one)))) gone.add(one.pipeline);
  return findRenames(documents, known, ({ pipeline }) => gone.has(pipeline), told);
}

/** Whether a document of this name still lies there. */
async function isNamedSo({ file, pipeline }: NamedDocument): Promise<boolean> {
  if (file === undefined) return true;
  try {
    return (JSON.parse(await readFile(file, 'utf8')) as { name?: unknown } | null)?.name === pipeline;
  } catch (error) {
    // One that cannot be read, or is being written, may be it.
    return !['ENOENT', 'ENOTDIR'].includes(String((error as NodeJS.ErrnoException).code));
  }
}

async function routingsOf(
  store: ObjectStore,
  declared: readonly Declared[],
  applied: ReadonlyMap<string, AppliedRecord>,
): Promise<Map<string, RoutingState>> {
  const found = await mapLimited(declared, AT_ONCE, async ({ plan, file }) => {
    const model = modelOf(plan);
    if (model === undefined) return undefined;
    const since = applied.get(plan.pipeline)?.routing[model];
    const state = await routingState(store, model, file, since);
    return [plan.pipeline, promotes(plan) ? state : { ...state, byHand: [] }] as const;
  });
  return new Map(found.filter((one) => one !== undefined));
}

/** By pipeline: models that it made versions of before, and makes none of any more. */
async function formerModels(
  store: ObjectStore,
  declared: readonly Declared[],
  applied: ReadonlyMap<string, AppliedRecord>,
  renamed: ReadonlyMap<string, string>,
): Promise<Map<string, string[]>> {
  const found = await mapLimited(declared, AT_ONCE, async ({ plan }): Promise<[string, string[]]> => {
    const before = renamed.get(plan.pipeline);
    const models = applied.get(before ?? plan.pipeline)?.models ?? (before === undefined ? [] : [before]);
    const left: string[] = [];
    for (const model of models) if (!modelsOf(plan).includes(model) && (await hasVersions(store, model))) left.push(model);
    return [plan.pipeline, left];
  });
  return new Map(found.filter(([, left]) => left.length > 0));
}

async function hasVersions(store: ObjectStore, model: string): Promise<boolean> {
  for await (const _ of store.list(versionsPrefix(model))) return true;
  return false;
}

interface Found {
  readonly from: string | undefined;
  readonly record: AppliedRecord | undefined;
  readonly lives: boolean;
  readonly parts: readonly ScheduleChange[];
  readonly routing: RoutingState | undefined;
  /** Models that were its own before, and have versions. */
  readonly left: readonly string[];
}

function declaredDifference({ plan, file, document }: Declared, { from, record, lives, parts, routing, left }: Found): PipelineDifference {
  const { pipeline } = plan;
  const rollout = routing?.routing?.rollout;
  const values =
    record === undefined
      ? lives || from !== undefined
        ? []
        : valuesOf(document['on'] ?? {}, 'on').filter(({ path }) => path !== 'on')
      : documentChanges(record.document, document);
  const notes: string[] = [];
  const model = modelOf(plan);
  if (record !== undefined && record.file !== file) notes.push(`its document lies at ${file} now; it was ${record.file}`);
  if (left.length > 0)
    notes.push(
      `its model is ${model === undefined ? 'none' : `"${model}"`} now: the versions of "${left.join('", "')}" stay where they are; "model": "${left[0]}" in the register step goes on with it`,
    );
  const held = values.map((value) => ({ ...value, holds: holdsFrom(plan, value.path) }));
  if (rollout !== undefined && held.some(({ path }) => isStrategy(plan, path)))
    notes.push(`the rollout of version ${rollout.candidate} that goes on keeps the strategy that it began with`);
  const byHand = [...parts.flatMap((part) => part.byHand ?? []), ...(routing?.byHand ?? [])];
  const differs = held.length > 0 || notes.length > 0 || parts.some(({ action }) => action !== 'keep');
  return {
    pipeline,
    action: from !== undefined ? 'rename' : !lives ? 'create' : differs ? 'change' : 'unchanged',
    file,
    ...(from === undefined ? {} : { from }),
    applied: appliedOf(record),
    values: held,
    parts,
    byHand,
    notes,
  };
}

const appliedOf = (record: AppliedRecord | undefined): PipelineDifference['applied'] =>
  record === undefined ? null : { at: record.at, who: record.who };

/** How a model is served, said by the step that deploys it. */
const SERVING = new Set(['fallback', 'predictionLog', 'limits', 'targets', 'strategy']);

/** What starts by itself is other at once; runs that go on stay as they began, and so is what serves. */
function holdsFrom(plan: Plan, path: string): Holds {
  if (path === 'on' || path.startsWith('on.')) return 'now';
  const setting = deploySetting(plan, path);
  return setting !== undefined && SERVING.has(setting) ? 'nextDeployment' : 'nextRun';
}

const isStrategy = (plan: Plan, path: string): boolean => deploySetting(plan, path) === 'strategy';

function deploySetting(plan: Plan, path: string): string | undefined {
  const [, id, setting] = /^steps\.([\w$-]+)\.with\.([\w$-]+)/.exec(path) ?? [];
  return plan.steps.find((step) => step.id === id)?.type === 'deploy' ? setting : undefined;
}

/** What of a pipeline stays that is removed. */
async function notesOfRemoved(store: ObjectStore, record: AppliedRecord | undefined, why: string): Promise<string[]> {
  const notes = [why];
  for (const model of record?.models ?? []) {
    const routing = (await readRouting(store, model))?.routing;
    if (routing === undefined) continue;
    notes.push(`the versions of its model "${model}" stay, and the champion goes on to answer`);
    if (routing.rollout !== undefined)
      notes.push(
        `the rollout of ${model} version ${routing.rollout.candidate} goes on to its end; \`perennial models rollout abort ${model}\` ends it`,
      );
  }
  return notes;
}
