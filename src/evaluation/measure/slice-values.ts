import { namer } from '../findings/error-analysis.ts';
import { isUndefinedMetric } from '../metrics/metric.ts';
import type { Chunk } from '../metrics/metric.ts';
import type { ResolvedMetric } from '../metrics/resolve-metrics.ts';
import type { SliceValue } from '../step/gate.ts';
import { pickRows } from './chunk.ts';
import { metricOf } from './compute.ts';

/** A metric on the rows of each value of a column, all of them, the largest slice first. */
export function sliceValues(metric: ResolvedMetric, values: readonly unknown[], chunk: Chunk): SliceValue[] {
  const groups = new Map<string, number[]>();
  const nameOf = namer(values);
  values.forEach((value, row) => {
    const name = nameOf(value);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [row]);
    else group.push(row);
  });
  return [...groups]
    .map(([name, rows]) => ({ name, rows: rows.length, ...valueOf(metric, pickRows(chunk, Int32Array.from(rows))) }))
    .sort((a, b) => b.rows - a.rows || (a.name < b.name ? -1 : 1));
}

function valueOf(metric: ResolvedMetric, chunk: Chunk): Pick<SliceValue, 'value' | 'why'> {
  try {
    return { value: metricOf(metric, chunk) };
  } catch (error) {
    if (!isUndefinedMetric(error)) throw error;
    return { value: null, why: error.message.replace(/^The metric "[^"]*" is undefined here: /, '').replace(/\.$/, '') };
  }
}
