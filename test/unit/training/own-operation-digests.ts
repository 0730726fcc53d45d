// Prints a digest of what each operation of our own gives, with as many threads as the environment says: a process has one number of them.
import { createHash } from 'node:crypto';
import { mayUseOwnOperations } from '../../../src/training/tensorflow/own-operations.ts';
import { loadTf } from '../../../src/training/tensorflow/tf.ts';
import { cases, outcome } from './own-operation-cases.ts';

if (!mayUseOwnOperations(loadTf())) throw new Error('The operations of our own are not loaded.');

const digests = cases.map((each) => {
  const hash = createHash('sha256');
  for (const values of outcome(each)) hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return `${each.type} ${each.shape.join('x')} ${hash.digest('hex')}`;
});
process.stdout.write(JSON.stringify(digests));
