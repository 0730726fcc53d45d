import type { JsonObject } from '../src/core/json.ts';

/** Characters that the Temporal UI shows of a summary. */
const MAX = 150;

/** "learningRate 0.003162, units [64,32]" */
export function pointSummary(point: JsonObject): string {
  const text = Object.entries(point)
    .map(
      ([name, value]) =>
        `${name} ${typeof value === 'number' ? Number(value.toPrecision(4)) : typeof value === 'string' ? value : JSON.stringify(value)}`,
    )
    .join(', ');
  return text.length > MAX ? `${text.slice(0, MAX - 1)}…` : text;
}
