import type { Correction } from './policy/correction.ts';
import type { NamedTest } from './named-test.ts';
import base from '../../schemas/pipeline.base.schema.json' with { type: 'json' };

const { properties } = base.definitions.on.properties.drift;

/** The defaults of `on.drift`, from the schema, which is the one place where they stand; thresholds stand with the tests. */
export const DRIFT_DEFAULTS = {
  rowsMin: properties.rowsMin.default,
  columnsMin: properties.columnsMin.default,
  missing: properties.missing.default,
  agree: properties.agree.default as 'all' | 'any',
  pool: properties.pool.default,
  correction: properties.correction.default as Correction,
  windowsMin: properties.windowsMin.default,
  windowsOf: properties.windowsOf.default,
  seasons: properties.season.properties.count.default,
  tests: properties.tests.default as unknown as readonly NamedTest[],
} as const;
