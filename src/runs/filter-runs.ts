import { PerennialError } from '../core/errors.ts';
import { ownValue } from '../core/json.ts';
import type { Json } from '../core/json.ts';
import type { RunView } from '../core/run.ts';
import { inputOf, listRuns } from './runs.ts';
import type { RunRow } from './runs.ts';
import type { Temporal } from './connect.ts';
import type { RunLabels } from './run-labels.ts';

/** Which runs are listed, and how. */
export interface RunFilter {
  readonly pipeline?: string;
  readonly limit: number;
  /** Conditions such as "accuracy>0.9", all of which hold. */
  readonly where: readonly string[];
  /** Parameters and their values, such as "epochs=60". */
  readonly param: readonly string[];
  /** Milliseconds since 1970. */
  readonly since?: number;
  /** "best", or "owner=ada". */
  readonly tag: readonly string[];
  /** A number or a fact to order by; "-accuracy": largest first. */
  readonly sort?: string;
}

/** A run with what can be asked of it. */
export interface ListedRun extends RunRow {
  readonly metrics: Readonly<Record<string, number>>;
  readonly parameters: Readonly<Record<string, Json>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly notes: RunLabels['notes'];
}

type Fact = string | number | null | undefined;

const CONDITION = /^\s*([A-Za-z][\w.@-]*)\s*(>=|<=|!=|=|>|<)\s*(.*?)\s*$/;
type Test = (fact: Fact) => boolean;
/** Runs that are looked at, at most, where few fit. */
export const LOOKED_AT_MAX = 1_000;
const AT_ONCE = 8;

/** A condition on a fact of a run. @throws USAGE */
function conditionOf(text: string, option: string): { readonly name: string; readonly holds: Test } {
  const [, name, operator, value] = CONDITION.exec(text) ?? [];
  if (name === undefined || value === undefined || value === '')
    throw new PerennialError('USAGE', `${option} is ${JSON.stringify(text)}; expected NAME, one of > >= < <= = !=, and a value.`, {
      hint: 'For example `--where "accuracy>0.9"` or `--where "verdict=passed"`; a parameter is "param.NAME".',
    });
  const number = Number(value);
  if (/[<>]/.test(operator!) && Number.isNaN(number))
    throw new PerennialError('USAGE', `${option} ${JSON.stringify(text)} compares with ${JSON.stringify(value)}, which is no number.`, {
      hint: '',
    });
  const equals: Test = (fact) => (typeof fact === 'number' && !Number.isNaN(number) ? fact === number : String(fact ?? '') === value);
  const tests: Readonly<Record<string, Test>> = {
    '=': equals,
    '!=': (fact) => !equals(fact),
    '>': (fact) => typeof fact === 'number' && fact > number,
    '>=': (fact) => typeof fact === 'number' && fact >= number,
    '<': (fact) => typeof fact === 'number' && fact < number,
    '<=': (fact) => typeof fact === 'number' && fact <= number,
  };
  return { name, holds: tests[operator!]! };
}

/** A fact of a run by its name: a metric, "param.NAME", or one of its own. */
export function factOf(run: ListedRun, name: string): Fact {
  if (name.startsWith('param.')) return plain(ownValue(run.parameters, name.slice('param.'.length)));
  if (Object.hasOwn(run.metrics, name)) return run.metrics[name];
  const { status, verdict, trigger, model, version, pipeline, startedAt, endedAt } = run;
  const seconds = endedAt === null ? null : (Date.parse(endedAt) - Date.parse(startedAt)) / 1_000;
  const own: Readonly<Record<string, Fact>> = {
    status,
    verdict,
    trigger,
    model,
    version,
    pipeline,
    seconds,
    started: Date.parse(startedAt),
  };
  return ownValue(own, name);
}

function plain(value: Json | undefined): Fact {
  return typeof value === 'number' || typeof value === 'string'
    ? value
    : value === undefined || value === null
      ? null
      : JSON.stringify(value);
}

/**
 * The runs that fit, newest first unless sorted: what runs were started with and what came of them is asked for, run by run.
 *
 * @param viewOf the run with its metrics; undefined where nobody can tell
 * @returns with what a condition names that none of the runs has
 * @throws USAGE
 */
export async function filterRuns(
  temporal: Temporal,
  filter: RunFilter,
  labels: (run: string) => Promise<RunLabels>,
  viewOf: (run: RunRow) => Promise<Pick<RunView, 'metrics'> | undefined>,
): Promise<{ readonly runs: ListedRun[]; readonly looked: number; readonly unknown: string | undefined }> {
  const conditions = [
    ...filter.where.map((text) => conditionOf(text, '--where')),
    ...filter.param.map((text) => {
      const condition = conditionOf(text, '--param');
      return { ...condition, name: `param.${condition.name}` };
    }),
  ];
  const fits = (run: ListedRun): boolean =>
    conditions.every(({ name, holds }) => holds(factOf(run, name))) &&
    filter.tag.every((tag) => {
      const [name = '', ...value] = tag.split('=');
      return Object.hasOwn(run.tags, name) && (value.length === 0 || run.tags[name] === value.join('='));
    });
  const narrowed = conditions.length > 0 || filter.tag.length > 0 || filter.sort !== undefined;
  const rows = await listRuns(temporal, {
    limit: narrowed ? LOOKED_AT_MAX : filter.limit,
    ...(filter.pipeline === undefined ? {} : { pipeline: filter.pipeline }),
    ...(filter.since === undefined ? {} : { since: filter.since }),
  });
  const found: ListedRun[] = [];
  const had = new Set<string>();
  let looked = 0;
  for (let start = 0; start < rows.length && (filter.sort !== undefined || found.length < filter.limit); start += AT_ONCE) {
    const part = rows.slice(start, start + AT_ONCE);
    looked += part.length;
    const asked = await Promise.all(
      part.map(async (row): Promise<ListedRun> => {
        const address = { workflowId: row.workflowId, executionId: row.executionId };
        const [{ tags, notes }, view, input] = await Promise.all([labels(row.run), viewOf(row), inputOf(temporal, address)]);
        return { ...row, metrics: view?.metrics ?? {}, parameters: input.plan.parameters, tags, notes };
      }),
    );
    for (const run of asked) for (const { name } of conditions) if ((factOf(run, name) ?? null) !== null) had.add(name);
    found.push(...asked.filter(fits));
  }
  const unknown = conditions.find(({ name }) => !had.has(name))?.name;
  return { runs: sorted(found, filter.sort).slice(0, filter.limit), looked, unknown };
}

/** @throws USAGE where no run has the fact */
function sorted(runs: readonly ListedRun[], sort: string | undefined): ListedRun[] {
  if (sort === undefined) return [...runs];
  const down = sort.startsWith('-');
  const name = sort.replace(/^[+-]/, '');
  if (runs.length > 0 && runs.every((run) => factOf(run, name) === undefined))
    throw new PerennialError('USAGE', `--sort is ${JSON.stringify(sort)}, and no run has a "${name}".`, {
      hint: `There are ${[...new Set(runs.flatMap(({ metrics }) => Object.keys(metrics)))].join(', ') || 'no metrics'}, seconds, started, status, verdict, version, and parameters as param.NAME.`,
    });
  return [...runs].sort((a, b) => {
    const [one, other] = [factOf(a, name), factOf(b, name)];
    if (one === other) return 0;
    // What has none comes last, whichever way.
    if (one === null || one === undefined) return 1;
    if (other === null || other === undefined) return -1;
    return (one < other ? -1 : 1) * (down ? -1 : 1);
  });
}
