import type { JsonObject } from '../../core/json.ts';
import type { SampleConfig } from './choose-rows.ts';
import type { DeclaredColumns } from './column-schema.ts';
import type { AppendConfig, IngestMode, RecentConfig, TimeConfig } from './growth.ts';
import type { ReferenceConfig } from './reference.ts';
import type { SplitConfig } from './split.ts';

export interface IngestConfig {
  readonly source: { readonly format: string; readonly path: string } & JsonObject;
  readonly label?: string | readonly string[];
  readonly seed?: number;
  readonly split?: Partial<SplitConfig>;
  readonly exclude?: readonly string[];
  readonly columns?: DeclaredColumns;
  /** Which rows take part; left out: all. */
  readonly mode?: IngestMode;
  readonly time?: TimeConfig;
  readonly recent?: RecentConfig;
  readonly append?: AppendConfig;
  readonly window?: { readonly column: string; readonly last: string; readonly until?: 'nominalTime' | 'latest' };
  readonly filter?: readonly JsonObject[];
  readonly sample?: SampleConfig;
  readonly budget?: number;
  readonly reference?: ReferenceConfig;
}
