import { readFileSync } from 'node:fs';
import { messageOf } from '../../core/errors.ts';

const SAID_CHARS = 600;

/** What a process said last, to follow a sentence. Its log goes with the simulation, so that nobody could look it up. */
export function lastOf(log: string): string {
  let text: string;
  try {
    text = readFileSync(log, 'utf8').trim();
  } catch (error) {
    return ` Its log cannot be read: ${messageOf(error)}.`;
  }
  return text === '' ? '' : ` It said last: ${text.slice(-SAID_CHARS)}`;
}
