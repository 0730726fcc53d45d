import { openSpan, telemetryIsOn } from '../telemetry/telemetry.ts';

/** A command as the root of what it starts, or as part of the trace that TRACEPARENT names. Its arguments are not told. */
export async function tellCommand(path: string, run: () => Promise<unknown>): Promise<void> {
  if (!telemetryIsOn()) return void (await run());
  const span = openSpan(`perennial ${path}`, { from: process.env, attributes: { 'perennial.command': path } });
  const error = await span.within(run);
  const code = Number(process.exitCode ?? 0);
  span.set({ 'process.exit.code': code });
  span.end(error ?? (code === 0 ? undefined : { code: `EXIT_${code}` }));
}
