import { steps } from '../../activities/steps/index.generated.ts';
import { PerennialError } from '../core/errors.ts';
import type { StepDefinition } from '../core/step.ts';

/** Type of the steps that are used by the path of a TypeScript file. */
export const LOCAL_STEP = 'script';

/** Step definitions by type, the newest version of each: what new plans are compiled to. */
export type Catalogue = ReadonlyMap<string, StepDefinition>;

export function catalogueOf(definitions: readonly StepDefinition[]): Catalogue {
  const newest = new Map<string, StepDefinition>();
  for (const definition of definitions) {
    const known = newest.get(definition.type);
    if (known?.version === definition.version)
      throw new PerennialError('INTERNAL', `Two definitions of the step "${definition.type}@${definition.version}".`);
    if (known === undefined || known.version < definition.version) newest.set(definition.type, definition);
  }
  return newest;
}

/** Everything that ships with Perennial. */
export const catalogue: Catalogue = catalogueOf(steps);

export function isLocalPath(uses: string): boolean {
  return /^\.\.?\//.test(uses);
}

/** The type behind `uses`: "train" → train, "./my-step.ts" → script. */
export function typeOfUse(uses: string): string {
  return isLocalPath(uses) ? LOCAL_STEP : uses;
}

/** `id` where the document gives none: the type, or the file's name without its ending. */
export function defaultId(uses: string): string {
  return isLocalPath(uses) ? uses.slice(uses.lastIndexOf('/') + 1).replace(/\.[^.]*$/, '') : uses;
}
