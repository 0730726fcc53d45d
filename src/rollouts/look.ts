import type { ObjectStore } from '../core/ports.ts';
import type { RolloutInput } from '../core/rollout.ts';
import { readRouting } from '../registry/routing.ts';
import { readRollout } from '../registry/rollouts.ts';
import { analyse, effectOf } from './analysis.ts';
import type { Effect, Finding, LiveMoments } from './analysis.ts';
import { countsOf, readEvidence } from './evidence.ts';
import type { ServerEvidence } from './evidence.ts';
import { readLive } from './live-metric.ts';
import { storeNow } from '../storage/store-clock.ts';
import { Unread } from '../storage/unread.ts';

/** What is known of a rollout at one moment. */
export interface Look {
  readonly servers: readonly ServerEvidence[];
  readonly findings: readonly Finding[];
  /** Those that end it. */
  readonly breaches: readonly Finding[];
  /** Of an A/B test. */
  readonly effect?: Effect;
  readonly live?: LiveMoments;
  /** The feedback was read for this look. */
  readonly readLive: boolean;
}

/** Logs are written by the clocks of the servers: so far they may be away from that of the store. */
const CLOCKS_APART_MS = 600_000;

/**
 * Counts of all servers and, where a live metric is declared, what feedback says.
 *
 * @param known of the feedback, a moment ago: it is not read again
 */
export async function lookAt(
  store: ObjectStore,
  { model, id, spec }: Pick<RolloutInput, 'model' | 'id' | 'spec'>,
  known?: LiveMoments,
): Promise<Look> {
  const rollout = (await readRouting(store, model))?.routing.rollout;
  const servers = await readEvidence(store, model, id);
  const step = rollout?.id === id ? rollout.step : Math.max(0, ...servers.flatMap(({ steps }) => Object.keys(steps).map(Number)));
  const metric = spec.abTest?.metric ?? spec.checks.metric?.name;
  const isRead = metric !== undefined && known === undefined;
  const unread = new Unread();
  const live = isRead ? await liveOf(store, model, id, metric, unread) : known;
  const counts = countsOf(servers, step);
  const checked = spec.checks.metric !== undefined && spec.checks.metric.name === metric ? live : undefined;
  const findings = [...analyse(spec, counts, checked), ...loadFindings(servers), ...unread.notes.map(logFinding)];
  return {
    servers,
    findings,
    breaches: findings.filter(({ breached }) => breached),
    ...(spec.abTest === undefined || live === undefined ? {} : { effect: effectOf(spec.abTest, live) }),
    ...(live === undefined ? {} : { live }),
    readLive: isRead,
  };
}

async function liveOf(
  store: ObjectStore,
  model: string,
  id: string,
  metric: Parameters<typeof readLive>[3]['metric'],
  unread: Unread,
): Promise<LiveMoments> {
  const { startedAt } = await readRollout(store, model, id);
  const now = await storeNow(store);
  const [from, to] = [new Date(Date.parse(startedAt) - CLOCKS_APART_MS), new Date(now + CLOCKS_APART_MS)];
  return readLive(store, model, id, { metric, from, to }, unread);
}

/** What of the logs cannot be read is no fault of the candidate. */
function logFinding(note: string): Finding {
  return { check: 'metric', breached: false, text: `${note}.` };
}

/** A candidate that a server cannot load is none. */
function loadFindings(servers: readonly ServerEvidence[]): Finding[] {
  return servers.flatMap(({ url, error }) =>
    error === undefined ? [] : [{ check: 'loading', breached: true, text: `The server ${url} says: ${error}.` }],
  );
}
