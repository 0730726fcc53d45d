import type { JsonObject } from '../core/json.ts';
import { likenessOf } from './applied.ts';

/** A document, or what is known of one that was applied. */
export interface NamedDocument {
  readonly pipeline: string;
  /** Absolute path; undefined: not known. */
  readonly file: string | undefined;
}

/**
 * Pipelines that have another name now, old names by new ones: the document that lies where the old one lay, or the one that says the
 * same but for its name. Where two could be meant, none is.
 *
 * @param known those that live somewhere; `likeness` as {@link likenessOf} gives it
 * @param isGone whether the document of one that was not given is there no more under its name
 * @param told old names by new ones, as somebody told them
 */
export function findRenames(
  declared: readonly (NamedDocument & { readonly document: JsonObject })[],
  known: readonly (NamedDocument & { readonly likeness?: string })[],
  isGone: (one: NamedDocument) => boolean,
  told: ReadonlyMap<string, string> = new Map(),
): Map<string, string> {
  const given = new Set(declared.map(({ pipeline }) => pipeline));
  // One that was applied under its name was not renamed since; of an apply that was ended half way there is no record yet.
  const lives = new Set(known.filter(({ likeness }) => likeness !== undefined).map(({ pipeline }) => pipeline));
  const renames = new Map(told);
  const free = (): (NamedDocument & { readonly likeness?: string })[] =>
    known.filter(({ pipeline }) => !given.has(pipeline) && ![...renames.values()].includes(pipeline));
  const fresh = declared.filter(({ pipeline }) => !lives.has(pipeline) && !told.has(pipeline));
  for (const { pipeline, file } of fresh) {
    const before = free().filter((one) => one.file !== undefined && one.file === file);
    if (before.length === 1) renames.set(pipeline, before[0]!.pipeline);
  }
  const rest = fresh.filter(({ pipeline }) => !renames.has(pipeline)).map((one) => ({ ...one, likeness: likenessOf(one.document) }));
  for (const { pipeline, likeness } of rest) {
    const before = free().filter((one) => one.likeness === likeness && isGone(one));
    const twins = rest.filter((one) => one.likeness === likeness);
    if (before.length === 1 && twins.length === 1) renames.set(pipeline, before[0]!.pipeline);
  }
  return renames;
}
