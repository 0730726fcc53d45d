import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { predictAll } from '../../../src/client/predict-all.ts';
import { ServerClient } from '../../../src/client/server-client.ts';
import { FakeSource } from './doubles.ts';
import type { TestApp } from './test-app.ts';
import { startTestApp } from './test-app.ts';

let server: TestApp;
const source = new FakeSource();

beforeAll(async () => {
  source.route('penguins', { champion: 3, challenger: 2 });
  server = await startTestApp(source, { token: 'sesame' });
});
afterAll(() => server.close());

describe('the client', () => {
  it('describes and predicts, by version and alias as well', async () => {
    const client = new ServerClient(`${server.url}/`, 'sesame');
    expect(await client.describe('penguins')).toEqual({ version: 3, windowSize: 1, columns: { body_mass_g: 'number', island: 'string' } });
    expect(await client.predict('penguins', [{ body_mass_g: 1 }])).toMatchObject({
      model: 'penguins',
      version: 3,
      predictions: [{ label: 'Gentoo' }],
    });
    expect(await client.predict('penguins', [{ body_mass_g: 1 }], 1)).toMatchObject({ version: 1 });
    expect(await client.predict('penguins@challenger', [{ body_mass_g: 1 }])).toMatchObject({ version: 2 });
  });

  it('sends many rows in several requests, all to one version', async () => {
    const client = new ServerClient(server.url, 'sesame');
    const rows = Array.from({ length: 25_000 }, (_, index) => ({ body_mass_g: index }));
    const answer = await predictAll(client, 'penguins@champion', rows, { description: await client.describe('penguins@champion') });
    expect([answer.version, answer.predictions.length, answer.refused.length]).toEqual([3, 25_000, 0]);
  });

  it.each([
    ['NOT_FOUND', () => new ServerClient(server.url, 'sesame').predict('geese', [{ a: 1 }]), 'There is no model "geese" on this server.'],
    ['DATA_INVALID', () => new ServerClient(server.url, 'sesame').predict('penguins', [{ mass: 1 }]), 'Row 0 has none of the columns'],
    ['SECRET_MISSING', () => new ServerClient(server.url, '').predict('penguins', [{ body_mass_g: 1 }]), 'This server asks for a token'],
    [
      'SERVER_UNAVAILABLE',
      () => new ServerClient('http://127.0.0.1:1', 'sesame').predict('penguins', [{ body_mass_g: 1 }]),
      'No model server answers at http://127.0.0.1:1',
    ],
  ])('fails with %s', async (code, act, message) => {
    await expect(act()).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });
});
