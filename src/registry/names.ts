import { distance } from 'fastest-levenshtein';
import { PerennialError } from '../core/errors.ts';

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/** @throws NAME_INVALID */
export function checkModelName(name: string): void {
  if (!NAME.test(name)) throw new PerennialError('NAME_INVALID', `${JSON.stringify(name)} is not the name of a model.`);
}

/** `latest`, `v3` and plain numbers already mean a version. @throws NAME_INVALID */
export function checkAlias(alias: string): void {
  if (!NAME.test(alias)) throw new PerennialError('NAME_INVALID', `${JSON.stringify(alias)} is not an alias.`);
  if (alias === 'latest' || /^v?\d+$/.test(alias)) {
    throw new PerennialError('NAME_INVALID', `The alias "${alias}" is reserved: "latest", "v3" and "3" already name versions.`, {
      hint: 'Choose another alias, for example "candidate".',
    });
  }
}

/** " Did you mean …?" where a known name is close. */
export function suggestion(given: string, known: readonly string[]): string {
  const nearest = known
    .filter((name) => name !== given)
    .map((name) => ({ name, edits: distance(given, name) }))
    .sort((a, b) => a.edits - b.edits)[0];
  return nearest !== undefined && nearest.edits <= Math.max(2, given.length / 3) ? ` Did you mean "${nearest.name}"?` : '';
}
