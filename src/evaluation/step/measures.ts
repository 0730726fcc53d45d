import type { GateFacts } from './gate.ts';
import type { MetricDefinition } from '../metrics/metric.ts';

/** What is measured of a model in use, for gates that name it: no property of its predictions, and not the same each time. */
export const MEASURES = {
  modelBytes: { direction: 'minimize', summary: 'Bytes of the stored model.' },
  latencyMs: { direction: 'minimize', summary: 'Milliseconds that 95 % of single rows take at most, asked of a server process.' },
  servedShare: { direction: 'maximize', summary: 'Share of test rows that a server process answers as they were judged.' },
} as const satisfies Record<string, { readonly direction: MetricDefinition['direction']; readonly summary: string }>;
export type MeasureName = keyof typeof MEASURES;

export function isMeasure(name: string): name is MeasureName {
  return Object.hasOwn(MEASURES, name);
}

export interface Measure {
  readonly name: MeasureName;
  readonly value: number;
  /** Of the champion, where a gate compares with it. */
  readonly champion?: number;
  /** How it was measured, or what went wrong. */
  readonly note: string;
}

export const measuredKeys = (measures: readonly Measure[] = []): readonly string[] => measures.map(({ name }) => name);

/** The measures beside the metrics, as gates read them. */
export function withMeasures(facts: GateFacts, measures: readonly Measure[] = []): GateFacts {
  if (measures.length === 0) return facts;
  const by = <T>(value: (measure: Measure) => T | undefined): Record<string, T> =>
    Object.fromEntries(measures.flatMap((one): [string, T][] => (value(one) === undefined ? [] : [[one.name, value(one)!]])));
  const values = by(({ value }) => value);
  return {
    ...facts,
    metrics: { ...facts.metrics, ...values },
    directions: { ...facts.directions, ...by(({ name }) => MEASURES[name].direction) },
    notes: by(({ note }) => note),
    ...(facts.champion === undefined
      ? {}
      : {
          champion: {
            ...facts.champion,
            ours: { ...facts.champion.ours, ...values },
            metrics: { ...facts.champion.metrics, ...by(({ champion }) => champion) },
          },
        }),
  };
}
