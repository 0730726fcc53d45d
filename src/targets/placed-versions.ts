import { PerennialError } from '../core/errors.ts';
import type { OpenArtifact } from '../core/ports.ts';
import type { VersionManifest } from '../registry/types.ts';
import { checkOwner, claim } from './owner.ts';
import type { Owner } from './owner.ts';
import type { Place } from './places/place.ts';
import type { PlacedConfig, Placing } from './target.ts';

/** `<model>/about/<version>.json`: whose the folder of a version is. Written before the folder is begun. */
interface About {
  readonly model: string;
  readonly version: number;
  /** Of the manifest of the version: another store has another one. */
  readonly id: string;
  readonly artifact: string;
  /** Identity of the store that put it there; absent in what was written before there was such. */
  readonly store?: string;
}

const aboutPath = (model: string, version: number): string => `${model}/about/${version}.json`;
const folderPath = (model: string, version: number): string => `${model}/${version}`;

/** What lies where a version is to lie. @throws TARGET_TAKEN where that is another model's */
async function whatIsThere(
  place: Place,
  { name: model, version: number, id }: VersionManifest,
): Promise<{ readonly isThere: boolean; readonly about: About | undefined }> {
  const folder = folderPath(model, number);
  const about = await readAbout(place, model, number);
  const isThere = (await place.folders(model)).includes(String(number));
  if (isThere && about?.id !== id)
    throw new PerennialError(
      'TARGET_TAKEN',
      `${place.location}/${folder} holds ${about === undefined ? 'something that Perennial did not put there' : 'the version of another store'}, and is to hold version ${number} of ${model}.`,
    );
  return { isThere, about };
}

/** @throws TARGET_TAKEN */
export async function checkFree(place: Place, version: VersionManifest, store: string): Promise<void> {
  await whatIsThere(place, version);
  await checkOwner(place, version.name, { store });
  await checkOthers(place, version.name, store);
}

/** Versions of another store that were laid down before it was written whose a model is. @throws TARGET_TAKEN */
async function checkOthers(place: Place, model: string, store: string): Promise<void> {
  for (const name of await place.folders(model)) {
    if (!/^[1-9]\d*$/.test(name)) continue;
    const about = await readAbout(place, model, Number(name));
    if (about?.store !== undefined && about.store !== store)
      throw new PerennialError(
        'TARGET_TAKEN',
        `${place.location}/${folderPath(model, Number(name))} holds a version of another store: two would overwrite which version of ${model} is the champion there.`,
      );
  }
}

/**
 * Lays a version there, once: what lies there already is left as it is, since who watches the folder has it loaded.
 *
 * @param options store: whose version it is, which from now on keeps the model of that name here
 * @throws TARGET_TAKEN where the number is another model's, or another store keeps a model of that name here
 */
export async function putVersion<C>(
  place: Place,
  { first }: Placing<C>,
  version: VersionManifest,
  { artifact, owner }: { readonly artifact: OpenArtifact; readonly owner: Owner },
): Promise<void> {
  const { name: model, version: number, id } = version;
  const folder = folderPath(model, number);
  const { isThere, about } = await whatIsThere(place, version);
  await checkOthers(place, model, owner.store);
  await claim(place, model, owner);
  if (isThere && about?.artifact === artifact.ref.digest && (await place.holds(folder, artifact))) return;
  // Gone before it is said that the folder holds other files: a writer that is killed in between must not leave the old ones under that
  // name, which may have the same sizes.
  if (isThere && about?.artifact !== artifact.ref.digest) await place.removeFolder(folder, first);
  const next: About = { model, version: number, id, artifact: artifact.ref.digest, store: owner.store };
  await place.write(aboutPath(model, number), Buffer.from(`${JSON.stringify(next)}\n`));
  await place.writeFolder(folder, artifact, first);
}

/** What must not be served any more, then what is too old. */
export async function takeAway<C extends PlacedConfig>(
  place: Place,
  placing: Placing<C>,
  { name: model, version: champion }: Pick<VersionManifest, 'name' | 'version'>,
  { config, store }: { readonly config: C; readonly store: string },
): Promise<void> {
  const withdraws = placing.withdraws?.(config) === true;
  const ours: number[] = [];
  for (const name of await place.folders(model)) {
    const number = /^[1-9]\d*$/.test(name) ? Number(name) : champion;
    if (number === champion) continue;
    const about = await readAbout(place, model, number);
    if (about !== undefined && (about.store ?? store) === store) ours.push(number);
    else if (withdraws && number > champion)
      throw new PerennialError(
        'TARGET_TAKEN',
        `${place.location}/${folderPath(model, number)} is served in place of version ${champion} of ${model}, and ${about === undefined ? 'Perennial did not put it there' : 'another store put it there'}.`,
      );
  }
  const goes = (number: number): boolean => withdraws && number > champion;
  const kept = ours
    .filter((number) => !goes(number))
    .sort((a, b) => b - a)
    .slice(0, config.keep - 1);
  for (const number of ours.filter((one) => !kept.includes(one))) {
    await place.removeFolder(folderPath(model, number), placing.first);
    await place.removeFile(aboutPath(model, number));
  }
}

/** For people and programs that look there: which version is the champion. */
export async function nameChampion(place: Place, { name: model, version, id, createdAt, metrics }: VersionManifest): Promise<void> {
  const text = `${JSON.stringify({ model, version, id, createdAt, metrics }, null, 1)}\n`;
  const path = `${model}/champion.json`;
  const there = await place.read(path);
  if (there === undefined || Buffer.from(there).toString('utf8') !== text) await place.write(path, Buffer.from(text));
}

async function readAbout(place: Place, model: string, version: number): Promise<About | undefined> {
  const bytes = await place.read(aboutPath(model, version));
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as About;
  } catch {
    return undefined;
  }
}
