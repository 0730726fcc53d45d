import { PerennialError } from '../core/errors.ts';
import type { Place } from './places/place.ts';

/** Who keeps a model at a place. */
export interface Owner {
  /** Identity of the store. */
  readonly store: string;
  /** Where the store is, for messages. */
  readonly location: string;
}

/** `<model>/owner/<identity of the store>/owner.json`: a folder each, so that none writes over another's. */
const FILE = 'owner.json';
const folderOf = (model: string): string => `${model}/owner`;
const pathOf = (model: string, store: string): string => `${folderOf(model)}/${store}/${FILE}`;

/**
 * The store that keeps the model here. Of two that began at the same moment it is the same one for all who look, and the other is refused
 * from then on.
 */
async function ownerOf(place: Place, model: string): Promise<string | undefined> {
  const stores = await place.folders(folderOf(model));
  return stores.sort()[0];
}

/** @throws TARGET_TAKEN where another store keeps a model of that name here */
export async function checkOwner(place: Place, model: string, { store }: Pick<Owner, 'store'>): Promise<void> {
  const owner = await ownerOf(place, model);
  if (owner === undefined || owner === store) return;
  const bytes = await place.read(pathOf(model, owner));
  throw new PerennialError(
    'TARGET_TAKEN',
    `${place.location}/${model} is kept by another store${locationIn(bytes)}: two would overwrite which version of ${model} is the champion there.`,
  );
}

/** From here on the model of that name is this store's. @throws TARGET_TAKEN */
export async function claim(place: Place, model: string, owner: Owner): Promise<void> {
  await checkOwner(place, model, owner);
  const path = pathOf(model, owner.store);
  if ((await place.read(path)) !== undefined) return;
  await place.write(path, Buffer.from(`${JSON.stringify(owner)}\n`));
  await checkOwner(place, model, owner);
}

function locationIn(bytes: Uint8Array | undefined): string {
  if (bytes === undefined) return '';
  try {
    return ` (${String((JSON.parse(Buffer.from(bytes).toString('utf8')) as Owner).location)})`;
  } catch {
    return '';
  }
}
