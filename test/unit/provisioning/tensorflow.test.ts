import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { bundleScript } from '../../support/bundle.ts';
import { run } from '../../support/processes.ts';
import { zip } from './make-zip.ts';

/** A clone of its own with a tfjs-node that has nothing built, and a PATH with just the given programs. */
async function installation(
  programs: Readonly<Record<string, string>>,
): Promise<{ readonly root: string; setUp(): Promise<{ code: number | null; output: string }> }> {
  const script = await bundleScript(`
    import { ensureTensorflow } from './src/provisioning/tensorflow.ts';
    ensureTensorflow((line) => console.log(line)).then((tool) => console.log(JSON.stringify(tool)), (error) => {
      console.log(error.code + ': ' + error.message + '\\nfix: ' + error.hint);
      process.exitCode = 1;
    });`);
  const root = dirname(script);
  const addon = join(root, 'node_modules/@tensorflow/tfjs-node');
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  };
  write(join(root, 'package.json'), '{}');
  write(join(addon, 'package.json'), '{ "version": "4.22.0" }');
  write(join(addon, 'binding/a.cc'), 'int main;');
  write(join(addon, 'scripts/install.js'), 'throw new Error("getaddrinfo ENOTFOUND the.network");');
  for (const [name, text] of Object.entries(programs)) {
    write(join(root, 'bin', name), `#!${process.execPath}\n${text}\n`);
    chmodSync(join(root, 'bin', name), 0o755);
  }
  return {
    root,
    async setUp() {
      const { code, stdout, stderr } = await run(process.execPath, [script], {
        env: { PATH: join(root, 'bin'), PERENNIAL_TOOLS: join(root, 'tools'), PERENNIAL_HOME: undefined, CXX: undefined },
      });
      return { code, output: stdout + stderr };
    },
  };
}

const supported = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);

test('without a compiler and without the network, every route and its reason is named', async () => {
  const { setUp } = await installation({});
  const { code, output } = await setUp();
  expect(code).toBe(1);
  expect(output).toContain('PROVISIONING_FAILED: TensorFlow could not be set up. Tried:');
  expect(output).toContain('1. the addon in node_modules: not built yet');
  expect(output).toContain(supported ? 'no C++ compiler (looked for g++, c++, clang++)' : 'there is no pinned library');
  expect(output).toMatch(/3\. the official download of tfjs-node: its install script failed: .*getaddrinfo ENOTFOUND the\.network/);
  expect(output).toContain('fix: Install Python 3 with pip and a C++ compiler');
});

test.runIf(supported)('a library whose bytes are not the pinned ones is refused, and nothing of it stays', async () => {
  const wheel = zip([{ name: 'tensorflow/libtensorflow_cc.so.2', data: Buffer.from('not the library') }]).toString('base64');
  const { root, setUp } = await installation({
    'g++': '',
    python3: `
      const args = process.argv.slice(2);
      if (args[2] === '--version') console.log('pip 99.1 from nowhere');
      else require('node:fs').writeFileSync(args[args.indexOf('--dest') + 1] + '/tensorflow.whl', Buffer.from('${wheel}', 'base64'));`,
  });
  const { code, output } = await setUp();
  expect(code).toBe(1);
  expect(output).toMatch(/tensorflow\.whl has SHA-256 [0-9a-f]{64}, expected [0-9a-f]{64}/);
  expect(readdirSync(join(root, 'tools/tensorflow'))).toEqual([]);
  expect(existsSync(join(root, 'node_modules/@tensorflow/tfjs-node/deps'))).toBe(false);
});
