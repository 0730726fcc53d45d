import type { Json, JsonObject } from '../core/json.ts';
import { list, nearest } from './diagnostic.ts';
import type { Finding } from './diagnostic.ts';
import { join } from './pointer.ts';

export interface Substitution {
  /** The document with every reference replaced; but for what is left out at a point, its structure, and so every pointer, is the same. */
  readonly value: Json;
  /** Names of parameters that something refers to. */
  readonly used: ReadonlySet<string>;
  /** Where dimensions of a search are referred to. */
  readonly searched: readonly SearchReference[];
  readonly findings: readonly Finding[];
}

export interface SearchReference {
  readonly name: string;
  readonly pointer: string;
  /** Of the step. */
  readonly position: number;
}

/** What "${search.NAME}" stands for. */
export interface SearchValues {
  /** Position of the tune step: only what stands behind it refers to its search. */
  readonly position: number;
  /** All that are declared. */
  readonly names: readonly string[];
  /** Absent: references are left standing. A name without a value does not count at this point: what is that value alone is left out. */
  readonly point?: JsonObject;
}

/** Members of a step whose values may refer to parameters. The others decide on the structure and are known before a run. */
const OPEN_STEP_KEYS = new Set(['with', 'retry', 'timeout', 'queue', 'cache', 'if']);
const WHOLE = /^\$\{(parameters|search)\.([A-Za-z][A-Za-z0-9_]*)\}$/;
const ROOTS = ['parameters', 'search'];
/** `$${` stands for a literal `${`; names with a dot are taken for references, so that shell variables like ${HOME} pass. */
const ANY = /\$(\$)?\{([A-Za-z_]\w*)\.([^{}]*)\}/g;

/** A reference alone, to a dimension that does not count: the member that it is the value of is not there. */
const LEFT_OUT = Symbol('left out');

/**
 * Replaces "${parameters.NAME}" in steps and in `on`, and "${search.NAME}" in the steps behind a tune step: alone it keeps its type, inside
 * a longer text it becomes text. `declared` are all parameters that exist; a name without a value is left standing (its lack is reported
 * elsewhere).
 */
export function substitute(document: Json, values: JsonObject, declared: readonly string[], search?: SearchValues): Substitution {
  const used = new Set<string>();
  const searched: SearchReference[] = [];
  const findings: Finding[] = [];

  const reference = (text: string, pointer: string, at: 'key' | 'value', root: string, name: string, escape: string): boolean => {
    if (root === 'search') return searchReference(text, pointer, name);
    if (root !== 'parameters') {
      const meant = nearest(root, ROOTS);
      const suggestion = meant === undefined ? {} : { suggestion: `\${${meant}.${name}}` };
      findings.push({
        pointer,
        at,
        given: text,
        message: `"${escape}" refers to nothing: only parameters ${search === undefined ? '' : 'and what the tune step searches '}can be referred to.`,
        ...suggestion,
        fix: `Write "\${parameters.NAME}"${search === undefined ? '' : ' or "${search.NAME}"'}, or "$${escape}" for the text itself.`,
      });
      return false;
    }
    if (declared.includes(name)) {
      used.add(name);
      return Object.hasOwn(values, name);
    }
    const suggestion = nearest(name, declared);
    findings.push({
      pointer,
      at,
      given: text,
      allowed: declared,
      message: `There is no parameter "${name}".`,
      ...(suggestion === undefined ? {} : { suggestion }),
      fix:
        declared.length === 0 ? `Declare it: "parameters": { "${name}": { "type": …, "default": … } }.` : `Declared are ${list(declared)}.`,
    });
    return false;
  };

  const searchReference = (text: string, pointer: string, name: string): boolean => {
    const position = Number(/^\/steps\/(\d+)\//.exec(pointer)?.[1] ?? -1);
    const wrong = wrongSearch(name, position, pointer, search);
    if (wrong === undefined) {
      searched.push({ name, pointer, position });
      return search?.point !== undefined;
    }
    findings.push({ pointer, given: text, ...wrong });
    return false;
  };

  const text = (value: string, pointer: string): Json | typeof LEFT_OUT => {
    const whole = WHOLE.exec(value);
    if (whole !== null) {
      const [, root, name] = whole as unknown as [string, string, string];
      if (!reference(value, pointer, 'value', root, name, value)) return value;
      return root === 'search' ? (search!.point![name] ?? LEFT_OUT) : values[name]!;
    }
    // Escapes are undone by the last pass alone.
    const last = search === undefined || search.point !== undefined;
    return value.replace(ANY, (match, escaped: string | undefined, root: string, name: string) => {
      if (escaped !== undefined) return last ? match.slice(1) : match;
      if (!reference(value, pointer, 'value', root, name, match)) return match;
      return asText(root === 'search' ? (search!.point![name] ?? '') : values[name]!);
    });
  };

  const member = (value: Json, pointer: string): Json | typeof LEFT_OUT => {
    if (typeof value === 'string') return text(value, pointer);
    if (Array.isArray(value))
      return value.map((item, index) => member(item, join(pointer, index))).filter((item): item is Json => item !== LEFT_OUT);
    if (value === null || typeof value !== 'object') return value;
    const members = Object.entries(value).map(([key, child]): [string, Json | typeof LEFT_OUT] => {
      refuse(key, join(pointer, key), 'key');
      return [key, member(child, join(pointer, key))];
    });
    return Object.fromEntries(members.filter((entry): entry is [string, Json] => entry[1] !== LEFT_OUT));
  };

  const open = (value: Json, pointer: string): Json => {
    const found = member(value, pointer);
    return found === LEFT_OUT ? {} : found;
  };

  const closed = (value: Json, pointer: string): Json => {
    if (typeof value === 'string') refuse(value, pointer, 'value');
    else if (Array.isArray(value)) value.forEach((item, index) => closed(item, join(pointer, index)));
    else if (value !== null && typeof value === 'object')
      for (const [key, child] of Object.entries(value)) {
        refuse(key, join(pointer, key), 'key');
        closed(child, join(pointer, key));
      }
    return value;
  };

  const refuse = (given: string, pointer: string, at: 'key' | 'value'): void => {
    const found = /\$\{(parameters|search)\.[^{}]*\}/.exec(given.replaceAll('$${', ''));
    if (found === null) return;
    const where = at === 'key' ? 'in a key' : 'here';
    const what = found[1] === 'search' ? 'A value of a search' : 'A parameter';
    findings.push({
      pointer,
      at,
      given,
      message: `${what} cannot stand ${where}: "${found[0]}".`,
      fix: `${found[1] === 'search' ? 'They stand' : 'Parameters stand'} for values inside "with", "retry", "timeout", "queue", "cache" and "if" of a step${found[1] === 'search' ? '.' : ', and inside "on".'}`,
    });
  };

  const step = (value: Json, pointer: string): Json => {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return closed(value, pointer);
    return mapMembers(value, (key, child) => (OPEN_STEP_KEYS.has(key) ? open : closed)(child, join(pointer, key)));
  };

  const top = (key: string, value: Json): Json => {
    if (key === 'on') return open(value, '/on');
    if (key === 'steps' && Array.isArray(value)) return value.map((item, index) => step(item, `/steps/${index}`));
    return closed(value, join('', key));
  };

  const value =
    document !== null && typeof document === 'object' && !Array.isArray(document) ? mapMembers(document, top) : closed(document, '');
  return { value, used, searched, findings };
}

/** Why "${search.NAME}" cannot stand in a step; undefined: it can. */
function wrongSearch(
  name: string,
  position: number,
  pointer: string,
  search: SearchValues | undefined,
): Pick<Finding, 'message' | 'allowed' | 'suggestion' | 'fix'> | undefined {
  const given = `"\${search.${name}}"`;
  if (search === undefined)
    return {
      message: `${given} refers to nothing: the document has no tune step.`,
      fix: `Put one before this step: { "uses": "tune", "with": { "search": { "${name}": { "float": [0.0001, 0.1], "scale": "log" } }, "objective": { "metric": "accuracy" } } }.`,
    };
  if (position < 0) return { message: `${given} cannot stand here: only steps take values of a search.`, fix: 'Use a parameter here.' };
  if (position <= search.position)
    return {
      message:
        position === search.position
          ? `${given} stands in the tune step itself.`
          : `${given} stands before the tune step, which chooses it later.`,
      fix: `Move the tune step before ${pointer.split('/').slice(0, 3).join('/')}.`,
    };
  if (search.names.includes(name)) return undefined;
  const suggestion = nearest(name, search.names);
  return {
    message: `The search has no "${name}".`,
    allowed: search.names,
    ...(suggestion === undefined ? {} : { suggestion: `\${search.${suggestion}}` }),
    fix: search.names.length === 0 ? 'Declare it in "search" of the tune step.' : `It has ${list(search.names)}.`,
  };
}

/** Inside of a text: what is no text itself as JSON. */
function asText(value: Json): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}

function mapMembers(value: JsonObject, change: (key: string, child: Json) => Json): JsonObject {
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, change(key, child)]));
}
