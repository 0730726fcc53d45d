import type { TensorBatch } from '../core/tensor.ts';
import { decode } from '../data/decode.ts';
import { rowsOf } from './batcher.ts';
import type { PredictionLog } from './prediction-log.ts';
import { RequestError } from './request-error.ts';
import type { Router, Target } from './router.ts';
import type { Answer, Lease, Servable } from './servable.ts';
import type { ServingMetrics } from './serving-metrics.ts';
import { tellPrediction, timed } from './serving-telemetry.ts';
import { checkRows } from './source-rows.ts';

/** What a client asks: rows as they are in the source, or tensors as the network takes them. */
export type Question = { readonly rows: readonly unknown[] } | { readonly tensors: TensorBatch };

/** What all protocols share: from a question to an answer, by one version from start to end. */
export class InferenceService {
  readonly router: Router;
  readonly #log: PredictionLog;
  readonly #metrics: ServingMetrics;

  constructor(router: Router, log: PredictionLog, metrics: ServingMetrics) {
    this.router = router;
    this.#log = log;
    this.#metrics = metrics;
  }

  /**
   * @param question gets the version that answers, since what a request means depends on its columns.
   * @throws RequestError for the client's mistakes; anything else is a failure of the server.
   */
  async ask(target: Target, id: string, question: (servable: Servable) => Question): Promise<Answer> {
    const lease = await this.router.lease(target);
    try {
      return await tellPrediction(lease.servable, async () => {
        const asked = question(lease.servable);
        return 'rows' in asked ? await this.#answerRows(lease, id, asked.rows) : await this.#answerTensors(lease, id, asked.tensors);
      });
    } finally {
      lease.release();
    }
  }

  /** Runs `use` with the version while it is guaranteed to stay loaded. */
  async inspect<T>(target: Target, use: (servable: Servable) => T): Promise<T> {
    const lease = await this.router.lease(target);
    try {
      return use(lease.servable);
    } finally {
      lease.release();
    }
  }

  async #answerRows(lease: Lease, id: string, given: readonly unknown[]): Promise<Answer> {
    const rows = checkRows(lease.servable, given);
    const answer = await this.#answerTensors(lease, id, await lease.servable.preprocessor.apply(rows), false);
    // A windowed model answers once per full window: the answer belongs to the window's last row.
    const first = rows.length - answer.predictions.length;
    answer.predictions.forEach((prediction, index) => this.#log.add(lease.servable, predictionId(answer, index), rows[first + index] ?? null, prediction));
    return answer;
  }

  async #answerTensors(lease: Lease, id: string, tensors: TensorBatch, logged = true): Promise<Answer> {
    const { servable } = lease;
    const rows = rowsOf(tensors);
    if (rows === 0) throw new RequestError(400, 'The request holds no complete example.');
    const values = await timed('perennial.server.queue.wait', { 'perennial.model.name': servable.model }, () => lease.predict(tensors));
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad !== -1) throw new Error(`version ${servable.version} of ${servable.model} gave ${values[bad]} at value ${bad}`);
    const answer: Answer = { servable, id, predictions: decode(servable.predictor.meta.output, values, rows) };
    this.#metrics.predictions.add({ model: servable.model, version: String(servable.version) }, answer.predictions.length);
    if (logged) answer.predictions.forEach((prediction, index) => this.#log.add(servable, predictionId(answer, index), null, prediction));
    return answer;
  }
}

/** The id of one prediction in the log: the request's id, with the row's number where the request had several. */
export function predictionId(answer: Pick<Answer, 'id' | 'predictions'>, index: number): string {
  return answer.predictions.length === 1 ? answer.id : `${answer.id}/${index}`;
}
