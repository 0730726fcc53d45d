import { PerennialError } from '../../../core/errors.ts';
import type { ColumnData } from '../column-data.ts';
import { DATA_LIMITS } from '../../table/limits.ts';
import { countCategories, requireValues } from '../transform.ts';
import type { Fitter } from '../transform.ts';

const ADVICE =
  '"hashing" or "lookup" with an embedding takes any number of categories; "ordinal" takes one column. A column that names rows is no feature: leave it out.';

/**
 * Learns the most frequent categories of a column, at most `maximum`; numbers are put in their order, others in that of their texts.
 * Memory is bounded by the categories that are counted.
 *
 * @param got what a category gets, for the note on those that get none: "a column"
 * @throws DATA_INVALID for more categories than are counted
 */
export function frequentCategories(
  maximum: number,
  column: string,
  kind: ColumnData['kind'],
  got: string,
  countedMax: number = DATA_LIMITS.categoriesCountedMax,
): Fitter<{ categories: string[] }> {
  const counts = new Map<string, number>();
  return {
    add: (data) => {
      countCategories(data, counts);
      if (counts.size > countedMax)
        throw new PerennialError(
          'DATA_INVALID',
          `column "${column}" has more than ${grouped(countedMax)} categories, e.g. "${[...counts.keys()][countedMax]!}"; the most frequent ones are found among at most so many.`,
          { hint: ADVICE },
        );
    },
    notes: () =>
      counts.size <= maximum
        ? []
        : [
            `column "${column}" has ${grouped(counts.size)} categories; the ${grouped(maximum)} most frequent got ${got}, the others count as unknown. ${ADVICE}`,
          ],
    finish: () => {
      requireValues(counts.size, column, 'its categories');
      const frequent = [...counts]
        .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
        .slice(0, maximum)
        .map(([name]) => name);
      return { categories: kind === 'number' ? frequent.sort((a, b) => Number(a) - Number(b)) : frequent.sort() };
    },
  };
}

const grouped = (count: number): string => count.toLocaleString('en');

/** @param category null where it is missing */
export function unknownCategory(
  row: number,
  column: string,
  category: string | null,
  categories: readonly string[],
  hint: string,
): PerennialError {
  return new PerennialError(
    'DATA_INVALID',
    `row ${row}, column "${column}": ${category === null ? 'the category is missing' : `the category "${category}" is unknown`}. Known are: ${categories.slice(0, 20).join(', ')}.`,
    { hint },
  );
}
