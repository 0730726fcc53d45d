import { plural } from '../core/plural.ts';
import { PerennialError, isPerennialError, messageOf } from '../core/errors.ts';
import type { StoredKind } from './stored.ts';
import { isUnreadable, readStored } from './stored.ts';

/** What to do about a log that was cut off or written over: nothing makes it again. */
export const LOG_HINT =
  'It was cut off or written over: restore the object from a copy of the store, or delete it; `perennial doctor --store` names all of them.';

/** Lines of logs that cannot be read. What is whole is used all the same, and of the others it is said where they are. */
export class Unread {
  /** By key, then by the number of the line: a log may be read twice. */
  readonly #objects = new Map<string, Map<number, string>>();

  /** @param line from 1 */
  add(key: string, line: number, why: string): void {
    const known = this.#objects.get(key) ?? new Map<number, string>();
    this.#objects.set(key, known.set(line, why));
  }

  /** One sentence for each object. */
  get notes(): string[] {
    return [...this.#objects].map(([key, lines]) => {
      const { size } = lines;
      return `${plural(size, 'line')} of ${key} cannot be read and ${size === 1 ? 'is' : 'are'} left out (${[...lines.values()][0]!})`;
    });
  }
}

/** Where nobody is told of what cannot be read, it is an error. @throws DATA_INVALID */
export function refuseUnread({ notes }: Unread): void {
  if (notes[0] !== undefined) throw new PerennialError('DATA_INVALID', `${notes[0]}.`, { hint: LOG_HINT });
}

/**
 * The records of a log, one a line.
 *
 * @param parse of one line; what is none is given as it is
 * @param unread is told of lines that are no records
 */
export function readLines<T>(
  kind: StoredKind<T>,
  text: string,
  key: string,
  parse: (line: string) => unknown,
  unread: Unread,
  holds: (record: T) => string | undefined = () => undefined,
): T[] {
  return text.split('\n').flatMap((line, index) => {
    if (line === '') return [];
    const number = index + 1;
    const where = `line ${number}`;
    try {
      const record = readStored(kind, parse(line), where);
      const problem = holds(record);
      if (problem === undefined) return [record];
      unread.add(key, number, `${where}: ${problem}`);
    } catch (error) {
      const { code } = kind.broken ?? {};
      if (!isUnreadable(error) && (code === undefined || !isPerennialError(error, code))) throw error;
      unread.add(key, number, messageOf(error));
    }
    return [];
  });
}
