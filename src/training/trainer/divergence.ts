import { PerennialError } from '../../core/errors.ts';
import { NO_LOGITS, Network } from '../model/network.ts';
import type { Topology } from '../model/model-config.ts';
import type { LabelledBatch, Objective } from '../objectives/objective.ts';
import { loadTf } from '../tensorflow/tf.ts';
import type { EngineState } from './engine.ts';

export interface DivergenceFacts {
  readonly loss: number;
  readonly batch: LabelledBatch;
  readonly epoch: number;
  readonly batchNumber: number;
  readonly learningRate: number;
  /** Mean of the epoch up to here. */
  readonly lossBefore: number | undefined;
  /** The last finite weights. They met this batch, or the one before it, whose gradients overflowed. */
  readonly before?: {
    readonly weights: EngineState;
    readonly overflowed: boolean;
    readonly objective: Objective;
    readonly iteration: number;
    readonly seed: number;
  };
}

/** The loss is not finite: thrown where it is seen, explained where there is time. */
export class Diverged extends Error {
  readonly facts: DivergenceFacts;

  constructor(facts: DivergenceFacts) {
    super('the loss is not finite');
    this.facts = facts;
  }
}

export function hasBadInput({ inputs }: LabelledBatch): boolean {
  return Object.values(inputs).some(({ data }) => data.some((value) => !Number.isFinite(value)));
}

/** Why a loss is not finite: bad numbers in the data, or weights that grew out of bounds. */
export function explainDivergence(at: DivergenceFacts): PerennialError {
  const where = `in epoch ${at.epoch}, batch ${at.batchNumber}`;
  for (const [name, tensor] of Object.entries(at.batch.inputs)) {
    const bad = tensor.data.findIndex((value) => !Number.isFinite(value));
    if (bad < 0) continue;
    const width = tensor.data.length / tensor.rows;
    const place = width === 1 ? '' : `, value ${(bad % width) + 1} of ${width}`;
    return new PerennialError(
      'DATA_INVALID',
      `The input "${name}" holds ${tensor.data[bad]} ${where} (row ${Math.floor(bad / width) + 1} of the batch${place}), so the loss became ${at.loss}.`,
      { hint: 'Impute or drop missing and infinite values in the preprocess step.' },
    );
  }
  const rate = Number((at.learningRate / 10).toPrecision(2));
  return new PerennialError(
    'TRAINING_DIVERGED',
    `The loss became ${at.loss} ${where}, at the learning rate ${at.learningRate}.${grownWeights(at)}${firstLayer(at)}${lossBefore(at)}`,
    {
      hint: `Lower "learningRate" (for example to ${rate}), give the optimizer "globalClipNorm": 1, or standardize the features, and a label of large numbers.`,
      details: { epoch: at.epoch, batch: at.batchNumber, learningRate: at.learningRate },
    },
  );
}

function lossBefore({ lossBefore: mean }: DivergenceFacts): string {
  return mean === undefined ? '' : ` The mean loss of the epoch up to there is ${mean.toPrecision(4)}.`;
}

/** What the weights were before they were lost. */
function grownWeights({ before }: DivergenceFacts): string {
  if (before === undefined) return '';
  const [name, size] = largest([...before.weights]);
  return `${before.overflowed ? ' The gradients of the batch before had overflowed. Until then' : ' Before that batch'} the largest weight is ${size.toPrecision(3)} in "${name}".`;
}

/** The first layer, in the order of the network, whose values for the batch are not finite; else the one with the largest values. */
function firstLayer({ before, batch }: DivergenceFacts): string {
  const [topology, other] = before?.objective.topologies ?? [];
  if (before === undefined || topology === undefined || other !== undefined) return '';
  const outputs = layerOutputs(topology, before, batch);
  const first = outputs.find(([, values]) => values.some((value) => !Number.isFinite(value)));
  if (first !== undefined) return ` The first layer whose values are not finite is "${first[0]}".`;
  const [name, size] = largest(outputs);
  return ` The layer with the largest values is "${name}", up to ${size.toPrecision(3)}${before.overflowed ? '' : ': all are finite, it is the loss that overflows'}.`;
}

function layerOutputs(
  topology: Topology,
  { weights: values, seed, iteration }: NonNullable<DivergenceFacts['before']>,
  batch: LabelledBatch,
): [string, Float32Array][] {
  const tf = loadTf();
  const network = new Network(topology);
  let outputs: [string, Float32Array][] = [];
  tf.tidy(() => {
    const weights = new Map(
      network.weights.map(({ fullName, shape }) => [fullName, tf.tensor(values.get(fullName)!, [...shape], 'float32')]),
    );
    const result = network.forward(tf, network.inputTensors(tf, batch.inputs), weights, {
      training: true,
      seed,
      iteration,
      logits: NO_LOGITS,
    });
    outputs = topology.layers.map(({ name }) => [name, result.values.get(name)!.dataSync() as Float32Array]);
  });
  return outputs;
}

export function allFinite(weights: EngineState): boolean {
  return [...weights.values()].every((values) => values.every((value) => Number.isFinite(value)));
}

/** The largest value; the first that is not finite, where there is one. */
function largest(tensors: readonly (readonly [string, Float32Array])[]): [string, number] {
  let found: [string, number] = [tensors[0]?.[0] ?? '', 0];
  for (const [name, values] of tensors) {
    for (const value of values) {
      const size = Math.abs(value);
      if (!Number.isFinite(size)) return [name, size];
      if (size > found[1]) found = [name, size];
    }
  }
  return found;
}
