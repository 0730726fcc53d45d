import type { Outcome } from '../core/outcome.ts';
import { logFields } from '../telemetry/telemetry.ts';
import { mask } from './secrets.ts';

/** Into the log of the worker: what a run or a check came to that somebody has to look at. */
export function logOutcome({ formatVersion: _format, ...fields }: Outcome): void {
  const message = `${fields.pipeline}: ${fields.kind === 'run' ? 'run' : 'check'} ${fields.outcome}`;
  console.error(mask(JSON.stringify({ time: fields.at, level: 'WARN', message, ...fields, ...logFields() })));
}
