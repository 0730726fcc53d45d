import { existsSync, readFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Packages of CommonJS modules are required, not imported: for an `import`, Node.js reads the text of a package for the names that it may
 * export, file by file, before it runs it. For a command of the CLI that is a tenth to a quarter of its time.
 */
export const asRequired = {
  name: 'as-required',
  setup({ onResolve, onLoad }) {
    const require = createRequire(import.meta.url);
    // Not those that have modules of both kinds: an import gets the others.
    const isCommonJs = (name) => {
      const path = fileURLToPath(import.meta.resolve(name));
      if (path.endsWith('.cjs')) return true;
      if (!path.endsWith('.js')) return false;
      let folder = dirname(path);
      while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
      return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).type !== 'module' && require.resolve(name) === path;
    };
    onResolve({ filter: /^[^.]/ }, ({ path, namespace, kind }) => {
      if (path === 'required') return { path, namespace: 'required' };
      const isImport = kind === 'import-statement' || kind === 'dynamic-import';
      if (namespace !== 'file' || !isImport || isBuiltin(path) || !isCommonJs(path)) return undefined;
      return { path, namespace: kind === 'dynamic-import' ? 'required-later' : 'required' };
    });
    const load = `import { createRequire } from 'node:module'; export const load = createRequire(import.meta.url);`;
    onLoad({ filter: /^/, namespace: 'required' }, ({ path }) => ({
      contents: path === 'required' ? load : `module.exports = require('required').load(${JSON.stringify(path)});`,
    }));
    // A module of its own, with the names that the package exports.
    onLoad({ filter: /^/, namespace: 'required-later' }, ({ path }) => {
      const names = Object.keys(require(path)).filter((name) => /^[a-z_$][\w$]*$/i.test(name) && name !== 'default');
      return {
        contents: `import { load as required } from 'required'; const all = required(${JSON.stringify(path)}); export default all; export const { ${names.join(', ')} } = all;`,
      };
    });
  },
};
