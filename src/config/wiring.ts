import type { ArtifactKind } from '../core/artifact.ts';
import type { PlanInput } from '../core/plan.ts';
import type { Port } from '../core/step.ts';
import { list, nearest } from './diagnostic.ts';
import type { Finding } from './diagnostic.ts';
import { join } from './pointer.ts';

/** What wiring needs to know of a step. */
export interface WiringStep {
  readonly id: string;
  readonly pointer: string;
  readonly inputs: Readonly<Record<string, Port>>;
  readonly outputs: Readonly<Record<string, Port>>;
  /** `inputs` of the document: port → "step" or "step.output". */
  readonly explicit: Readonly<Record<string, string>>;
  /** false: the step is not understood, so that nothing can be said of what it gives. */
  readonly known: boolean;
}

export interface Wiring {
  /** Per step (by position): port → source. */
  readonly inputs: readonly Readonly<Record<string, PlanInput>>[];
  readonly findings: readonly Finding[];
}

interface Source {
  readonly position: number;
  readonly input: PlanInput;
}

/**
 * Connects every input with the nearest earlier artifact of its kind. Candidates are all earlier outputs of the kind; one that
 * another candidate's step depends on, however far, is dropped (the later one was made from it). If more than one is left, the
 * document must name one.
 */
export function wire(steps: readonly WiringStep[]): Wiring {
  const inputs: Record<string, PlanInput>[] = [];
  const findings: Finding[] = [];
  /** Positions of all steps that a step depends on, however far. */
  const ancestors: Set<number>[] = [];
  for (const [position, step] of steps.entries()) {
    const wired: Record<string, PlanInput> = {};
    const context: Context = { steps, position, step, ancestors };
    const unknownPorts = step.known ? Object.keys(step.explicit).filter((port) => !Object.hasOwn(step.inputs, port)) : [];
    for (const port of unknownPorts) findings.push(unknownPort(step, port));
    for (const [port, facts] of Object.entries(step.inputs)) {
      const named = step.explicit[port];
      const found = named === undefined ? automatic(context, port, facts) : explicit(context, port, facts, named);
      if ('message' in found) findings.push(found);
      else if (found.source !== undefined) wired[port] = found.source;
    }
    inputs.push(wired);
    const own = new Set<number>();
    for (const source of Object.values(wired)) {
      const at = steps.findIndex(({ id }) => id === source.step);
      own.add(at);
      for (const ancestor of ancestors[at] ?? []) own.add(ancestor);
    }
    ancestors.push(own);
  }
  return { inputs, findings };
}

interface Context {
  readonly steps: readonly WiringStep[];
  readonly position: number;
  readonly step: WiringStep;
  readonly ancestors: readonly ReadonlySet<number>[];
}

type Found = Finding | { readonly source: PlanInput | undefined };

function sourcesBefore({ steps, position }: Context, kind: ArtifactKind): Source[] {
  return steps
    .slice(0, position)
    .flatMap((step, at) =>
      Object.entries(step.outputs).flatMap(([output, port]) =>
        port.kind === kind ? [{ position: at, input: { step: step.id, output, kind } }] : [],
      ),
    );
}

function automatic(context: Context, port: string, facts: Port): Found {
  if (facts.named === true && facts.optional === true) return { source: undefined };
  const { steps, position, step, ancestors } = context;
  const candidates = sourcesBefore(context, facts.kind);
  const left = candidates.filter((candidate) => !candidates.some((other) => ancestors[other.position]?.has(candidate.position)));
  if (left.length === 1) return { source: left[0]!.input };
  if (left.length === 0) {
    const somethingUnknown = steps.slice(0, position).some(({ known }) => !known);
    return facts.optional === true || somethingUnknown ? { source: undefined } : nothingFits(context, port, facts);
  }
  const several = left.map(({ input }) => nameOfSource(steps, input));
  return {
    pointer: step.pointer,
    allowed: several,
    message: `The step "${step.id}" takes ${kindText(facts.kind)} as "${port}", and ${several.length} could be meant: ${list(several)}.`,
    fix: `Choose one: "inputs": { "${port}": "${several.at(-1)!}" }.`,
  };
}

function nothingFits({ steps, position, step }: Context, port: string, { kind }: Port): Finding {
  const later = steps.slice(position + 1).find((other) => Object.values(other.outputs).some((output) => output.kind === kind));
  const makers: Partial<Record<ArtifactKind, string>> = {
    dataset: 'ingest',
    examples: 'preprocess',
    model: 'train',
    evaluation: 'evaluate',
    version: 'register',
    deployment: 'deploy',
  };
  const maker = makers[kind];
  const add =
    maker === undefined
      ? `Add a step that gives ${kindText(kind)} before it.`
      : `Add a step that does before it, e.g. { "uses": "${maker}" }.`;
  return {
    pointer: step.pointer,
    message: `The step "${step.id}" takes ${kindText(kind)} as "${port}", and no step before it gives any.`,
    fix: later === undefined ? add : `The step "${later.id}" does, but stands after it: move it before "${step.id}".`,
  };
}

function explicit(context: Context, port: string, facts: Port, named: string): Found {
  const { steps, position, step } = context;
  const pointer = join(step.pointer, 'inputs', port);
  const [id, output] = named.split('.') as [string, string | undefined];
  const at = steps.findIndex((other) => other.id === id);
  const earlier = steps.slice(0, position).map((other) => other.id);
  const problem = (message: string, allowed: readonly string[], given: string): Finding => {
    const suggestion = nearest(given, allowed);
    return {
      pointer,
      given: named,
      allowed,
      message,
      ...(suggestion === undefined ? {} : { suggestion }),
      fix: allowed.length === 0 ? 'Remove this input.' : `Name one of ${list(allowed)}.`,
    };
  };
  const fitting = sourcesBefore(context, facts.kind);
  const names = [...new Set(fitting.map(({ input }) => nameOfSource(steps, input)))];
  if (at < 0) return problem(`There is no step "${id}".`, names.length > 0 ? names : earlier, id);
  if (at >= position)
    return problem(
      at === position
        ? `The step "${id}" cannot take its own output.`
        : `The step "${id}" stands after "${step.id}"; a step takes only from steps before it.`,
      names,
      id,
    );
  const source = steps[at]!;
  if (!source.known) return { source: undefined };
  const outputs = Object.entries(source.outputs);
  if (output === undefined) {
    const ofKind = outputs.filter(([, given]) => given.kind === facts.kind).map(([name]) => name);
    if (ofKind.length === 1) return { source: { step: id, output: ofKind[0]!, kind: facts.kind } };
    if (ofKind.length > 1)
      return problem(
        `The step "${id}" gives ${ofKind.length} of the kind ${facts.kind}.`,
        ofKind.map((name) => `${id}.${name}`),
        named,
      );
    const gives = outputs.length === 0 ? 'nothing' : outputs.map(([, given]) => kindText(given.kind)).join(' and ');
    return problem(`"${port}" of "${step.id}" takes ${kindText(facts.kind)}; "${id}" gives ${gives}.`, names, id);
  }
  const found = source.outputs[output];
  if (found === undefined)
    return problem(
      `The step "${id}" gives nothing named "${output}".`,
      outputs.map(([name]) => `${id}.${name}`),
      named,
    );
  if (found.kind !== facts.kind)
    return problem(`"${port}" of "${step.id}" takes ${kindText(facts.kind)}; "${named}" is ${kindText(found.kind)}.`, names, id);
  return { source: { step: id, output, kind: facts.kind } };
}

/** The shortest text that names a source: the step alone where it gives one artifact of the kind. */
function nameOfSource(steps: readonly WiringStep[], { step, output, kind }: PlanInput): string {
  const outputs = Object.values(steps.find(({ id }) => id === step)?.outputs ?? {});
  return outputs.filter((port) => port.kind === kind).length > 1 ? `${step}.${output}` : step;
}

/** "a model", "an evaluation"; examples and data are many. */
function kindText(kind: ArtifactKind): string {
  if (kind === 'examples' || kind === 'data') return kind;
  return `${kind === 'evaluation' ? 'an' : 'a'} ${kind}`;
}

function unknownPort(step: WiringStep, port: string): Finding {
  const allowed = Object.keys(step.inputs);
  const suggestion = nearest(port, allowed);
  return {
    pointer: join(step.pointer, 'inputs', port),
    at: 'key',
    given: port,
    allowed,
    message: `The step "${step.id}" has no input "${port}".`,
    ...(suggestion === undefined ? {} : { suggestion }),
    fix: allowed.length === 0 ? 'It takes none; remove "inputs".' : `Its inputs are ${list(allowed)}.`,
  };
}
