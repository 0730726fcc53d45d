// The kinds of records that lie in a store under keys of their own: the doctor of the store looks at all of them.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const KIND = /export const (\w+): StoredKind<[\s\S]*?= defineStored(?:<[^(]*>)?\(\{[\s\S]*?\}\);/g;

/** Text of the index of every exported kind that says where it lies. */
export function storedKinds(root, banner) {
  const found = readdirSync(join(root, 'src'), { recursive: true })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.replaceAll('\\', '/'))
    .sort()
    .flatMap((file) =>
      [...readFileSync(join(root, 'src', file), 'utf8').matchAll(KIND)]
        .filter(([text]) => /\bat: '/.test(text))
        .map(([, name]) => ({ file, name })),
    );
  const files = [...new Set(found.map(({ file }) => file))];
  const namesOf = (file) => found.filter((one) => one.file === file).map(({ name }) => name);
  return [
    `// ${banner}`,
    ...files.map((file) => `import { ${namesOf(file).join(', ')} } from '../${file}';`),
    "import type { StoredKind } from '../storage/stored.ts';",
    '',
    '/** Every kind of record that lies in a store under keys of its own. */',
    'export const storedKinds: readonly StoredKind<object>[] = [',
    ...found.map(({ name }) => `  ${name},`),
    '];',
    '',
  ].join('\n');
}
