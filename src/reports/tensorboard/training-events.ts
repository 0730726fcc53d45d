import type { Json } from '../../core/json.ts';
import type { CurveLayer, TrainingCurves } from '../../training/curves/curves.ts';
import { seriesOf } from '../../training/curves/series.ts';
import { DataType } from '../../training/graph/graph-def.ts';
import type { Node } from '../../training/graph/graph-def.ts';
import {
  encodeRecords,
  graphEvent,
  histogramEvent,
  imageEvent,
  scalarEvent,
  startEvent,
  textEvent,
  trainingEndEvent,
  trainingStartEvent,
  versionEvent,
} from './events.ts';
import type { EventBytes, Hyperparameter } from './events.ts';

/** A picture or a text of the evaluation that is worth a look. */
export interface Sample {
  readonly name: string;
  /** Markdown. */
  readonly text?: string;
  /** A PNG in base64. */
  readonly png?: string;
}

/** A training as TensorBoard is to show it. */
export interface ShownTraining extends Omit<TrainingCurves, 'binding' | 'attempts' | 'formatVersion'> {
  /** Parameters of the run. */
  readonly parameters: Readonly<Record<string, Json>>;
  readonly samples: readonly Sample[];
  /** When it began, in milliseconds since 1970. */
  readonly beganAt: number;
}

/** Bytes of the events of a training, by the folder below its own that they belong into: "", "train", "validation". */
export type TrainingEvents = Readonly<Record<string, Buffer>>;

/**
 * The events of a training, in the order in which they came: what a training that goes on adds comes behind. Tags are those of Keras:
 * "epoch_loss" of the runs "train" and "validation".
 */
export function trainingEvents(training: ShownTraining): TrainingEvents {
  const { beganAt, points } = training;
  const opening = (at: number): EventBytes[] => [versionEvent(beganAt), startEvent({ at: beganAt, step: at })];
  const parts = { train: opening(0), validation: opening(0) };
  const series = seriesOf(training).map(({ name, part, values }) => ({
    part,
    label: `epoch_${snakeCase(name)}`,
    values: new Map(values.map(([epoch, value]) => [epoch, value])),
  }));
  points.forEach(({ epoch, at }, index) => {
    for (const { label, part, values } of series) {
      const value = values.get(epoch);
      if (value !== undefined) parts[part].push(scalarEvent({ at, step: epoch }, label, value));
    }
    const before = index === 0 ? -1 : points[index - 1]!.epoch;
    parts.train.push(...shownUpTo(training, before, epoch, at));
  });
  return {
    '': encodeRecords(facts(training)),
    train: encodeRecords(parts.train),
    ...(parts.validation.length > 2 ? { validation: encodeRecords(parts.validation) } : {}),
  };
}

/** Histograms and pictures of the epochs after one, up to another: a picture may be of before the first. */
function shownUpTo({ spreads = [], pictures = [] }: ShownTraining, after: number, epoch: number, at: number): EventBytes[] {
  const within = <T extends { readonly epoch: number }>(all: readonly T[]): readonly T[] =>
    all.filter((one) => one.epoch > after && one.epoch <= epoch);
  return [
    ...within(spreads).flatMap((one) =>
      Object.entries(one.spreads).map(([name, spread]) => histogramEvent({ at, step: one.epoch }, name, spread)),
    ),
    ...within(pictures).map((one) => imageEvent({ at, step: one.epoch }, 'samples', Buffer.from(one.image, 'base64'))),
  ];
}

/** What is known at the begin, then what is known at the end. */
function facts(training: ShownTraining): EventBytes[] {
  const { pipeline, run, step, layers, settings, parameters, beganAt, points, state, why, samples } = training;
  const endedAt = points.at(-1)?.at ?? beganAt;
  return [
    versionEvent(beganAt),
    trainingStartEvent(beganAt, `${pipeline}/${run}/${step}`, { ...flat(parameters, ''), ...flat(settings, '') }),
    textEvent({ at: beganAt, step: 0 }, 'settings', `\`\`\`json\n${JSON.stringify(settings, null, 2)}\n\`\`\``),
    ...(layers === undefined ? [] : [graphEvent(beganAt, graphNodes(layers))]),
    ...(state === 'running' ? [] : [trainingEndEvent(endedAt, state === 'done')]),
    ...(why === undefined ? [] : [textEvent({ at: endedAt, step: 0 }, 'failure', why)]),
    ...samples.flatMap(({ name, text, png }) => [
      ...(text === undefined ? [] : [textEvent({ at: endedAt, step: points.length }, name, text)]),
      ...(png === undefined ? [] : [imageEvent({ at: endedAt, step: points.length }, name, Buffer.from(png, 'base64'))]),
    ]),
  ];
}

/** "learningRate" as Keras writes it. */
function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Settings as names and single values: "model.units" of a list is its JSON. */
function flat(value: unknown, path: string): Record<string, Hyperparameter> {
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string') return { [path]: value };
  if (value === null || value === undefined) return {};
  if (Array.isArray(value)) return value.length === 0 ? {} : { [path]: JSON.stringify(value) };
  return Object.assign(
    {},
    ...Object.entries(value as object).map(([key, inner]) => flat(inner, path === '' ? key : `${path}.${key}`)),
  ) as Record<string, Hyperparameter>;
}

/** A node per layer, its weights beside it: the graph that people draw, not the thousand operations that compute it. */
export function graphNodes(layers: readonly CurveLayer[]): Node[] {
  const shape = (sizes: readonly number[]) => ({ shape: sizes });
  const main = new Map(layers.map(({ name, type }) => [name, type === 'input' ? name : `${name}/${type}`]));
  return layers.flatMap(({ name, type, inputs, shape: output, weights }): Node[] => {
    const own = weights.map((weight): Node => ({
      name: `${name}/${weight.name}`,
      op: 'VariableV2',
      inputs: [],
      attributes: { shape: shape(weight.shape), dtype: { type: DataType.float32 }, _output_shapes: { list: { shape: [weight.shape] } } },
    }));
    return [
      ...own,
      {
        name: main.get(name)!,
        op: type === 'input' ? 'Placeholder' : type,
        inputs: [...inputs.map((input) => main.get(input) ?? input), ...own.map((weight) => weight.name)],
        attributes: { _output_shapes: { list: { shape: [[-1, ...output]] } } },
      },
    ];
  });
}
