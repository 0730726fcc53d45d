import { beforeAll } from 'vitest';
import { FakeSource } from '../../unit/serving/doubles.ts';
import { startTestApp } from '../../unit/serving/test-app.ts';

/** A server for all tests of a file, with versions of one model: champion 3, challenger 2. Its address is there once the tests run. */
export function servePenguins(): { url: string } {
  const server = { url: '' };
  beforeAll(async () => {
    const source = new FakeSource();
    source.route('penguins', { champion: 3, challenger: 2 });
    const app = await startTestApp(source);
    server.url = app.url;
    return () => app.close();
  });
  return server;
}
