import type { Topology } from './model-config.ts';

/** `wanted`, with as many "_" behind it as others have left over. */
export function freeName(wanted: string, taken: ReadonlySet<string | undefined>): string {
  let name = wanted;
  while (taken.has(name)) name += '_';
  return name;
}

/** Names of the inputs and layers of a network. */
export function namesIn({ inputs, layers }: Pick<Topology, 'inputs' | 'layers'>): Set<string> {
  return new Set([...inputs, ...layers].map(({ name }) => name));
}
