import { createReadStream } from 'node:fs';
import { PerennialError } from '../core/errors.ts';
import type { ArtifactStore } from '../core/ports.ts';
import { finderOf, knownSecrets, mask } from './secrets.ts';

type Written = Parameters<ArtifactStore['write']>[0];

/** Artifacts whose line for people holds no secret: it lies in the store, and travels through Temporal. */
export function guardArtifacts(artifacts: ArtifactStore): ArtifactStore {
  return { open: (ref) => artifacts.open(ref), write: (artifact) => artifacts.write({ ...artifact, summary: mask(artifact.summary) }) };
}

/**
 * For what programs of the user's write: facts are masked, and files with a secret are refused, since a masked file would be another file.
 */
export function guardProgram(artifacts: ArtifactStore): ArtifactStore {
  return {
    open: (ref) => artifacts.open(ref),
    async write(artifact) {
      await refuseSecrets(artifact.files);
      return artifacts.write({ ...artifact, summary: mask(artifact.summary), meta: mask(artifact.meta) });
    },
  };
}

/** @throws STEP_FAILED where a file of an artifact holds a secret of eight characters or more; shorter ones are there by chance. */
async function refuseSecrets(files: Written['files']): Promise<void> {
  const finder = finderOf(knownSecrets());
  if (finder.isEmpty) return;
  for (const [name, file] of Object.entries(files)) {
    if (mask(name) !== name) throw refusal(mask(name), 'The name of the file');
    for await (const piece of piecesOf(file, finder.span)) if (finder.isIn(piece)) throw refusal(name, 'The file');
  }
}

function refusal(name: string, what: string): PerennialError {
  return new PerennialError('STEP_FAILED', `${what} "${name}" that the step wrote as part of an artifact holds a secret of the worker.`, {
    hint: 'Artifacts are kept in the store and read by others: write what was done with the secret, not the secret.',
  });
}

/** Pieces that overlap, so that nothing of the longest length is cut. */
async function* piecesOf(file: Written['files'][string], longest: number): AsyncIterable<Buffer> {
  if (file instanceof Uint8Array) return yield Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  let end: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(file.path, { highWaterMark: 1 << 20 })) {
    const piece = Buffer.concat([end, chunk as Buffer]);
    yield piece;
    end = piece.subarray(Math.max(0, piece.length - longest + 1));
  }
}
