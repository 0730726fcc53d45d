import { describe, expect, test } from 'vitest';

/** What must hold of every definition of a kind. Throws where it does not. */
export type Law<D> = (definition: D) => void | Promise<void>;

export interface Laws<D> {
  /** As a message calls it: "metric". */
  readonly kind: string;
  readonly definitions: readonly D[];
  nameOf(definition: D): string;
  /** By what it says. */
  readonly laws: Readonly<Record<string, Law<D>>>;
  /** For each law definitions that break it and nothing else: a law that notices none of them guards nothing. */
  readonly mutants: Readonly<Record<string, readonly D[]>>;
}

/** The contract suite of a kind: every law for every definition, and for the mutants that prove it. */
export function describeLaws<D>({ kind, definitions, nameOf, laws, mutants }: Laws<D>): void {
  describe.each(definitions.map((definition) => [nameOf(definition), definition] as const))(`${kind} %s`, (_, definition) => {
    test.each(Object.entries(laws))('%s', (_law, law) => law(definition));
  });
  describe(`a ${kind} that breaks its contract is noticed`, () => {
    test.each(Object.keys(laws))('%s', async (title) => {
      const broken = mutants[title] ?? [];
      expect(broken, `Give mutants that break "${title}": until one does, nothing proves that the law notices anything.`).not.toEqual([]);
      for (const mutant of broken) await expect(Promise.resolve().then(() => laws[title]!(mutant))).rejects.toThrow();
    });
  });
}

/** The law that a definition is held against numbers, or that somebody said why it is not. */
export function goldenLaw<D>(
  kind: string,
  nameOf: (definition: D) => string,
  golden: {
    readonly names: ReadonlySet<string>;
    readonly add: string;
    readonly reasons?: Readonly<Record<string, string>>;
    readonly file: string;
  },
): Law<D> {
  return (definition) => {
    const name = nameOf(definition);
    const reason = golden.reasons?.[name];
    const has = golden.names.has(name);
    expect(
      has || reason !== undefined,
      `The ${kind} "${name}" has no golden value. ${golden.add} Or say in ${golden.file} under "reasons" why there can be none.`,
    ).toBe(true);
    expect(has && reason !== undefined, `The ${kind} "${name}" has a golden value by now: take its reason out of ${golden.file}.`).toBe(
      false,
    );
    if (reason !== undefined) expect(reason.split(' ').length, `"${reason}" is no reason.`).toBeGreaterThan(3);
  };
}
