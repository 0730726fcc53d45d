import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatDiagnostic } from '../../../src/config/diagnostic.ts';
import { compileText } from '../../../src/config/plan-document.ts';
import { withoutCatalogue } from '../../support/without-catalogue.ts';

const folder = join(import.meta.dirname, 'mistakes');
const documents = readdirSync(folder).filter((name) => name.endsWith('.json'));

/** Every document beside its expected output: `npx vitest run -u` writes them anew; read the difference before committing it. */
describe('mistakes', () => {
  it.each(documents)('%s', async (name) => {
    const { plan, diagnostics } = compileText(name, readFileSync(join(folder, name), 'utf8'));
    expect(plan).toBeUndefined();
    await expect(`${withoutCatalogue(diagnostics.map(formatDiagnostic).join('\n'))}\n`).toMatchFileSnapshot(
      join(folder, name.replace('.json', '.txt')),
    );
  });
});
