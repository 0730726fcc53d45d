import { PerennialError, messageOf } from './errors.ts';

/** What the operating system says of a file, in words. ENOENT is not among them: who opens a file knows what is missing without it. */
const WORDS: Readonly<Record<string, { readonly what: string; readonly hint: string }>> = {
  EACCES: { what: 'may not be used by this user', hint: 'Let the user that Perennial runs as read and write there.' },
  EPERM: { what: 'may not be used by this user', hint: 'Let the user that Perennial runs as read and write there.' },
  EROFS: { what: 'lies on a file system that cannot be written to', hint: 'Name a place that can be written to.' },
  EEXIST: {
    what: 'is there already, as something else than what is to lie there',
    hint: 'Name another place, or move away what lies there.',
  },
  ENOTDIR: { what: 'leads through a file, as if that were a folder', hint: 'Name another place, or move away what lies there.' },
  EISDIR: { what: 'is a folder; a file is expected', hint: 'Name a file.' },
  ENAMETOOLONG: { what: 'is longer than names of files may be', hint: 'Choose a shorter name.' },
  ELOOP: { what: 'is a link that leads to itself', hint: 'Mend the link.' },
  EMFILE: { what: 'cannot be opened: this process has too many files open', hint: 'Raise the limit of open files (`ulimit -n`).' },
  ENFILE: { what: 'cannot be opened: this machine has too many files open', hint: 'Raise the limit of open files of the machine.' },
};

/** Whether the disk, or what this user may take of it, is used up. */
export function isDiskFull(error: unknown): boolean {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/**
 * An error of the file system that nobody foresaw, in words for whoever named the place or owns the disk.
 *
 * @returns undefined for any other error
 */
export function fileTrouble(error: unknown): PerennialError | undefined {
  const { code = '', path, dest, syscall } = (error ?? {}) as NodeJS.ErrnoException & { readonly dest?: string };
  if (isDiskFull(error))
    return new PerennialError('STORE_FULL', `No space is left on the disk: ${messageOf(error)}`, {
      hint: 'Free space on this disk.',
      cause: error,
    });
  const words = WORDS[code];
  if (words === undefined || syscall === undefined || path === undefined) return undefined;
  return new PerennialError('FILE_UNUSABLE', `${dest ?? path} ${words.what} (${code}, ${syscall}).`, { hint: words.hint, cause: error });
}
