import { PerennialError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { ArtifactStore, ObjectStore } from '../core/ports.ts';
import type { TensorSpec } from '../core/tensor.ts';
import type { PreviewBase } from './preview-examples.ts';
import type { BaseSource } from '../training/transfer/base-files.ts';
import type { BaseNetwork } from '../training/transfer/base.ts';
import type { BaseReference, RegisteredReference } from '../training/transfer/transfer-config.ts';

/** What a train step of the plan will give, as far as it is known before it ran. */
export interface PlannedTrain {
  readonly network: BaseNetwork;
  /** Of its examples. */
  readonly examples: PreviewBase;
}

/** What plans look at besides the document, opened when it is needed. */
export interface Registered {
  readonly store: ObjectStore;
  readonly artifacts: ArtifactStore;
}

export async function openRegistered(): Promise<Registered> {
  const { openStore } = await import('../storage/open-store.ts');
  const { createArtifactStore } = await import('../storage/artifact-store.ts');
  const store = await openStore();
  return { store, artifacts: createArtifactStore(store) };
}

/**
 * The version that a run would start from now; undefined where there is none and the document says what happens then.
 *
 * @throws NOT_FOUND, VERSION_INVALID
 */
async function registeredSource(
  { model, version = 'champion' }: RegisteredReference,
  onMissing: 'fail' | 'go on',
  open: () => Promise<Registered>,
): Promise<Extract<BaseSource, { artifact: unknown }> | undefined> {
  const { store, artifacts } = await open();
  const { findBaseVersion } = await import('../registry/base-version.ts');
  const { findVersion } = await import('../registry/registry.ts');
  const found = await findBaseVersion(store, model, version);
  if (found === undefined && onMissing === 'go on') return undefined;
  const { version: number, model: ref } = found ?? (await findVersion(store, model, version));
  return { origin: { model, version: number, digest: ref.digest }, artifact: await artifacts.open(ref) };
}

/** The network that a train step starts from. @throws as above; SOURCE_NOT_FOUND, MODEL_INVALID */
export async function planBaseNetwork(
  from: BaseReference,
  onMissing: 'fail' | 'go on',
  inputs: readonly TensorSpec[],
  documentDir: string,
  planned: PlannedTrain | undefined,
  open: () => Promise<Registered>,
): Promise<BaseNetwork | undefined> {
  if ('input' in from) return known(planned).network;
  const { digestModelFile, readBaseNetwork } = await import('../training/transfer/base-files.ts');
  if ('file' in from) {
    const { path, digest } = await digestModelFile(from.file, documentDir);
    return readBaseNetwork({ origin: { file: from.file, digest }, path }, inputs);
  }
  const source = await registeredSource(from, onMissing, open);
  return source === undefined ? undefined : readBaseNetwork(source, inputs);
}

/** The preprocessing that a preprocess step takes over. @throws as above */
export async function planReused(
  from: { readonly model?: string; readonly version?: number | string; readonly onMissing?: 'fail' | 'fit' },
  planned: PlannedTrain | undefined,
  open: () => Promise<Registered>,
): Promise<PreviewBase | undefined> {
  const { model, version } = from;
  if (model === undefined) return known(planned).examples;
  const source = await registeredSource(
    { model, ...(version === undefined ? {} : { version }) },
    from.onMissing === 'fit' ? 'go on' : 'fail',
    open,
  );
  if (source === undefined) return undefined;
  const { loadPreprocessor } = await import('../data/preprocess/preprocessor.ts');
  const { baseText } = await import('../training/transfer/base.ts');
  const preprocessor = await source.artifact.json<JsonObject>('preprocessor.json');
  const { inputs, output } = loadPreprocessor(preprocessor);
  return { text: baseText(source.origin), inputs, output, preprocessor };
}

/** A base of the same plan whose layers are not known leaves those after it unknown too. */
export class BaseUnknown extends Error {}

function known(planned: PlannedTrain | undefined): PlannedTrain {
  if (planned === undefined) throw new BaseUnknown('the model that it starts from is not known before the run');
  return planned;
}

/** True for what a plan says and goes on after: a store that is away. */
export function isAway(error: unknown): boolean {
  return error instanceof PerennialError && error.code === 'STORE_UNAVAILABLE';
}
