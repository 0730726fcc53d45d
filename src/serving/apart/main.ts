import { Socket } from 'node:net';
import { isPerennialError, messageOf } from '../../core/errors.ts';
import type { Tensor } from '../../core/tensor.ts';
import { openBundle } from '../../training/bundle/load-model.ts';
import type { Predictor } from '../../training/model/model-meta.ts';
import { loadTf, preferOwnThread } from '../../training/tensorflow/tf.ts';
import { localArtifact } from '../../training/trainer/local-artifact.ts';
import { FrameReader, writeFrame } from './frames.ts';
import type { Head } from './frames.ts';

/**
 * The process of one network: `predictor.js`, started by a server with a pipe as its file descriptor 3. It computes what it is sent, one
 * batch after the other, and ends with the pipe.
 */
function main(): void {
  // Whoever interrupts the server ends this through the pipe, when the last request is answered.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => undefined);
  const pipe = new Socket({ fd: PIPE_FD, readable: true, writable: true });
  pipe.on('error', () => process.exit(1));
  pipe.on('close', () => process.exit(0));
  pipe.on('end', () => process.exit(0));
  preferOwnThread();
  loadTf();
  let predictor: Predictor | undefined;
  let work = Promise.resolve();
  const reader = new FrameReader((head, values) => {
    work = work.then(async () => {
      try {
        if (head.type === 'load') {
          predictor = (await openBundle(localArtifact(head.model))).predictor;
          writeFrame(pipe, { type: 'loaded' });
        } else if (head.type === 'predict') {
          const answer = await predictor!.predict(batchOf(predictor!, head, values));
          writeFrame(pipe, { type: 'answer', id: head.id }, [answer]);
        }
      } catch (error) {
        const known = isPerennialError(error) ? error : undefined;
        writeFrame(pipe, {
          type: 'failed',
          ...(head.type === 'predict' ? { id: head.id } : {}),
          code: known?.code ?? 'INTERNAL',
          message: messageOf(error),
          hint: known?.hint ?? '',
        });
      }
    });
  });
  pipe.on('data', (piece) => reader.push(piece));
}

const PIPE_FD = 3;

/** Tensors over the values that came: each lies at a multiple of 4 bytes, as the server lays 1-byte values last. */
function batchOf({ meta }: Predictor, { rows, tensors }: Extract<Head, { type: 'predict' }>, values: Uint8Array): Record<string, Tensor> {
  const batch: Record<string, Tensor> = {};
  let offset = 0;
  for (const [name, bytes] of Object.entries(tensors)) {
    const spec = meta.inputs.find((input) => input.name === name)!;
    const { buffer } = values;
    batch[name] = {
      spec,
      rows,
      data:
        spec.dtype === 'uint8'
          ? new Uint8Array(buffer, offset, bytes)
          : spec.dtype === 'int32'
            ? new Int32Array(buffer, offset, bytes / 4)
            : new Float32Array(buffer, offset, bytes / 4),
    };
    offset += bytes;
  }
  return batch;
}

main();
