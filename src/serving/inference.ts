import { RateLimit } from '../access/rate-limit.ts';
import { andThen } from '../core/and-then.ts';
import { durationMs } from '../core/duration.ts';
import type { RequestLimits } from '../core/request-limits.ts';
import { pauses } from '../platform/pauses.ts';
import type { Arm, RolloutKey, RolloutRouting } from '../core/rollout.ts';
import type { Row, TensorBatch } from '../core/tensor.ts';
import type { CountedRequest } from '../rollouts/counts.ts';
import { decode } from '../data/answers/decode.ts';
import { FLOAT32_MAX } from '../data/preprocess/fitted-column.ts';
import { keyValues } from '../data/preprocess/series.ts';
import type { SeriesWindows } from '../data/stored/dataset.ts';
import { rowsOf } from './batcher.ts';
import type { PredictionLog } from './prediction-log.ts';
import { RequestError, badRow, toRequestError } from './request-error.ts';
import type { RolloutCounter } from './rollout-counter.ts';
import type { ActiveRollout, Router, Target } from './router.ts';
import type { Answer, Exposure, Lease, Servable } from './servable.ts';
import { ShadowCopies } from './shadow-copies.ts';
import { keyOfRows, splitOf } from './traffic-split.ts';
import type { ServingMetrics } from './serving-metrics.ts';
import { ServingStatistics } from './serving-statistics.ts';
import { tellPrediction, timed } from './serving-telemetry.ts';
import { checkRows, decodedRows, imageColumns, requireCount, requireFewPixels } from './source-rows.ts';
import { givesNumbers } from './warm-up.ts';

/** What a client asks: rows as they are in the source, or tensors as the network takes them. */
export type Question =
  | {
      readonly rows: readonly unknown[];
      /**
       * Whether the answer can say which rows each prediction is of. Otherwise one for every row from the first full window on is
       * expected.
       */
      readonly placed?: true;
      /** Rows that cannot be answered are set aside with the reason, and the others are answered. */
      readonly partial?: true;
    }
  | { readonly tensors: TensorBatch };

/** Of a question, besides its body. */
export interface AskOptions {
  /** false: it is no traffic, and neither logged nor part of a rollout. */
  readonly logged?: boolean;
  /** Of the request, by name; what rollouts may tell callers apart by. */
  header?(name: string): string | undefined;
  /** Rows that the one who asks may send at once; left out: as many as the server takes. */
  readonly rowsMax?: number | undefined;
  /** Of the body, unpacked. */
  readonly bytes?: number;
}

/** How one question is answered by one version. */
interface Attempt {
  readonly id: string;
  readonly question: (servable: Servable) => Question | Promise<Question>;
  readonly logged: boolean;
  readonly rowsMax?: number | undefined;
  readonly limits?: RequestLimits | undefined;
  readonly exposure?: Exposure;
}

/** What all protocols share: from a question to an answer, by one version from start to end. */
export class InferenceService {
  readonly router: Router;
  readonly statistics = new ServingStatistics();
  readonly #log: PredictionLog;
  readonly #metrics: ServingMetrics;
  readonly #rollouts: RolloutCounter | undefined;
  readonly #shadows = new ShadowCopies();
  readonly #counters = new WeakMap<Servable, (amount: number) => void>();
  /** By model. */
  readonly #rate = new RateLimit();

  /** @param rollouts left out: nothing is counted, and all traffic goes to the champion */
  constructor(router: Router, log: PredictionLog, metrics: ServingMetrics, rollouts?: RolloutCounter) {
    this.router = router;
    this.#log = log;
    this.#metrics = metrics;
    this.#rollouts = rollouts;
  }

  /** Whether predictions reach the store. */
  get predictionLog(): 'written' | 'waiting' {
    return this.#log.state;
  }

  /**
   * @param question gets the version that answers, since what a request means depends on its columns.
   * @returns at once where the network answers at once: a promise is a good part of what a small request costs
   * @throws RequestError for the client's mistakes; anything else is a failure of the server.
   */
  ask(
    target: Target,
    id: string,
    question: (servable: Servable) => Question | Promise<Question>,
    options: AskOptions = {},
  ): Answer | Promise<Answer> {
    const { logged = true, rowsMax } = options;
    const limits = this.router.limitsOf(target.model);
    if (limits !== undefined) this.#admit(target.model, limits, options.bytes);
    const active = logged && this.#rollouts !== undefined ? this.router.rolloutOf(target) : undefined;
    if (active !== undefined)
      return this.#askInRollout(this.#rollouts!, active, target, { id, question, logged, rowsMax, limits }, options);
    const attempt: Attempt = { id, question, logged, rowsMax, limits };
    const lease = this.router.leaseNow(target);
    return lease === undefined ? this.router.lease(target).then((later) => this.#attempt(later, attempt)) : this.#attempt(lease, attempt);
  }

  /** @throws RequestError 413, 429 */
  #admit(model: string, { requestsPerSecond, bytesPerRequest }: RequestLimits, bytes = 0): void {
    if (bytesPerRequest !== undefined && bytes > bytesPerRequest)
      throw new RequestError(
        413,
        `The body is of ${bytes} bytes; ${JSON.stringify(model)} is deployed for at most ${bytesPerRequest}. Send several requests.`,
      );
    if (requestsPerSecond === undefined) return;
    const seconds = this.#rate.wait({ name: model, requestsPerSecond });
    if (seconds > 0)
      throw new RequestError(429, `${JSON.stringify(model)} is deployed for ${requestsPerSecond} requests a second.`, {
        retryAfter: Math.ceil(seconds),
      });
  }

  /** A version that fails while it is tried fails nobody: then the champion answers, outside of the rollout. */
  async #askInRollout(
    counter: RolloutCounter,
    { rollout, output }: ActiveRollout,
    target: Target,
    asked: Omit<Attempt, 'exposure'>,
    options: AskOptions,
  ): Promise<Answer> {
    const { model } = target;
    const split = splitOf(rollout, rollout.by === undefined ? undefined : await this.#keyOf(rollout.by, target, asked, options));
    const isShadow = rollout.kind === 'shadow';
    const candidate = split?.arm === 'candidate' && !isShadow ? this.router.leaseCandidate(model, rollout) : undefined;
    if (split === undefined || (split.arm === 'candidate' && !isShadow && candidate === undefined)) {
      counter.outside(model, rollout);
      return this.#attempt(await this.router.lease(target), asked);
    }
    const arm = candidate === undefined ? 'champion' : 'candidate';
    const exposure: Exposure = { rollout: rollout.id, arm, ...(split.unit === undefined ? {} : { unit: split.unit }) };
    const count = (started: number, found: Answer | RequestError, by: Arm): void =>
      counter.request(model, rollout, { arm: by, ms: performance.now() - started, output, ...outcomeOf(found) });
    const started = performance.now();
    try {
      const answer = await this.#attempt(candidate ?? (await this.router.lease(target)), { ...asked, exposure });
      count(started, answer, arm);
      if (isShadow && split.arm === 'candidate') this.#copy(counter, rollout, asked, answer, count);
      return answer;
    } catch (error) {
      count(started, toRequestError(error, asked.id), arm);
      if (candidate === undefined) throw error;
      return this.#attempt(await this.router.lease(target), asked);
    }
  }

  /** The candidate is asked the same, behind the back of the request. Its answer is compared and forgotten. */
  #copy(
    counter: RolloutCounter,
    rollout: RolloutRouting,
    { id, question }: Pick<Attempt, 'id' | 'question'>,
    { servable: { model }, predictions }: Answer,
    count: (started: number, found: Answer | RequestError, by: Arm) => void,
  ): void {
    const isDone = this.#shadows.add(async () => {
      const lease = this.router.leaseCandidate(model, rollout);
      if (lease === undefined) return counter.dropped(model, rollout);
      const started = performance.now();
      try {
        const answer = await this.#attempt(lease, { id, question, logged: false }, false);
        count(started, answer, 'candidate');
        counter.compared(model, rollout, predictions, answer.predictions);
      } catch (error) {
        count(started, toRequestError(error, id), 'candidate');
      }
    });
    if (!isDone) counter.dropped(model, rollout);
  }

  /** A body that cannot be read has no key; whoever answers says what is wrong with it. */
  async #keyOf(by: RolloutKey, target: Target, { question }: Pick<Attempt, 'question'>, options: AskOptions): Promise<string | undefined> {
    const { column } = by;
    if (column === undefined) return by.header === undefined ? undefined : options.header?.(by.header);
    try {
      const asked = await this.inspect(target, question);
      return 'rows' in asked ? keyOfRows(asked.rows, column) : undefined;
    } catch (error) {
      if (error instanceof RequestError) return undefined;
      throw error;
    }
  }

  /** @param counted false: no request of anybody, and no part of the statistics */
  #attempt(given: Lease, attempt: Attempt, counted = true): Answer | Promise<Answer> {
    const { limits, exposure } = attempt;
    const started = performance.now();
    const lease = limits?.timeout === undefined ? given : impatient(given, durationMs(limits.timeout));
    const end = (rows: number | undefined): void => {
      if (counted) this.statistics.request(lease.servable, performance.now() - started, rows);
      lease.release();
    };
    const answered = (answer: Answer): Answer => {
      end(answer.predictions.length);
      return exposure === undefined ? answer : { ...answer, exposure };
    };
    const failed = (error: unknown): never => {
      end(undefined);
      throw error;
    };
    let found: Answer | Promise<Answer>;
    try {
      found = tellPrediction(lease.servable, () =>
        andThen(attempt.question(lease.servable), (asked) => this.#answerQuestion(lease, asked, attempt)),
      );
    } catch (error) {
      return failed(error);
    }
    return found instanceof Promise ? found.then(answered, failed) : answered(found);
  }

  #answerQuestion(lease: Lease, asked: Question, { id, logged, rowsMax, limits, exposure }: Attempt): Answer | Promise<Answer> {
    requireAllowed(asked, rowsMax, 'this token is');
    requireAllowed(asked, limits?.rowsPerRequest, `${JSON.stringify(lease.servable.model)} is deployed`);
    const logs: Logs = exposure === undefined ? { logged } : { logged, exposure };
    if (!('rows' in asked)) return this.#answerTensors(lease, id, asked.tensors, logs);
    return asked.partial === true
      ? this.#answerPartly(lease, id, asked.rows, logs)
      : this.#answerRows(lease, id, asked.rows, asked.placed === true, logs);
  }

  /** Runs `use` with the version while it is guaranteed to stay loaded. */
  async inspect<T>(target: Target, use: (servable: Servable) => T | Promise<T>): Promise<T> {
    const lease = await this.router.lease(target);
    try {
      return await use(lease.servable);
    } finally {
      lease.release();
    }
  }

  /** The rows that can be answered, and of the others the reason. @throws RequestError for what is wrong with the request as a whole */
  async #answerPartly(lease: Lease, id: string, given: readonly unknown[], logs: Logs): Promise<Answer> {
    const { servable } = lease;
    if (servable.preprocessor.series !== undefined)
      throw new RequestError(
        400,
        `${JSON.stringify(servable.model)} predicts from rows that follow each other, of which none can be set aside: leave "partial" out.`,
      );
    requireCount(given.length);
    const refused = new Map<number, string>();
    let good = Array.from(given.keys());
    // The only row of a request goes by the id of the request, as ever.
    const placeOf = given.length === 1 ? undefined : (index: number): number => good[index]!;
    for (let tries = 0; ; tries += 1) {
      const rows = good.map((row) => given[row]);
      try {
        const answer = good.length === 0 ? { servable, id, predictions: [] } : await this.#answerRows(lease, id, rows, true, logs, placeOf);
        return {
          ...answer,
          places: good.map((row) => ({ row })),
          refused: [...refused].map(([row, error]) => ({ row, error })).sort((a, b) => a.row - b.row),
        };
      } catch (error) {
        const problem = toRequestError(error, id);
        if (problem.facts.row === undefined || tries === PARTIAL_TRIES_MAX) throw error;
        // What cannot be read is found without the network; what the network has no answer for, one after the other.
        const found = tries === 0 ? await unreadable(servable, good, given) : new Map<number, string>();
        const row = good[problem.facts.row]!;
        if (!found.has(row)) found.set(row, problem.message.replace(/^row \d+/i, `Row ${row}`));
        for (const [bad, message] of found) refused.set(bad, message);
        good = good.filter((place) => !found.has(place));
      }
    }
  }

  #answerRows(
    lease: Lease,
    id: string,
    given: readonly unknown[],
    placed: boolean,
    logs: Logs,
    placeOf?: (row: number) => number,
  ): Answer | Promise<Answer> {
    const { preprocessor, predictor } = lease.servable;
    const rows = checkRows(lease.servable, given);
    if (preprocessor.series !== undefined || imageColumns(lease.servable).length > 0)
      return this.#answerRead(lease, id, rows, placed, logs, placeOf);
    // A reading beyond all bounds is what a model of anomalies is for.
    const options = { saturate: predictor.meta.output.kind === 'anomaly' };
    return andThen(preprocessor.applyNow?.(rows, options) ?? preprocessor.apply(rows, options), (tensors) =>
      this.#answerApplied(lease, id, { rows, tensors, rowOf: (index) => preprocessor.windowSize - 1 + index }, logs, placeOf),
    );
  }

  /** Rows whose images are decoded first, or that follow each other. */
  async #answerRead(
    lease: Lease,
    id: string,
    given: readonly Row[],
    placed: boolean,
    logs: Logs,
    placeOf?: (row: number) => number,
  ): Promise<Answer> {
    const { preprocessor, predictor } = lease.servable;
    const hasImages = imageColumns(lease.servable).length > 0;
    if (hasImages) await requireFewPixels(lease.servable, given);
    const rows = hasImages ? await decodedRows(lease.servable, given) : given;
    const saturate = predictor.meta.output.kind === 'anomaly';
    const windows = await preprocessor.series?.windows(rows, { saturate });
    if (windows !== undefined && !placed) requireOneSeries(windows, rows.length, preprocessor.windowSize);
    // A windowed model answers once per full window: the answer belongs to the window's last row.
    const rowOf = (index: number): number => windows?.ends[index] ?? preprocessor.windowSize - 1 + index;
    const tensors = windows?.tensors ?? (await preprocessor.apply(rows, { saturate }));
    const answer = await this.#answerApplied(lease, id, { rows, tensors, rowOf }, logs, placeOf);
    if (windows === undefined || (windows.keys === undefined && windows.gaps === 0 && !windows.sorted)) return answer;
    const { key } = preprocessor.series!.sequence;
    return {
      ...answer,
      places: Array.from(windows.ends, (row) => ({ row, ...(key === undefined ? {} : { series: keyValues(key, windows.keys![row]!) }) })),
    };
  }

  #answerApplied(
    lease: Lease,
    id: string,
    { rows, tensors, rowOf }: { readonly rows: readonly Row[]; readonly tensors: TensorBatch; readonly rowOf: (index: number) => number },
    logs: Logs,
    placeOf?: (row: number) => number,
  ): Answer | Promise<Answer> {
    const source: SourceOf = (index) => ({ row: rowOf(index), values: rows[rowOf(index)]! });
    return andThen(this.#answerTensors(lease, id, tensors, NOT_LOGGED, source), (answer) => {
      if (logs.logged)
        answer.predictions.forEach((prediction, index) =>
          this.#log.add(
            lease.servable,
            placeOf === undefined ? predictionId(answer, index) : `${id}/${placeOf(index)}`,
            rows[rowOf(index)] ?? null,
            prediction,
            logs.exposure,
          ),
        );
      return answer;
    });
  }

  /** At once where the network answers at once. */
  #answerTensors(lease: Lease, id: string, tensors: TensorBatch, logs: Logs, source?: SourceOf): Answer | Promise<Answer> {
    const { servable } = lease;
    const rows = rowsOf(tensors);
    if (rows === 0) throw new RequestError(400, 'The request holds no complete example.');
    const started = performance.now();
    const computed = timed('perennial.server.queue.wait', { 'perennial.model.name': servable.model }, () => lease.predict(tensors));
    return andThen(computed, (values) => {
      this.statistics.inference(servable, performance.now() - started);
      const checked = areFinite(values) ? values : finite(servable, values, rows, tensors, source);
      return andThen(checked, (numbers) => this.#answerOf(servable, id, numbers, rows, logs));
    });
  }

  /** Counts predictions under labels that are written once for each version. */
  #counterOf(servable: Servable): (amount: number) => void {
    let counter = this.#counters.get(servable);
    if (counter === undefined) {
      counter = this.#metrics.predictions.under({ model: servable.model, version: String(servable.version) });
      this.#counters.set(servable, counter);
    }
    return counter;
  }

  #answerOf(servable: Servable, id: string, values: Float32Array, rows: number, logs: Logs): Answer {
    const answer: Answer = { servable, id, predictions: decode(servable.predictor.meta.output, values, rows) };
    this.#counterOf(servable)(answer.predictions.length);
    if (logs.logged)
      answer.predictions.forEach((prediction, index) =>
        this.#log.add(servable, predictionId(answer, index), null, prediction, logs.exposure),
      );
    return answer;
  }
}

/** A lease whose calls of the network have to begin in time, counted from now on. */
function impatient(lease: Lease, ms: number): Lease {
  const until = performance.now() + ms;
  return { ...lease, predict: (batch) => lease.predict(batch, Math.max(0, until - performance.now())) };
}

/** @throws RequestError 413 */
function requireAllowed(asked: Question, rowsMax: number | undefined, whose: string): void {
  if (rowsMax === undefined) return;
  const rows = 'rows' in asked ? asked.rows.length : rowsOf(asked.tensors);
  if (rows > rowsMax) throw new RequestError(413, `${rows} rows in one request; ${whose} for at most ${rowsMax}. Send several requests.`);
}

function areFinite(values: Float32Array): boolean {
  for (let at = 0; at < values.length; at += 1) if (values[at]! - values[at]! !== 0) return false;
  return true;
}

/** What the prediction log gets of an answer. */
type Logs = Pick<Attempt, 'logged' | 'exposure'>;
const NOT_LOGGED: Logs = { logged: false };

function outcomeOf(found: Answer | RequestError): Pick<CountedRequest, 'outcome' | 'predictions'> {
  if (!(found instanceof RequestError)) return { outcome: 'answered', predictions: found.predictions };
  return { outcome: found.status >= 500 ? 'failed' : 'refused', predictions: [] };
}

/** Rows that the network has no answer for: so many of one request are set aside. */
const PARTIAL_TRIES_MAX = 100;

/** How long other requests wait for one that looks for its bad rows. */
const TURN_MS = 8;

/** The rows that cannot be read, with the reasons, whatever their number: halves in which there is none are read once. */
async function unreadable(servable: Servable, places: readonly number[], given: readonly unknown[]): Promise<Map<number, string>> {
  const saturate = servable.predictor.meta.output.kind === 'anomaly';
  const found = new Map<number, string>();
  const open: (readonly number[])[] = [places];
  const pause = pauses(undefined, TURN_MS);
  for (let group = open.pop(); group !== undefined; group = open.pop()) {
    if (group.length === 0) continue;
    await pause();
    try {
      await servable.preprocessor.apply(
        checkRows(
          servable,
          group.map((row) => given[row]),
        ),
        { saturate },
      );
    } catch (error) {
      const { message, facts } = toRequestError(error, '');
      if (facts.row === undefined) throw error;
      const bad = group[facts.row]!;
      found.set(bad, message.replace(/^row \d+/i, `Row ${bad}`));
      const others = group.filter((row) => row !== bad);
      const half = Math.ceil(others.length / 2);
      open.push(others.slice(0, half), others.slice(half));
    }
  }
  return found;
}

/** The row of the request that an example was made from (of a window the last one). */
type SourceOf = (index: number) => { readonly row: number; readonly values: Row };

/**
 * Answers that are numbers. Values far from all that a model learnt from can be too much for it: an anomaly model has said by that
 * what it is asked, others cannot say anything of them.
 *
 * @throws RequestError 400 naming the row; Error where the network gives no numbers at all
 */
async function finite(
  servable: Servable,
  values: Float32Array,
  rows: number,
  tensors: TensorBatch,
  source: SourceOf | undefined,
): Promise<Float32Array> {
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (!(await givesNumbers(servable)))
    throw new Error(`version ${servable.version} of ${servable.model} gave ${values[bad]} at value ${bad}`);
  if (servable.predictor.meta.output.kind === 'anomaly') return values.map((value) => (Number.isFinite(value) ? value : FLOAT32_MAX));
  const index = Math.floor(bad / (values.length / rows));
  const from = source?.(index);
  throw badRow(
    from?.row ?? index,
    `: the model has no answer for such values, which are far from all that it learnt from${largest(from === undefined ? exampleOf(tensors, index) : from.values)}.`,
  );
}

/** The first value of each tensor that is the largest of its example. */
function exampleOf(tensors: TensorBatch, index: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { data, rows }]) => {
      const size = data.length / rows;
      return [
        name,
        Array.from(data.subarray(index * size, (index + 1) * size)).reduce(
          (most, value) => (Math.abs(value) > Math.abs(most) ? value : most),
          0,
        ),
      ];
    }),
  );
}

function largest(values: Readonly<Record<string, unknown>>): string {
  const numbers = Object.entries(values).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  if (numbers.length === 0) return '';
  const [name, value] = numbers.reduce((most, one) => (Math.abs(one[1]) > Math.abs(most[1]) ? one : most));
  return `; the largest is ${value} in ${JSON.stringify(name)}`;
}

/**
 * Of protocols whose answers are bare values: those of several series, or with gaps between, could be of any rows.
 *
 * @throws RequestError 400
 */
function requireOneSeries({ ends, keys, gaps, sorted }: SeriesWindows, rows: number, size: number): void {
  if (sorted)
    throw new RequestError(
      400,
      'The rows are not in the order of time, and an answer of this protocol cannot say which rows a prediction is of: sort them, or send them to /models/NAME/predict.',
    );
  const several = new Set(keys).size;
  if (several <= 1 && ends.length === rows - size + 1) return;
  throw new RequestError(
    400,
    `The rows are of ${several > 1 ? `${several} series` : 'one series'}${gaps === 0 ? '' : ` with ${gaps} ${gaps === 1 ? 'gap' : 'gaps'}`}, and an answer of this protocol cannot say which rows a prediction is of: send each series without a gap in a request of its own, or all to /models/NAME/predict.`,
  );
}

/** The id of one prediction in the log: the request's id, with the row's number where the request had several. */
export function predictionId(answer: Pick<Answer, 'id' | 'predictions'>, index: number): string {
  return answer.predictions.length === 1 ? answer.id : `${answer.id}/${index}`;
}
