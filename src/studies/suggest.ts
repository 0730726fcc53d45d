import { canonicalJson } from '../core/json.ts';
import type { JsonObject } from '../core/json.ts';
import type { HistoryTrial, StoppedBefore, StudyRecord, StoredTrial } from './stored-study.ts';
import type { FixedStudy, StudyStore } from './study-store.ts';
import { nameOf } from '../tuning/describe.ts';
import { samplerRegistry } from '../tuning/samplers/index.generated.ts';
import type { Point, Space } from '../tuning/space.ts';
import type { TrialRecord } from '../tuning/trial.ts';
import type { TuneConfig } from '../tuning/tune-config.ts';

/** Studies of one key before this one that are looked at. */
const EARLIER_MAX = 8;

/** The point of a trial: what an earlier study of the same key had, as long as all went as it did then, else what the sampler says. */
export interface NextPoint {
  readonly point: JsonObject;
  /** How the earlier study ended it early, where it did. */
  readonly before?: StoppedBefore;
}

/** @param running numbers of trials that run @returns undefined: the sampler has no further point */
export async function nextPoint(
  studies: StudyStore,
  record: FixedStudy,
  number: number,
  running: readonly number[],
): Promise<NextPoint | undefined> {
  const trials = await studies.trials(record.study, number, new Set(running));
  const before = await earlierTrial(studies, record, trials, number);
  if (before !== undefined) return before;
  const { tune, config: raw } = record.plan.step;
  const config = raw as unknown as TuneConfig;
  const space = tune!.space as unknown as Space;
  const sampler = samplerRegistry.get(nameOf(config.sampler));
  const options = optionsOf(config.sampler);
  if (sampler.points !== undefined && number >= sampler.points(space, options)) return undefined;
  const point = sampler.suggest({
    space,
    directions: tune!.objectives.map(({ direction }) => direction),
    trials: [...((await studies.history(record.study))?.trials ?? []).map(fromHistory), ...trials.map(trialRecord)],
    number,
    seed: config.seed,
    config: options,
  });
  return { point: inOrder(space, point) };
}

export function trialRecord({ number, point, state, values, readings }: StoredTrial): TrialRecord {
  return { number, point: point as Point, state, readings, ...(values === undefined ? {} : { values }) };
}

/** Before the first trial of the study, so below 0. */
function fromHistory({ point, state, values, readings }: HistoryTrial, at: number, all: readonly HistoryTrial[]): TrialRecord {
  return { number: at - all.length, point: point as Point, state, readings, ...(values === undefined ? {} : { values }) };
}

/** Options of "name" or `{ name: options }`. */
export function optionsOf(choice: string | Readonly<Record<string, JsonObject>>): JsonObject {
  return typeof choice === 'string' ? {} : (Object.values(choice)[0] ?? {});
}

function inOrder(space: Space, point: Point): JsonObject {
  return Object.fromEntries(Object.keys(space).flatMap((name) => (Object.hasOwn(point, name) ? [[name, point[name]!]] : [])));
}

async function earlierTrial(
  studies: StudyStore,
  { earlier }: Pick<StudyRecord, 'earlier'>,
  trials: readonly StoredTrial[],
  number: number,
): Promise<NextPoint | undefined> {
  let at = earlier;
  for (let looked = 0; at !== undefined && looked < EARLIER_MAX; looked++) {
    const found = await studies.trial(at, number);
    if (found !== undefined) {
      if (!(await wentAlike(studies, at, trials))) return undefined;
      const { point, state, key, readings, reading } = found;
      const stopped = state === 'stopped' && key !== undefined;
      return { point, ...(stopped ? { before: { study: at, key, readings, ...(reading === undefined ? {} : { reading }) } } : {}) };
    }
    at = (await studies.study(at))?.record.earlier;
  }
  return undefined;
}

/** Whether what is over here ended there as well, with the same outcome. */
async function wentAlike(studies: StudyStore, earlier: string, trials: readonly StoredTrial[]): Promise<boolean> {
  for (const trial of trials) {
    const before = await studies.trial(earlier, trial.number);
    if (before === undefined || canonicalJson(before.point) !== canonicalJson(trial.point)) return false;
    const over = trial.state !== 'running' && trial.state !== 'failed' && before.state !== 'running' && before.state !== 'failed';
    if (over && (before.state !== trial.state || canonicalJson(before.values ?? null) !== canonicalJson(trial.values ?? null)))
      return false;
  }
  return true;
}
