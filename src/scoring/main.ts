import { readFileSync } from 'node:fs';
import { isPerennialError, messageOf } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';
import { isDiskFull } from '../core/file-trouble.ts';
import { limitDatabase, withDatabase } from '../data/table/duckdb.ts';
import { localArtifact } from '../training/trainer/local-artifact.ts';
import { openBundle } from '../training/bundle/load-model.ts';
import { loadTf, preferOwnThread } from '../training/tensorflow/tf.ts';
import { quickPredictor } from './quick-predictor.ts';
import { PartScorer } from './answer-part.ts';
import type { Connections } from './answer-part.ts';
import type { PartOrder, ScorerJob, ScorerMessage } from './protocol.ts';

/**
 * A scoring process: `scorer.js [--plain]` (its model needs no TensorFlow), forked with an IPC channel. It is told its job, then one part
 * after the other, and ends at once when the channel closes: nobody waits for it then, and another try may start.
 */
async function main(): Promise<void> {
  process.on('disconnect', () => process.exit(1));
  // Whoever interrupts the command ends it through its parent.
  process.on('SIGINT', () => undefined);
  if (process.send === undefined) {
    process.stderr.write('A scoring process is started by `perennial score` or a score step, not by hand.\n');
    process.exit(2);
  }
  const told = new Promise<{ readonly job: string }>((resolve) => process.once('message', resolve));
  try {
    preferOwnThread();
    if (!process.argv.includes('--plain')) loadTf();
    const { job: path } = await told;
    const job = JSON.parse(readFileSync(path, 'utf8')) as ScorerJob;
    limitDatabase(job.memory, job.threads);
    await serve(job);
  } catch (error) {
    await tell({ type: 'failed', error: failureOf(error) });
    process.disconnect();
  }
}

async function serve(job: ScorerJob): Promise<void> {
  const artifact = localArtifact(job.model);
  const bundle = await openBundle(artifact);
  const scorer = new PartScorer(
    {
      model: job.model.name,
      version: job.model.version ?? 0,
      preprocessor: bundle.preprocessor,
      predictor: await quickPredictor(artifact, bundle),
      sourceColumns: bundle.profile.columns.map(({ name }) => name),
    },
    job,
  );
  await withDatabase((read) => withDatabase((write) => take({ read, write }, scorer)));
}

/** Does what it is told, until its parent ends it. */
async function take(connections: Connections, scorer: PartScorer): Promise<never> {
  const orders: PartOrder[] = [];
  let wake: (() => void) | undefined;
  process.on('message', (order: PartOrder) => {
    orders.push(order);
    wake?.();
  });
  await tell({ type: 'ready' });
  for (;;) {
    const order = orders.shift();
    if (order === undefined) {
      await new Promise<void>((resolve) => (wake = resolve));
      continue;
    }
    if (order.answered) {
      await tell({ type: 'done', record: await scorer.score(connections, order, (rows) => void process.send!({ type: 'rows', rows })) });
    } else {
      await scorer.follow(connections, order);
      await tell({ type: 'followed', part: order.part });
    }
  }
}

function failureOf(error: unknown): { code: ErrorCode; message: string; hint: string } {
  if (isPerennialError(error)) return { code: error.code, message: error.message, hint: error.hint };
  if (isDiskFull(error) || /no space left/i.test(messageOf(error)))
    return {
      code: 'STORE_FULL',
      message: `No space is left for the answers: ${messageOf(error)}`,
      hint: 'Free space on this disk; the same command goes on then.',
    };
  if (error instanceof Error) process.stderr.write(`${error.stack ?? error.message}\n`);
  return { code: 'INTERNAL', message: messageOf(error), hint: '' };
}

/** Resolves once the parent's side of the channel has the message. */
function tell(message: ScorerMessage): Promise<void> {
  return new Promise((resolve) => process.send!(message, undefined, {}, () => resolve()));
}

void main();
