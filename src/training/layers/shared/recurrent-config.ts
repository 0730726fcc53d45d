import type { ActivityOptions } from './activity.ts';
import type { Activation } from '../activations.ts';
import type { WeightOptions } from './weight-options.ts';

type RecurrentWeights = WeightOptions<'kernel'> & WeightOptions<'recurrent'> & WeightOptions<'bias'>;

export interface RecurrentConfig extends RecurrentWeights, ActivityOptions {
  readonly units: number;
  readonly returnSequences: boolean;
  readonly goBackwards: boolean;
  readonly activation: Activation;
  readonly useBias?: boolean;
  readonly dropout: number;
  readonly recurrentDropout: number;
}

export interface SimpleConfig extends RecurrentConfig {}

export interface GatedConfig extends RecurrentConfig {
  readonly recurrentActivation: Activation;
}

export interface GruConfig extends GatedConfig {
  readonly resetAfter: boolean;
}

export interface LstmConfig extends GatedConfig {
  readonly unitForgetBias: boolean;
}
