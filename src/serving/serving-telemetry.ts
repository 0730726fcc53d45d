import { annotate, measure, telemetryIsOn, traced } from '../telemetry/telemetry.ts';
import type { Attributes, MetricName } from '../telemetry/names.ts';
import type { Answer, Servable } from './servable.ts';

/** A question as part of the trace of its request, linked to the trace of the run that made the version. */
export function tellPrediction(servable: Servable, answer: () => Answer | Promise<Answer>): Answer | Promise<Answer> {
  if (!telemetryIsOn()) return answer();
  const { model, version, trace } = servable;
  const which: Attributes = { 'perennial.model.name': model, 'perennial.model.version': version };
  const made: Attributes = trace === undefined ? {} : { 'perennial.run.trace_id': trace.traceId };
  // On the request, too: it is what people look for.
  annotate({ ...which, ...made });
  return traced(`predict ${model}`, { attributes: { ...which, ...made }, links: trace === undefined ? [] : [trace] }, async (span) => {
    const answered = await answer();
    span.set({ 'perennial.rows': answered.predictions.length });
    measure('perennial.server.predictions', answered.predictions.length, which);
    return answered;
  });
}

/** Measures how long something takes, failed or not. At once where nothing is told, and it is done at once. */
export function timed<T>(metric: MetricName, attributes: Attributes, run: () => T | Promise<T>): T | Promise<T> {
  return telemetryIsOn() ? measured(metric, attributes, run) : run();
}

async function measured<T>(metric: MetricName, attributes: Attributes, run: () => T | Promise<T>): Promise<T> {
  const started = performance.now();
  try {
    return await run();
  } finally {
    measure(metric, (performance.now() - started) / 1_000, attributes);
  }
}
