import { isAbsolute, resolve } from 'node:path';
import { PerennialError } from '../../core/errors.ts';
import { parseStoreUri } from '../../storage/open-store.ts';
import type { Place } from './place.ts';

export const isBucket = (path: string): boolean => path.startsWith('s3://');

/** A path of a document made whole: a folder is relative to the document. @throws USAGE for an address of a bucket that is none */
export function wholePath(path: string, documentDir: string): string {
  return isBucket(path) ? path.replace(/\/+$/, '') : resolve(documentDir, path);
}

/**
 * Where a path leads to. A bucket is reached with the credentials of the environment, as the store is.
 *
 * @param path whole: absolute, or "s3://bucket/prefix"
 * @throws USAGE, SECRET_MISSING
 */
export async function openPlace(path: string): Promise<Place> {
  if (!isBucket(path)) {
    if (!isAbsolute(path)) throw new PerennialError('INTERNAL', `The path "${path}" of a target is not whole.`);
    const { FolderPlace } = await import('./folder-place.ts');
    return new FolderPlace(path);
  }
  const address = parseStoreUri(path, process.env, '"path" of the target');
  if (address.kind !== 's3') throw new PerennialError('INTERNAL', `"${path}" is no bucket.`);
  const [{ S3Store }, { RetryingStore }, { BucketPlace }] = await Promise.all([
    import('../../storage/s3-store.ts'),
    import('../../storage/retrying-store.ts'),
    import('./bucket-place.ts'),
  ]);
  return new BucketPlace(new RetryingStore(new S3Store(address)));
}
