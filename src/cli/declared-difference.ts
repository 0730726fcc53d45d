import { PerennialError, isPerennialError } from '../core/errors.ts';
import type { ObjectStore } from '../core/ports.ts';
import type { FoundDocuments } from '../config/find-documents.ts';
import type { Temporal } from '../runs/connect.ts';
import type { Declared } from '../runs/declared.ts';
import type { Difference, DifferenceOptions } from '../runs/difference.ts';
import { currentUser } from './models/options.ts';

/** Documents of files and folders, compiled. */
export interface GivenDocuments extends FoundDocuments {
  readonly declared: readonly Declared[];
}

/** @throws DOCUMENT_INVALID with the mistakes of all of them, DOCUMENT_UNREADABLE; USAGE where nothing of it is a document */
export async function readDocuments(paths: readonly string[], params: readonly string[]): Promise<GivenDocuments> {
  const [{ findDocuments }, { parseParameterOptions }, { compileAll }] = await Promise.all([
    import('../config/find-documents.ts'),
    import('../config/parameters.ts'),
    import('./compile-all.ts'),
  ]);
  const found = await findDocuments(paths);
  // Every document first: half an application would be worse than none.
  return { ...found, declared: await compileAll(found.files, parseParameterOptions(params)) };
}

/**
 * The store, where it can be opened from here: of one that nobody here can open the documents may say nothing.
 *
 * @throws STORE_… where a document needs it
 */
export async function storeOf(declared: readonly Declared[], told: (problem: string) => void): Promise<ObjectStore | undefined> {
  const { openStore } = await import('../storage/open-store.ts');
  try {
    return await openStore();
  } catch (error) {
    if (declared.some(({ plan }) => plan.on.publish !== undefined) || !isPerennialError(error)) throw error;
    told(`The store cannot be opened from here, so that what was applied before is not known: ${error.message}`);
    return undefined;
  }
}

/** Compares documents with what lives. @throws what {@link compareDeclared} throws */
export async function differenceOf(
  temporal: Temporal,
  store: ObjectStore | undefined,
  { declared, folders, leftOut }: Pick<GivenDocuments, 'declared' | 'folders' | 'leftOut'>,
  options: Omit<DifferenceOptions, 'folders' | 'leftOut' | 'who'> = {},
): Promise<Difference> {
  const [{ compareDeclared }, { steps }] = await Promise.all([
    import('../runs/difference.ts'),
    import('../../activities/steps/index.generated.ts'),
  ]);
  return compareDeclared(temporal, store, declared, steps, { ...options, folders, leftOut, who: currentUser() });
}

/** Old names by new ones. @param moves `OLD=NEW`, or `OLD` where one document was given: its new name */
export function renamesTold(moves: readonly string[], declared: readonly Declared[]): Map<string, string> {
  return new Map(
    moves.map((text) => {
      const [from, to = declared.length === 1 ? declared[0]!.plan.pipeline : undefined, ...more] = text.split('=');
      if (from === undefined || from === '' || to === undefined || to === '' || more.length > 0)
        throw new PerennialError('USAGE', `--move takes OLD=NEW, two names of a pipeline; ${JSON.stringify(text)} was given.`, {
          hint: 'For example: --move penguins=birds',
        });
      return [to, from];
    }),
  );
}
