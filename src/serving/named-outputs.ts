import type { OutputSpec, Prediction } from '../core/tensor.ts';
import type { Answer, Servable } from './servable.ts';

/** One tensor of an answer under its name. */
export interface NamedOutput {
  readonly name: string;
  readonly datatype: 'BYTES' | 'FP64' | 'BOOL';
  /** Without the rows' dimension. */
  readonly shape: readonly number[];
  /** What its values are of, where each is of a class. */
  readonly classes?: readonly string[];
  /** Its value in one answer. */
  of(prediction: Prediction): unknown;
}

/**
 * What a version answers: `label` and `probabilities`, or `value`; of several outputs each as `<label>.<name>`; of a reconstruction its
 * `score` and whether that is an `anomaly`; a generator an `image` (PNG, base64) or a `sample`; a language model a `text`, its number of
 * `tokens`, and why it is at its `finish`.
 */
export function outputsOf({ predictor: { meta } }: Servable): readonly NamedOutput[] {
  let outputs = outputsByModel.get(meta);
  if (outputs === undefined) outputsByModel.set(meta, (outputs = namedOutputs(meta.output, meta.outputShape)));
  return outputs;
}

const outputsByModel = new WeakMap<object, readonly NamedOutput[]>();

function namedOutputs(output: OutputSpec, outputShape: readonly number[]): NamedOutput[] {
  if (output.kind === 'classes') {
    return [
      { name: 'label', datatype: 'BYTES', shape: [], of: (prediction) => ('label' in prediction ? prediction.label : null) },
      {
        name: 'probabilities',
        datatype: 'FP64',
        shape: [output.classes.length],
        classes: output.classes,
        of: (prediction) => output.classes.map((label) => ('probabilities' in prediction ? (prediction.probabilities[label] ?? 0) : null)),
      },
    ];
  }
  if (output.kind === 'several') {
    return output.outputs.flatMap((one) =>
      namedOutputs(one, outputShape).map((named) => ({
        ...named,
        name: `${one.name}.${named.name}`,
        of: (prediction: Prediction) => ('outputs' in prediction ? named.of(prediction.outputs[one.name]!) : null),
      })),
    );
  }
  if (output.kind === 'samples') {
    return [
      output.range === undefined
        ? { name: 'sample', datatype: 'FP64', shape: output.shape, of: (prediction) => ('sample' in prediction ? prediction.sample : null) }
        : { name: 'image', datatype: 'BYTES', shape: [], of: (prediction) => ('image' in prediction ? prediction.image : null) },
    ];
  }
  if (output.kind === 'text') {
    return [
      { name: 'text', datatype: 'BYTES', shape: [], of: (prediction) => ('text' in prediction ? prediction.text : null) },
      { name: 'tokens', datatype: 'FP64', shape: [], of: (prediction) => ('tokens' in prediction ? prediction.tokens : null) },
      { name: 'finish', datatype: 'BYTES', shape: [], of: (prediction) => ('finish' in prediction ? prediction.finish : null) },
    ];
  }
  if (output.kind === 'anomaly') {
    return [
      { name: 'score', datatype: 'FP64', shape: [], of: (prediction) => ('score' in prediction ? prediction.score : null) },
      { name: 'anomaly', datatype: 'BOOL', shape: [], of: (prediction) => ('anomaly' in prediction ? prediction.anomaly : null) },
    ];
  }
  const width = output.kind === 'number' ? output.width : outputShape.reduce((product, size) => product * size, 1);
  return [
    {
      name: 'value',
      datatype: 'FP64',
      shape: width === 1 ? [] : [width],
      of: (prediction) => ('value' in prediction ? prediction.value : null),
    },
  ];
}

/** The values of one output, one item per row. */
export function valuesOf(answer: Answer, output: NamedOutput): unknown[] {
  return answer.predictions.map((prediction) => output.of(prediction));
}
