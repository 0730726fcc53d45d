/** "ks", or { "ks": { "threshold": 0.01 } }. */
export type NamedTest = string | Readonly<Record<string, { readonly threshold?: number } | undefined>>;

/** A test of whole rows by its name, or with settings. */
export type NamedJointTest =
  string | Readonly<Record<string, { readonly threshold?: number; readonly pValue?: number; readonly rows?: number }>>;

/** "words", or { "words": {} }: measures have no settings. */
export type NamedMeasure = string | Readonly<Record<string, object>>;
