import type { Plan } from '../src/core/plan.ts';
import type { PipelineInput, RunView } from '../src/core/run.ts';

/** Ticks that are older than the schedule's catch-up window can only come from a backfill. */
export function scheduledTrigger(input: PipelineInput, tick: Date | undefined, startTime: Date, scheduled: boolean): string {
  if (!scheduled || tick === undefined || input.trigger !== 'schedule') return input.trigger;
  const catchupMs = input.plan.on.schedule?.catchupMs ?? 0;
  return startTime.getTime() - tick.getTime() > Math.max(catchupMs, 60_000) ? 'backfill' : 'schedule';
}

/** The metric that the first gate looks at, else the first metric asked for, else the first there is. */
export function primaryMetric(plan: Plan, view: RunView): { readonly name: string; readonly value: number } | undefined {
  for (const step of plan.steps) {
    if (!Object.values(step.outputs).includes('evaluation')) continue;
    const { gates, metrics } = step.config as { gates?: { metric?: string }[]; metrics?: unknown[] };
    const name = [...(gates ?? []).map((gate) => gate.metric), ...(metrics ?? []), ...Object.keys(view.metrics)].find(
      (wanted) => typeof wanted === 'string' && Object.hasOwn(view.metrics, wanted),
    );
    if (typeof name === 'string') return { name, value: view.metrics[name]! };
  }
  return undefined;
}
