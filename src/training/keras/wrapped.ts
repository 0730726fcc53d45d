import type { JsonObject } from '../../core/json.ts';

/** Where Keras 3 looks for a layer inside a layer. */
export const MODULE = { module: 'keras.layers', registered_name: null };

/** The layer inside a wrapper. @throws what `refuse` gives where there is none */
export function wrappedKeras(
  value: unknown,
  refuse: (problem: string) => Error,
): { readonly className: string; readonly config: JsonObject } {
  const { class_name: className, config } = (value ?? {}) as JsonObject;
  if (typeof className !== 'string' || typeof config !== 'object' || config === null || Array.isArray(config))
    throw refuse('no layer inside');
  return { className: className.replace(/^.*>/, ''), config };
}
