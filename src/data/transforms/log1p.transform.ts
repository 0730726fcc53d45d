import { PerennialError } from '../../core/errors.ts';
import type { NumberData } from './column-data.ts';
import { defineTransform, mapNumbers } from './transform.ts';

type Nothing = Record<string, never>;

export default defineTransform<Nothing, null>({
  name: 'log1p',
  summary: 'Natural logarithm of 1 + x, for long-tailed quantities above -1.',
  configSchema: { type: 'object', additionalProperties: false, properties: {}, default: {}, description: 'log(1 + x).' },
  examples: [{}],
  takes: ['number'],
  gives: () => 'number',
  resolve: () => ({}),
  apply: (data, _config, _state, { column }) =>
    mapNumbers(data, (value) => {
      if (value <= -1)
        throw new PerennialError('DATA_INVALID', `Column "${column}" holds ${value}; log1p needs values above -1.`, {
          hint: 'Put {"clip": [0, null]} before log1p.',
        });
      return Math.log1p(value);
    }),
  invert: (data) => mapNumbers(data as NumberData, Math.expm1),
  reference: 'NumPy log1p',
});
