import type { JsonSchema } from '../../core/json.ts';
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
