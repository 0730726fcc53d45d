/** Of an option that may be given several times: all of its values, in their order. */
export const repeated = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

/** The arguments of the option that gives a document its parameters. */
export const PARAM_OPTION = [
  '-p, --param <name=value>',
  'value of a parameter of the document (repeatable)',
  repeated,
  [] as readonly string[],
] as const;
