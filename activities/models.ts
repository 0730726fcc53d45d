import type { ModelAnswer, PromoteRequest, RollbackRequest, UnpinRequest } from '../src/core/model-updates.ts';
import { withFailures } from './failures.ts';
import { askToFollow } from './targets.ts';
import type { ActivityDeps } from './deps.ts';

export interface ModelActivities {
  promoteModel(model: string, request: PromoteRequest, requestId: string): Promise<ModelAnswer>;
  rollbackModel(model: string, request: RollbackRequest, requestId: string): Promise<ModelAnswer>;
  unpinModel(model: string, request: UnpinRequest, requestId: string): Promise<ModelAnswer>;
}

/** What the model workflow's Updates do: change the routing, then ask the servers. */
export function modelActivities(deps: ActivityDeps): ModelActivities {
  const registryOf = async () => (await import('../src/registry/registry.ts')).createRegistry(deps.store, deps.artifacts);
  return {
    promoteModel: (model, request, requestId) =>
      withFailures(async () => {
        const alias = request.alias ?? 'champion';
        const registry = await registryOf();
        const change = await registry.promote(model, request.version, {
          alias,
          who: request.who,
          why: request.why,
          automatic: false,
          requestId,
        });
        return answer(deps, model, 'promote', alias, change);
      }),
    rollbackModel: (model, request, requestId) =>
      withFailures(async () => {
        const registry = await registryOf();
        const change = await registry.rollback(model, {
          ...(request.to === undefined ? {} : { to: request.to }),
          ...(request.automatic === undefined ? {} : { automatic: request.automatic }),
          who: request.who,
          why: request.why,
          requestId,
        });
        return answer(deps, model, 'rollback', 'champion', change);
      }),
    unpinModel: (model, request, requestId) =>
      withFailures(async () => {
        const registry = await registryOf();
        const change = await registry.unpin(model, { who: request.who, why: request.why, requestId });
        return answer(deps, model, 'unpin', 'champion', change);
      }),
  };
}

/** Servers follow the routing within a second; one that is busy loading gets this long. */
const CONFIRM_MS = 20_000;

interface Change {
  readonly from: number | null;
  readonly to: number | null;
  readonly pin: { readonly version: number } | null;
}

async function answer(
  deps: ActivityDeps,
  model: string,
  action: ModelAnswer['action'],
  alias: string,
  change: Change,
): Promise<ModelAnswer> {
  const { confirmServed } = await import('../src/registry/confirm.ts');
  const what =
    action === 'unpin'
      ? `${model} is no longer pinned`
      : `${alias} of ${model} is version ${change.to ?? 'none'}${change.pin !== null && action === 'rollback' ? ', pinned' : ''}`;
  const base = { model, action, alias, from: change.from, to: change.to, pinned: change.pin !== null };
  if (alias !== 'champion' || action === 'unpin' || change.to === null)
    return { ...base, confirmed: null, servers: [], summary: `${what}.` };
  const follow = await askToFollow(deps, model);
  const { confirmed, servers, summary } = await confirmServed(deps.store, model, change.to, { timeoutMs: CONFIRM_MS });
  return {
    ...base,
    confirmed,
    servers: servers.map(({ url, version }) => ({ url, version })),
    summary: `${what}. ${summary}${follow ? ' Its targets follow.' : ''}`,
  };
}
