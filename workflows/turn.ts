import { CancelledFailure, defineSearchAttributeKey } from '@temporalio/common';
import {
  ParentClosePolicy,
  condition,
  defineSignal,
  getExternalWorkflowHandle,
  patched,
  setHandler,
  sleep,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import type { ChildWorkflowHandle } from '@temporalio/workflow';
import type { TurnPolicy } from '../src/core/plan.ts';
import { SEARCH_ATTRIBUTES } from '../src/core/search-attributes.ts';
import { turnId } from '../src/core/turn.ts';
import type { TurnInput, TurnRequest } from '../src/core/turn.ts';
import { PATCHES } from './patches.ts';

const askTurn = defineSignal<[TurnRequest]>('askTurn');
const endTurn = defineSignal('endTurn');
/** Sent to a run that waits: who goes before it. */
const turnHolder = defineSignal<[string]>('turnHolder');
/** Sent to a run that waits: try again, with those that wait behind it. */
const turnFree = defineSignal<[readonly string[]]>('turnFree');

/** Sent to the run that has the turn before it is cancelled: who takes its place. */
const turnTaken = defineSignal<[string]>('turnTaken');

/** A holder that was terminated tells nobody: those who wait look by themselves this often. */
const LOOK_MS = 60_000;
/** Within this time the holder's name comes, where a worker is there at all. */
const ANSWER_MS = 10_000;
/** Before the next try where the turn ended at the moment of asking; doubles. */
const AGAIN_MS = 200;

/**
 * The lock of a pipeline: a child of the run that holds it. Temporal lets one workflow of an id run at a time, and ends this one
 * with its parent, however that ends; so the lock can neither be held twice nor be left behind.
 *
 * @returns the runs that wait
 */
export async function turn(input: TurnInput): Promise<readonly string[]> {
  const holder = workflowInfo().parent!;
  let waiting: readonly string[] = input.waiting;
  let over = false;
  setHandler(askTurn, async ({ from, waiting: others, policy, first }) => {
    if (policy !== 'skip') waiting = [...new Set(first === true ? [from, ...others, ...waiting] : [...waiting, from, ...others])];
    await quietly(() => getExternalWorkflowHandle(from).signal(turnHolder, holder.workflowId));
    if (policy !== 'replace') return;
    const running = getExternalWorkflowHandle(holder.workflowId, holder.runId);
    if (patched(PATCHES.replacedBy)) {
      // A run that gives its turn back has come to its end, and keeps it.
      if (over || !(await quietly(() => running.signal(turnTaken, from)))) return;
    }
    await quietly(() => running.cancel());
  });
  setHandler(endTurn, () => {
    over = true;
  });
  await condition(() => over);
  return waiting;
}

/** What a run does about its turn. */
export class Turn {
  readonly #pipeline: string;
  #child: ChildWorkflowHandle<typeof turn> | undefined;
  #holder: string | undefined;
  #takenBy: string | undefined;
  #free = false;
  #behind: readonly string[] = [];

  constructor(pipeline: string) {
    this.#pipeline = pipeline;
    setHandler(turnHolder, (holder) => {
      this.#holder = holder;
    });
    setHandler(turnTaken, (by) => {
      this.#takenBy = by;
    });
    setHandler(turnFree, (behind) => {
      this.#free = true;
      this.#behind = [...new Set([...this.#behind, ...behind])].filter((id) => id !== workflowInfo().workflowId);
    });
  }

  /** The run that goes before this one, as far as it is known. */
  get holder(): string | undefined {
    return this.#holder;
  }

  /** The run that stopped this one to go in its place. */
  get takenBy(): string | undefined {
    return this.#takenBy;
  }

  get held(): boolean {
    return this.#child !== undefined;
  }

  /**
   * Waits for the turn of the pipeline. To replace is to stop the run that has it when it is asked for, once, and to go before all that
   * wait: whoever has got it meanwhile is waited for.
   *
   * @param waits called where another run has it
   * @returns false: another run has it and the policy is to skip, or this run was cancelled while it waited
   */
  async take(policy: Exclude<TurnPolicy, 'allow'>, cancelled: () => boolean, waits: () => void): Promise<boolean> {
    const first = policy === 'replace';
    for (let [tries, told] = [0, false]; ; tries++) {
      this.#free = false;
      if (await this.#start()) return true;
      const asked = await quietly(() =>
        getExternalWorkflowHandle(turnId(this.#pipeline)).signal(askTurn, {
          from: workflowInfo().workflowId,
          waiting: this.#behind,
          policy: first && told ? 'queue' : policy,
          ...(first ? { first } : {}),
        }),
      );
      told ||= asked;
      if (!asked) await sleep(Math.min(AGAIN_MS * 2 ** tries, LOOK_MS));
      else {
        await condition(() => this.#holder !== undefined || this.#free || cancelled(), ANSWER_MS);
        if (policy === 'skip') return false;
        waits();
        await condition(() => this.#free || cancelled(), LOOK_MS);
      }
      if (cancelled()) return false;
    }
  }

  /** Gives the turn to the run that has waited longest. */
  async release(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    this.#holder = undefined;
    this.#behind = [];
    await child.signal(endTurn);
    let waiting = await child.result();
    while (waiting.length > 0) {
      const [first, ...behind] = waiting;
      if (await quietly(() => getExternalWorkflowHandle(first!).signal(turnFree, behind))) return;
      waiting = behind;
    }
  }

  async #start(): Promise<boolean> {
    try {
      this.#child = await startChild(turn, {
        workflowId: turnId(this.#pipeline),
        args: [{ pipeline: this.#pipeline, waiting: this.#behind }],
        parentClosePolicy: ParentClosePolicy.TERMINATE,
        staticSummary: `${this.#pipeline}: the turn of ${workflowInfo().workflowId}`,
        typedSearchAttributes: [
          { key: defineSearchAttributeKey('RunKind', SEARCH_ATTRIBUTES.RunKind), value: 'turn' },
          { key: defineSearchAttributeKey('Pipeline', SEARCH_ATTRIBUTES.Pipeline), value: this.#pipeline },
        ],
      });
      return true;
    } catch (error) {
      if ((error as Error).name === 'WorkflowExecutionAlreadyStartedError') return false;
      throw error;
    }
  }
}

/** Temporal refuses only what goes to a workflow that is over by now: it cannot be told anything, and need not be. */
async function quietly(call: () => Promise<void>): Promise<boolean> {
  try {
    await call();
    return true;
  } catch (error) {
    if (error instanceof CancelledFailure) throw error;
    return false;
  }
}
