import { PALETTE } from './chart.ts';

/** Pixels of a drawing over time; it shrinks with the page. */
export const TIME_WIDTH = 860;
const DAY_MS = 24 * 3_600_000;
/** Beyond so many days the axis counts months. */
const DAYS_MAX = 92;
/** Up to so many it counts hours and minutes. */
const DAYS_MIN = 4;
/** Of the width: a narrower stretch has no room for a word. */
const LABELLED_MIN = 0.03;

/** The x of charts whose times lie at the same pixels. @param from ISO 8601 UTC */
export function timeAxis(from: string, to: string, field: string): object {
  const days = (Date.parse(to) - Date.parse(from)) / DAY_MS;
  const isLong = days >= DAYS_MAX;
  return {
    field,
    type: 'temporal',
    title: null,
    scale: { type: 'utc', domainMin: { expr: moment(from) }, domainMax: { expr: moment(to) } },
    axis: { format: isLong ? '%b' : days > DAYS_MIN ? '%d %b' : '%d %b %H:%M', tickCount: isLong ? 12 : 8, grid: true },
  };
}

/** A day is a day: times of it are not told apart where only days are known. */
function moment(iso: string): string {
  const at = new Date(iso);
  const parts = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate(), at.getUTCHours(), at.getUTCMinutes()];
  return `utc(${parts.join(', ')})`;
}

/** A stretch of time with one version. */
export interface Stretch {
  readonly version: number;
  /** ISO 8601, of the same form as the ends of the axis. */
  readonly from: string;
  readonly to: string;
}

/** Stretches as bars in a lane, with the numbers of the versions where there is room. @param x of `from`, see {@link timeAxis} */
export function stretchLayers(
  stretches: readonly Stretch[],
  { lane, x, y, from, to }: { readonly lane: string; readonly x: object; readonly y: object; readonly from: string; readonly to: string },
): object[] {
  const whole = Math.max(1, Date.parse(to) - Date.parse(from));
  const bands = stretches.map((one) => ({
    ...one,
    lane,
    label: String(one.version),
    colour: PALETTE[(one.version - 1) % PALETTE.length]!,
    share: (Date.parse(one.to) - Date.parse(one.from)) / whole,
  }));
  return [
    {
      data: { values: bands },
      mark: { type: 'bar', height: 18 },
      encoding: { x, x2: { field: 'to' }, y, color: { field: 'colour', type: 'nominal', scale: null } },
    },
    {
      data: { values: bands.filter(({ share }) => share > LABELLED_MIN) },
      mark: { type: 'text', align: 'left', dx: 4, fontSize: 11, color: '#ffffff' },
      encoding: { x, y, text: { field: 'label' } },
    },
  ];
}
