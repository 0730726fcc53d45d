import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findChromium, openChromium } from '../../support/chromium.ts';
import { FakeSource } from '../../unit/serving/doubles.ts';
import { startTestApp } from '../../unit/serving/test-app.ts';
import type { TestApp } from '../../unit/serving/test-app.ts';

const program = findChromium();
const missing = program === undefined && process.env['CI'] === undefined ? ' (skipped: Chromium is missing; set PERENNIAL_CHROMIUM)' : '';

describe.skipIf(missing !== '')(`the page at /docs${missing}`, () => {
  let browser: Browser;
  let app: TestApp;

  beforeAll(async () => {
    if (program === undefined) throw new Error('Chromium is missing: install the package "chromium", or set PERENNIAL_CHROMIUM.');
    const source = new FakeSource();
    source.route('penguins', { champion: 3 });
    app = await startTestApp(source, { token: 'sesame' });
    browser = await openChromium(program);
  });
  afterAll(() => app.close());

  it('asks for the token, shows every address, and sends the example of a model', async () => {
    const page = await browser.newPage();
    const troubles: string[] = [];
    page.on('pageerror', ({ message }) => troubles.push(message));
    page.on('console', (line) => line.type() === 'error' && !line.text().includes('401') && troubles.push(line.text()));
    for (const address of ['/docs', '/docs/']) {
      await page.goto(`${app.url}${address}`);
      await page.locator('#token').fill('sesame');
      await page.getByRole('button', { name: 'Open' }).click();
      await page.getByText('/models/penguins/predict', { exact: true }).click();
      await page.getByRole('button', { name: 'Send' }).click();
      const answer = page.locator('pre', { hasText: '200 OK' });
      await answer.waitFor();
      expect(await answer.textContent()).toContain('"model": "penguins"');
      // What is shown to be typed does not hold the token.
      expect(await page.locator('pre', { hasText: 'curl' }).textContent()).toContain("-H 'authorization: Bearer TOKEN'");
      expect(await page.content()).not.toContain('sesame');
      expect(await page.locator('details').count()).toBeGreaterThan(20);
    }
    expect(troubles).toEqual([]);
  });

  it('loads nothing from elsewhere, and is in no frame of others', async () => {
    const page = await browser.newPage();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).origin));
    const response = await page.goto(`${app.url}/docs`);
    await page.locator('#token').waitFor();
    expect(new Set(asked)).toEqual(new Set([app.url]));
    expect(response!.headers()['content-security-policy']).toContain("frame-ancestors 'none'");
  });
});
