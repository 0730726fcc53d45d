import type { JsonObject } from '../../core/json.ts';
import type { Port, StepDefinition } from '../../core/step.ts';
import type { Finding } from '../diagnostic.ts';

/** A step of a document as checks see it. */
export interface CheckedStep {
  /** JSON pointer of the step, e.g. "/steps/3". */
  readonly pointer: string;
  readonly id: string;
  /** As written: a type, or the path of a local file. */
  readonly uses: string;
  /** undefined: there is no such type. */
  readonly definition: StepDefinition | undefined;
  /** The step as written, parameters substituted. */
  readonly raw: JsonObject;
  /** The step with all defaults; undefined where the step does not fit the schema. */
  readonly complete: JsonObject | undefined;
  /** The configuration with all defaults; undefined where the step does not fit the schema. */
  readonly config: JsonObject | undefined;
  readonly ports: { readonly inputs: Readonly<Record<string, Port>>; readonly outputs: Readonly<Record<string, Port>> } | undefined;
}

export interface DocumentFacts {
  readonly name: string;
  /** Parameters substituted; not necessarily fit for the schema. */
  readonly document: JsonObject;
  readonly steps: readonly CheckedStep[];
  /** `on` with all defaults; undefined where it does not fit the schema. */
  readonly on: JsonObject | undefined;
  readonly documentDir: string;
  readonly usedParameters: ReadonlySet<string>;
}

/**
 * A check that a schema cannot say, over the whole document, without touching data. One file `checks/<name>.check.ts`. It finds
 * all mistakes of its kind and passes over what the schema already refuses.
 */
export interface DocumentCheck {
  readonly name: string;
  /** What holds in a good document, one sentence. */
  readonly summary: string;
  run(facts: DocumentFacts): readonly Finding[];
}

export function defineCheck(check: DocumentCheck): DocumentCheck {
  return Object.freeze(check);
}

/** The steps of a type that fit the schema, with their configurations. */
export function stepsOf(facts: DocumentFacts, type: string): { readonly step: CheckedStep; readonly config: JsonObject }[] {
  return facts.steps.flatMap((step) =>
    step.definition?.type === type && step.config !== undefined ? [{ step, config: step.config }] : [],
  );
}

/** Name and options of "name" or `{ name: options }`. */
export function namedConfig(value: unknown): { readonly name: string; readonly config: JsonObject } | undefined {
  if (typeof value === 'string') return { name: value, config: {} };
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return undefined;
  const [entry] = Object.entries(value as JsonObject);
  if (entry === undefined) return undefined;
  const [name, config] = entry;
  return { name, config: config !== null && typeof config === 'object' && !Array.isArray(config) ? config : {} };
}
