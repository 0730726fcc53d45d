import { PerennialError } from '../core/errors.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { limits } from '../core/limits.ts';
import type { Plan } from '../core/plan.ts';
import { buildPlan } from './build-plan.ts';
import { catalogue as shipped } from './catalogue.ts';
import type { Catalogue } from './catalogue.ts';
import { compileAt } from './compile-at.ts';
import type { Source } from './compile-at.ts';
import { formatDiagnostic, sortDiagnostics } from './diagnostic.ts';
import type { Diagnostic, Finding } from './diagnostic.ts';
import { loadDocument, parseDocument } from './load-document.ts';
import type { LoadResult } from './load-document.ts';
import { migrate } from './migrations.ts';
import { resolveParameters } from './parameters.ts';
import { isObject } from './schema-walk.ts';
import { compileSearched } from './search/compile-searched.ts';
import { withVariants } from './trigger-variants.ts';

export interface CompileOptions {
  /** Values of parameters; texts are read as the declared type. */
  readonly params?: Readonly<Record<string, Json>>;
  /** Step definitions; default: all that ship with Perennial. */
  readonly catalogue?: Catalogue;
}

export interface CompileResult {
  /** undefined where there is any diagnostic. Frozen. */
  readonly plan: Plan | undefined;
  /** What the plan was made from: the document of the format of now, parameters substituted. Absent where there is no plan. */
  readonly document?: JsonObject;
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
  const source = { file, document: upgraded.document, parameters: parameters.values, declared, catalogue: options.catalogue ?? shipped };
  const compiled = compileSource(source);
  const findings = [...parameters.findings, ...compiled.findings];
  if (compiled.plan === undefined || findings.length > 0 || early.length > 0)
    return { plan: undefined, diagnostics: place(findings), notes };

  const varied = withVariants(compiled.plan, upgraded.document, options.params ?? {}, (document, values) =>
    compileSource({ ...source, document, parameters: values }),
  );
  if (varied.findings.length > 0) return { plan: undefined, diagnostics: place(varied.findings), notes };
  const { plan } = varied;
  const bytes = Buffer.byteLength(JSON.stringify(plan));
  if (bytes > limits.planBytesMax) {
    const tooLarge = {
      pointer: '/steps',
      message: `The compiled plan has ${bytes} bytes; at most ${limits.planBytesMax} can be run.`,
      fix: 'Move data out of the document, into a file that a step reads.',
    };
    return { plan: undefined, diagnostics: place([tooLarge]), notes };
  }
  const document = isObject(compiled.meant) ? { document: compiled.meant } : {};
  return { plan: deepFreeze(plan), ...document, diagnostics: [], notes };
}

function compileSource(source: Source): {
  readonly plan: Plan | undefined;
  readonly findings: readonly Finding[];
  readonly meant?: Json;
} {
  const searched = compileSearched(source);
  const compiled = searched?.compiled ?? compileAt(source);
  const { facts, wiring, substitution } = compiled;
  const findings = searched?.findings ?? compiled.findings;
  if (facts === undefined || findings.length > 0) return { plan: undefined, findings };
  const meant = searched?.meant ?? substitution.value;
  const whole = buildPlan(facts, source.parameters, wiring.inputs, meant);
  return { plan: searched?.steps === undefined ? whole : { ...whole, steps: searched.steps }, findings, meant };
}

function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === 'object' && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
