import type { Json, JsonObject } from '../core/json.ts';
import { list, nearest } from './diagnostic.ts';
import type { Finding } from './diagnostic.ts';
import { join } from './pointer.ts';

export interface Substitution {
  /** The document with every reference replaced; its structure, and so every pointer, is the same. */
  readonly value: Json;
  /** Names of parameters that something refers to. */
  readonly used: ReadonlySet<string>;
  readonly findings: readonly Finding[];
}

/** Members of a step whose values may refer to parameters. The others decide on the structure and are known before a run. */
const OPEN_STEP_KEYS = new Set(['with', 'retry', 'timeout', 'queue', 'cache', 'if']);
const WHOLE = /^\$\{parameters\.([A-Za-z][A-Za-z0-9_]*)\}$/;
/** `$${` stands for a literal `${`; names with a dot are taken for references, so that shell variables like ${HOME} pass. */
const ANY = /\$(\$)?\{([A-Za-z_]\w*)\.([^{}]*)\}/g;

/**
 * Replaces "${parameters.NAME}" in steps and in `on`: alone it keeps its type, inside a longer text it becomes text. `declared` are
 * all names that exist; a name without a value is left standing (its lack is reported elsewhere).
 */
export function substitute(document: Json, values: JsonObject, declared: readonly string[]): Substitution {
  const used = new Set<string>();
  const findings: Finding[] = [];

  const reference = (text: string, pointer: string, at: 'key' | 'value', root: string, name: string, escape: string): boolean => {
    if (root !== 'parameters') {
      const suggestion = nearest(root, ['parameters']) === undefined ? {} : { suggestion: `\${parameters.${name}}` };
      findings.push({
        pointer,
        at,
        given: text,
        message: `"${escape}" refers to nothing: only parameters can be referred to.`,
        ...suggestion,
        fix: `Write "\${parameters.NAME}", or "$${escape}" for the text itself.`,
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

  const text = (value: string, pointer: string): Json => {
    const whole = WHOLE.exec(value)?.[1];
    if (whole !== undefined) return reference(value, pointer, 'value', 'parameters', whole, value) ? values[whole]! : value;
    return value.replace(ANY, (match, escaped: string | undefined, root: string, name: string) => {
      if (escaped !== undefined) return match.slice(1);
      return reference(value, pointer, 'value', root, name, match) ? String(values[name]) : match;
    });
  };

  const open = (value: Json, pointer: string): Json => {
    if (typeof value === 'string') return text(value, pointer);
    if (Array.isArray(value)) return value.map((item, index) => open(item, join(pointer, index)));
    if (value === null || typeof value !== 'object') return value;
    return mapMembers(value, (key, child) => {
      refuse(key, join(pointer, key), 'key');
      return open(child, join(pointer, key));
    });
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
    const found = /\$\{parameters\.[^{}]*\}/.exec(given.replaceAll('$${', ''));
    if (found === null) return;
    const where = at === 'key' ? 'in a key' : 'here';
    findings.push({
      pointer,
      at,
      given,
      message: `A parameter cannot stand ${where}: "${found[0]}".`,
      fix: 'Parameters stand for values inside "with", "retry", "timeout", "queue", "cache" and "if" of a step, and inside "on".',
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
  return { value, used, findings };
}

function mapMembers(value: JsonObject, change: (key: string, child: Json) => Json): JsonObject {
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, change(key, child)]));
}
