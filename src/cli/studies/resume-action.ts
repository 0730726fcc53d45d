import { PerennialError } from '../../core/errors.ts';
import type { PipelineInput } from '../../core/run.ts';
import { findRun } from '../../runs/find-run.ts';
import { connectOwn } from '../../runs/own-stack.ts';
import { describeRun, inputOf, nominalTimeOf, startInput } from '../../runs/runs.ts';
import type { CliIo } from '../commands/command.ts';
import { followRun } from '../follow-run.ts';
import { uiLine } from '../run-report.ts';
import { findStudy, openStudies } from './find-study.ts';

/** Runs the plan of a study once more. What is over is taken from it; what was under way goes on. */
export async function resumeAction(
  io: CliIo,
  name: string,
  options: { readonly trials?: number; readonly detach?: boolean },
): Promise<void> {
  const studies = await openStudies();
  const record = await findStudy(studies, name);
  const temporal = await connectOwn();
  try {
    const address = await findRun(temporal, `${record.pipeline}/${record.run}`);
    const { status } = await describeRun(temporal, address).catch(() => ({ status: 'over' }));
    if (status === 'running')
      throw new PerennialError('USAGE', `The study ${record.study} is going on.`, {
        hint: `Follow it: perennial runs show ${record.pipeline}/${record.run} --follow`,
      });
    const { readCache: _once, ...before } = await inputOf(temporal, address);
    const input: PipelineInput = {
      ...before,
      plan: options.trials === undefined ? before.plan : withTrials(before.plan, record.plan.step.id, options.trials),
      nominalTime: await nominalTimeOf(temporal, address, before),
      trigger: 'manual',
      why: `goes on with the study ${record.study}`,
    };
    const started = await startInput(temporal, input);
    if (options.detach === true) {
      io.result({
        runId: started.runId,
        workflowId: started.workflowId,
        pipeline: record.pipeline,
        status: 'running',
        urls: { temporal: started.url },
      });
      io.print(`Started ${started.workflowId}\n${uiLine(started.url)}`);
      return;
    }
    io.note(`Run ${started.workflowId}`);
    await followRun(temporal, started, io);
    const anew = (await studies.study(`${record.pipeline}/${started.runId}/${record.plan.step.id}`))?.record.anew;
    if (anew !== undefined)
      io.note(
        `\nIt began anew, and did not go on with ${anew.study}: ${anew.why}. Trials that would be the very same came from the cache.`,
      );
  } finally {
    await temporal.close();
  }
}

function withTrials(plan: PipelineInput['plan'], id: string, trials: number): PipelineInput['plan'] {
  return { ...plan, steps: plan.steps.map((step) => (step.id === id ? { ...step, config: { ...step.config, trials } } : step)) };
}
