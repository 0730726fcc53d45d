import type { Json } from './json.ts';

/** What steps exchange. A step states the kinds it takes and gives; wiring follows from them. */
export const ARTIFACT_KINDS = ['dataset', 'examples', 'model', 'evaluation', 'version', 'deployment', 'report', 'data', 'export'] as const;
export type ArtifactKind = (typeof ARTIFACT_KINDS)[number];

/** What travels through Temporal in place of the data. */
export interface ArtifactRef {
  readonly kind: ArtifactKind;
  /** SHA-256 (hex) of the manifest's canonical JSON; the manifest lies at `artifacts/<digest>.json`. */
  readonly digest: string;
  /** One line for people, e.g. "344 rows, 7 columns". */
  readonly summary: string;
}

export interface ArtifactFile {
  readonly digest: string;
  readonly size: number;
}

/**
 * An artifact is a small JSON manifest over content-addressed blobs. It holds no time and no run id: equal contents give an
 * equal digest, which is what the step cache rests on.
 */
export interface ArtifactManifest {
  readonly formatVersion: 1;
  readonly kind: ArtifactKind;
  readonly summary: string;
  /** File name inside the artifact (forward slashes) → blob. */
  readonly files: Readonly<Record<string, ArtifactFile>>;
  /** Small facts, typed per kind (see `DatasetMeta`, `ExamplesMeta`, `ModelMeta`, … in the domain that makes the kind). */
  readonly meta: Json;
}
