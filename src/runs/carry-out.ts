import type { ObjectStore } from '../core/ports.ts';
import { triggerRegistry } from '../monitoring/triggers/index.generated.ts';
import { forgetApplied, forgetTriggers, likenessOf, moveKept, writeApplied } from './applied.ts';
import type { AppliedRecord } from './applied.ts';
import type { Declared } from './declared.ts';
import type { ScheduleChange } from './reconcile.ts';
import type { RoutingState } from './routing-changes.ts';
import { modelOf, modelsOf } from './search-attributes.ts';

/** What was found to be done about one kind of part. */
interface Changes {
  /** @param stays pipelines that are left alone */
  carryOut(stays: (pipeline: string) => boolean): Promise<void>;
}

/** What has to be done, and by whom. */
export interface Work {
  /** undefined: it cannot be opened from here, so that only schedules are changed. */
  readonly store: ObjectStore | undefined;
  readonly declared: readonly Declared[];
  readonly applied: ReadonlyMap<string, AppliedRecord>;
  /** Old names by new ones. */
  readonly renamed: ReadonlyMap<string, string>;
  readonly routings: ReadonlyMap<string, RoutingState>;
  readonly schedules: Changes & { readonly changes: readonly ScheduleChange[] };
  readonly sinks: Changes | undefined;
  /** Pipelines that no document is of any more. */
  readonly leaving: ReadonlySet<string>;
  /** Whether these go. */
  readonly prune: boolean;
  readonly who: string;
  /** Throws where nothing may be changed any more. */
  readonly mayStill: () => void;
}

/**
 * Makes what lives as the documents say, and remembers it. In this order, so that an apply that is ended in between is done again by
 * the next one: schedules, sinks, what moves or goes, and the record last.
 */
export async function carryOut(work: Work): Promise<void> {
  const { store, schedules, sinks, leaving, prune, mayStill } = work;
  const stays = (pipeline: string): boolean => !prune && leaving.has(pipeline);
  mayStill();
  await schedules.carryOut(stays);
  if (store === undefined || sinks === undefined) return;
  mayStill();
  await sinks.carryOut(stays);
  await moveRenamed(store, work);
  await forgetEndedTriggers(store, work);
  for (const from of work.renamed.values()) await forget(store, work, from);
  mayStill();
  const at = new Date().toISOString();
  await writeApplied(
    store,
    work.declared.map((one) => recordOf(one, work, at)),
    work.applied,
  );
  for (const pipeline of prune ? leaving : []) await forget(store, work, pipeline);
}

async function moveRenamed(store: ObjectStore, { renamed, applied, declared }: Work): Promise<void> {
  for (const [to, from] of renamed) {
    const models = [...(applied.get(from)?.models ?? [from]), ...modelsOf(declared.find(({ plan }) => plan.pipeline === to)!.plan)];
    await moveKept(store, from, to, [...new Set(models)]);
  }
}

async function forgetEndedTriggers(store: ObjectStore, { declared, schedules }: Work): Promise<void> {
  for (const { plan } of declared) {
    const ended = schedules.changes.filter(({ action, pipeline }) => action === 'delete' && pipeline === plan.pipeline);
    const kinds = ended.map(({ id }) => id.slice(plan.pipeline.length + 1)).filter((kind) => triggerRegistry.names().includes(kind));
    await forgetTriggers(store, plan.pipeline, kinds);
  }
}

const forget = (store: ObjectStore, { applied }: Work, pipeline: string): Promise<void> =>
  forgetApplied(store, pipeline, applied.get(pipeline)?.models ?? [pipeline]);

function recordOf({ plan, file, document }: Declared, { who, schedules, routings, applied }: Work, at: string): AppliedRecord {
  const { pipeline } = plan;
  const model = modelOf(plan);
  // Of a routing that cannot be read now so much is known as before.
  const revision =
    routings.get(pipeline)?.routing?.revision ?? (model === undefined ? undefined : applied.get(pipeline)?.routing[model]) ?? 0;
  return {
    formatVersion: 1,
    pipeline,
    file,
    document,
    likeness: likenessOf(document),
    models: modelsOf(plan),
    schedules: schedules.changes.filter((one) => one.pipeline === pipeline && one.action !== 'delete').map(({ id }) => id),
    routing: model === undefined ? {} : { [model]: revision },
    at,
    who,
  };
}
