import { defineScenario } from './scenario.ts';
import type { ScenarioEvent, WorldOfDay } from './scenario.ts';

/** Standard deviations. */
const SUDDEN = 1.5;
const GRADUAL = 1.2;
const SEASON = 0.3;
/** Days. */
const PERIOD = 91;
const LASTS = 4;

/** Parts of the whole at which things happen. */
const AT = {
  sudden: 0.15,
  challenger: 0.24,
  upstream: 0.3,
  gradual: 0.4,
  gradualEnd: 0.6,
  brokenPromotion: 0.66,
  labels: 0.74,
  unit: 0.88,
} as const;

export default defineScenario({
  name: 'year',
  summary:
    'All of it, one after the other, over a small season: a sudden shift, a bad challenger, an empty column, a shift that comes gradually, a broken promotion, other classes, another unit; and outages of worker, store, server and Temporal.',
  numbers: 2,
  day(day, days): WorldOfDay {
    const part = day / days;
    const begins = (at: number): number => Math.floor(at * days);
    const within = (at: number): boolean => day >= begins(at) && day < begins(at) + LASTS;
    const season = SEASON * Math.sin((2 * Math.PI * day) / PERIOD);
    const gradual = GRADUAL * Math.min(1, Math.max(0, (part - AT.gradual) / (AT.gradualEnd - AT.gradual)));
    const sudden = day >= begins(AT.sudden) ? SUDDEN : 0;
    const words = [
      ...(sudden > 0 ? [`first column at +${sudden} σ`] : []),
      ...(gradual > 0 ? [`second column at +${gradual.toFixed(1)} σ`] : []),
      ...(part >= AT.labels ? ['the most frequent class became rarer'] : []),
    ];
    const broken = within(AT.upstream)
      ? ({ broken: { column: 0, how: 'missing' } } as const)
      : within(AT.unit)
        ? ({ broken: { column: 1, how: 'unit' } } as const)
        : {};
    if ('broken' in broken) words.push(broken.broken.how === 'missing' ? 'a column comes empty' : 'a column comes in another unit');
    return {
      shifts: [sudden + season, gradual],
      ...(part >= AT.labels ? { classes: [0.4] } : {}),
      ...broken,
      words: words.join('; '),
    };
  },
  events(days): readonly ScenarioEvent[] {
    const at = (part: number): number => Math.floor(part * days);
    return [
      { day: at(0.05), kind: 'server' },
      // Each strikes the run that a change of the world leads to.
      { day: at(AT.sudden), kind: 'worker' },
      { day: at(AT.challenger), kind: 'badChallenger' },
      { day: at(AT.gradual), kind: 'store' },
      { day: at(AT.brokenPromotion), kind: 'brokenPromotion' },
      { day: at(AT.labels), kind: 'temporal' },
      { day: at(0.95), kind: 'server' },
    ];
  },
});
