import type { Json, JsonObject } from '../../core/json.ts';
import type { OutputSpec, Prediction, TensorSpec } from '../../core/tensor.ts';

/** A column as the form of the page asks for it. */
export interface PageColumn {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  /** Texts that the model learnt from, the most frequent first. */
  readonly choices?: readonly string[];
  /** A value as the data have it, to begin with. */
  readonly example?: string | number | boolean;
}

/** What a page knows of its model: written into it as JSON. */
export interface PageData {
  readonly model: string;
  readonly version: number;
  readonly description: string;
  /** In sentences: units, packing, what was measured. */
  readonly facts: readonly string[];
  readonly columns: readonly PageColumn[];
  readonly sourceColumns: readonly string[];
  /** `preprocessor.json`. */
  readonly preprocessor: JsonObject;
  /** Of the model, numbers in the units of the source: the graph has the scale of the label inside. */
  readonly output: OutputSpec;
  readonly inputs: readonly TensorSpec[];
  /** Node of the graph by the name of the tensor that goes in. */
  readonly inputNodes: Readonly<Record<string, string>>;
  readonly outputNodes: readonly string[];
  /** Losses of the outputs in their order: margins become scores by them. */
  readonly losses: readonly string[];
  readonly graph: {
    readonly modelTopology: Json;
    readonly weightSpecs: Json;
    /** Base64. */
    readonly weights: string;
  };
}

/** What scripts and tests of others call. */
export interface PageModel {
  readonly model: string;
  readonly version: number;
  /** "cpu" or "webgl". */
  readonly backend: string;
  /** Answers as `POST /models/NAME/predict` does. Images are bytes, or base64. */
  predict(rows: readonly unknown[]): Promise<readonly Prediction[]>;
}
