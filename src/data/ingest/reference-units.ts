import { short } from './reference-schema.ts';

/**
 * Whether a column of numbers is in another unit than it was. Honest data move: by up to a standard deviation nothing is concluded,
 * whatever the factor. Beyond that a move is one of the unit where a usual conversion explains both middle and spread, or where all of
 * the distribution moved by the same large factor on a logarithmic scale, further than the values differ among themselves.
 */
export interface Numbers {
  /** Ascending, at evenly spaced places of the order. */
  readonly sample: readonly number[];
  /** Values in all. */
  readonly count: number;
  readonly min: number;
  readonly max: number;
}

/** From this factor on no name of a unit is needed. */
const FACTOR_MIN = 8;
/** Standard deviations that honest data may move by; sampling comes on top. */
const HONEST_MOVE = 1.1;
/** Standard errors that are granted. */
const SURE = 3.5;
/** After the conversion the middle may be off by so many standard deviations: data move while their unit changes. */
const LEFT_MOVE = 0.35;
const LEFT_RATIO = 0.1;
const SPREAD_RATIO = 1.33;
/** Fewer values of either side say nothing. */
const VALUES_MIN = 10;

interface Conversion {
  readonly name: string;
  readonly factor: number;
  readonly plus?: number;
}

/** In one direction; each counts in both. */
const CONVERSIONS: readonly Conversion[] = [
  ...[1, 2, 3, 4, 5, 6, 9].map((power) => ({ name: powerName(power), factor: 10 ** power })),
  { name: 'kilograms and pounds', factor: 2.20462262 },
  { name: 'ounces and grams', factor: 28.3495231 },
  { name: 'pounds and grams', factor: 453.59237 },
  { name: 'stones and kilograms', factor: 6.35029318 },
  { name: 'ounces and pounds', factor: 16 },
  { name: 'miles and kilometers', factor: 1.609344 },
  { name: 'inches and centimeters', factor: 2.54 },
  { name: 'inches and millimeters', factor: 25.4 },
  { name: 'feet and centimeters', factor: 30.48 },
  { name: 'meters and feet', factor: 3.2808399 },
  { name: 'feet and inches', factor: 12 },
  { name: 'gallons and liters', factor: 3.78541178 },
  { name: 'kilometers per hour and meters per second, or megajoules and kilowatt hours', factor: 3.6 },
  { name: 'meters per second and miles per hour', factor: 2.23693629 },
  { name: 'meters per second and knots', factor: 1.94384449 },
  { name: 'calories and joules', factor: 4.184 },
  { name: 'square meters and square feet', factor: 10.7639104 },
  { name: 'degrees and radians', factor: 57.2957795 },
  { name: 'hours and days', factor: 24 },
  { name: 'days and weeks', factor: 7 },
  { name: 'minutes and seconds', factor: 60 },
  { name: 'hours and seconds', factor: 3_600 },
  { name: 'days and seconds', factor: 86_400 },
  { name: 'kibibytes and bytes', factor: 1_024 },
  { name: 'mebibytes and bytes', factor: 1_048_576 },
  { name: 'degrees Celsius and Fahrenheit', factor: 1.8, plus: 32 },
  { name: 'degrees Celsius and kelvins', factor: 1, plus: 273.15 },
];

function powerName(power: number): string {
  const factor = (10 ** power).toLocaleString('en');
  return power === 2 ? `a factor of ${factor}, as between a currency and its cents, or shares and percent` : `a factor of ${factor}`;
}

const QUANTILES = [0.1, 0.25, 0.5, 0.75, 0.9] as const;

/** Why the numbers seem to be in another unit, to follow what they are; undefined where they do not. */
export function otherUnit(before: Numbers, now: Numbers): string | undefined {
  if (Math.min(before.sample.length, now.sample.length, before.count, now.count) < VALUES_MIN) return undefined;
  const conversion = conversionOf(before, now);
  if (conversion !== undefined) return `as by ${conversion}`;
  const factor = factorOf(before, now);
  if (factor === undefined) return undefined;
  return factor > 1
    ? `all of them about ${short(factor)} times what they were`
    : `all of them about 1/${short(1 / factor)} of what they were`;
}

interface Moments {
  readonly mean: number;
  readonly deviation: number;
}

/** Values far beyond all others, which one of them would decide on, count as the farthest that is near. */
function moments({ sample }: Numbers): Moments {
  const [first, middle, third] = [at(sample, 0.25), at(sample, 0.5), at(sample, 0.75)];
  const reach = third > first ? FAR * (third - first) : Number.POSITIVE_INFINITY;
  const values = sample.map((value) => Math.min(middle + reach, Math.max(middle - reach, value)));
  const mean = values.reduce((sum, value) => sum + value / values.length, 0);
  return { mean, deviation: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2 / values.length, 0)) };
}

/** Widths of the middle half of the values. */
const FAR = 40;

function at(ascending: readonly number[], share: number): number {
  return ascending[Math.round(share * (ascending.length - 1))]!;
}

const errorOf = (before: Numbers, now: Numbers): number => Math.sqrt(1 / before.count + 1 / now.count);

function conversionOf(before: Numbers, now: Numbers): string | undefined {
  const [old, young] = [moments(before), moments(now)];
  const move = Math.abs(young.mean - old.mean);
  const error = SURE * errorOf(before, now);
  const doubt = SURE * Math.hypot(old.deviation / Math.sqrt(before.count), young.deviation / Math.sqrt(now.count));
  if (move === 0 || move <= (HONEST_MOVE + error) * old.deviation + doubt) return undefined;
  const fits: { readonly name: string; readonly off: number }[] = [];
  for (const { name, factor, plus = 0 } of CONVERSIONS) {
    for (const back of [false, true]) {
      const [from, to] = back ? [young, old] : [old, young];
      const expected = { mean: factor * from.mean + plus, deviation: factor * from.deviation };
      const spread = expected.deviation === 0 && to.deviation === 0 ? 1 : to.deviation / expected.deviation;
      if (!(spread < SPREAD_RATIO + error && spread > 1 / (SPREAD_RATIO + error))) continue;
      const scale = Math.min(expected.deviation, to.deviation);
      const off = Math.abs(to.mean - expected.mean);
      const near = scale === 0 ? 1e-6 * Math.abs(expected.mean) : (LEFT_MOVE + error) * scale;
      const relative = plus === 0 ? LEFT_RATIO * Math.abs(expected.mean) : Number.POSITIVE_INFINITY;
      // The mean of values around zero says little of their size.
      const bound = plus === 0 && Math.abs(expected.mean) < expected.deviation ? near : Math.min(near, Math.max(relative, error * scale));
      if (off > bound || !sameShape(from === old ? before : now, from === old ? now : before, factor, plus, scale, error)) continue;
      fits.push({ name, off: off / Math.max(scale, Number.MIN_VALUE) });
    }
  }
  // What the numbers cannot tell apart is named together.
  const names = new Set(fits.sort((a, b) => a.off - b.off).map(({ name }) => name));
  return fits.length === 0 ? undefined : [...names].slice(0, 3).join(', or ');
}

/** Every part of the distribution is where the conversion puts it, not only its middle: values that moved by an amount are not scaled. */
function sameShape(from: Numbers, to: Numbers, factor: number, plus: number, deviation: number, error: number): boolean {
  const width = (factor * (at(from.sample, 0.75) - at(from.sample, 0.25))) / 1.349;
  const scale = width > 0 ? Math.min(width, deviation) : deviation;
  return QUANTILES.every((share) => {
    const expected = factor * at(from.sample, share) + plus;
    const edge = share === 0.5 ? 1 : share === 0.25 || share === 0.75 ? 1.25 : 2;
    return Math.abs(at(to.sample, share) - expected) <= edge * (LEFT_MOVE + 1.5 * error) * scale + 1e-6 * Math.abs(expected);
  });
}

/** Sizes of the values that are not zero, as logarithms. */
function sizes({ sample }: Numbers): number[] {
  return sample.flatMap((value) => (value === 0 ? [] : [Math.log(Math.abs(value))])).sort((a, b) => a - b);
}

/** The factor by which all of the distribution grew or shrank. */
function factorOf(before: Numbers, now: Numbers): number | undefined {
  const [old, young] = [sizes(before), sizes(now)];
  if (Math.min(old.length, young.length) < VALUES_MIN) return undefined;
  const steps = QUANTILES.map((share) => at(young, share) - at(old, share));
  const middle = at(young, 0.5) - at(old, 0.5);
  const size = Math.abs(middle);
  const spread = (at(old, 0.9) - at(old, 0.1)) / 2.563;
  const share = (all: Numbers, some: readonly number[]): number => (all.count * some.length) / all.sample.length;
  const error = spread * Math.sqrt(1 / share(before, old) + 1 / share(now, young));
  if (size < Math.log(FACTOR_MIN * 0.98) || size < HONEST_MOVE * spread + 1.25 * SURE * error) return undefined;
  const apart = Math.max(...steps) - Math.min(...steps);
  if (steps.some((step) => Math.sign(step) !== Math.sign(middle)) || apart > Math.max(0.35 * size, 1.7 * SURE * error)) return undefined;
  return Math.exp(middle);
}

/** The sizes beyond which values are of another order of magnitude than nearly all were; `low` is 0 where small values say nothing. */
export function bounds(before: Numbers, now: Pick<Numbers, 'min'>): { readonly low: number; readonly high: number } | undefined {
  const old = sizes(before);
  if (old.length < VALUES_MIN) return undefined;
  const [least, most] = [Math.exp(at(old, 0.01)), Math.exp(at(old, 0.99))];
  // What moves across zero, or close to it, passes by small values.
  const away = before.min >= 0 && now.min >= 0 && least > 1.3 * moments(before).deviation;
  return { low: away ? least / FACTOR_MIN : 0, high: most * FACTOR_MIN };
}

/** Share of values beyond {@link bounds} that stops a run. */
export const BEYOND_MIN = 0.1;

/** The ranges do not touch, and the middles differ by a factor that no drift has. */
export function isElsewhere(before: Numbers, now: Numbers): boolean {
  if (now.min <= before.max && now.max >= before.min) return false;
  const [old, young] = [at(before.sample, 0.5), at(now.sample, 0.5)];
  const factor = old === 0 ? Number.POSITIVE_INFINITY : Math.abs(young / old);
  return !(factor < FACTOR_MIN && factor > 1 / FACTOR_MIN && Math.sign(young) === Math.sign(old));
}
