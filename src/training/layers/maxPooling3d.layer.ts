import { defineLayer } from './layer.ts';
import { volumePooling } from './shared/volume-pooling.ts';

export default defineLayer({
  type: 'maxPooling3d',
  keras: { className: 'MaxPooling3D' },
  summary: 'Largest value over windows of a volume.',
  ...volumePooling('maxPooling3d', (tf) => tf.maxPool3d),
});
