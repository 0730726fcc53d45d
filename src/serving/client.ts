import { PerennialError, messageOf } from '../core/errors.ts';
import type { Prediction, Row } from '../core/tensor.ts';
import { writeJson } from '../data/reading/json-numbers.ts';
import type { ColumnType, SourceReading } from '../data/types.ts';
import { tracedFetch } from '../telemetry/http-client.ts';

export interface PredictAnswer {
  readonly model: string;
  readonly version: number;
  readonly predictions: readonly PlacedPrediction[];
  readonly id: string;
}

/** A prediction; of several series, or rows with gaps, with the last row of its window and its series. */
export type PlacedPrediction = Prediction & { readonly row?: number; readonly series?: Readonly<Record<string, string | number | boolean>> };

/** What a client needs to know to send rows. */
export interface ModelDescription {
  readonly version: number;
  readonly windowSize: number;
  readonly columns: Readonly<Record<string, ColumnType>>;
  /** How the source of the model was read; absent in models of version 0.1.0. */
  readonly reading?: SourceReading;
}

/** Rows of one request. */
const ROWS_PER_REQUEST = 1_000;

/** A client of the model server. @throws SERVER_UNAVAILABLE, NOT_FOUND, DATA_INVALID with the server's own words */
export class ServerClient {
  readonly #url: string;
  readonly #token: string | undefined;

  constructor(url: string, token: string | undefined = process.env.PERENNIAL_API_TOKEN) {
    this.#url = url.replace(/\/+$/, '');
    this.#token = token;
  }

  async describe(model: string, version?: number): Promise<ModelDescription> {
    const path = `/v2/models/${encodeURIComponent(model)}${version === undefined ? '' : `/versions/${version}`}`;
    const body = (await this.#request(path)) as {
      parameters: { version: string; window_size: number; reading?: SourceReading };
      inputs: { name: string; parameters: { type: ColumnType } }[];
    };
    return {
      version: Number(body.parameters.version),
      windowSize: body.parameters.window_size,
      columns: Object.fromEntries(body.inputs.map((input) => [input.name, input.parameters.type])),
      ...(body.parameters.reading === undefined ? {} : { reading: body.parameters.reading }),
    };
  }

  /** Many rows travel in several requests, all to one version; rows of a time series in one. */
  async predict(model: string, rows: readonly Row[], version?: number): Promise<PredictAnswer> {
    if (rows.length <= ROWS_PER_REQUEST) return this.#predictOnce(model, rows, version);
    const description = await this.describe(model, version);
    if (description.windowSize > 1) return this.#predictOnce(model, rows, description.version);
    const answers: PredictAnswer[] = [];
    for (let start = 0; start < rows.length; start += ROWS_PER_REQUEST) {
      answers.push(await this.#predictOnce(model, rows.slice(start, start + ROWS_PER_REQUEST), description.version));
    }
    return { ...answers[0]!, predictions: answers.flatMap((answer) => answer.predictions) };
  }

  async #predictOnce(model: string, rows: readonly Row[], version: number | undefined): Promise<PredictAnswer> {
    const path = `/models/${encodeURIComponent(model)}${version === undefined ? '' : `/versions/${version}`}/predict`;
    return (await this.#request(path, { rows })) as PredictAnswer;
  }

  async #request(path: string, body?: unknown): Promise<unknown> {
    const headers: Record<string, string> = { 'content-type': 'application/json' };
    if (this.#token !== undefined && this.#token !== '') headers.authorization = `Bearer ${this.#token}`;
    let response: Response;
    let text: string;
    try {
      const template = path.replace(/\/models\/[^/]+/, '/models/{model}').replace(/\/versions\/[^/]+/, '/versions/{version}');
      response = await tracedFetch(`${this.#url}${path}`, template, body === undefined ? { headers } : { method: 'POST', headers, body: writeJson(body) });
      text = await response.text();
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
      throw new PerennialError('SERVER_UNAVAILABLE', `No model server answers at ${this.#url}: ${cause || 'connection failed'}.`, { cause: error });
    }
    const answer = parseAnswer(text);
    if (response.ok && answer !== undefined) return answer;
    const told = (answer as { error?: unknown } | undefined)?.error;
    throw failure(response.status, typeof told === 'string' ? told : `HTTP ${response.status} from ${this.#url}${path}, which does not look like a model server.`);
  }
}

function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function failure(status: number, message: string): PerennialError {
  if (status === 404) return new PerennialError('NOT_FOUND', message, { hint: 'List the models with `perennial models list`.' });
  if (status === 401) return new PerennialError('SECRET_MISSING', message, { hint: 'Set PERENNIAL_API_TOKEN to the token of the server.' });
  if (status === 413) return new PerennialError('LIMIT_EXCEEDED', message, { hint: 'Send fewer rows at once.' });
  if (status >= 400 && status < 500) return new PerennialError('DATA_INVALID', message, { hint: 'Correct the rows.' });
  return new PerennialError('SERVER_UNAVAILABLE', message, { hint: 'See the log of the server.' });
}
