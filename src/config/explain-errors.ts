import { isDeepStrictEqual } from 'node:util';
import type { Json } from '../core/json.ts';
import { validate } from '../../schemas/generated/validate.js';
import type { SchemaError } from '../../schemas/generated/validate.js';
import { list, nearest, show } from './diagnostic.ts';
import type { Finding } from './diagnostic.ts';
import { meantBy } from './meant.ts';
import { fromPointer, join, toPointer, valueAt } from './pointer.ts';
import { isObject, nodesAt, resolveRef } from './schema-walk.ts';
import type { SchemaNode } from './schema-walk.ts';

/**
 * The validator's errors as findings: what was given, what is allowed, the nearest spelling and the fix. `value` is what was
 * validated, `written` the document as it stands in the file, before parameters were substituted.
 */
export function explainErrors(errors: readonly SchemaError[], value: Json, written: Json): Finding[] {
  return withoutNoise(errors, value).map((error) => {
    const finding = explain(error, value);
    const origin = valueAt(written, finding.pointer);
    const substituted = typeof origin === 'string' && origin.includes('${parameters.') && valueAt(value, finding.pointer) !== origin;
    return substituted ? { ...finding, message: `${finding.message.replace(/\.$/, '')} (from ${show(origin)}).` } : finding;
  });
}

/** Keywords that judge texts: on a value that is none, they judged a key of it, which `propertyNames` reports. */
const TEXT_KEYWORDS = new Set(['pattern', 'minLength', 'maxLength', 'format']);

/** `if` only repeats what an error beside it says; branches of a union that failed say less than the union. */
function withoutNoise(errors: readonly SchemaError[], value: Json): SchemaError[] {
  const unions = errors.filter((error) => error.keyword === 'anyOf' || error.keyword === 'oneOf');
  const kept = errors.filter((error) => {
    if (error.keyword === 'if' || error.propertyName !== undefined) return false;
    if (TEXT_KEYWORDS.has(error.keyword) && typeof valueAt(value, error.instancePath) !== 'string') return false;
    return !unions.some(
      (union) =>
        union !== error && error.schemaPath.startsWith(`${union.schemaPath}/`) && error.instancePath.startsWith(union.instancePath),
    );
  });
  // Where a key is unknown and one is missing, and the two spell alike, one mistake was made, not two.
  return kept.filter((error) => {
    if (error.keyword !== 'required') return true;
    const missing = String(error.params['missingProperty']);
    return !kept.some(
      (other) =>
        other.keyword === 'additionalProperties' &&
        other.instancePath === error.instancePath &&
        nearest(String(other.params['additionalProperty']), [missing]) !== undefined,
    );
  });
}

function explain(error: SchemaError, root: Json): Finding {
  const pointer = error.instancePath;
  const parent = schemaBehind(error, root);
  const given = valueAt(root, pointer);
  switch (error.keyword) {
    case 'additionalProperties':
      return unknownKey(pointer, String(error.params['additionalProperty']), parent, given);
    case 'required':
      return missingKey(pointer, String(error.params['missingProperty']), parent);
    case 'type':
      return wrongType(pointer, given, parent, root);
    case 'propertyNames':
      return explainKey(pointer, String(error.params['propertyName']), parent);
    case 'enum':
      return unquoted(pointer, given, root) ?? notListed(pointer, given, parent.enum ?? []);
    case 'const':
      return notListed(pointer, given, [error.params['allowedValue'] as Json]);
    case 'pattern':
      return {
        pointer,
        ...givenOf(given),
        message: `${quoted(pointer)} is ${show(given)}, which does not have the form that is expected.`,
        fix: [hintOf(parent), `It must match ${String(error.params['pattern'])}`].filter((part) => part !== undefined).join(' '),
      };
    case 'maxProperties':
    case 'minProperties':
      return wrongCount(pointer, given, parent, error);
    case 'anyOf':
    case 'oneOf':
      return noBranch(pointer, given, parent);
    case 'not':
      return { pointer, ...givenOf(given), message: `${quoted(pointer)} cannot be ${show(given)}.`, fix: hintOf(parent, 'Leave it out.') };
    default:
      // Where a value may have several types, what it means stands beside them.
      return bound(pointer, given, parent.description === undefined ? (describedAt(root, pointer) ?? parent) : parent, error);
  }
}

/** A number in quotes, where numbers may stand beside the words that are listed. */
function unquoted(pointer: string, given: Json | undefined, root: Json): Finding | undefined {
  const number = typeof given === 'string' && given.trim() !== '' ? Number(given) : NaN;
  const types = nodesAt(root, pointer).flatMap((node) => [node.type ?? []].flat() as string[]);
  if (!Number.isFinite(number) || !types.some((type) => type === 'number' || type === 'integer')) return undefined;
  return {
    pointer,
    ...givenOf(given),
    message: `${quoted(pointer)} must be a number; ${show(given)} was given.`,
    fix: `Write ${number} without quotes.`,
  };
}

/** The schema node that refused: of those that apply to the place, the one that says what the error says. */
function schemaBehind(error: SchemaError, root: Json): SchemaNode {
  const nodes = nodesAt(root, error.instancePath);
  const { params } = error;
  const says = (node: SchemaNode): boolean => {
    const stated = (node as Readonly<Record<string, unknown>>)[error.keyword];
    if (stated === undefined) return false;
    if (error.keyword === 'additionalProperties')
      return stated === false && !Object.hasOwn(node.properties ?? {}, String(params['additionalProperty']));
    if (error.keyword === 'required') return node.required!.includes(String(params['missingProperty']));
    if (error.keyword === 'enum') return isDeepStrictEqual(stated, params['allowedValues']);
    if (error.keyword === 'const') return isDeepStrictEqual(stated, params['allowedValue']);
    if (error.keyword === 'type') return isDeepStrictEqual(stated, params['type']);
    return params['limit'] === undefined || stated === params['limit'];
  };
  return nodes.find(says) ?? {};
}

function unknownKey(pointer: string, key: string, parent: SchemaNode, object: Json | undefined): Finding {
  const allowed = Object.keys(parent.properties ?? {});
  const suggestion = meantBy(
    key,
    allowed.filter((name) => !isObject(object) || !Object.hasOwn(object, name)),
  );
  const choice = allowed.length === 0 ? 'Nothing is allowed here.' : 'Only the allowed keys are read.';
  return {
    pointer: join(pointer, key),
    at: 'key',
    given: key,
    allowed,
    message: `Unknown key ${show(key)} in ${where(pointer)}.`,
    ...(suggestion === undefined ? {} : { suggestion }),
    fix: suggestion === undefined ? `Remove it. ${choice}` : `Write ${show(suggestion)} in its place.`,
  };
}

function missingKey(pointer: string, key: string, parent: SchemaNode): Finding {
  const property = parent.properties?.[key];
  const schema = property === undefined ? {} : resolveRef(property);
  const example = schema.const ?? schema.examples?.[0] ?? schema.enum?.[0] ?? schema.default;
  const meaning = schema.description === undefined ? '' : ` ${schema.description}`;
  return {
    pointer,
    message: `${show(key)} is missing in ${where(pointer)}.`,
    fix: example === undefined ? `Add ${show(key)}.${meaning}` : `Add ${show(key)}, e.g. ${show(key)}: ${show(example)}.${meaning}`,
  };
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  integer: 'an integer',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  null: 'null',
};

function wrongType(pointer: string, given: Json | undefined, parent: SchemaNode, root: Json): Finding {
  const types = [parent.type ?? []].flat() as string[];
  if (isObject(given) && typeof given['$secret'] === 'string')
    return {
      pointer,
      message: `${quoted(pointer)} cannot be a secret.`,
      fix: 'Secrets stand only where a credential is taken: in the connection of a source, and in "env" of a command.',
    };
  const expected = types.map((type) => TYPE_NAMES[type] ?? type).join(' or ');
  const finding: Finding = { pointer, ...givenOf(given), message: `${quoted(pointer)} must be ${expected}; ${show(given)} was given.` };
  const number = typeof given === 'string' && given.trim() !== '' ? Number(given) : NaN;
  if (Number.isFinite(number) && types.some((type) => type === 'number' || type === 'integer'))
    return { ...finding, fix: `Write ${number} without quotes.` };
  if ((given === 'true' || given === 'false') && types.includes('boolean')) return { ...finding, fix: `Write ${given} without quotes.` };
  if (types.includes('array') && given !== undefined && !isObject(given) && isAccepted(root, pointer, [given]))
    return { ...finding, fix: `Write [${show(given)}].` };
  const [key, ...others] = parent.required ?? [];
  if (typeof given === 'string' && types.includes('object') && key !== undefined && others.length === 0)
    return { ...finding, fix: `Write { ${show(key)}: ${show(given)}, … }.` };
  const fix = hintOf(parent.description === undefined ? (describedAt(root, pointer) ?? parent) : parent);
  return fix === undefined ? finding : { ...finding, fix };
}

/** Of the schema nodes that apply to a place, the one that says what it means: it may stand beside the one that refused. */
function describedAt(root: Json, pointer: string): SchemaNode | undefined {
  return nodesAt(root, pointer).find(({ description }) => description !== undefined);
}

/** Whether the document would have no mistake at the place if the value stood there: what is advised has to hold. */
function isAccepted(root: Json, pointer: string, value: Json): boolean {
  const changed = structuredClone(root);
  const segments = fromPointer(pointer);
  const last = segments.pop();
  const owner = valueAt(changed, toPointer(segments));
  if (last === undefined || owner === null || typeof owner !== 'object') return false;
  (owner as Record<string, Json>)[last] = value;
  return validate(changed) || !(validate.errors ?? []).some(({ instancePath }) => `${instancePath}/`.startsWith(`${pointer}/`));
}

function notListed(pointer: string, given: Json | undefined, choices: readonly Json[]): Finding {
  const allowed = choices.map((choice) => (typeof choice === 'string' ? choice : JSON.stringify(choice)));
  const suggestion = typeof given === 'string' ? meantBy(given, allowed) : undefined;
  const choice = allowed.length === 1 ? `Write ${show(choices[0])}.` : 'Write one of the allowed values.';
  return {
    pointer,
    ...givenOf(given),
    allowed,
    message: `${quoted(pointer)} cannot be ${show(given)}.`,
    ...(suggestion === undefined ? {} : { suggestion }),
    fix: suggestion === undefined ? choice : `Write ${show(suggestion)}.`,
  };
}

function explainKey(pointer: string, key: string, parent: SchemaNode): Finding {
  const names = parent.propertyNames === undefined ? {} : resolveRef(parent.propertyNames);
  return {
    pointer: join(pointer, key),
    at: 'key',
    given: key,
    message: `${show(key)} cannot be a name in ${where(pointer)}.`,
    fix: hintOf(names, names.pattern === undefined ? 'Choose another name.' : `It must match ${names.pattern}.`),
  };
}

function wrongCount(pointer: string, given: Json | undefined, parent: SchemaNode, error: SchemaError): Finding {
  const keys = isObject(given) ? Object.keys(given) : [];
  const names = Object.keys(parent.properties ?? {});
  if (error.keyword === 'maxProperties') {
    const second = keys[1] === undefined ? pointer : join(pointer, keys[1]);
    return {
      pointer: second,
      at: 'key',
      message: `${quoted(pointer)} must name one thing; ${list(keys)} were given.`,
      fix: 'Write one object for each, or keep one key.',
    };
  }
  if (names.length === 0) return { pointer, message: `${quoted(pointer)} is empty.`, fix: 'Name at least one.' };
  return { pointer, message: `${quoted(pointer)} is empty.`, allowed: names, fix: `Give one of ${list(names)}.` };
}

/** The value decides on no branch: where branches are told by a key, the key is what is missing or misspelt. */
function noBranch(pointer: string, given: Json | undefined, parent: SchemaNode): Finding {
  const branches = parent.anyOf ?? parent.oneOf ?? [];
  const keys = branches.map((branch) => (Object.keys(branch).join() === 'required' ? branch.required?.[0] : undefined));
  if (keys.every((key): key is string => key !== undefined)) {
    for (const key of isObject(given) ? Object.keys(given) : []) {
      const suggestion = meantBy(key, keys);
      if (suggestion !== undefined)
        return {
          pointer: join(pointer, key),
          at: 'key',
          given: key,
          allowed: keys,
          suggestion,
          message: `Unknown key ${show(key)} in ${where(pointer)}.`,
          fix: `Write ${show(suggestion)} in its place.`,
        };
    }
    return {
      pointer,
      ...givenOf(given),
      allowed: keys,
      message: `${quoted(pointer)} says none of ${list(keys)}.`,
      fix: 'Add one of them.',
    };
  }
  const forms = branches.map((branch) => formOf(resolveRef(branch)));
  return {
    pointer,
    ...givenOf(given),
    message: `${quoted(pointer)} is ${show(given)}, which has none of the forms that are allowed.`,
    allowed: forms,
    fix: hintOf(parent, `Write ${forms.join(', or ')}.`),
  };
}

function formOf(node: SchemaNode): string {
  if (node.const !== undefined) return show(node.const);
  if (node.enum !== undefined) return node.enum.map((choice) => show(choice)).join(' or ');
  if (node.properties !== undefined) return `an object with ${list(node.required ?? Object.keys(node.properties))}`;
  if (node.description !== undefined) return node.description;
  const items = node.items === undefined || Array.isArray(node.items) ? undefined : resolveRef(node.items as SchemaNode);
  const types = [node.type ?? []].flat() as string[];
  const name = types.map((type) => TYPE_NAMES[type] ?? type).join(' or ');
  return items === undefined ? name : `${name} of ${formOf(items).replace(/^an? /, '')}s`;
}

const BOUNDS: Readonly<Record<string, (limit: unknown) => string>> = {
  minimum: (limit) => `must be at least ${String(limit)}`,
  maximum: (limit) => `must be at most ${String(limit)}`,
  exclusiveMinimum: (limit) => `must be above ${String(limit)}`,
  exclusiveMaximum: (limit) => `must be below ${String(limit)}`,
  multipleOf: (limit) => `must be a multiple of ${String(limit)}`,
  minLength: (limit) => (limit === 1 ? 'must not be empty' : `must have at least ${String(limit)} characters`),
  maxLength: (limit) => `must have at most ${String(limit)} characters`,
  minItems: (limit) => (limit === 1 ? 'must not be empty' : `must have at least ${String(limit)} items`),
  maxItems: (limit) => `must have at most ${String(limit)} items`,
  uniqueItems: () => 'must not hold anything twice',
};

function bound(pointer: string, given: Json | undefined, parent: SchemaNode, error: SchemaError): Finding {
  const say = BOUNDS[error.keyword];
  const limit = error.params['limit'] ?? error.params['multipleOf'];
  const problem = say === undefined ? `does not satisfy "${error.keyword}"` : say(limit);
  const fix = hintOf(parent);
  return {
    pointer,
    ...givenOf(given),
    message: `${quoted(pointer)} ${problem}; ${show(given)} was given.`,
    ...(fix === undefined ? {} : { fix }),
  };
}

function hintOf(node: SchemaNode): string | undefined;
function hintOf(node: SchemaNode, otherwise: string): string;
function hintOf(node: SchemaNode, otherwise?: string): string | undefined {
  const example = node.examples?.[0];
  if (node.description === undefined) return otherwise;
  return example === undefined ? node.description : `${node.description} For example: ${show(example)}.`;
}

const givenOf = (given: Json | undefined): { given?: Json } => (given === undefined ? {} : { given });

/** The name of the value, as people call it: its key, or its place in a list. */
function quoted(pointer: string): string {
  const segments = fromPointer(pointer);
  const last = segments.at(-1);
  if (last === undefined) return 'The document';
  if (!/^\d+$/.test(last)) return `"${last}"`;
  const owner = segments.at(-2);
  return owner === undefined ? `Item ${Number(last) + 1}` : `Item ${Number(last) + 1} of "${owner}"`;
}

function where(pointer: string): string {
  const name = quoted(pointer);
  return name.charAt(0).toLowerCase() === name.charAt(0) ? name : name.charAt(0).toLowerCase() + name.slice(1);
}
