import type { JsonObject, JsonSchema } from '../../core/json.ts';
import type { TriggerDefinition } from '../triggers/trigger.ts';

/** A stretch of time in which answers were given. */
export interface LiveWindow {
  /** ISO 8601 UTC. */
  readonly from: string;
  readonly to: string;
  /** Rows that its value is of. */
  readonly rows: number;
  /** null: there are too few rows, or it is not defined on them. */
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

export interface LiveRules {
  readonly rowsMin: number;
  readonly windowsMin: number;
  readonly windowsOf: number;
}

export interface LiveVerdict {
  readonly alarm: boolean;
  /** Windows with enough rows, and those of them that are beyond the bound with their whole interval. */
  readonly judged: readonly LiveWindow[];
  readonly breached: readonly LiveWindow[];
}

/** Standard normal quantiles of the upper end, by confidence. */
const QUANTILES: Readonly<Record<string, number>> = { '0.9': 1.644854, '0.95': 1.959964, '0.99': 2.575829, '0.999': 3.290527 };

/** Settings that all triggers over live windows have. */
export const LIVE_PROPERTIES = {
  window: {
    description: 'Length of a window of predictions. The newest ends with the check, or "delay" before it.',
    $ref: '#/definitions/duration',
    default: '1d',
  },
  delay: {
    description: 'How long the truth takes to be known: windows end that long before the check, so that they are judged whole.',
    $ref: '#/definitions/duration',
    default: '0s',
    examples: ['2d'],
  },
  rowsMin: {
    description: 'Windows with fewer rows of which it is known are not judged: small ones differ by chance.',
    type: 'integer',
    minimum: 10,
    default: 100,
  },
  confidence: {
    description: 'Of the interval that has to lie beyond the bound as a whole. One look in a hundred is wrong at 0.99, on either side.',
    enum: [0.9, 0.95, 0.99, 0.999],
    default: 0.99,
  },
  windowsMin: {
    description: 'Of the newest `windowsOf` windows, which do not overlap, so many have to be beyond the bound.',
    type: 'integer',
    minimum: 1,
    maximum: 64,
    default: 1,
  },
  windowsOf: { description: 'See `windowsMin`; at least as large.', type: 'integer', minimum: 1, maximum: 64, default: 1 },
} as const satisfies Readonly<Record<string, JsonSchema>>;

/** What triggers over live windows have in common besides their settings. */
export const LIVE_TRIGGER = {
  durations: ['window', 'delay'],
  every: '1h',
  coolDown: '1h',
  ofChampion: true,
  needsNewRows: true,
} as const satisfies Partial<TriggerDefinition>;

/** A 95 % interval at another confidence, of the same spread. */
export function widened(value: number, { low, high }: { readonly low: number; readonly high: number }, confidence: number) {
  const factor = QUANTILES[String(confidence)]! / QUANTILES['0.95']!;
  return { low: value - (value - low) * factor, high: value + (high - value) * factor };
}

/** Interval of a share. @see Wilson (1927), "Probable Inference, the Law of Succession, and Statistical Inference" */
export function shareInterval(count: number, rows: number, confidence: number): { readonly low: number; readonly high: number } {
  const z = QUANTILES[String(confidence)]!;
  const share = count / rows;
  const middle = (share + (z * z) / (2 * rows)) / (1 + (z * z) / rows);
  const spread = (z / (1 + (z * z) / rows)) * Math.sqrt((share * (1 - share)) / rows + (z * z) / (4 * rows * rows));
  return { low: Math.max(0, middle - spread), high: Math.min(1, middle + spread) };
}

/** The whole stretch of `windowsOf` windows that end with a check. */
export function stretchOf(
  nominalTime: string,
  windowMs: number,
  delayMs: number,
  windowsOf: number,
): { readonly from: Date; readonly to: Date } {
  const to = Date.parse(nominalTime) - delayMs;
  return { from: new Date(to - windowsOf * windowMs), to: new Date(to) };
}

/** So many of the windows have to be beyond the bound with their whole interval. */
export function judgeLive(
  windows: readonly LiveWindow[],
  { rowsMin, windowsMin }: LiveRules,
  isBeyond: (interval: { readonly low: number; readonly high: number }) => boolean,
): LiveVerdict {
  const judged = windows.filter(({ rows, low, high }) => rows >= rowsMin && low !== null && high !== null);
  const breached = judged.filter(({ low, high }) => isBeyond({ low: low!, high: high! }));
  return { alarm: breached.length >= windowsMin, judged, breached };
}

/** More windows than are looked at can never be beyond the bound. */
export function windowMistakes({ windowsMin, windowsOf }: JsonObject): { pointer: string; message: string; fix: string }[] {
  if (typeof windowsMin !== 'number' || typeof windowsOf !== 'number' || windowsMin <= windowsOf) return [];
  return [
    {
      pointer: '/windowsMin',
      message: `"windowsMin" asks for ${windowsMin} windows, and "windowsOf" looks at ${windowsOf}: it would never alarm.`,
      fix: `Set "windowsOf" to ${windowsMin} or more, or lower "windowsMin".`,
    },
  ];
}

/** "0.91 (0.88 to 0.94)" */
export function shownValue({ value, low, high }: LiveWindow): string {
  const show = (one: number): string => String(Number(one.toPrecision(4)));
  return value === null ? 'not known' : low === null || high === null ? show(value) : `${show(value)} (${show(low)} to ${show(high)})`;
}

/** Windows as a table in Markdown. */
export function liveTable(windows: readonly LiveWindow[], what: string, breached: readonly LiveWindow[]): string {
  return [
    `| From | To | Rows | ${what} | |`,
    '| --- | --- | ---: | ---: | --- |',
    ...windows.map(
      (one) => `| ${one.from} | ${one.to} | ${one.rows} | ${shownValue(one)} | ${breached.includes(one) ? '**beyond the bound**' : ''} |`,
    ),
  ].join('\n');
}
