import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { packageRoot } from '../../../src/platform/paths.ts';

/** The declarations of a file as TypeScript emits them, and of the files that they speak of. */
function declarations(entry: string, seen = new Map<string, string>()): Map<string, string> {
  if (seen.has(entry)) return seen;
  const { outputText, diagnostics } = ts.transpileDeclaration(readFileSync(entry, 'utf8'), {
    fileName: entry,
    reportDiagnostics: true,
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      allowImportingTsExtensions: true,
      stripInternal: true,
    },
  });
  // A type that only follows from code would be none here.
  expect((diagnostics ?? []).map(({ messageText }) => `${entry}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`)).toEqual([]);
  seen.set(entry, outputText);
  for (const [, path] of outputText.matchAll(/from '(\.[^']+)'|import\('(\.[^']+)'\)/g)) declarations(resolve(dirname(entry), path!), seen);
  return seen;
}

/**
 * What `perennial/step` promises to whoever writes steps: `npx vitest run test/golden/api -u` writes it anew. What is taken away or asks
 * for more than before breaks steps of others; it needs a new version and a line in the changelog.
 */
test('the API of perennial/step is what was reviewed', async () => {
  const root = packageRoot();
  const exported = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: Record<string, string> };
  const found = [...declarations(join(root, exported.exports['./step']!))].map(
    ([file, text]) => [relative(root, file), text.trim()] as const,
  );
  const [entry, ...others] = found;
  const report = [entry!, ...others.sort(([a], [b]) => (a < b ? -1 : 1))].map(([file, text]) => `// ${file}\n${text}\n`).join('\n');
  await expect(report).toMatchFileSnapshot(join(import.meta.dirname, 'step.d.ts.txt'));
});
