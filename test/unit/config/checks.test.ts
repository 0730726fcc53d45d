import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../src/core/json.ts';
import type { DocumentFacts } from '../../../src/config/checks/check.ts';
import { checks } from '../../../src/config/checks/index.generated.ts';

interface Given {
  readonly on?: JsonObject;
  readonly steps?: readonly JsonObject[];
}

/** A document as its checks see it: steps by their type, with all that they say. */
function factsOf({ on, steps = [] }: Given): DocumentFacts {
  return {
    name: 'd',
    document: on === undefined ? {} : { on },
    on,
    documentDir: '/',
    usedParameters: new Set(),
    steps: steps.map((raw, index) => ({
      pointer: `/steps/${index}`,
      id: typeof raw['id'] === 'string' ? raw['id'] : `s${index}`,
      uses: String(raw['uses']),
      definition: { type: raw['uses'] } as never,
      raw,
      complete: raw,
      config: (raw['with'] ?? {}) as JsonObject,
      ports: undefined,
    })),
  };
}
/** Where a check finds mistakes. */
const placesOf = (check: string, given: Given): string[] =>
  checks
    .find(({ name }) => name === check)!
    .run(factsOf(given))
    .map(({ pointer }) => pointer);
const findingsOf = (check: string, given: Given) => checks.find(({ name }) => name === check)!.run(factsOf(given));

/** No mistake of the check's kind: what the schema refuses, and what is not there. */
const NOTHING: readonly Given[] = [
  {},
  { on: {} },
  { on: { schedule: [], performance: null } as JsonObject },
  { steps: [{ uses: 'other' }] },
];
it.each(checks.map(({ name }) => name))('%s finds nothing in what says nothing, nor in what the schema refuses already', (name) => {
  for (const given of NOTHING) expect(placesOf(name, given)).toEqual([]);
});

describe('durations', () => {
  const step = (raw: JsonObject): Given => ({ steps: [{ uses: 'train', ...raw }] });

  it.each([
    ['1ms', []],
    ['365d', []],
    ['366d', ['/steps/0/timeout']],
    ['0s', ['/steps/0/timeout']],
    ['0.4ms', ['/steps/0/timeout']],
    ['soon', []],
  ])('a "timeout" of %s: %j', (timeout, places) => {
    expect(placesOf('durations', step({ timeout }))).toEqual(places);
  });

  it('of which the longest pause is below the first', () => {
    const retry = (initialInterval: Json, maximumInterval: Json) =>
      placesOf('durations', step({ retry: { initialInterval, maximumInterval } }));
    expect(retry('10s', '9s')).toEqual(['/steps/0/retry/maximumInterval']);
    expect(retry('10s', '10s')).toEqual([]);
    expect(retry('10s', 'never')).toEqual([]);
    expect(retry(1, '10s')).toEqual([]);
    expect(retry('0s', '366d')).toEqual(['/steps/0/retry/initialInterval', '/steps/0/retry/maximumInterval']);
    expect(placesOf('durations', step({ retry: 'often' }))).toEqual([]);
  });

  it('of every trigger, but for delays, which may be none', () => {
    const on = {
      schedule: { catchup: '0s', every: '366d', jitter: '0s', other: '0s' },
      drift: { every: '0s', window: '0s' },
      newData: { every: '0s' },
      performance: { every: '0s', window: '366d', delay: '0s' },
    };
    expect(placesOf('durations', { on })).toEqual([
      '/on/schedule/catchup',
      '/on/schedule/every',
      '/on/schedule/jitter',
      '/on/drift/every',
      '/on/drift/window',
      '/on/newData/every',
      '/on/performance/every',
      '/on/performance/window',
    ]);
    expect(findingsOf('durations', { on: { newData: { every: '0s' } } })[0]!.message).toBe('0s is no time at all.');
    expect(findingsOf('durations', { on: { newData: { every: '366d' } } })[0]!.message).toBe('366d is longer than a year.');
  });
});

it('an approval waits for 28 days at most: a run ends after 30', () => {
  const ask = (timeout: Json) => placesOf('approval-time', { steps: [{ uses: 'approve', timeout }] });
  expect([ask('28d'), ask('29d'), ask('long')]).toEqual([[], ['/steps/0/timeout'], []]);
  expect(placesOf('approval-time', { steps: [{ uses: 'train', timeout: '29d' }] })).toEqual([]);
});

it('no more windows have to drift than are looked at', () => {
  const drift = (given: JsonObject) => placesOf('drift-windows', { on: { drift: given } });
  expect(drift({ windowsMin: 3, windowsOf: 2 })).toEqual(['/on/drift/windowsMin']);
  expect(drift({ windowsMin: 2 })).toEqual(['/on/drift/windowsMin']);
  for (const right of [
    { windowsMin: 2, windowsOf: 2 },
    { windowsMin: 1, windowsOf: 2 },
    { windowsOf: 1 },
    {},
    { windowsMin: '3', windowsOf: 2 },
    { windowsMin: 3, windowsOf: '2' },
  ])
    expect(drift(right)).toEqual([]);
});

describe('a rollback in time', () => {
  const within = (trigger: JsonObject, name = 'performance') => findingsOf('rollback-in-time', { on: { [name]: trigger } });
  const action = (text: Json) => ({ rollback: { within: text } });

  it('is found out of before the time is over: after so many windows and the delay, at the next look', () => {
    const live = { window: '1d', windowsMin: 3, delay: '12h', every: '1h' };
    // 12 h and two more days, and up to an hour until somebody looks.
    expect(within({ ...live, do: action('61h') })).toEqual([]);
    expect(within({ ...live, do: action('60.5h') })).toMatchObject([
      {
        pointer: '/on/performance/do/rollback/within',
        given: '60.5h',
        message: expect.stringContaining('may be too late') as string,
        fix: 'Set "within" to 61h or more, or look more often.',
      },
    ]);
    expect(within({ ...live, do: action('60h') })[0]!.message).toContain('would never be taken back');
    expect(within({ window: '1d', windowsMin: 2, do: action('1h') })[0]!.fix).toBe('Set "within" to 1d or more.');
  });

  it('counts windows of drift by the looks, of which they are one each', () => {
    expect(within({ window: '7d', windowsMin: 3, every: '1h', do: action('3h') }, 'drift')).toEqual([]);
    expect(within({ window: '7d', windowsMin: 3, every: '1h', do: action('2h') }, 'drift')).toHaveLength(1);
    expect(within({ window: '7d', windowsMin: 1, every: '1h', do: action('1h') }, 'drift')).toEqual([]);
  });

  it('is no question where nothing is rolled back, or no windows are looked at', () => {
    for (const trigger of [
      { window: '1d', windowsMin: 9, do: 'run' },
      { window: '1d', windowsMin: 9, do: { rollback: 'now' } },
      { window: '1d', windowsMin: 9, do: action(1) },
      { windowsMin: 9, every: '1d', do: action('1h') },
      { window: '1d', every: '1d', do: action('1h') },
    ])
      expect(within(trigger as JsonObject)).toEqual([]);
  });
});

describe('the range of a gate', () => {
  const gate = (given: JsonObject) =>
    findingsOf('gate-range', { steps: [{ uses: 'evaluate', with: { gates: [{ metric: 'meanAbsoluteError' }, given] } }] });

  it('is that of its metric', () => {
    expect(gate({ metric: 'accuracy', atLeast: 1 })).toEqual([]);
    expect(gate({ metric: 'accuracy', atMost: 0 })).toEqual([]);
    expect(gate({ metric: 'accuracy', atLeast: 1.5 })).toMatchObject([
      {
        pointer: '/steps/0/with/gates/1/atLeast',
        given: 1.5,
        message: 'No model passes this gate: "accuracy" is at most 1, and 1.5 was given.',
        fix: 'Give a value that the metric can have.',
      },
    ]);
    expect(gate({ metric: 'species.accuracy', atMost: -0.1 })).toMatchObject([
      { pointer: '/steps/0/with/gates/1/atMost', message: 'No model passes this gate: "accuracy" is at least 0, and -0.1 was given.' },
    ]);
    expect(gate({ metric: 'meanAbsoluteError', atLeast: 1e9 })).toEqual([]);
    expect(gate({ metric: 'nothing', atLeast: 7 })).toEqual([]);
    expect(gate({ metric: 'accuracy', atLeast: '7' })).toEqual([]);
  });

  it('is often meant in percent', () => {
    const fixOf = (atLeast: number): string => gate({ metric: 'accuracy', atLeast })[0]!.fix!;
    expect([fixOf(2), fixOf(92.5), fixOf(100)]).toEqual(['Write 0.02 for 2 %.', 'Write 0.925 for 92.5 %.', 'Write 1 for 100 %.']);
    expect([fixOf(1.9), fixOf(101)]).toEqual(['Give a value that the metric can have.', 'Give a value that the metric can have.']);
  });
});

describe('a schedule', () => {
  const places = (schedule: JsonObject) => placesOf('schedule', { on: { schedule } });

  it('says when, once', () => {
    expect(places({ cron: '0 3 * * *' })).toEqual([]);
    expect(places({ cron: '0 3 * * *', timezone: 'Europe/Berlin' })).toEqual([]);
    expect(places({ every: '1d' })).toEqual([]);
    expect(findingsOf('schedule', { on: { schedule: {} } })).toMatchObject([
      { pointer: '/on/schedule', message: 'The schedule says neither "cron" nor "every".' },
    ]);
    expect(findingsOf('schedule', { on: { schedule: { cron: '0 3 * * *', every: '1d', timezone: 'Europe/Berlin' } } })).toMatchObject([
      { pointer: '/on/schedule', message: 'The schedule says both "cron" and "every".' },
    ]);
    expect(places({ every: '1d', timezone: 'Europe/Berlin' })).toEqual(['/on/schedule/timezone']);
  });
});

it('a label is not left out, be it one or several', () => {
  const places = (given: JsonObject) => placesOf('label-kept', { steps: [{ uses: 'ingest', with: given }] });
  expect(places({ label: 'y', exclude: ['x', 'y'] })).toEqual(['/steps/0/with/exclude/1']);
  expect(places({ label: ['y', 'z'], exclude: ['z', 'x', 'y'] })).toEqual(['/steps/0/with/exclude/0', '/steps/0/with/exclude/2']);
  expect(places({ label: 'y', exclude: ['x'] })).toEqual([]);
  expect(places({ label: 'y', exclude: 'y' })).toEqual([]);
});

it('a condition reads what stands before it, however deep', () => {
  const steps = (condition: Json): Given => ({
    steps: [
      { id: 'early', uses: 'a' },
      { id: 'own', uses: 'b', if: condition },
      { id: 'later', uses: 'c' },
    ],
  });
  const reads = (step: string) => ({ step, value: 'x', equals: 1 });
  expect(placesOf('conditions', steps(reads('early')))).toEqual([]);
  expect(findingsOf('conditions', steps(reads('later')))).toMatchObject([
    {
      pointer: '/steps/1/if/step',
      given: 'later',
      allowed: ['early'],
      message: 'The condition reads a value of "later", which does not stand before this step.',
    },
  ]);
  expect(findingsOf('conditions', steps(reads('own')))[0]!.message).toContain('does not stand before');
  expect(findingsOf('conditions', steps(reads('earl')))).toMatchObject([
    { message: 'There is no step "earl".', suggestion: 'early', fix: 'Steps before this one: early.' },
  ]);
  expect(findingsOf('conditions', steps(reads('zzzzzz')))[0]).not.toHaveProperty('suggestion');
  const deep = { all: [reads('early'), { any: [reads('later'), { not: reads('x') }] }] };
  expect(placesOf('conditions', steps(deep))).toEqual(['/steps/1/if/all/1/any/0/step', '/steps/1/if/all/1/any/1/not/step']);
  expect(findingsOf('conditions', { steps: [{ id: 'a', uses: 'a', if: reads('b') }] })[0]!.fix).toBe(
    'No step stands before this one; remove the condition.',
  );
});

describe('a season of drift', () => {
  const season = (drift: JsonObject, keep?: Json) =>
    findingsOf('drift-season', {
      on: { drift: { window: '1d', season: { every: '7d', count: 4 }, ...drift } },
      steps: [{ uses: 'deploy', with: keep === undefined ? {} : { predictionLog: { keep } } }],
    });

  it('looks as far back as predictions are kept', () => {
    expect(season({}, '29d')).toEqual([]);
    expect(season({}, '28d')).toMatchObject([
      {
        pointer: '/steps/0/with/predictionLog/keep',
        given: '28d',
        fix: 'Set "keep" to "29d" or more, or look at fewer seasons ("count").',
      },
    ]);
    expect(season({ window: '1h' }, '29d')).toEqual([]);
    expect(season({ window: '1h' }, '28d')).toHaveLength(1);
    expect([season({}), season({}, 5)]).toEqual([[], []]);
  });

  it('is no shorter than the window, and each window is looked at by itself', () => {
    expect(season({ window: '7d' })).toEqual([]);
    expect(season({ window: '8d' })).toMatchObject([{ pointer: '/on/drift/season/every', given: '7d' }]);
    expect(season({ pool: 1 })).toEqual([]);
    expect(season({ pool: 2 })).toMatchObject([{ pointer: '/on/drift/pool', given: 2 }]);
    expect(placesOf('drift-season', { on: { drift: { window: '8d', pool: 2 } } })).toEqual([]);
  });
});
