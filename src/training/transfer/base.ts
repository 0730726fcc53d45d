import type { JsonObject } from '../../core/json.ts';
import type { OutputSpec, TensorSpec } from '../../core/tensor.ts';
import type { ModelConfig, Topology } from '../model/model-config.ts';
import type { Named } from '../model/named.ts';

/** Which model another one was made from. Recorded in what is made. */
export interface BaseOrigin {
  /** Registered under this name as this version; left out for files and steps of the same run. */
  readonly model?: string;
  readonly version?: number;
  /** As the document names it. */
  readonly file?: string;
  /** SHA-256 (hex) of the model artifact, or of the file. */
  readonly digest: string;
}

/** A model to start from, without its weights. */
export interface BaseNetwork {
  readonly origin: BaseOrigin;
  readonly topology: Topology;
  /** What it answers; a file does not say. */
  readonly output?: OutputSpec;
  /** Of its training. */
  readonly loss?: Named;
  /** What it was trained towards; left out: supervised. */
  readonly objective?: Named;
  /** Networks that it was trained with, by name. */
  readonly companions?: Readonly<Record<string, Topology>>;
  /** Settings of the architecture of such networks: how they go on. */
  readonly model?: ModelConfig;
  /** Its fitted preprocessing (`preprocessor.json`); files have none. */
  readonly preprocessor?: JsonObject;
}

/** "digits version 3", "base.h5", "the model 0123456789ab". */
export function baseText({ model, version, file, digest }: BaseOrigin): string {
  if (model !== undefined) return `${model} version ${version}`;
  return file ?? `the model ${digest.slice(0, 12)}`;
}

/** What it reads of examples. A generator reads noise: its examples are what its discriminator reads. */
export function examplesOf({ topology, companions }: BaseNetwork): readonly TensorSpec[] {
  return companions?.discriminator === undefined ? topology.inputs : companions.discriminator.inputs.slice(0, 1);
}
