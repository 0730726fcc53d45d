import { isPerennialError } from '../../core/errors.ts';
import type { JsonSchema } from '../../core/json.ts';
import type { ConfigProblem } from '../../core/step.ts';
import type { DeclaredType } from '../reading/infer.ts';
import { checkTimestampFormat } from '../reading/timestamps.ts';
import { NUMBER_FORMAT_SCHEMA, TIMESTAMP_FORMAT_SCHEMA } from '../reading/value-format.ts';
import type { ValueFormat } from '../reading/value-format.ts';
import type { ColumnType } from '../stored/column.ts';

/** How the texts of a column become images: paths of files (below a folder), or the bytes themselves. */
export type DeclaredColumn = ColumnType | { readonly image: 'base64' | { readonly folder?: string } } | ValueFormat;
export type DeclaredColumns = Readonly<Record<string, DeclaredColumn>>;

export const COLUMN_SCHEMA: JsonSchema = {
  oneOf: [
    { enum: ['number', 'integer', 'boolean', 'string', 'timestamp', 'image'] },
    {
      type: 'object',
      additionalProperties: false,
      required: ['image'],
      properties: {
        image: {
          description: 'How the texts of the column become images.',
          oneOf: [
            {
              const: 'base64',
              description:
                'The texts are the encoded images themselves, as base64 or data URIs. PNG, JPEG, GIF and WebP are recognized without it.',
            },
            {
              type: 'object',
              additionalProperties: false,
              required: ['folder'],
              description: 'The texts are paths of files.',
              properties: {
                folder: {
                  type: 'string',
                  minLength: 1,
                  description:
                    'Folder that relative paths start from, relative to the folder of the document. Default: the folder of the table.',
                  examples: ['data/photos'],
                },
              },
            },
          ],
          examples: ['base64', { folder: 'data/photos' }],
        },
      },
    },
    NUMBER_FORMAT_SCHEMA,
    TIMESTAMP_FORMAT_SCHEMA,
  ],
};

/** Types alone, as `columns` of an ingest step declares them. */
export function declaredTypes(columns: DeclaredColumns = {}): Record<string, DeclaredType> {
  return Object.fromEntries(
    Object.entries(columns).map(([name, declared]): [string, DeclaredType] => {
      if (typeof declared === 'string') return [name, { type: declared }];
      if ('image' in declared) return [name, { type: 'image' }];
      if ('number' in declared) return [name, { type: 'number', format: declared }];
      checkTimestampFormat(declared.timestamp);
      return [name, { type: 'timestamp', format: declared }];
    }),
  );
}

/** Mistakes of declared columns that the schema cannot say. */
export function checkColumns(columns: DeclaredColumns = {}): ConfigProblem[] {
  return Object.entries(columns).flatMap(([name, declared]) => {
    try {
      declaredTypes({ [name]: declared });
      return [];
    } catch (error) {
      if (!isPerennialError(error, 'CONFIG_INVALID')) throw error;
      return [
        {
          pointer: `/columns/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
          message: `"${name}": ${error.message}`,
          ...(error.hint === '' ? {} : { fix: error.hint }),
        },
      ];
    }
  });
}
