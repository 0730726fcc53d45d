import { Context } from '@temporalio/activity';
import { messageOf } from '../src/core/errors.ts';
import type { ObjectStore } from '../src/core/ports.ts';
import type { StepTask } from '../src/core/run.ts';
import type { StepLogger } from '../src/core/step.ts';
import { mask } from '../src/steps/secrets.ts';
import { stepLogKey } from '../src/steps/step-logs.ts';
import { logFields } from '../src/telemetry/telemetry.ts';

/** Characters of one attempt's log that are kept: the beginning and, above this, the end. */
const LOG_CHARS_MAX = 1_000_000;

/** A step's log: to the worker's log at once, and to the store when the attempt ends, where `perennial runs logs` reads it. */
export class StepLog implements StepLogger {
  readonly #store: ObjectStore;
  readonly #key: string;
  readonly #context = Context.current();
  /** Of the attempt: lines of a program come from outside of its trace. */
  readonly #trace = logFields();
  #lines: string[] = [];
  #chars = 0;
  #dropped = 0;

  constructor(store: ObjectStore, task: StepTask, attempt: number) {
    this.#store = store;
    this.#key = stepLogKey(task.pipeline, task.runId, task.stepId, `${this.#context.info.activityId.split('#')[1] ?? '1'}.${attempt}`);
  }

  info(message: string, fields?: Record<string, unknown>): void {
    this.#write('info', message, fields);
  }

  warn(message: string, fields?: Record<string, unknown>): void {
    this.#write('warn', message, fields);
  }

  error(message: string, fields?: Record<string, unknown>): void {
    this.#write('error', message, fields);
  }

  /** Nothing is stored for a silent step. A store that is away must not turn a done step into a failed one. */
  async flush(): Promise<void> {
    if (this.#lines.length === 0) return;
    const note = this.#dropped === 0 ? [] : [`… ${this.#dropped} lines left out …`];
    const text = [...note, ...this.#lines, ''].join('\n');
    try {
      await this.#store.put(this.#key, new TextEncoder().encode(text), { contentType: 'text/plain; charset=utf-8' });
    } catch (error) {
      this.#context.log.warn(`the log of the step could not be stored: ${messageOf(error)}`);
    }
  }

  #write(level: 'info' | 'warn' | 'error', message: string, fields?: Record<string, unknown>): void {
    const text = mask(message);
    const own = fields === undefined ? undefined : mask(fields);
    const extra = 'trace_id' in this.#trace ? { ...own, ...this.#trace } : own;
    this.#context.log[level](text, extra);
    const line = `${new Date().toISOString()} ${level.padEnd(5)} ${text}${extra === undefined ? '' : ` ${JSON.stringify(extra)}`}`;
    this.#lines.push(line);
    this.#chars += line.length + 1;
    while (this.#chars > LOG_CHARS_MAX && this.#lines.length > 1) {
      this.#chars -= this.#lines.shift()!.length + 1;
      this.#dropped += 1;
    }
  }
}
