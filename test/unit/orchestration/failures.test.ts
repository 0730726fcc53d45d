import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  RetryState,
  TimeoutFailure,
} from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { toFailure, withFailures } from '../../../activities/failures.ts';
import { ERRORS, PerennialError, exitCodeOf, isOfRows, isPerennialError, messageOf } from '../../../src/core/errors.ts';
import type { ErrorCode } from '../../../src/core/errors.ts';
import { limits } from '../../../src/core/limits.ts';
import { WORKER_STOPPED } from '../../../src/core/run.ts';
import type { StepOutcome } from '../../../src/core/run.ts';
import { turnPolicy } from '../../../src/core/turn.ts';
import { rememberSecret } from '../../../src/steps/secrets.ts';
import { throughWorkerStops } from '../../../workflows/call-step.ts';
import { causeOf, ending, failureOf, isCancelled, isWorkerStop } from '../../../workflows/failures.ts';

const inActivity = (cause?: Error): ActivityFailure =>
  new ActivityFailure('Activity task failed', 'step', 'id', RetryState.MAXIMUM_ATTEMPTS_REACHED, 'worker', cause);
const inChild = (cause?: Error): ChildWorkflowFailure =>
  new ChildWorkflowFailure('default', { workflowId: 'w', runId: 'r' }, 'trial', RetryState.MAXIMUM_ATTEMPTS_REACHED, cause);
const application = (type: string | undefined, message = 'It went wrong.'): ApplicationFailure =>
  ApplicationFailure.create({ message, ...(type === undefined ? {} : { type }) });
const stopped = application(WORKER_STOPPED);

describe('what a failed step says', () => {
  it('is what the step itself said, whatever it is wrapped in', () => {
    const own = application('DATA_INVALID');
    for (const error of [own, inActivity(own), inChild(own)]) {
      expect(causeOf(error)).toBe(own);
      expect(failureOf(error)).toEqual({ code: 'DATA_INVALID', message: 'It went wrong.' });
      expect(failureOf(error, 'train')).toEqual({ code: 'DATA_INVALID', message: 'It went wrong.', step: 'train' });
    }
    const empty = inActivity();
    expect(causeOf(empty)).toBe(empty);
    const plain = new Error('outside', { cause: own });
    expect(causeOf(plain)).toBe(plain);
  });

  it.each<[string, unknown, string, RegExp]>([
    ['an error of another version', application('OF_TOMORROW'), 'INTERNAL', /^OF_TOMORROW: It went wrong\.$/],
    ['a name that objects have', application('constructor'), 'INTERNAL', /^constructor: It went wrong\.$/],
    ['no code', application(undefined), 'INTERNAL', /^It went wrong\.$|^INTERNAL/],
    [
      'a step that no worker knows',
      application('NotFoundError', 'Activity function x is not registered'),
      'PIPELINE_OUTDATED',
      /^No worker knows this step: Activity function x is not registered Run the document again/,
    ],
    ['a cancellation', new CancelledFailure('x'), 'CANCELLED', /^Cancelled\.$/],
    ['a plain error', new Error('plain'), 'INTERNAL', /^plain$/],
    ['something thrown', 'thrown', 'INTERNAL', /^thrown$/],
    ['a lost worker', new TimeoutFailure('x', undefined, 'HEARTBEAT'), 'TIMEOUT', /^The worker of the step was lost/],
    [
      'a step that took too long',
      new TimeoutFailure('x', undefined, 'START_TO_CLOSE'),
      'TIMEOUT',
      /^The step took longer than its "timeout"\. Raise/,
    ],
  ])('of %s is in the terms of the error table', (_what, cause, code, message) => {
    const found = failureOf(cause instanceof Error ? inActivity(cause) : cause, 's');
    expect(found).toEqual({ code, message: expect.stringMatching(message) as string, step: 's' });
    expect(failureOf(cause)).not.toHaveProperty('step');
  });

  it('tells a cancellation and a stopped worker from what went wrong', () => {
    expect([new CancelledFailure('x'), inActivity(new CancelledFailure('x')), stopped, new Error('x')].map(isCancelled)).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(
      [
        stopped,
        inActivity(stopped),
        application('INTERNAL'),
        new CancelledFailure('x'),
        Object.assign(new Error('x'), { type: WORKER_STOPPED }),
      ].map(isWorkerStop),
    ).toEqual([true, true, false, false, false]);
  });

  it('ends a workflow for good, without a stack', () => {
    const failure = ending({ code: 'GATE_REJECTED', message: ' No. ' }, [1]);
    expect(failure).toMatchObject({ message: 'No.', type: 'GATE_REJECTED', nonRetryable: true, details: [1], stack: '' });
    expect(ending({ code: 'INTERNAL', message: 'x' }).details).toEqual([]);
  });
});

describe('a stopped worker', () => {
  const outcome = {} as StepOutcome;
  /** How often a step is begun that fails so many times, and what comes of it. */
  const begun = async (failures: readonly Error[], cancelled = false): Promise<[number, unknown]> => {
    let times = 0;
    const attempt = (): Promise<StepOutcome> => {
      const failure = failures[times];
      times += 1;
      return failure === undefined ? Promise.resolve(outcome) : Promise.reject(failure);
    };
    const result = await throughWorkerStops(attempt, () => cancelled).catch((error: unknown) => error);
    return [times, result];
  };

  it('is not a failure of the step, which begins again', async () => {
    expect(await begun([])).toEqual([1, outcome]);
    expect(await begun([inActivity(stopped), inActivity(stopped)])).toEqual([3, outcome]);
  });

  it('begins no step again that failed, nor one of a run that was cancelled', async () => {
    const failed = inActivity(application('DATA_INVALID'));
    expect(await begun([failed])).toEqual([1, failed]);
    expect(await begun([stopped, failed])).toEqual([2, failed]);
    expect(await begun([stopped], true)).toEqual([1, stopped]);
  });

  it('does so twenty times', async () => {
    const many = (count: number): Error[] => Array.from({ length: count }, () => stopped);
    expect(limits.interruptionsMax).toBe(20);
    expect(await begun(many(20))).toEqual([21, outcome]);
    expect(await begun(many(21))).toEqual([21, stopped]);
  });
});

describe('an error in the form of Temporal', () => {
  it('is tried again where the error table says so, and only there', () => {
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      const failure = toFailure(new PerennialError(code, 'It went wrong.'));
      expect(failure.type).toBe(code);
      expect(failure.nonRetryable, code).toBe(!ERRORS[code].retryable);
      expect(failure.message).toBe(`It went wrong. ${ERRORS[code].hint}`);
      expect(failure.details).toEqual([{ category: ERRORS[code].category, hint: ERRORS[code].hint, details: {} }]);
      // A mistake of a user is no place in our code.
      expect(failure.stack === '', code).toBe(ERRORS[code].category !== 'system');
      expect(failure.nextRetryDelay, code).toBe(code === 'STORE_UNAVAILABLE' ? 10_000 : undefined);
    }
  });

  it('says what to do once, and nothing where there is nothing to say', () => {
    expect(toFailure(new PerennialError('USAGE', 'Wrong. Do that.', { hint: 'Do that.' })).message).toBe('Wrong. Do that.');
    expect(toFailure(new PerennialError('USAGE', 'Wrong.', { hint: '' })).message).toBe('Wrong.');
  });

  it('of anything else is tried again, with the stack that leads to it', () => {
    const error = new Error('unforeseen');
    expect(toFailure(error)).toMatchObject({ type: 'INTERNAL', nonRetryable: false, message: 'unforeseen', stack: error.stack });
    expect(toFailure('thrown')).toMatchObject({ type: 'INTERNAL', nonRetryable: false, message: 'thrown' });
    delete error.stack;
    expect(toFailure(error).message).toBe('unforeseen');
    const own = application('X');
    expect(toFailure(own)).toBe(own);
    const full = Object.assign(new Error('ENOSPC: no space'), { code: 'ENOSPC' });
    expect(toFailure(full)).toMatchObject({ type: 'STORE_FULL', message: expect.stringContaining('No space is left') as string });
  });

  it('tells no secret, in its message, hint, details and stack', () => {
    rememberSecret('failure-4711-secret');
    const hidden = toFailure(
      new PerennialError('INTERNAL', 'a failure-4711-secret', { hint: 'b failure-4711-secret', details: { c: 'failure-4711-secret' } }),
    );
    expect(JSON.stringify([hidden.message, hidden.details])).not.toContain('4711');
    expect(hidden.message).toBe('a *** b ***');
    const plain = toFailure(new Error('d failure-4711-secret'));
    expect([plain.message, plain.stack!.includes('4711')]).toEqual(['d ***', false]);
  });

  it('keeps both ends of a long message: what, and why', () => {
    const max = limits.messageCharsMax;
    expect(toFailure(new Error('x'.repeat(max))).message).toHaveLength(max);
    const long = `${'a'.repeat(max)}${'z'.repeat(max)}`;
    expect(toFailure(new Error(long)).message).toBe(`${'a'.repeat(1_000)}\n…\n${'z'.repeat(3_000)}`);
  });

  it('is what small activities fail with', async () => {
    expect(await withFailures(() => Promise.resolve(1))).toBe(1);
    await expect(withFailures(() => Promise.reject(new PerennialError('USAGE', 'x')))).rejects.toMatchObject({
      type: 'USAGE',
      nonRetryable: true,
    });
  });
});

describe('classes of errors', () => {
  it('are exit codes: 130 cancelled, 4 out of reach, 3 a gate, 2 input, 1 the rest', () => {
    const codes: [ErrorCode, number][] = [
      ['CANCELLED', 130],
      ['TEMPORAL_UNAVAILABLE', 4],
      ['STORE_UNAVAILABLE', 4],
      ['SERVER_UNAVAILABLE', 4],
      ['GATE_REJECTED', 3],
      ['USAGE', 2],
      ['DATA_INVALID', 2],
      ['INTERNAL', 1],
    ];
    for (const [code, exit] of codes) expect(exitCodeOf(code), code).toBe(exit);
  });

  it('say whether the rows are to blame, also of codes that only another version has', () => {
    expect(['SOURCE_EMPTY', 'DATA_INVALID', 'TRAINING_DIVERGED', 'INTERNAL', 'OF_TOMORROW', 'constructor'].map(isOfRows)).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });

  it('are known by a mark, not by their class', () => {
    const error = new PerennialError('USAGE', 'm', { cause: 1, hint: 'h', details: { a: 1 } });
    expect(error).toMatchObject({
      name: 'PerennialError',
      code: 'USAGE',
      category: 'user',
      retryable: false,
      hint: 'h',
      details: { a: 1 },
      cause: 1,
    });
    expect(new PerennialError('USAGE', 'm')).not.toHaveProperty('cause');
    expect(new PerennialError('USAGE', 'm')).toMatchObject({ hint: ERRORS.USAGE.hint, details: {} });
    expect([error, { ...error }, new Error('x'), null, undefined, 'x', {}].map((one) => isPerennialError(one))).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
    expect([isPerennialError(error, 'USAGE'), isPerennialError(error, 'INTERNAL'), isPerennialError({}, 'USAGE')]).toEqual([
      true,
      false,
      false,
    ]);
    expect([messageOf(error), messageOf('text')]).toEqual(['m', 'text']);
  });
});

describe('a run that meets another one of its pipeline', () => {
  const policy = (trigger: string, on: object = {}, overlap?: 'queue') =>
    turnPolicy({ plan: { on: on as never }, ...(overlap === undefined ? {} : { overlap }) }, trigger);

  it('waits where a person started it or what it is told of comes once, and gives up where another look follows', () => {
    expect(['manual', 'backfill', 'event', 'version', 'digest'].map((trigger) => policy(trigger))).toEqual(
      Array.from({ length: 5 }, () => 'queue'),
    );
    expect(['drift', 'newData', 'performance', 'feedback', 'schedule'].map((trigger) => policy(trigger))).toEqual(
      Array.from({ length: 5 }, () => 'skip'),
    );
  });

  it('goes by what is declared, and by what the run itself says before that', () => {
    expect(policy('drift', { overlap: { drift: 'replace' } })).toBe('replace');
    expect(policy('manual', { overlap: { drift: 'replace' } })).toBe('queue');
    expect(policy('drift', {}, 'queue')).toBe('queue');
    const of = (overlap: string) => policy('schedule', { schedule: { overlap }, overlap: { schedule: 'queue' } });
    expect(['skip', 'bufferOne', 'bufferAll', 'cancelOther', 'terminateOther', 'allowAll'].map(of)).toEqual([
      'skip',
      'queue',
      'queue',
      'replace',
      'replace',
      'allow',
    ]);
  });
});
