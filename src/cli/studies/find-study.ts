import { PerennialError, isPerennialError } from '../../core/errors.ts';
import { nearest } from '../../config/diagnostic.ts';
import type { StudyRecord } from '../../studies/stored-study.ts';
import { StudyStore } from '../../studies/study-store.ts';

/** The studies of the store of the environment. */
export async function openStudies(): Promise<StudyStore> {
  const { openStore } = await import('../../storage/open-store.ts');
  return new StudyStore(await openStore());
}

/** Newest first. */
export async function allStudies(studies: StudyStore, pipeline?: string): Promise<StudyRecord[]> {
  const found: StudyRecord[] = [];
  for await (const record of studies.studies(pipeline)) found.push(record);
  return found.sort((a, b) => b.startedAt.localeCompare(a.startedAt));
}

/** What a user calls a study. @throws NOT_FOUND, also where it fits several */
export async function findStudy(studies: StudyStore, name: string): Promise<StudyRecord> {
  const all = await allStudies(studies);
  const exact = all.find(({ study }) => study === name);
  if (exact !== undefined) return exact;
  const ofPipeline = all.find(({ pipeline }) => pipeline === name);
  if (ofPipeline !== undefined) return ofPipeline;
  const fitting = all.filter(({ study, run }) => study.startsWith(name) || run.startsWith(name));
  if (fitting.length === 1) return fitting[0]!;
  if (fitting.length > 1)
    throw new PerennialError(
      'NOT_FOUND',
      `"${name}" fits more than one study: ${fitting
        .slice(0, 5)
        .map(({ study }) => study)
        .join(', ')}.`,
      {
        hint: 'Give more of its name.',
      },
    );
  const meant = nearest(name, [...new Set(all.flatMap(({ study, pipeline }) => [study, pipeline]))]);
  throw new PerennialError('NOT_FOUND', `There is no study "${name}".${meant === undefined ? '' : ` Did you mean "${meant}"?`}`, {
    hint: all.length === 0 ? 'A document with a tune step makes one when it runs.' : 'List what exists with `perennial studies list`.',
  });
}

/** Milliseconds that a command waits for Temporal to say what still runs. */
const ASK_MS = 2_000;

/**
 * Studies as they are. Where Temporal is away, those that were running when they last wrote are given as they are.
 *
 * @returns with whether that is certain
 */
export async function asTheyAre(
  studies: StudyStore,
  records: readonly StudyRecord[],
): Promise<{ readonly records: readonly StudyRecord[]; readonly certain: boolean }> {
  if (records.every(({ state }) => state !== 'running')) return { records, certain: true };
  const [{ connectOwn }, { settled }, { temporalConfig }] = await Promise.all([
    import('../../runs/own-stack.ts'),
    import('../../runs/settle-studies.ts'),
    import('../../../temporal.config.ts'),
  ]);
  try {
    const temporal = await connectOwn({ ...temporalConfig(), connectTimeoutMs: ASK_MS });
    try {
      const now: StudyRecord[] = [];
      for (const record of records) now.push(await settled(temporal, studies, record));
      return { records: now, certain: true };
    } finally {
      await temporal.close();
    }
  } catch (error) {
    if (!isPerennialError(error) || !['TEMPORAL_UNAVAILABLE', 'STACK_UNREADABLE'].includes(error.code)) throw error;
    return { records, certain: false };
  }
}

/** Said where it is not certain what still runs. */
export const UNCERTAIN = 'Temporal is away: a study that is called running was when it last wrote.';
