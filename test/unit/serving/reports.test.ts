import { afterAll, beforeAll, expect, it } from 'vitest';
import { page } from '../../../src/reports/html.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { FakeSource } from './doubles.ts';
import { startTestApp } from './test-app.ts';
import type { TestApp } from './test-app.ts';

const HTML = page('Evaluation of penguins');
let server: TestApp;
let digest: string;
let dataset: string;

beforeAll(async () => {
  server = await startTestApp(new FakeSource());
  const { artifacts, store } = server;
  const registry = createRegistry(store, artifacts);
  const evaluationRef = await artifacts.write({
    kind: 'evaluation',
    summary: 'good',
    files: { 'report.html': Buffer.from(HTML) },
    meta: {},
  });
  const judged = await artifacts.write({ kind: 'model', summary: 'judged', files: {}, meta: { a: 1 } });
  const bare = await artifacts.write({ kind: 'model', summary: 'bare', files: {}, meta: { a: 2 } });
  digest = evaluationRef.digest;
  dataset = judged.digest;
  await registry.register({
    model: 'penguins',
    modelRef: judged,
    evaluationRef,
    metrics: {},
    verdict: { passed: true, reasons: [] },
    pipeline: 'penguins',
    runId: 'r',
    stepId: 'register',
  });
  await registry.register({ model: 'penguins', modelRef: bare, pipeline: 'penguins', runId: 'r2', stepId: 'register' });
  await registry.promote('penguins', 1, { who: 'test', why: 'test' });
});
afterAll(() => server.close());

it.each(['/models/penguins/versions/1/report', '/models/penguins/versions/champion/report', 'evaluation'])(
  '%s is the report as a page that runs no scripts',
  async (path) => {
    const answer = await fetch(`${server.url}${path === 'evaluation' ? `/evaluations/${digest}/report` : path}`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(answer.headers.get('content-security-policy')).toBe("default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox");
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    // The policy is said once: the header may say more than a tag of the page.
    const text = await answer.text();
    expect(text).not.toContain('http-equiv');
    const bare = HTML.replace(/<meta http-equiv="Content-Security-Policy".*\n/, '');
    if (path === 'evaluation') return expect(text).toBe(bare);
    // The page of a version says which one it is, and where it comes from.
    expect(text).toMatch(/<title>Evaluation of penguins, version 1 · run r · pipeline penguins · \d{4}-\d\d-\d\d<\/title>/);
    const untitled = (html: string): string => html.replace(/<title>.*<\/title>/, '');
    return expect(untitled(text)).toBe(untitled(bare));
  },
);

it.each([
  ['/models/penguins/versions/2/report', 'penguins version 2 was registered without an evaluation'],
  ['/models/penguins/versions/9/report', 'has no version "9"'],
  ['/models/pinguins/versions/1/report', 'no model "pinguins"'],
  ['/models/..%2F..%2Fx/versions/1/report', ''],
  ['/evaluations/..%2F..%2Fetc/report', 'is no digest of an evaluation'],
  [`/evaluations/${'0'.repeat(64)}/report`, 'There is no evaluation 000'],
])('%s is 404', async (path, message) => {
  const answer = await fetch(`${server.url}${path}`);
  expect(answer.status).toBe(404);
  expect(((await answer.json()) as { error: string }).error).toContain(message);
});

it('shows no artifacts of other kinds', async () => {
  const answer = await fetch(`${server.url}/evaluations/${dataset}/report`);
  expect(answer.status).toBe(404);
  expect(await answer.json()).toEqual({ error: `The artifact ${dataset} is no evaluation with a report.` });
});
