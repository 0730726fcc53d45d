import { defineLayer } from './layer.ts';
import { volumePooling } from './shared/volume-pooling.ts';

export default defineLayer({
  type: 'averagePooling3d',
  keras: { className: 'AveragePooling3D' },
  summary: 'Mean over windows of a volume.',
  ...volumePooling('averagePooling3d', (tf) => tf.avgPool3d),
});
