import { describe, expect, it } from 'vitest';
import { aliasOf, markDeleted, promote, removeAlias, restore, rollback, unpin } from '../../../src/registry/decisions.ts';
import { emptyRouting } from '../../../src/registry/routing.ts';
import type { Proposal } from '../../../src/registry/routing.ts';
import type { Pin, Routing } from '../../../src/registry/types.ts';
import { codeOf } from '../../support/code-of.ts';

const PIN: Pin = { version: 2, by: 'ada', at: '2026-01-01T00:00:00.000Z', why: 'safe' };
const state = (more: Partial<Routing> = {}): Routing => ({ ...emptyRouting('m'), aliases: { champion: 3 }, previous: [2, 1], ...more });
const by = { alias: 'champion', automatic: false, unpin: false };

describe('a promotion', () => {
  it('remembers the champion before, once, and the last hundred', () => {
    expect(promote({ ...by, version: 4 })(state())).toMatchObject({
      action: 'promote',
      alias: 'champion',
      from: 3,
      to: 4,
      pin: null,
      aliases: { champion: 4 },
      previous: [3, 2, 1],
    });
    expect(promote({ ...by, version: 1 })(state())!.previous).toEqual([3, 2]);
    expect(promote({ ...by, version: 4 })(state({ previous: [2, 3, 1] }))!.previous).toEqual([3, 2, 1]);
    const many = Array.from({ length: 100 }, (_, at) => at + 10);
    expect(promote({ ...by, version: 4 })(state({ previous: many }))!.previous).toEqual([3, ...many.slice(0, 99)]);
  });

  it('of the first champion has nothing to remember', () => {
    expect(promote({ ...by, version: 1 })(state({ aliases: {}, previous: [] }))).toMatchObject({ from: null, to: 1, previous: [] });
  });

  it('is none where all is so already', () => {
    expect(promote({ ...by, version: 3 })(state())).toBeUndefined();
    expect(promote({ ...by, version: 3, fallback: 'previous' })(state())).toBeUndefined();
    expect(promote({ ...by, version: 3, fallback: 'nothing' })(state({ fallback: 'nothing' }))).toBeUndefined();
  });

  it('of the same version may change what serves in its place, and the pin', () => {
    const changed = promote({ ...by, version: 3, fallback: 'nothing' })(state()) as Proposal;
    expect(changed).toMatchObject({ from: 3, to: 3, fallback: 'nothing', previous: [2, 1] });
    expect(promote({ ...by, version: 3 })(state({ fallback: 'nothing' }))).toBeUndefined();
    const unpinned = promote({ ...by, version: 2, unpin: true })(state({ aliases: { champion: 2 }, pin: PIN }));
    expect(unpinned).toMatchObject({ from: 2, to: 2, pin: null });
    expect(unpinned).not.toHaveProperty('fallback');
  });

  it('over a pin is refused, but by hand and with the wish to unpin', () => {
    const pinned = state({ aliases: { champion: 2 }, pin: PIN });
    for (const more of [{ automatic: true }, { automatic: true, unpin: true }, {}])
      expect(codeOf(() => promote({ ...by, ...more, version: 3 })(pinned))).toBe('ROUTING_PINNED');
    expect(promote({ ...by, unpin: true, version: 3 })(pinned)).toMatchObject({ from: 2, to: 3, pin: null });
    // To what is pinned anybody may promote; it stays pinned.
    expect(promote({ ...by, automatic: true, version: 2 })(state({ pin: PIN }))).toMatchObject({ to: 2, pin: PIN });
  });

  it('of a deleted version is refused', () => {
    for (const alias of ['champion', 'challenger'])
      expect(codeOf(() => promote({ ...by, alias, version: 4 })(state({ deleted: [4] })))).toBe('VERSION_INVALID');
  });

  it('under another alias minds no pin and remembers nothing', () => {
    const moved = promote({ ...by, alias: 'challenger', automatic: true, version: 5 })(state({ pin: PIN }));
    expect(moved).toEqual({ action: 'alias', alias: 'challenger', from: null, to: 5, aliases: { champion: 3, challenger: 5 } });
    expect(promote({ ...by, alias: 'challenger', version: 5 })(state({ aliases: { champion: 3, challenger: 5 } }))).toBeUndefined();
  });
});

describe('an alias', () => {
  it('is removed, unless it is the champion or not there', () => {
    const both = state({ aliases: { champion: 3, challenger: 2 } });
    expect(removeAlias('challenger')(both)).toEqual({
      action: 'alias',
      alias: 'challenger',
      from: 2,
      to: null,
      aliases: { champion: 3 },
    });
    expect(removeAlias('other')(both)).toBeUndefined();
    expect(codeOf(() => removeAlias('champion')(both))).toBe('USAGE');
    expect(removeAlias('champion')(state({ aliases: {} }))).toBeUndefined();
  });

  it('is no property of every object', () => {
    expect(aliasOf(state(), 'toString')).toBeNull();
    expect(aliasOf(state(), 'champion')).toBe(3);
  });
});

describe('a rollback', () => {
  const because = { by: 'ada', why: 'it is worse' };

  it('goes to the champion before, pins it, and forgets what it went past', () => {
    const back = rollback(because)(state())!;
    expect(back).toMatchObject({ action: 'rollback', alias: 'champion', from: 3, to: 2, aliases: { champion: 2 }, previous: [1] });
    expect(back.pin).toMatchObject({ version: 2, by: 'ada', why: 'it is worse' });
    expect(Math.abs(Date.parse(back.pin!.at) - Date.now())).toBeLessThan(60_000);
    expect(rollback({ ...because, to: 1 })(state())!.previous).toEqual([]);
    expect(rollback({ ...because, to: 7 })(state({ previous: [2, 3, 1] }))!.previous).toEqual([2, 1]);
  });

  it('to where it is pins, once', () => {
    expect(rollback({ ...because, to: 3 })(state())).toMatchObject({ from: 3, to: 3, pin: { version: 3 } });
    expect(rollback({ ...because, to: 2 })(state({ aliases: { champion: 2 }, pin: PIN }))).toBeUndefined();
    expect(rollback({ ...because, to: 3 })(state({ pin: PIN }))).toMatchObject({ to: 3, pin: { version: 3 } });
  });

  it('is refused without a champion, without one before, and to what was deleted', () => {
    expect(codeOf(() => rollback(because)(state({ aliases: {} })))).toBe('VERSION_INVALID');
    expect(codeOf(() => rollback(because)(state({ previous: [] })))).toBe('VERSION_INVALID');
    expect(codeOf(() => rollback({ ...because, to: 1 })(state({ deleted: [1] })))).toBe('VERSION_INVALID');
  });
});

describe('a pin', () => {
  it('is taken away where there is one', () => {
    expect(unpin(state({ pin: PIN }))).toEqual({ action: 'unpin', alias: null, from: 3, to: 3, pin: null });
    expect(unpin(state())).toBeUndefined();
  });
});

describe('a deletion', () => {
  it('takes a version out of what a rollback goes to', () => {
    expect(markDeleted(2)(state({ deleted: [9, 4] }))).toEqual({
      action: 'delete',
      alias: null,
      from: 2,
      to: null,
      deleted: [2, 4, 9],
      previous: [1],
    });
    expect(markDeleted(4)(state({ deleted: [4] }))).toBeUndefined();
  });

  it('is refused of what an alias or the pin names', () => {
    expect(() => markDeleted(3)(state({ aliases: { champion: 3, challenger: 3 } }))).toThrow(
      'Version 3 of "m" cannot be deleted: the aliases "champion" and "challenger" name it.',
    );
    expect(() => markDeleted(2)(state({ pin: PIN }))).toThrow('cannot be deleted: the pin names it.');
  });

  it('is taken back of what was deleted', () => {
    expect(restore(4)(state({ deleted: [4, 5] }))).toEqual({ action: 'restore', alias: null, from: null, to: 4, deleted: [5] });
    expect(restore(4)(state())).toBeUndefined();
  });
});

describe('while a rollout goes on', () => {
  const rollout = { id: 'a', kind: 'canary', champion: 3, candidate: 4, share: 0.1, step: 0 } as const;
  const going = (more: Partial<Routing> = {}): Routing => state({ rollout, ...more });

  it('a run that makes the champion again leaves it, and whoever says so by hand ends it', () => {
    expect(promote({ ...by, automatic: true, version: 3 })(going())).toBeUndefined();
    expect(promote({ ...by, automatic: true, version: 3, fallback: 'nothing' })(going())).toMatchObject({ fallback: 'nothing', rollout });
    const byHand = promote({ ...by, version: 3 })(going())!;
    expect(byHand).toMatchObject({ from: 3, to: 3, previous: [2, 1] });
    expect(byHand).not.toHaveProperty('rollout');
    expect(promote({ ...by, automatic: true, version: 5 })(going())).not.toHaveProperty('rollout');
    expect(promote({ ...by, automatic: true, version: 3, fallback: 'nothing' })(state())).not.toHaveProperty('rollout');
  });

  it('a rollback goes to the champion, from which its candidate was the step', () => {
    expect(rollback({ by: 'ada', why: 'x' })(going())).toMatchObject({ from: 3, to: 3, pin: { version: 3 } });
    expect(rollback({ by: 'ada', why: 'x', to: 3 })(going({ pin: { ...PIN, version: 3 } }))).toMatchObject({ from: 3, to: 3 });
    expect(rollback({ by: 'ada', why: 'x', to: 3 })(state({ pin: { ...PIN, version: 3 } }))).toBeUndefined();
    expect(rollback({ by: 'ada', why: 'x', to: 2 })(state({ pin: PIN }))).toMatchObject({ from: 3, to: 2 });
  });

  it('its candidate cannot be deleted, and others can', () => {
    expect(() => markDeleted(4)(going())).toThrow('Version 4 of "m" cannot be deleted: a rollout sends traffic to it.');
    expect(markDeleted(1)(going())).toMatchObject({ action: 'delete', from: 1 });
  });
});

it('every refusal says what to do', () => {
  const hintOf = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      return (error as { hint: string }).hint;
    }
    return 'none';
  };
  const because = { by: 'ada', why: 'it is worse' };
  expect(
    [
      () => promote({ ...by, version: 3 })(state({ aliases: { champion: 2 }, pin: PIN })),
      () => removeAlias('champion')(state()),
      () => rollback(because)(state({ aliases: {} })),
      () => rollback(because)(state({ previous: [] })),
      () => markDeleted(3)(state()),
      () => markDeleted(4)(state({ rollout: { id: 'a', kind: 'canary', champion: 3, candidate: 4, share: 0.1, step: 0 } })),
      () => promote({ ...by, version: 4 })(state({ deleted: [4] })),
    ].map(hintOf),
  ).toEqual([
    expect.stringContaining('perennial models promote m 3 --unpin'),
    'Promote another version, or roll back.',
    expect.stringContaining('perennial models promote m VERSION'),
    expect.stringContaining('perennial models rollback m --to VERSION'),
    'Move the alias to another version first.',
    expect.stringContaining('perennial models rollout abort m'),
    expect.stringContaining('perennial models show m'),
  ]);
  expect(() => markDeleted(3)(state())).toThrow('cannot be deleted: the alias "champion" names it.');
  try {
    promote({ ...by, version: 3 })(state({ aliases: { champion: 2 }, pin: PIN }));
  } catch (error) {
    expect((error as { details: unknown }).details).toEqual({ pin: PIN });
  }
});
