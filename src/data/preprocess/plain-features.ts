import type { Row } from '../../core/tensor.ts';
import { readsNumbersAsTheyAre } from '../reading/cells.ts';
import type { Column } from '../stored/column.ts';
import { functionsOfNumbers } from './chain.ts';
import { FEATURES } from './fitted-column.ts';
import type { FittedColumn } from './fitted-column.ts';

/**
 * Rows that hold numbers straight into `features`, as most small requests are.
 *
 * @returns undefined where columns are or become anything else than numbers. What is returned gives undefined where a row holds something
 * else, or a result is not finite: the general way says what there is to it.
 */
export function plainFeatures(
  given: readonly { readonly column: FittedColumn; readonly reading: Column }[],
): ((rows: readonly Row[]) => Float32Array | undefined) | undefined {
  const ways: { readonly name: string; readonly functions: readonly ((value: number) => number)[] }[] = [];
  for (const { column, reading } of given) {
    const functions = functionsOfNumbers(column.links, column.name);
    const { shape, name } = column.spec;
    if (functions === undefined || name !== FEATURES || shape.length !== 1 || shape[0] !== 1 || !readsNumbersAsTheyAre(reading))
      return undefined;
    ways.push({ name: column.name, functions });
  }
  const width = ways.length;
  if (width === 0) return undefined;
  return (rows) => {
    const target = new Float32Array(rows.length * width);
    for (let row = 0, to = 0; row < rows.length; row += 1) {
      const values = rows[row]!;
      if (typeof values !== 'object' || values === null || Array.isArray(values)) return undefined;
      for (let at = 0; at < width; at += 1, to += 1) {
        const { name, functions } = ways[at]!;
        // What an object inherits is never a number.
        const found = values[name];
        if (typeof found !== 'number') return undefined;
        let value = found;
        for (let step = 0; step < functions.length; step += 1) value = functions[step]!(value);
        target[to] = value;
        const written = target[to]!;
        if (written - written !== 0) return undefined;
      }
    }
    return target;
  };
}
