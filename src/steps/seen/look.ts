import { existsSync, readFileSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';

/** Files that count at most: a folder of data belongs into an ingest step. */
export const FILES_MAX = 2_000;
/** Bytes of a source that is read for what it reads itself. */
const SOURCE_BYTES_MAX = 2 * 1024 * 1024;
/** Folders of tools: what they hold follows from elsewhere, or changes by itself. */
const NOISE = new Set([
  '.git',
  '.hg',
  '.svn',
  'node_modules',
  '__pycache__',
  '.venv',
  'venv',
  '.perennial',
  '.mypy_cache',
  '.pytest_cache',
  '.ipynb_checkpoints',
]);

/**
 * What a program is seen to read, found without running it. Too much is harmless (a change there computes once more); what cannot
 * be seen is a doubt, and a result in doubt is not cached.
 */
export class Look {
  /** Folder that the program starts in. */
  readonly cwd: string;
  /** Absolute paths of files that count. */
  readonly files = new Set<string>();
  /** What cannot be seen, each once. */
  readonly doubts = new Set<string>();
  /** Whether some source asks for the nominal time. */
  nominalTime = false;
  /** Whether some source asks for the pipeline or the step that it works for. */
  run = false;
  /** Variables of its environment whose values count. */
  readonly variables: ReadonlySet<string>;
  /** Absolute paths of the programs that it runs. */
  readonly programs = new Set<string>();
  /** The Python that reads sources of Python. */
  python: string | undefined;
  /** Names that sources of Python give to members of their own. */
  readonly members = new Set<string>();
  /** Folders that were looked through for what stands in for modules of Python. */
  readonly shadows = new Set<string>();
  readonly #sources = new Set<string>();

  constructor(cwd: string, variables: Iterable<string> = []) {
    this.cwd = cwd;
    this.variables = new Set(variables);
  }

  /** A name for people: from the folder that the program starts in, where it lies below. */
  nameOf(path: string): string {
    const near = relative(this.cwd, path);
    return near.startsWith('..') ? path : near === '' ? '.' : near.split(sep).join('/');
  }

  doubt(text: string): void {
    this.doubts.add(text);
  }

  /** Adds a file, or all files of a folder. @returns whether there is one */
  add(path: string, why = 'names'): boolean {
    const kind = kindOf(path);
    if (kind === 'file') this.files.add(path);
    if (kind === 'folder') this.#addFolder(path, why);
    return kind !== undefined;
  }

  /**
   * A word that may name a file or a folder, from any of the folders; "*" stands for what is known only at run time.
   *
   * @returns whether it names one
   */
  word(word: string, folders: readonly string[]): boolean {
    const text = word.replace(/^file:(\/\/)?(?=\/)/, '');
    if (text === '' || text.length > 1_000 || text.includes('\0')) return false;
    if (/^[a-z][a-z0-9+.-]+:\/\//i.test(text)) {
      this.doubt(`it reads ${text.replace(/(:\/\/)[^/@]*@/, '$1').slice(0, 80)}`);
      return true;
    }
    if (/^~(\/|$)/.test(text)) {
      this.doubt(`it reads below the home folder (${text.slice(0, 80)})`);
      return true;
    }
    if (text.includes('*') || text.includes('?')) return this.#glob(text, folders);
    // "." in a source is more often a character than a folder; the folder itself is in the key by its path.
    if (/^[./]*$/.test(text)) return false;
    if (text.startsWith('/') && (/^\/(?:dev|proc|sys)\/(?!null$|stdin$|stdout$|stderr$|fd\/)/.test(text) || isSpecial(text))) {
      this.doubt(`it reads ${text.slice(0, 80)}, which is no file`);
      return true;
    }
    return folders.map((folder) => this.add(resolve(folder, text))).some(Boolean);
  }

  /** The text of a source, once; undefined where it was looked at, is no text, or not there. The file counts. */
  source(path: string): string | undefined {
    const real = kindOf(path) === 'file' ? path : undefined;
    if (real === undefined || this.#sources.has(real)) return undefined;
    this.#sources.add(real);
    this.files.add(real);
    const bytes = readFileSync(real);
    if (bytes.length > SOURCE_BYTES_MAX) this.doubt(`${this.nameOf(real)} is larger than a source is`);
    else if (bytes.subarray(0, 8_000).includes(0)) this.doubt(`what ${this.nameOf(real)} reads cannot be seen: it is no text`);
    else return bytes.toString('utf8');
    return undefined;
  }

  /** The beginning of a file of text; undefined where it is none. */
  head(path: string): string | undefined {
    const bytes = readFileSync(path).subarray(0, 8_000);
    return bytes.includes(0) ? undefined : bytes.toString('utf8');
  }

  /** Files that match a pattern with "*" and "?"; "**" goes through folders. */
  #glob(pattern: string, folders: readonly string[]): boolean {
    // Of "*" and "*/x" nothing is known: it is a variable more often than a pattern.
    if (pattern.replace(/[*?./{}[\]]/g, '').length < 2) return false;
    const parts = pattern.split('/');
    const first = parts.findIndex((part) => /[*?]/.test(part));
    const fixed = parts.slice(0, first).join('/');
    if (first > 0 && fixed === '' && isAbsolute(pattern)) return false;
    const matcher = globPattern(parts.slice(first).join('/'));
    let found = false;
    for (const folder of new Set(folders.map((one) => resolve(one, fixed)))) {
      if (kindOf(folder) !== 'folder') continue;
      for (const path of this.#filesBelow(folder, parts.length - first === 1)) {
        if (!matcher.test(relative(folder, path).split(sep).join('/'))) continue;
        this.files.add(path);
        found = true;
      }
    }
    return found;
  }

  #addFolder(path: string, why: string): void {
    if (this.cwd !== path && this.cwd.startsWith(path.endsWith(sep) ? path : path + sep)) {
      this.doubt(`it ${why} ${path}, which holds more than the folder that it runs in`);
      return;
    }
    for (const file of this.#filesBelow(path, false)) this.files.add(file);
  }

  #filesBelow(folder: string, flat: boolean): string[] {
    const files: string[] = [];
    const visit = (path: string): boolean => {
      for (const entry of readdirSync(path, { withFileTypes: true })) {
        const full = join(path, entry.name);
        const kind = entry.isSymbolicLink() ? kindOf(full) : entry.isFile() ? 'file' : entry.isDirectory() ? 'folder' : undefined;
        if (kind === 'file') files.push(full);
        if (files.length > FILES_MAX) return false;
        if (kind === 'folder' && !flat && !entry.isSymbolicLink() && !NOISE.has(entry.name) && !visit(full)) return false;
      }
      return true;
    };
    if (!visit(folder)) {
      this.doubt(`${this.nameOf(folder)} holds more than ${FILES_MAX} files`);
      return [];
    }
    return files;
  }
}

/** A word that names a folder above by nothing but dots: what is made of it names any file. */
export function isAbove(word: string): boolean {
  return /^(?:\.{1,2}\/)*\.\.\/?$/.test(word);
}

/** A device, a pipe or a socket. */
function isSpecial(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats !== undefined && !stats.isFile() && !stats.isDirectory() && !/^\/dev\/(?:null|stdin|stdout|stderr)$/.test(path);
}

export function kindOf(path: string): 'file' | 'folder' | undefined {
  try {
    const stats = statSync(path);
    return stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES' || code === 'ELOOP' || code === 'ENAMETOOLONG') return undefined;
    throw error;
  }
}

function globPattern(pattern: string): RegExp {
  const text = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*\*\/?|\*|\?/g, (found) => (found.startsWith('**') ? '.*' : found === '*' ? '[^/]*' : '[^/]'));
  return new RegExp(`^${text}$`);
}

/** A program by the name that it is called by: its path on the machine, links followed. */
export function locate(program: string, cwd: string, searchPath: string | undefined): string | undefined {
  if (program.includes('/')) return kindOf(resolve(cwd, program)) === 'file' ? resolve(cwd, program) : undefined;
  const path = (searchPath ?? '')
    .split(':')
    .map((folder) => resolve(cwd, folder, program))
    .find((candidate) => kindOf(candidate) === 'file');
  return path;
}

export function realPath(path: string): string {
  return existsSync(path) ? realpathSync(path) : path;
}
