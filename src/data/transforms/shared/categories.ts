import { PerennialError } from '../../../core/errors.ts';
import type { ColumnData } from '../../column-data.ts';
import { categoriesOf, requireValues } from '../../transform.ts';

/** Learns the most frequent categories of a column, at most `maximum`; numbers are put in their order, others in that of their texts. */
export function frequentCategories(maximum: number, column: string, kind: ColumnData['kind']): { add(data: ColumnData): void; finish(): { categories: string[] } } {
  const counts = new Map<string, number>();
  return {
    add: (data) => {
      for (const category of categoriesOf(data)) if (category !== null) counts.set(category, (counts.get(category) ?? 0) + 1);
    },
    finish: () => {
      requireValues(counts.size, column, 'its categories');
      const frequent = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, maximum).map(([name]) => name);
      return { categories: kind === 'number' ? frequent.sort((a, b) => Number(a) - Number(b)) : frequent.sort() };
    },
  };
}

/** @param category null where it is missing */
export function unknownCategory(row: number, column: string, category: string | null, categories: readonly string[], hint: string): PerennialError {
  return new PerennialError('DATA_INVALID', `row ${row}, column "${column}": ${category === null ? 'the category is missing' : `the category "${category}" is unknown`}. Known are: ${categories.slice(0, 20).join(', ')}.`, { hint });
}
