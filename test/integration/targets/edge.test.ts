import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/core/json.ts';
import type { TargetSetting } from '../../../src/core/targets.ts';
import { createVersionSource } from '../../../src/serving/loader.ts';
import { followTargets } from '../../../src/targets/follow.ts';
import { prepareTargets } from '../../../src/targets/prepare.ts';
import { findChromium, openChromium } from '../../support/chromium.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { startTestApp } from '../../unit/serving/test-app.ts';
import type { TestApp } from '../../unit/serving/test-app.ts';
import { madeImages, madeSeries, madeTable, madeTexts, openWorkshop } from './models.ts';
import type { Made, Workshop } from './models.ts';

const program = findChromium();
const missing = program === undefined && process.env['CI'] === undefined ? ' (skipped: Chromium is missing; set PERENNIAL_CHROMIUM)' : '';

const settingOf = (path: string, config: JsonObject = {}): TargetSetting => ({ name: 'edge', config: { path, keep: 2, ...config } });
const author = { who: 'ada', why: 'test' };

/** Numbers of an answer, in their order. */
const numbersIn = (value: unknown): number[] =>
  typeof value === 'number' ? [value] : typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : [];

describe.skipIf(missing !== '')(`the page of the target edge${missing}`, () => {
  let browser: Browser;
  let app: TestApp;
  let workshop: Workshop;
  const made: Made[] = [];

  beforeAll(async () => {
    if (program === undefined) throw new Error('Chromium is missing: install the package "chromium", or set PERENNIAL_CHROMIUM.');
    workshop = openWorkshop();
    for (const make of [madeTable, madeTexts, madeSeries, madeImages]) made.push(await make(workshop));
    browser = await openChromium(program);
    app = await startTestApp(createVersionSource(workshop.tools.store, workshop.tools.artifacts));
  });
  afterAll(() => app?.close());

  async function answersOf(
    path: string,
    { model, rows }: Made,
  ): Promise<{ readonly page: number[][]; readonly server: number[][]; readonly labels: unknown }> {
    const page = await browser.newPage();
    const troubles: string[] = [];
    const asked: string[] = [];
    page.on('pageerror', ({ message }) => troubles.push(message));
    page.on('console', (line) => line.type() === 'error' && troubles.push(line.text()));
    page.on('request', (request) => asked.push(request.url()));
    const address = pathToFileURL(path).href;
    await page.goto(`${address}?backend=cpu`);
    await page.locator('body[data-ready]').waitFor();
    const predictions = (await page.evaluate(
      `window.perennial.then((model) => model.predict(${JSON.stringify(rows)}))`,
    )) as readonly JsonObject[];
    expect(troubles).toEqual([]);
    // It loads nothing.
    expect(asked).toEqual([`${address}?backend=cpu`]);
    await page.close();
    const response = await fetch(`${app.url}/models/${model}/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ rows }),
    });
    const body = (await response.json()) as { readonly predictions: readonly JsonObject[] };
    const plain = ({ row: _row, series: _series, ...answer }: JsonObject): JsonObject => answer;
    expect(predictions.length).toBe(body.predictions.length);
    expect(predictions.map((one) => Object.keys(one))).toEqual(body.predictions.map((one) => Object.keys(plain(one))));
    return {
      page: predictions.map(numbersIn),
      server: body.predictions.map((one) => numbersIn(plain(one))),
      labels: [predictions.map(({ label }) => label), body.predictions.map(({ label }) => label)],
    };
  }

  async function placed(model: string, config: JsonObject = {}): Promise<string> {
    const path = tempDir('edge');
    await workshop.registry.promote(model, 'latest', { ...author, targets: [settingOf(path, config)] });
    const view = await followTargets(workshop.tools, model);
    expect(view.targets).toEqual([{ target: 'edge', place: path, version: 1, inStep: true }]);
    return join(path, model);
  }

  it.each(['mass', 'texts', 'series', 'images'])('answers as the server does, exactly where nothing is packed: %s', async (model) => {
    const folder = await placed(model, { quantize: 'none' });
    const { page, server } = await answersOf(
      join(folder, 'index.html'),
      made.find((one) => one.model === model)!,
    );
    const spread = Math.max(1, ...server.flat().map(Math.abs));
    // Images are resized by another program, a level of 255 apart at most.
    const bound = model === 'images' ? 5e-3 : 1e-5;
    for (const [index, values] of page.entries())
      for (const [at, value] of values.entries()) expect(Math.abs(value - server[index]![at]!) / spread).toBeLessThan(bound);
  });

  it.each(['uint8', 'uint16', 'float16'])('answers within what packing into %s costs, in the units of the source', async (quantize) => {
    const folder = await placed('mass', { quantize, maxLoss: 0.5 });
    const { page, server } = await answersOf(join(folder, 'index.html'), made[0]!);
    // Masses in grams: what the network gives is around 0.
    expect(Math.min(...server.flat())).toBeGreaterThan(500);
    const largest = Math.max(...page.flatMap((values, index) => values.map((value, at) => Math.abs(value - server[index]![at]!))));
    expect(largest).toBeLessThan(quantize === 'uint8' ? 120 : 4);
    const readme = readFileSync(join(folder, '1', 'README.txt'), 'utf8');
    expect(readme).toMatch(/answers in the units of the source/);
    expect(readme).toMatch(new RegExp(`meanAbsoluteError [\\d.]+ as it is, [\\d.]+ with weights in ${quantize}, on \\d+ test rows`));
    expect(readme).toMatch(/index\.html has [\d,]+ KiB/);
    expect(existsSync(join(folder, '1', 'model.json'))).toBe(true);
  });

  it('has a form that asks, and says what it expects of a value', async () => {
    const folder = await placed('mass');
    const page = await browser.newPage();
    await page.goto(pathToFileURL(join(folder, 'index.html')).href);
    await page.locator('[name="length"]').fill('200');
    await page.getByRole('button', { name: 'Ask', exact: true }).click();
    await page.locator('#status', { hasText: /[^…]$/ }).waitFor();
    expect(await page.locator('#status').textContent()).toMatch(/^1 answer in /);
    expect(await page.locator('#answer').textContent()).toMatch(/"value": \d{4}/);
    await page.locator('[name="length"]').fill('long');
    await page.getByRole('button', { name: 'Ask', exact: true }).click();
    await page.locator('#status.wrong').waitFor();
    expect(await page.locator('#status').textContent()).toMatch(/column "length": expected a number, got string "long"/);
    await page.close();
  });

  it('is refused above the loss that is allowed, with what other packings would cost', async () => {
    const { tools, registry } = workshop;
    const setting = settingOf(tempDir('edge'), { maxLoss: 0 });
    const [prepared] = await prepareTargets(tools, await registry.version('mass', 1), [setting]);
    const { full, packed, loss } = prepared!.measured as { readonly full: number; readonly packed: number; readonly loss: number };
    expect(loss).toBeCloseTo((packed - full) / full, 10);
    if (loss <= 0) return expect(prepared!.refusals).toEqual([]);
    expect(prepared!.refusals).toEqual([
      expect.stringMatching(
        /it loses [\d.]+ % of it, and "maxLoss" is 0; uint16 loses -?[\d.e-]+ % of it, float16 loses -?[\d.e-]+ % of it/,
      ),
    ]);
    await registry.promote('mass', 1, { ...author, targets: [setting] });
    const { targets } = await followTargets(tools, 'mass');
    expect(targets).toEqual([
      expect.objectContaining({ inStep: false, refused: true, version: null, why: expect.stringContaining('must not go to edge') }),
    ]);
  });
});
