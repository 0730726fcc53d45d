import { PerennialError } from '../../core/errors.ts';
import type { NumberData } from './column-data.ts';
import { defineNumberTransform, mapNumbers } from './transform.ts';

type Nothing = Record<string, never>;

export default defineNumberTransform<Nothing, null>({
  name: 'log1p',
  summary: 'Natural logarithm of 1 + x, for long-tailed quantities above -1.',
  configSchema: { type: 'object', additionalProperties: false, properties: {}, default: {}, description: 'log(1 + x).' },
  examples: [{}],
  takes: ['number'],
  gives: () => 'number',
  resolve: () => ({}),
  each:
    (_config, _state, { column }) =>
    (value) => {
      if (value <= -1)
        throw new PerennialError('DATA_INVALID', `Column "${column}" holds ${value}; log1p needs values above -1.`, {
          hint: 'Put {"clip": [0, null]} before log1p.',
        });
      return Math.log1p(value);
    },
  invert: (data) => mapNumbers(data as NumberData, Math.expm1),
  reference: 'NumPy log1p',
});
