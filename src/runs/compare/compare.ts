import type { ArtifactStore } from '../../core/ports.ts';
import type { Contender } from './contender.ts';
import { codeDifferences, dataDifferences, settingDifferences } from './differences.ts';
import type { DataDifference, SettingDifference } from './differences.ts';
import { costsOf, pairedMetrics } from './measured.ts';
import type { ModelCosts, PairedMetrics } from './measured.ts';

/** What differs between runs or versions: of the first, and of each other beside the first. */
export interface Comparison {
  readonly names: readonly string[];
  readonly statuses: readonly string[];
  readonly parameters: readonly SettingDifference[];
  readonly document: readonly SettingDifference[];
  /** false: of one of them nobody kept how its steps were configured. */
  readonly documentKnown: boolean;
  readonly seeds: readonly SettingDifference[];
  readonly code: ReturnType<typeof codeDifferences>['code'];
  readonly environment: readonly SettingDifference[];
  /** Those of which nobody kept what they were computed with. */
  readonly codeUnknown: readonly string[];
  /** Beside the first, in the order of the names. */
  readonly data: readonly (readonly DataDifference[])[];
  /** As they were measured then, each on its own test rows. */
  readonly metrics: Readonly<Record<string, readonly (number | null)[]>>;
  /** Beside the first, on the same rows. */
  readonly paired: readonly PairedMetrics[];
  readonly costs: readonly (ModelCosts | null)[];
}

/** Compares everything that is known of them. @param options.measure false: no model is loaded */
export async function compareContenders(
  artifacts: ArtifactStore,
  contenders: readonly Contender[],
  { measure = true, onProgress = () => undefined }: { readonly measure?: boolean; readonly onProgress?: (message: string) => void } = {},
): Promise<Comparison> {
  const [first, ...others] = contenders;
  const { code, environment, unknown } = codeDifferences(contenders);
  const names = [...new Set(contenders.flatMap(({ metrics }) => Object.keys(metrics)))];
  const paired: PairedMetrics[] = [];
  const costs: (ModelCosts | null)[] = [];
  if (measure) {
    for (const other of others) {
      onProgress(`judging ${other.name} and ${first!.name} on the same rows`);
      paired.push(await pairedMetrics(artifacts, first!, other));
    }
    for (const contender of contenders) costs.push((await costsOf(artifacts, contender)) ?? null);
  }
  return {
    names: contenders.map(({ name }) => name),
    statuses: contenders.map(({ status }) => status),
    ...settingDifferences(contenders),
    documentKnown: contenders.every(({ steps }) => Object.keys(steps).length > 0),
    code,
    environment,
    codeUnknown: unknown,
    data: await Promise.all(others.map((other) => dataDifferences(first!, other))),
    metrics: Object.fromEntries(names.map((name) => [name, contenders.map(({ metrics }) => metrics[name] ?? null)])),
    paired,
    costs,
  };
}
