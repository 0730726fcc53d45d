import type { TensorSpec } from '../../core/tensor.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';
import type { LabelledTensors } from '../objectives/labelled.ts';
import type { TrainingState, UpdateRule } from '../trainer/update-rule.ts';
import { DataType } from './graph-def.ts';
import type { GraphInput, GraphVariable, TracedPrediction, TracedStep } from './program.ts';
import { Rehearsal, cleanly } from './rehearsal.ts';

/** Names of the graph's variables for the state of a rule. */
export const stateNames = {
  flat: 'weights',
  slot: (name: string): string => `slot_${name}`,
  /** By the place in `UpdateRule.statistics`. */
  statistic: (index: number): string => `statistic_${index}`,
};

/** Names of the inputs of a traced step. */
export const inputNames = {
  /** By the place in `Topology.inputs`: their own names may hold any character. */
  tensor: (index: number): string => `input_${index}`,
  /** By the place in `Objective.labels`. */
  label: (index: number): string => `label_${index}`,
  rowWeights: 'row_weights',
  scalars: 'scalars',
  iteration: 'iteration',
};

export function stateVariables(rule: UpdateRule): GraphVariable[] {
  const dtype = DataType.float32;
  return [
    { name: stateNames.flat, shape: [rule.size], dtype },
    ...Object.keys(rule.slots).map((name) => ({ name: stateNames.slot(name), shape: [rule.size], dtype })),
    ...rule.statistics.map(({ shape }, index) => ({ name: stateNames.statistic(index), shape, dtype })),
  ];
}

/** Type that an input has in the network: token ids stay integers. */
export const inputType = (spec: TensorSpec): 'int32' | 'float32' => (spec.vocabularySize === undefined ? 'float32' : 'int32');

function stateOf(rehearsal: Rehearsal, rule: UpdateRule): TrainingState {
  return {
    flat: rehearsal.variable(stateNames.flat, [rule.size]),
    slots: Object.fromEntries(
      Object.entries(rule.slots).map(([name, value]) => [name, rehearsal.variable(stateNames.slot(name), [rule.size], value)]),
    ),
    statistics: new Map(
      rule.statistics.map(({ fullName, shape }, index) => [fullName, rehearsal.variable(stateNames.statistic(index), shape, 1)]),
    ),
  };
}

/** One input of other than its usual length. */
export interface TextShape {
  readonly input: string;
  readonly length: number;
}

function labelledOf(rehearsal: Rehearsal, rule: UpdateRule, rows: number, weighted: boolean, text?: TextShape): LabelledTensors {
  const { objective } = rule;
  return {
    inputs: Object.fromEntries(
      objective.inputs.map((spec, index) => [
        spec.name,
        rehearsal.input(inputNames.tensor(index), [rows, ...(text?.input === spec.name ? [text.length] : spec.shape)], inputType(spec)),
      ]),
    ),
    labels: Object.fromEntries(
      objective.labels.map(({ name, shape, dtype }, index) => [name, rehearsal.input(inputNames.label(index), [rows, ...shape], dtype)]),
    ),
    ...(weighted ? { rowWeights: rehearsal.input(inputNames.rowWeights, [rows], 'float32') } : {}),
  };
}

/** Records one update at a batch size. @throws TraceError naming the operation that cannot be recorded */
export function traceUpdate(tf: Tf, rule: UpdateRule, batchSize: number, weighted: boolean, prefix: string, text?: TextShape): TracedStep {
  return cleanly(tf, () => {
    const rehearsal = new Rehearsal(tf, prefix);
    const state = stateOf(rehearsal, rule);
    const labelled = labelledOf(rehearsal, rule, batchSize, weighted, text);
    const scalars = rehearsal.input(inputNames.scalars, [1, rule.scalarNames.length], 'float32');
    const iteration = rehearsal.input(inputNames.iteration, [1], 'int32');
    const kept: Tensor[] = [];
    const { numbers, updates } = rehearsal.tracer.trace(() => {
      const each = tf.unstack(tf.reshape(scalars, [rule.scalarNames.length]));
      const named = Object.fromEntries(rule.scalarNames.map((name, index) => [name, each[index]!]));
      const next = rule.update(tf, state, { ...labelled, scalars: named, iteration });
      kept.push(...next.statistics.values(), ...Object.values(next.numbers));
      return {
        numbers: rule.numbers.map((name) => rehearsal.tracer.symbolOf(next.numbers[name]!)),
        updates: [
          rehearsal.assign(stateNames.flat, next.flat),
          ...Object.entries(next.slots).map(([name, slot]) => rehearsal.assign(stateNames.slot(name), slot)),
          ...rule.statistics.map(({ fullName }, index) => rehearsal.assign(stateNames.statistic(index), next.statistics.get(fullName)!)),
        ],
      };
    });
    for (const tensor of kept) tensor.dispose();
    return { prefix, inputs: rehearsal.inputs, nodes: rehearsal.tracer.nodes, functions: rehearsal.tracer.functions, numbers, updates };
  });
}

export interface TracedEvaluation extends TracedPrediction {
  readonly rows: number;
  readonly inputs: readonly (GraphInput & { readonly node: string })[];
}

export const evaluationOutputs = { losses: 'evaluated_losses', penalty: 'evaluated_penalty', output: 'evaluated_output' };

/** Records losses and outputs for a number of rows. @throws TraceError */
export function traceEvaluation(tf: Tf, rule: UpdateRule, rows: number, prefix: string): TracedEvaluation {
  return cleanly(tf, () => {
    const rehearsal = new Rehearsal(tf, prefix);
    const state = stateOf(rehearsal, rule);
    const labelled = labelledOf(rehearsal, rule, rows, false);
    const outputs = rehearsal.tracer.trace(() => {
      const results = rule.evaluate(tf, state, labelled);
      return (['losses', 'penalty', 'output'] as const).map((key) => ({
        name: evaluationOutputs[key],
        value: rehearsal.tracer.symbolOf(results[key]),
      }));
    });
    return {
      rows,
      nodes: rehearsal.tracer.nodes,
      functions: rehearsal.tracer.functions,
      outputs,
      inputs: rehearsal.inputs.map((input) => ({ ...input, node: prefix + input.name })),
    };
  });
}
