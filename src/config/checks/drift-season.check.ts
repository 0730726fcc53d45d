import { durationMs } from '../../core/duration.ts';
import type { JsonObject } from '../../core/json.ts';
import { isObject } from '../schema-walk.ts';
import { defineCheck, stepsOf } from './check.ts';

const DAY_MS = 86_400_000;

export default defineCheck({
  name: 'drift-season',
  summary:
    'A season of `on.drift` is at least as long as the window, each window is looked at by itself, and predictions are kept for as long as it looks back.',
  run(facts) {
    const drift = facts.on?.['drift'];
    if (!isObject(drift) || !isObject(drift['season'])) return [];
    const { window, season } = drift as { readonly window: string; readonly season: { readonly every: string; readonly count: number } };
    const { every, count } = season;
    const pool = poolOf(facts.document);
    if (pool > 1)
      return [
        {
          pointer: '/on/drift/pool',
          given: pool,
          message: `With "season" each window is looked at by itself: it has a reference of its own, and ${pool} windows cannot be put together.`,
          fix: 'Leave "pool" out, or "season"; a longer "window" gathers more rows.',
        },
      ];
    const [windowMs, everyMs] = [durationMs(window), durationMs(every)];
    if (everyMs < windowMs)
      return [
        {
          pointer: '/on/drift/season/every',
          given: every,
          message: `A season of ${every} is shorter than the window of ${window}: the window would be part of what it is compared with.`,
          fix: `Set "every" to "${window}" or more, such as "7d", or shorten "window".`,
        },
      ];
    const days = Math.ceil((count * everyMs + windowMs) / DAY_MS);
    return stepsOf(facts, 'deploy').flatMap(({ step, config }) => {
      const keep = (config['predictionLog'] as JsonObject | undefined)?.['keep'];
      if (typeof keep !== 'string' || durationMs(keep) >= days * DAY_MS) return [];
      return [
        {
          pointer: `${step.pointer}/with/predictionLog/keep`,
          given: keep,
          message: `"season" of "on.drift" looks ${days} days back, and predictions are kept for ${keep}.`,
          fix: `Set "keep" to "${days}d" or more, or look at fewer seasons ("count").`,
        },
      ];
    });
  },
});

/** As written: with its default it is 1 where there is a season. */
function poolOf({ on }: JsonObject): number {
  const drift = isObject(on) ? on['drift'] : undefined;
  return isObject(drift) && typeof drift['pool'] === 'number' ? drift['pool'] : 1;
}
