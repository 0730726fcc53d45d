import type { ImageData } from './column-data.ts';
import { resizePixels } from '../images/images.ts';
import { defineTransform } from './transform.ts';

interface Config {
  readonly height: number;
  readonly width: number;
  readonly fit: 'fill' | 'cover' | 'contain';
}

export default defineTransform<Config, null>({
  name: 'resize',
  summary: 'Images of one size.',
  configSchema: {
    oneOf: [
      {
        type: 'array',
        items: { type: 'integer', minimum: 1, maximum: 8_192 },
        minItems: 2,
        maxItems: 2,
        description: '[height, width] in pixels; the sides are stretched to fit.',
      },
      {
        type: 'object',
        additionalProperties: false,
        required: ['height', 'width'],
        properties: {
          height: { type: 'integer', minimum: 1, maximum: 8_192, description: 'Pixels.' },
          width: { type: 'integer', minimum: 1, maximum: 8_192, description: 'Pixels.' },
          fit: {
            enum: ['fill', 'cover', 'contain'],
            default: 'fill',
            description: 'Stretch, fill and crop what hangs over, or fit inside with black borders.',
          },
        },
      },
    ],
    description: 'Height and width in pixels.',
    examples: [[28, 28], { height: 128, width: 128, fit: 'cover' }],
  },
  needsConfig: true,
  examples: [[28, 28], { height: 128, width: 128, fit: 'cover' }],
  takes: ['image'],
  gives: () => 'image',
  resolve: (value) => {
    if (Array.isArray(value)) return { height: value[0] as number, width: value[1] as number, fit: 'fill' };
    return { fit: 'fill', ...(value as object) } as Config;
  },
  apply: async (data, config) => {
    const { values, channels } = data as ImageData;
    const resized = await Promise.all(values.map(async (image) => (image === null ? null : resizePixels(image, config))));
    return { kind: 'image', channels, size: [config.height, config.width], values: resized };
  },
});
