import { PerennialError, isPerennialError, messageOf } from '../core/errors.ts';
import type { TargetSetting, TargetState, TargetsView } from '../core/targets.ts';
import { readRouting } from '../registry/routing.ts';
import { readVersion } from '../registry/versions.ts';
import type { Routing } from '../registry/types.ts';
import { ensureIdentity } from '../storage/store-identity.ts';
import { openPlace } from './places/open-place.ts';
import { nameChampion, putVersion, takeAway } from './placed-versions.ts';
import { prepareVersion, resolveTarget } from './prepare.ts';
import { readState, writeState } from './records.ts';
import type { TargetTools } from './target.ts';

/** Changes of the champion while one is followed: each is followed in turn. */
const TURNS_MAX = 20;

/**
 * Brings every target of a model in step with its routing: the champion lies there, is the one that is served, and what is too old is
 * gone. One that fails holds up no other. Harmless where all is so already.
 */
export async function followTargets(tools: TargetTools, model: string): Promise<TargetsView> {
  for (let turn = 1; ; turn += 1) {
    const routing = (await readRouting(tools.store, model))?.routing;
    const champion = routing?.aliases['champion'];
    const settings = routing?.targets ?? [];
    if (routing === undefined || champion === undefined || settings.length === 0)
      return { model, champion: champion ?? null, revision: routing?.revision ?? 0, targets: [] };
    const targets: TargetState[] = [];
    for (const setting of settings) targets.push(await followOne(tools, routing, champion, setting));
    const now = (await readRouting(tools.store, model))?.routing;
    // Another champion by now: whoever made it asks as well, but what was written here last must not be what stays.
    if (now === undefined || now.aliases['champion'] === champion || turn === TURNS_MAX)
      return { model, champion, revision: routing.revision, targets };
  }
}

async function followOne(tools: TargetTools, routing: Routing, champion: number, setting: TargetSetting): Promise<TargetState> {
  const { store } = tools;
  const { name: model, revision } = routing;
  const place = String(setting.config['path']);
  const before = await readState(store, model, setting);
  const state = (rest: Omit<TargetState, 'target' | 'place'>): TargetState => ({ target: setting.name, place, ...rest });
  let now: TargetState;
  try {
    await bringInStep(tools, routing, champion, setting);
    now = state({ version: champion, inStep: true });
  } catch (error) {
    const refused = isPerennialError(error) && !error.retryable;
    now = state({ version: before?.version ?? null, inStep: false, why: messageOf(error), ...(refused ? { refused } : {}) });
  }
  await writeState(store, setting, { formatVersion: 1, name: model, revision, at: new Date().toISOString(), ...now });
  return now;
}

async function bringInStep(tools: TargetTools, { name: model }: Routing, champion: number, setting: TargetSetting): Promise<void> {
  const { placing, config } = resolveTarget(setting);
  const manifest = await readVersion(tools.store, model, champion);
  if (manifest === undefined)
    throw new PerennialError('VERSION_INVALID', `Version ${champion} of ${model} is champion, and is not in the store.`);
  const prepared = await prepareVersion(tools, manifest, setting);
  if (prepared.refusals.length > 0)
    throw new PerennialError(
      'GATE_REJECTED',
      `Version ${champion} of ${model} must not go to ${setting.name}: ${prepared.refusals.join('; ')}.`,
    );
  const artifact = await tools.artifacts.open(prepared.artifact);
  const place = await openPlace(config.path);
  const { id: store } = await ensureIdentity(tools.store);
  await putVersion(place, placing, manifest, { artifact, owner: { store, location: tools.store.location } });
  await placing.point?.(place, model, { version: champion, artifact }, config);
  await nameChampion(place, manifest);
  await takeAway(place, placing, manifest, { config, store });
}
