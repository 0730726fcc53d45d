import { PerennialError } from '../core/errors.ts';

/** What may stand in the paths of a scoring: parts of the nominal time of the run, in UTC. */
const PLACES: Readonly<Record<string, (iso: string) => string>> = {
  date: (iso) => iso.slice(0, 10),
  year: (iso) => iso.slice(0, 4),
  month: (iso) => iso.slice(5, 7),
  day: (iso) => iso.slice(8, 10),
  hour: (iso) => iso.slice(11, 13),
  minute: (iso) => iso.slice(14, 16),
};

/** A path for a run: `in/{date}.csv` of the night of its schedule. @throws CONFIG_INVALID for a place that there is none of */
export function atNominalTime(path: string, nominalTime: string): string {
  const [unknown] = unknownPlaces(path);
  if (unknown !== undefined) throw new PerennialError('CONFIG_INVALID', `"${path}": there is no {${unknown}}.`, { hint: placesHint() });
  const iso = new Date(nominalTime).toISOString();
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => PLACES[name]!(iso));
}

export function unknownPlaces(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!).filter((name) => !Object.hasOwn(PLACES, name));
}

export const placesHint = (): string =>
  `Of the nominal time there are ${Object.keys(PLACES)
    .map((name) => `{${name}}`)
    .join(', ')}.`;
