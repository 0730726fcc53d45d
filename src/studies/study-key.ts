import { createHash } from 'node:crypto';
import { canonicalJson } from '../core/json.ts';
import type { Json, JsonObject } from '../core/json.ts';
import type { Plan, PlanStep } from '../core/plan.ts';
import type { TrialCommon } from '../core/study.ts';

/** What decides on the code of a trial. */
export interface CodeFacts {
  readonly codeDigest: (type: string) => string;
  readonly libraries: (type: string) => Readonly<Record<string, string>>;
}

export interface StudyKey {
  /** Digest of all that decides on the trials of a study: studies of one key have the same trials, as far as each goes. */
  readonly key: string;
  /** The same in parts, by what people call them: what makes two studies of different keys. */
  readonly parts: Readonly<Record<string, string>>;
}

/** Budgets, and how the winner is chosen, change no trial. */
const NO_MATTER = new Set(['trials', 'parallel', 'time', 'choose', 'final']);
/** Hexadecimal digits of a part: it is compared with its like alone. */
const PART_DIGITS = 12;
/** Differences that are told. */
const TOLD_MAX = 4;

export function studyKey(
  { parameters }: Pick<Plan, 'parameters'>,
  step: PlanStep,
  given: TrialCommon['given'],
  { codeDigest, libraries }: CodeFacts,
): StudyKey {
  const { document, steps, objectives, space } = step.tune!;
  const all = (Array.isArray(document['steps']) ? document['steps'] : []) as readonly JsonObject[];
  const written = all.slice(all.findIndex(({ uses }) => uses === step.type) + 1);
  const types = [
    ...new Set([...written.map(({ uses }) => String(uses)), 'measure', ...(step.config['folds'] === undefined ? [] : ['fold'])]),
  ].sort();
  const config = Object.fromEntries(Object.entries(step.config).filter(([name]) => !NO_MATTER.has(name)));
  const inputs = Object.fromEntries(
    Object.entries(given).map(([id, outputs]) => [
      id,
      Object.fromEntries(Object.entries(outputs).map(([name, { digest }]) => [name, digest])),
    ]),
  );
  const code = Object.fromEntries(types.map((type) => [type, codeDigest(type)]));
  const used = Object.fromEntries(types.map((type) => [type, { ...libraries(type) }]));
  const key = digestOf({
    config,
    space,
    objectives: objectives.map(({ atLeast: _least, atMost: _most, ...objective }) => objective) as unknown as Json,
    trial: [...steps],
    written,
    parameters,
    inputs,
    code,
    libraries: used,
  });
  const parts: Record<string, Json> = {};
  for (const [name, value] of Object.entries(config)) parts[`"${name}" of "${step.id}"`] = value;
  for (const one of written) parts[`the step "${String(one['id'] ?? one['uses'])}"`] = one;
  for (const [name, value] of Object.entries(parameters)) parts[`the parameter "${name}"`] = value;
  for (const [id, outputs] of Object.entries(inputs)) parts[`what "${id}" gave`] = outputs;
  for (const [type, value] of Object.entries(code)) parts[`the source code of "${type}"`] = value;
  for (const libs of Object.values(used)) for (const [name, version] of Object.entries(libs)) parts[`the version of ${name}`] = version;
  return { key, parts: Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, digestOf(value).slice(0, PART_DIGITS)])) };
}

/** What is different between two studies, for people; undefined where the earlier one did not write its parts down. */
export function differenceOf(before: StudyKey['parts'] | undefined, now: StudyKey['parts']): string {
  const changed = [...new Set([...Object.keys(now), ...Object.keys(before ?? {})])].filter((name) => before?.[name] !== now[name]);
  if (before === undefined || changed.length === 0) return 'what decides on its trials changed';
  const rest = changed.length - TOLD_MAX;
  return `${changed.slice(0, TOLD_MAX).join(', ')}${rest > 0 ? ` and ${rest} more` : ''} changed`;
}

function digestOf(value: Json): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}
