import type { ObjectStore } from '../src/core/ports.ts';
import type { RunLinks, StepTask } from '../src/core/run.ts';
import type { StepResult } from '../src/core/step.ts';
import { liveServers } from '../src/registry/confirm.ts';

/**
 * Where people read more about what a step made: pages of a server that runs now. undefined where there is nothing to show, or
 * no server that shows it.
 *
 * @throws STORE_UNAVAILABLE
 */
export async function linksOf(
  store: ObjectStore,
  { inputs }: Pick<StepTask, 'inputs'>,
  { outputs, values }: StepResult,
): Promise<RunLinks | undefined> {
  const made = Object.values(outputs);
  const evaluation = made.find(({ kind }) => kind === 'evaluation');
  const registered = made.some(({ kind }) => kind === 'version') ? versionOf(values) : undefined;
  if (evaluation === undefined && registered === undefined) return undefined;
  const url = (await liveServers(store))[0]?.url;
  if (url === undefined) return undefined;
  if (registered === undefined) return { report: `${url}/evaluations/${evaluation!.digest}/report` };
  const judged = Object.values(inputs).some(({ kind }) => kind === 'evaluation');
  const model = encodeURIComponent(registered.model);
  return {
    model: `${url}/v2/models/${model}/versions/${registered.version}`,
    timeline: `${url}/models/${model}/timeline`,
    ...(judged ? { report: `${url}/models/${model}/versions/${registered.version}/report` } : {}),
  };
}

function versionOf(values: StepResult['values']): { readonly model: string; readonly version: number } | undefined {
  const { model, version } = values ?? {};
  return typeof model === 'string' && typeof version === 'number' ? { model, version } : undefined;
}
