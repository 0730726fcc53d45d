import type { ObjectStore } from '../core/ports.ts';
import { shareText } from '../core/rollout.ts';
import { listRollouts } from '../registry/rollouts.ts';
import { readRouting } from '../registry/routing.ts';
import type { Routing } from '../registry/types.ts';
import type { RunReport } from './runs.ts';

/** The run with what the routing says of its version now: what it kept is of the moment when it last looked. */
export async function withStandingNow(run: RunReport, store: ObjectStore): Promise<RunReport> {
  if (run.model === null || run.version === null || run.status === 'running') return run;
  const routing = (await readRouting(store, run.model))?.routing;
  const champion = routing?.aliases['champion'];
  if (champion === run.version) return run.live === true ? run : { ...run, live: true, standing: 'is live by now' };
  if (run.live === false) return { ...run, standing: (await standingOfRollout(run, store, routing)) ?? run.standing };
  if (run.live !== true) return run;
  return {
    ...run,
    live: false,
    standing: `is not live any more (it was at the end of the run; ${champion === undefined ? 'there is no champion now' : `the champion is version ${champion} now`})`,
  };
}

/** What came of the rollout that the run began, which outlives it; undefined: it began none. */
async function standingOfRollout(run: RunReport, store: ObjectStore, routing: Routing | undefined): Promise<string | undefined> {
  const begun = (await listRollouts(store, run.model!)).find(({ runId, candidate }) => runId === run.runId && candidate === run.version);
  if (begun === undefined) return undefined;
  const { id, spec, state, by, why } = begun;
  const kind = spec.kind === 'abTest' ? 'A/B test' : spec.kind;
  const going = routing?.rollout;
  if (going?.id === id && spec.kind === 'shadow') return 'is registered, not live (it is asked beside the champion: its shadow goes on)';
  if (going?.id === id) return `takes over: ${shareText(going.share)} of the traffic now, by the ${kind} that goes on`;
  if (state === 'running' || state === 'paused')
    return `is registered, not live (its ${kind} ended: another change of the routing came before its end)`;
  const said = why === undefined ? '' : `: ${why.replace(/\.$/, '')}`;
  return `is registered, not live (its ${kind} ended, ${state}${by === undefined ? '' : ` by ${by}`}${said})`;
}
