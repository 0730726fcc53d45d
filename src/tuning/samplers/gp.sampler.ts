import { canonicalJson } from '../../core/json.ts';
import { Prng } from '../../core/prng.ts';
import { integerOption, optionsSchema } from '../options.ts';
import { defineSampler } from './sampler.ts';
import { drawn, pointsOf } from './shared/draw.ts';
import { outcomes } from './shared/outcomes.ts';
import { startupPoint, takenOver } from './shared/startup.ts';
import { coordinatesOf, decoded, encoded } from './gp/encode.ts';
import { observed } from './gp/observed.ts';
import { fitted } from './gp/fit.ts';
import { GaussianProcess } from './gp/process.ts';
import { promising } from './gp/search.ts';

interface GpConfig {
  readonly startup?: number;
}

const STARTUP = 10;

export default defineSampler<GpConfig>({
  name: 'gp',
  aliases: ['gaussianProcess', 'bayesian', 'bayesianOptimization', 'kriging'],
  summary: 'Gaussian process: the best for small budgets, above all of numbers.',
  learns: true,
  configSchema: optionsSchema('How much is tried before a model is made of it.', {
    startup: integerOption('Trials at first that are spread evenly over the space.', 1, STARTUP),
  }),
  reference: 'https://arxiv.org/abs/2310.20708',
  suggest({ space, directions, trials, number, seed, config }) {
    const startup = config.startup ?? STARTUP;
    // What is known of before takes the place of as much that would be tried by chance.
    const place = number + takenOver(trials);
    if (place < startup) return startupPoint(space, seed, place, startup);
    const prng = new Prng('gp', seed, number);
    const coordinates = coordinatesOf(space);
    const known = observed(outcomes(trials, directions), directions.length, prng);
    if (known.length < 2) return drawn(space, prng);
    const points = known.map(({ trial }) => encoded(coordinates, trial.point));
    const values = Float64Array.from(known, ({ value }) => value);
    const logs = fitted(coordinates, points, values);
    let process = new GaussianProcess(coordinates, points, values, logs);
    const running = trials.filter(({ state }) => state === 'running').slice(-MOST_RUNNING);
    if (running.length > 0) {
      // What still runs counts as if it gave what is expected of it: others are not sent to the same place.
      const open = running.map(({ point }) => encoded(coordinates, point));
      const believed = open.map((point) => process.at(point).mean);
      process = new GaussianProcess(coordinates, [...points, ...open], Float64Array.from([...values, ...believed]), logs);
    }
    const order = [...points.keys()].sort((a, b) => values[a]! - values[b]! || a - b);
    const found = promising({
      space,
      coordinates,
      process,
      threshold: values[order[0]!]!,
      good: order.slice(0, 5).map((at) => points[at]!),
      prng,
      looks: Math.max(200, Math.min(1_000, Math.round(3e6 / (points.length + running.length) ** 2))),
    });
    const taken = pointsOf(trials);
    for (const places of found) {
      const point = decoded(coordinates, places);
      if (!taken.has(canonicalJson(point))) return point;
    }
    return decoded(coordinates, found[0]!);
  },
});

const MOST_RUNNING = 64;
