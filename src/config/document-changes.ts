import { canonicalJson } from '../core/json.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { defaultId } from './catalogue.ts';
import { isObject } from './schema-walk.ts';

/** A value that differs between two documents. */
export interface ValueChange {
  /** In the words of the document, steps by their ids: `on.schedule.cron`, `steps.train.with.epochs`. */
  readonly path: string;
  /** Absent: the value is new. */
  readonly before?: Json;
  /** Absent: the value is gone. */
  readonly after?: Json;
}

/** What is the same for every document, and what it is called. */
const NO_VALUE = new Set(['$schema', 'apiVersion', 'name']);

/** What of a document decides what it does: all but its name. */
export function meaningOf(document: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(document).filter(([key]) => !NO_VALUE.has(key)));
}

/** The values that differ, in the order of the newer document; its name is none of them. */
export function documentChanges(before: JsonObject, after: JsonObject): ValueChange[] {
  const [old, now] = [meaningOf(before), meaningOf(after)].map(byStep) as [JsonObject, JsonObject];
  const changes = changesOf(old, now, '');
  const [was, is] = [idsOf(before), idsOf(after)];
  const moved = was.length === is.length && was.join() !== is.join() && [...was].sort().join() === [...is].sort().join();
  return moved ? [...changes, { path: 'order of steps', before: was, after: is }] : changes;
}

/** Every value of a part of a document by its path. */
export function valuesOf(value: Json, path: string): ValueChange[] {
  if (isObject(value) && Object.keys(value).length > 0 && !('$secret' in value))
    return Object.entries(value).flatMap(([key, child]) => valuesOf(child, joined(path, key)));
  return [{ path, after: value }];
}

/** `on.schedule.cron: "0 3 * * *" → "0 4 * * *"` */
export function valueText({ path, before, after }: ValueChange): string {
  if (before === undefined) return `${path}: ${shown(after)}`;
  return `${path}: ${shown(before)} → ${after === undefined ? '(none)' : shown(after)}`;
}

const SHOWN_MAX = 100;

function shown(value: Json | undefined): string {
  const text = value === undefined ? '(none)' : JSON.stringify(value);
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}

/** Steps by their ids: one that is put between others changes none of them. */
function byStep(document: JsonObject): JsonObject {
  const { steps } = document;
  const ids = idsOf(document);
  if (!Array.isArray(steps) || new Set(ids).size !== steps.length) return document;
  return { ...document, steps: Object.fromEntries(steps.map((step, index) => [ids[index]!, step])) };
}

function idsOf({ steps }: JsonObject): string[] {
  if (!Array.isArray(steps)) return [];
  return steps.flatMap((step) => {
    if (!isObject(step)) return [];
    if (typeof step['id'] === 'string') return [step['id']];
    return typeof step['uses'] === 'string' ? [defaultId(step['uses'])] : [];
  });
}

function changesOf(before: Json, after: Json, path: string): ValueChange[] {
  if (canonicalJson(before) === canonicalJson(after)) return [];
  if (isObject(before) && isObject(after)) {
    const keys = [...new Set([...Object.keys(after), ...Object.keys(before)])];
    return keys.flatMap((key) => {
      const at = joined(path, key);
      const [was, is] = [Object.hasOwn(before, key) ? before[key] : undefined, Object.hasOwn(after, key) ? after[key] : undefined];
      if (was === undefined) return is === undefined ? [] : added(is, at);
      return is === undefined ? [{ path: at, before: was }] : changesOf(was, is, at);
    });
  }
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length && [...before, ...after].every(isObject))
    return before.flatMap((one, index) => changesOf(one, after[index]!, `${path}[${index}]`));
  return [{ path, before, after }];
}

/** A trigger that is new is told value by value; a step that is new as one. */
const added = (value: Json, path: string): ValueChange[] => (path.startsWith('on') ? valuesOf(value, path) : [{ path, after: value }]);

const joined = (path: string, key: string): string =>
  path === '' ? key : /^[\w$-]+$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
