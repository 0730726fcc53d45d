import type { Tensor, TensorBatch } from '../../core/tensor.ts';
import { ANOMALY, ANOMALY_SPEC, isLabel } from '../examples.ts';
import { windowTensor } from '../preprocessor.ts';
import { WEIGHT } from '../row-weight.ts';
import type { SequenceConfig } from '../preprocessor.ts';

function joinRows(first: Tensor | undefined, second: Tensor): Tensor {
  if (first === undefined || first.rows === 0) return second;
  const data = new (second.data.constructor as Float32ArrayConstructor)(first.data.length + second.data.length);
  data.set(first.data);
  data.set(second.data, first.data.length);
  return { spec: second.spec, rows: first.rows + second.rows, data };
}

function sliceRows(tensor: Tensor, start: number, end: number): Tensor {
  const width = tensor.rows === 0 ? 0 : tensor.data.length / tensor.rows;
  return { spec: tensor.spec, rows: end - start, data: tensor.data.slice(start * width, end * width) };
}

/**
 * Turns rows in the order of time into windows of `size` rows with the label `horizon` rows after the window's last row. Batches are
 * added over all splits in order: the windows of a split's first labels reach back into the split before (its past is known by
 * then), while every label lies in its own split.
 */
export class Windows {
  readonly #size: number;
  readonly #horizon: number;
  readonly #past = new Map<string, Tensor>();

  constructor({ size, horizon }: Pick<SequenceConfig, 'size' | 'horizon'>) {
    this.#size = size;
    this.#horizon = horizon;
  }

  /** Windows whose label is a row of this batch; fewer than its rows while the past is too short. */
  add(batch: TensorBatch): TensorBatch {
    const reach = this.#size + this.#horizon - 1;
    const windows: Record<string, Tensor> = {};
    let made = 0;
    for (const [name, tensor] of Object.entries(batch)) {
      if (ofAnswer(name)) continue;
      const joined = joinRows(this.#past.get(name), tensor);
      this.#past.set(name, sliceRows(joined, Math.max(0, joined.rows - reach), joined.rows));
      made = Math.max(0, joined.rows - reach);
      windows[name] = made === 0
        ? { spec: { ...tensor.spec, shape: [this.#size, ...tensor.spec.shape] }, rows: 0, data: tensor.data.slice(0, 0) }
        : windowTensor(sliceRows(joined, 0, joined.rows - this.#horizon), this.#size);
    }
    if (windows[ANOMALY] !== undefined) windows[ANOMALY] = anyOf(windows[ANOMALY], this.#size);
    for (const [name, label] of Object.entries(batch)) if (ofAnswer(name)) windows[name] = sliceRows(label, label.rows - Math.min(label.rows, made), label.rows);
    return windows;
  }
}

/** Labels, and the weight of the row that holds them. */
const ofAnswer = (tensor: string): boolean => (isLabel(tensor) && tensor !== ANOMALY) || tensor === WEIGHT;

/** A window is an anomaly where any of its rows is one. */
function anyOf(flags: Tensor, size: number): Tensor {
  const data = Int32Array.from({ length: flags.rows }, (_, row) => Math.max(...flags.data.subarray(row * size, (row + 1) * size)));
  return { spec: ANOMALY_SPEC, rows: flags.rows, data };
}
