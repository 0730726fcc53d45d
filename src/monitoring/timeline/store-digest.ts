import { isToLookAt } from '../../core/outcome.ts';
import type { Outcome } from '../../core/outcome.ts';
import { messageOf } from '../../core/errors.ts';
import type { ArtifactStore, ObjectStore } from '../../core/ports.ts';
import { journalPipelines, journalsOf } from '../../registry/outcomes.ts';
import { createRegistry } from '../../registry/registry.ts';
import { mapLimited } from '../../storage/concurrency.ts';
import { isUnreadable } from '../../storage/stored.ts';
import { modelTimeline } from './model-timeline.ts';
import type { ModelTimeline, TimelineOptions } from './model-timeline.ts';

/** What became of everything in a store in a stretch of time. */
export interface StoreDigest {
  /** ISO 8601 UTC; `to` is not included. */
  readonly from: string;
  readonly to: string;
  /** What came last of runs and checks, where somebody has to look at it, whenever it came: the newest first. */
  readonly toLookAt: readonly Outcome[];
  /** By name. */
  readonly models: readonly ModelTimeline[];
  /** Ends of runs of pipelines that have no model yet, oldest first. */
  readonly others: readonly Outcome[];
  /** What is left out, and why. */
  readonly notes: readonly string[];
}

const MODELS_AT_ONCE = 4;

export interface DigestOptions extends TimelineOptions {
  /** Of one model alone, and of the pipeline that makes it. */
  readonly only?: { readonly model: string; readonly pipeline: string };
}

/** All that the store knows of its models in a stretch of time, and what waits for somebody at its end. */
export async function storeDigest(store: ObjectStore, artifacts: ArtifactStore, { only, ...options }: DigestOptions): Promise<StoreDigest> {
  const read = journalsOf(store, options);
  const names = (await createRegistry(store, artifacts).models())
    .map(({ name }) => name)
    .filter((name) => only === undefined || name === only.model)
    .sort();
  const [{ outcomes, problems }, found, pipelines] = await Promise.all([
    read.outcomes(),
    mapLimited(names, MODELS_AT_ONCE, async (name) => {
      try {
        return await modelTimeline(store, artifacts, name, options, read);
      } catch (error) {
        if (!isUnreadable(error)) throw error;
        return `${name}: ${messageOf(error)}`;
      }
    }),
    only === undefined ? journalPipelines(store) : [only.pipeline],
  ]);
  const models = found.filter((one) => typeof one !== 'string');
  const told = new Set(models.flatMap(({ ends }) => ends.map(({ workflow, at }) => `${workflow} ${at}`)));
  const journals = await mapLimited(pipelines, MODELS_AT_ONCE, (pipeline) => read.of(pipeline));
  const unread = journals.flatMap((journal) => journal.problems);
  return {
    from: options.from.toISOString(),
    to: options.to.toISOString(),
    toLookAt: outcomes
      .filter(({ pipeline }) => only === undefined || pipeline === only.pipeline)
      .filter(({ kind, outcome }) => isToLookAt(kind, outcome))
      .sort((a, b) => Date.parse(b.at) - Date.parse(a.at)),
    models,
    others: journals
      .flatMap(({ entries }) => entries)
      .filter(({ workflow, at }) => !told.has(`${workflow} ${at}`))
      .sort((a, b) => Date.parse(a.at) - Date.parse(b.at)),
    notes: [...new Set([...problems, ...found.filter((one) => typeof one === 'string'), ...unread])],
  };
}
