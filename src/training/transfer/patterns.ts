import { PerennialError } from '../../core/errors.ts';

const SHOWN = 40;

/** "a", "b", … of many names. */
export function listed(names: readonly string[]): string {
  if (names.length === 0) return 'none';
  const shown = names
    .slice(0, SHOWN)
    .map((name) => `"${name}"`)
    .join(', ');
  return names.length > SHOWN ? `${shown}, … (${names.length})` : shown;
}

/**
 * Names that one of the patterns matches, in their order. "*" stands for any characters, "?" for one.
 *
 * @param where key of the document, for messages
 * @param what the names are of, e.g. "layer of the base with weights"
 * @throws MODEL_INVALID for a pattern that matches nothing, with all names
 */
export function matchNames(patterns: readonly string[], names: readonly string[], where: string, what: string): string[] {
  const found = new Set<string>();
  for (const pattern of patterns) {
    const expression = globExpression(pattern);
    const matching = names.filter((name) => expression.test(name));
    if (matching.length === 0)
      throw new PerennialError('MODEL_INVALID', `"${where}": the pattern "${pattern}" matches no ${what}. There is: ${listed(names)}.`, {
        hint: 'Write the name of a layer, or a pattern such as "conv_*".',
      });
    for (const name of matching) found.add(name);
  }
  return names.filter((name) => found.has(name));
}

function globExpression(pattern: string): RegExp {
  const body = pattern
    .replace(/[.+^${}()|\\[\]]/g, '\\$&')
    .replaceAll(/\*+/g, '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${body}$`, 's');
}
