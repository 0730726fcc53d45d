import type { JsonObject, JsonSchema } from '../../core/json.ts';
import type { TensorBatch } from '../../core/tensor.ts';
import type { KerasDialect } from '../keras/mapping.ts';
import type { Network } from '../model/network.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';
import type { ModelMeta } from '../model/model-meta.ts';

/** A trained network on its way out. */
export interface ExportSource {
  /** Letters, digits, "_" and "-": names models and folders. */
  readonly name: string;
  readonly meta: ModelMeta;
  /** As it is exported: of a model that scores anomalies without the score. */
  readonly network: Network;
  /** By full name. */
  readonly weights: ReadonlyMap<string, Float32Array>;
  /** `preprocessor.json`: how rows become the tensors that the network reads. */
  readonly preprocessor?: JsonObject;
}

export interface WrittenExport {
  /** By path inside the export, with forward slashes. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** What an export says of itself in `signature.json`: names, types and shapes of what goes in and out. */
  readonly signature: JsonObject;
  /** What a reader should know, in sentences. */
  readonly notes: readonly string[];
}

/** What was written, read again. */
export interface ExportReader {
  /** Row-major values of every output, by name. */
  run(batch: TensorBatch, rows: number): Promise<Readonly<Record<string, Float32Array>>>;
  /** Of an export that also reads rows: what it gives for rows that were drawn, and the tensors that they are outside of it. */
  runRows?(): Promise<
    { readonly outputs: Readonly<Record<string, Float32Array>>; readonly batch: TensorBatch; readonly rows: number } | undefined
  >;
  dispose(): void;
}

/** A format that a trained model can be written in. */
export interface ExportDefinition<C = any> {
  readonly name: string;
  readonly summary: string;
  readonly configSchema: JsonSchema;
  /** @throws MODEL_INVALID naming what the format cannot hold */
  write(tf: Tf, source: ExportSource, config: C): Promise<WrittenExport>;
  /** Reads the files in a folder as another program would. */
  open(tf: Tf, folder: string, source: ExportSource): Promise<ExportReader>;
  /** In whose terms it answers: numbers as the network gives them, of a scaled label scaled, or in the unit of the source data. */
  readonly answers: 'network' | 'source';
  /** What the reader's outputs should be, from what the network gives. */
  outputs(tf: Tf, source: ExportSource, output: Tensor): Readonly<Record<string, Tensor>>;
  /** Largest difference from the model that passes. */
  bound(config: C): number;
  /** The format holds layers, of which anomaly scores are none, for this reader: it gets the network before its score. */
  readonly layers?: KerasDialect;
  /** Folder inside the target, where the format prescribes one, e.g. "digits/3". */
  folder?(model: string, version: number): string;
  /** Where what the format knows nothing of is put; "" is the export's own folder. */
  readonly besides: string;
  readonly examples: readonly C[];
  readonly reference: string;
}

/** Differences of float32 sums that are taken in another order. */
export const FLOAT32_BOUND = 1e-4;

type Parts<C> = Omit<ExportDefinition<C>, 'configSchema' | 'outputs' | 'bound' | 'besides' | 'examples'> &
  Partial<Pick<ExportDefinition<C>, 'outputs' | 'bound' | 'besides' | 'examples'>> & {
    readonly properties?: Readonly<Record<string, JsonSchema>>;
  };

export function defineExport<C = Record<string, never>>(parts: Parts<C>): ExportDefinition<C> {
  const { properties = {}, ...rest } = parts;
  return Object.freeze({
    outputs: (_tf: Tf, _source: ExportSource, output: Tensor) => ({ output }),
    bound: () => FLOAT32_BOUND,
    besides: '',
    examples: [],
    ...rest,
    configSchema: { type: 'object', description: parts.summary, additionalProperties: false, properties },
  });
}
