import { PerennialError } from '../core/errors.ts';
import { canonicalJson } from '../core/json.ts';
import type { JsonObject } from '../core/json.ts';
import type { PlanStep } from '../core/plan.ts';
import type { StudyObjective } from '../core/tune-plan.ts';
import { valueText } from '../tuning/describe.ts';
import type { Dimension, Space } from '../tuning/space.ts';
import { counts } from '../tuning/samplers/shared/draw.ts';
import { LAST } from '../tuning/tune-config.ts';
import type { HistorySummary, HistoryTrial, StoredTrial, StudyHistory, StudyRecord } from './stored-study.ts';
import type { StudyStore } from './study-store.ts';

interface Asked {
  readonly study: string;
  readonly pipeline: string;
  readonly step: PlanStep;
  /** The study of the same key before it, whose trials it goes on with: it then has the same history. */
  readonly earlier: string | undefined;
}

/**
 * What a study starts from, written down beside it, so that it goes on the same way whatever becomes of the earlier one.
 *
 * @returns undefined: the document says nothing of it
 * @throws NOT_FOUND where it names a study that is not there
 */
export async function historyOf(studies: StudyStore, { study, pipeline, step, earlier }: Asked): Promise<HistorySummary | undefined> {
  const { from } = step.config;
  if (typeof from !== 'string') return undefined;
  const begun = (await studies.history(study)) ?? (earlier === undefined ? undefined : await studies.history(earlier));
  const history = begun ?? takenOver(step, await sourceOf(studies, study, pipeline, step.id, from));
  return (await studies.setHistory(study, history)).summary;
}

interface Source {
  readonly record: StudyRecord;
  readonly trials: readonly StoredTrial[];
}

async function sourceOf(studies: StudyStore, study: string, pipeline: string, step: string, from: string): Promise<Source | undefined> {
  if (from !== LAST) {
    const found = await studies.study(from);
    if (found === undefined)
      throw new PerennialError('NOT_FOUND', `"from" of the step "${step}" names the study "${from}", which is not in the store.`, {
        hint: `See \`perennial studies list\`, or write "${LAST}" for the one before.`,
      });
    return { record: found.record, trials: await studies.trials(from) };
  }
  const all: StudyRecord[] = [];
  for await (const record of studies.studies(pipeline)) if (record.study !== study && record.plan.step.id === step) all.push(record);
  all.sort((a, b) => b.startedAt.localeCompare(a.startedAt) || b.study.localeCompare(a.study));
  for (const record of all) {
    const trials = await studies.trials(record.study);
    if (trials.some(({ state }) => state === 'completed')) return { record, trials };
  }
  return undefined;
}

/** Trials of an earlier study in the terms of this one. What does not fit is left, and why is said. */
export function takenOver(step: PlanStep, source: Source | undefined): StudyHistory {
  if (source === undefined) return { formatVersion: 1, summary: { trials: 0, left: [] }, trials: [] };
  const { space: raw, objectives } = step.tune!;
  const space = raw as unknown as Space;
  const before = source.record.plan.step.tune!;
  const places = objectives.map((objective) => before.objectives.findIndex((one) => isSame(one, objective)));
  const missing = objectives.find((_, at) => places[at]! < 0);
  const trials: HistoryTrial[] = [];
  const left = new Map<string, number>();
  for (const { point, state, values, readings } of source.trials) {
    const why =
      missing !== undefined
        ? `they were not judged by ${missing.name} (${missing.direction})`
        : state === 'running'
          ? 'they never ended'
          : misfit(space, Object.keys(before.space), point);
    if (why !== undefined || state === 'running') {
      left.set(why ?? '', (left.get(why ?? '') ?? 0) + 1);
      continue;
    }
    trials.push({
      point,
      state,
      ...(values === undefined ? {} : { values: places.map((place) => values[place]!) }),
      // What they say of the way is of the first objective.
      readings: places[0] === 0 ? readings : [],
    });
  }
  const summary: HistorySummary = {
    study: source.record.study,
    trials: trials.length,
    left: [...left].map(([why, count]) => ({ why, trials: count })),
  };
  return { formatVersion: 1, summary, trials };
}

function isSame(one: StudyObjective, other: StudyObjective): boolean {
  return one.name === other.name && one.value === other.value && one.direction === other.direction;
}

/** Why a point is none of the space; undefined: it is one. */
function misfit(space: Space, searched: readonly string[], point: JsonObject): string | undefined {
  const more = searched.find((name) => !Object.hasOwn(space, name));
  if (more !== undefined) return `"${more}" was searched as well`;
  for (const [name, dimension] of Object.entries(space)) {
    const value = point[name];
    if (!counts(dimension, point)) {
      if (value !== undefined) return `"${name}" was searched where it does not count now`;
    } else if (value === undefined) return `"${name}" was not searched`;
    else if (!isWithin(dimension, value)) return `"${name}" was outside of ${rangeText(dimension)}`;
  }
  return undefined;
}

function isWithin(dimension: Dimension, value: unknown): boolean {
  if (dimension.kind === 'choice') return dimension.values.some((one) => canonicalJson(one) === canonicalJson(value as JsonObject));
  if (typeof value !== 'number' || value < dimension.low || value > dimension.high) return false;
  return dimension.kind === 'float' || Number.isInteger(value);
}

function rangeText(dimension: Dimension): string {
  return dimension.kind === 'choice' ? dimension.values.map(valueText).join(', ') : `${dimension.low} to ${dimension.high}`;
}
