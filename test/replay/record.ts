/**
 * Records histories of every workflow on a real Temporal server into `test/replay/histories/<version>-<name>.json`:
 *
 *     npx vitest run --config test/replay/record.config.ts
 *
 * PERENNIAL_HISTORIES names them otherwise, as before a release whose number package.json does not have yet.
 *
 * Histories of releases are kept: the code has to replay them as long as such executions may run.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'vitest';
import type { MonitorInput } from '../../src/core/monitor.ts';
import { updateModel } from '../../src/runs/models.ts';
import { pipelineInput } from '../../src/runs/pipeline-input.ts';
import { cancelRun, describeRun, startRun } from '../../src/runs/runs.ts';
import { waitRun } from '../../src/runs/wait-run.ts';
import { packageRoot } from '../../src/platform/paths.ts';
import { ensureTemporal } from '../../src/provisioning/temporal.ts';
import { createRegistry } from '../../src/registry/registry.ts';
import { recordDrift, recordRollouts, recordScheduled, recordTurns } from './record-more.ts';
import { recordedSteps } from './recorded-steps.ts';
import { planStep, setStage, testPlan } from '../integration/temporal/harness.ts';

const steps = recordedSteps;

it('records', async () => {
  const stage = await setStage(steps);
  const { server, temporal, deps, startWorker } = stage;
  const { path: tool } = await ensureTemporal(() => undefined);
  await startWorker();
  const version =
    process.env.PERENNIAL_HISTORIES ??
    (JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string }).version;
  const folder = join(packageRoot(), 'test', 'replay', 'histories');
  mkdirSync(folder, { recursive: true });
  const save = (name: string, workflowId: string): void => {
    const text = execFileSync(tool, ['workflow', 'show', '--workflow-id', workflowId, '--address', server.address, '--output', 'json'], {
      encoding: 'utf8',
    });
    writeFileSync(join(folder, `${version}-${name}.json`), `${JSON.stringify(JSON.parse(text), null, 1)}\n`);
  };
  const run = async (name: string, plan: ReturnType<typeof testPlan>): Promise<void> => {
    const started = await startRun(temporal, plan, steps, { trigger: 'manual' });
    await waitRun(temporal, started.workflowId);
    save(name, started.workflowId);
  };
  const diamond = [
    planStep('a', 'make'),
    planStep('b', 'join', { needs: ['a'] }),
    planStep('c', 'join', { needs: ['a'], config: { c: 1 }, heavy: true }),
    planStep('d', 'join', { needs: ['b', 'c'], if: { step: 'a', value: 'size', atLeast: 2 } }),
  ];
  await run('pipeline-completed', testPlan('diamond', diamond));
  await run('pipeline-cached', testPlan('diamond', diamond));
  await run(
    'pipeline-rejected',
    testPlan('gate', [planStep('a', 'judge', { config: { passed: false }, kind: 'evaluation' }), planStep('b', 'join', { needs: ['a'] })]),
  );
  await run('pipeline-failed', testPlan('broken', [planStep('a', 'fail'), planStep('b', 'join', { needs: ['a'] }), planStep('c', 'make')]));
  const waiting = await startRun(temporal, testPlan('stopped', [planStep('a', 'wait'), planStep('b', 'join', { needs: ['a'] })]), steps, {
    trigger: 'manual',
  });
  for (;;) if ((await describeRun(temporal, waiting.workflowId)).steps[0]!.progress?.epoch === 1) break;
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  await cancelRun(temporal, waiting.workflowId);
  await waitRun(temporal, waiting.workflowId);
  save('pipeline-cancelled', waiting.workflowId);

  const profile = { formatVersion: 1, rows: 0, columns: [] };
  const registry = createRegistry(deps.store, deps.artifacts);
  for (const text of ['one', 'two']) {
    const modelRef = await deps.artifacts.write({
      kind: 'model',
      summary: text,
      files: {
        'profile.json': Buffer.from(JSON.stringify(profile)),
        'preprocessor.json': Buffer.from(JSON.stringify({ columns: profile.columns })),
      },
      meta: { text },
    });
    await registry.register({ model: 'thing', modelRef, pipeline: 'diamond', runId: text, stepId: 'register' });
  }
  const by = { who: 'ada', why: 'test' };
  await updateModel(temporal, 'thing', 'promote', { version: 1, ...by });
  await updateModel(temporal, 'thing', 'promote', { version: 2, ...by });
  await updateModel(temporal, 'thing', 'rollback', by);
  save('model', 'model/thing');
  const input: MonitorInput = {
    pipeline: 'diamond',
    model: 'thing',
    check: {
      kind: 'drift',
      drift: { action: 'retrain', everyMs: 3_600_000, windowMs: 86_400_000, rowsMin: 10, psi: 0.2, ksPValue: 0.05, columnsMin: 1 },
    },
    run: pipelineInput(testPlan('diamond', diamond), steps, { trigger: 'drift' }),
  };
  await temporal.client.workflow.execute('monitor', { workflowId: 'monitor/quiet', taskQueue: 'perennial', args: [input] });
  save('monitor-stable', 'monitor/quiet');
  await recordTurns(stage, save);
  await recordScheduled(stage, save);
  await recordDrift(stage, save);
  await recordRollouts(stage, save);
}, 120_000);
