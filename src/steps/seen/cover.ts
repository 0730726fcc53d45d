import type { Json } from '../../core/json.ts';

/** What a fingerprint covers, for the reason of a hit. */
export function coverOf(fingerprint: Json): string[] {
  const { folder, files, program, locale, nominalTime, run, secrets } = fingerprint as {
    secrets?: Record<string, string>;
    run?: object;
    folder?: string;
    files?: Record<string, string>;
    program?: string;
    locale?: object;
    nominalTime?: string;
  };
  const names = Object.keys(files ?? {});
  const listed = names.length > 4 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
  return [
    ...(folder === undefined ? [] : ['folder']),
    ...(program === undefined ? [] : ['program']),
    ...(locale === undefined ? [] : ['locale']),
    ...(names.length === 0 ? [] : [`file${names.length === 1 ? '' : 's'} ${listed}`]),
    ...Object.keys(secrets ?? {}).map((name) => `secret ${name}`),
    ...(run === undefined ? [] : ['pipeline', 'step']),
    ...(nominalTime === undefined ? [] : ['nominal time']),
  ];
}
