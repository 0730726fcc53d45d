import type { Tensor, Tf } from '../tensorflow/tf.ts';
import { DataType } from './graph-def.ts';
import type { GraphInput } from './program.ts';
import { Tracer, dataTypeOf } from './tracer.ts';

/** Rehearses on zeros what it records: tensors that stand for the variables and inputs of a graph. */
export class Rehearsal {
  readonly tracer: Tracer;
  readonly inputs: GraphInput[] = [];
  readonly #tf: Tf;

  /** @param portable the graph is for other readers */
  constructor(tf: Tf, prefix: string, portable = false) {
    this.#tf = tf;
    this.tracer = new Tracer(tf, prefix, { portable });
  }

  variable(name: string, shape: readonly number[], value = 0): Tensor {
    const tensor = this.#tf.fill([...shape], value);
    this.tracer.bind(tensor, this.tracer.add('ReadVariableOp', [name], { dtype: { type: DataType.float32 } }));
    return tensor;
  }

  input(name: string, shape: readonly number[], dtype: 'int32' | 'float32'): Tensor {
    const tensor = this.#tf.zeros([...shape], dtype);
    this.tracer.placeholder(tensor, name);
    this.inputs.push({ name, shape, dtype: dataTypeOf(dtype) });
    return tensor;
  }

  assign(variable: string, value: Tensor): string {
    return this.tracer.add('AssignVariableOp', [variable, this.tracer.symbolOf(value)], { dtype: { type: DataType.float32 } });
  }
}

/** `tf.tidy` for what holds no tensors: it would look for them in every byte of the result. */
export function cleanly<T>(tf: Tf, body: () => T): T {
  let result: T;
  tf.tidy(() => {
    result = body();
  });
  return result!;
}
