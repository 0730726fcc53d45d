/**
 * Tables as people have them, made from a seed: skewed money, missing values that mean something, dates, many categories, and effects that
 * meet.
 */
import { Prng } from '../src/core/prng.ts';

type Cell = string | number | boolean | null;

export interface MadeTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

const ROWS = 12_000;

class Draw {
  readonly random: Prng;
  constructor(...key: (string | number)[]) {
    this.random = new Prng(...key);
  }

  uniform = (low = 0, high = 1): number => low + (high - low) * this.random.uniform();
  normal = (mean = 0, std = 1): number => mean + std * this.random.normal();
  chance = (share: number): boolean => this.random.uniform() < share;
  logNormal = (mean: number, std: number): number => Math.exp(this.normal(mean, std));
  /** Of `size` categories; the first are the most frequent. */
  skewed = (size: number, power = 1.6): number => Math.floor(size * this.random.uniform() ** power);
  count = (mean: number): number => {
    let total = 0;
    for (let left = Math.exp(-mean), product = this.random.uniform(); product > left; product *= this.random.uniform()) total += 1;
    return total;
  };

  effects = (size: number, std: number): number[] => Array.from({ length: size }, () => this.normal(0, std));
}

const round = (value: number, digits = 2): number => Number(value.toFixed(digits));
const stamp = (time: number): string => new Date(time).toISOString().slice(0, 19);
const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value));
/** Neither names nor numbers tell the effect of a category. */
const named = (prefix: string, at: number, size: number): string => `${prefix}${((at * 7_919 + 13) % size).toString(36).padStart(2, '0')}`;
const part = (draw: Draw): string => {
  const u = draw.uniform();
  return u < 0.6 ? 'train' : u < 0.7 ? 'validation' : 'test';
};

/** As in a census: wealth over five orders of magnitude, employers, a day of joining. */
function census(seed: number): MadeTable {
  const draw = new Draw('census', seed);
  const education = draw.effects(16, 0.7);
  const occupation = draw.effects(14, 0.7);
  const employer = draw.effects(300, 0.9);
  const country = draw.effects(40, 0.4);
  const sector = draw.effects(9, 0.8);
  const rows = Array.from({ length: ROWS }, (_, row): Cell[] => {
    const age = Math.round(Math.min(90, Math.max(17, draw.normal(39, 13))));
    const wealth = draw.logNormal(9, 1.9);
    const gain = draw.chance(0.12) ? draw.logNormal(8, 1.2) : 0;
    const hours = Math.round(Math.min(99, Math.max(1, draw.normal(40, 12))));
    const at = {
      education: draw.skewed(16),
      occupation: draw.skewed(14, 1.2),
      employer: draw.skewed(300, 1.3),
      country: draw.skewed(40, 4),
      sector: 1 + draw.skewed(9, 1),
    };
    const woman = draw.chance(0.45);
    const joined = Date.UTC(2016, 0, 1) + draw.uniform(0, 8 * 365.25 * 86_400_000);
    const weekend = new Date(joined).getUTCDay() % 6 === 0;
    const unsaid = draw.chance(wealth > 30_000 ? 0.3 : 0.06);
    const member = draw.chance(0.2) ? null : draw.chance(0.5);
    const score =
      -1.2 +
      0.75 * (Math.log(wealth) - 9) -
      0.0022 * (age - 46) ** 2 +
      (gain > 0 ? 0.5 * (Math.log(gain) - 6.5) : 0) +
      (woman ? -0.01 : 0.035) * (hours - 40) +
      education[at.education]! +
      occupation[at.occupation]! +
      employer[at.employer]! +
      country[at.country]! +
      sector[at.sector - 1]! +
      (weekend ? 1 : 0) -
      0.25 * ((joined - Date.UTC(2020, 0, 1)) / 31_557_600_000) +
      (member === null ? 0.9 : member ? 0.3 : -0.3);
    return [
      `c-${((row * 2_654_435_761) % 4_294_967_296).toString(16)}`,
      age,
      unsaid ? null : round(wealth),
      round(gain),
      hours,
      named('edu-', at.education, 16),
      draw.chance(at.occupation < 3 ? 0.15 : 0.02) ? null : named('job-', at.occupation, 14),
      named('firm-', at.employer, 300),
      named('land-', at.country, 40),
      at.sector,
      woman ? 'female' : 'male',
      stamp(joined),
      member,
      'v1',
      part(draw),
      draw.chance(sigmoid(score)) ? 'yes' : 'no',
    ];
  });
  return {
    columns: [
      'person',
      'age',
      'wealth',
      'gain',
      'hours',
      'education',
      'occupation',
      'employer',
      'country',
      'sector',
      'sex',
      'joined',
      'member',
      'form',
      'part',
      'label',
    ],
    rows,
  };
}

/** As in a bank: incomes with a tail, sentinels of 99,999, merchants, the hour of a request. */
function credit(seed: number): MadeTable {
  const draw = new Draw('credit', seed);
  const purpose = draw.effects(12, 0.6);
  const merchant = draw.effects(700, 0.8);
  const region = draw.effects(12, 0.5);
  const rows = Array.from({ length: ROWS }, (): Cell[] => {
    const income = 900 / (1 - draw.uniform()) ** 0.7;
    const debt = draw.logNormal(7.5, 1.4);
    const used = draw.chance(0.015) ? 99_999 : Math.max(0, draw.normal(0.45, 0.3));
    const accounts = draw.count(5);
    const late = draw.count(draw.chance(0.2) ? 3 : 0.2);
    const at = { purpose: draw.skewed(12), merchant: draw.skewed(700, 1.3), region: draw.skewed(12, 1) };
    const time = Date.UTC(2022, 0, 1) + Math.floor(draw.uniform(0, 2 * 365 * 86_400_000) / 1_000) * 1_000;
    const date = new Date(time);
    const night = date.getUTCHours() < 6;
    const hidden = draw.chance(0.18);
    const years = draw.chance(0.1) ? null : round(draw.logNormal(1.2, 0.9), 1);
    const score =
      -2 +
      0.85 * (Math.log(debt / income) - 0.2) +
      (used > 1_000 ? 1.2 : 1.6 * (used - 0.45)) +
      0.55 * Math.min(late, 6) -
      0.08 * accounts +
      (hidden ? 1.3 : 0) +
      (night ? 1.2 : 0) +
      0.5 * Math.sin((2 * Math.PI * date.getUTCMonth()) / 12) +
      purpose[at.purpose]! +
      merchant[at.merchant]! +
      region[at.region]! -
      (years === null ? -0.6 : 0.25 * Math.min(6, years)) +
      (at.purpose % 3 === 0 ? 0.6 * (used > 0.7 ? 1 : -0.3) : 0);
    return [
      hidden ? null : round(income),
      round(debt),
      round(used, 3),
      accounts,
      late,
      named('for-', at.purpose, 12),
      named('m', at.merchant, 700),
      10 * ((at.region * 5) % 12) + 1,
      stamp(time),
      years,
      draw.chance(0.3),
      part(draw),
      draw.chance(sigmoid(score)) ? 'bad' : 'good',
    ];
  });
  return {
    columns: [
      'income',
      'debt',
      'used',
      'accounts',
      'late',
      'purpose',
      'merchant',
      'region',
      'asked',
      'employed_years',
      'phone',
      'part',
      'label',
    ],
    rows,
  };
}

/** As in a plant: measurements with spikes, shifts, firmware, operators. */
function plant(seed: number): MadeTable {
  const draw = new Draw('plant', seed);
  const product = draw.effects(90, 0.7);
  const operator = draw.effects(250, 0.7);
  const firmware = draw.effects(25, 0.5);
  const code = draw.effects(7, 0.9);
  const rows = Array.from({ length: ROWS }, (): Cell[] => {
    const vibration = draw.normal() / Math.sqrt(Math.max(1e-4, (draw.normal() ** 2 + draw.normal() ** 2) / 2));
    const current = draw.normal(12, 1.5) + (draw.chance(0.004) ? draw.normal(0, 4_000) : 0);
    const temperature = draw.normal(70, 8);
    const pressure = draw.normal(3, 0.5);
    const cycles = Math.round(draw.logNormal(6, 1.6));
    const leak = draw.chance(0.35) ? draw.logNormal(-1, 1.5) : 0;
    const at = { product: draw.skewed(90), operator: draw.skewed(250, 1.2), firmware: draw.skewed(25), code: draw.skewed(7, 1) };
    const time = Date.UTC(2023, 2, 1) + Math.floor(draw.uniform(0, 400 * 24)) * 3_600_000;
    const shift = Math.floor(new Date(time).getUTCHours() / 8);
    const blind = draw.chance(temperature > 75 ? 0.35 : 0.08);
    const score =
      -0.6 +
      1.2 * Math.tanh(vibration) +
      0.35 * (current - 12) * (Math.abs(current - 12) > 20 ? 0 : 1) +
      0.05 * (temperature - 70) * (pressure > 3 ? 1.5 : -0.3) +
      0.4 * (Math.log(cycles + 1) - 6) +
      (leak > 0 ? 0.4 * (Math.log(leak) + 2) : 0) +
      product[at.product]! +
      operator[at.operator]! +
      firmware[at.firmware]! +
      code[at.code]! +
      [0, 0.3, 1.1][shift]! +
      (blind ? 0.8 : 0);
    return [
      round(vibration, 4),
      round(current, 3),
      round(temperature, 1),
      blind ? null : round(pressure, 3),
      cycles,
      round(leak, 4),
      named('P', at.product, 90),
      named('op', at.operator, 250),
      `v${at.firmware % 5}.${at.firmware}`,
      at.code,
      stamp(time),
      part(draw),
      draw.chance(sigmoid(score)) ? 'fault' : 'fine',
    ];
  });
  return {
    columns: [
      'vibration',
      'current',
      'temperature',
      'pressure',
      'cycles',
      'leak',
      'product',
      'operator',
      'firmware',
      'code',
      'at',
      'part',
      'label',
    ],
    rows,
  };
}

/** As in a shop: postal codes by the thousand, places, coupons that most rows lack. Not looked at while the rules were chosen. */
function shop(seed: number): MadeTable {
  const draw = new Draw('shop', seed);
  const zone = draw.effects(2_500, 0.6);
  const device = draw.effects(8, 0.5);
  const coupon = draw.effects(30, 0.9);
  const rating = [-0.9, -0.6, 0.1, 0.3, 0.7];
  const rows = Array.from({ length: ROWS }, (_, row): Cell[] => {
    const spent = draw.logNormal(4, 1.3);
    const visits = draw.count(3);
    const refunds = draw.chance(0.08) ? -draw.logNormal(3, 1.2) : 0;
    const [north, east] = [draw.uniform(47, 55), draw.uniform(6, 15)];
    const at = { zone: draw.skewed(2_500, 2), device: draw.skewed(8), coupon: draw.skewed(30), rating: draw.skewed(5, 0.8) };
    const born = Date.UTC(1950, 0, 1) + draw.uniform(0, 55 * 365.25) * 86_400_000;
    const last = draw.chance(0.15) ? null : Date.UTC(2024, 0, 1) + draw.uniform(0, 365) * 86_400_000;
    const used = draw.chance(0.3);
    const rated = draw.chance(0.6);
    const discount = 0.05 * draw.skewed(5);
    const score =
      -0.5 +
      0.6 * (Math.log(spent) - 4) +
      0.25 * (visits - 3) +
      (refunds < 0 ? 0.6 * (Math.log(-refunds) - 2) : 0) -
      1.2 * Math.hypot((north - 51) / 3, (east - 10) / 4) +
      1.2 +
      zone[at.zone]! +
      device[at.device]! +
      (used ? coupon[at.coupon]! : -0.4) +
      (rated ? rating[at.rating]! : 0.6) +
      (last === null ? -0.8 : 0.004 * ((last - Date.UTC(2024, 6, 1)) / 86_400_000)) +
      0.02 * ((born - Date.UTC(1980, 0, 1)) / 31_557_600_000) * (at.device < 2 ? 1.5 : -0.5) +
      3 * discount;
    return [
      row * 17 + 40_000,
      round(spent),
      visits,
      round(refunds),
      round(north, 5),
      round(east, 5),
      String(10_000 + ((at.zone * 31) % 2_500)).padStart(5, '0') + (at.zone % 2 === 0 ? 'A' : 'B'),
      named('dev-', at.device, 8),
      used ? named('C', at.coupon, 30) : null,
      rated ? at.rating + 1 : null,
      stamp(born).slice(0, 10),
      last === null ? null : stamp(last),
      round(discount),
      part(draw),
      draw.chance(sigmoid(score)) ? 'stays' : 'leaves',
    ];
  });
  return {
    columns: [
      'customer_id',
      'spent',
      'visits',
      'refunds',
      'north',
      'east',
      'zone',
      'device',
      'coupon',
      'rating',
      'born',
      'last',
      'discount',
      'part',
      'label',
    ],
    rows,
  };
}

export const TABLES: Readonly<Record<string, (seed: number) => MadeTable>> = { census, credit, plant, shop };

export function csvOf({ columns, rows }: MadeTable): string {
  return `${[columns, ...rows].map((row) => row.map((cell) => (cell === null ? '' : String(cell))).join(',')).join('\n')}\n`;
}
