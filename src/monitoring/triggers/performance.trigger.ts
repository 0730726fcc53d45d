import { PerennialError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import { metricRegistry } from '../../evaluation/metrics/index.generated.ts';
import type { VersionManifest } from '../../registry/types.ts';
import {
  LIVE_PROPERTIES,
  LIVE_TRIGGER,
  judgeLive,
  liveTable,
  shownValue,
  stretchOf,
  widened,
  windowMistakes,
} from '../policy/live-windows.ts';
import type { LiveRules, LiveWindow } from '../policy/live-windows.ts';
import { ERROR_METRICS } from '../feedback/error-metrics.ts';
import type { ErrorMetric } from '../feedback/error-metrics.ts';
import type { Realized } from '../feedback/realized.ts';
import { defineTrigger } from './trigger.ts';
import type { TriggerDeps, TriggerFinding, TriggerLook, TriggerMistake } from './trigger.ts';

interface PerformanceSettings extends LiveRules {
  readonly metric: string;
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly worseBy?: number;
  readonly basis: 'labels' | 'estimate';
  readonly windowMs: number;
  readonly delayMs: number;
  readonly confidence: number;
}

/** What can be told without labels. */
const ESTIMATED = ['accuracy', ...ERROR_METRICS];
const isErrorMetric = (name: string): name is ErrorMetric => (ERROR_METRICS as readonly string[]).includes(name);

const BOUNDS = ['atLeast', 'atMost', 'worseBy'] as const;

/** The metric that a key such as "species.accuracy" is of. */
const metricOf = (key: string) => metricRegistry.find(key.slice(key.lastIndexOf('.') + 1));

export default defineTrigger<PerformanceSettings>({
  name: 'performance',
  summary:
    'Acts when the answers of the champion turn out worse than they may: by the labels that came since (POST /models/NAME/feedback, `perennial feedback import`), or by an estimate without them.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['metric'],
    properties: {
      metric: {
        type: 'string',
        minLength: 1,
        description: 'Metric of the answers, as `perennial feedback show` names it.',
        examples: ['accuracy', 'meanAbsoluteError'],
      },
      atLeast: { type: 'number', description: 'Bound of a metric that is better when it is higher.', examples: [0.9] },
      atMost: { type: 'number', description: 'Bound of a metric that is better when it is lower.', examples: [2.5] },
      worseBy: {
        type: 'number',
        minimum: 0,
        description: 'Margin below (or above) the value that the champion was registered with.',
        examples: [0.05],
      },
      basis: {
        enum: ['labels', 'estimate'],
        default: 'labels',
        description:
          'labels: what is known of the answers. estimate: without labels; the accuracy that the probabilities of the model itself say, corrected by labels where there are 300, or of a model that answers with a number the mean absolute, mean squared or root mean squared error that its errors on the test rows say (of 300 rows or more); it does not see that the same data came to mean something else.',
      },
      ...LIVE_PROPERTIES,
    },
  },
  ...LIVE_TRIGGER,
  examples: [
    { metric: 'accuracy', worseBy: 0.05, window: '7d' },
    { metric: 'meanAbsoluteError', atMost: 2.5, windowsMin: 2, windowsOf: 3, do: { rollback: { within: '7d' } } },
  ],
  mistakes(settings) {
    return [...windowMistakes(settings), ...boundMistakes(settings)];
  },
  async look(deps, look, settings, champion) {
    const { windows, predictions, notes } = await windowsOf(deps, look, settings, champion!);
    const direction = metricOf(settings.metric)?.direction ?? 'maximize';
    const bounds = boundsOf(settings, champion!, direction);
    const worst = direction === 'maximize' ? Math.max(...bounds.map(({ at }) => at)) : Math.min(...bounds.map(({ at }) => at));
    const { alarm, judged, breached } = judgeLive(windows, settings, ({ low, high }) =>
      direction === 'maximize' ? high < worst : low > worst,
    );
    const name = `${champion!.name} version ${champion!.version}`;
    const said = bounds.map(({ text }) => text).join(' and ');
    const finding = {
      rows: windows.reduce((sum, { rows }) => sum + rows, 0),
      details: liveTable(windows, settings.metric, breached),
      evidence: { metric: settings.metric, basis: settings.basis, bound: worst, windows: windows as unknown as JsonObject[] },
    };
    if (judged.length === 0) return unjudged(name, settings, { windows, predictions, notes, finding });
    const newest = (alarm ? breached : judged).at(-1)!;
    const where = `${settings.basis === 'estimate' ? 'estimated ' : ''}${settings.metric} of ${name} is ${shownValue(newest)} on ${newest.rows} ${settings.basis === 'estimate' ? 'answers' : 'labelled answers'} from ${newest.from} to ${newest.to}`;
    const counted =
      settings.windowsOf === 1
        ? ''
        : ` In ${breached.length} of ${judged.length} judged windows it is beyond that; ${settings.windowsMin} are asked for.`;
    return { ...finding, due: alarm, summary: `${where[0]!.toUpperCase()}${where.slice(1)}; ${said}.${counted}` };
  },
});

function boundMistakes(settings: JsonObject): TriggerMistake[] {
  const key = String(settings['metric']);
  const metric = metricOf(key);
  if (metric === undefined)
    return [
      {
        pointer: '/metric',
        message: `There is no metric "${key}".`,
        fix: 'Name one of `perennial schema metric`; of a model with several outputs "OUTPUT.METRIC".',
      },
    ];
  const given = BOUNDS.filter((bound) => settings[bound] !== undefined);
  if (given.length === 0)
    return [{ pointer: '/metric', message: 'It is not said how bad is too bad.', fix: 'Give "atLeast" or "atMost", "worseBy", or both.' }];
  const wrong = metric.direction === 'maximize' ? 'atMost' : 'atLeast';
  const right = metric.direction === 'maximize' ? 'atLeast' : 'atMost';
  if (given.includes(wrong))
    return [
      {
        pointer: `/${wrong}`,
        message: `"${key}" is better when it is ${metric.direction === 'maximize' ? 'higher' : 'lower'}, and "${wrong}" would call the good values bad.`,
        fix: `Write "${right}".`,
      },
    ];
  if (settings['basis'] === 'estimate' && !key.endsWith('accuracy') && !isErrorMetric(key))
    return [
      {
        pointer: '/basis',
        message: `Only ${ESTIMATED.join(', ')} can be estimated without labels, not "${key}".`,
        fix: 'Set "metric" to one of these, or "basis" to "labels".',
      },
    ];
  return [];
}

/** @throws CONFIG_INVALID where the champion was registered without the metric */
function boundsOf(
  { metric, atLeast, atMost, worseBy }: PerformanceSettings,
  champion: VersionManifest,
  direction: 'maximize' | 'minimize',
): { readonly at: number; readonly text: string }[] {
  const fixed = atLeast ?? atMost;
  const bounds = fixed === undefined ? [] : [{ at: fixed, text: `"${atLeast === undefined ? 'atMost' : 'atLeast'}" is ${fixed}` }];
  if (worseBy === undefined) return bounds;
  const before = champion.metrics[metric];
  if (before === undefined)
    throw new PerennialError(
      'CONFIG_INVALID',
      `on.performance.worseBy: ${champion.name} version ${champion.version} was registered without "${metric}"; it has ${Object.keys(champion.metrics).join(', ') || 'none'}.`,
      { hint: `Measure "${metric}" in the evaluate step, or give a fixed bound in place of "worseBy".` },
    );
  const at = direction === 'maximize' ? before - worseBy : before + worseBy;
  return [...bounds, { at, text: `it was ${Number(before.toPrecision(4))} when it was registered, and may be worse by ${worseBy}` }];
}

async function windowsOf(
  { store, artifacts }: TriggerDeps,
  { model, nominalTime }: TriggerLook,
  { metric, basis, windowMs, delayMs, windowsOf: count, confidence }: PerformanceSettings,
  champion: VersionManifest,
): Promise<{ readonly windows: LiveWindow[]; readonly predictions: number; readonly notes: readonly string[] }> {
  const { realizedPerformance } = await import('../feedback/realized.ts');
  const { from, to } = stretchOf(nominalTime, windowMs, delayMs, count);
  const report = await realizedPerformance(store, artifacts, model, {
    from,
    to,
    byMs: windowMs,
    version: champion.version,
    metrics: [metric.slice(metric.lastIndexOf('.') + 1)],
  });
  const windows = Array.from({ length: count }, (_, at): LiveWindow => {
    const begin = new Date(from.getTime() + at * windowMs).toISOString();
    const end = new Date(from.getTime() + (at + 1) * windowMs).toISOString();
    const period = report.periods.find((one) => one.from === begin);
    const { value, interval, rows } = basis === 'estimate' ? estimateOf(period, metric) : realizedOf(period, metric);
    const wide = value === undefined || interval === undefined ? { low: null, high: null } : widened(value, interval, confidence);
    return { from: begin, to: end, rows, value: value ?? null, ...wide };
  });
  return {
    windows,
    predictions: report.periods.reduce((sum, { predictions }) => sum + predictions, 0),
    notes: [...new Set([...report.notes, ...report.periods.flatMap((period) => period.notes)])],
  };
}

interface Seen {
  readonly value: number | undefined;
  readonly interval: { readonly low: number; readonly high: number } | undefined;
  readonly rows: number;
}

function realizedOf(period: Realized | undefined, metric: string): Seen {
  return { value: period?.metrics[metric], interval: period?.intervals[metric], rows: period?.labelled ?? 0 };
}

function estimateOf(period: Realized | undefined, metric: string): Seen {
  if (!isErrorMetric(metric))
    return { value: period?.estimated?.accuracy, interval: period?.estimated, rows: period?.estimated?.rows ?? 0 };
  const one = period?.estimatedErrors?.metrics[metric];
  return { value: one?.value, interval: one, rows: period?.estimatedErrors?.rows ?? 0 };
}

/** Nothing to judge: too few answers, which is nobody's fault, or answers of which nobody tells the truth. */
function unjudged(
  name: string,
  { basis, metric, rowsMin }: PerformanceSettings,
  seen: {
    readonly windows: readonly LiveWindow[];
    readonly predictions: number;
    readonly notes: readonly string[];
    readonly finding: Pick<TriggerFinding, 'rows' | 'details' | 'evidence'>;
  },
): TriggerFinding {
  const stretch = `from ${seen.windows[0]!.from} to ${seen.windows.at(-1)!.to}`;
  const notes = seen.notes.map((note) => ` ${note}.`).join('');
  if (seen.predictions < rowsMin)
    return {
      ...seen.finding,
      due: false,
      summary: `Too few answers of ${name} to judge: ${seen.predictions} ${stretch}; ${rowsMin} are needed.`,
    };
  const labelled = Math.max(...seen.windows.map(({ rows }) => rows));
  const hint =
    'Send labels (POST /models/NAME/feedback, `perennial feedback import`), give them time with "delay", take a longer "window", or lower "rowsMin".';
  return {
    ...seen.finding,
    due: false,
    blind: true,
    summary:
      basis === 'estimate'
        ? isErrorMetric(metric)
          ? `"${metric}" of ${name} cannot be estimated for ${rowsMin} of ${seen.predictions} answers ${stretch}: it takes numbers as answers, rows that are logged as a whole, and an evaluation on 300 test rows or more.${notes}`
          : `The accuracy of ${name} cannot be estimated: of ${seen.predictions} answers ${stretch} none has probabilities of classes.${notes}`
        : labelled >= rowsMin
          ? `"${metric}" of ${name} is not known, though ${labelled} labels are.${notes}`
          : `How ${name} does cannot be told: of ${seen.predictions} answers ${stretch} the truth is known of at most ${labelled} in a window, and ${rowsMin} are needed.${notes} ${hint}`,
  };
}
