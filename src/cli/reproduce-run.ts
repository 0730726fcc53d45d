import type { Approval } from '../core/approval.ts';
import { PerennialError } from '../core/errors.ts';
import type { Temporal } from '../runs/connect.ts';
import type { Reproduction } from '../runs/reproduction.ts';
import type { RunAddress } from '../runs/run-address.ts';
import type { RunReport } from '../runs/runs.ts';
import { table } from './commands/command.ts';
import type { CliIo } from './commands/command.ts';
import { followRun } from './follow-run.ts';
import { formatNumber } from './run-progress.ts';

/** Weights that are listed one by one. */
const WEIGHTS_MAX = 20;
const DIFFERS = 1;

export interface ReproduceOptions {
  readonly detach?: boolean;
  readonly promote?: boolean;
}

/** Runs the plan of a run again, and ends with what is the same. */
export async function reproduceRun(temporal: Temporal, address: RunAddress, io: CliIo, options: ReproduceOptions): Promise<void> {
  if (options.detach === true && options.promote === true)
    throw new PerennialError('USAGE', '"--promote" needs the end of the run, which "--detach" does not wait for.', {
      hint: 'Leave one of them out.',
    });
  const [runs, { waitRun }] = await Promise.all([import('../runs/runs.ts'), import('../runs/wait-run.ts')]);
  const input = await runs.inputOf(temporal, address);
  const first = await runs.describeRun(temporal, address);
  if (first.status === 'running')
    throw new PerennialError('USAGE', `Run "${first.pipeline}/${first.runId}" still goes on; there is nothing to reproduce yet.`, {
      hint: `Follow it: perennial runs show ${first.pipeline}/${first.runId} --follow`,
    });
  const of = `${first.pipeline}/${first.runId}`;
  const started = await runs.startInput(temporal, {
    ...input,
    nominalTime: await runs.nominalTimeOf(temporal, address, input),
    readCache: false,
    trigger: 'reproduce',
    why: `reproduction of ${of}`,
    answers: answersIn(first),
  });
  if (options.detach === true) {
    io.result({
      runId: started.runId,
      workflowId: started.workflowId,
      pipeline: input.plan.pipeline,
      status: 'running',
      urls: { temporal: started.url },
    });
    return io.print(`Started ${started.workflowId}\nTemporal UI: ${started.url}`);
  }
  io.note(`Run ${started.workflowId}`);
  let code = 0;
  // The run's own document and exit code are kept back: the comparison comes last, and decides.
  let result: object = {};
  await followRun(temporal, started, {
    ...io,
    result: (value: object) => void (result = value),
    exit: (value: number) => void (code = value),
  });
  const second = await waitRun(temporal, started);
  const [{ openStore }, { createArtifactStore }, { compareRuns }] = await Promise.all([
    import('../storage/open-store.ts'),
    import('../storage/artifact-store.ts'),
    import('../runs/reproduction.ts'),
  ]);
  const reproduction = await compareRuns(createArtifactStore(await openStore()), first, second);
  io.result({ ...result, reproduction });
  io.print(reproductionText(reproduction));
  io.exit(second.status === 'completed' || second.status === 'rejected' ? (reproduction.same ? 0 : DIFFERS) : code);
  if (options.promote === true) await promote(second, of, io);
}

/** What people answered in a run: a reproduction asks nobody again. */
function answersIn({ steps }: RunReport): Readonly<Record<string, Approval>> {
  const answered = steps.flatMap(({ id, values }): [string, Approval][] => {
    const { approved, approvedBy, answer, answeredAt } = values ?? {};
    if (typeof approved !== 'boolean' || typeof answer !== 'string' || typeof answeredAt !== 'string') return [];
    const who = typeof approvedBy === 'string' ? { who: approvedBy } : {};
    return [[id, { step: id, question: '', decision: approved ? 'approved' : 'rejected', ...who, why: answer, at: answeredAt }]];
  });
  return Object.fromEntries(answered);
}

/** Told to let something of the past serve: that is a rollback, which pins it. */
async function promote(run: RunReport, of: string, io: CliIo): Promise<void> {
  if (run.model === null || run.version === null)
    throw new PerennialError('USAGE', `The reproduction of ${of} registered no version, so there is none to promote.`, { hint: '' });
  const { rollbackAction } = await import('./models/routing-actions.ts');
  await rollbackAction({ ...io, result: () => undefined }, run.model, {
    to: String(run.version),
    reason: `Reproduction of run ${of}.`,
    confirm: true,
    timeout: 30,
  });
}

/** For people: what is the same, what is not, and why. */
export function reproductionText({ of, same, metrics, models, why }: Reproduction): string {
  const value = (one: number | null): string => (one === null ? 'none' : formatNumber(one));
  const lines = ['', same ? `The same as ${of}, to the last bit.` : `Not the same as ${of}.`];
  if (metrics.length > 0)
    lines.push(
      '',
      table([
        ['METRIC', 'THEN', 'NOW', ''],
        ...metrics.map((one) => [
          one.name,
          value(one.before),
          value(one.after),
          one.same ? 'same' : one.before === null || one.after === null ? 'missing' : `differs by ${formatNumber(one.after - one.before)}`,
        ]),
      ]),
    );
  for (const model of models) lines.push('', ...modelLines(model));
  if (why.length > 0) lines.push('', ...why.map((reason) => `why: ${reason}`));
  return lines.join('\n');
}

function modelLines({ step, same, weights, notCompared }: Reproduction['models'][number]): string[] {
  if (notCompared !== undefined) return [`The weights of "${step}" cannot be compared: ${notCompared}`];
  if (weights.length === 0) return [`"${step}": the very same model, every weight to the bit`];
  if (same) return [`"${step}": all ${weights.length} weights are the same to the bit; what is told beside them differs`];
  const differing = weights.filter((one) => one.differing > 0);
  const rows = differing
    .slice(0, WEIGHTS_MAX)
    .map((one) => [one.name, `${one.differing} of ${one.values}`, one.why ?? formatNumber(one.largestDifference!)]);
  const more = differing.length > WEIGHTS_MAX ? [`and ${differing.length - WEIGHTS_MAX} more`] : [];
  return [
    `"${step}": ${weights.length - differing.length} of ${weights.length} weights are the same`,
    table([['WEIGHT', 'VALUES THAT DIFFER', 'LARGEST DIFFERENCE'], ...rows]),
    ...more,
  ];
}
