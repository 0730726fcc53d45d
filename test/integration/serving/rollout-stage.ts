import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';
import deploy from '../../../activities/steps/deploy.step.ts';
import type { JsonObject } from '../../../src/core/json.ts';
import type { RunView } from '../../../src/core/run.ts';
import { currentRollout, listRollouts } from '../../../src/registry/rollouts.ts';
import type { RolloutRecord } from '../../../src/registry/types.ts';
import { startRun } from '../../../src/runs/runs.ts';
import { waitRun } from '../../../src/runs/wait-run.ts';
import { FileStore } from '../../../src/storage/file-store.ts';
import { until } from '../../support/until.ts';
import { planStep, setStage, testPlan, testStep } from '../temporal/harness.ts';
import type { Stage } from '../temporal/harness.ts';
import type { Fixture } from './models.ts';
import { fixtureOver } from './models.ts';
import type { ServerProcess } from './server-process.ts';
import { startServerProcess } from './server-process.ts';

/** Names a version that is there already, in place of learning one. */
const choose = testStep({
  type: 'choose',
  outputs: { out: { kind: 'version' } },
  cacheable: false,
  run: async (ctx, { model, version }: { model: string; version: number }) => ({
    outputs: {
      out: await ctx.artifacts.write({ kind: 'version', summary: `v${version}`, files: {}, meta: { model, version, evaluation: null } }),
    },
    values: { model, version },
  }),
});

export interface RolloutStage extends Fixture {
  readonly stage: Stage;
  readonly env: Readonly<Record<string, string>>;
  server(): Promise<ServerProcess>;
  /** Runs a document that deploys a version, to its end. */
  deploy(
    model: string,
    version: number,
    strategy: unknown,
    more?: { readonly trigger?: 'manual' | 'backfill'; readonly freeze?: readonly object[] },
  ): Promise<RunView>;
  /** The record of the newest rollout of a model, when it has ended. */
  ended(model: string): Promise<RolloutRecord>;
  going(model: string): Promise<boolean>;
}

/** Temporal, a worker with the real deploy step, a store in files, and servers over it as processes. */
export async function setRolloutStage(): Promise<RolloutStage> {
  const folder = mkdtempSync(join(tmpdir(), 'perennial-rollout-'));
  const store = new FileStore(join(folder, 'store'));
  const steps = [choose, deploy];
  const stage = await setStage(steps, store);
  const fixture = fixtureOver(store, join(folder, 'cache'));
  const servers: ServerProcess[] = [];
  const env = { PERENNIAL_HOME: folder, PERENNIAL_STORE: `file:${join(folder, 'store')}`, TEMPORAL_ADDRESS: stage.server.address };
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
  });
  return {
    ...fixture,
    stage,
    env,
    async server() {
      const server = await startServerProcess(env);
      servers.push(server);
      return server;
    },
    async deploy(model, version, strategy, { trigger = 'manual', freeze } = {}) {
      const plan = testPlan(`deploys-${model}`, [
        planStep('choose', 'choose', { config: { model, version }, kind: 'version' }),
        planStep('deploy', 'deploy', {
          config: { strategy, confirmSeconds: 10, ...(freeze === undefined ? {} : { freeze }) } as unknown as JsonObject,
          inputs: { version: { step: 'choose', output: 'out', kind: 'version' } },
          outputs: { deployment: 'deployment' },
        }),
      ]);
      const { workflowId } = await startRun(stage.temporal, plan, steps, { trigger });
      const view = await waitRun(stage.temporal, workflowId);
      if (view.status === 'failed') throw new Error(`The run failed: ${JSON.stringify(view.failure)}`);
      return view;
    },
    ended: (model) =>
      until(async () => {
        const record = (await listRollouts(store, model))[0];
        return record !== undefined && record.state !== 'running' && record.state !== 'paused' ? record : undefined;
      }),
    going: async (model) => (await currentRollout(store, model)) !== undefined,
  };
}

/** What one request is answered with. */
export interface Told {
  readonly status: number;
  readonly version: number;
  readonly arm: string | null;
  readonly label: string;
}

export async function predict(url: string, model = 'm', headers: Record<string, string> = {}, body = '{"a":1,"b":2}'): Promise<Told> {
  const response = await fetch(`${url}/models/${model}/predict`, { method: 'POST', body, headers });
  const answer = (await response.json()) as { predictions?: { label: string }[] };
  return {
    status: response.status,
    version: Number(response.headers.get('x-perennial-version')),
    arm: response.headers.get('x-perennial-arm'),
    label: answer.predictions?.[0]?.label ?? '',
  };
}

/** Asks again and again, from several callers at once, until told to stop. */
export function load(
  urls: readonly string[],
  model = 'm',
  { callers = 4, everyMs = 20, body = '{"a":1,"b":2}' } = {},
): { stop(): Promise<readonly Told[]> } {
  const told: Told[] = [];
  let stopped = false;
  const running = Array.from({ length: callers }, async (_, caller) => {
    for (let turn = 0; !stopped; turn += 1) {
      told.push(await predict(urls[(caller + turn) % urls.length]!, model, {}, body));
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  });
  for (const one of running) one.catch(() => {}); // seen by whoever stops it
  // Of a test that fails nobody stops it.
  onTestFinished(() => {
    stopped = true;
  });
  return {
    async stop() {
      stopped = true;
      await Promise.all(running);
      return told;
    },
  };
}
