import { Prng } from '../../core/prng.ts';
import type { Json } from '../../core/json.ts';
import { integerOption, optionsSchema } from '../options.ts';
import type { TrialRecord } from '../trial.ts';
import { defineSampler } from './sampler.ts';
import { counts, drawn } from './shared/draw.ts';
import { outcomes } from './shared/outcomes.ts';
import { startupPoint } from './shared/startup.ts';
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
  configSchema: optionsSchema('How much chance there is.', {
    startup: integerOption('Trials at first that are spread evenly over the space.', 1, STARTUP),
    candidates: integerOption('Points of which the most promising is taken.', 1, CANDIDATES, 1_000),
  }),
  reference: 'https://arxiv.org/abs/2304.11127',
  suggest({ space, directions, trials, number, seed, config }) {
    const startup = config.startup ?? STARTUP;
    if (number < startup) return startupPoint(space, seed, number, startup);
    const prng = new Prng('tpe', seed, number);
    const known = outcomes(trials, directions);
    const finished = known.completed.length + known.stopped.length;
    if (finished < Math.min(startup, 2)) return drawn(space, prng);
    const { good, bad } = split(known, directions.length, Math.min(MOST_GOOD, Math.ceil(GOOD * finished)));
    const point: Record<string, Json> = {};
    for (const group of groupsOf(space)) {
      if (!counts(group[0]![1], point)) continue;
      const better = estimator(group, good, directions.length > 1);
      const worse = estimator(group, bad, false);
      let best = better.sample(prng);
      let most = better.logDensity(best) - worse.logDensity(best);
      for (let candidate = 1; candidate < (config.candidates ?? CANDIDATES); candidate += 1) {
        const places = better.sample(prng);
        const promise = better.logDensity(places) - worse.logDensity(places);
        if (promise > most) [best, most] = [places, promise];
      }
      for (const [name, value] of better.valueOf(best)) point[name] = value;
    }
    // In the order of the space, whatever the order of the groups.
    return Object.fromEntries(Object.keys(space).flatMap((name) => (name in point ? [[name, point[name]!]] : [])));
  },
});

function estimator(group: Group, trials: readonly TrialRecord[], equal: boolean): Parzen {
  const points = trials.map(({ point }) => point).filter((point) => group.every(([name]) => point[name] !== undefined));
  return new Parzen(group, points, equal ? points.map(() => 1) : recency(points.length), { priorWeight: 1 });
}

/** The last 25 count fully, those before them the less the older they are. */
function recency(count: number): number[] {
  const old = Math.max(0, count - 25);
  return Array.from({ length: count }, (_, at) => (at >= old ? 1 : old === 1 ? 1 / count : 1 / count + (at / (old - 1)) * (1 - 1 / count)));
}
