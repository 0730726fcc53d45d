import { dirname, join } from 'node:path';
import { asRequired, withNames } from './as-required.mjs';

/**
 * Packages that stay out of the bundles: they have an addon, or read files beside themselves. For the others Node.js would look up and
 * read a thousand files, which is half of the time that a command needs.
 */
const APART = ['@duckdb/node-api', '@opentelemetry/sdk-node', '@tensorflow/tfjs-node', 'esbuild', 'h5wasm', 'pino', 'sharp'];

/** Temporal's worker starts threads from its own files, and shares its modules with what works for it. */
const OF_WORKER = ['@temporalio', '@grpc/grpc-js', 'protobufjs'];

/** What stays out is required where that can be, and all else is bundled. */
const bundlingAllBut = (packages) => {
  const isApart = (path) => packages.some((name) => path === name || path.startsWith(`${name}/`));
  const only = (plugin, holds) => ({
    name: plugin.name,
    setup: (build) =>
      plugin.setup({
        ...build,
        onResolve: (options, resolve) =>
          build.onResolve(options, (args) => (args.path === 'required' || holds(args.path) ? resolve(args) : undefined)),
      }),
  });
  return {
    packages: 'bundle',
    external: packages,
    plugins: [only(asRequired, isApart), only(withNames, (path) => !isApart(path))],
  };
};

/** `perennial worker` runs what the worker process runs. */
const fromWorker = {
  name: 'from-worker',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\/worker\/worker\.ts$/ }, ({ path, kind, resolveDir }) =>
      kind === 'dynamic-import' ? { path: join(resolveDir, path), namespace: 'from-worker' } : undefined,
    );
    onLoad({ filter: /^/, namespace: 'from-worker' }, ({ path }) => ({
      resolveDir: dirname(path),
      loader: 'ts',
      contents: `import { pathToFileURL } from 'node:url';
        import { entryPoint } from '../platform/paths.ts';
        export const { runWorker } = await import(pathToFileURL(entryPoint('work')).href);`,
    }));
  },
};

/** What modules written for CommonJS expect to be there. */
const banner = {
  js: [
    `import { createRequire as bundledRequire } from 'node:module';`,
    `import { fileURLToPath as bundledPath } from 'node:url';`,
    `const require = bundledRequire(import.meta.url), __filename = bundledPath(import.meta.url), __dirname = bundledPath(new URL('.', import.meta.url));`,
  ].join(' '),
};

const inCommon = {
  banner,
  sourcesContent: false,
  // Its main file looks its parts up in a way that no bundler sees.
  alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' },
};

const apart = bundlingAllBut(APART);

/** Options of esbuild for the processes that are no workers. */
export const withPackages = { ...inCommon, ...apart, plugins: [fromWorker, ...apart.plugins] };

/** For those that are. */
export const withPackagesOfWorker = { ...inCommon, ...bundlingAllBut([...APART, ...OF_WORKER]) };
