import { canonicalJson } from '../../core/json.ts';
import { Prng } from '../../core/prng.ts';
import type { Json } from '../../core/json.ts';
import { integerOption, optionsSchema } from '../options.ts';
import type { Point, Space } from '../space.ts';
import type { TrialRecord } from '../trial.ts';
import { defineSampler } from './sampler.ts';
import { counts, drawn, pointsOf } from './shared/draw.ts';
import { outcomes } from './shared/outcomes.ts';
import { startupPoint, takenOver } from './shared/startup.ts';
import { groupsOf } from './tpe/groups.ts';
import type { Group } from './tpe/groups.ts';
import { Parzen } from './tpe/parzen.ts';
import { split } from './tpe/split.ts';

interface TpeConfig {
  readonly startup?: number;
  readonly candidates?: number;
}

const STARTUP = 10;
const CANDIDATES = 200;
/** Share of the trials that count as good, and most of them. */
const GOOD = 0.15;
const MOST_GOOD = 25;

export default defineSampler<TpeConfig>({
  name: 'tpe',
  summary: 'Tree-structured Parzen estimator: tries what resembles good trials more than the others.',
  learns: true,
  configSchema: optionsSchema('How much chance there is.', {
    startup: integerOption('Trials at first that are spread evenly over the space.', 1, STARTUP),
    candidates: integerOption('Points of which the most promising is taken.', 1, CANDIDATES, 1_000),
  }),
  reference: 'https://arxiv.org/abs/2304.11127',
  suggest({ space, directions, trials, number, seed, config }) {
    const startup = config.startup ?? STARTUP;
    // What is known of before takes the place of as much that would be tried by chance.
    const place = number + takenOver(trials);
    if (place < startup) return startupPoint(space, seed, place, startup);
    const prng = new Prng('tpe', seed, number);
    const known = outcomes(trials, directions);
    const finished = known.completed.length + known.stopped.length;
    if (finished < Math.min(startup, 2)) return drawn(space, prng);
    const { good, bad } = split(known, directions.length, Math.min(MOST_GOOD, Math.ceil(GOOD * finished)));
    // What is good in one of several objectives lies far apart: what goes well with what cannot be learnt from so few of each.
    const groups = groupsOf(space).flatMap((group) => (directions.length > 1 ? group.map((each) => [each]) : [group]));
    const taken = pointsOf(trials);
    let point: Point = {};
    const mixtures = groups.map((group) => ({
      group,
      better: estimator(group, good, directions.length > 1),
      worse: estimator(group, bad, false),
    }));
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      // In a space with few points left the mixtures know no others: then by chance.
      point = attempt < LEARNT_ATTEMPTS ? promising(space, mixtures, config.candidates ?? CANDIDATES, prng) : drawn(space, prng);
      if (!taken.has(canonicalJson(point))) break;
    }
    return point;
  },
});

/** Tries at a point that no trial had, and those of them that learn. */
const ATTEMPTS = 50;
const LEARNT_ATTEMPTS = 4;

interface Mixtures {
  readonly group: Group;
  readonly better: Parzen;
  readonly worse: Parzen;
}

/** Group by group, the candidate of the good that is least like the bad. */
function promising(space: Space, mixtures: readonly Mixtures[], candidates: number, prng: Prng): Point {
  const point: Record<string, Json> = {};
  for (const { group, better, worse } of mixtures) {
    if (!counts(group[0]![1], point)) continue;
    let best = better.sample(prng);
    let most = better.logDensity(best) - worse.logDensity(best);
    for (let candidate = 1; candidate < candidates; candidate += 1) {
      const places = better.sample(prng);
      const promise = better.logDensity(places) - worse.logDensity(places);
      if (promise > most) [best, most] = [places, promise];
    }
    for (const [name, value] of better.valueOf(best)) point[name] = value;
  }
  // In the order of the space, whatever the order of the groups.
  return Object.fromEntries(Object.keys(space).flatMap((name) => (name in point ? [[name, point[name]!]] : [])));
}

function estimator(group: Group, trials: readonly TrialRecord[], equal: boolean): Parzen {
  const points = trials.map(({ point }) => point).filter((point) => group.every(([name]) => point[name] !== undefined));
  return new Parzen(group, points, equal ? points.map(() => 1) : recency(points.length), { priorWeight: 1 });
}

/** The last 25 count fully, those before them the less the older they are. */
function recency(count: number): number[] {
  const old = Math.max(0, count - 25);
  return Array.from({ length: count }, (_, at) => (at >= old ? 1 : old === 1 ? 1 / count : 1 / count + (at / (old - 1)) * (1 - 1 / count)));
}
