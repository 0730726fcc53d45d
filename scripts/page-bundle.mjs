// The script of the page that runs a model in a browser: the product's own code for rows, and TensorFlow.js.
import { join } from 'node:path';
import { build } from 'esbuild';

/** What Node.js has and a page has not, and packages with native code: there in name, and says so where it is called. */
const ABSENT =
  /^(node:.*|(fs|os|path|util|crypto|stream|events|zlib|url|https?|child_process|worker_threads|module|buffer)(\/.*)?|@duckdb\/.*|minio|pino)$/;
const IN_PLACE = { sharp: 'browser-images.ts', ajv: 'no-ajv.ts', '/png.ts': 'no-plain-png.ts' };

const standIns = (root) => ({
  name: 'stand-ins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /.*/ }, ({ path, importer }) => {
      const own = Object.keys(IN_PLACE).find(
        (name) => path === name || (name.startsWith('/') && path.endsWith(name) && importer.includes('/data/images/')),
      );
      if (own !== undefined) return { path: join(root, 'src/targets/page/browser', IN_PLACE[own]) };
      return ABSENT.test(path) ? { path, namespace: 'absent' } : undefined;
    });
    onLoad({ filter: /.*/, namespace: 'absent' }, ({ path }) => ({
      contents: `module.exports = new Proxy({}, { get: (_, name) => typeof name === 'symbol' || name === '__esModule' || name === 'then' || name === 'default' ? undefined : function () { throw new Error(name + ' of ${path} is not in a page'); } });`,
      loader: 'js',
    }));
  },
});

/** @returns the script, in one piece that needs nothing else */
export async function pageScript(root) {
  const { outputFiles } = await build({
    entryPoints: [join(root, 'src/targets/page/browser/main.ts')],
    bundle: true,
    platform: 'browser',
    format: 'iife',
    target: 'es2022',
    minify: true,
    treeShaking: true,
    inject: [join(root, 'src/targets/page/browser/browser-globals.ts')],
    define: { 'process.env.NODE_ENV': '"production"' },
    legalComments: 'eof',
    // Where the product lies on a disk is never asked here.
    logOverride: { 'empty-import-meta': 'silent' },
    logLevel: 'warning',
    write: false,
    plugins: [standIns(root)],
  });
  return outputFiles[0].text;
}
