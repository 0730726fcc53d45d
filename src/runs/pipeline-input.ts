import { PerennialError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { Plan, TurnPolicy } from '../core/plan.ts';
import type { PipelineInput, Trigger } from '../core/run.ts';
import type { StepDefinition } from '../core/step.ts';

export interface StartOptions {
  readonly trigger: Trigger;
  /** ISO 8601 UTC; default: the start of the run. */
  readonly nominalTime?: string;
  /** false: run every step, whatever the cache holds. */
  readonly readCache?: boolean;
  readonly why?: string;
  /** What happens where another run of the pipeline is going; default: what the plan says. */
  readonly overlap?: TurnPolicy;
}

/** The workflow's argument for a plan. @throws LIMIT_EXCEEDED */
export function pipelineInput(
  plan: Plan,
  steps: readonly Pick<StepDefinition, 'type' | 'version' | 'heavy'>[],
  options: StartOptions,
): PipelineInput {
  const bytes = Buffer.byteLength(JSON.stringify(plan));
  if (bytes > limits.planBytesMax)
    throw new PerennialError(
      'LIMIT_EXCEEDED',
      `The compiled plan is ${bytes} bytes; at most ${limits.planBytesMax} travel through Temporal.`,
      { hint: 'Keep data out of the document: name files in place of listing values.' },
    );
  if (plan.steps.length > limits.stepsMax)
    throw new PerennialError('LIMIT_EXCEEDED', `The plan has ${plan.steps.length} steps; at most ${limits.stepsMax} fit into one run.`, {
      hint: 'Split the pipeline into several documents.',
    });
  const heavy = plan.steps
    .filter(
      (step) => step.heavy ?? steps.some((known) => known.heavy === true && known.type === step.type && known.version === step.version),
    )
    .map((step) => step.id);
  // What people look for first comes first: the UI shows the beginning.
  return {
    trigger: options.trigger,
    ...(options.nominalTime === undefined ? {} : { nominalTime: options.nominalTime }),
    ...(options.readCache === undefined ? {} : { readCache: options.readCache }),
    ...(options.overlap === undefined ? {} : { overlap: options.overlap }),
    ...(options.why === undefined ? {} : { why: options.why }),
    plan,
    ...(heavy.length === 0 ? {} : { heavy }),
  };
}

/** Sorts by time, is short enough to type, and does not repeat: "20260131-174501-x7k2". */
export function newRunId(now: Date): string {
  const digits = now.toISOString().replace(/[-:]/g, '');
  const random = Math.floor(Math.random() * 36 ** 4)
    .toString(36)
    .padStart(4, '0');
  return `${digits.slice(0, 8)}-${digits.slice(9, 15)}-${random}`;
}

/** One line for the Temporal UI. */
export function runSummary(plan: Plan): string {
  const line = `${plan.pipeline}: ${plan.steps.map((step) => step.id).join(' → ')}`;
  return line.length > 200 ? `${line.slice(0, 199)}…` : line;
}

/** Fixed facts for the Temporal UI, in Markdown. */
export function runDetails(plan: Plan): string {
  const parameters = Object.entries(plan.parameters).map(([name, value]) => `\`${name}\` = \`${JSON.stringify(value)}\``);
  return [
    ...(plan.description === '' ? [] : [plan.description]),
    ...(parameters.length === 0 ? [] : [`Parameters: ${parameters.join(', ')}`]),
    `Document in \`${plan.documentDir}\`, revision \`${plan.revision.slice(0, 12)}\``,
  ].join('\n\n');
}
