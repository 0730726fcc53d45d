/** Of another program's message: what went wrong, without its advice. */
export function firstSentence(message: string): string {
  return message
    .split('\n')[0]!
    .replace(/ (This may be due to|File an issue at).*$/, '')
    .replace(/[.\s]+$/, '')
    .slice(0, 200);
}
