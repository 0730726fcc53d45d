import type { PredictionLogSettings } from '../core/prediction-log.ts';
import type { RequestLimits } from '../core/request-limits.ts';
import type { TargetSetting } from '../core/targets.ts';

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
  /** Where the champion is kept besides the servers. Absent: nowhere. */
  readonly targets?: readonly TargetSetting[];
}

/** Nothing but the settings. */
export function servingSettings({ fallback, predictionLog, limits, targets }: ServingSettings): ServingSettings {
  return {
    ...(fallback === undefined ? {} : { fallback }),
    ...(predictionLog === undefined ? {} : { predictionLog }),
    ...(limits === undefined ? {} : { limits }),
    ...(targets === undefined ? {} : { targets }),
  };
}
