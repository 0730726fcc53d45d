import { isPerennialError } from '../core/errors.ts';

/** What an answer other than 2xx carries besides its message. */
export interface ErrorFacts {
  /** Seconds, for the `Retry-After` header of a 429 or 503. */
  readonly retryAfter?: number;
  /** Methods that the address takes, for the `Allow` header of a 405. */
  readonly allow?: string;
  /** For the `Accept` header of a 415. */
  readonly accept?: string;
  /** For the `Accept-Encoding` header of a 415. */
  readonly acceptEncoding?: string;
  /** The row of the request that it is about, from 0; for a header. */
  readonly row?: number;
}

/** A request that gets an answer other than 2xx. The message goes to the client, so it speaks only of the client's own input. */
export class RequestError extends Error {
  readonly status: number;
  readonly facts: ErrorFacts;

  constructor(status: number, message: string, facts: ErrorFacts = {}) {
    super(message);
    this.name = 'RequestError';
    this.status = status;
    this.facts = facts;
  }
}

/** A row of the request that cannot be answered. @param message what follows "Row N" */
export function badRow(row: number, message: string): RequestError {
  return new RequestError(400, `Row ${row}${message}`, { row });
}

/** What the client hears of an error: its own mistakes precisely, everything else by request id only. */
export function toRequestError(error: unknown, requestId: string): RequestError {
  if (error instanceof RequestError) return error;
  if (isPerennialError(error)) {
    if (error.code === 'NOT_FOUND' || error.code === 'VERSION_INVALID') return new RequestError(404, error.message);
    if (error.code === 'STORE_UNAVAILABLE')
      return new RequestError(503, 'The model store does not answer, and what was asked for is not loaded.', { retryAfter: 2 });
    if (error.code === 'STORE_FULL')
      return new RequestError(503, 'The model store has no room left, so that nothing can be kept. Try again later.', { retryAfter: 10 });
    if (error.code === 'BLOB_CORRUPT' || error.code === 'OBJECT_NOT_FOUND')
      return new RequestError(503, 'What was asked for is damaged in the store; `perennial doctor --store` names what, and what to do.');
    if (error.code === 'DATA_INVALID' || error.code === 'COLUMN_MISSING' || error.code === 'LIMIT_EXCEEDED') {
      // Whatever reads values begins its message with the row.
      const row = /^row (\d+)\b/i.exec(error.message)?.[1];
      return new RequestError(400, error.message, row === undefined ? {} : { row: Number(row) });
    }
  }
  return new RequestError(500, `The request failed inside the server; its log tells more under the request id ${requestId}.`);
}
