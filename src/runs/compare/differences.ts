import { canonicalJson } from '../../core/json.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import { countOverlap } from '../../data/ingest/row-digests.ts';
import { datasetMeta } from '../../data/stored/dataset-rows.ts';
import { SPLITS } from '../../data/stored/dataset.ts';
import type { Split } from '../../data/stored/dataset.ts';
import type { Contender } from './contender.ts';

/** A setting that is not the same everywhere. */
export interface SettingDifference {
  /** E.g. "train.learningRate". */
  readonly path: string;
  /** One per contender; undefined: it has none. */
  readonly values: readonly (Json | undefined)[];
}

/** How the rows of a dataset differ from those of the first. */
export interface DataDifference {
  readonly step: string;
  readonly same: boolean;
  /** Of each split: rows of the first, rows now. */
  readonly rows?: Readonly<Record<Split, readonly [before: number, now: number]>>;
  readonly added?: number;
  readonly removed?: number;
  /** Rows that are in another split than before, by "train → test". */
  readonly moved?: Readonly<Record<string, number>>;
  /** Why the rows could not be compared. */
  readonly unknown?: string;
}

/** Settings of the steps, and parameters, that differ. */
export function settingDifferences(contenders: readonly Contender[]): {
  readonly parameters: SettingDifference[];
  readonly document: SettingDifference[];
  readonly seeds: SettingDifference[];
} {
  const known = contenders.every(({ steps }) => Object.keys(steps).length > 0);
  const document = known ? differing(contenders.map(({ steps }) => steps)) : [];
  return {
    parameters: differing(contenders.map(({ parameters }) => parameters)),
    document: document.filter(({ path }) => !/(^|\.)seed$/.test(path)),
    seeds: document.filter(({ path }) => /(^|\.)seed$/.test(path)),
  };
}

/** Code, libraries and machines of the steps that all have, where they differ; by what is kept of each step. */
export function codeDifferences(contenders: readonly Contender[]): {
  readonly code: readonly { readonly step: string; readonly values: readonly string[] }[];
  readonly environment: SettingDifference[];
  /** Contenders of which nothing is kept. */
  readonly unknown: readonly string[];
} {
  const known = contenders.filter(({ records }) => records.size > 0);
  const unknown = contenders.filter(({ records }) => records.size === 0).map(({ name }) => name);
  if (unknown.length > 0) return { code: [], environment: [], unknown };
  const steps = [...known[0]!.records.keys()].filter((step) => known.every(({ records }) => records.has(step)));
  const code = steps
    .map((step) => ({ step, values: known.map(({ records }) => records.get(step)!.code) }))
    .filter(({ values }) => new Set(values).size > 1);
  const environments = known.map(({ records }): JsonObject => {
    const own = steps.map((step) => records.get(step)!);
    // Of a step from the cache the machine that looked it up says nothing.
    const machines = [...new Set(own.filter(({ cachedFrom }) => cachedFrom === undefined).map(({ environment }) => environment.host))];
    const platforms = [...new Set(own.map(({ environment }) => `${environment.platform}, ${environment.cpus}`))];
    return {
      ...Object.assign({}, ...own.map(({ libraries }) => libraries)),
      machine: machines.sort().join(', '),
      platform: platforms.sort().join(', '),
    } as JsonObject;
  });
  return { code, environment: differing(environments), unknown };
}

/** The datasets of a contender beside those of the first, by the step that gave them. */
export async function dataDifferences(first: Contender, other: Contender): Promise<DataDifference[]> {
  const steps = [...new Set([...Object.keys(first.datasets), ...Object.keys(other.datasets)])];
  return Promise.all(
    steps.map(async (step): Promise<DataDifference> => {
      const [before, now] = [first.datasets[step], other.datasets[step]];
      if (before === undefined || now === undefined)
        return {
          step,
          same: false,
          unknown: `${before === undefined ? first.name : other.name} has no such dataset, or it is no longer in the store`,
        };
      if (before.ref.digest === now.ref.digest) return { step, same: true };
      const [then, since] = [datasetMeta(before).rows, datasetMeta(now).rows];
      const rows = Object.fromEntries(SPLITS.map((split) => [split, [then[split], since[split]]])) as unknown as NonNullable<
        DataDifference['rows']
      >;
      const [kept, back] = [await countOverlap(before, now), await countOverlap(now, before)];
      if (kept === undefined || back === undefined)
        return {
          step,
          same: false,
          rows,
          unknown: 'their columns differ, or one of them was made by a version that kept no digests of rows',
        };
      const total = (counts: Readonly<Record<Split, number>>): number => SPLITS.reduce((sum, split) => sum + counts[split], 0);
      const common = (counts: Readonly<Record<Split, Readonly<Record<Split, number>>>>): number =>
        SPLITS.reduce((sum, split) => sum + total(counts[split]), 0);
      const moved = Object.fromEntries(
        SPLITS.flatMap((from) =>
          SPLITS.flatMap((to) => (from !== to && kept[from][to] > 0 ? [[`${from} → ${to}`, kept[from][to]] as const] : [])),
        ),
      );
      return {
        step,
        same: false,
        rows,
        removed: Math.max(0, total(then) - common(kept)),
        added: Math.max(0, total(since) - common(back)),
        moved,
      };
    }),
  );
}

/** Paths of the deepest objects' members that are not the same everywhere. */
function differing(objects: readonly (JsonObject | Readonly<Record<string, JsonObject>>)[], prefix = ''): SettingDifference[] {
  const names = [...new Set(objects.flatMap((one) => Object.keys(one)))];
  return names.flatMap((name): SettingDifference[] => {
    const values = objects.map((one) => (one as JsonObject)[name]);
    if (new Set(values.map((value) => canonicalJson(value ?? null))).size === 1) return [];
    if (values.every((value) => typeof value === 'object' && value !== null && !Array.isArray(value)))
      return differing(values as JsonObject[], `${prefix}${name}.`);
    return [{ path: `${prefix}${name}`, values }];
  });
}
