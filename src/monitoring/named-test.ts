/** "ks", or { "ks": { "threshold": 0.01 } }. */
export type NamedTest = string | Readonly<Record<string, { readonly threshold?: number } | undefined>>;
