import type { NumberData } from './column-data.ts';
import { Moments, defineTransform, requireValues, withDefaults } from './transform.ts';
import { PARTS, PERIODS, phase } from './shared/calendar.ts';
import type { Period } from './shared/calendar.ts';

interface Config {
  readonly parts: readonly string[];
  readonly cycles: readonly Period[];
  readonly scale: boolean;
}

const DEFAULTS: Config = { parts: ['month', 'dayOfWeek', 'hour'], cycles: [], scale: false };

const parts = { type: 'array', items: { enum: Object.keys(PARTS) }, uniqueItems: true, default: DEFAULTS.parts } as const;

/** Of each part, where they are scaled. */
type State = { mean: number[]; std: number[] } | null;

export default defineTransform<Config, State>({
  name: 'dateParts',
  summary:
    'Parts of a timestamp (UTC) as numbers: year, month 1-12, day 1-31, dayOfWeek 1 (Monday) to 7, hour, minute, and time: days since 1970 with their fraction; as they are or standardized. Cycles are sine and cosine of the place within a period.',
  configSchema: {
    oneOf: [
      { ...parts, minItems: 1, description: 'The parts, in order, as they are.', examples: [['month', 'hour']] },
      {
        type: 'object',
        additionalProperties: false,
        properties: {
          parts: { ...parts, description: 'The parts, in order.', examples: [['time', 'dayOfWeek']] },
          cycles: {
            type: 'array',
            items: { enum: PERIODS },
            uniqueItems: true,
            default: [],
            description: 'Periods whose sine and cosine stand behind the parts, so that the end of each is near its start.',
            examples: [['year', 'week']],
          },
          scale: {
            type: 'boolean',
            default: DEFAULTS.scale,
            description:
              'Each part with the mean 0 and the standard deviation 1 over the train split, as "standardize"; a part that does not vary becomes 0. Cycles lie between -1 and 1 as they are.',
          },
        },
      },
    ],
    default: DEFAULTS.parts,
    description: 'The parts of the timestamp, in UTC.',
    examples: [['month', 'hour'], { parts: ['time'], cycles: ['year', 'week'], scale: true }],
  },
  examples: [['month', 'dayOfWeek', 'hour'], { parts: ['time', 'dayOfWeek'], cycles: ['day'], scale: true }],
  takes: ['timestamp'],
  gives: () => 'vector',
  resolve: (value) => (Array.isArray(value) ? { ...DEFAULTS, parts: value as string[] } : withDefaults(DEFAULTS, value)),
  fit: ({ parts: names, scale }, { column }) => {
    const moments = names.map(() => new Moments());
    return {
      add: (data) => {
        if (!scale) return;
        for (const time of (data as NumberData).values)
          if (!Number.isNaN(time)) names.forEach((name, at) => moments[at]!.add(PARTS[name]!(time)));
      },
      finish: () => {
        if (!scale) return null;
        if (moments.length > 0) requireValues(moments[0]!.count, column, 'the scale of its parts');
        return { mean: moments.map(({ mean }) => mean), std: moments.map((each) => each.scale) };
      },
    };
  },
  apply: (data, { parts: names, cycles }, state) => {
    const times = (data as NumberData).values;
    const width = names.length + 2 * cycles.length;
    const values = new Float32Array(times.length * width);
    for (let row = 0; row < times.length; row += 1) {
      const time = times[row]!;
      names.forEach((name, at) => {
        const value = PARTS[name]!(time);
        values[row * width + at] = state === null ? value : (value - state.mean[at]!) / state.std[at]!;
      });
      cycles.forEach((period, at) => {
        const angle = 2 * Math.PI * phase(time, period);
        values[row * width + names.length + 2 * at] = Math.sin(angle);
        values[row * width + names.length + 2 * at + 1] = Math.cos(angle);
      });
    }
    return { kind: 'vector', width, parts: [...names, ...cycles.flatMap((period) => [`sin ${period}`, `cos ${period}`])], values };
  },
  reference: 'pandas Series.dt and scikit-learn StandardScaler',
});
