import { openSpan, telemetryIsOn } from '../telemetry/telemetry.ts';

/**
 * A command as the root of what it starts, or as part of the trace that TRACEPARENT names. Its arguments are not told.
 *
 * @param run carries it out, and gives the error that was told, if any, and the exit code
 */
export async function tellCommand(path: string, run: () => Promise<{ readonly error: unknown; readonly code: number }>): Promise<void> {
  if (!telemetryIsOn()) return void (await run());
  const span = openSpan(`perennial ${path}`, { from: process.env, attributes: { 'perennial.command': path } });
  const { error, code } = await span.within(run);
  span.set({ 'process.exit.code': code });
  span.end(error ?? (code === 0 ? undefined : { code: `EXIT_${code}` }));
}
