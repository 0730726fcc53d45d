import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compileDocument, compileText } from '../../../src/config/plan-document.ts';
import { packageRoot } from '../../../src/platform/paths.ts';

const folder = join(packageRoot(), 'pipelines');
const documents = readdirSync(folder).filter((name) => name.endsWith('.json'));

/** The sample pipelines and their committed plans: a change of defaults or wiring shows here. `npx vitest run -u` writes them anew. */
describe('plans', () => {
  it.each(documents)('%s', async (name) => {
    const { plan, diagnostics } = await compileDocument(join(folder, name));
    expect(diagnostics).toEqual([]);
    expect(plan?.documentDir).toBe(folder);
    const portable = { ...plan, documentDir: 'pipelines' };
    await expect(`${JSON.stringify(portable, null, 2)}\n`).toMatchFileSnapshot(join(import.meta.dirname, 'plans', name));
  });

  it('are frozen through and through', async () => {
    const { plan } = await compileDocument(join(folder, 'penguins.json'));
    expect(Object.isFrozen(plan!.steps[3]!.config)).toBe(true);
    expect(() => Object.assign(plan!.steps[0]!.config, { x: 1 })).toThrow(TypeError);
  });

  it('change their revision with the meaning of the document, not with its layout', () => {
    const text = readFileSync(join(folder, 'penguins.json'), 'utf8');
    const revision = (source: string, params = {}) => compileText(join(folder, 'penguins.json'), source, { params }).plan!.revision;
    expect(revision(JSON.stringify(JSON.parse(text)))).toBe(revision(text));
    expect(revision(text, { epochs: 60 })).toBe(revision(text));
    expect(revision(text, { epochs: '61' })).not.toBe(revision(text));
  });
});
