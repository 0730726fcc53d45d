import type { TransformSpec } from './chain.ts';
import type { Column, ColumnProfile, DatasetProfile } from '../types.ts';

export interface AutomaticFeatures {
  readonly features: Record<string, TransformSpec[]>;
  readonly notes: readonly string[];
}

/** Texts with more distinct values than this are no categories. */
const CATEGORIES_MAX = 100;

function forText(profile: ColumnProfile): TransformSpec[] | string {
  if (profile.distinct <= Math.min(CATEGORIES_MAX, Math.max(20, profile.count / 10))) return ['oneHot'];
  const samples = Object.keys(profile.categories?.counts ?? {});
  const words = samples.reduce((sum, text) => sum + text.split(/\s+/).length, 0) / Math.max(1, samples.length);
  if (profile.categories === undefined || words >= 4) return [{ impute: { constant: '' } }, 'tokenize'];
  return profile.distinct > 0.9 * profile.count ? 'nearly every row has another value, so it looks like an identifier' : [{ hashing: 256 }];
}

function forColumn(profile: ColumnProfile): TransformSpec[] | string {
  if (profile.count === 0) return 'it is missing in every row of the train split';
  if (profile.distinct <= 1 && profile.type !== 'image' && profile.missing === 0) return 'it is constant';
  switch (profile.type) {
    case 'number':
    case 'integer': return [{ impute: 'median' }, 'standardize'];
    case 'boolean': return [{ impute: 'mostFrequent' }];
    case 'timestamp': return [{ impute: 'median' }, { cyclical: 'year' }];
    case 'image': return ['rescale'];
    case 'string': return forText(profile);
  }
}

/**
 * The transforms that follow from the columns' types and the train split's distribution, for documents that name no features:
 * numbers are imputed and standardized, categories one-hot encoded, language tokenized, images rescaled, timestamps turned into
 * their place in the year. Constant, empty and identifying columns are left out, with a note.
 */
export function automaticFeatures(columns: readonly Column[], profile: DatasetProfile, leftOut: readonly string[]): AutomaticFeatures {
  const features: [string, TransformSpec[]][] = [];
  const notes: string[] = [];
  for (const column of columns) {
    if (leftOut.includes(column.name) || column.origin === true) continue;
    const known = profile.columns.find((item) => item.name === column.name);
    const chosen = known === undefined ? 'it has no profile' : forColumn(known);
    if (typeof chosen === 'string') notes.push(`The column "${column.name}" is left out: ${chosen}.`);
    else features.push([column.name, chosen]);
  }
  return { features: Object.fromEntries(features), notes };
}
