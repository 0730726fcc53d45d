import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { packageRoot } from '../../../src/platform/paths.ts';
import { findChromium, openChromium } from '../../support/chromium.ts';
import { Perennial } from '../../support/perennial.ts';
import { tempDir } from '../../support/temp-dir.ts';

/** A small, real pipeline; beside it a command that runs until the file `go` is there. */
const STORY = {
  apiVersion: 'perennial/v1',
  name: 'story',
  description: 'Penguins for the browser.',
  parameters: { file: { type: 'string', default: 'penguins.csv' }, least: { type: 'number', default: 0 } },
  steps: [
    { id: 'hold', uses: 'command', with: { command: ['sh', '-c', 'until [ -e go ]; do echo holding on; sleep 0.2; done'] } },
    { uses: 'ingest', with: { source: { format: 'csv', path: '${parameters.file}' }, label: 'species', split: { train: 0.6, validation: 0.2, test: 0.2, by: 'hash' } } },
    { uses: 'preprocess', with: { features: { bill_length_mm: [{ impute: 'median' }, 'standardize'], bill_depth_mm: [{ impute: 'median' }, 'standardize'] } } },
    { uses: 'train', with: { model: { architecture: 'mlp', units: [4] }, epochs: 2 } },
    { uses: 'evaluate', with: { metrics: ['accuracy'], gates: [{ metric: 'accuracy', atLeast: '${parameters.least}' }] } },
    { uses: 'register', with: {} },
    { uses: 'deploy', with: {} },
  ],
};

const program = findChromium();
const missing = program === undefined && process.env.CI === undefined ? ' (skipped: no Chromium on this machine; install it, or set PERENNIAL_CHROMIUM)' : '';

describe.skipIf(missing !== '')(`the Temporal UI tells the story of a run${missing}`, () => {
  const cli = new Perennial();
  const folder = tempDir('story');
  const file = join(folder, 'story.json');
  let browser: Browser;
  let page: Page;
  let ui: string;

  const start = async (...params: string[]): Promise<{ workflowId: string; url: string }> => {
    const answer = await cli.run(['run', file, '--detach', '--json', ...params.flatMap((param) => ['--param', param])]);
    expect(answer.code, answer.stderr).toBe(0);
    const { workflowId, urls } = answer.json();
    return { workflowId, url: urls.temporal };
  };
  const end = async (workflowId: string): Promise<any> => (await cli.run(['runs', 'show', workflowId, '--follow', '--json'], { timeoutMs: 60_000 })).json();

  /** What is to be read on the page and in the frames that the UI draws Markdown in. */
  const text = async (): Promise<string> => {
    const frames = await Promise.all(page.frames().map((frame) => frame.locator('body').innerText({ timeout: 1_000 }).catch(() => '')));
    return frames.join(' ').replaceAll(/\s+/g, ' ');
  };

  /** The text once it holds all parts. Details are drawn once per visit, so the page is visited again and again. */
  const read = async (url: string, parts: readonly string[]): Promise<string> => {
    let seen = '';
    await expect.poll(async () => {
      await page.goto(url);
      await vi.waitFor(async () => {
        seen = await text();
        expect(parts.filter((part) => !seen.includes(part))).toEqual([]);
      }, { timeout: 8_000, interval: 100 }).catch(() => undefined);
      return seen;
    }, { timeout: 45_000, interval: 100 }).toSatisfy((shown: string) => parts.every((part) => shown.includes(part)), `${url} shows ${parts.join(' | ')}`);
    return seen;
  };

  beforeAll(async () => {
    if (program === undefined) throw new Error('Chromium is missing: install the package "chromium", or set PERENNIAL_CHROMIUM.');
    mkdirSync(folder, { recursive: true });
    copyFileSync(join(packageRoot(), 'pipelines/data/penguins.csv'), join(folder, 'penguins.csv'));
    writeFileSync(file, JSON.stringify(STORY));
    const [stack, opened] = await Promise.all([cli.up(), openChromium(program)]);
    ui = `${stack.temporal.uiUrl}/namespaces/default`;
    browser = opened;
    page = await browser.newPage({ viewport: { width: 1600, height: 2400 } });
  }, 120_000);

  it('of a run that goes on, is done, is rejected and fails', async () => {
    const first = await start();
    const running = await read(first.url, ['▶ Running', 'hold: holding on', 'story: hold → ingest', 'Penguins for the browser.']);
    for (const part of ['hold ▶ running holding on', `perennial runs cancel ${first.workflowId}`, 'least = 0']) expect(running).toContain(part);
    await read(first.url.replace('user-metadata', 'pending-activities'), ['command@1', 'holding on']);

    writeFileSync(join(folder, 'go'), '');
    expect(await end(first.workflowId)).toMatchObject({ status: 'completed', version: 1 });
    const done = await read(first.url, ['✔ Completed', 'story version 1 is live', 'Gate passed', 'metrics, charts, worst errors']);
    for (const part of [/train ✔ done [\d.]+ m?s/, /ingest ✔ done .* 344 rows/, /✔ accuracy [\d.]+ is at least 0/, 'perennial models show story 1', 'Started by hand']) expect(done).toMatch(part);
    await read(first.url.replace('user-metadata', 'timeline'), ['csv penguins.csv, label species', 'mlp 4; adam; up to 2 epochs', 'gate: accuracy ≥ 0']);

    const second = await start('least=1');
    expect(await end(second.workflowId)).toMatchObject({ status: 'rejected' });
    const rejected = await read(second.url, ['✖ Rejected by a gate', 'Gate rejected', 'what was live before still is']);
    for (const part of [/✖ accuracy [\d.]+ is below 1/, /train ✔ cached/, /hold, ingest, preprocess, train – from the cache: same step/, /register – skipped/]) expect(rejected).toMatch(part);

    const third = await start('file=lost.csv');
    expect(await end(third.workflowId)).toMatchObject({ status: 'failed' });
    const failed = await read(third.url, ['✖ Failed', 'SOURCE_NOT_FOUND', 'What next']);
    for (const part of ['SOURCE_NOT_FOUND in step ingest: There is no file or folder “lost.csv”', 'Check the path', `perennial runs logs ${third.workflowId}`, 'needs the dataset of']) expect(failed).toContain(part);
    const result = await read(third.url.replace('user-metadata', 'timeline'), ['workflowExecutionFailedEventAttributes']);
    expect(result).not.toContain('stackTrace');

    const filtered = await read(`${ui}/workflows?query=${encodeURIComponent('Verdict="rejected" AND Model="story"')}`, [second.workflowId]);
    for (const other of [first.workflowId, third.workflowId]) expect(filtered).not.toContain(other);
  }, 120_000);

  it('leads to the report of the evaluation, which is a page that loads nothing', async () => {
    const run = await start();
    const { urls } = await end(run.workflowId);
    expect(urls.report).toMatch(/\/models\/story\/versions\/1\/report$/);
    await read(run.url, ['metrics, charts, worst errors']);
    const links = page.frames().map((frame) => frame.getByRole('link', { name: 'metrics, charts, worst errors' }));
    const counts = await Promise.all(links.map((link) => link.count()));
    const [report] = await Promise.all([page.context().waitForEvent('page'), links[counts.indexOf(1)]!.click()]);
    await report.waitForLoadState();
    expect(report.url()).toBe(urls.report);
    await report.close();

    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    const shown = await read(urls.report, ['Evaluation of story', 'Confusion matrix', 'How it was trained']);
    expect(shown).toContain('Accepted: every gate is passed');
    expect(asked.filter((url) => url !== urls.report)).toEqual([]);
  }, 60_000);
});
