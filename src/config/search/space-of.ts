import { canonicalJson } from '../../core/json.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import type { Dimension, DimensionCondition, Space } from '../../tuning/space.ts';
import { list, nearest, show } from '../diagnostic.ts';
import type { Finding } from '../diagnostic.ts';
import { join } from '../pointer.ts';
import { isObject } from '../schema-walk.ts';

/**
 * The space that `search` of a tune step declares. What does not fit the schema is passed over; what fits it and makes no sense is found.
 *
 * @param pointer of `search`
 */
export function spaceOf(search: Json | undefined, pointer: string): { readonly space: Space; readonly findings: readonly Finding[] } {
  const space: Record<string, Dimension> = {};
  const findings: Finding[] = [];
  for (const [name, value] of Object.entries(isObject(search) ? search : {})) {
    const at = join(pointer, name);
    if (!isObject(value)) continue;
    const when = value['when'] === undefined ? undefined : conditionOf(value['when'], join(at, 'when'), name, space, search as JsonObject);
    if (when !== undefined && 'message' in when) findings.push(when);
    const condition = when === undefined || 'message' in when ? {} : { when };
    const kind = (['float', 'integer', 'choice'] as const).find((one) => Array.isArray(value[one]));
    if (kind === undefined) continue;
    const values = value[kind] as readonly Json[];
    if (kind === 'choice') {
      findings.push(...repeated(values, join(at, 'choice')));
      space[name] = { kind, values, ...condition };
      continue;
    }
    const [low, high] = values as readonly number[];
    if (typeof low !== 'number' || typeof high !== 'number') continue;
    const scale = value['scale'] === 'log' ? 'log' : 'linear';
    const step = typeof value['step'] === 'number' ? { step: value['step'] } : {};
    space[name] = { kind, low, high, scale, ...step, ...condition };
    findings.push(...contradictions(name, low, high, scale, step.step, join(at, kind)));
  }
  return { space, findings };
}

function contradictions(
  name: string,
  low: number,
  high: number,
  scale: 'linear' | 'log',
  step: number | undefined,
  pointer: string,
): Finding[] {
  if (low > high)
    return [
      {
        pointer,
        given: [low, high],
        message: `"${name}" goes from ${low} to ${high}, so that no value fits.`,
        fix: `Give the lower bound first: [${high}, ${low}].`,
      },
    ];
  if (scale === 'log' && low <= 0)
    return [
      {
        pointer,
        given: [low, high],
        message: `"${name}" has the scale "log" and begins at ${low}: only numbers above 0 have a logarithm.`,
        fix: 'Begin above 0, or leave "scale" out.',
      },
    ];
  if (step !== undefined && step > high - low && high > low)
    return [
      {
        pointer: join(pointer.slice(0, pointer.lastIndexOf('/')), 'step'),
        given: step,
        message: `The step ${step} of "${name}" is longer than the way from ${low} to ${high}, so that only ${low} is left.`,
        fix: `Give one of at most ${high - low}.`,
      },
    ];
  return [];
}

function repeated(values: readonly Json[], pointer: string): Finding[] {
  const texts = values.map(canonicalJson);
  return texts.flatMap((text, index) =>
    texts.indexOf(text) === index
      ? []
      : [
          {
            pointer: join(pointer, index),
            given: values[index]!,
            message: `${show(values[index])} stands twice among the choices.`,
            fix: 'Remove one of the two.',
          },
        ],
  );
}

/** `{ "architecture": "mlp" }` or `{ "architecture": ["mlp", "cnn"] }`. */
function conditionOf(
  when: Json,
  pointer: string,
  name: string,
  before: Space,
  search: JsonObject,
): DimensionCondition | Finding | undefined {
  const [entry] = Object.entries(isObject(when) ? when : {});
  if (entry === undefined) return undefined;
  const [other, wanted] = entry;
  const at = join(pointer, other);
  const dimension = before[other];
  if (dimension === undefined) {
    const names = Object.keys(before);
    const later = Object.hasOwn(search, other);
    const suggestion = later ? undefined : nearest(other, names);
    return {
      pointer: at,
      at: 'key',
      given: other,
      allowed: names,
      message: later
        ? `"${name}" depends on "${other}", which does not stand before it.`
        : `"${name}" depends on "${other}", which is not searched.`,
      ...(suggestion === undefined ? {} : { suggestion }),
      fix: later ? `Move "${other}" before "${name}".` : names.length === 0 ? 'Remove "when".' : `Before it stand ${list(names)}.`,
    };
  }
  const values = Array.isArray(wanted) ? wanted : [wanted];
  const never = values.find((value) => !mayTake(dimension, value));
  if (never === undefined && values.length > 0) return { dimension: other, in: values };
  return {
    pointer: at,
    given: wanted,
    ...(dimension.kind === 'choice' ? { allowed: dimension.values.map((value) => show(value)) } : {}),
    message: `"${name}" counts where "${other}" is ${show(never ?? wanted)}, which it never is.`,
    fix:
      dimension.kind === 'choice'
        ? `Write one of its choices${dimension.values.some(Array.isArray) ? '; a choice that is a list itself stands inside of another list' : ''}.`
        : `Write a value from ${dimension.low} to ${dimension.high}.`,
  };
}

function mayTake(dimension: Dimension, value: Json): boolean {
  if (dimension.kind === 'choice') return dimension.values.some((choice) => canonicalJson(choice) === canonicalJson(value));
  return (
    typeof value === 'number' &&
    value >= dimension.low &&
    value <= dimension.high &&
    (dimension.kind === 'float' || Number.isInteger(value))
  );
}
