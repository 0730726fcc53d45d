import { Context } from '@temporalio/activity';
import { messageOf } from '../src/core/errors.ts';
import type { JsonObject } from '../src/core/json.ts';
import type { RolloutEnd, RolloutFreeze, RolloutInput, RolloutRequest } from '../src/core/rollout.ts';
import { ABORTED, FROZEN, freezeText, shareText } from '../src/core/rollout.ts';
import type { RolloutRecord, Transition } from '../src/registry/types.ts';
import { withFailures } from './failures.ts';
import { frozenUntil } from '../src/deployment/freeze.ts';
import type { Freeze } from '../src/deployment/freeze.ts';
import { askToFollow } from './targets.ts';
import type { ActivityDeps } from './deps.ts';

/** What came of a rollout, or of a look at it. */
export interface RolloutOutcome {
  readonly end: RolloutEnd;
  readonly by: string;
  readonly why: string;
}

export interface RolloutActivities {
  /** Goes on as long as the rollout: looks at what the servers counted, and ends it where a check is breached or it is decided. */
  watchRollout(input: RolloutInput): Promise<RolloutOutcome>;
  /** @returns undefined while it goes on; how it ended where it is over */
  stepRollout(input: RolloutInput, step: number): Promise<RolloutOutcome | null>;
  /** Waits until the candidate had enough requests in a step, or the rollout is over. @param timeoutMs at most; 0: as long as it takes */
  awaitRequests(input: RolloutInput, step: number, timeoutMs: number): Promise<number>;
  /** The freeze that holds now, which the record tells of, or null. */
  frozenRollout(input: RolloutInput): Promise<RolloutFreeze | null>;
  /** After the last step. */
  concludeRollout(input: RolloutInput): Promise<RolloutOutcome>;
  askRollout(
    input: RolloutInput,
    action: 'pause' | 'resume' | 'promote' | 'abort',
    request: RolloutRequest,
  ): Promise<RolloutOutcome | null>;
}

/** How a history begins to tell of an end; the record of the rollout tells the rest, whoever writes it. */
const RETURNED = 'Returned to version ';

const LOOK_MS = 300;
/** A look at the feedback reads the log: it takes at most a tenth of the time. */
const LIVE_LOOK_MS = 1_000;

export function rolloutActivities(deps: ActivityDeps): RolloutActivities {
  const { store } = deps;
  const registry = () => import('../src/registry/rollouts.ts');

  /** How it ended; undefined while it goes on. */
  async function overOf({ model, id, candidate }: RolloutInput): Promise<RolloutOutcome | undefined> {
    const { readRouting, readHistory } = await import('../src/registry/routing.ts');
    const routing = (await readRouting(store, model))?.routing;
    if (routing?.rollout?.id === id) return undefined;
    const history = await readHistory(store, model);
    const last = history.findLastIndex(({ rollout }) => rollout?.id === id);
    return endOf(history[last + 1] ?? routing?.transition, { id, candidate });
  }

  async function record(input: RolloutInput, change: Partial<RolloutRecord>): Promise<void> {
    const { changeRollout } = await registry();
    await changeRollout(store, input.model, input.id, change);
  }

  /** Keeps what was known at the end. */
  async function keepEnd(
    input: RolloutInput,
    { end, by, why }: RolloutOutcome,
    findings: readonly JsonObject[] = [],
  ): Promise<RolloutOutcome> {
    const { evidenceOf } = await import('../src/rollouts/report.ts');
    const { readRollout } = await registry();
    const before = await readRollout(store, input.model, input.id);
    const evidence = await evidenceOf(store, before, findings);
    await record(input, { state: end, by, why, endedAt: new Date().toISOString(), evidence: evidence as unknown as JsonObject[] });
    if (end === 'promoted') await askToFollow(deps, input.model);
    return { end, by, why };
  }

  async function conclude(
    input: RolloutInput,
    why: string,
    promote: boolean,
    findings: readonly JsonObject[] = [],
  ): Promise<RolloutOutcome> {
    const { endRollout, finishRollout, readRollout } = await registry();
    const author = { who: `rollout ${input.id}`, why, requestId: `rollout/${input.model}/${input.id}/end` };
    const { judged } = await readRollout(store, input.model, input.id);
    if (promote) {
      const change = await finishRollout(store, input.model, input, {
        ...author,
        automatic: true,
        judged,
      }).catch((error: unknown) => {
        if (isNo(error)) return messageOf(error);
        throw error;
      });
      if (typeof change === 'string') {
        await endRollout(store, input.model, input.id, {
          ...author,
          why: change,
          requestId: `${author.requestId}/rejected`,
          automatic: true,
        });
        return keepEnd(input, { end: 'rejected', by: author.who, why: change }, findings);
      }
      if (change.changed) return keepEnd(input, { end: 'promoted', by: author.who, why }, findings);
    } else {
      const change = await endRollout(store, input.model, input.id, { ...author, automatic: true });
      if (change.changed) return keepEnd(input, { end: 'finished', by: author.who, why }, findings);
    }
    return keepEnd(
      input,
      (await overOf(input)) ?? { end: 'superseded', by: 'somebody', why: 'The routing was changed meanwhile.' },
      findings,
    );
  }

  async function returned(input: RolloutInput, findings: readonly { readonly text: string }[]): Promise<RolloutOutcome> {
    const { endRollout } = await registry();
    const why = findings.map(({ text }) => text).join(' ');
    const outcome: RolloutOutcome = { end: 'returned', by: `rollout ${input.id}`, why };
    console.error(`worker: the ${input.spec.kind} of ${input.model} version ${input.candidate} is returned: ${why}`);
    const change = await endRollout(store, input.model, input.id, {
      who: outcome.by,
      why: `${RETURNED}${input.champion}: ${why}`,
      requestId: `rollout/${input.model}/${input.id}/returned`,
      automatic: true,
    });
    return keepEnd(input, change.changed ? outcome : ((await overOf(input)) ?? outcome), findings as unknown as JsonObject[]);
  }

  async function watch(input: RolloutInput): Promise<RolloutOutcome> {
    const { lookAt } = await import('../src/rollouts/look.ts');
    const { cancellationSignal } = Context.current();
    let liveAt = 0;
    let live: Awaited<ReturnType<typeof lookAt>>['live'];
    let trouble = '';
    for (;;) {
      cancellationSignal.throwIfAborted();
      try {
        const over = await overOf(input);
        if (over !== undefined) return await keepEnd(input, over);
        const started = Date.now();
        const look = await lookAt(store, input, started >= liveAt ? undefined : live);
        if (look.readLive) {
          live = look.live;
          liveAt = Date.now() + Math.max(LIVE_LOOK_MS, 9 * (Date.now() - started));
        }
        if (look.breaches.length > 0) return await returned(input, look.breaches);
        if (look.effect !== undefined && look.effect.winner !== null) {
          const { winner, text } = look.effect;
          const promotes = winner === 'candidate' && input.spec.then === 'promote';
          // It stays decided: the next look after the freeze finds it again.
          if (!promotes || frozenNow(input) === undefined)
            return await conclude(input, text, promotes, [look.effect as unknown as JsonObject]);
        }
        trouble = '';
      } catch (error) {
        cancellationSignal.throwIfAborted();
        // A store that is away holds nothing up for good: servers split on, and the next look judges what they counted.
        if (messageOf(error) !== trouble) console.error(`worker: the rollout of ${input.model} cannot be looked at: ${messageOf(error)}`);
        trouble = messageOf(error);
      }
      await sleep(LOOK_MS, cancellationSignal);
    }
  }

  return {
    watchRollout: (input) => beating(() => watch(input)),
    stepRollout: (input, step) =>
      withFailures(async () => {
        const { stepRollout } = await registry();
        const { share } = input.spec.steps[step]!;
        await stepRollout(
          store,
          input.model,
          input.id,
          { step, share },
          {
            who: `rollout ${input.id}`,
            why: `Step ${step + 1} of ${input.spec.steps.length}: ${shareText(share)} of the traffic.`,
          },
        );
        const over = await overOf(input);
        if (over === undefined) await record(input, { step, stepStartedAt: new Date().toISOString() });
        return over ?? null;
      }),
    awaitRequests: (input, step, timeoutMs) =>
      beating(async () => {
        const { readEvidence, countsOf } = await import('../src/rollouts/evidence.ts');
        const { cancellationSignal } = Context.current();
        const until = timeoutMs === 0 ? Infinity : Date.now() + timeoutMs;
        for (;;) {
          cancellationSignal.throwIfAborted();
          const { candidate } = countsOf(await readEvidence(store, input.model, input.id), step);
          if (candidate.requests >= input.spec.minRequests || Date.now() >= until || (await overOf(input)) !== undefined)
            return candidate.requests;
          await sleep(LOOK_MS, cancellationSignal);
        }
      }),
    frozenRollout: (input) =>
      withFailures(async () => {
        const frozen = frozenNow(input);
        const { readRollout } = await registry();
        const told = frozen === undefined ? '' : freezeText(frozen);
        const { why = '' } = await readRollout(store, input.model, input.id);
        if (why !== told && (why === '' || why.startsWith(FROZEN)) && (await overOf(input)) === undefined)
          await record(input, { why: told });
        return frozen ?? null;
      }),
    concludeRollout: (input) =>
      withFailures(async () => {
        const { lookAt } = await import('../src/rollouts/look.ts');
        const look = await lookAt(store, input);
        const findings = [...look.findings, ...(look.effect === undefined ? [] : [look.effect])] as unknown as JsonObject[];
        if (look.breaches.length > 0) return returned(input, look.breaches);
        if (input.spec.kind === 'abTest')
          return conclude(input, `The time is over and nothing is decided: ${look.effect?.text ?? 'no feedback came.'}`, false, findings);
        return conclude(input, 'Every step was passed.', input.spec.then === 'promote', findings);
      }),
    askRollout: (input, action, { who, why }) =>
      withFailures(async () => {
        const { endRollout, finishRollout, noteRollout } = await registry();
        const requestId = `rollout/${input.model}/${input.id}/${action}/${Context.current().info.activityId}`;
        if (action === 'pause' || action === 'resume') {
          await noteRollout(store, input.model, input.id, {
            who,
            why: `${action === 'pause' ? 'Paused' : 'Resumed'} the rollout: ${why}`,
            requestId,
          });
          const over = await overOf(input);
          if (over === undefined)
            await record(input, action === 'pause' ? { state: 'paused', by: who, why } : { state: 'running', by: who, why: '' });
          return over ?? null;
        }
        const change =
          action === 'abort'
            ? await endRollout(store, input.model, input.id, { who, why: `${ABORTED}${why}`, requestId, automatic: false })
            : await finishRollout(store, input.model, input, { who, why, requestId, automatic: false, judged: [] });
        const over = change.changed ? undefined : await overOf(input);
        return keepEnd(input, over ?? { end: action === 'abort' ? 'aborted' : 'promoted', by: who, why });
      }),
  };
}

/** Where it comes to promote: a rollout that only reports goes on. */
function frozenNow({ spec: { freeze, then } }: RolloutInput): RolloutFreeze | undefined {
  return freeze === undefined || then !== 'promote' ? undefined : frozenUntil(freeze as unknown as readonly Freeze[], Date.now());
}

/** What a gate says no to; anything else may be tried again. */
function isNo(error: unknown): boolean {
  return ['CHAMPION_CHANGED', 'VERSION_OUTDATED', 'ROUTING_PINNED', 'VERSION_INVALID'].includes(String((error as { code?: unknown }).code));
}

/** From the change after the last one in which the rollout went on. */
export function endOf(change: Transition | undefined, { id, candidate }: Pick<RolloutInput, 'id' | 'candidate'>): RolloutOutcome {
  if (change === undefined) return { end: 'superseded', by: 'somebody', why: 'The routing does not know it any more.' };
  const { who, why, action } = change;
  if (who === `rollout ${id}`) {
    if (action === 'promote') return { end: 'promoted', by: who, why };
    return why.startsWith(RETURNED)
      ? { end: 'returned', by: who, why: why.slice(why.indexOf(': ') + 2) }
      : { end: 'finished', by: who, why };
  }
  if (action === 'rolloutEnd') return { end: 'aborted', by: who, why: why.startsWith(ABORTED) ? why.slice(ABORTED.length) : why };
  // Who makes its candidate champion by hand ends it where it was to end.
  return { end: action === 'promote' && change.to === candidate ? 'promoted' : 'superseded', by: who, why };
}

async function beating<T>(work: () => Promise<T>): Promise<T> {
  return withFailures(async () => {
    const beat = setInterval(() => Context.current().heartbeat(), 1_000);
    try {
      return await work();
    } finally {
      clearInterval(beat);
    }
  });
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
