/** By the name of the store. */
export const DOCUMENTS: Readonly<
  Record<
    string,
    readonly {
      readonly document: { readonly name: string; readonly steps: readonly { readonly uses: string; readonly with?: object }[] };
    }[]
  >
>;
