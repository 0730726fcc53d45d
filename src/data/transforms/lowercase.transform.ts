import type { TextData } from './column-data.ts';
import { defineTransform } from './transform.ts';

type Nothing = Record<string, never>;

export default defineTransform<Nothing, null>({
  name: 'lowercase',
  summary: 'Text in lower case and composed form (Unicode NFC), without surrounding white space.',
  configSchema: { type: 'object', additionalProperties: false, properties: {}, default: {}, description: 'Lower case, NFC, trimmed.' },
  examples: [{}],
  takes: ['text'],
  gives: () => 'text',
  resolve: () => ({}),
  apply: (data) => ({ kind: 'text', values: (data as TextData).values.map((text) => text?.normalize('NFC').toLowerCase().trim() ?? null) }),
  invert: (data) => data as TextData,
});
