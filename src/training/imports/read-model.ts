import type { ReadModel, ReadModelOptions } from './model-reading.ts';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PerennialError, isPerennialError, messageOf } from '../../core/errors.ts';
import { readKerasArchive } from './keras-archive.ts';
import { readKerasHdf5 } from './keras-hdf5.ts';
import { readLayersModel } from './layers-model.ts';

type Format = 'hdf5' | 'zip' | 'json';

/**
 * Reads a Keras model (HDF5 of Keras 2 and 3, `.keras`), or a TF.js layers model (`model.json` with its shards, or their folder).
 * No code of the file is run.
 *
 * @throws MODEL_INVALID for what is damaged or has no counterpart, SOURCE_NOT_FOUND, LIMIT_EXCEEDED
 */
export async function readModelFile(path: string, options: ReadModelOptions = {}): Promise<ReadModel> {
  const file = await fileOf(path);
  const format = await formatOf(file);
  try {
    const read = await READERS[format](file, options);
    refuseNoNumbers(file, read.weights);
    return read;
  } catch (error) {
    if (isPerennialError(error)) throw error;
    throw new PerennialError('MODEL_INVALID', `${file} is damaged: it does not hold together (${messageOf(error).split('\n')[0]}).`, {
      hint: 'Save the model again, or take another copy of the file.',
      cause: error,
    });
  }
}

const READERS: Readonly<Record<Format, (file: string, options: ReadModelOptions) => Promise<ReadModel>>> = {
  hdf5: readKerasHdf5,
  zip: readKerasArchive,
  json: readLayersModel,
};

/** @throws MODEL_INVALID naming the first weight with a value that is no finite number */
function refuseNoNumbers(file: string, weights: ReadonlyMap<string, Float32Array>): void {
  for (const [name, values] of weights) {
    const at = values.findIndex((value) => !Number.isFinite(value));
    if (at < 0) continue;
    throw new PerennialError(
      'MODEL_INVALID',
      `${file}: the weight "${name}" holds ${values[at]} at place ${at}: nothing can be predicted with it, or trained from it.`,
      {
        hint: 'The training that saved it diverged, or the file is damaged: take one that was saved before.',
        details: { weight: name },
      },
    );
  }
}

/** A folder stands for the `model.json` in it. */
async function fileOf(path: string): Promise<string> {
  const facts = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new PerennialError('SOURCE_NOT_FOUND', `${path} cannot be read: ${error.code ?? error.message}.`);
  });
  return facts.isDirectory() ? join(path, 'model.json') : path;
}

const SIGNATURES: readonly (readonly [Format, Buffer])[] = [
  ['hdf5', Buffer.from([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a])],
  ['zip', Buffer.from([0x50, 0x4b, 0x03, 0x04])],
];

/** By the first bytes, not by the name. */
async function formatOf(path: string): Promise<Format> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    throw new PerennialError('SOURCE_NOT_FOUND', `${path} cannot be read: ${error.code ?? error.message}.`);
  });
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0);
    const head = buffer.subarray(0, bytesRead);
    const found = SIGNATURES.find(([, bytes]) => head.subarray(0, bytes.length).equals(bytes));
    if (found !== undefined) return found[0];
    if (/^\s*\{/.test(head.toString('utf8'))) return 'json';
  } finally {
    await file.close();
  }
  throw new PerennialError('MODEL_INVALID', `${path} is neither HDF5 nor ".keras" nor a "model.json".`, {
    hint: 'Give a model that Keras or TensorFlow.js saved; a SavedModel is to be saved from Keras as ".keras" first.',
  });
}
