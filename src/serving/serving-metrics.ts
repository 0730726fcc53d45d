import type { Counter, Gauge, Histogram } from './prometheus.ts';
import { PrometheusRegistry } from './prometheus.ts';

/** Every metric of the model server. */
export interface ServingMetrics {
  readonly registry: PrometheusRegistry;
  readonly requests: Counter;
  readonly requestSeconds: Histogram;
  readonly predictions: Counter;
  readonly batchRows: Histogram;
  readonly modelVersion: Gauge;
  readonly swaps: Counter;
  readonly loadFailures: Counter;
  readonly degraded: Gauge;
  readonly modelBytes: Gauge;
  readonly modelLoads: Counter;
  readonly modelEvictions: Counter;
  readonly processDeaths: Counter;
  readonly storeUp: Gauge;
  readonly logged: Counter;
  readonly logDropped: Counter;
  readonly logWaitingBytes: Gauge;
  readonly logFailing: Gauge;
}

export function createServingMetrics(): ServingMetrics {
  const registry = new PrometheusRegistry();
  const seconds = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
  const metrics: ServingMetrics = {
    registry,
    requests: registry.counter('perennial_requests_total', 'HTTP requests answered, by route and status.'),
    requestSeconds: registry.histogram(
      'perennial_request_duration_seconds',
      'Time from the request to its answer, in seconds, by route.',
      seconds,
    ),
    predictions: registry.counter('perennial_predictions_total', 'Rows predicted, by model and version.'),
    batchRows: registry.histogram('perennial_batch_rows', 'Rows per call of the network.', [1, 2, 4, 8, 16, 32, 64, 128, 256]),
    modelVersion: registry.gauge('perennial_model_version', 'Version that answers for the champion; 0: none.'),
    swaps: registry.counter('perennial_model_swaps_total', 'Times another version began to answer.'),
    loadFailures: registry.counter('perennial_model_load_failures_total', 'Attempts to load a version that failed.'),
    degraded: registry.gauge(
      'perennial_model_degraded',
      '1 while the champion does not answer because it, or the routing of the model, cannot be loaded.',
    ),
    modelBytes: registry.gauge('perennial_model_memory_bytes', 'What a loaded version counts against the memory of all; 0: on the shelf.'),
    modelLoads: registry.counter('perennial_model_loads_total', 'Times a version was loaded into memory.'),
    modelEvictions: registry.counter('perennial_model_evictions_total', 'Times a version was put on the shelf to make room.'),
    processDeaths: registry.counter('perennial_model_process_deaths_total', 'Times the process of a network ended by itself.'),
    storeUp: registry.gauge('perennial_store_up', '1 while the object store answers.'),
    logged: registry.counter('perennial_prediction_log_lines_total', 'Predictions written to the object store.'),
    logDropped: registry.counter(
      'perennial_prediction_log_dropped_total',
      'Predictions that were not logged: the buffer was full, or the server stopped while the store was away.',
    ),
    logFailing: registry.gauge('perennial_prediction_log_failing', '1 while the store takes no predictions, which wait in memory.'),
    logWaitingBytes: registry.gauge('perennial_prediction_log_waiting_bytes', 'Bytes of predictions that wait to be written.'),
  };
  metrics.logged.add({}, 0);
  metrics.logDropped.add({}, 0);
  metrics.logWaitingBytes.set({}, 0);
  metrics.logFailing.set({}, 0);
  return metrics;
}
