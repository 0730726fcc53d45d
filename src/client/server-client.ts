import { PerennialError, isPerennialError, messageOf } from '../core/errors.ts';
import type { Prediction, Row } from '../core/tensor.ts';
import { writeJson } from '../data/reading/json-numbers.ts';
import type { SourceReading } from '../data/stored/dataset.ts';
import type { Column, ColumnType } from '../data/stored/column.ts';
import { tracedFetch } from '../telemetry/http-client.ts';
import { LOG_HEADER, ROW_HEADER } from '../serving/headers.ts';

export interface PredictAnswer {
  readonly model: string;
  readonly version: number;
  readonly predictions: readonly PlacedPrediction[];
  readonly id: string;
}

/** A prediction; of several series, or rows with gaps, with the last row of its window and its series. */
export type PlacedPrediction = Prediction & {
  readonly row?: number;
  readonly series?: Readonly<Record<string, string | number | boolean>>;
};

/** What a client needs to know to send rows. */
export interface ModelDescription {
  readonly version: number;
  readonly windowSize: number;
  /** Columns that tell series apart; absent where a model knows of one series only. */
  readonly seriesKey?: readonly string[];
  /** Column that says when a row of a series is; absent where the model knows none. */
  readonly seriesBy?: Pick<Column, 'name' | 'type'>;
  readonly columns: Readonly<Record<string, ColumnType>>;
  /** How the source of the model was read; absent in models of version 0.1.0. */
  readonly reading?: SourceReading;
}

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
      parameters: {
        version: string;
        window_size: number;
        series_key?: readonly string[];
        series_by?: Pick<Column, 'name' | 'type'>;
        reading?: SourceReading;
      };
      inputs: { name: string; parameters: { type: ColumnType } }[];
    };
    return {
      version: Number(body.parameters.version),
      windowSize: body.parameters.window_size,
      ...(body.parameters.series_key === undefined ? {} : { seriesKey: body.parameters.series_key }),
      ...(body.parameters.series_by === undefined ? {} : { seriesBy: body.parameters.series_by }),
      columns: Object.fromEntries(body.inputs.map((input) => [input.name, input.parameters.type])),
      ...(body.parameters.reading === undefined ? {} : { reading: body.parameters.reading }),
    };
  }

  /**
   * One request. {@link predictAll} is for rows of any number.
   *
   * @param logged false: the rows are no traffic, which drift would be looked for in
   */
  async predict(
    model: string,
    rows: readonly Row[],
    version?: number,
    { logged = true }: { readonly logged?: boolean } = {},
  ): Promise<PredictAnswer> {
    const path = `/models/${encodeURIComponent(model)}${version === undefined ? '' : `/versions/${version}`}/predict`;
    return (await this.#request(path, { rows }, logged ? {} : { [LOG_HEADER]: 'off' })) as PredictAnswer;
  }

  async #request(path: string, body?: unknown, more: Readonly<Record<string, string>> = {}): Promise<unknown> {
    const headers: Record<string, string> = { 'content-type': 'application/json', ...more };
    if (this.#token !== undefined && this.#token !== '') headers.authorization = `Bearer ${this.#token}`;
    let response: Response;
    let text: string;
    try {
      const template = path.replace(/\/models\/[^/]+/, '/models/{model}').replace(/\/versions\/[^/]+/, '/versions/{version}');
      response = await tracedFetch(
        `${this.#url}${path}`,
        template,
        body === undefined ? { headers } : { method: 'POST', headers, body: writeJson(body) },
      );
      text = await response.text();
    } catch (error) {
      if (isPerennialError(error)) throw error;
      const cause = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
      throw new PerennialError('SERVER_UNAVAILABLE', `No model server answers at ${this.#url}: ${cause || 'connection failed'}.`, {
        cause: error,
      });
    }
    const answer = parseAnswer(text);
    if (response.ok && answer !== undefined) return answer;
    const told = (answer as { error?: unknown } | undefined)?.error;
    throw failure(
      response.status,
      typeof told === 'string' ? told : `HTTP ${response.status} from ${this.#url}${path}, which does not look like a model server.`,
      response.headers,
    );
  }
}

function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function failure(status: number, message: string, headers: Headers): PerennialError {
  const row = headers.get(ROW_HEADER);
  const details = { status, ...(row === null ? {} : { row: Number(row) }) };
  if (status === 404) return new PerennialError('NOT_FOUND', message, { hint: 'List the models with `perennial models list`.' });
  if (status === 401) return new PerennialError('SECRET_MISSING', message, { hint: 'Set PERENNIAL_API_TOKEN to the token of the server.' });
  if (status === 413) return new PerennialError('LIMIT_EXCEEDED', message, { hint: 'Send fewer rows at once.', details });
  if (status >= 400 && status < 500) return new PerennialError('DATA_INVALID', message, { hint: 'Correct the rows.', details });
  return new PerennialError('SERVER_UNAVAILABLE', message, { hint: 'See the log of the server.', details });
}
