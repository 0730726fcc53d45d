import { freeName, namesIn } from '../../model/free-name.ts';
import { PerennialError } from '../../../core/errors.ts';
import type { TensorSpec } from '../../../core/tensor.ts';
import type { LayerNode, Topology } from '../../model/model-config.ts';
import { showShape } from '../../layers/shapes.ts';
import type { Tensor, Tf } from '../../tensorflow/tf.ts';
import type { RawBackend } from '../../tensorflow/raw-backend.ts';

/** The one input of token ids [steps] of a language model. @throws MODEL_INVALID */
export function tokenInput(inputs: readonly TensorSpec[]): TensorSpec & { readonly vocabularySize: number } {
  const [input] = inputs;
  if (inputs.length === 1 && input!.vocabularySize !== undefined && input!.shape.length === 1 && input!.shape[0]! > 1)
    return input as TensorSpec & { readonly vocabularySize: number };
  const seen = inputs
    .map(({ name, shape, vocabularySize }) => `"${name}" ${showShape(shape)}${vocabularySize === undefined ? '' : ' of token ids'}`)
    .join(', ');
  throw new PerennialError(
    'MODEL_INVALID',
    `The objective nextToken learns from one text as token ids [steps], and the inputs are ${seen}.`,
    { hint: 'Name in "features" of the preprocess step only the text column, with "tokenize".' },
  );
}

/**
 * What follows each token, and where there is something to follow: after the last token of a text that ends before its row does comes
 * the id 0, the end; what comes after a row is not known.
 *
 * @param ids [rows, steps], padded behind
 * @returns targets of the type of the ids, counted float32
 */
export function nextTokens(tf: Tf, ids: Tensor): { readonly targets: Tensor; readonly counted: Tensor } {
  const [rows, steps] = ids.shape as [number, number];
  const targets = tf.concat([tf.slice(ids, [0, 1], [rows, steps - 1]), tf.zeros([rows, 1], ids.dtype as 'int32')], 1);
  const inside = tf.less(tf.range(0, steps), steps - 1);
  return { targets, counted: tf.mul(tf.cast(tf.notEqual(ids, 0), 'float32'), tf.reshape(tf.cast(inside, 'float32'), [1, steps])) };
}

/** The number of {@link nextTokens} that count, in each row. */
export function countNext(ids: ArrayLike<number>, rows: number): Float64Array {
  const steps = ids.length / rows;
  const counts = new Float64Array(rows);
  for (let row = 0; row < rows; row++) for (let step = 0; step < steps - 1; step++) if (ids[row * steps + step] !== 0) counts[row]!++;
  return counts;
}

/** @throws DATA_INVALID for texts that are padded before their first token */
export function requirePaddedBehind(ids: ArrayLike<number>, rows: number, column: string): void {
  const steps = ids.length / rows;
  for (let row = 0; row < rows; row++) {
    for (let step = 1; step < steps; step++) {
      if (ids[row * steps + step] === 0 || ids[row * steps + step - 1] !== 0) continue;
      throw new PerennialError(
        'DATA_INVALID',
        `The text "${column}" is padded before its tokens (row ${row}), and the objective nextToken reads padding as the end of a text.`,
        { hint: 'Use { "tokenize": { …, "padding": "post" } }, the default.' },
      );
    }
  }
}

/** Layers that treat each step by itself: what reads one step can stand before them. */
const STEPWISE: ReadonlySet<string> = new Set(['dense', 'activation', 'softmax', 'dropout']);

/** A network of shares for every step → one that gives those for the last token alone, computed for this step alone where possible. */
export function withLastToken(topology: Topology): Topology {
  if (topology.layers.some(({ type }) => type === 'lastToken')) return topology;
  const ids = topology.inputs[0]!.name;
  const name = freeName('last_token', namesIn(topology));
  const nodes = new Map(topology.layers.map((node) => [node.name, node]));
  const readers = (of: string): number => topology.layers.filter(({ inputs }) => inputs.includes(of)).length;
  let first: LayerNode | undefined;
  for (
    let node = nodes.get(topology.output);
    node !== undefined && STEPWISE.has(node.type) && (node.name === topology.output || readers(node.name) === 1);
    node = nodes.get(node.inputs[0]!)
  )
    first = node;
  const read = first === undefined ? topology.output : first.inputs[0]!;
  const last: LayerNode = { name, type: 'lastToken', config: {}, inputs: [read, ids] };
  if (first === undefined || !nodes.has(read))
    return { ...topology, layers: [...topology.layers, { ...last, inputs: [topology.output, ids] }], output: name };
  const at = topology.layers.indexOf(first);
  return { ...topology, layers: [...topology.layers.slice(0, at), last, { ...first, inputs: [name] }, ...topology.layers.slice(at + 1)] };
}

/** The network without the layer of {@link withLastToken}: shares for every step. */
export function everyStep(topology: Topology): Topology {
  const last = topology.layers.find(({ type }) => type === 'lastToken');
  if (last === undefined) return topology;
  const read = last.inputs[0]!;
  const layers = topology.layers
    .filter((node) => node !== last)
    .map((node) => ({ ...node, inputs: node.inputs.map((name) => (name === last.name ? read : name)) }));
  return { ...topology, layers, output: topology.output === last.name ? read : topology.output };
}

/** A network of shares for every step, with {@link nextTokens} compared behind it. */
export function withScores(topology: Topology): Topology {
  const body = everyStep(topology);
  const name = freeName('next_token_score', namesIn(body));
  return {
    ...body,
    layers: [...body.layers, { name, type: 'nextTokenScore', config: {}, inputs: [body.output, body.inputs[0]!.name] }],
    output: name,
  };
}

/**
 * Crossentropy between ids and the softmax of logits, by one operation of TensorFlow that gives the gradient too: nothing of the size
 * of the logits is kept but that. Its gradient cannot be differentiated again.
 *
 * @param labels int32 [n] @param logits [n, classes] @returns [n]
 * @see TensorFlow's SparseSoftmaxCrossEntropyWithLogits
 */
export function sparseCrossentropy(tf: Tf, labels: Tensor, logits: Tensor): Tensor {
  const backend = tf.backend() as unknown as RawBackend;
  const { TF_ATTR_TYPE: type, TF_FLOAT: float32, TF_INT32: int32 } = backend.binding;
  const attributes = [
    { name: 'T', type: type!, value: float32 },
    { name: 'Tlabels', type: type!, value: int32 },
  ];
  const run = tf.customGrad((...args: unknown[]) => {
    const [scores, save] = args as [Tensor, (tensors: Tensor[]) => void];
    const [losses, gradient] = backend.executeMultipleOutputs('SparseSoftmaxCrossEntropyWithLogits', attributes, [scores, labels], 2) as [
      Tensor,
      Tensor,
    ];
    save([gradient]);
    return { value: losses, gradFunc: (dy: Tensor, [saved]: Tensor[]) => tf.mul(tf.expandDims(dy, 1), saved!) };
  }) as (logits: Tensor) => Tensor;
  return run(logits);
}
