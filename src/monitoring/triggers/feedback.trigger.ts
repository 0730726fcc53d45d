import type { JsonObject } from '../../core/json.ts';
import {
  LIVE_PROPERTIES,
  LIVE_TRIGGER,
  judgeLive,
  liveTable,
  shareInterval,
  shownValue,
  stretchOf,
  windowMistakes,
} from '../policy/live-windows.ts';
import type { LiveRules, LiveWindow } from '../policy/live-windows.ts';
import { defineTrigger } from './trigger.ts';

interface FeedbackSettings extends LiveRules {
  readonly flagged: number;
  readonly of: 'answers' | 'checked';
  readonly windowMs: number;
  readonly delayMs: number;
  readonly confidence: number;
}

export default defineTrigger<FeedbackSettings>({
  name: 'feedback',
  summary: 'Acts when people take too many answers of the champion for wrong: `{"id": …, "flag": true}` to POST /models/NAME/feedback.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['flagged'],
    properties: {
      flagged: {
        type: 'number',
        exclusiveMinimum: 0,
        maximum: 1,
        description: 'Share of flagged answers that is too much.',
        examples: [0.02],
      },
      of: {
        enum: ['answers', 'checked'],
        default: 'answers',
        description: 'answers: share of all answers. checked: of those that somebody flagged or confirmed.',
      },
      ...LIVE_PROPERTIES,
    },
  },
  ...LIVE_TRIGGER,
  examples: [{ flagged: 0.02 }, { flagged: 0.3, of: 'checked', rowsMin: 50, do: 'notify' }],
  mistakes: (settings) => windowMistakes(settings),
  async look({ store, artifacts }, { model, nominalTime }, settings, champion) {
    const { realizedPerformance } = await import('../feedback/realized.ts');
    const { flagged: most, of, windowMs, delayMs, windowsOf, windowsMin, rowsMin, confidence } = settings;
    const { from, to } = stretchOf(nominalTime, windowMs, delayMs, windowsOf);
    const report = await realizedPerformance(store, artifacts, model, {
      from,
      to,
      byMs: windowMs,
      version: champion!.version,
      metrics: 'none',
    });
    const windows = Array.from({ length: windowsOf }, (_, at): LiveWindow => {
      const begin = new Date(from.getTime() + at * windowMs).toISOString();
      const period = report.periods.find((one) => one.from === begin);
      const rows = period === undefined ? 0 : of === 'answers' ? period.predictions : period.flagged + period.confirmed;
      const bounds = rows === 0 ? { low: null, high: null } : shareInterval(period!.flagged, rows, confidence);
      return {
        from: begin,
        to: new Date(from.getTime() + (at + 1) * windowMs).toISOString(),
        rows,
        value: rows === 0 ? null : period!.flagged / rows,
        ...bounds,
      };
    });
    const { alarm, judged, breached } = judgeLive(windows, settings, ({ low }) => low > most);
    const rows = windows.reduce((sum, window) => sum + window.rows, 0);
    const name = `${champion!.name} version ${champion!.version}`;
    const unit = of === 'answers' ? 'answers' : 'checked answers';
    const base = {
      rows,
      details: liveTable(windows, 'Share flagged', breached),
      evidence: { of, bound: most, windows: windows as unknown as JsonObject[] },
    };
    const shown = (alarm ? breached : judged).at(-1);
    if (shown === undefined)
      return {
        ...base,
        due: false,
        summary: `Too few ${unit} of ${name} to judge: ${rows} from ${from.toISOString()} to ${to.toISOString()}; ${rowsMin} a window are needed.`,
      };
    const counted =
      windowsOf === 1 ? '' : ` In ${breached.length} of ${judged.length} judged windows it is above that; ${windowsMin} are asked for.`;
    return {
      ...base,
      due: alarm,
      summary: `The share of flagged ${unit} of ${name} is ${shownValue(shown)} of ${shown.rows} from ${shown.from} to ${shown.to}; "flagged" is ${most}.${counted}`,
    };
  },
});
