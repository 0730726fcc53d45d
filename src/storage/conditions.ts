import { PerennialError } from '../core/errors.ts';
import type { PutOptions } from '../core/ports.ts';

/** The one message for a lost race, whichever store it happened on. */
export function preconditionFailed(location: string, key: string, options: PutOptions, cause?: unknown): PerennialError {
  const expected = options.ifNoneMatch !== undefined ? 'to be absent' : `to have the etag ${options.ifMatch}`;
  return new PerennialError('PRECONDITION_FAILED', `${location}: "${key}" was expected ${expected}.`, { cause });
}

export function objectNotFound(location: string, key: string, cause?: unknown): PerennialError {
  return new PerennialError('OBJECT_NOT_FOUND', `${location} has no object "${key}".`, { cause });
}

/** Both conditions at once cannot hold: that is a defect of the caller. */
export function checkConditions(options: PutOptions): void {
  if (options.ifNoneMatch !== undefined && options.ifMatch !== undefined) {
    throw new PerennialError('INTERNAL', 'A put takes ifNoneMatch or ifMatch, not both.');
  }
}
