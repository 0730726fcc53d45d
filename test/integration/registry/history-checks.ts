import { expect } from 'vitest';
import type { Registry } from '../../../src/registry/registry.ts';

/** Whatever happened: revisions have no gaps, each alias moves from where it was, and the last entry is the routing. */
export async function checkHistory(registry: Registry, model: string): Promise<void> {
  const { routing } = (await registry.routing(model))!;
  const history = await registry.history(model);
  expect(history.map(({ revision }) => revision)).toEqual(Array.from({ length: routing.revision }, (_, index) => index + 1));
  const aliases = new Map<string, number>();
  for (const { alias, from, to, at } of history) {
    expect(Number.isNaN(Date.parse(at))).toBe(false);
    if (alias === null) continue;
    expect(from).toBe(aliases.get(alias) ?? null);
    if (to === null) aliases.delete(alias);
    else aliases.set(alias, to);
  }
  expect(Object.fromEntries(aliases)).toEqual(routing.aliases);
  expect([...history].map(({ at }) => at)).toEqual([...history].map(({ at }) => at).sort());
}

/** Numbers 1 to n, each artifact once. */
export async function checkVersions(registry: Registry, model: string): Promise<number> {
  const versions = await registry.versions(model);
  expect(versions.map(({ version }) => version)).toEqual(Array.from({ length: versions.length }, (_, index) => index + 1));
  expect(new Set(versions.map((version) => version.model.digest)).size).toBe(versions.length);
  return versions.length;
}
