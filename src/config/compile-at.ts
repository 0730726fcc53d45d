import { dirname, resolve } from 'node:path';
import type { Json, JsonObject } from '../core/json.ts';
import type { StepDefinition } from '../core/step.ts';
import { validate } from '../../schemas/generated/validate.js';
import { foldFindings } from './build-plan.ts';
import { defaultId, isLocalPath, typeOfUse } from './catalogue.ts';
import type { Catalogue } from './catalogue.ts';
import type { CheckedStep, DocumentFacts } from './checks/check.ts';
import { checks } from './checks/index.generated.ts';
import type { Finding } from './diagnostic.ts';
import { explainErrors } from './explain-errors.ts';
import { fillDefaults } from './fill-defaults.ts';
import { valueAt } from './pointer.ts';
import { definition, isObject } from './schema-walk.ts';
import { substitute } from './substitute.ts';
import type { SearchValues, Substitution } from './substitute.ts';
import { wire } from './wiring.ts';
import type { Wiring } from './wiring.ts';

/** A document with all that decides what it means. */
export interface Source {
  /** For messages, and where relative paths start. */
  readonly file: string;
  /** As it was read, of the format of now. */
  readonly document: Json;
  readonly parameters: JsonObject;
  /** Names of all parameters. */
  readonly declared: readonly string[];
  readonly catalogue: Catalogue;
  /** Checks that are left out, by name. */
  readonly without?: readonly string[];
}

/** What a document is with its references replaced. */
export interface Compiled {
  readonly substitution: Substitution;
  /** undefined where the document is no object. */
  readonly facts: DocumentFacts | undefined;
  readonly wiring: Wiring;
  readonly findings: readonly Finding[];
}

/** Substitutes, checks against the schema, fills in defaults, wires and checks. */
export function compileAt(source: Source, search?: SearchValues): Compiled {
  const substitution = substitute(source.document, source.parameters, source.declared, search);
  const findings: Finding[] = [...substitution.findings, ...schemaFindings(substitution.value, source.document)];
  if (!isObject(substitution.value)) return { substitution, facts: undefined, wiring: { inputs: [], findings: [] }, findings };
  const facts = factsOf(source.file, substitution.value, findings, substitution.used, source.catalogue);
  const wiring = wire(facts.steps.map(wiringStep));
  const without = source.without ?? [];
  findings.push(...wiring.findings, ...checks.filter(({ name }) => !without.includes(name)).flatMap((check) => check.run(facts)));
  findings.push(...stepChecks(facts));
  if (findings.length === 0) findings.push(...foldFindings(facts, wiring.inputs));
  return { substitution, facts, wiring, findings };
}

function schemaFindings(value: Json, written: Json): Finding[] {
  if (validate(value)) return [];
  // A reference that has no value was reported as such; that it is no number needs no second message.
  const unresolved = (finding: Finding): boolean => {
    const given = valueAt(value, finding.pointer);
    return typeof given === 'string' && /\$\{\s*(parameters?|search)\b/.test(given);
  };
  return explainErrors(validate.errors ?? [], value, written).filter((finding) => !unresolved(finding));
}

function factsOf(
  file: string,
  document: JsonObject,
  findings: readonly Finding[],
  usedParameters: ReadonlySet<string>,
  catalogue: Catalogue,
): DocumentFacts {
  const hurt = (pointer: string): boolean =>
    findings.some((finding) => finding.pointer === pointer || finding.pointer.startsWith(`${pointer}/`));
  const steps = Array.isArray(document['steps']) ? document['steps'] : [];
  const onSchema = definition('on');
  return {
    name: typeof document['name'] === 'string' ? document['name'] : '',
    document,
    documentDir: dirname(resolve(file)),
    usedParameters,
    on: hurt('/on') || onSchema === undefined ? undefined : (fillDefaults(onSchema, document['on'] ?? {}) as JsonObject),
    steps: steps.flatMap((step, index) => {
      const pointer = `/steps/${index}`;
      return isObject(step) && typeof step['uses'] === 'string' ? [checkedStep(step, step['uses'], pointer, hurt(pointer), catalogue)] : [];
    }),
  };
}

function checkedStep(raw: JsonObject, uses: string, pointer: string, hurt: boolean, catalogue: Catalogue): CheckedStep {
  const id = typeof raw['id'] === 'string' ? raw['id'] : defaultId(uses);
  const found = catalogue.get(typeOfUse(uses));
  const base = { pointer, id, uses, definition: found, raw };
  if (found === undefined || hurt) {
    const ports = found === undefined ? undefined : portsOfAny(found);
    return { ...base, complete: undefined, config: undefined, ports };
  }
  const complete = fillDefaults(definition('step')!, raw) as JsonObject;
  const given = isObject(complete['with']) ? complete['with'] : {};
  const config = isLocalPath(uses) ? { path: uses, ...given } : given;
  return {
    ...base,
    complete,
    config,
    ports: found.ports === undefined ? { inputs: found.inputs, outputs: found.outputs } : found.ports(config),
  };
}

/** The ports that a step has with any configuration; undefined where all of them depend on it. */
function portsOfAny({ ports, inputs, outputs }: StepDefinition): CheckedStep['ports'] {
  if (ports === undefined) return { inputs, outputs };
  if (Object.keys(outputs).length === 0) return undefined;
  return { inputs: Object.fromEntries(Object.entries(inputs).filter(([, port]) => port.optional !== true)), outputs };
}

function wiringStep(step: CheckedStep) {
  const explicit = isObject(step.raw['inputs']) ? step.raw['inputs'] : {};
  return {
    id: step.id,
    pointer: step.pointer,
    inputs: step.ports?.inputs ?? {},
    outputs: step.ports?.outputs ?? {},
    explicit: Object.fromEntries(Object.entries(explicit).filter((entry): entry is [string, string] => typeof entry[1] === 'string')),
    known: step.ports !== undefined,
  };
}

/** Each step definition's own check, over the steps that fit the schema. */
function stepChecks(facts: DocumentFacts): Finding[] {
  const whole = facts.steps.flatMap((step) =>
    step.config === undefined ? [] : [{ step, type: step.definition!.type, config: step.config }],
  );
  const short = whole.map(({ step, type, config }) => ({ id: step.id, type, config }));
  return whole.flatMap(({ step, config }, index) => {
    const problems =
      step.definition!.check?.(config, { pipeline: facts.name, before: short.slice(0, index), after: short.slice(index + 1) }) ?? [];
    return problems.map(({ pointer, message, fix }) => ({
      pointer: `${step.pointer}/with${pointer}`,
      message,
      ...(fix === undefined ? {} : { fix }),
    }));
  });
}
