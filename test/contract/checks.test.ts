import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, vi } from 'vitest';
import type { DocumentCheck, DocumentFacts } from '../../src/config/checks/check.ts';
import { checks } from '../../src/config/checks/index.generated.ts';
import { formatDiagnostic } from '../../src/config/diagnostic.ts';
import { compileText } from '../../src/config/plan-document.ts';
import { packageRoot } from '../../src/platform/paths.ts';
import { describeLaws } from './support/laws.ts';

const seen = vi.hoisted(() => ({ facts: [] as unknown[] }));

// One more check that finds nothing: it keeps what the others see.
vi.mock('../../src/config/checks/index.generated.ts', async (importOriginal) => {
  const real = await importOriginal<{ checks: readonly DocumentCheck[] }>();
  const witness: DocumentCheck = { name: 'witness', summary: '', run: (facts) => (seen.facts.push(facts), []) };
  return { ...real, checks: [...real.checks, witness] };
});

interface Document {
  readonly name: string;
  readonly facts: DocumentFacts;
  readonly expected: string;
}

function factsOf(folder: string): Document[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => {
      seen.facts.length = 0;
      const { diagnostics } = compileText(join(folder, name), readFileSync(join(folder, name), 'utf8'));
      return seen.facts.map((facts) => ({ name, facts: facts as DocumentFacts, expected: diagnostics.map(formatDiagnostic).join('\n') }));
    });
}

let mistakes: Document[] = [];
let samples: Document[] = [];
beforeAll(() => {
  mistakes = factsOf(join(import.meta.dirname, '../golden/config/mistakes'));
  samples = factsOf(join(packageRoot(), 'pipelines'));
});

const parametersUsed = checks.find(({ name }) => name === 'parameters-used')!;

describeLaws<DocumentCheck>({
  kind: 'check',
  definitions: checks.filter(({ name }) => name !== 'witness'),
  nameOf: ({ name }) => name,
  laws: {
    'says what holds in a good document': ({ name, summary }) => {
      expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
      expect(summary).toMatch(/^[A-Z"].*\.$/);
    },
    'has a document that triggers it, with its message among the golden ones': (check) => {
      const triggered = mistakes.flatMap(({ facts, expected }) => check.run(facts).map((finding) => ({ finding, expected })));
      expect(
        triggered.length,
        `No document of test/golden/config/mistakes triggers "${check.name}": put its mistake into one of them, and its message is written beside it by \`npx vitest run test/golden/config -u\`.`,
      ).toBeGreaterThan(0);
      for (const { finding, expected } of triggered) expect(expected).toContain(finding.message);
    },
    'says where the mistake is, in the document': (check) => {
      for (const { facts } of mistakes) for (const { pointer } of check.run(facts)) expect(pointer).toMatch(/^(\/|$)/);
    },
    'finds nothing in the samples': (check) => {
      expect(samples.length).toBeGreaterThan(5);
      for (const { name, facts } of samples) expect([name, check.run(facts)]).toEqual([name, []]);
    },
  },
  mutants: {
    'says what holds in a good document': [{ ...parametersUsed, summary: 'no sentence' }],
    'has a document that triggers it, with its message among the golden ones': [
      { ...parametersUsed, run: () => [] },
      { ...parametersUsed, run: () => [{ pointer: '', message: 'What nobody reviewed.' }] },
    ],
    'says where the mistake is, in the document': [{ ...parametersUsed, run: () => [{ pointer: 'steps', message: 'x' }] }],
    'finds nothing in the samples': [{ ...parametersUsed, run: () => [{ pointer: '', message: 'x' }] }],
  },
});
