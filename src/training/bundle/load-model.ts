import type { OpenArtifact } from '../../core/ports.ts';
import { PerennialError, messageOf } from '../../core/errors.ts';
import { PROFILE } from '../../data/stored/dataset.ts';
import type { DatasetProfile, Preprocessor } from '../../data/stored/dataset.ts';
import type { JsonObject } from '../../core/json.ts';
import type { TensorBatch } from '../../core/tensor.ts';
import { latentPreprocessor } from '../../data/answers/latent.ts';
import { loadPreprocessor } from '../../data/preprocess/preprocessor.ts';
import { promptPreprocessor, tokenTextsOf } from '../../data/answers/prompts.ts';
import { GraphPredictor } from '../graph/graph-predictor.ts';
import { joinAnswers } from '../model/heads.ts';
import { lossRegistry } from '../losses/index.generated.ts';
import { workOf } from '../model/describe.ts';
import { isPlain, plainNetwork } from '../model/plain-network.ts';
import type { PlainNetwork } from '../model/plain-network.ts';
import { NO_LOGITS, Network } from '../model/network.ts';
import { product, showShape } from '../layers/shapes.ts';
import { generatingPredictor } from '../generation/text-generation.ts';
import { loadTf } from '../tensorflow/tf.ts';
import type { Tensor, Tf } from '../tensorflow/tf.ts';
import { TOPOLOGY } from '../model/model-config.ts';
import { MODEL } from '../model/model-meta.ts';
import type { ModelMeta, Predictor } from '../model/model-meta.ts';
import { decodeWeights, WEIGHTS } from './weights-file.ts';
import { metaAs, fileAs } from '../../storage/stored.ts';

/** A model with everything it needs to answer raw rows. */
export interface Bundle {
  readonly meta: ModelMeta;
  readonly predictor: Predictor;
  readonly preprocessor: Preprocessor;
  readonly profile: DatasetProfile;
}

/** Rows that go through the network at once: bounds the memory of a large batch. */
const ROWS_PER_CALL = 512;

/** @throws MODEL_INVALID where weights and topology do not match, BLOB_CORRUPT, TENSORFLOW_MISSING */
export async function loadModel(artifact: OpenArtifact): Promise<Predictor> {
  const { meta, network, weights } = await readModel(artifact);
  return createPredictor(meta, network, weights);
}

/** A model's network and its weights, by full name. @throws as {@link loadModel} */
export async function readModel(
  artifact: OpenArtifact,
): Promise<{ readonly meta: ModelMeta; readonly network: Network; readonly weights: ReadonlyMap<string, Float32Array> }> {
  const outline = await readOutline(artifact);
  return {
    ...outline,
    weights: decodeWeights(outline.network.weights, await fileAs(artifact, WEIGHTS, 'weights.json'), await artifact.bytes('weights.bin')),
  };
}

async function readOutline(artifact: OpenArtifact): Promise<{ readonly meta: ModelMeta; readonly network: Network }> {
  if (artifact.manifest.kind !== 'model')
    throw new PerennialError(
      'MODEL_INVALID',
      `The artifact ${artifact.ref.digest.slice(0, 12)} is a ${artifact.manifest.kind}, not a model.`,
    );
  const meta = metaAs(artifact, MODEL);
  const topology = await fileAs(artifact, TOPOLOGY, 'topology.json');
  const network = new Network(topology);
  const said = meta.heads === undefined ? meta.outputShape : [meta.heads.reduce((sum, { width }) => sum + width, 0)];
  if (showShape(network.outputShape) !== showShape(said)) {
    throw new PerennialError(
      'MODEL_INVALID',
      `The topology gives ${showShape(network.outputShape)}, the manifest says ${showShape(said)}.`,
    );
  }
  return { meta, network };
}

/** A model, its preprocessing and the profile of its training data. @throws as {@link loadModel} */
export async function openBundle(artifact: OpenArtifact): Promise<Bundle> {
  return bundleOf(artifact, await loadModel(artifact));
}

/** A bundle whose network is not there yet. */
export interface OutlinedBundle extends Bundle {
  /** Multiplications of one prediction, as far as weights tell: those of lookups count, too. */
  readonly work: number;
  /** Its predictions take TensorFlow. */
  readonly takesLibrary: boolean;
}

/**
 * The same, with a network that is loaded for its first prediction: what is said of it costs little, whatever its size.
 *
 * @throws as {@link loadModel}; what concerns its weights at the first prediction
 */
export async function outlineBundle(artifact: OpenArtifact): Promise<OutlinedBundle> {
  const { meta, network } = await readOutline(artifact);
  const bundle = await bundleOf(
    artifact,
    laterPredictor(meta, () => loadModel(artifact)),
  );
  // A text is made token by token.
  const steps = bundle.meta.output.kind === 'text' ? product(bundle.meta.outputShape) : 1;
  return { ...bundle, work: steps * workOf(network.topology), takesLibrary: !isPlain(network.topology) };
}

async function bundleOf(artifact: OpenArtifact, predictor: Predictor): Promise<Bundle> {
  const [preprocessor, profile] = await Promise.all([
    artifact.json<JsonObject>('preprocessor.json'),
    fileAs(artifact, PROFILE, 'profile.json'),
  ]);
  const { output } = predictor.meta;
  if (output.kind === 'text') {
    const generating = generatingPredictor(predictor, output, tokenTextsOf(preprocessor, output.name));
    return { meta: generating.meta, predictor: generating, preprocessor: promptPreprocessor(preprocessor, output), profile };
  }
  return {
    meta: predictor.meta,
    predictor,
    preprocessor: output.kind === 'samples' ? latentPreprocessor(output) : loadPreprocessor(preprocessor),
    profile,
  };
}

function laterPredictor(meta: ModelMeta, load: () => Promise<Predictor>): Predictor {
  let loading: Promise<Predictor> | undefined;
  let loaded: Predictor | undefined;
  let disposed = false;
  return {
    meta,
    async predict(batch) {
      if (disposed) throw askedTooLate();
      loaded = await (loading ??= load());
      return loaded.predict(batch);
    },
    predictNow: (batch) => loaded?.predictNow?.(batch),
    dispose() {
      disposed = true;
      // One that could not be loaded holds nothing.
      loading?.then(
        (predictor) => predictor.dispose(),
        () => undefined,
      );
    },
  };
}

const askedTooLate = (): PerennialError => new PerennialError('INTERNAL', 'A model was asked after it was disposed of.');

/** @param values by the full names of the network's weights @param rowsAtOnce where large outputs ask for few */
export function createPredictor(
  meta: ModelMeta,
  network: Network,
  values: ReadonlyMap<string, Float32Array>,
  rowsAtOnce?: number,
): Predictor {
  const plain = plainNetwork(network.topology, values);
  const compiled = plain === undefined ? compileOnUse(network, values, rowsAtOnce) : undefined;
  let weights: ReadonlyMap<string, Tensor> | undefined;
  const weightTensors = (tf: Tf): ReadonlyMap<string, Tensor> =>
    new Map(network.weights.map((spec) => [spec.fullName, tf.tensor(values.get(spec.fullName)!, [...spec.shape], 'float32')]));
  const width = product(network.outputShape);
  // The losses of two networks against each other are none of the registry.
  const score = lossRegistry.find(meta.loss)?.score;
  const answer = (values: Float32Array, rows: number): Float32Array => {
    if (meta.heads !== undefined && meta.output.kind === 'several') return joinAnswers(values, rows, meta.output.outputs, meta.heads);
    return score === undefined ? values : values.map((value) => score(value));
  };
  let disposed = false;

  /** Operation by operation, for a model that cannot be compiled. */
  function predictSome(batch: TensorBatch): Float32Array {
    const tf = loadTf();
    const loaded = (weights ??= weightTensors(tf));
    return tf.tidy(() => {
      const { output } = network.forward(tf, network.inputTensors(tf, batch), loaded, {
        training: false,
        seed: 0,
        iteration: 0,
        logits: NO_LOGITS,
      });
      return (output.dataSync() as Float32Array).slice();
    });
  }

  function plainly(compute: PlainNetwork, batch: TensorBatch): Float32Array {
    if (disposed) throw askedTooLate();
    const rows = rowsOf(batch, meta);
    return answer(compute(checkedSizes(batch, meta, rows), rows), rows);
  }

  return {
    meta,
    ...(plain === undefined ? {} : { predictNow: (batch) => plainly(plain, batch) }),
    async predict(batch) {
      if (plain !== undefined) return plainly(plain, batch);
      if (disposed) throw askedTooLate();
      const rows = rowsOf(batch, meta);
      const graph = compiled!.get();
      const output = graph === undefined ? new Float32Array(rows * width) : graph.predict(checkedSizes(batch, meta, rows), rows, width);
      if (graph !== undefined) return answer(output, rows);
      for (let start = 0; start < rows; start += rowsAtOnce ?? ROWS_PER_CALL) {
        const count = Math.min(rowsAtOnce ?? ROWS_PER_CALL, rows - start);
        output.set(predictSome(count === rows ? batch : sliceRows(batch, meta, start, count)), start * width);
      }
      return answer(output, rows);
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      compiled?.dispose();
      for (const weight of weights?.values() ?? []) weight.dispose();
    },
  };
}

/** Compiles at the first prediction, not at loading: many models are loaded to be looked at. */
function compileOnUse(
  network: Network,
  values: ReadonlyMap<string, Float32Array>,
  rowsAtOnce: number | undefined,
): { get(): GraphPredictor | undefined; dispose(): void } {
  let graph: GraphPredictor | 'impossible' | undefined;
  return {
    get() {
      try {
        graph ??= new GraphPredictor(loadTf(), network, values, rowsAtOnce);
      } catch (error) {
        graph = 'impossible';
        process.emitWarning(
          `The model predicts operation by operation, which is slower: it cannot be compiled because of ${messageOf(error).split('\n')[0]}`,
        );
      }
      return graph === 'impossible' ? undefined : graph;
    },
    dispose() {
      if (graph !== 'impossible') graph?.dispose();
    },
  };
}

/** @throws DATA_INVALID where a tensor has another size than its rows need */
function checkedSizes(batch: TensorBatch, meta: ModelMeta, rows: number): TensorBatch {
  for (const { name, shape } of meta.inputs) {
    const { data } = batch[name]!;
    if (data.length !== rows * product(shape))
      throw new PerennialError(
        'DATA_INVALID',
        `The tensor "${name}" holds ${data.length} values; ${rows} rows of ${showShape(shape)} need ${rows * product(shape)}.`,
      );
  }
  return batch;
}

/** @throws DATA_INVALID where inputs are missing or differ in rows */
function rowsOf(batch: TensorBatch, meta: ModelMeta): number {
  if (meta.inputs.length === 1) {
    const only = batch[meta.inputs[0]!.name]?.rows;
    if (only !== undefined) return only;
  }
  const counts = new Set(meta.inputs.map((input) => batch[input.name]?.rows));
  const [rows] = counts;
  if (counts.size === 1 && rows !== undefined) return rows;
  const seen = meta.inputs.map((input) => `"${input.name}": ${batch[input.name]?.rows ?? 'missing'}`).join(', ');
  throw new PerennialError('DATA_INVALID', `A prediction needs all inputs with the same number of rows; given were ${seen}.`);
}

function sliceRows(batch: TensorBatch, meta: ModelMeta, start: number, count: number): TensorBatch {
  return Object.fromEntries(
    meta.inputs.map(({ name, shape }) => {
      const { spec, data } = batch[name]!;
      const width = product(shape);
      return [name, { spec, rows: count, data: data.subarray(start * width, (start + count) * width) }];
    }),
  );
}
