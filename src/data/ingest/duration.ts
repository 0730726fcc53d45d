import { PerennialError } from '../../core/errors.ts';

const DURATION = /^(\d+(?:\.\d+)?)(s|m|h|d|w)$/;
const UNITS = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 } as const;

/** Milliseconds of "30d", "12h", "2w". @throws CONFIG_INVALID */
export function durationMs(text: string): number {
  const match = DURATION.exec(text);
  if (match === null)
    throw new PerennialError('CONFIG_INVALID', `"${text}" is not a duration; expected a number and s, m, h, d or w, for example "30d".`);
  return Number(match[1]) * UNITS[match[2] as keyof typeof UNITS] * 1_000;
}
