/**
 * Every change of workflow behaviour that running executions could meet, once they exist in the field: an id, what changed, and
 * when the old branch may go. Use as `if (patched(PATCHES.x)) { new } else { old }`.
 *
 * There is none yet: histories of the first release replay on this code without a branch.
 */
export const PATCHES = {} as const satisfies Record<string, string>;
