interface Field {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  readonly names?: readonly string[];
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const FIELDS: readonly Field[] = [
  { name: 'minute', least: 0, most: 59 },
  { name: 'hour', least: 0, most: 23 },
  { name: 'day of month', least: 1, most: 31 },
  { name: 'month', least: 1, most: 12, names: MONTHS },
  { name: 'day of week', least: 0, most: 7, names: DAYS },
];
/** Longest length of every month: February has 29 in some years. */
const MONTH_LENGTHS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** The times of a cron expression, in its own time zone. */
export interface CronTimes {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  /** Of a day of the calendar, day of week from 0, Sunday. */
  onDay(month: number, day: number, dayOfWeek: number): boolean;
}

/** What is wrong with a cron expression of five fields, or undefined. */
export function checkCron(cron: string): { message: string; fix: string } | undefined {
  const fields = cron.trim().split(/\s+/);
  if (fields.length !== FIELDS.length) {
    const found = cron.trim() === '' ? 'none' : fields.length;
    return {
      message: `A cron expression has five fields; ${JSON.stringify(cron)} has ${found}.`,
      fix: 'Write minute, hour, day of month, month and day of week, e.g. "0 3 * * *".',
    };
  }
  const sets: ReadonlySet<number>[] = [];
  for (const [index, text] of fields.entries()) {
    const field = FIELDS[index]!;
    const set = readField(text, field);
    if (typeof set === 'string')
      return {
        message: `The ${field.name} of the cron expression is ${JSON.stringify(text)}: ${set}.`,
        fix: `The ${field.name} is *, a number from ${field.least} to ${field.most}, a range 1-5, a step */15, or a list of these.`,
      };
    sets.push(set);
  }
  // Where both day fields are restricted, cron runs on either, so that the day of week can make up for an impossible date.
  const daysOfWeekOpen = fields[4]!.startsWith('*');
  const possible = [...sets[3]!].some((month) => [...sets[2]!].some((day) => day <= MONTH_LENGTHS[month - 1]!));
  if (daysOfWeekOpen && !possible)
    return {
      message: `The cron expression ${JSON.stringify(cron)} names a day that no month has, so it never fires.`,
      fix: 'Choose a day that exists in the month.',
    };
  return undefined;
}

/** The values of one field, or what is wrong with it. */
function readField(text: string, field: Field): ReadonlySet<number> | string {
  const out = new Set<number>();
  for (const part of text.split(',')) {
    const [range, step, ...rest] = part.split('/') as [string, string | undefined, ...string[]];
    if (range === '' || rest.length > 0) return 'a part of the list is malformed';
    const every = step === undefined ? 1 : /^\d+$/.test(step) ? Number(step) : NaN;
    if (!(every >= 1)) return `the step ${JSON.stringify(step)} is no number from 1`;
    const bounds = readRange(range, step !== undefined, field);
    if (typeof bounds === 'string') return bounds;
    for (let value = bounds[0]; value <= bounds[1]; value += every) out.add(value);
  }
  return out;
}

function readRange(text: string, stepped: boolean, field: Field): [number, number] | string {
  if (text === '?') return '"?" is of other programs\' cron; "*" means the same';
  if (text === '*') return [field.least, field.most];
  const ends = text.split('-');
  if (ends.length > 2) return 'a range has two ends';
  const values = ends.map((end) => readValue(end, field));
  for (const [index, value] of values.entries()) {
    if (value === undefined) return `${JSON.stringify(ends[index])} is no ${field.name}`;
    if (value < field.least || value > field.most) return `${value} is not between ${field.least} and ${field.most}`;
  }
  const [from, to] = values as [number, number | undefined];
  if (to !== undefined && to < from) return `the range ${text} ends before it starts`;
  return [from, to ?? (stepped ? field.most : from)];
}

function readValue(text: string, field: Field): number | undefined {
  if (/^\d+$/.test(text)) return Number(text);
  const named = field.names?.indexOf(text.toUpperCase()) ?? -1;
  return named < 0 ? undefined : named + (field.least === 1 ? 1 : 0);
}

/**
 * The expressions whose ticks together are those of a cron expression. Where both days are restricted, cron runs on either and Temporal
 * only where both fit, so that it is given two.
 */
export function temporalCrons(cron: string): string[] {
  const [minute, hour, day, month, dayOfWeek] = cron.trim().split(/\s+/) as [string, string, string, string, string];
  if (day.startsWith('*') || dayOfWeek.startsWith('*')) return [cron];
  return [[minute, hour, day, month, '*'].join(' '), [minute, hour, '*', month, dayOfWeek].join(' ')];
}

/** When a cron expression ticks. It has to be one that {@link checkCron} takes. */
export function cronTimes(cron: string): CronTimes {
  const fields = cron.trim().split(/\s+/);
  const [minutes, hours, days, months, weekdays] = fields.map((text, index) => readField(text, FIELDS[index]!)) as ReadonlySet<number>[];
  const either = !fields[2]!.startsWith('*') && !fields[4]!.startsWith('*');
  return {
    minutes: minutes!,
    hours: hours!,
    onDay(month, day, dayOfWeek) {
      if (!months!.has(month)) return false;
      const ofMonth = days!.has(day);
      const ofWeek = weekdays!.has(dayOfWeek) || (dayOfWeek === 0 && weekdays!.has(7));
      return either ? ofMonth || ofWeek : ofMonth && ofWeek;
    },
  };
}
