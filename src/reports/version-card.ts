import type { ArtifactRef } from '../core/artifact.ts';
import { canonicalJson } from '../core/json.ts';
import type { Json } from '../core/json.ts';
import type { ArtifactStore, ObjectStore } from '../core/ports.ts';
import { isPerennialError } from '../core/errors.ts';
import { DATASET } from '../data/stored/dataset.ts';
import type { EvaluationReport } from '../evaluation/step/report.ts';
import { cardKey } from '../registry/keys.ts';
import type { VersionManifest } from '../registry/types.ts';
import { getJson, putJson } from '../storage/json-objects.ts';
import { OBJECT, defineStored, openAs, readStored, recordSchema } from '../storage/stored.ts';
import type { StoredKind } from '../storage/stored.ts';
import { MODEL } from '../training/model/model-meta.ts';
import { cardHtml, cardMarkdown } from './model-card-text.ts';
import { modelCard } from './model-card.ts';
import type { CardSections, ModelCard } from './model-card.ts';

/** `models/<name>/cards/<version>.json`: where the card of a version is. Files: model-card.json, model-card.md, model-card.html. */
interface CardRecord {
  readonly formatVersion: 1;
  readonly artifact: ArtifactRef;
}

/** {@link CardRecord} as it is stored. */
export const CARD: StoredKind<CardRecord> = defineStored({
  at: 'models/*/cards/*.json',
  fix: 'Restore it from a copy of the store, or remove it: the card is then made from the version, without what its document added.',
  name: 'model card',
  formatVersion: 1,
  schema: recordSchema({ artifact: OBJECT }),
});

export const CARD_FILES = { json: 'model-card.json', markdown: 'model-card.md', html: 'model-card.html' } as const;

/** Makes the card of a version and keeps it with it: made again, it takes the place of the one before. */
export async function writeCard(
  store: ObjectStore,
  artifacts: ArtifactStore,
  version: VersionManifest,
  sections: CardSections,
): Promise<ArtifactRef> {
  const card = await makeCard(artifacts, version, sections);
  const artifact = await artifacts.write({
    kind: 'report',
    summary: `model card of ${version.name} version ${version.version}`,
    files: {
      [CARD_FILES.json]: Buffer.from(`${JSON.stringify(card, null, 2)}\n`),
      [CARD_FILES.markdown]: Buffer.from(cardMarkdown(card)),
      [CARD_FILES.html]: Buffer.from(cardHtml(card)),
    },
    meta: JSON.parse(canonicalJson({ model: version.name, version: version.version })) as Json,
  });
  await putJson(store, cardKey(version.name, version.version), { formatVersion: 1, artifact } satisfies CardRecord);
  return artifact;
}

/** The card of a version in a format: as it was written, or, of one of before there were cards, made now. @throws BLOB_CORRUPT */
export async function readCard(
  store: ObjectStore,
  artifacts: ArtifactStore,
  version: VersionManifest,
  format: keyof typeof CARD_FILES,
): Promise<Uint8Array> {
  const key = cardKey(version.name, version.version);
  const stored = await getJson(store, key);
  if (stored !== undefined) {
    const { artifact } = readStored(CARD, stored.value, `${store.location}: "${key}"`);
    return (await artifacts.open(artifact)).bytes(CARD_FILES[format]);
  }
  const card = await makeCard(artifacts, version, {});
  return Buffer.from(
    format === 'json' ? `${JSON.stringify(card, null, 2)}\n` : format === 'markdown' ? cardMarkdown(card) : cardHtml(card),
  );
}

async function makeCard(artifacts: ArtifactStore, version: VersionManifest, sections: CardSections): Promise<ModelCard> {
  const { meta: model } = await openAs(artifacts, MODEL, version.model);
  const dataset =
    version.dataset === null || version.dataset === '' ? undefined : await orGone(openAs(artifacts, DATASET, { digest: version.dataset }));
  const evaluation =
    version.evaluation === null
      ? undefined
      : await orGone(artifacts.open(version.evaluation).then((one) => one.json<EvaluationReport>('evaluation.json')));
  return modelCard({
    version,
    model,
    ...(dataset === undefined ? {} : { dataset: dataset.meta }),
    ...(evaluation === undefined ? {} : { evaluation }),
    sections,
  });
}

/** undefined: a clean-up took it. */
async function orGone<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isPerennialError(error, 'OBJECT_NOT_FOUND')) return undefined;
    throw error;
  }
}
