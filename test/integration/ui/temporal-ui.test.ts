import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { packageRoot } from '../../../src/platform/paths.ts';
import { findChromium, openChromium } from '../../support/chromium.ts';
import { Perennial } from '../../support/perennial.ts';
import { tempDir } from '../../support/temp-dir.ts';

/**
 * A small, real pipeline; beside it a command that runs until the file `go` is there, whose name is made at run time: a file that it is
 * seen to ask for would be part of its key.
 */
const STORY = {
  apiVersion: 'perennial/v1',
  name: 'story',
  description: 'Penguins for the browser.',
  parameters: { file: { type: 'string', default: 'penguins.csv' }, least: { type: 'number', default: 0 } },
  steps: [
    { id: 'hold', uses: 'command', with: { command: ['sh', '-c', 'until [ -e "$(printf g)o" ]; do echo holding on; sleep 0.2; done'] } },
    {
      uses: 'ingest',
      with: {
        source: { format: 'csv', path: '${parameters.file}' },
        label: 'species',
        split: { train: 0.6, validation: 0.2, test: 0.2, by: 'hash' },
      },
    },
    {
      uses: 'preprocess',
      with: { features: { bill_length_mm: [{ impute: 'median' }, 'standardize'], bill_depth_mm: [{ impute: 'median' }, 'standardize'] } },
    },
    { uses: 'train', with: { model: { architecture: 'mlp', units: [4] }, epochs: 2 } },
    { uses: 'evaluate', with: { metrics: ['accuracy'], gates: [{ metric: 'accuracy', atLeast: '${parameters.least}' }] } },
    { uses: 'register', with: {} },
    { uses: 'deploy', with: {} },
  ],
};

const program = findChromium();
const missing =
  program === undefined && process.env.CI === undefined
    ? ' (skipped: no Chromium on this machine; install it, or set PERENNIAL_CHROMIUM)'
    : '';

describe.skipIf(missing !== '')(`the Temporal UI tells the story of a run${missing}`, () => {
  const cli = new Perennial();
  const folder = tempDir('story');
  const file = join(folder, 'story.json');
  let browser: Browser;
  let page: Page;
  let ui: string;

  const run = async (...options: string[]): Promise<any> => (await cli.run(['run', file, '--json', ...options])).json();
  const end = async (workflowId: string): Promise<any> => (await cli.run(['runs', 'show', workflowId, '--follow', '--json'])).json();

  /** What is to be read on the page and in the frames that the UI draws Markdown in. */
  const text = async (): Promise<string> => {
    const frames = await Promise.all(
      page.frames().map((frame) =>
        frame
          .locator('body')
          .innerText({ timeout: 1_000 })
          .catch(() => ''),
      ),
    );
    return frames.join(' ').replaceAll(/\s+/g, ' ');
  };

  /** The text once it holds all parts. Details are drawn once per visit, so the page is visited again and again. */
  const read = async (url: string, parts: readonly string[]): Promise<string> => {
    let seen = '';
    await expect
      .poll(
        async () => {
          await page.goto(url);
          await vi
            .waitFor(
              async () => {
                seen = await text();
                expect(parts.filter((part) => !seen.includes(part))).toEqual([]);
              },
              { timeout: 8_000, interval: 100 },
            )
            .catch(() => undefined);
          return seen;
        },
        { timeout: 300_000, interval: 100 },
      )
      .toSatisfy((shown: string) => parts.every((part) => shown.includes(part)), `${url} shows ${parts.join(' | ')}`);
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
  });

  it('of a run that goes on, is done, is rejected and fails, and leads to the report', async () => {
    const first = await run('--detach');
    const page1: string = first.urls.temporal;
    const running = await read(page1, ['▶ Running', 'hold: holding on', 'story: hold → ingest', 'Penguins for the browser.']);
    for (const part of ['hold ▶ running holding on', `perennial runs cancel ${first.workflowId}`, 'least = 0'])
      expect(running).toContain(part);
    await read(page1.replace('user-metadata', 'pending-activities'), ['command@1', 'holding on']);

    writeFileSync(join(folder, 'go'), '');
    const completed = await end(first.workflowId);
    expect(completed).toMatchObject({ status: 'completed', version: 1, urls: { temporal: page1 } });
    const done = await read(page1, ['✔ Completed', 'story version 1 is live', 'Gate passed', 'metrics, charts, worst errors']);
    for (const part of [
      /train ✔ done [\d.]+ m?s/,
      /ingest ✔ done .* 344 rows/,
      /✔ accuracy [\d.]+ is at least 0/,
      'perennial models show story 1',
      'Started by hand',
    ])
      expect(done).toMatch(part);
    await followReport(completed.urls.report);
    await read(page1.replace('user-metadata', 'timeline'), [
      'csv penguins.csv, label species',
      'mlp 4; adam; up to 2 epochs',
      'gate: accuracy ≥ 0',
    ]);

    const [second, third] = await Promise.all([run('--param', 'least=1'), run('--param', 'file=lost.csv')]);
    expect([second.status, third.status]).toEqual(['rejected', 'failed']);
    const rejected = await read(second.urls.temporal, ['✖ Rejected by a gate', 'Gate rejected', 'what was live before still is']);
    for (const part of [
      /✖ accuracy [\d.]+ is below 1/,
      /train ✔ cached/,
      /hold – ran: not cached: its text reads files whose names only a run makes/,
      /ingest, preprocess, train – from the cache: same step/,
      /register – skipped/,
    ])
      expect(rejected).toMatch(part);

    const failed = await read(third.urls.temporal, ['✖ Failed', 'SOURCE_NOT_FOUND', 'What next']);
    for (const part of [
      'SOURCE_NOT_FOUND in step ingest: There is no file or folder "lost.csv"',
      'Check the path',
      `perennial runs logs ${third.workflowId}`,
      'needs the dataset of',
    ])
      expect(failed).toContain(part);
    const result = await read(third.urls.temporal.replace('user-metadata', 'timeline'), ['workflowExecutionFailedEventAttributes']);
    expect(result).not.toContain('stackTrace');

    const filtered = await read(`${ui}/workflows?query=${encodeURIComponent('Verdict="rejected" AND Model="story"')}`, [second.workflowId]);
    for (const other of [first.workflowId, third.workflowId]) expect(filtered).not.toContain(other);
  });

  /** From the details on the page to the report, which loads nothing else. */
  async function followReport(url: string): Promise<void> {
    expect(url).toMatch(/\/models\/story\/versions\/1\/report$/);
    const links = page.frames().map((frame) => frame.getByRole('link', { name: 'metrics, charts, worst errors' }));
    const counts = await Promise.all(links.map((link) => link.count()));
    const asked: string[] = [];
    page.context().on('request', (request) => asked.push(request.url()));
    const [report] = await Promise.all([page.context().waitForEvent('page'), links[counts.indexOf(1)]!.click()]);
    await report.waitForLoadState();
    const shown = await report.locator('body').innerText();
    for (const part of ['Evaluation of story', 'Accepted: every gate is passed', 'Confusion matrix', 'How it was trained'])
      expect(shown).toContain(part);
    expect([...new Set(asked)].filter((address) => !address.startsWith(new URL(ui).origin))).toEqual([url]);
    await report.close();
  }
});
