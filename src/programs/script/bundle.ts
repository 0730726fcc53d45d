import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { dirname, extname, join, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BuildFailure, Loader, Metafile, Plugin } from 'esbuild';
import { PerennialError } from '../../core/errors.ts';
import { packageRoot } from '../../platform/paths.ts';
import { sha256 } from '../../storage/digest.ts';

export interface ScriptCode {
  /** Digest of all code that a local step is made of; comments and white space do not count. */
  readonly digest: string;
  /** The user's own modules, absolute. */
  readonly modules: readonly string[];
  /** Modules of Node.js that its packages use. */
  readonly builtins: readonly string[];
}

/** All code of a local step. @throws SOURCE_NOT_FOUND, CONFIG_INVALID */
export async function readScript(documentDir: string, path: string): Promise<ScriptCode> {
  const file = scriptFile(documentDir, path);
  const { code, inputs } = await bundle(
    `export * from ${JSON.stringify(file)}; export { default } from ${JSON.stringify(file)};`,
    dirname(file),
    path,
    true,
  );
  const paths = Object.keys(inputs)
    .filter((name) => name !== 'perennial-script.mjs')
    .map((name) => ({ name, file: resolve(dirname(file), name) }));
  const ours = join(packageRoot(), 'src') + sep;
  const isPackage = (name: string): boolean => name.includes('node_modules/');
  const builtins = paths
    .filter(({ name }) => isPackage(name))
    .flatMap(({ name }) => inputs[name]!.imports.filter((one) => one.external === true && isBuiltin(one.path)).map((one) => one.path));
  return {
    digest: sha256(code),
    modules: paths.filter(({ name, file: one }) => !isPackage(name) && !one.startsWith(ours)).map(({ file: one }) => one),
    builtins: [...new Set(builtins)],
  };
}

/** The module that a child process runs: the user's step and our side of it in one file. */
export async function bundleScript(documentDir: string, path: string): Promise<string> {
  const file = scriptFile(documentDir, path);
  const child = join(packageRoot(), 'src', 'programs', 'script', 'child.ts');
  const { code } = await bundle(
    `import * as step from ${JSON.stringify(file)}; import { serve } from ${JSON.stringify(child)}; await serve(step, ${JSON.stringify(path)});`,
    dirname(file),
    path,
    false,
  );
  const target = join(bundleFolder(), `${sha256(code).slice(0, 32)}.mjs`);
  if (!existsSync(target)) {
    await mkdir(dirname(target), { recursive: true });
    await writeFile(`${target}.${process.pid}`, code);
    await rename(`${target}.${process.pid}`, target);
  }
  return target;
}

/** Inside node_modules, so that the packages that our side imports are found from there. */
function bundleFolder(): string {
  return join(packageRoot(), 'node_modules', '.cache', 'perennial-scripts');
}

function scriptFile(documentDir: string, path: string): string {
  const file = resolve(documentDir, path);
  if (!existsSync(file)) throw new PerennialError('SOURCE_NOT_FOUND', `The local step ${path} does not exist (${file}).`);
  return file;
}

async function bundle(
  contents: string,
  folder: string,
  path: string,
  minify: boolean,
): Promise<{ readonly code: string; readonly inputs: Metafile['inputs'] }> {
  const { build } = await import('esbuild');
  try {
    const result = await build({
      stdin: { contents, resolveDir: folder, sourcefile: 'perennial-script.mjs', loader: 'js' },
      bundle: true,
      write: false,
      metafile: true,
      absWorkingDir: folder,
      outfile: join(bundleFolder(), 'step.mjs'),
      platform: 'node',
      format: 'esm',
      target: 'node20',
      logLevel: 'silent',
      legalComments: 'none',
      minifyWhitespace: minify,
      sourcemap: minify ? false : 'inline',
      // Packages in CommonJS call `require`, which modules do not have.
      banner: minify
        ? {}
        : { js: `import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);` },
      define: {
        'import.meta.url': OWN_URL,
        'import.meta.filename': OWN_FILE,
        'import.meta.dirname': OWN_FOLDER,
        __filename: OWN_FILE,
        __dirname: OWN_FOLDER,
      },
      plugins: [packages(), places(minify ? folder : undefined)],
    });
    return { code: result.outputFiles[0]!.text, inputs: result.metafile.inputs };
  } catch (error) {
    const { errors } = error as Partial<BuildFailure>;
    if (errors === undefined) throw error;
    const lines = errors
      .slice(0, 5)
      .map(({ text, location }) =>
        location === null ? text : `${relative(folder, resolve(folder, location.file))}:${location.line}:${location.column + 1}: ${text}`,
      );
    throw new PerennialError('CONFIG_INVALID', `The local step ${path} cannot be built: ${lines.join('; ')}`, {
      hint: 'Correct the module; packages that it imports have to be installed beside it.',
    });
  }
}

/** Names that stand for where a module lies, within it. */
const [OWN_URL, OWN_FILE, OWN_FOLDER] = ['__perennialUrl', '__perennialFile', '__perennialFolder'] as const;
const LOADERS: Readonly<Record<string, Loader>> = {
  ts: 'ts',
  mts: 'ts',
  cts: 'ts',
  tsx: 'tsx',
  js: 'js',
  mjs: 'js',
  cjs: 'js',
  jsx: 'jsx',
};

/**
 * Every module keeps its own place, so that it finds the files beside it, although all of them run as one file elsewhere.
 *
 * @param base tells the places from here on, for a digest that is the same wherever the folder lies
 */
function places(base: string | undefined): Plugin {
  return {
    name: 'perennial-places',
    setup(build) {
      build.onLoad({ filter: /\.([cm]?[jt]s|[jt]sx)$/, namespace: 'file' }, async ({ path }) => {
        const text = await readFile(path, 'utf8');
        const loader = LOADERS[extname(path).slice(1)]!;
        if (!/import\.meta|__(file|dir)name/.test(text)) return { contents: text, loader };
        const file = base === undefined ? path : sep + relative(base, path);
        const own = { [OWN_URL]: pathToFileURL(file).href, [OWN_FILE]: file, [OWN_FOLDER]: dirname(file) };
        const declared = `const ${Object.entries(own)
          .map(([name, value]) => `${name} = ${JSON.stringify(value)}`)
          .join(', ')};`;
        const [, shebang = '', strict = '', rest = ''] = /^(#![^\n]*\n)?(\s*(?:'use strict'|"use strict");?)?([^]*)$/.exec(text)!;
        return { contents: `${shebang}${strict}${declared}${rest}`, loader };
      });
    },
  };
}

/** The user's packages are bundled; those of our own code stay imports, since some are native. */
function packages(): Plugin {
  const own = ['src', 'activities'].map((name) => join(packageRoot(), name) + sep);
  return {
    name: 'perennial-packages',
    setup(build) {
      build.onResolve({ filter: /^perennial\/step$/ }, () => ({ path: join(packageRoot(), 'src', 'core', 'step.ts') }));
      build.onResolve({ filter: /^[^./]/ }, ({ path, importer }) =>
        own.some((folder) => importer.startsWith(folder)) ? { path, external: true } : undefined,
      );
    },
  };
}
