import type { ReplayWorkerOptions } from '@temporalio/worker';

const ignore = { fn: (): void => undefined };

/** What the bundle with traces calls, with nobody listening: a replay is about commands. */
export const silentSinks: NonNullable<ReplayWorkerOptions['sinks']> = {
  exporter: { export: ignore },
  telemetry: { started: ignore, ended: ignore },
};
