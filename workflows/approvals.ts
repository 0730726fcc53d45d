import { ApplicationFailure } from '@temporalio/common';
import { condition, defineUpdate, setHandler } from '@temporalio/workflow';
import { approvalText, waitText } from '../src/core/approval.ts';
import type { AnswerRequest, Approval, OpenQuestion, Question } from '../src/core/approval.ts';
import type { StepOutcome } from '../src/core/run.ts';
import { ending } from './failures.ts';

const approveUpdate = defineUpdate<Approval, [AnswerRequest]>('approve');
const rejectUpdate = defineUpdate<Approval, [AnswerRequest]>('reject');

/** What answers are checked against. */
export interface AskingRun {
  readonly steps: readonly string[];
  /** Why no answer counts any more; undefined: the run goes on. */
  over(): string | undefined;
  /** Something is asked, or answered. */
  changed(): void;
}

/** Questions of a run to people, and what they answered. */
export class Approvals {
  readonly #run: AskingRun;
  readonly #open = new Map<string, OpenQuestion>();
  /** The newest answer of each step. */
  readonly #given = new Map<string, Approval>();

  constructor(run: AskingRun) {
    this.#run = run;
  }

  handleMessages(): void {
    const example = 'with {"who": "you", "why": "…"}';
    setHandler(approveUpdate, (request) => this.#answer(request, 'approved'), {
      description: `Let what a step asks about go on, ${example}`,
      validator: (request) => void this.#askedIn(request),
    });
    setHandler(rejectUpdate, (request) => this.#answer(request, 'rejected'), {
      description: `Stop what a step asks about, ${example}`,
      validator: (request) => void this.#askedIn(request),
    });
  }

  /** What is asked and not answered. */
  get open(): readonly OpenQuestion[] {
    return [...this.#open.values()];
  }

  openOf(step: string): OpenQuestion | undefined {
    return this.#open.get(step);
  }

  of(step: string): Approval | undefined {
    return this.#given.get(step);
  }

  /**
   * Asks, and waits for the answer. A worker that is killed meanwhile loses nothing: the question is part of the history.
   *
   * @throws ApplicationFailure TIMEOUT where nobody answered in time and that is to fail; CancelledFailure with its scope
   */
  async ask(step: string, question: Question, timeoutMs: number): Promise<Approval> {
    const now = Date.now();
    this.#given.delete(step);
    this.#open.set(step, {
      ...question,
      step,
      since: new Date(now).toISOString(),
      until: new Date(now + timeoutMs).toISOString(),
    });
    this.#run.changed();
    try {
      await condition(() => this.#given.has(step), timeoutMs);
    } finally {
      this.#open.delete(step);
      this.#run.changed();
    }
    return this.#given.get(step) ?? this.#unanswered(step, question, timeoutMs);
  }

  #unanswered(step: string, { text, onTimeout }: Question, timeoutMs: number): Approval {
    const why = `nobody answered within ${waitText(timeoutMs)}`;
    if (onTimeout === 'fail')
      throw ending({
        code: 'TIMEOUT',
        message: `It asked ${JSON.stringify(text)}, and ${why}. Run it again and answer in time, raise "timeout" of the step, or say in "onTimeout" what happens then.`,
      });
    const approval: Approval = {
      step,
      question: text,
      decision: onTimeout === 'approve' ? 'approved' : 'rejected',
      why: `${why}, and "onTimeout" is "${onTimeout}"`,
      at: new Date().toISOString(),
    };
    this.#given.set(step, approval);
    return approval;
  }

  #answer(request: AnswerRequest, decision: Approval['decision']): Approval {
    // Of two answers in one task both were let through: the second finds the first here.
    const { step, text } = this.#askedIn(request);
    const approval: Approval = {
      step,
      question: text,
      decision,
      who: request.who.trim(),
      why: request.why.trim(),
      at: new Date().toISOString(),
    };
    this.#given.set(step, approval);
    return approval;
  }

  /** The question that a request answers. @throws ApplicationFailure USAGE, NOT_FOUND */
  #askedIn(request: AnswerRequest): OpenQuestion {
    if (typeof request !== 'object' || request === null) refuse('An answer is an object with "who" and "why".');
    for (const key of ['who', 'why'] as const)
      if (typeof request[key] !== 'string' || request[key].trim() === '') refuse(`"${key}" is missing: every answer says who and why.`);
    const { step } = request;
    if (step !== undefined && !this.#run.steps.includes(step))
      refuse(`There is no step "${String(step)}". There is: ${this.#run.steps.join(', ')}.`, 'NOT_FOUND');
    const over = this.#run.over();
    if (over !== undefined) refuse(`The answer is too late: ${over}${this.#told(step)}`);
    const open = this.open.filter((one) => !this.#given.has(one.step));
    const asked = step === undefined ? open : open.filter((one) => one.step === step);
    if (asked.length > 1) refuse(`Several steps ask: ${asked.map((one) => one.step).join(', ')}. Say which with "step".`);
    if (asked.length === 1) return asked[0]!;
    const others = open.length === 0 ? '' : ` What asks is: ${open.map((one) => one.step).join(', ')}.`;
    refuse(
      step === undefined
        ? `Nothing is asked of this run now.${this.#told(undefined)}`
        : `The step "${step}" asks nothing now.${this.#told(step)}${others}`,
    );
  }

  /** Which answers were given, for whoever comes after them. */
  #told(step: string | undefined): string {
    const given = [...this.#given.values()].filter((one) => step === undefined || one.step === step);
    return given.map((one) => ` "${one.step}" was ${approvalText(one)} (${one.at.slice(0, 16).replace('T', ' ')} UTC).`).join('');
  }
}

/** What a step that asked gives once it is answered. */
export function withAnswer(outcome: StepOutcome, approval: Approval): StepOutcome {
  const { values, verdict } = outcome.result;
  const { decision, who, why, at } = approval;
  return {
    ...outcome,
    result: {
      ...outcome.result,
      values: {
        ...values,
        approved: decision === 'approved',
        ...(who === undefined ? {} : { approvedBy: who }),
        answer: why,
        answeredAt: at,
      },
      verdict: {
        passed: decision === 'approved',
        reasons: [...(verdict?.ungated === true ? [] : (verdict?.reasons ?? [])), approvalText(approval)],
      },
    },
  };
}

function refuse(message: string, code: 'USAGE' | 'NOT_FOUND' = 'USAGE'): never {
  throw ApplicationFailure.nonRetryable(message, code);
}
