import type { AnomalyMeta } from '../stored/dataset.ts';

/** Whether a row whose column has this value is an anomaly. */
export function isAnomalyName({ names, listed }: Pick<AnomalyMeta, 'names' | 'listed'>, value: unknown): boolean {
  return names.includes(String(value)) === (listed === 'anomalies');
}
