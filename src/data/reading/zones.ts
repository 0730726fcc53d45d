import { PerennialError } from '../../core/errors.ts';

/** From `local` on (milliseconds, as if the clock showed UTC) the clocks of a zone are `offset` milliseconds ahead of UTC. */
export interface ZoneOffset {
  readonly local: number;
  readonly offset: number;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    try {
      format = new Intl.DateTimeFormat('en-US', {
        timeZone: zone,
        hourCycle: 'h23',
        year: 'numeric',
        month: 'numeric',
        day: 'numeric',
        hour: 'numeric',
        minute: 'numeric',
        second: 'numeric',
        era: 'short',
      });
    } catch (error) {
      throw new PerennialError('CONFIG_INVALID', `"${zone}" is no time zone that is known here.`, {
        hint: 'Write a name of the IANA data base, for example "Europe/Berlin" or "UTC".',
        cause: error,
      });
    }
    formats.set(zone, format);
  }
  return format;
}

/** How far the clocks of a zone are ahead of UTC at a moment, in milliseconds. @throws CONFIG_INVALID */
export function offsetAt(zone: string, moment: number): number {
  const parts = Object.fromEntries(
    formatOf(zone)
      .formatToParts(moment)
      .map(({ type, value }) => [type, value]),
  );
  const year = parts['era'] === 'BC' ? 1 - Number(parts['year']) : Number(parts['year']);
  const local = new Date(0);
  local.setUTCFullYear(year, Number(parts['month']) - 1, Number(parts['day']));
  local.setUTCHours(Number(parts['hour']), Number(parts['minute']), Number(parts['second']), 0);
  return local.getTime() - Math.floor(moment / 1_000) * 1_000;
}

const known = new Map<string, readonly ZoneOffset[]>();

/** Before the first of these years and after the last, the offsets of a zone stay as they were then. */
const [FIRST_YEAR, LAST_YEAR] = [1900, 2100];
/** Clocks that change and change back within this are not seen to. */
const STEP = 7 * DAY;

/**
 * The offsets of a zone by where they begin, as its clocks show it. A reading that a spring forward skips has the offset before it; one
 * that a fall back repeats has that of its first time. One table serves what is read in SQL and what is read in JavaScript, so that
 * both give the same moment.
 *
 * @throws CONFIG_INVALID
 */
export function zoneOffsets(zone: string): readonly ZoneOffset[] {
  const have = known.get(zone);
  if (have !== undefined) return have;
  const start = Date.UTC(FIRST_YEAR, 0, 1);
  const end = Date.UTC(LAST_YEAR + 1, 0, 1);
  const offsets: ZoneOffset[] = [{ local: Number.NEGATIVE_INFINITY, offset: offsetAt(zone, start) }];
  let before = offsets[0]!.offset;
  for (let moment = start; moment < end; moment += STEP) {
    const after = offsetAt(zone, moment + STEP);
    if (after === before) continue;
    let low = moment;
    let high = moment + STEP;
    while (high - low > 1_000) {
      const middle = Math.floor((low + high) / 2_000) * 1_000;
      if (offsetAt(zone, middle) === before) low = middle;
      else high = middle;
    }
    // Readings up to the end of a gap, or of the first time of a repeated hour, keep the offset before the change.
    offsets.push({ local: high + Math.max(before, after), offset: after });
    before = after;
  }
  known.set(zone, offsets);
  return offsets;
}

/** The moment at which the clocks of a zone show a reading. @param local milliseconds, as if the clock showed UTC */
export function momentOf(local: number, zone: string): number {
  const offsets = zoneOffsets(zone);
  let low = 0;
  let high = offsets.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (offsets[middle]!.local <= local) low = middle;
    else high = middle - 1;
  }
  return local - offsets[low]!.offset;
}
