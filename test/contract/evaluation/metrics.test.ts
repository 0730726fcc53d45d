import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { metricRegistry } from '../../../src/evaluation/metrics/index.generated.ts';

describe.each(metricRegistry.all())('metric $name', (metric) => {
  it('says what it is, and where the definition comes from', () => {
    expect(metric.name).toMatch(/^[a-z][A-Za-z0-9]*$/);
    expect(metric.summary).toMatch(/^[A-Z].*\.$/);
    expect(metric.reference).toMatch(/^https:\/\//);
    expect(metric.tasks.length).toBeGreaterThan(0);
  });

  it('has a closed schema whose options are described', () => {
    const schema = metric.configSchema as { additionalProperties: boolean; properties: Record<string, { description?: string }> };
    const validate = new Ajv({ strict: true }).compile(schema);
    expect(validate({})).toBe(true);
    expect(validate({ as: 'another' })).toBe(true);
    expect(validate({ misspelt: 1 })).toBe(false);
    for (const [name, property] of Object.entries(schema.properties)) expect(property.description, name).toBeTruthy();
  });

  it('cannot be changed', () => {
    expect(Object.isFrozen(metric)).toBe(true);
  });
});
