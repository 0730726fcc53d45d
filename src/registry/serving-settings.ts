import type { PredictionLogSettings } from '../core/prediction-log.ts';
import type { RequestLimits } from '../core/request-limits.ts';

/** What servers answer with while the champion cannot be loaded: the newest former champion that can be, or nothing (503). */
export type Fallback = 'previous' | 'nothing';

/** How a model is served: what a deployment says holds until another one says otherwise. */
export interface ServingSettings {
  /** Absent: "previous". */
  readonly fallback?: Fallback;
  /** Absent: all of every prediction is logged. */
  readonly predictionLog?: PredictionLogSettings;
  /** Absent: only those of the server. */
  readonly limits?: RequestLimits;
}

/** Nothing but the settings. */
export function servingSettings({ fallback, predictionLog, limits }: ServingSettings): ServingSettings {
  return {
    ...(fallback === undefined ? {} : { fallback }),
    ...(predictionLog === undefined ? {} : { predictionLog }),
    ...(limits === undefined ? {} : { limits }),
  };
}
