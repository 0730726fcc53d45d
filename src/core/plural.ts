/** "1 row", "2 rows", "1,200 rows": of words whose plural ends in an s. */
export function plural(count: number, word: string): string {
  return `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`;
}
