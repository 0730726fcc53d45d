import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { PerennialError } from '../../core/errors.ts';
import { entryPoint } from '../../platform/paths.ts';
import type { Hdf5Answer, Hdf5Contents, Hdf5Request } from './hdf5-reader.ts';

/** The library reads a file whole, within the 4 GiB of its memory. */
export const MODEL_BYTES_MAX = 1024 * 1024 * 1024;
const OBJECTS_MAX = 200_000;
/** A damaged file could take for ever. */
const TIMEOUT_MS = 10_000;
/** Slower than any disk that models are read from. */
const BYTES_PER_MS = 10_000;
/** Compressed weights do not shrink to less than this share. */
const COMPRESSION_MAX = 8;
/** However small the file. */
const UNPACKED_MIN = 32 * 1024 * 1024;

/** Bytes that a file of `size` bytes may stand for. */
export const unpackedMax = (size: number): number => Math.min(2 * MODEL_BYTES_MAX, Math.max(UNPACKED_MIN, size * COMPRESSION_MAX));

/**
 * Everything in an HDF5 file that a model needs, read in a thread of its own: what a damaged file does to the reader stays there.
 *
 * @param shown how errors call the file
 * @throws MODEL_INVALID, SOURCE_NOT_FOUND, LIMIT_EXCEEDED
 */
export async function readHdf5(path: string, shown = path): Promise<Hdf5Contents> {
  const size = await sizeOf(path);
  const timeoutMs = TIMEOUT_MS + size / BYTES_PER_MS;
  const entry = entryPoint('hdf5-reader');
  if (!existsSync(entry))
    throw new PerennialError('PROVISIONING_FAILED', `${entry} is not there: Perennial is not built.`, {
      hint: 'Run `npm run setup` in the folder of the clone.',
    });
  const request: Hdf5Request = { path, bytesMax: unpackedMax(size), objectsMax: OBJECTS_MAX };
  const worker = new Worker(entry, { workerData: request, stdout: true, stderr: true, resourceLimits: { maxOldGenerationSizeMb: 4096 } });
  worker.stdout.resume();
  worker.stderr.resume();
  let timer: NodeJS.Timeout | undefined;
  try {
    const answer = await new Promise<Hdf5Answer>((resolve, reject) => {
      timer = setTimeout(() => resolve({ problem: `reading took longer than ${Math.round(timeoutMs / 1000)} s` }), timeoutMs);
      worker.once('message', resolve);
      worker.once('error', (error) => resolve({ problem: `it is a damaged HDF5 file (${error.message.split('\n')[0]})` }));
      worker.once('exit', (code) => resolve({ problem: `the reader ended with the code ${code}` }));
      worker.once('messageerror', reject);
    });
    if ('problem' in answer) throw damaged(shown, answer.problem);
    return answer.contents;
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}

/** @throws SOURCE_NOT_FOUND, LIMIT_EXCEEDED */
export async function sizeOf(path: string): Promise<number> {
  const facts = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new PerennialError('SOURCE_NOT_FOUND', `${path} cannot be read: ${error.code ?? error.message}.`);
  });
  if (!facts.isFile()) throw new PerennialError('SOURCE_NOT_FOUND', `${path} is no file.`);
  if (facts.size > MODEL_BYTES_MAX)
    throw new PerennialError('LIMIT_EXCEEDED', `${path} has ${facts.size} bytes; model files of up to ${MODEL_BYTES_MAX} bytes are read.`);
  return facts.size;
}

export function damaged(path: string, problem: string): PerennialError {
  return new PerennialError('MODEL_INVALID', `${path} cannot be read as a model: ${problem}.`, {
    hint: 'Check that the file is whole, and write it again where it came from.',
  });
}
