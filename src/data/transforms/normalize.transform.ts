import { PerennialError } from '../../core/errors.ts';
import { defineTransform, mapPixels, toPixels } from './transform.ts';

interface Config {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

export default defineTransform<Config, null>({
  name: 'normalize',
  summary: 'Subtracts a mean and divides by a deviation per channel; put "rescale" before it where they are meant for 0 … 1.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['mean', 'std'],
    properties: {
      mean: { type: 'array', items: { type: 'number' }, minItems: 1, maxItems: 3, description: 'Mean per channel.' },
      std: {
        type: 'array',
        items: { type: 'number', exclusiveMinimum: 0 },
        minItems: 1,
        maxItems: 3,
        description: 'Standard deviation per channel.',
      },
    },
    description: 'Mean and standard deviation per channel.',
    examples: [{ mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }],
  },
  needsConfig: true,
  examples: [{ mean: [0.1307], std: [0.3081] }],
  takes: ['image', 'pixels'],
  gives: () => 'pixels',
  pixelwise: true,
  resolve: (value) => value as unknown as Config,
  apply: (data, { mean, std }, _state, scope) => {
    const pixels = toPixels(data, scope);
    if (pixels.shape[2] !== mean.length || mean.length !== std.length) {
      throw new PerennialError(
        'CONFIG_INVALID',
        `Column "${scope.column}": normalize has ${mean.length} means and ${std.length} deviations, the images have ${pixels.shape[2]} channels.`,
      );
    }
    return mapPixels(pixels, (value, channel) => (value - mean[channel]!) / std[channel]!);
  },
});
