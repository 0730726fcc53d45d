import { messageOf } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';
import type { StepLogger } from '../core/step.ts';
import { readOutcomes } from '../registry/outcomes.ts';
import type { PrometheusRegistry } from '../serving/prometheus.ts';

const EVERY_MS = 5_000;

/** Shows in `/metrics` what came last of every pipeline, as workers told the store. */
export function watchOutcomes(store: ObjectStore, registry: PrometheusRegistry, log: StepLogger): { stop(): Promise<void> } {
  const outcome = registry.gauge(
    'perennial_pipeline_outcome',
    '1 for what came last: of runs completed, nothingNew, rejected, failed, cancelled, terminated or timedOut; of checks (kind drift, newData) none, started, running, coolingDown, blocked, nothingNew or alert.',
  );
  const time = registry.gauge('perennial_pipeline_outcome_timestamp_seconds', 'When it came, by the clock of Temporal.');
  let told = '';
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const look = async (): Promise<void> => {
    let trouble = '';
    try {
      const { outcomes, problems } = await readOutcomes(store);
      outcome.clear();
      time.clear();
      for (const one of outcomes) {
        outcome.set({ pipeline: one.pipeline, kind: one.kind, outcome: one.outcome }, 1);
        time.set({ pipeline: one.pipeline, kind: one.kind }, Date.parse(one.at) / 1_000);
      }
      trouble = problems.join('; ');
    } catch (error) {
      // What was known last stays: the store has metrics of its own.
      trouble = messageOf(error);
    }
    if (trouble !== '' && trouble !== told) log.warn('what runs and checks came to cannot be read', { error: trouble });
    told = trouble;
    if (!stopped) timer = setTimeout(() => (running = look()), EVERY_MS).unref();
  };
  let running = look();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
