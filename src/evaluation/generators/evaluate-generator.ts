import { PerennialError } from '../../core/errors.ts';
import type { OpenArtifact } from '../../core/ports.ts';
import type { SamplesOutput, TensorSpec } from '../../core/tensor.ts';
import { openExamples } from '../../data/stored/examples.ts';
import type { Examples } from '../../data/stored/examples.ts';
import { latentBatch } from '../../data/answers/latent.ts';
import { imageGrid } from '../../data/images/sample-images.ts';
import { openBundle } from '../../training/bundle/load-model.ts';
import { loadUntrained } from '../../training/bundle/load-parts.ts';
import type { Predictor } from '../../training/model/model-meta.ts';
import type { ResolvedMetric } from '../metrics/resolve-metrics.ts';
import type { EvaluateInputs, EvaluateOptions } from '../step/evaluation-input.ts';
import { featureExtractor, othersTurn } from './features.ts';
import type { FeatureExtractor } from './features.ts';
import { judgeChampions, refuseSettings, wholeMetrics, wholeReport, wholeResult } from '../champion/judge-whole.ts';
import type { WholeChampion } from '../champion/judge-whole.ts';
import { isUndefinedMetric } from '../metrics/metric.ts';
import type { SampleChunk } from '../metrics/metric.ts';
import { readHistory } from '../step/model-facts.ts';
import type { EvaluationReport, GeneratedFindings, MetricResult } from '../step/report.ts';
import { requireTestRows } from '../measure/score.ts';

const ROWS_PER_CALL = 256;
/** Products that a metric sums before other work has its turn. */
const PRODUCTS_PER_TURN = 2e7;
/** Samples beside each other in the report. */
const GRID = 8;
const CLASSES_SHOWN = 20;
const NUMBERS_SHOWN = 64;
const BASELINE = 'the same generator before training';

/**
 * Judges a generator by how far its samples are from the test examples, against itself before training and against the champion.
 * Samples are those of the seeds from 0 up, as many as there are test examples, of the same classes where it is conditional.
 *
 * @throws CONFIG_INVALID for options and metrics of other models; SPLIT_INVALID for an empty test split; SHAPE_MISMATCH for features of
 * another kind
 */
export async function evaluateGenerator(
  inputs: EvaluateInputs,
  output: SamplesOutput,
  options: EvaluateOptions,
): Promise<EvaluationReport> {
  const { slices, positive, threshold } = options;
  refuseSettings('makes samples', { slices: slices.length > 0, positive: positive !== undefined, threshold: threshold !== undefined });
  const metrics = wholeMetrics(options, 'generation', output);
  const examples = await openExamples(inputs.examples, ['test']);
  const real = await readReal(examples, output);
  const dispose: { dispose(): void }[] = [];
  const keep = <T extends { dispose(): void }>(each: T): T => {
    dispose.push(each);
    return each;
  };
  try {
    const bundle = await openBundle(inputs.model);
    keep(bundle.predictor);
    const untrained = keep(await loadUntrained(inputs.model));
    options.onProgress?.('taking features of the test examples');
    const features = keep(await featureExtractor(inputs.features, output, real.values));
    const { rows } = real;
    const seen = async (values: Float32Array): Promise<Float32Array> => features.extract(values, rows);
    const made = await samplesOf(bundle.predictor, output, real);
    options.onProgress?.('comparing samples with the test examples');
    const chunk: FeatureChunk = {
      kind: 'samples',
      rows,
      real: await seen(real.values),
      generated: await seen(made),
      untrained: await seen(await samplesOf(untrained, output, real)),
    };
    const champions = await judgeChampions(inputs, options, (asked) => championOf(asked, output, real, { features, chunk, metrics }, keep));
    options.onProgress?.('judging');
    const context = { classes: [], positive: 0, width: features.width };
    const results: MetricResult[] = [];
    for (const metric of metrics) {
      results.push(
        wholeResult(
          metric,
          await valueOf(metric, chunk, context),
          await orNull(() => valueOf(metric, { ...chunk, generated: chunk.untrained }, context)),
          champions.champion,
        ),
      );
    }
    const generated = await findings(inputs.model, examples, bundle.predictor, output, real, made, features.description);
    return wholeReport(inputs, options, {
      rows,
      task: 'generation',
      output: { kind: 'samples', name: output.name, ...(output.label === undefined ? {} : { classes: output.label.classes }) },
      baseline: { kind: 'untrained', description: BASELINE },
      results,
      champions,
      meta: bundle.meta,
      generated,
      history: await readHistory(inputs.model),
    });
  } finally {
    for (const each of dispose) each.dispose();
  }
}

interface Real {
  readonly rows: number;
  readonly spec: TensorSpec;
  readonly values: Float32Array;
  /** Indices of classes, of a conditional generator. */
  readonly labels: ArrayLike<number> | undefined;
}

async function readReal(examples: Examples, output: SamplesOutput): Promise<Real> {
  const reader = examples.reader('test');
  try {
    const { rows } = reader;
    requireTestRows(rows);
    const batch = reader.read(0, rows);
    const tensor = batch[output.name];
    if (tensor === undefined || tensor.spec.shape.join() !== output.shape.join()) {
      throw new PerennialError(
        'DATA_INVALID',
        `The examples hold no "${output.name}" [${output.shape.join(', ')}], whose like the generator makes.`,
        { hint: 'Give the evaluate step the examples that the model was trained on.' },
      );
    }
    return {
      rows,
      spec: tensor.spec,
      values: Float32Array.from(tensor.data),
      labels: output.label === undefined ? undefined : batch['@label']?.data,
    };
  } finally {
    reader.close();
  }
}

/** One sample per test example, of its class where classes can be asked for. */
async function samplesOf(predictor: Predictor, output: SamplesOutput, { rows, labels }: Real): Promise<Float32Array> {
  return generate(
    predictor,
    output,
    Array.from({ length: rows }, (_, row) => ({ seed: row, ...(labels === undefined ? {} : { label: labels[row]! }) })),
  );
}

async function generate(
  predictor: Predictor,
  output: SamplesOutput,
  asked: readonly { readonly seed: number; readonly label?: number }[],
): Promise<Float32Array> {
  const size = output.shape.reduce((product, each) => product * each, 1);
  const made = new Float32Array(asked.length * size);
  for (let start = 0; start < asked.length; start += ROWS_PER_CALL) {
    made.set(await predictor.predict(latentBatch(output, asked.slice(start, start + ROWS_PER_CALL))), start * size);
    await othersTurn();
  }
  return made;
}

/** Features of all rows, in memory that can be cut. */
type FeatureChunk = SampleChunk & Readonly<Record<'real' | 'generated' | 'untrained', Float32Array>>;
type Context = { readonly classes: readonly string[]; readonly positive: number; readonly width: number };

async function valueOf({ definition, config }: ResolvedMetric, chunk: FeatureChunk, context: Context): Promise<number> {
  const state: unknown = definition.init(config, context);
  const { width } = context;
  const step = Math.max(1, Math.ceil(PRODUCTS_PER_TURN / width ** 2));
  for (let start = 0; start < chunk.rows; start += step) {
    const count = Math.min(step, chunk.rows - start);
    const part = (values: Float32Array): Float32Array => values.subarray(start * width, (start + count) * width);
    definition.update(
      state,
      { ...chunk, rows: count, real: part(chunk.real), generated: part(chunk.generated), untrained: part(chunk.untrained) },
      config,
    );
    await othersTurn();
  }
  return definition.result(state, config, context);
}

async function orNull(value: () => Promise<number>): Promise<number | null> {
  try {
    return await value();
  } catch (error) {
    if (isUndefinedMetric(error)) return null;
    throw error;
  }
}

/** The champion's samples through the same features, of the same seeds. */
async function championOf(
  inputs: EvaluateInputs,
  output: SamplesOutput,
  real: Real,
  { features, chunk, metrics }: { features: FeatureExtractor; chunk: FeatureChunk; metrics: readonly ResolvedMetric[] },
  keep: <T extends { dispose(): void }>(each: T) => T,
): Promise<WholeChampion> {
  if ('none' in inputs.champion) return inputs.champion;
  const { model, version, artifact } = inputs.champion;
  const { meta, predictor } = await openBundle(artifact);
  keep(predictor);
  const theirs = meta.output;
  if (
    theirs.kind !== 'samples' ||
    theirs.name !== output.name ||
    theirs.shape.join() !== output.shape.join() ||
    theirs.range?.join() !== output.range?.join()
  )
    return { none: 'the champion makes other samples' };
  const classes = theirs.label?.classes;
  if (classes !== undefined && (real.labels === undefined || classes.join('\n') !== output.label?.classes.join('\n')))
    return { none: 'the champion is asked for other classes' };
  const own: Real = classes === undefined ? { ...real, labels: undefined } : real;
  const judged: FeatureChunk = {
    ...chunk,
    generated: await features.extract(await samplesOf(predictor, theirs, own), real.rows),
    untrained: await features.extract(await samplesOf(keep(await loadUntrained(artifact)), theirs, own), real.rows),
  };
  const context = { classes: [], positive: 0, width: features.width };
  const values: Record<string, number | null> = {};
  for (const metric of metrics) values[metric.key] = await orNull(() => valueOf(metric, judged, context));
  return { model, version, digest: artifact.ref.digest, values };
}

async function findings(
  model: OpenArtifact,
  examples: Examples,
  predictor: Predictor,
  output: SamplesOutput,
  real: Real,
  made: Float32Array,
  features: string,
): Promise<GeneratedFindings> {
  const { shape, range } = output;
  if (range === undefined) return { features, numbers: await numbersOf(examples, output, real, made) };
  const size = shape.reduce((product, each) => product * each, 1);
  const format = { shape, range };
  const classes = output.label?.classes.slice(0, CLASSES_SHOWN);
  const samples =
    classes === undefined
      ? made.subarray(0, GRID * GRID * size)
      : await generate(
          predictor,
          output,
          classes.flatMap((_, label) => Array.from({ length: GRID }, (__, seed) => ({ seed, label }))),
        );
  const count = samples.length / size;
  const examplesShown = classes === undefined ? spacedOf(Math.min(count, real.rows), real, size) : examplesOf(classes.length, real, size);
  const progress =
    model.manifest.files['samples.json'] === undefined ? [] : await model.json<{ epoch: number; image: string }[]>('samples.json');
  return {
    features,
    images: {
      columns: GRID,
      ...(classes === undefined ? {} : { classes }),
      progress,
      samples: imageGrid(samples, format, GRID).toString('base64'),
      examples: imageGrid(examplesShown, format, GRID).toString('base64'),
    },
  };
}

/** Test examples from all over the split, which may be in the order of its classes. */
function spacedOf(count: number, { values, rows }: Real, size: number): Float32Array {
  const shown = new Float32Array(count * size);
  for (let index = 0; index < count; index++) {
    const row = Math.floor((index * rows) / count);
    shown.set(values.subarray(row * size, (row + 1) * size), index * size);
  }
  return shown;
}

/** A row of test examples per class; black where there are too few. */
function examplesOf(classes: number, { values, labels, rows }: Real, size: number): Float32Array {
  const shown = new Float32Array(classes * GRID * size);
  for (let label = 0; label < classes; label++) {
    let column = 0;
    for (let row = 0; row < rows && column < GRID; row++) {
      if (labels?.[row] === label) shown.set(values.subarray(row * size, (row + 1) * size), (label * GRID + column++) * size);
    }
  }
  return shown;
}

async function numbersOf(
  examples: Examples,
  { name, shape }: SamplesOutput,
  real: Real,
  made: Float32Array,
): Promise<NonNullable<GeneratedFindings['numbers']>> {
  const width = shape.reduce((product, each) => product * each, 1);
  const { columns = [] } = (await examples.preprocessorJson()) as {
    columns?: readonly { readonly spec?: { readonly name: string; readonly parts?: readonly string[] } }[];
  };
  const names = columns.flatMap(({ spec }) => (spec?.name === name ? (spec.parts ?? []) : []));
  return Array.from({ length: Math.min(width, NUMBERS_SHOWN) }, (_, at) => ({
    name: names[at] ?? `${name} ${at}`,
    real: momentsOf(real.values, at, width),
    generated: momentsOf(made, at, width),
  }));
}

function momentsOf(values: Float32Array, at: number, width: number): { mean: number; std: number } {
  const rows = values.length / width;
  let mean = 0;
  for (let row = 0; row < rows; row++) mean += values[row * width + at]! / rows;
  let squares = 0;
  for (let row = 0; row < rows; row++) squares += (values[row * width + at]! - mean) ** 2;
  return { mean, std: Math.sqrt(squares / rows) };
}
