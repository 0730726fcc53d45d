import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Ajv } from 'ajv';
import { beforeAll, describe, expect, it } from 'vitest';
import { ERRORS } from '../../src/core/errors.ts';
import { packageRoot } from '../../src/platform/paths.ts';
import { Perennial } from '../support/perennial.ts';
import { run } from '../support/processes.ts';
import { tempDir } from '../support/temp-dir.ts';
import { blocksOf, missingLines, type Block } from './blocks.ts';

const root = packageRoot();
const readme = blocksOf('README.md');
const contributing = blocksOf('CONTRIBUTING.md');
const folder = tempDir('readme');
const perennial = new Perennial();
let server = '';

const name = (block: Block): string => `line ${block.line}: ${block.text.split('\n')[0]!.slice(0, 80)}`;
const file = (path: string, text: string): void => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
};

beforeAll(async () => {
  mkdirSync(join(folder, 'pipelines/data'), { recursive: true });
  for (const entry of readdirSync(join(root, 'pipelines')))
    if (entry.endsWith('.json')) copyFileSync(join(root, 'pipelines', entry), join(folder, 'pipelines', entry));
  cpSync(join(root, 'pipelines/data/penguins.csv'), join(folder, 'pipelines/data/penguins.csv'));
  for (const { options, text } of readme) if (options['file'] !== undefined) file(options['file'], text);
  file('bin/npx', `#!/bin/sh\nshift\nexec ${JSON.stringify(process.execPath)} ${JSON.stringify(join(root, 'bin/perennial.js'))} "$@"\n`);
  chmodSync(join(folder, 'bin/npx'), 0o755);
  server = (await perennial.up()).server.url as string;
  // What `npm run quickstart` does before the tour begins.
  const first = await perennial.run(['run', 'pipelines/penguins.json'], { cwd: folder, timeoutMs: 120_000 });
  expect(first.code, first.stderr).toBe(0);
});

describe('the README', () => {
  const commands = readme.filter(({ language }) => language === 'sh');
  const executed = commands.filter(({ options }) => options['skip'] === undefined);
  const isLast = ({ options }: Block): boolean => options['last'] !== undefined;
  const ordered = [...executed.filter((block) => !isLast(block)), ...executed.filter(isLast)];

  it.each(ordered.map((block) => [name(block), block] as const))(
    '%s',
    async (_name, block) => {
      const output = await shell(block.text);
      expect(output.code, output.text).toBe(Number(block.options['exit'] ?? 0));
      const next = readme[readme.indexOf(block) + 1];
      if (next?.language === 'text') expect(missingLines(next.text, output.text), `what it printed:\n${output.text}`).toEqual([]);
    },
    120_000,
  );

  it('says why a command is not run here', () => {
    const skipped = commands.filter(({ options }) => options['skip'] !== undefined);
    expect(skipped.filter(({ options }) => options['skip']!.length < 10)).toEqual([]);
    expect(skipped.length).toBeLessThan(executed.length);
  });

  it('shows documents and parts of documents that fit the schema', () => {
    const validate = new Ajv({ strict: false, formats: { regex: true } }).compile(
      JSON.parse(readFileSync(join(root, 'schemas/generated/pipeline.schema.json'), 'utf8')) as object,
    );
    for (const block of readme.filter(({ language }) => language === 'json')) {
      const part = JSON.parse(block.text) as Record<string, unknown>;
      const base = { apiVersion: 'perennial/v1', name: 'part', steps: [{ uses: 'preprocess' }] };
      const document = 'apiVersion' in part ? part : 'uses' in part ? { ...base, steps: [part] } : { ...base, ...part };
      expect(validate(document), `${name(block)}: ${JSON.stringify(validate.errors)}`).toBe(true);
    }
  });

  it('shows whole documents that validate and plan', async () => {
    const documents = readme
      .filter(({ language, options }) => language === 'json' && options['file'] !== undefined)
      .map(({ options }) => options['file']!);
    expect(documents.length).toBeGreaterThan(1);
    for (const document of documents) {
      const planned = await perennial.run(['plan', document, '--json'], { cwd: folder });
      expect(planned.code, planned.stderr).toBe(0);
    }
  });

  it('names every variable of the environment that is read, and links to files that exist', () => {
    const text = readFileSync(join(root, 'README.md'), 'utf8');
    const source = ['src/platform/paths.ts', 'src/storage/open-store.ts', 'src/server/open-server.ts', 'temporal.config.ts']
      .map((path) => readFileSync(join(root, path), 'utf8'))
      .join('\n');
    const read = new Set(
      [...source.matchAll(/\b(PERENNIAL_[A-Z_]+|S3_ENDPOINT|AWS_[A-Z_]+|TEMPORAL_(?:ADDRESS|NAMESPACE|API_KEY|UI_URL))\b/g)].map(
        ([variable]) => variable,
      ),
    );
    const unnamed = [...read].filter(
      (variable) => !text.includes(variable) && !['PERENNIAL_SUPERVISED', 'AWS_DEFAULT_REGION', 'AWS_'].includes(variable),
    );
    expect(unnamed).toEqual([]);
    for (const [, target] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g))
      expect(() => readFileSync(join(root, target!)), target).not.toThrow();
  });
});

describe('the code in README and CONTRIBUTING', () => {
  it('compiles', async () => {
    const blocks = [...readme, ...contributing].filter(({ language, options }) => language === 'ts' && options['file'] !== undefined);
    expect(blocks.length).toBeGreaterThan(2);
    const paths = blocks.map(({ options, text }) => {
      const path = options['file']!.replaceAll('/', '__');
      // The imports of a block are those of the file that it stands for.
      file(
        `types/${path}`,
        text.replace(/from '(\.{1,2}\/[^']+)'/g, (_all, target: string) => `from '${resolve(root, dirname(options['file']!), target)}'`),
      );
      return path;
    });
    file('types/package.json', '{ "type": "module" }');
    file(
      'types/tsconfig.json',
      JSON.stringify({
        extends: join(root, 'tsconfig.json'),
        compilerOptions: {
          incremental: false,
          tsBuildInfoFile: null,
          typeRoots: [join(root, 'node_modules/@types')],
          paths: { 'perennial/step': [join(root, 'src/core/step.ts')] },
        },
        include: paths,
        exclude: [],
      }),
    );
    const checked = await shell(`"${process.execPath}" "${join(root, 'node_modules/typescript/bin/tsc')}" -p types`);
    expect(checked.text).toBe('');
  });
});

describe('docs/errors.md', () => {
  it('lists every code of the table and no other', () => {
    const listed = [...readFileSync(join(root, 'docs/errors.md'), 'utf8').matchAll(/^\| `([A-Z0-9_]+)` \|/gm)].map(([, code]) => code);
    expect(listed).toEqual(Object.keys(ERRORS));
  });

  it('lists no code that nothing throws', () => {
    const sources = ['src', 'activities', 'workflows', 'temporal.config.ts'].flatMap((path) => textsBelow(join(root, path))).join('\n');
    expect(Object.keys(ERRORS).filter((code) => !new RegExp(`\\b${code}\\b`).test(sources))).toEqual([]);
  });
});

/** The TypeScript sources of a folder, but the table of errors itself. */
function textsBelow(path: string): string[] {
  if (!statSync(path).isDirectory()) return path.endsWith('.ts') && !path.endsWith('core/errors.ts') ? [readFileSync(path, 'utf8')] : [];
  return readdirSync(path).flatMap((name) => textsBelow(join(path, name)));
}

/** Runs commands as a reader would: in one shell, with both streams mixed. */
async function shell(text: string): Promise<{ code: number | null; text: string }> {
  const script = `exec 2>&1\nset -e\n${text.replaceAll('http://localhost:8080', server).replaceAll('localhost:8080', server)}`;
  const answer = await run('bash', ['-c', script], {
    cwd: folder,
    env: { ...perennial.env, PATH: `${join(folder, 'bin')}:${process.env.PATH}` },
    timeoutMs: 110_000,
  });
  return { code: answer.code, text: answer.stdout };
}
