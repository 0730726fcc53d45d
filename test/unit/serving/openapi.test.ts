import { Ajv2020 } from 'ajv/dist/2020.js';
import { fastify } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OutputSpec } from '../../../src/core/tensor.ts';
import { docsPage } from '../../../src/server/openapi/docs-page.ts';
import { OPERATIONS } from '../../../src/server/openapi/operations.ts';
import { requireDescriptions } from '../../../src/server/openapi/register-docs.ts';
import { FakeSource } from './doubles.ts';
import { ask, startTestApp } from './test-app.ts';
import type { TestApp } from './test-app.ts';

const NUMBER: OutputSpec = { kind: 'number', name: 'mass', width: 1 };
let app: TestApp;
let described: { paths: Record<string, Record<string, any>>; components: any; openapi: string; security?: unknown };

beforeAll(async () => {
  const source = new FakeSource();
  source.route('penguins', { champion: 3 });
  source.route('weights', { champion: 1 });
  source.optionsOf.set('weights', { output: NUMBER, predict: async (batch) => new Float32Array(batch['features']!.rows) });
  app = await startTestApp(source);
  described = (await ask(app.url, '/openapi.json')).body;
});
afterAll(() => app.close());

/** Address, method and what is said of it. */
const entries = (): [string, string, any][] =>
  Object.entries(described.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, string, any] => [path, method, operation]),
  );

describe('the description of the server', () => {
  it('has no address that is not there; a route that it lacks cannot be made', () => {
    for (const key of Object.keys(OPERATIONS)) {
      const [method, url] = key.replace(/:(?:predict|classify|regress)$/, '').split(' ') as ['GET' | 'POST', string];
      expect([key, app.app.hasRoute({ method, url })]).toEqual([key, true]);
    }
    const other = fastify();
    requireDescriptions(other);
    other.get('/v2', () => 'described');
    expect(() => other.get('/secret', () => 'not')).toThrow('GET /secret is not described in OPERATIONS');
  });

  it('names every operation once, and every part of an address', () => {
    const ids = entries().map(([, , { operationId }]) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [path, , { parameters = [] }] of entries())
      expect(parameters.filter((one: any) => one.in === 'path').map((one: any) => one.name)).toEqual(
        [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
      );
  });

  it('gives examples that the models answer, within the schemas of question and answer', async () => {
    const ajv = new Ajv2020({ strict: false });
    let asked = 0;
    let tables = 0;
    for (const [address, method, { requestBody, responses, parameters = [] }] of entries()) {
      const { example, schema } = requestBody?.content['application/json'] ?? {};
      // Events are of pipelines, of which there is none here.
      if (example === undefined || address.startsWith('/pipelines/')) continue;
      const path = address.replaceAll(/\{(\w+)\}/g, (_, name: string) => parameters.find((one: any) => one.name === name).schema.enum[0]);
      asked += 1;
      expect(ajv.validate(schema, example), `${path}: ${ajv.errorsText()}`).toBe(true);
      const { status, body } = await ask(app.url, path, example, { method: method.toUpperCase() });
      expect([path, status, body.error]).toEqual([path, 200, undefined]);
      expect(ajv.validate(responses[200].content['application/json'].schema, body), `${path}: ${ajv.errorsText()}`).toBe(true);
      const csv = requestBody.content['text/csv']?.example;
      if (csv === undefined) continue;
      tables += 1;
      const told = await ask(app.url, path, undefined, { method: 'POST', body: csv, headers: { 'content-type': 'text/csv' } });
      expect([path, told.status, told.body.predictions?.length]).toEqual([path, 200, body.predictions.length]);
    }
    // Of two models: rows (2 addresses) and MLflow.
    expect(tables).toBe(6);
    // Of two models: rows (2 addresses), MLflow, Open Inference (2), :predict (3), and :classify or :regress (3). Feedback of any.
    expect(asked).toBe(23);
  });

  it('shows the columns of a model under its own name', () => {
    const { requestBody, responses } = described.paths['/models/penguins/predict']!['post'];
    const { schema, example } = requestBody.content['application/json'];
    expect(schema.anyOf[2]).toMatchObject({ required: ['body_mass_g'], properties: { island: {}, body_mass_g: {} } });
    expect(Object.keys(example.rows[0])).toEqual(['body_mass_g', 'island']);
    expect(responses[200].content['application/json'].schema.properties.predictions.items.properties.label.enum).toEqual([
      'Adelie',
      'Chinstrap',
      'Gentoo',
    ]);
    expect(described.paths['/v1/models/penguins:regress']).toBeUndefined();
    expect(described.paths['/v1/models/weights:regress']).toBeDefined();
  });
});

describe('a server with a token', () => {
  it('shows the page to anybody, and what it serves to those who have the token', async () => {
    const guarded = await startTestApp(new FakeSource(), { token: 'secret-token' });
    try {
      expect((await ask(guarded.url, '/openapi.json')).status).toBe(401);
      const page = await ask(guarded.url, '/docs');
      expect([page.status, page.headers.get('content-security-policy')]).toEqual([200, docsPage().policy]);
      const { body } = await ask(guarded.url, '/openapi.json', undefined, { headers: { authorization: 'bearer secret-token' } });
      expect(body.security).toEqual([{ token: [] }]);
      for (const [key, { open }] of Object.entries(OPERATIONS)) {
        const [method, path] = key.split(' ') as [string, string];
        const { status } = await fetch(`${guarded.url}${path.replaceAll(/:(?=[a-z]+(?:\/|:|$))/g, 'x')}`, { method });
        expect([key, status === 401]).toEqual([key, open !== true]);
      }
    } finally {
      await guarded.close();
    }
  });
});

describe('pages of other origins', () => {
  it('are let in where their origin is listed, also beside a token', async () => {
    const open = await startTestApp(new FakeSource(), { token: 'secret-token', corsOrigins: ['https://app.example.org'] });
    try {
      const preflight = (origin: string) =>
        ask(open.url, '/models/m/predict', undefined, {
          method: 'OPTIONS',
          headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type' },
        });
      const listed = await preflight('https://app.example.org');
      expect([listed.status, listed.headers.get('access-control-allow-origin')]).toEqual([204, 'https://app.example.org']);
      expect(listed.headers.get('access-control-allow-headers')).toBe('authorization,content-type');
      expect((await preflight('https://other.example.org')).headers.get('access-control-allow-origin')).toBeNull();
      const asked = await ask(open.url, '/models', undefined, {
        headers: { origin: 'https://app.example.org', authorization: 'Bearer secret-token' },
      });
      expect([asked.status, asked.headers.get('access-control-allow-origin')]).toEqual([200, 'https://app.example.org']);
      expect(asked.headers.get('access-control-expose-headers')).toContain('x-perennial-version');
      const refused = await ask(open.url, '/models', undefined, { headers: { origin: 'https://app.example.org' } });
      // Without that a page could not read why.
      expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, 'https://app.example.org']);
    } finally {
      await open.close();
    }
  });

  it('are let in nowhere by default', async () => {
    const { status, headers } = await ask(app.url, '/models', undefined, { headers: { origin: 'https://app.example.org' } });
    expect([status, headers.get('access-control-allow-origin')]).toEqual([200, null]);
    expect((await ask(app.url, '/models', undefined, { method: 'OPTIONS' })).status).toBe(405);
  });
});
