import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../platform/paths.ts';
import { OWN_OUTPUTS } from '../tensorflow/own-operations.ts';
import { DataType, encodeSavedModel } from './graph-def.ts';
import type { DataTypeNumber, GraphFunction, Node } from './graph-def.ts';

/** A value that the graph keeps between runs: a weight, an optimizer slot, a counter. */
export interface GraphVariable {
  /** Name of its handle's node, also the argument's name inside functions. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DataTypeNumber;
}

export interface GraphInput {
  readonly name: string;
  /** Of what one step reads: [batch size, …], or [1, …] for what is given once per step. */
  readonly shape: readonly number[];
  readonly dtype: DataTypeNumber;
}

/** One training step at one batch size, as the tracer gave it. Placeholders are named prefix + input name. */
export interface TracedStep {
  readonly prefix: string;
  readonly inputs: readonly GraphInput[];
  readonly nodes: readonly Node[];
  /** Bodies of loops among the nodes. */
  readonly functions: readonly GraphFunction[];
  /** Scalars (float32), given for every step of a call. */
  readonly numbers: readonly string[];
  /** Nodes that write variables: a step is done when all have run. */
  readonly updates: readonly string[];
}

export interface TracedPrediction {
  readonly nodes: readonly Node[];
  /** Bodies of loops among the nodes. */
  readonly functions: readonly GraphFunction[];
  readonly outputs: readonly { readonly name: string; readonly value: string }[];
}

export interface ProgramParts {
  readonly variables: readonly GraphVariable[];
  readonly steps: readonly TracedStep[];
  readonly predictions: readonly TracedPrediction[];
  /**
   * Run loops as control flow nodes in the main graph. Convolutions need it (their kernels are rewritten only there); small dense
   * models are faster inside a function.
   */
  readonly lowerLoops: boolean;
}

/** Names by which a session reaches the program. */
export const names = {
  feedOf: (variable: GraphVariable): string => `feed_${variable.name}`,
  valueOf: (variable: GraphVariable): string => `value_${variable.name}`,
  assignAll: 'assign_all',
  stack: (step: TracedStep, input: GraphInput): string => `${step.prefix}stack_${input.name}`,
  count: (step: TracedStep): string => `${step.prefix}count`,
  /** [steps, numbers] */
  numbers: (step: TracedStep): string => `${step.prefix}numbers`,
};

const F32 = { T: { type: DataType.float32 } } as const;
const I32 = { T: { type: DataType.int32 } } as const;
const node = (name: string, op: string, inputs: readonly string[], attributes: Node['attributes']): Node => ({
  name,
  op,
  inputs,
  attributes,
});

function int32(name: string, values: number | readonly number[]): Node {
  const many = typeof values !== 'number';
  const typed = Int32Array.from(many ? values : [values]);
  const tensor = { dtype: DataType.int32, shape: many ? [typed.length] : [], bytes: new Uint8Array(typed.buffer) };
  return node(name, 'Const', [], { dtype: { type: DataType.int32 }, value: { tensor } });
}

function zero(name: string): Node {
  const tensor = { dtype: DataType.float32, shape: [], bytes: new Uint8Array(4) };
  return node(name, 'Const', [], { dtype: { type: DataType.float32 }, value: { tensor } });
}

let programs = 0;

/** Puts variables, loops over steps and prediction graphs together: the bytes of a SavedModel for a `GraphSession`. */
export function encodeProgram(parts: ProgramParts): Uint8Array {
  // Resource variables are shared by name within a process: two programs must never meet.
  const scope = `p${process.pid}_${programs++}_`;
  const nodes: Node[] = [zero('zero'), int32('first', 0)];
  for (const variable of parts.variables) nodes.push(...variableNodes(variable, scope));
  nodes.push(node(names.assignAll, 'Identity', ['zero', ...parts.variables.map(({ name }) => `^assign_${name}`)], F32));
  const functions: GraphFunction[] = [];
  for (const step of parts.steps) {
    functions.push(...step.functions, bodyOf(step, parts.variables), conditionOf(step, parts.variables));
    nodes.push(...loopNodes(step, parts.variables, parts.lowerLoops));
  }
  for (const prediction of parts.predictions) {
    nodes.push(...prediction.nodes);
    functions.push(...prediction.functions);
    for (const { name, value } of prediction.outputs) nodes.push(node(name, 'Identity', [value], F32));
  }
  return encodeSavedModel(nodes, functions);
}

function variableNodes({ name, shape, dtype }: GraphVariable, scope: string): Node[] {
  const type = { dtype: { type: dtype } };
  const feed = `feed_${name}`;
  return [
    node(name, 'VarHandleOp', [], { ...type, shape: { shape }, shared_name: { s: scope + name }, container: { s: '' } }),
    node(feed, 'Placeholder', [], { ...type, shape: { shape } }),
    // A fed tensor borrows memory of JavaScript: the variable must own its own.
    node(`copy_${name}`, 'DeepCopy', [feed], { T: { type: dtype } }),
    node(`assign_${name}`, 'AssignVariableOp', [name, `copy_${name}`], type),
    node(`value_${name}`, 'ReadVariableOp', [name], type),
  ];
}

export type Argument = readonly [name: string, type: number];

function argumentsOf(step: TracedStep, variables: readonly GraphVariable[]): Argument[] {
  return [
    ['turn', DataType.int32],
    ['turns', DataType.int32],
    ['numbers', DataType.float32],
    ...step.inputs.map((input): Argument => [`stack_${input.name}`, input.dtype]),
    ...variables.map(({ name }): Argument => [name, DataType.resource]),
  ];
}

/** One turn: cut the step's part out of the stacked inputs, run the step, write down its loss. */
function bodyOf(step: TracedStep, variables: readonly GraphVariable[]): GraphFunction {
  const { prefix, inputs, numbers, updates } = step;
  const args = argumentsOf(step, variables);
  // The reads of a turn wait for its counter, and the counter for the writes of the turn before.
  const body: Node[] = [node('turn_begun', 'Identity', ['turn'], I32), int32('one', 1), int32('origin', 0)];
  for (const input of inputs) {
    const name = prefix + input.name;
    const [rows, ...rest] = input.shape as [number, ...number[]];
    body.push(
      int32(`${name}_rows`, rows),
      node(`${name}_start`, 'Mul', ['turn', `${name}_rows`], I32),
      node(`${name}_begin`, 'Pack', [`${name}_start`, ...rest.map(() => 'origin')], {
        N: { i: input.shape.length },
        T: { type: DataType.int32 },
        axis: { i: 0 },
      }),
      int32(`${name}_size`, input.shape),
      node(name, 'Slice', [`stack_${input.name}`, `${name}_begin`, `${name}_size`], {
        T: { type: input.dtype },
        Index: { type: DataType.int32 },
      }),
    );
  }
  for (const traced of step.nodes) {
    if (traced.op === 'Placeholder') continue;
    body.push(traced.op === 'ReadVariableOp' ? { ...traced, inputs: [...traced.inputs, '^turn_begun'] } : traced);
  }
  body.push(
    int32('place_shape', [1, 1]),
    int32('row_shape', [1, numbers.length]),
    node('place', 'Reshape', ['turn', 'place_shape'], { ...I32, Tshape: { type: DataType.int32 } }),
    node('packed', 'Pack', numbers, { N: { i: numbers.length }, ...F32, axis: { i: 0 } }),
    node('row', 'Reshape', ['packed', 'row_shape'], { ...F32, Tshape: { type: DataType.int32 } }),
    node('next_numbers', 'TensorScatterUpdate', ['numbers', 'place', 'row'], { ...F32, Tindices: { type: DataType.int32 } }),
    node('turn_plus_one', 'AddV2', ['turn', 'one'], I32),
    node('next_turn', 'Identity', ['turn_plus_one', ...updates.map((name) => `^${name}`)], I32),
  );
  const returns: Record<string, string> = {};
  for (const [name] of args) returns[`${name}_out`] = name;
  returns.turn_out = 'next_turn:output:0';
  returns.numbers_out = 'next_numbers:output:0';
  return {
    name: `${prefix}body`,
    inputs: args,
    outputs: args.map(([name, type]) => [`${name}_out`, type]),
    nodes: nameOutputs(body, args),
    returns,
  };
}

function conditionOf(step: TracedStep, variables: readonly GraphVariable[]): GraphFunction {
  const args = argumentsOf(step, variables);
  return {
    name: `${step.prefix}condition`,
    inputs: args,
    outputs: [['more', DataType.bool]],
    nodes: nameOutputs([node('less', 'Less', ['turn', 'turns'], I32)], args),
    returns: { more: 'less:z:0' },
  };
}

function loopNodes(step: TracedStep, variables: readonly GraphVariable[], lower: boolean): Node[] {
  const args = argumentsOf(step, variables);
  const stacks = step.inputs.map((input) => ({
    name: names.stack(step, input),
    argument: `stack_${input.name}`,
    type: input.dtype,
    shape: [-1, ...input.shape.slice(1)],
  }));
  const shapes = args.map(([name]) =>
    name === 'numbers' ? [-1, step.numbers.length] : (stacks.find(({ argument }) => argument === name)?.shape ?? []),
  );
  const loop = `${step.prefix}loop`;
  const count = names.count(step);
  return [
    ...stacks.map(({ name, type, shape }) => node(name, 'Placeholder', [], { dtype: { type }, shape: { shape } })),
    node(count, 'Placeholder', [], { dtype: { type: DataType.int32 }, shape: { shape: [] } }),
    int32(`${count}_width`, step.numbers.length),
    node(`${count}_shape`, 'Pack', [count, `${count}_width`], { N: { i: 2 }, ...I32, axis: { i: 0 } }),
    node(`${step.prefix}no_numbers`, 'Fill', [`${count}_shape`, 'zero'], { ...F32, index_type: { type: DataType.int32 } }),
    node(
      loop,
      'While',
      ['first', count, `${step.prefix}no_numbers`, ...stacks.map(({ name }) => name), ...variables.map(({ name }) => name)],
      {
        T: { list: { type: args.map(([, type]) => type) } },
        cond: { func: `${step.prefix}condition` },
        body: { func: `${step.prefix}body` },
        output_shapes: { list: { shape: shapes } },
        parallel_iterations: { i: 1 },
        _lower_using_switch_merge: { b: lower },
        _num_original_outputs: { i: args.length },
      },
    ),
    node(names.numbers(step), 'Identity', [`${loop}:2`], F32),
  ];
}

let opOutputs: Readonly<Record<string, readonly string[]>> | undefined;

/** Inside a function an input is an argument or "node:output argument:index": translate "node" and "node:index". */
export function nameOutputs(nodes: readonly Node[], args: readonly Argument[]): Node[] {
  opOutputs ??= {
    ...(JSON.parse(readFileSync(join(packageRoot(), 'src/training/graph/op-outputs.json'), 'utf8')) as Record<string, string[]>),
    ...OWN_OUTPUTS,
  };
  const argumentNames = new Set(args.map(([name]) => name));
  const byName = new Map(nodes.map((each) => [each.name, each]));
  const translate = (input: string): string => {
    if (input.startsWith('^')) return input;
    const [name, index] = input.split(':') as [string, string | undefined];
    if (argumentNames.has(name)) return name;
    const source = byName.get(name);
    if (source === undefined) throw new Error(`graph function: no node "${name}"`);
    return outputName(source, Number(index ?? 0));
  };
  return nodes.map((each) => ({ ...each, inputs: each.inputs.map(translate) }));
}

function outputName(source: Node, index: number): string {
  let first = 0;
  for (const argument of opOutputs![source.op] ?? []) {
    const [, name, kind, attribute] = /^([^#*]+)([#*])?(.*)$/.exec(argument)!;
    const value = attribute === undefined ? undefined : source.attributes[attribute];
    const length = kind === '#' ? (value as { i: number }).i : kind === '*' ? (value as { list: { type: number[] } }).list.type.length : 1;
    if (index < first + length) return `${source.name}:${name}:${index - first}`;
    first += length;
  }
  throw new Error(`graph function: the operation ${source.op} has no output ${index} in the table of outputs`);
}
