import { DataType } from './graph-def.ts';
import type { Attribute, DataTypeNumber, GraphFunction, Node } from './graph-def.ts';
import { nameOutputs } from './program.ts';
import type { Argument } from './program.ts';

const { int32, float32, bool, variant } = DataType;
const I32 = { T: { type: int32 } } as const;

/** Attributes of a gather of one step. */
export const GATHER: Readonly<Record<string, Attribute>> = {
  Tparams: { type: float32 },
  Tindices: { type: int32 },
  Taxis: { type: int32 },
  batch_dims: { i: 0 },
};

/** A graph that nodes are added to. */
interface GraphUnderWay {
  readonly prefix: string;
  readonly nodes: readonly Node[];
  readonly functions: GraphFunction[];
  add(op: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>>): string;
  constant(values: ArrayLike<number>, shape: readonly number[], dtype: DataTypeNumber): string;
}

interface Loop {
  readonly steps: number;
  /** Values of the body: the place in the sequences, the next states, and what is kept of each step. */
  readonly at: string;
  readonly next: readonly string[];
  readonly outputs: readonly { readonly symbol: string; readonly shape: readonly number[] }[];
  /** Values of the outer graph. */
  readonly captures: readonly { readonly name: string; readonly symbol: string; readonly dtype: number }[];
  readonly states: readonly string[];
  readonly sequences: readonly string[];
}

/** Adds the loop to the outer graph, and its body to the functions. @returns the symbols of its results, outputs as [steps, …] */
export function loopNodes(
  outer: GraphUnderWay,
  inner: GraphUnderWay,
  loop: Loop,
): { readonly states: readonly string[]; readonly outputs: readonly string[] } {
  const { steps, captures } = loop;
  const own = { dtype: { element_dtype: { type: float32 } } };
  const args: Argument[] = [
    ['turn', int32],
    ...loop.states.map((_, index): Argument => [`state_${index}`, float32]),
    ...loop.outputs.map((_, index): Argument => [`list_${index}`, variant]),
    ...loop.sequences.map((_, index): Argument => [`sequence_${index}`, float32]),
    ...captures.map(({ name, dtype }): Argument => [name, dtype]),
  ];
  addFunctions(inner, args, loop);
  const shapeOf = (shape: readonly number[]): string => outer.constant(shape, [shape.length], int32);
  const lists = loop.outputs.map(({ shape }) =>
    outer.add('TensorListReserve', [shapeOf(shape), outer.constant([steps], [], int32)], { ...own.dtype, shape_type: { type: int32 } }),
  );
  const name = outer.add(
    'While',
    [outer.constant([0], [], int32), ...loop.states, ...lists, ...loop.sequences, ...captures.map(({ symbol }) => symbol)],
    {
      T: { list: { type: args.map(([, type]) => type) } },
      cond: { func: `${inner.prefix}condition` },
      body: { func: `${inner.prefix}body` },
      parallel_iterations: { i: 1 },
      _lower_using_switch_merge: { b: false },
      _num_original_outputs: { i: args.length },
    },
  );
  return {
    states: loop.states.map((_, index) => `${name}:${1 + index}`),
    outputs: loop.outputs.map(({ shape }, index) =>
      outer.add('TensorListStack', [`${name}:${1 + loop.states.length + index}`, shapeOf(shape)], {
        ...own.dtype,
        num_elements: { i: steps },
      }),
    ),
  };
}

function addFunctions(inner: GraphUnderWay, args: readonly Argument[], { steps, at, next, outputs }: Loop): void {
  const { prefix, functions } = inner;
  const returned: Record<string, string> = Object.fromEntries(args.map(([name]) => [name, name]));
  next.forEach((symbol, index) => {
    returned[`state_${index}`] = symbol;
  });
  outputs.forEach(({ symbol }, index) => {
    returned[`list_${index}`] = inner.add('TensorListSetItem', [`list_${index}`, at, symbol], { element_dtype: { type: float32 } });
  });
  returned.turn = inner.add('AddV2', ['turn', inner.constant([1], [], int32)], I32);
  const limit: Node = {
    name: 'limit',
    op: 'Const',
    inputs: [],
    attributes: {
      dtype: { type: int32 },
      value: { tensor: { dtype: int32, shape: [], bytes: new Uint8Array(Int32Array.of(steps).buffer) } },
    },
  };
  const more: Node = { name: 'less', op: 'Less', inputs: ['turn', 'limit'], attributes: I32 };
  // Results have names that translate like inputs of nodes.
  const ends = args.map(([name]): Node => ({ name: `end_${name}`, op: 'Identity', inputs: [returned[name]!], attributes: {} }));
  const named = nameOutputs([...inner.nodes, ...ends], args);
  const returns = Object.fromEntries(args.map(([name], index) => [`${name}_out`, named[inner.nodes.length + index]!.inputs[0]!]));
  functions.push(
    {
      name: `${prefix}body`,
      inputs: args,
      outputs: args.map(([name, type]) => [`${name}_out`, type]),
      nodes: named.slice(0, inner.nodes.length),
      returns,
    },
    {
      name: `${prefix}condition`,
      inputs: args,
      outputs: [['more', bool]],
      nodes: nameOutputs([limit, more], args),
      returns: { more: 'less:z:0' },
    },
  );
}
