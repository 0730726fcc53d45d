import type { ArtifactRef } from '../core/artifact.ts';
import { isPerennialError } from '../core/errors.ts';
import { canonicalJson } from '../core/json.ts';
import type { Json, JsonObject } from '../core/json.ts';
import type { ArtifactStore, ObjectStore, OpenArtifact } from '../core/ports.ts';
import { sha256 } from '../storage/digest.ts';
import { putJson } from '../storage/json-objects.ts';
import type { Export, ExportCheck } from '../training/bundle/create-export.ts';
import type { Named } from '../training/model/named.ts';
import { MODEL } from '../training/model/model-meta.ts';
import { EXPORT, ofVersion } from './documents.ts';
import { exportKey, exportsPrefix } from './keys.ts';
import type { VersionExport } from './types.ts';
import { getStored, metaAs } from '../storage/stored.ts';

/** An export in the store that no version has yet. */
export interface StoredExport {
  readonly format: string;
  readonly config: JsonObject;
  readonly artifact: ArtifactRef;
  readonly check: ExportCheck;
  readonly notes: readonly string[];
}

/**
 * Writes a model in another format, checks it on rows of its own test split, and stores it.
 *
 * @param name of the registered model
 * @throws EXPORT_DIFFERS, MODEL_INVALID
 */
export async function makeExport(artifacts: ArtifactStore, model: OpenArtifact, name: string, named: Named): Promise<StoredExport> {
  const { createExport } = await import('../training/bundle/create-export.ts');
  const made = await createExport(model, name, named, await examplesOf(artifacts, model));
  const { format, config, check, notes } = made;
  const artifact = await artifacts.write({
    kind: 'export',
    summary: summaryOf(made),
    files: made.files,
    meta: { model: model.ref.digest, format, config, check, notes } as unknown as Json,
  });
  return { format, config, artifact, check, notes };
}

/** What the model was trained on; undefined where it is gone. */
async function examplesOf(artifacts: ArtifactStore, model: OpenArtifact): Promise<OpenArtifact | undefined> {
  const { examples } = metaAs(model, MODEL);
  try {
    return await artifacts.open({ digest: examples });
  } catch (error) {
    if (isPerennialError(error, 'OBJECT_NOT_FOUND')) return undefined;
    throw error;
  }
}

export function summaryOf({ format, check }: Pick<Export, 'format' | 'check'>): string {
  const same =
    check.sameClass === null || check.sameClass === 1 ? '' : `, ${(100 * check.sameClass).toFixed(1)} % of the rows in the same class`;
  return `${format}, within ${check.largestDifference.toPrecision(2)} of the model on ${check.rows} ${check.source === 'test' ? 'rows of the test split' : 'drawn rows'}${same}`;
}

/** One per format and configuration: the same export again takes the place of the one before. */
export async function saveExports(store: ObjectStore, name: string, version: number, exports: readonly StoredExport[]): Promise<void> {
  const { exportRegistry } = await import('../training/exports/index.generated.ts');
  for (const { format, config, artifact, check, notes } of exports) {
    const folder = exportRegistry.get(format).folder?.(name, version) ?? '';
    const record: VersionExport = { formatVersion: 1, name, version, format, config, artifact, folder, check, notes };
    await putJson(store, exportKey(name, version, exportId(format, config)), record);
  }
}

/** Of a version, by format. */
export async function exportsOf(store: ObjectStore, name: string, version: number): Promise<VersionExport[]> {
  const records: VersionExport[] = [];
  for await (const { key } of store.list(exportsPrefix(name, version))) {
    const found = await getStored(store, EXPORT, key, ofVersion(name, version));
    if (found !== undefined) records.push(found.value);
  }
  return records;
}

export async function findExport(
  store: ObjectStore,
  name: string,
  version: number,
  format: string,
  config: JsonObject,
): Promise<VersionExport | undefined> {
  return (await getStored(store, EXPORT, exportKey(name, version, exportId(format, config)), ofVersion(name, version)))?.value;
}

const exportId = (format: string, config: JsonObject): string => `${format}-${sha256(canonicalJson(config)).slice(0, 12)}`;
