import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';
import { afterAll } from 'vitest';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** The browser of this machine: `PERENNIAL_CHROMIUM`, else the first on PATH. */
export function findChromium(): string | undefined {
  const { PERENNIAL_CHROMIUM: given, PATH = '' } = process.env;
  if (given !== undefined && given !== '') return given;
  return PATH.split(delimiter)
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find(isProgram);
}

/** Headless, silent towards the network, and closed when the test file ends. */
export async function openChromium(program: string): Promise<Browser> {
  const quiet = [
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ];
  // As root, as in most containers, Chromium's own sandbox cannot start; what it opens here are our own pages.
  const browser = await chromium.launch({
    executablePath: program,
    args: [...quiet, ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
  });
  afterAll(() => browser.close());
  return browser;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
