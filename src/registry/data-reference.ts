import { isPerennialError } from '../core/errors.ts';
import { canonicalJson } from '../core/json.ts';
import type { Json, JsonObject } from '../core/json.ts';
import type { ArtifactStore, ObjectStore } from '../core/ports.ts';
import type { OutputSpec } from '../core/tensor.ts';
import type { IngestConfig } from '../data/ingest/ingest-config.ts';
import { labelList } from '../data/ingest/label-columns.ts';
import type { KnownLabel, ReferenceSchema } from '../data/ingest/reference-schema.ts';
import { datasetMeta } from '../data/stored/dataset-rows.ts';
import { PROFILE } from '../data/stored/dataset.ts';
import { REFERENCE_FILE, decodeReference } from '../data/stored/reference-values.ts';
import { sha256 } from '../storage/digest.ts';
import { fileAs } from '../storage/stored.ts';
import type { ModelMeta } from '../training/model/model-meta.ts';
import { createRegistry } from './registry.ts';
import type { Registry } from './registry.ts';
import type { VersionManifest } from './types.ts';

export interface FoundReference {
  readonly schema: ReferenceSchema;
  /** Digest of the source that it was read from. */
  readonly source: string;
  /** It was read by a reference itself: read without one, columns may get other types. */
  readonly compared: boolean;
  /** For people, where its source was another one. */
  readonly note?: string;
}

/** There is a version, and it says nothing about these data. */
export interface NoReference {
  readonly none: string;
}

/**
 * How the data of the last version looked, whatever file they came from: of the champion of the model that the pipeline registers, else
 * of the newest version that it made. Versions of other pipelines say nothing about these data, unless the document names them.
 *
 * @throws VERSION_INVALID, NOT_FOUND for a version or a model that the document names and that does not exist
 */
export async function findReference(
  store: ObjectStore,
  artifacts: ArtifactStore,
  pipeline: string,
  config: IngestConfig,
): Promise<FoundReference | NoReference | undefined> {
  const { version: wanted, model } = config.reference ?? {};
  if (wanted === 'none') return undefined;
  const registry = createRegistry(store, artifacts);
  const manifest =
    wanted !== undefined
      ? await registry.version(model ?? pipeline, wanted)
      : model !== undefined
        ? await lastVersion(registry, model, undefined)
        : ((await lastVersion(registry, pipeline, pipeline)) ?? (await underAnotherName(registry, pipeline)));
  if (manifest === undefined || manifest.dataset === null || manifest.dataset === undefined) return undefined;
  const text = `${manifest.name} version ${manifest.version}`;
  const dataset = await artifacts.open({ digest: manifest.dataset });
  const meta = datasetMeta(dataset);
  if (meta.reading === undefined) return undefined;
  const [label] = labelList(config.label);
  const sameSource = meta.source.path === config.source.path && meta.source.format === config.source.format;
  const said = `${config.source.format} ${config.source.path} is another source than that of ${text} (${String(meta.source.format)} ${String(meta.source.path)})`;
  // A pipeline may read a second table for another question.
  if (!sameSource && label !== undefined && meta.label !== null && label !== meta.label)
    return { none: `${said}, with the label "${label}" in place of "${meta.label}": the data are not compared with it.` };
  const profile = await fileAs(dataset, PROFILE, 'profile.json');
  // A model that a program made may say nothing of it: then the profile tells.
  const labels = knownLabels(((await artifacts.open(manifest.model)).manifest.meta as Partial<Pick<ModelMeta, 'output'>>).output);
  return {
    source: String(meta.source.digest),
    compared: meta.compared === true,
    ...(sameSource ? {} : { note: `${said}, and is compared with it.` }),
    schema: {
      text,
      reading: meta.reading,
      profile,
      labels,
      ...(meta.labelCopies === undefined ? {} : { copies: meta.labelCopies }),
      ...(dataset.manifest.files[REFERENCE_FILE] === undefined ? {} : { values: decodeReference(await dataset.bytes(REFERENCE_FILE)) }),
    },
  };
}

function knownLabels(output: OutputSpec | undefined): KnownLabel[] {
  if (output?.kind === 'several') return output.outputs.flatMap(knownLabels);
  if (output?.kind === 'classes') return [{ name: output.name, kind: 'classes', classes: output.classes }];
  return output?.kind === 'number' ? [{ name: output.name, kind: 'number' }] : [];
}

/** The champion, else the newest version. @param pipeline that made it, where that matters */
async function lastVersion(registry: Registry, model: string, pipeline: string | undefined): Promise<VersionManifest | undefined> {
  const fits = ({ pipeline: made, dataset }: VersionManifest): boolean =>
    (pipeline === undefined || made === pipeline) && typeof dataset === 'string';
  const champion = (await registry.routing(model))?.routing.aliases['champion'];
  if (champion !== undefined) {
    const manifest = await registry.version(model, champion);
    if (fits(manifest)) return manifest;
  }
  try {
    return (await registry.versions(model)).findLast(fits);
  } catch (error) {
    if (isPerennialError(error, 'NOT_FOUND') && pipeline !== undefined) return undefined;
    throw error;
  }
}

/** A register step may give the model a name of its own. Of several the one that was registered last. */
export async function underAnotherName(registry: Registry, pipeline: string): Promise<VersionManifest | undefined> {
  let last: VersionManifest | undefined;
  for (const { name } of await registry.models()) {
    if (name === pipeline) continue;
    const found = await lastVersion(registry, name, pipeline);
    if (found !== undefined && (last === undefined || found.createdAt > last.createdAt)) last = found;
  }
  return last;
}

/** The reference, unless these data are the very ones that it was read from: those have nothing to be compared with. */
export function referenceFor(found: FoundReference | NoReference | undefined, source: string): FoundReference | undefined {
  if (found === undefined || 'none' in found) return undefined;
  return found.source === source && !found.compared ? undefined : found;
}

/** What a cache key has to know of it. */
export function fingerprintReference(found: FoundReference | NoReference | undefined, source: string): JsonObject {
  const reference = referenceFor(found, source);
  if (reference === undefined) return {};
  const { reading, profile, labels, copies } = reference.schema;
  return { reference: sha256(canonicalJson({ reading, profile, labels, copies: copies ?? [] } as unknown as Json)) };
}
