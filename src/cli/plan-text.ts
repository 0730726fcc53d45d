import type { Json, JsonObject } from '../core/json.ts';
import type { Plan, PlanStep } from '../core/plan.ts';

/** 90000 → "90s", 3600000 → "1h", 4000000 → "1h 7m": the largest unit that gives a whole number, or hours and minutes. */
export function duration(milliseconds: number): string {
  const units: readonly [number, string][] = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'm'],
  ];
  for (const [size, unit] of units) if (milliseconds >= size && milliseconds % size === 0) return `${milliseconds / size}${unit}`;
  if (milliseconds >= 3_600_000) return `${Math.floor(milliseconds / 3_600_000)}h ${Math.round((milliseconds % 3_600_000) / 60_000)}m`;
  return milliseconds % 1_000 === 0 ? `${milliseconds / 1_000}s` : `${milliseconds}ms`;
}

/** What a step takes, as "dataset ← validate". */
export function wiringOf(step: PlanStep): string[] {
  return Object.entries(step.inputs).map(
    ([port, input]) => `${port} ← ${input.step}${input.output === port || input.output === input.kind ? '' : `.${input.output}`}`,
  );
}

/** The plan as a tree of text. @param further lines of steps, by id: what follows from the data */
export function planTree(plan: Plan, further: ReadonlyMap<string, readonly string[]> = new Map()): string {
  const root = [`${plan.pipeline}  (revision ${plan.revision.slice(0, 12)})`];
  if (plan.description !== '') root.push(plan.description);
  const branches: Branch[] = [];
  if (Object.keys(plan.parameters).length > 0) branches.push({ head: 'parameters', body: valueLines(plan.parameters) });
  for (const step of plan.steps)
    branches.push({ head: stepHead(step), body: [...valueLines(step.config), ...(further.get(step.id) ?? []), ...stepFacts(step)] });
  if (Object.keys(plan.on).length > 0) branches.push({ head: 'on', body: valueLines(plan.on as unknown as JsonObject) });
  return [...root, ...branches.flatMap((branch, index) => drawn(branch, index === branches.length - 1))].join('\n');
}

interface Branch {
  readonly head: string;
  readonly body: readonly string[];
}

function drawn({ head, body }: Branch, last: boolean): string[] {
  return [`${last ? '└─' : '├─'} ${head}`, ...body.map((line) => `${last ? '  ' : '│ '}   ${line}`)];
}

function stepHead(step: PlanStep): string {
  const takes = wiringOf(step).join(', ');
  const gives = Object.keys(step.outputs).join(', ');
  return `${step.id}  ${step.type}@${step.version}${takes === '' ? '' : `  (${takes})`}${gives === '' ? '' : `  → ${gives}`}`;
}

function stepFacts(step: PlanStep): string[] {
  const { retry } = step;
  const attempts =
    retry.maximumAttempts === 1
      ? '1 attempt'
      : `${retry.maximumAttempts} attempts, ${duration(retry.initialIntervalMs)} apart × ${retry.backoffCoefficient}, at most ${duration(retry.maximumIntervalMs)}`;
  return [
    `· at most ${duration(step.startToCloseMs)} per attempt, ${attempts}${step.cache ? '' : ', not cached'}${step.queue === undefined ? '' : `, queue "${step.queue}"`}`,
    ...(step.folds === undefined
      ? []
      : [`· ${step.folds.folds} folds of the train split are measured before; the model is learnt from all of it`]),
    ...(step.search === undefined ? [] : [`· takes values of the search of "${step.search}"; these are an example`]),
    ...(step.if === undefined ? [] : [`· if ${JSON.stringify(step.if)}`]),
  ];
}

function valueLines(value: JsonObject): string[] {
  return Object.entries(value).flatMap(([key, child]) => memberLines(key, child));
}

function memberLines(key: string, value: Json): string[] {
  const flat = JSON.stringify(value);
  if (value === null || typeof value !== 'object' || flat.length <= 100 - key.length)
    return [`${key}: ${typeof value === 'string' ? JSON.stringify(value) : spaced(flat)}`];
  const inner = Array.isArray(value) ? value.flatMap((item) => itemLines(item)) : valueLines(value);
  return [`${key}:`, ...inner.map((line) => `  ${line}`)];
}

function itemLines(item: Json): string[] {
  const flat = JSON.stringify(item);
  if (item === null || typeof item !== 'object' || Array.isArray(item) || flat.length <= 100) return [`- ${spaced(flat)}`];
  return valueLines(item).map((line, index) => (index === 0 ? `- ${line}` : `  ${line}`));
}

/** JSON on one line with a space after every comma and colon outside of texts. */
function spaced(json: string): string {
  return json.replace(/"(?:[^"\\]|\\.)*"|[,:]/g, (part) => (part === ',' || part === ':' ? `${part} ` : part));
}
