import { isPerennialError } from '../../core/errors.ts';
import type { ObjectStore } from '../../core/ports.ts';
import type { TargetState } from '../../core/targets.ts';
import { targetText } from '../../core/targets.ts';
import type { Routing } from '../../registry/types.ts';
import { table } from '../commands/command.ts';
import type { CliIo } from '../commands/command.ts';
import { openRegistry } from './options.ts';
import type { OpenRegistry } from './options.ts';
import { timeText } from './views.ts';

/** How far each target of a model is, of those that it has now; as the store says, without a look at their places. */
export async function targetStates(
  store: ObjectStore,
  routing: Routing | undefined,
): Promise<readonly (TargetState & { readonly at: string | null })[]> {
  if (routing === undefined || (routing.targets ?? []).length === 0) return [];
  const { readState } = await import('../../targets/records.ts');
  const champion = routing.aliases['champion'] ?? null;
  return Promise.all(
    routing.targets!.map(async (setting) => {
      const state = await readState(store, routing.name, setting);
      const found = {
        target: setting.name,
        place: String(setting.config['path']),
        version: state?.version ?? null,
        inStep: state?.inStep === true && state.version === champion,
        at: state?.at ?? null,
      };
      const why = state?.inStep === true ? 'it has not followed the newest change yet' : (state?.why ?? 'it was not tried yet');
      return { ...found, ...(found.inStep ? {} : { why }), ...(state?.refused === true ? { refused: true } : {}) };
    }),
  );
}

/** In sentences, for a list beside other facts. */
export function targetLines(states: readonly TargetState[], model: string): string[] {
  return states.map((state) =>
    state.inStep ? `${targetText(state)}.` : `BEHIND: ${targetText(state)}. \`perennial models targets ${model} --follow\` tries again.`,
  );
}

/**
 * Has the targets follow what the routing says now, and waits for them: through their workflow, or here where Temporal is away.
 *
 * @returns undefined: the model has none
 */
export async function followNow({ store, artifacts }: OpenRegistry, model: string): Promise<readonly TargetState[] | undefined> {
  const { readRouting } = await import('../../registry/routing.ts');
  if (((await readRouting(store, model))?.routing.targets ?? []).length === 0) return undefined;
  const { connectOwn } = await import('../../runs/own-stack.ts');
  try {
    const temporal = await connectOwn();
    try {
      const { followAndWait } = await import('../../runs/targets.ts');
      return (await followAndWait(temporal, model, WAIT_MS)).targets;
    } finally {
      await temporal.close();
    }
  } catch (error) {
    if (!isPerennialError(error, 'TEMPORAL_UNAVAILABLE')) throw error;
    const { followTargets } = await import('../../targets/follow.ts');
    return (await followTargets({ store, artifacts, progress: () => undefined }, model)).targets;
  }
}

/** What is made for a version that a target never had takes a while; the workflow goes on by itself. */
const WAIT_MS = 30_000;

const BEHIND = 4;

/** Follows, and says what came of it; a target that is behind is told, and tried again by the workflow. */
export async function followAndTell(io: CliIo, opened: OpenRegistry, model: string): Promise<readonly TargetState[]> {
  const targets = (await followNow(opened, model)) ?? [];
  for (const line of targetLines(targets, model)) io.print(line);
  if (targets.some(({ inStep }) => !inStep)) io.exit(BEHIND);
  return targets;
}

export async function targetsAction(io: CliIo, model: string, { follow }: { readonly follow?: boolean }): Promise<void> {
  const opened = await openRegistry(follow === true ? 'change' : undefined);
  await opened.registry.versions(model);
  if (follow === true) await followNow(opened, model);
  const routing = (await opened.registry.routing(model))?.routing;
  const states = await targetStates(opened.store, routing);
  const champion = routing?.aliases['champion'] ?? null;
  const { resolveTarget } = await import('../../targets/prepare.ts');
  const usages = (routing?.targets ?? []).map((setting) => {
    const { placing, config } = resolveTarget(setting);
    return placing.usage(config, model);
  });
  io.result({ model, champion, targets: states.map((state, index) => ({ ...state, usage: usages[index]! })) });
  if (states.length === 0)
    return io.print(
      `${model} has no targets besides the servers: "targets" of the deploy step names some (\`perennial schema target\` lists them).`,
    );
  const rows = states.map(({ target, place, version, inStep, at }) => [
    target,
    place,
    String(version ?? 'none'),
    inStep ? 'in step' : 'BEHIND',
    at === null ? '' : timeText(at),
  ]);
  io.print(table([['TARGET', 'PLACE', 'VERSION', 'STATE', 'SINCE'], ...rows]));
  for (const [index, state] of states.entries()) {
    if (!state.inStep) io.note(`${state.target}: ${state.why}`);
    io.print(`${state.target}: ${usages[index]!}`);
  }
  if (follow === true && states.some(({ inStep }) => !inStep)) io.exit(BEHIND);
}
