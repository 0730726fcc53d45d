import type { Look } from './look.ts';

/**
 * Holds the files of literals against folders: as they are, as patterns where a part is made at run time, and word by word in longer texts
 * (SQL, command lines).
 */
export function lookForLiterals(literals: readonly string[], folders: readonly string[], look: Look): void {
  for (const literal of new Set(literals)) {
    const text = literal.trim();
    if (text === '' || text.length > 20_000) continue;
    if (/^\S+$/.test(text) && !/[*?][^.\w/*-]|^[\\^]/.test(text)) {
      look.word(text, folders);
      // "rows-" + day + ".csv": beginnings and endings of names are patterns.
      if (/^[\w./-]*[\w][-_.]$|^[\w.-]+\/[\w-]+[-_]$/.test(text)) look.word(`${text}*`, folders);
      if (/^[-_]?[\w-]*\.[a-z][a-z0-9]{1,7}(\.(gz|zip|bz2|zst))?$/i.test(text)) look.word(`*${text}`, folders);
    }
    if (/[\s'"`(),;=<>:]/.test(text))
      for (const word of text.split(/[\s'"`(),;=<>]+/)) if (/[./]/.test(word) && !word.includes('*')) look.word(word, folders);
  }
}
