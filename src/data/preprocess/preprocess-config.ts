import type { SequenceConfig } from '../stored/sequence.ts';
import type { AnomalyConfig } from './anomaly.ts';
import type { BalanceConfig } from './balance.ts';
import type { TransformSpec } from './chain.ts';
import type { LabelConfig } from './label.ts';
import type { WeightConfig } from './row-weight.ts';

export interface ReuseConfig {
  readonly model?: string;
  readonly version?: number | string;
  readonly input?: 'base';
  /** "reuse" also keeps classes and scale; "fit" learns them from these rows. Default: reuse. */
  readonly label?: 'reuse' | 'fit';
  readonly onMissing?: 'fail' | 'fit';
}

export interface PreprocessConfig extends LabelConfig {
  readonly features?: Readonly<Record<string, readonly TransformSpec[]>>;
  readonly sequence?: SequenceConfig;
  readonly balance?: BalanceConfig;
  readonly anomaly?: AnomalyConfig;
  /** How much a training row counts. */
  readonly weight?: WeightConfig;
  readonly seed?: number;
  /** A model whose fitted preprocessing is used. */
  readonly from?: ReuseConfig;
}
