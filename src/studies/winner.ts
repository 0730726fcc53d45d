import type { StudyObjective } from '../core/tune-plan.ts';
import { BALANCED } from '../tuning/tune-config.ts';
import type { StoredFinal, StoredTrial } from './stored-study.ts';

type Finished = StoredTrial & { readonly values: readonly number[] };

/** What a study comes to: the trials that no other one beats in every objective, and the one that goes on. */
export interface Choice {
  /** Ascending numbers; of one objective the winner alone. */
  readonly front: readonly number[];
  readonly winner: number;
}

/** What the choice of a winner goes by, besides the trials. */
export interface Choosing {
  readonly objectives: readonly StudyObjective[];
  readonly choose?: string | undefined;
  /** What a final round found; empty: there was none. */
  readonly finals?: readonly StoredFinal[];
}

/**
 * The winner of a study: of those that the final round measured the best there, whatever the search had found of them. Where it measured
 * none, the best of the search.
 */
export function choiceOf(trials: readonly StoredTrial[], { objectives, choose, finals = [] }: Choosing): Choice | undefined {
  const found = chooseWinner(trials, objectives, choose);
  const measured = chooseWinner(asMeasured(trials, finals), objectives, choose);
  if (found === undefined || measured === undefined) return found;
  // A front is of all trials, by what the search found of them.
  return objectives.length > 1 ? { front: found.front, winner: measured.winner } : measured;
}

/** Trials with what the final round found in place of what the search did; only those that it measured. */
export function asMeasured(trials: readonly StoredTrial[], finals: readonly StoredFinal[]): StoredTrial[] {
  return finals.flatMap(({ number, state, values, scores }) => {
    const trial = trials[number];
    if (trial === undefined || state !== 'completed' || values === undefined) return [];
    return [{ ...trial, values, ...(scores === undefined ? {} : { scores }) }];
  });
}

/**
 * Numbers of the trials that take part in a final round: the one that would win, the one that would without it, and so on; of several
 * objectives only those of the front.
 */
export function finalistsOf(trials: readonly StoredTrial[], { objectives, choose }: Choosing, top: number): number[] {
  const found: number[] = [];
  const front = objectives.length > 1 ? chooseWinner(trials, objectives, choose)?.front : undefined;
  while (found.length < top) {
    const choice = chooseWinner(
      trials.filter(({ number }) => !found.includes(number) && front?.includes(number) !== false),
      objectives,
      choose,
    );
    if (choice === undefined) break;
    found.push(choice.winner);
  }
  return found;
}

/** undefined: no trial completed. Of equals the earlier one, so that the choice is the same every time. */
export function chooseWinner(trials: readonly StoredTrial[], objectives: readonly StudyObjective[], choose?: string): Choice | undefined {
  const finished = trials.filter((trial): trial is Finished => trial.state === 'completed' && trial.values !== undefined);
  const within = finished.filter(({ values }) => isWithin(values, objectives));
  const candidates = within.length > 0 ? within : nearestTo(finished, objectives);
  if (candidates.length === 0) return undefined;
  const decisive = Math.max(
    0,
    objectives.findIndex(({ name }) => name === choose),
  );
  const front =
    objectives.length === 1
      ? [best(candidates, objectives, 0)]
      : candidates.filter((one) => !candidates.some((other) => beats(other, one, objectives)));
  const winner = choose === BALANCED && objectives.length > 1 ? balanced(front, objectives) : best(front, objectives, decisive);
  return { front: front.map(({ number }) => number), winner: winner.number };
}

/** Whether a value is better than another one. */
export function isBetter(value: number, than: number, direction: StudyObjective['direction']): boolean {
  return direction === 'minimize' ? value < than : value > than;
}

function best(trials: readonly Finished[], objectives: readonly StudyObjective[], index: number): Finished {
  // What is equal in one is told apart by the others, in their order.
  const order = [index, ...objectives.keys()].filter((one, at, all) => all.indexOf(one) === at);
  return trials.reduce((found, trial) => {
    for (const at of order) {
      if (isBetter(trial.values[at]!, found.values[at]!, objectives[at]!.direction)) return trial;
      if (trial.values[at] !== found.values[at]) return found;
    }
    return found;
  });
}

/** As good in every objective, and better in one. */
function beats(one: Finished, other: Finished, objectives: readonly StudyObjective[]): boolean {
  let better = false;
  for (const [at, { direction }] of objectives.entries()) {
    const [own, others] = [one.values[at]!, other.values[at]!];
    if (isBetter(others, own, direction)) return false;
    better ||= isBetter(own, others, direction);
  }
  return better;
}

/** The trial nearest to a point that is the best in everything, where the worst of the front is 1 away in each objective. */
function balanced(front: readonly Finished[], objectives: readonly StudyObjective[]): Finished {
  const distances = front.map((trial) =>
    objectives.reduce((sum, { direction }, at) => {
      const all = front.map(({ values }) => values[at]!);
      const [low, high] = [Math.min(...all), Math.max(...all)];
      if (low === high) return sum;
      const share = (trial.values[at]! - low) / (high - low);
      return sum + (direction === 'minimize' ? share : 1 - share) ** 2;
    }, 0),
  );
  return front[distances.indexOf(Math.min(...distances))]!;
}

function isWithin(values: readonly number[], objectives: readonly StudyObjective[]): boolean {
  return missed(values, objectives) === 0;
}

/** By how much bounds are missed, each by its own size. */
function missed(values: readonly number[], objectives: readonly StudyObjective[]): number {
  return objectives.reduce((sum, { atLeast, atMost }, at) => {
    const value = values[at]!;
    const below = atLeast === undefined ? 0 : Math.max(0, atLeast - value) / Math.max(Math.abs(atLeast), 1e-12);
    const above = atMost === undefined ? 0 : Math.max(0, value - atMost) / Math.max(Math.abs(atMost), 1e-12);
    return sum + below + above;
  }, 0);
}

/** Where none keeps to the bounds: those that miss them least. */
function nearestTo(trials: readonly Finished[], objectives: readonly StudyObjective[]): Finished[] {
  const least = Math.min(...trials.map(({ values }) => missed(values, objectives)));
  return trials.filter(({ values }) => missed(values, objectives) === least);
}
