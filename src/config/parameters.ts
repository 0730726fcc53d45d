import { PerennialError } from '../core/errors.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { list, nearest, show } from './diagnostic.ts';
import type { Finding } from './diagnostic.ts';
import { join } from './pointer.ts';

type ParameterType = 'string' | 'integer' | 'number' | 'boolean';

interface Declaration {
  readonly type: ParameterType;
  readonly default?: Json;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly Json[];
}

export interface ParameterValues {
  readonly values: JsonObject;
  readonly findings: readonly Finding[];
}

/** `["epochs=5"]` → `{ epochs: "5" }`. @throws USAGE where there is no "=" or a name comes twice. */
export function parseParameterOptions(options: readonly string[]): Record<string, string> {
  const given: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const option of options) {
    const cut = option.indexOf('=');
    if (cut < 1)
      throw new PerennialError('USAGE', `--param takes NAME=VALUE; ${JSON.stringify(option)} was given.`, {
        hint: 'For example: --param epochs=5',
      });
    const name = option.slice(0, cut);
    if (name in given) throw new PerennialError('USAGE', `--param ${name} was given twice.`, { hint: 'Give each parameter once.' });
    given[name] = option.slice(cut + 1);
  }
  return given;
}

/**
 * The values of all declared parameters: those given (texts are read as the declared type), else the defaults. Mistakes of the
 * declarations and of what was given are findings.
 */
export function resolveParameters(document: Json, given: Readonly<Record<string, Json>>): ParameterValues {
  const findings: Finding[] = [];
  const values: JsonObject = {};
  const declared = declarationsOf(document);
  for (const [name, declaration] of Object.entries(declared)) {
    const pointer = join('/parameters', name);
    findings.push(...checkDeclaration(declaration, pointer));
    if (!Object.hasOwn(given, name)) {
      if (declaration.default !== undefined) values[name] = declaration.default;
      else
        findings.push({
          pointer,
          at: 'key',
          message: `The parameter "${name}" has no default, and no value was given.`,
          fix: `Give one: --param ${name}=…, or add "default".`,
        });
      continue;
    }
    const value = readAs(declaration.type, given[name]!);
    const problem = value === undefined ? `is no ${declaration.type}` : outOfBounds(declaration, value);
    if (problem === undefined) values[name] = value!;
    else
      findings.push({
        pointer,
        at: 'key',
        given: given[name]!,
        message: `The parameter "${name}" was given ${show(given[name])}, which ${problem}.`,
      });
  }
  const names = Object.keys(declared);
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(declared, name)) continue;
    const suggestion = nearest(name, names);
    findings.push({
      pointer: '/parameters',
      message: `The document declares no parameter "${name}".`,
      given: name,
      allowed: names,
      ...(suggestion === undefined ? {} : { suggestion }),
      fix: names.length === 0 ? 'Declare it under "parameters", or leave --param out.' : `Declared are ${list(names)}.`,
    });
  }
  return { values, findings };
}

/** Well-formed declarations; what is malformed is the schema's to report. */
function declarationsOf(document: Json): Record<string, Declaration> {
  const out: Record<string, Declaration> = {};
  const parameters = isObject(document) ? document['parameters'] : undefined;
  if (!isObject(parameters)) return out;
  for (const [name, value] of Object.entries(parameters)) {
    if (isObject(value) && ['string', 'integer', 'number', 'boolean'].includes(value['type'] as string))
      out[name] = value as unknown as Declaration;
  }
  return out;
}

function checkDeclaration(declaration: Declaration, pointer: string): Finding[] {
  const findings: Finding[] = [];
  const { type, minimum, maximum } = declaration;
  const bounded = type === 'integer' || type === 'number';
  for (const key of ['minimum', 'maximum'] as const)
    if (!bounded && declaration[key] !== undefined)
      findings.push({ pointer: join(pointer, key), at: 'key', message: `"${key}" has no meaning for a ${type}.`, fix: 'Remove it.' });
  if (bounded && minimum !== undefined && maximum !== undefined && minimum > maximum)
    findings.push({
      pointer: join(pointer, 'minimum'),
      message: `"minimum" ${minimum} is above "maximum" ${maximum}, so that no value fits.`,
    });
  const choices = Array.isArray(declaration.enum) ? declaration.enum : [];
  choices.forEach((choice, index) => {
    if (!hasType(type, choice))
      findings.push({ pointer: join(pointer, 'enum', index), given: choice, message: `${show(choice)} is no ${type}.` });
  });
  const fallback = declaration.default;
  if (fallback !== undefined) {
    const problem = hasType(type, fallback) ? outOfBounds(declaration, fallback) : `is no ${type}`;
    if (problem !== undefined)
      findings.push({ pointer: join(pointer, 'default'), given: fallback, message: `The default ${show(fallback)} ${problem}.` });
  }
  return findings;
}

/** Text is read as the type; other values must have it. undefined: it does not fit. */
function readAs(type: ParameterType, given: Json): Json | undefined {
  if (type === 'string') return typeof given === 'string' ? given : undefined;
  if (typeof given !== 'string') return hasType(type, given) ? given : undefined;
  if (type === 'boolean') return given === 'true' ? true : given === 'false' ? false : undefined;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(given.trim())) return undefined;
  const value = Number(given);
  return hasType(type, value) ? value : undefined;
}

function hasType(type: ParameterType, value: Json): boolean {
  if (type === 'integer') return Number.isSafeInteger(value);
  if (type === 'number') return typeof value === 'number' && Number.isFinite(value);
  return typeof value === type;
}

function outOfBounds({ minimum, maximum, enum: choices }: Declaration, value: Json): string | undefined {
  if (typeof value === 'number' && typeof minimum === 'number' && value < minimum) return `is below the minimum of ${minimum}`;
  if (typeof value === 'number' && typeof maximum === 'number' && value > maximum) return `is above the maximum of ${maximum}`;
  if (Array.isArray(choices) && !choices.includes(value)) return `is none of ${choices.map((choice) => show(choice)).join(', ')}`;
  return undefined;
}

function isObject(value: Json | undefined): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
