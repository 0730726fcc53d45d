import type { RawBackend } from './raw-backend.ts';
import { createRequire } from 'node:module';
import { PerennialError, messageOf } from '../../core/errors.ts';
import { withoutCredentials } from '../../platform/environment.ts';
import { builtKernels } from '../../provisioning/kernels.ts';
import { installGradients } from './gradients.ts';
import { ownOperationsAreLoaded } from './own-operations.ts';

export type Tf = typeof import('@tensorflow/tfjs-node');
export type Tensor = import('@tensorflow/tfjs-node').Tensor;

let loaded: Tf | undefined;

/**
 * TensorFlow, loaded on first use (about 0.4 s). Logs are quiet and operations deterministic unless the environment says otherwise.
 *
 * @throws TENSORFLOW_MISSING where the native addon cannot be loaded
 */
export function loadTf(): Tf {
  if (loaded !== undefined) return loaded;
  setDefault('TF_CPP_MIN_LOG_LEVEL', '3');
  setDefault('TF_DETERMINISTIC_OPS', '1');
  // oneDNN says so on stderr when it is left to its default, and its sums change with the number of threads.
  setDefault('TF_ENABLE_ONEDNN_OPTS', '0');
  const require = createRequire(import.meta.url);
  restoreUtil(require('node:util') as Record<string, unknown>);
  try {
    const tf = require('@tensorflow/tfjs-node') as Tf;
    const kernels = builtKernels();
    if (kernels !== undefined) {
      require(kernels.path);
      ownOperationsAreLoaded();
    }
    installGradients(tf);
    loaded = tf;
  } catch (error) {
    throw new PerennialError('TENSORFLOW_MISSING', `The TensorFlow addon cannot be loaded: ${messageOf(error).split('\n')[0]}`, {
      cause: error,
    });
  }
  return loaded;
}

/** Whether it was loaded: whoever asks it next does not wait for that. */
export const tfIsLoaded = (): boolean => loaded !== undefined;

/** Variables that were not set before this process set them. */
const defaults = new Set<string>();

function setDefault(name: string, value: string): void {
  if (process.env[name] !== undefined) return;
  process.env[name] = value;
  defaults.add(name);
}

/** Whether convolutions go through oneDNN; without effect once TensorFlow is loaded, or where the environment has said it. */
export function preferOneDnn(): void {
  setDefault('TF_ENABLE_ONEDNN_OPTS', '1');
}

/**
 * Graphs run on the thread that asks, not on those of a pool: for a small network the way there and back costs more than the network.
 * Without effect once TensorFlow is loaded, or where the environment has said it.
 */
export function preferOwnThread(): void {
  setDefault('TF_NUM_INTEROP_THREADS', '-1');
}

/**
 * The environment for another process that uses TensorFlow: it makes its own choices, whatever this one has loaded before, and gets no
 * credentials.
 */
export function environmentForTf(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(withoutCredentials()).filter(([name]) => !defaults.has(name)));
}

/** Node 23 took away predicates of `util` that tfjs-node still calls. */
function restoreUtil(util: Record<string, unknown>): void {
  const missing: Record<string, (value: unknown) => boolean> = {
    isNullOrUndefined: (value) => value === null || value === undefined,
    isArray: (value) => Array.isArray(value),
    isString: (value) => typeof value === 'string',
    isNumber: (value) => typeof value === 'number',
    isBoolean: (value) => typeof value === 'boolean',
  };
  for (const [name, predicate] of Object.entries(missing)) if (typeof util[name] !== 'function') util[name] = predicate;
}

/** Two int32 values that decide a draw. The second may be a tensor [1], for graphs that run with another value each time. */
export type Seed = readonly [number, number | Tensor];

/** A scalar of type int64, which tfjs has no tensors of, for a raw operation. */
export function int64Scalar(value: number): Tensor {
  const { Int64Scalar } = createRequire(import.meta.url)('@tensorflow/tfjs-node/dist/int64_tensors.js') as {
    Int64Scalar: new (value: number) => Tensor;
  };
  return new Int64Scalar(value);
}

/**
 * Uniform in [0, 1), a function of its seeds alone (Philox): what makes dropout repeatable after a resume.
 */
export function statelessUniform(tf: Tf, shape: readonly number[], seed: Seed): Tensor {
  return statelessRandom(tf, 'StatelessRandomUniform', shape, seed);
}

/** From the gamma distribution of scale 1, a function of its seeds alone. @param shape of the result, not of the distribution */
export function statelessGamma(tf: Tf, shape: readonly number[], concentration: number, seed: Seed): Tensor {
  return statelessRandom(tf, 'StatelessRandomGammaV2', shape, seed, [tf.scalar(concentration)]);
}

/** Standard normal, a function of its seeds alone. */
export function statelessNormal(tf: Tf, shape: readonly number[], seed: Seed): Tensor {
  return statelessRandom(tf, 'StatelessRandomNormal', shape, seed);
}

function statelessRandom(tf: Tf, operation: string, shape: readonly number[], seed: Seed, parameters: readonly Tensor[] = []): Tensor {
  const backend = tf.backend() as unknown as RawBackend;
  const type = backend.binding.TF_ATTR_TYPE!;
  const attributes = [
    { name: 'dtype', type, value: backend.binding.TF_FLOAT },
    { name: 'T', type, value: backend.binding.TF_INT32 },
    { name: 'Tseed', type, value: backend.binding.TF_INT32 },
  ];
  const [first, second] = seed;
  return tf.tidy(() => {
    const both =
      typeof second === 'number'
        ? tf.tensor1d([first, second], 'int32')
        : tf.concat([tf.tensor1d([first], 'int32'), second as import('@tensorflow/tfjs-node').Tensor1D]);
    return backend.executeSingleOutput(operation, attributes, [tf.tensor1d([...shape], 'int32'), both, ...parameters]);
  });
}
