import type { ObjectStore } from '../core/ports.ts';
import { readRouting } from '../registry/routing.ts';
import type { RunReport } from './runs.ts';

/** The run with what the routing says of its version now: what it kept is of the moment when it last looked. */
export async function withStandingNow(run: RunReport, store: ObjectStore): Promise<RunReport> {
  if (run.model === null || run.version === null || run.status === 'running') return run;
  const champion = (await readRouting(store, run.model))?.routing.aliases['champion'];
  if (champion === run.version) return run.live === true ? run : { ...run, live: true, standing: 'is live by now' };
  if (run.live !== true) return run;
  return {
    ...run,
    live: false,
    standing: `is not live any more (it was at the end of the run; ${champion === undefined ? 'there is no champion now' : `the champion is version ${champion} now`})`,
  };
}
