import { createHash } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { PerennialError } from '../core/errors.ts';
import { canonicalJson } from '../core/json.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { limits } from '../core/limits.ts';
import { PLAN_FORMAT } from '../core/plan.ts';
import type { Condition, Plan, PlanInput, PlanStep } from '../core/plan.ts';
import type { RetryPlan, StepDefinition } from '../core/step.ts';
import { validate } from '../../schemas/generated/validate.js';
import { catalogue as shipped, defaultId, isLocalPath, typeOfUse } from './catalogue.ts';
import type { Catalogue } from './catalogue.ts';
import type { CheckedStep, DocumentFacts } from './checks/check.ts';
import { checks } from './checks/index.generated.ts';
import { formatDiagnostic, sortDiagnostics } from './diagnostic.ts';
import type { Diagnostic, Finding } from './diagnostic.ts';
import { durationMs } from './duration.ts';
import { explainErrors } from './explain-errors.ts';
import { fillDefaults } from './fill-defaults.ts';
import { loadDocument, parseDocument } from './load-document.ts';
import type { LoadResult } from './load-document.ts';
import { withJudges } from './judges.ts';
import { migrate } from './migrations.ts';
import { resolveParameters } from './parameters.ts';
import { valueAt } from './pointer.ts';
import { definition, isObject } from './schema-walk.ts';
import { substitute } from './substitute.ts';
import { planTriggers } from './triggers.ts';
import { wire } from './wiring.ts';

export interface CompileOptions {
  /** Values of parameters; texts are read as the declared type. */
  readonly params?: Readonly<Record<string, Json>>;
  /** Step definitions; default: all that ship with Perennial. */
  readonly catalogue?: Catalogue;
}

export interface CompileResult {
  /** undefined where there is any diagnostic. Frozen. */
  readonly plan: Plan | undefined;
  /** All mistakes, in the order of the document. */
  readonly diagnostics: readonly Diagnostic[];
  /** What was upgraded from an older format, one line each. */
  readonly notes: readonly string[];
  /** The file could not be read at all; the one diagnostic says why. */
  readonly unreadable?: true;
}

/** Document → plan: read, upgrade, substitute, check, wire, fill in. Touches no data. */
export async function compileDocument(file: string, options: CompileOptions = {}): Promise<CompileResult> {
  return compileLoaded(file, await loadDocument(file), options);
}

/** The same for a document that is already in memory; `file` says where relative paths start and stands in messages. */
export function compileText(file: string, text: string, options: CompileOptions = {}): CompileResult {
  return compileLoaded(file, parseDocument(file, new TextEncoder().encode(text)), options);
}

/** The plan. @throws DOCUMENT_INVALID with every mistake in its message and as `details.diagnostics`; DOCUMENT_UNREADABLE */
export async function compileOrThrow(file: string, options: CompileOptions = {}): Promise<Plan> {
  const { plan, diagnostics, unreadable } = await compileDocument(file, options);
  if (plan !== undefined) return plan;
  if (unreadable === true)
    throw new PerennialError('DOCUMENT_UNREADABLE', `${file}: ${diagnostics[0]!.message}`, {
      ...(diagnostics[0]!.fix === undefined ? {} : { hint: diagnostics[0]!.fix }),
      details: { diagnostics },
    });
  const count = diagnostics.length === 1 ? 'a mistake' : `${diagnostics.length} mistakes`;
  throw new PerennialError('DOCUMENT_INVALID', `${file} has ${count}:\n${diagnostics.map(formatDiagnostic).join('\n')}`, {
    details: { diagnostics },
  });
}

function compileLoaded(
  file: string,
  { document: loaded, diagnostics: early, unreadable }: LoadResult,
  options: CompileOptions,
): CompileResult {
  if (loaded === undefined)
    return { plan: undefined, diagnostics: sortDiagnostics(early), notes: [], ...(unreadable === true ? { unreadable } : {}) };
  const upgraded = migrate(loaded.value);
  const notes = upgraded.applied.map((migration) => `${file}: upgraded from ${migration.from} to ${migration.to}: ${migration.summary}`);
  const place = (findings: readonly Finding[]): Diagnostic[] =>
    sortDiagnostics([...early, ...findings.map((finding) => loaded.place(finding))]);
  // A document of another format would only be told what this format lacks.
  if (upgraded.findings.length > 0) return { plan: undefined, diagnostics: place(upgraded.findings), notes };

  const parameters = resolveParameters(upgraded.document, options.params ?? {});
  const declared =
    isObject(upgraded.document) && isObject(upgraded.document['parameters']) ? Object.keys(upgraded.document['parameters']) : [];
  const substitution = substitute(upgraded.document, parameters.values, declared);
  const findings: Finding[] = [...parameters.findings, ...substitution.findings, ...schemaFindings(substitution.value, upgraded.document)];
  if (!isObject(substitution.value)) return { plan: undefined, diagnostics: place(findings), notes };

  const facts = factsOf(file, substitution.value, findings, substitution.used, options.catalogue ?? shipped);
  const wiring = wire(facts.steps.map(wiringStep));
  findings.push(...wiring.findings, ...runChecks(facts), ...stepChecks(facts));
  if (findings.length > 0 || early.length > 0) return { plan: undefined, diagnostics: place(findings), notes };

  const plan = buildPlan(facts, parameters.values, wiring.inputs);
  const bytes = Buffer.byteLength(JSON.stringify(plan));
  if (bytes > limits.planBytesMax) {
    const tooLarge = {
      pointer: '/steps',
      message: `The compiled plan has ${bytes} bytes; at most ${limits.planBytesMax} can be run.`,
      fix: 'Move data out of the document, into a file that a step reads.',
    };
    return { plan: undefined, diagnostics: place([tooLarge]), notes };
  }
  return { plan: deepFreeze(plan), diagnostics: [], notes };
}

function schemaFindings(value: Json, written: Json): Finding[] {
  if (validate(value)) return [];
  // A reference that has no value was reported as such; that it is no number needs no second message.
  const unresolved = (finding: Finding): boolean => {
    const given = valueAt(value, finding.pointer);
    return typeof given === 'string' && /\$\{\s*parameters?\b/.test(given);
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

function runChecks(facts: DocumentFacts): Finding[] {
  return checks.flatMap((check) => check.run(facts));
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

function buildPlan(facts: DocumentFacts, parameters: JsonObject, inputs: readonly Readonly<Record<string, PlanInput>>[]): Plan {
  const { document } = facts;
  const { $schema: _schema, ...meaning } = document;
  return {
    planFormat: PLAN_FORMAT,
    pipeline: facts.name,
    description: typeof document['description'] === 'string' ? document['description'] : '',
    documentDir: facts.documentDir,
    revision: createHash('sha256').update(canonicalJson(meaning)).digest('hex'),
    parameters,
    steps: withJudges(
      facts.name,
      facts.steps.map((step, index) => planStep(step, inputs[index]!)),
    ),
    on: planTriggers(facts.on ?? {}),
  };
}

function planStep(step: CheckedStep, inputs: Readonly<Record<string, PlanInput>>): PlanStep {
  const { type, version, retry, timeouts, cacheable, heavy } = step.definition!;
  const complete = step.complete!;
  const timeout = complete['timeout'];
  const queue = complete['queue'];
  const condition = complete['if'];
  return {
    id: step.id,
    type,
    version,
    config: step.config!,
    inputs,
    outputs: Object.fromEntries(Object.entries(step.ports!.outputs).map(([name, port]) => [name, port.kind])),
    retry: planRetry(retry, isObject(complete['retry']) ? complete['retry'] : {}),
    startToCloseMs: typeof timeout === 'string' ? durationMs(timeout) : timeouts.startToCloseMs,
    heartbeatMs: timeouts.heartbeatMs,
    cache: cacheable && complete['cache'] !== false,
    summary: stepSummary(step),
    ...(heavy === true ? { heavy } : {}),
    ...(typeof queue === 'string' ? { queue } : {}),
    ...(isObject(condition) ? { if: condition as unknown as Condition } : {}),
  };
}

/** Characters of a step's line in the Temporal UI, which cuts longer ones. */
const SUMMARY_MAX = 150;

/** What this step does, and which one it is where its type does not tell. */
function stepSummary(step: CheckedStep): string {
  const { type, summary, describe } = step.definition!;
  const line = `${step.id === type ? '' : `${step.id}: `}${describe?.(step.config!) ?? summary}`.replaceAll('\n', ' ');
  return line.length > SUMMARY_MAX ? `${line.slice(0, SUMMARY_MAX - 1)}…` : line;
}

/** What the document says, over what the step type says. */
function planRetry(standard: RetryPlan, given: JsonObject): RetryPlan {
  const { maximumAttempts, initialInterval, backoffCoefficient, maximumInterval } = given;
  const initialIntervalMs = typeof initialInterval === 'string' ? durationMs(initialInterval) : standard.initialIntervalMs;
  return {
    maximumAttempts: typeof maximumAttempts === 'number' ? maximumAttempts : standard.maximumAttempts,
    initialIntervalMs,
    backoffCoefficient: typeof backoffCoefficient === 'number' ? backoffCoefficient : standard.backoffCoefficient,
    maximumIntervalMs:
      typeof maximumInterval === 'string' ? durationMs(maximumInterval) : Math.max(initialIntervalMs, standard.maximumIntervalMs),
  };
}

function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === 'object' && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
