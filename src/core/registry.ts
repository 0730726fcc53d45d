import { PerennialError } from './errors.ts';
import type { ErrorCode } from './errors.ts';

/** What every kind of definition may say besides. */
export interface Aliased {
  /** What other programs and people call it. A document does not take them: they are for "did you mean". */
  readonly aliases?: readonly string[];
}

/** Names alike but for case and the signs between words. */
export const plainName = (name: string): string => name.toLowerCase().replace(/[-_ ]/g, '');

/** A definition that is made of others of its kind is a function of the registry, which it may ask once it is built. */
export type Definition<T extends object> = T | ((registry: DefinitionRegistry<T>) => T);

/** A closed set of named definitions of one kind: duplicates throw, and nothing is added after it is built. */
export class DefinitionRegistry<T extends object> {
  readonly #byName: ReadonlyMap<string, T>;
  readonly #byAlias: ReadonlyMap<string, string>;
  readonly kind: string;

  constructor(kind: string, definitions: readonly Definition<T>[], nameOf: (definition: T) => string) {
    const byName = new Map<string, T>();
    for (const given of definitions) {
      const definition = typeof given === 'function' ? given(this) : given;
      const name = nameOf(definition);
      if (byName.has(name)) throw new PerennialError('INTERNAL', `Two definitions of the ${kind} "${name}".`);
      byName.set(name, definition);
    }
    const byAlias = new Map<string, string>();
    for (const [name, definition] of byName) {
      for (const alias of (definition as Aliased).aliases ?? []) {
        const plain = plainName(alias);
        const other = byAlias.get(plain) ?? [...byName.keys()].find((known) => plainName(known) === plain);
        if (other !== undefined)
          throw new PerennialError('INTERNAL', `"${alias}" is to mean the ${kind} "${name}", and is "${other}" already.`);
        byAlias.set(plain, name);
      }
    }
    this.kind = kind;
    this.#byName = byName;
    this.#byAlias = byAlias;
  }

  /** The name of the definition that other programs call so. */
  meant(alias: string): string | undefined {
    return this.#byAlias.get(plainName(alias));
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
    if (found === undefined) {
      const meant = this.meant(name);
      throw new PerennialError(
        code,
        `There is no ${this.kind} "${name}". There is: ${this.names().join(', ')}.`,
        meant === undefined ? {} : { hint: `Did you mean "${meant}"?` },
      );
    }
    return found;
  }
}
