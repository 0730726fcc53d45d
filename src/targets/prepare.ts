import { PerennialError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { TargetSetting } from '../core/targets.ts';
import type { VersionManifest } from '../registry/types.ts';
import { ensureIdentity } from '../storage/store-identity.ts';
import { nameAndConfig, resolveNamed } from '../training/model/named.ts';
import type { Named } from '../training/model/named.ts';
import { targetRegistry } from './index.generated.ts';
import { openPlace, wholePath } from './places/open-place.ts';
import { checkFree } from './placed-versions.ts';
import { findPrepared, savePrepared } from './records.ts';
import type { PreparedVersion } from './records.ts';
import type { PlacedConfig, Placing, TargetTools } from './target.ts';

/** Targets of a document as the routing keeps them: those with a place, paths made whole, defaults filled in. */
export function settingsOf(targets: readonly Named[], documentDir: string): TargetSetting[] {
  return targets
    .map((named) => resolveNamed(targetRegistry, named))
    .filter(({ definition }) => definition.placing !== undefined)
    .map(({ name, config }) => ({ name, config: { ...config, path: wholePath(String(config['path']), documentDir) } as JsonObject }));
}

/** Whether the servers of Perennial are among the targets; without any said they are. */
export function meansServers(targets: readonly Named[] | undefined): boolean {
  return targets === undefined || targets.some((named) => nameAndConfig('deployment target', named)[0] === 'server');
}

export interface ResolvedTarget {
  readonly placing: Placing<PlacedConfig>;
  readonly config: PlacedConfig;
}

/** @throws INTERNAL for a target without a place */
export function resolveTarget({ name, config }: TargetSetting): ResolvedTarget {
  const { placing } = targetRegistry.get(name);
  if (placing === undefined) throw new PerennialError('INTERNAL', `The target "${name}" has no place.`);
  return { placing, config: config as unknown as PlacedConfig };
}

/**
 * What a target gets of a version, as it was prepared before or is now. Nothing outside of the store is changed.
 *
 * @throws MODEL_INVALID, EXPORT_DIFFERS
 */
export async function prepareVersion(tools: TargetTools, version: VersionManifest, setting: TargetSetting): Promise<PreparedVersion> {
  const { store, artifacts } = tools;
  const { name: model, version: number } = version;
  const found = await findPrepared(store, model, number, setting);
  if (found !== undefined) return found;
  const { placing, config } = resolveTarget(setting);
  const { files, ...told } = await placing.prepare(tools, version, await artifacts.open(version.model), config);
  const summary = `${setting.name} of ${model} version ${number}`;
  const artifact = await artifacts.write({
    kind: 'export',
    summary,
    files,
    meta: { model: version.model.digest, target: setting.name, version: number } as unknown as JsonObject,
  });
  const { path: _path, keep: _keep, ...own } = setting.config;
  const prepared: PreparedVersion = {
    formatVersion: 1,
    name: model,
    version: number,
    target: setting.name,
    config: own,
    artifact,
    ...told,
  };
  await savePrepared(store, setting, prepared);
  return prepared;
}

/** Prepares a version for all targets, and looks whether their places can be written to: what fails, fails before anything is promoted. */
export async function prepareTargets(
  tools: TargetTools,
  version: VersionManifest,
  settings: readonly TargetSetting[],
): Promise<PreparedVersion[]> {
  const prepared: PreparedVersion[] = [];
  const { id: store } = await ensureIdentity(tools.store);
  for (const setting of settings) {
    const place = await openPlace(String(setting.config['path']));
    await place.check(0);
    await checkFree(place, version, store);
  }
  for (const setting of settings) {
    const one = await prepareVersion(tools, version, setting);
    const { files } = (await tools.artifacts.open(one.artifact)).manifest;
    await (await openPlace(String(setting.config['path']))).check(Object.values(files).reduce((sum, { size }) => sum + size, 0));
    prepared.push(one);
  }
  return prepared;
}
