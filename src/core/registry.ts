import { PerennialError } from './errors.ts';
import type { ErrorCode } from './errors.ts';

/** A closed set of named definitions of one kind: duplicates throw, and nothing is added after it is built. */
export class DefinitionRegistry<T> {
  readonly #byName: ReadonlyMap<string, T>;
  readonly kind: string;

  constructor(kind: string, definitions: readonly T[], nameOf: (definition: T) => string) {
    const byName = new Map<string, T>();
    for (const definition of definitions) {
      const name = nameOf(definition);
      if (byName.has(name)) throw new PerennialError('INTERNAL', `Two definitions of the ${kind} "${name}".`);
      byName.set(name, definition);
    }
    this.kind = kind;
    this.#byName = byName;
  }

  names(): string[] {
    return [...this.#byName.keys()];
  }

  all(): T[] {
    return [...this.#byName.values()];
  }

  find(name: string): T | undefined {
    return this.#byName.get(name);
  }

  /** @throws the given code (default CONFIG_INVALID), listing what exists. */
  get(name: string, code: ErrorCode = 'CONFIG_INVALID'): T {
    const found = this.#byName.get(name);
    if (found === undefined) throw new PerennialError(code, `There is no ${this.kind} "${name}". There is: ${this.names().join(', ')}.`);
    return found;
  }
}
