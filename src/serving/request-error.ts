import { isPerennialError } from '../core/errors.ts';

/** A request that gets an answer other than 2xx. The message goes to the client, so it speaks only of the client's own input. */
export class RequestError extends Error {
  readonly status: number;
  /** Seconds, for the `Retry-After` header of a 503. */
  readonly retryAfter?: number;

  /** Methods that the address takes, for the `Allow` header of a 405. */
  readonly allow?: string;

  constructor(status: number, message: string, retryAfter?: number, allow?: string) {
    super(message);
    this.name = 'RequestError';
    this.status = status;
    if (retryAfter !== undefined) this.retryAfter = retryAfter;
    if (allow !== undefined) this.allow = allow;
  }
}

/** What the client hears of an error: its own mistakes precisely, everything else by request id only. */
export function toRequestError(error: unknown, requestId: string): RequestError {
  if (error instanceof RequestError) return error;
  if (isPerennialError(error)) {
    if (error.code === 'NOT_FOUND' || error.code === 'VERSION_INVALID') return new RequestError(404, error.message);
    if (error.code === 'STORE_UNAVAILABLE') return new RequestError(503, 'The model store does not answer, and what was asked for is not loaded.', 2);
    if (error.code === 'DATA_INVALID' || error.code === 'COLUMN_MISSING' || error.code === 'LIMIT_EXCEEDED') return new RequestError(400, error.message);
  }
  return new RequestError(500, `The prediction failed inside the server; its log tells more under the request id ${requestId}.`);
}
