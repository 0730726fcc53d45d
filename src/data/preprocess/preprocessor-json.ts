import type { Json, JsonObject } from '../../core/json.ts';
import type { OutputSpec } from '../../core/tensor.ts';
import { COUNT, NUMBER, OBJECT, TEXT, defineStored, listOf, readStored, recordSchema } from '../../storage/stored.ts';
import type { StoredKind } from '../../storage/stored.ts';
import type { Column } from '../stored/column.ts';
import type { SourceReading } from '../stored/dataset.ts';
import type { FittedSequence } from '../stored/sequence.ts';
import { parseChain } from './chain.ts';
import type { FittedColumn, PreprocessorParts } from './fitted-column.ts';

/** A fitted column as it is kept, or told to another thread. */
export interface ColumnJson {
  readonly name: string;
  readonly type: Column['type'];
  readonly required: boolean;
  readonly size?: readonly [number, number];
  readonly spec: FittedColumn['spec'];
  readonly transforms: readonly { readonly name: string; readonly value: Json; readonly state: Json }[];
}

export interface PreprocessorJson {
  readonly formatVersion: 1;
  readonly seed: number;
  readonly columns: readonly ColumnJson[];
  readonly output: OutputSpec;
  readonly sequence?: FittedSequence & { readonly byType: Column['type'] };
  readonly reading?: SourceReading;
}

/** {@link PreprocessorJson} as it is stored. */
export const PREPROCESSOR: StoredKind<PreprocessorJson> = defineStored({
  name: 'preprocessing of a model',
  formatVersion: 1,
  schema: recordSchema(
    {
      seed: NUMBER,
      columns: listOf(
        recordSchema(
          {
            name: TEXT,
            type: TEXT,
            required: { type: 'boolean' },
            spec: OBJECT,
            transforms: listOf(recordSchema({ name: TEXT, value: {}, state: {} })),
          },
          { size: listOf(NUMBER) },
        ),
      ),
      output: recordSchema({ kind: TEXT }),
    },
    { sequence: recordSchema({ size: COUNT, byType: TEXT }), reading: recordSchema({ source: OBJECT, columns: listOf(OBJECT) }) },
  ),
  broken: { code: 'MODEL_INVALID', hint: 'Take another version of the model, or run its pipeline again.' },
});

export function toJson({ columns, output, sequence, seed, reading }: PreprocessorParts, byType: Column['type']): JsonObject {
  const json: PreprocessorJson = {
    formatVersion: 1,
    seed,
    columns: columnsToJson(columns),
    output,
    ...(sequence === undefined ? {} : { sequence: { ...sequence, byType } }),
    ...(reading === undefined ? {} : { reading }),
  };
  return json as unknown as JsonObject;
}

export function columnsToJson(columns: readonly FittedColumn[]): ColumnJson[] {
  return columns.map(({ name, type, required, size, spec, links }) => ({
    name,
    type,
    required,
    ...(size === undefined ? {} : { size: [size[0], size[1]] as const }),
    spec,
    transforms: links.map((link) => ({ name: link.definition.name, value: link.value, state: link.state })),
  }));
}

export function columnsOfJson(columns: readonly ColumnJson[]): FittedColumn[] {
  return columns.map(({ transforms, ...column }): FittedColumn => ({
    ...column,
    links: parseChain(
      transforms.map(({ name, value }) => (value === null ? name : { [name]: value })),
      column.name,
    ).map((link, index) => ({ ...link, state: transforms[index]!.state })),
  }));
}

/** What a preprocessor is made from. @throws MODEL_INVALID */
export function preprocessorParts(json: JsonObject): { readonly parts: PreprocessorParts; readonly byType?: Column['type'] } {
  const { columns, output, sequence, seed, reading } = readStored(PREPROCESSOR, json, 'preprocessor.json');
  const parts = { columns: columnsOfJson(columns), output, seed, ...(reading === undefined ? {} : { reading }) };
  if (sequence === undefined) return { parts };
  const { byType, ...rest } = sequence;
  return { parts: { ...parts, sequence: rest }, byType };
}
