/** What a token lets its holder do, each one all that the one before may. */
export const ROLES = ['predict', 'operate', 'admin'] as const;

/**
 * `predict`: ask models, and tell what became of their answers. `operate`: also metrics, statistics, reports and the repository. `admin`:
 * also the tokens themselves.
 */
export type Role = (typeof ROLES)[number];

export function mayAct(as: Role, needed: Role): boolean {
  return ROLES.indexOf(as) >= ROLES.indexOf(needed);
}
