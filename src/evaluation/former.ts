import type { FormerVersion } from '../registry/champion.ts';
import { resolveMetrics } from './metrics/resolve-metrics.ts';
import { lookBackMs } from './step/gate.ts';
import type { Gate } from './step/gate.ts';

/** Former champions that one gate looks at: each is loaded and asked about every test row. */
export const FORMER_MAX = 20;

/**
 * Former champions that the gates of an evaluation compare with. Of more than {@link FORMER_MAX} in the period of a gate those that did
 * best by its metric in their own evaluations, since the gate asks for the best; then the newest.
 */
export function chooseFormer(found: readonly FormerVersion[], gates: readonly Gate[]): FormerVersion[] {
  const chosen = new Set<FormerVersion>();
  for (const gate of gates) {
    const period = lookBackMs(gate);
    const within = period === 0 ? [] : found.filter(({ agoMs }) => agoMs <= period);
    const best =
      within.length <= FORMER_MAX
        ? within
        : [...within].sort((a, b) => goodness(b, gate.metric) - goodness(a, gate.metric) || a.agoMs - b.agoMs).slice(0, FORMER_MAX);
    for (const one of best) chosen.add(one);
  }
  return found.filter((one) => chosen.has(one));
}

/** Higher is better; of a version that kept no such number nothing is expected. */
function goodness({ metrics }: FormerVersion, metric: string): number {
  const value = metrics[metric];
  if (value === undefined) return -Number.MAX_VALUE;
  return directionOf(metric) === 'minimize' ? -value : value;
}

/** Of the metric behind a result: "recall", "recall:Gentoo", "output.recall". */
function directionOf(result: string): 'minimize' | 'maximize' | undefined {
  for (const name of [result, ...result.split(/[.:@ ]/)]) {
    try {
      return resolveMetrics([name])[0]!.definition.direction;
    } catch {
      // No name of a metric; the next part may be one.
    }
  }
  return undefined;
}
