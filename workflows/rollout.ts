import { ApplicationFailure } from '@temporalio/common';
import {
  CancellationScope,
  allHandlersFinished,
  condition,
  defineQuery,
  defineUpdate,
  proxyActivities,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';
import { freezeText } from '../src/core/rollout.ts';
import type { RolloutEnd, RolloutFreeze, RolloutInput, RolloutRequest, RolloutView } from '../src/core/rollout.ts';
import { ending, failureOf } from './failures.ts';
import { rolloutHeadline, rolloutMarkdown } from './rollout-markdown.ts';
import { tellSearch } from './search-attributes.ts';

interface Outcome {
  readonly end: RolloutEnd;
  readonly by: string;
  readonly why: string;
}

type Action = 'pause' | 'resume' | 'promote' | 'abort';

interface RolloutActivities {
  watchRollout(input: RolloutInput): Promise<Outcome>;
  stepRollout(input: RolloutInput, step: number): Promise<Outcome | null>;
  awaitRequests(input: RolloutInput, step: number, timeoutMs: number): Promise<number>;
  frozenRollout(input: RolloutInput): Promise<RolloutFreeze | null>;
  concludeRollout(input: RolloutInput): Promise<Outcome>;
  askRollout(input: RolloutInput, action: Action, request: RolloutRequest): Promise<Outcome | null>;
}

/** Whatever is away comes back: a rollout is not over because a store or a worker is. */
const PATIENT = { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '10 seconds' } as const;

/** They last as long as a rollout does; a worker that is killed is noticed by the heartbeat. */
const { watchRollout, awaitRequests } = proxyActivities<RolloutActivities>({
  startToCloseTimeout: '400 days',
  heartbeatTimeout: '8 seconds',
  retry: PATIENT,
});
const { stepRollout, frozenRollout, concludeRollout, askRollout } = proxyActivities<RolloutActivities>({
  startToCloseTimeout: '2 minutes',
  retry: PATIENT,
});

const statusQuery = defineQuery<RolloutView>('status');
const pauseUpdate = defineUpdate<RolloutView, [RolloutRequest]>('pause');
const resumeUpdate = defineUpdate<RolloutView, [RolloutRequest]>('resume');
const promoteUpdate = defineUpdate<RolloutView, [RolloutRequest]>('promote');
const abortUpdate = defineUpdate<RolloutView, [RolloutRequest]>('abort');

/**
 * Drives one rollout: gives the candidate its shares one after the other, while an activity beside it looks at what the servers count
 * and takes the traffic back where a check is breached. The truth is in the routing of the model: whoever changes the champion there,
 * ends the rollout, and this workflow finds that.
 *
 * @returns how it ended. Cancelled: aborted.
 */
export async function rollout(input: RolloutInput): Promise<RolloutView> {
  return CancellationScope.nonCancellable(() => new RolloutRun(input).execute());
}

class RolloutRun {
  readonly #input: RolloutInput;
  #step = 0;
  #state: RolloutView['state'] = 'running';
  #why = '';
  #over = false;
  #failure: unknown;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(input: RolloutInput) {
    this.#input = input;
  }

  async execute(): Promise<RolloutView> {
    this.#handleMessages();
    this.#show();
    void watchRollout(this.#input).then(
      (outcome) => this.#settle(outcome),
      (error: unknown) => this.#fail(error),
    );
    await Promise.race([this.#steps().catch((error: unknown) => this.#fail(error)), condition(() => this.#over)]);
    await condition(() => this.#over && allHandlersFinished());
    if (this.#failure !== undefined) throw ending(failureOf(this.#failure));
    return this.#view();
  }

  async #steps(): Promise<void> {
    const { steps } = this.#input.spec;
    for (const [step, { forMs }] of steps.entries()) {
      if (step > 0) {
        const outcome = await stepRollout(this.#input, step);
        if (outcome !== null) return this.#settle(outcome);
        this.#step = step;
        this.#show();
      }
      await this.#pass(forMs);
      await this.#enough(step, forMs);
      do await condition(() => this.#over || this.#state === 'running');
      while (!this.#over && (await this.#waitedForThaw()));
      if (this.#over) return;
    }
    this.#settle(await concludeRollout(this.#input));
  }

  /** Lets time go by, but for the time of pauses. */
  async #pass(ms: number): Promise<void> {
    for (let left = ms; left > 0 && !this.#over;) {
      await condition(() => this.#over || this.#state === 'running');
      const began = Date.now();
      await condition(() => this.#over || this.#state !== 'running', left);
      left -= Date.now() - began;
    }
  }

  async #enough(step: number, forMs: number): Promise<void> {
    const { minRequests, tooFewRequests } = this.#input.spec;
    if (this.#over || minRequests === 0 || tooFewRequests === 'proceed') return;
    this.#why = `Waits for ${minRequests} requests to the candidate.`;
    this.#show();
    await Promise.race([
      awaitRequests(this.#input, step, tooFewRequests === 'extend' ? Math.max(1, forMs) : 0),
      condition(() => this.#over),
    ]);
    this.#why = '';
  }

  /** @returns whether a freeze held it up: somebody may have paused it meanwhile */
  async #waitedForThaw(): Promise<boolean> {
    const { freeze, then } = this.#input.spec;
    if (freeze === undefined || then !== 'promote') return false;
    const frozen = await frozenRollout(this.#input);
    if (frozen === null || this.#over) return false;
    const why = freezeText(frozen);
    this.#why = why;
    this.#show();
    await condition(() => this.#over, Math.max(1_000, Date.parse(frozen.until) - Date.now()));
    if (this.#why === why) this.#why = '';
    return true;
  }

  #handleMessages(): void {
    setHandler(statusQuery, () => this.#view(), { description: 'The rollout: versions, step, share, state' });
    const updates = [
      [pauseUpdate, 'pause', 'Stay at this share; checks go on'],
      [resumeUpdate, 'resume', 'Go on'],
      [promoteUpdate, 'promote', 'Make the candidate champion now'],
      [abortUpdate, 'abort', 'Send all traffic to the champion again'],
    ] as const;
    for (const [update, action, description] of updates)
      setHandler(update, (request) => this.#ask(action, request), {
        description: `${description}, with {"who": "you", "why": "…"}`,
        validator: (request) => this.#check(action, request),
      });
    void CancellationScope.current().cancelRequested.catch(() =>
      this.#over ? undefined : this.#ask('abort', { who: 'somebody', why: 'The workflow was cancelled.' }),
    );
  }

  /** One after the other. */
  #ask(action: Action, request: RolloutRequest): Promise<RolloutView> {
    const mine = this.#turn.then(async () => {
      if (this.#over) return this.#view();
      const outcome = await askRollout(this.#input, action, { who: request.who.trim(), why: request.why.trim() });
      if (outcome !== null) this.#settle(outcome);
      else {
        this.#state = action === 'pause' ? 'paused' : 'running';
        this.#why = action === 'pause' ? `Paused by ${request.who}: ${request.why}` : '';
        this.#show();
      }
      return this.#view();
    });
    this.#turn = mine.catch(() => undefined);
    return mine.catch((error: unknown) => {
      throw ending(failureOf(error));
    });
  }

  #check(action: Action, request: RolloutRequest): void {
    if (typeof request !== 'object' || request === null) refuse('The request has to be an object with "who" and "why".');
    for (const key of ['who', 'why'] as const)
      if (typeof request[key] !== 'string' || request[key].trim() === '') refuse(`"${key}" is missing: every change says who and why.`);
    if (this.#over) refuse(`The rollout is over: ${rolloutHeadline(this.#view())}`);
    if (action === 'pause' && this.#state === 'paused') refuse('The rollout is paused already.');
    if (action === 'resume' && this.#state !== 'paused') refuse('The rollout is not paused.');
  }

  #settle({ end, by, why }: Outcome): void {
    if (this.#over) return;
    this.#state = end;
    this.#why = by.startsWith('rollout ') ? why : `${by}: ${why}`;
    this.#over = true;
    tellSearch({ Verdict: end, ModelVersion: String(this.#input.candidate) });
    this.#show();
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    this.#failure = error;
    this.#over = true;
  }

  #view(): RolloutView {
    const { model, id, champion, candidate, spec } = this.#input;
    const view = {
      model,
      id,
      kind: spec.kind,
      champion,
      candidate,
      state: this.#state,
      step: this.#step,
      share: spec.steps[this.#step]!.share,
      why: this.#why,
    };
    return { headline: rolloutHeadline(view), ...view };
  }

  #show(): void {
    setCurrentDetails(rolloutMarkdown(this.#view(), this.#input));
  }
}

function refuse(message: string): never {
  throw ApplicationFailure.nonRetryable(message, 'USAGE');
}
