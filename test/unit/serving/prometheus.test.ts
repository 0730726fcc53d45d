import { expect, it } from 'vitest';
import { PrometheusRegistry } from '../../../src/serving/prometheus.ts';

it('renders the text format 0.0.4', () => {
  const registry = new PrometheusRegistry();
  registry.counter('a_total', 'First\nline \\ more.').add({ path: 'a"b\\c\nd' }, 2);
  registry.gauge('b', 'Gauge.').set({}, Infinity);
  const histogram = registry.histogram('c_seconds', 'Histogram.', [0.1, 1]);
  for (const value of [0.05, 0.1, 0.5, 7]) histogram.observe({ route: '/x' }, value);
  expect(registry.render()).toBe(
    [
      '# HELP a_total First\\nline \\\\ more.',
      '# TYPE a_total counter',
      'a_total{path="a\\"b\\\\c\\nd"} 2',
      '# HELP b Gauge.',
      '# TYPE b gauge',
      'b +Inf',
      '# HELP c_seconds Histogram.',
      '# TYPE c_seconds histogram',
      'c_seconds_bucket{route="/x",le="0.1"} 2',
      'c_seconds_bucket{route="/x",le="1"} 3',
      'c_seconds_bucket{route="/x",le="+Inf"} 4',
      'c_seconds_sum{route="/x"} 7.65',
      'c_seconds_count{route="/x"} 4',
      '',
    ].join('\n'),
  );
  expect(() => registry.gauge('b', 'Again.')).toThrow('two metrics named b');
});
