import { ApplicationFailure } from '@temporalio/common';
import { isPerennialError, messageOf } from '../src/core/errors.ts';
import { fileTrouble } from '../src/core/file-trouble.ts';
import { limits } from '../src/core/limits.ts';
import { mask } from '../src/steps/secrets.ts';

/** Pause before the next attempt of a step that could not reach the store, in milliseconds. */
const STORE_RETRY_MS = 10_000;

/** An error in Temporal's form: our code as the type, a message that says what to do, and whether trying again can help. */
export function toFailure(error: unknown): ApplicationFailure {
  if (error instanceof ApplicationFailure) return error;
  if (!isPerennialError(error)) {
    const trouble = fileTrouble(error);
    if (trouble !== undefined) return toFailure(trouble);
    const failure = ApplicationFailure.create({ message: clip(mask(messageOf(error))), type: 'INTERNAL', nonRetryable: false });
    if (error instanceof Error && error.stack !== undefined) failure.stack = mask(error.stack);
    return failure;
  }
  const hint = error.message.includes(error.hint) ? '' : ` ${error.hint}`;
  const failure = ApplicationFailure.create({
    message: clip(mask(error.message)) + mask(hint),
    type: error.code,
    nonRetryable: !error.retryable,
    // Calls to the store have been repeated for seconds already: it takes longer to mount a disk or start a server.
    ...(error.code === 'STORE_UNAVAILABLE' ? { nextRetryDelay: STORE_RETRY_MS } : {}),
    details: [mask({ category: error.category, hint: error.hint, details: error.details })],
  });
  // A user's mistake is no place in our code.
  if (error.category !== 'system') failure.stack = '';
  return failure;
}

/** Runs a small activity of our own with errors in Temporal's form. */
export async function withFailures<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw toFailure(error);
  }
}

/** Both ends of a long text: the beginning says what, the end says why. After masking: half a secret would not be found any more. */
function clip(text: string): string {
  const max = limits.messageCharsMax;
  return text.length <= max ? text : `${text.slice(0, max / 4)}\n…\n${text.slice(text.length - (max * 3) / 4)}`;
}
