import { canonicalJson } from '../../core/json.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import type { PlanStep } from '../../core/plan.ts';
import { TUNE } from '../../core/tune-plan.ts';
import type { Point, Space } from '../../tuning/space.ts';
import { pointText } from '../../tuning/describe.ts';
import { planSteps } from '../build-plan.ts';
import { compileAt } from '../compile-at.ts';
import type { Compiled, Source } from '../compile-at.ts';
import type { Finding } from '../diagnostic.ts';
import { valueAt } from '../pointer.ts';
import { isObject } from '../schema-walk.ts';
import { substitute } from '../substitute.ts';
import { cornersOf } from './corners.ts';
import { checkSearch } from './check-search.ts';
import { spaceOf } from './space-of.ts';
import { withTuning } from './tune-plan.ts';

export interface Searched {
  /** At an example of a point. */
  readonly compiled: Compiled;
  readonly findings: readonly Finding[];
  /** The document with parameters substituted and references to the search standing. */
  readonly meant: Json;
  /** undefined where there is any finding. */
  readonly steps?: readonly PlanStep[];
}

/**
 * A document with a tune step: compiled at the corners of what it searches, so that no trial meets a document that is not valid. undefined:
 * it has no tune step.
 */
export function compileSearched(source: Source): Searched | undefined {
  const steps = isObject(source.document) && Array.isArray(source.document['steps']) ? source.document['steps'] : [];
  const tuning = steps.flatMap((step, index) => (isObject(step) && step['uses'] === TUNE ? [index] : []));
  const [position, second] = tuning;
  if (position === undefined) return undefined;
  const names = Object.keys(objectAt(source.document, `/steps/${position}/with/search`));
  const open = substitute(source.document, source.parameters, source.declared, { position, names });
  const pointer = `/steps/${position}/with`;
  const { space, findings } = spaceOf(valueAt(open.value, `${pointer}/search`), `${pointer}/search`);
  const found: Finding[] = [...findings];
  if (second !== undefined)
    found.push({
      pointer: `/steps/${second}`,
      message: 'The document has a second tune step.',
      fix: 'Search for everything in one of them: a trial is one combination of all values.',
    });
  if (found.length > 0 || names.length === 0 || names.some((name) => !Object.hasOwn(space, name))) {
    const compiled = compileAt(source, { position, names });
    return { compiled, findings: [...found, ...compiled.findings], meant: open.value };
  }
  const corners = cornersOf(space);
  const all = corners.map((point) => compileAt(source, { position, names, point: point as JsonObject }));
  const compiled = all[0]!;
  found.push(...joined(source.document, space, corners, all));
  if (found.length > 0 || compiled.facts === undefined) return { compiled, findings: found, meant: open.value };
  const plans = all.map(({ facts, wiring }) => planSteps(facts!, wiring.inputs));
  const { facts } = compiled;
  const tuned = withTuning(plans, {
    pipeline: facts.name,
    position,
    references: open.searched,
    space,
    document: source.document as JsonObject,
  });
  found.push(...('findings' in tuned ? tuned.findings : checkSearch(facts, position, space, tuned.tune)));
  return { compiled, findings: found, meant: open.value, ...('findings' in tuned || found.length > 0 ? {} : { steps: tuned.steps }) };
}

function objectAt(root: Json, pointer: string): JsonObject {
  const found = valueAt(root, pointer);
  return isObject(found) ? found : {};
}

/** Mistakes at every corner as they are; of some, with the values that lead to them. */
function joined(document: Json, space: Space, corners: readonly Point[], all: readonly Compiled[]): Finding[] {
  const groups = new Map<string, { readonly finding: Finding; readonly at: Set<number> }>();
  all.forEach(({ findings }, corner) => {
    for (const finding of findings) {
      const { given: _given, ...kind } = finding;
      const key = canonicalJson({ pointer: kind.pointer, message: kind.message });
      const group = groups.get(key) ?? { finding, at: new Set<number>() };
      group.at.add(corner);
      groups.set(key, group);
    }
  });
  const told = new Set<string>();
  return [...groups.values()].flatMap(({ finding, at }) => {
    if (at.size === all.length) return [finding];
    const within = dimensionsIn(valueAt(document, nearestStanding(document, finding.pointer)));
    const culprits = culpritsOf(space, corners, at, within);
    const example = corners[[...at][0]!]!;
    const values = Object.fromEntries(Object.entries(example).filter(([name]) => culprits.includes(name)));
    // One message for each place: that 0.1 is too large is no other mistake than that 0.2 is.
    const place = canonicalJson([finding.pointer, culprits, finding.message.replace(/[\d.e+-]+/g, '#')]);
    if (told.has(place)) return [];
    told.add(place);
    return [
      {
        ...finding,
        message: `With ${pointText(values)} of the search: ${finding.message}`,
        fix: `${finding.fix === undefined ? '' : `${finding.fix} `}Keep "search" of the tune step within what may stand here${culprits.length > 1 ? ', or let one depend on the other by "when"' : ''}.`,
      },
    ];
  });
}

/** The pointer itself, or of what it lies in, where it is in the document as written. */
function nearestStanding(document: Json, pointer: string): string {
  let at = pointer;
  while (at !== '' && valueAt(document, at) === undefined) at = at.slice(0, at.lastIndexOf('/'));
  return at;
}

/** Dimensions that a part of the document refers to. */
function dimensionsIn(value: Json | undefined): string[] {
  const text = JSON.stringify(value ?? null);
  return [...new Set([...text.matchAll(/(?<!\$)\$\{search\.(\w+)\}/g)].map(([, name]) => name!))];
}

/** The fewest dimensions whose values alone tell failing corners from the others; where none do, those at the place, else all. */
function culpritsOf(space: Space, corners: readonly Point[], failing: ReadonlySet<number>, within: readonly string[]): string[] {
  const names = [...new Set([...within, ...Object.keys(space)])];
  const explains = (some: readonly string[]): boolean => {
    const outcome = new Map<string, boolean>();
    return corners.every((point, index) => {
      const key = canonicalJson(some.map((name) => point[name] ?? null));
      const fails = failing.has(index);
      if ((outcome.get(key) ?? fails) !== fails) return false;
      outcome.set(key, fails);
      return true;
    });
  };
  for (const one of names) if (explains([one])) return [one];
  for (const [index, one] of names.entries()) for (const other of names.slice(index + 1)) if (explains([one, other])) return [one, other];
  return within.length > 0 ? [...within] : names;
}
