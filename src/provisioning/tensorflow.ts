import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { messageOf } from '../core/errors.ts';
import { exec, complaint, which } from '../platform/exec.ts';
import { withLock } from '../platform/lock.ts';
import { packageRoot, toolsDir } from '../platform/paths.ts';
import { builtKernels, kernelSources, kernelsFile, kernelsKey, sourcesDigest } from './kernels.ts';
import { downloadWheel, type Wheel } from './pip.ts';
import { firstOf, makeFolderOnce, type Report, type Tool } from './provisioner.ts';
import { unzip } from './zip.ts';

/** Version of the TensorFlow C library that the addon is built against. */
export const TENSORFLOW_VERSION = '2.21.0';

const FIX =
  'Install Python 3 with pip and a C++ compiler (Debian: apt-get install python3-pip g++) and run `npm run setup` again; `perennial doctor` shows what is found.';

const WHEELS: Readonly<Record<string, Wheel>> = {
  'linux-x64': {
    package: 'tensorflow-cpu',
    version: TENSORFLOW_VERSION,
    platform: 'manylinux_2_27_x86_64',
    python: '3.11',
    sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
    bytes: 273_829_956,
  },
  'linux-arm64': {
    package: 'tensorflow',
    version: TENSORFLOW_VERSION,
    platform: 'manylinux_2_27_aarch64',
    python: '3.11',
    sha256: '4b24aca16d527a3cf1c37f720c04c484c3d20f4d0fdfa98632ac8b9f3be6eb5c',
    bytes: 290_000_000,
  },
};

/** Members of the wheel that are kept, under their names here. */
const LIBRARIES: Readonly<Record<string, string>> = {
  'tensorflow/libtensorflow_cc.so.2': 'lib/libtensorflow_cc.so.2',
  'tensorflow/libtensorflow_framework.so.2': 'lib/libtensorflow_framework.so.2',
};

/** Names under which the linker looks for them. */
const LINKS: Readonly<Record<string, string>> = {
  'libtensorflow.so': 'libtensorflow_cc.so.2',
  'libtensorflow_framework.so': 'libtensorflow_framework.so.2',
};

const BUILD_MS_MAX = 15 * 60_000;

function addonPackage(): string {
  return join(packageRoot(), 'node_modules', '@tensorflow', 'tfjs-node');
}

/** Where tfjs-node looks for its addon on every Node that we run on. */
export function addonFile(): string {
  return join(addonPackage(), 'lib', 'napi-v8', 'tfjs_binding.node');
}

function stampFile(): string {
  return join(addonPackage(), 'lib', 'perennial.json');
}

/**
 * The TensorFlow addon of tfjs-node in `node_modules`: as it is where it loads, else built against the provisioned C library,
 * else the addon's own official download. A new `node_modules` is linked to the cached build again, without a download.
 *
 * @throws PROVISIONING_FAILED
 */
export async function ensureTensorflow(report: Report = () => {}): Promise<Tool> {
  if (!existsSync(join(addonPackage(), 'package.json'))) {
    return firstOf(
      'TensorFlow',
      [{ name: 'node_modules/@tensorflow/tfjs-node', run: () => Promise.reject(new Error('not installed')) }],
      () => {},
      'Run `npm ci` first, or `npm run setup`, which does.',
    );
  }
  const linked = linkedBuild();
  if (linked !== undefined && builtKernels() !== undefined) return linked;
  mkdirSync(toolsDir(), { recursive: true });
  return withLock(
    join(addonPackage(), 'perennial-setup.lock'),
    async () => {
      const tool = linkedBuild() ?? (await provision(report));
      await ensureKernels(report);
      return tool;
    },
    (holder) => report(`TensorFlow: process ${holder.pid} is setting it up; waiting for it`),
  );
}

function provision(report: Report): Promise<Tool> {
  const routes = [
    { name: 'the addon in node_modules', run: fromNodeModules },
    { name: `build against the Python package's TensorFlow ${TENSORFLOW_VERSION}`, run: () => fromWheel(report) },
    { name: 'the official download of tfjs-node', run: () => fromOfficialDownload(report) },
  ];
  return firstOf('TensorFlow', routes, (line) => (existsSync(addonFile()) ? report(line) : undefined), FIX);
}

/** Our own build, linked and with its library in place; a look at a few files. */
function linkedBuild(): Tool | undefined {
  if (!existsSync(stampFile()) || !existsSync(addonFile())) return undefined;
  const stamp = JSON.parse(readFileSync(stampFile(), 'utf8')) as { key: string };
  const libraries = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'].map((name) => join(addonPackage(), 'deps', 'lib', name));
  if (stamp.key !== buildKey() || !libraries.every((path) => existsSync(path))) return undefined;
  return { name: 'tensorflow', version: TENSORFLOW_VERSION, source: 'cache', path: addonFile() };
}

/** What TensorFlow computes with here, without loading it: the version of our own build, else a digest of the addon that is there. */
export function tensorflowIdentity(): string {
  const linked = existsSync(join(addonPackage(), 'binding')) ? linkedBuild() : undefined;
  const kernels = builtKernels();
  const own = kernels === undefined ? '' : ` with kernels ${kernels.key}`;
  if (linked !== undefined) return linked.version + own;
  if (!existsSync(addonFile())) return 'none';
  return `addon ${createHash('sha256').update(readFileSync(addonFile())).digest('hex').slice(0, 16)}${own}`;
}

/** The sources of the addon, the library and the machine decide the build. */
function buildKey(): string {
  return sourcesDigest(join(addonPackage(), 'binding'), `${TENSORFLOW_VERSION} `);
}

async function fromNodeModules(): Promise<Tool> {
  if (!existsSync(addonFile())) throw new Error('not built yet');
  return { name: 'tensorflow', version: await loadedVersion(), source: 'node_modules', path: addonFile() };
}

async function fromWheel(report: Report): Promise<Tool> {
  const wheel = WHEELS[`${process.platform}-${process.arch}`];
  if (wheel === undefined) throw new Error(`there is no pinned library for ${process.platform} on ${process.arch}`);
  const base = join(toolsDir(), 'tensorflow');
  const library = join(base, `${TENSORFLOW_VERSION}-${process.arch}`);
  const compiler = findCompiler();
  const unpacked = await makeFolderOnce(library, report, async (draft) => {
    const path = await downloadWheel(wheel, draft, report);
    report(`TensorFlow ${TENSORFLOW_VERSION}: unpacking the library and its headers`);
    await unzip(
      path,
      draft,
      (name) => LIBRARIES[name] ?? (name.startsWith('tensorflow/include/') ? name.slice('tensorflow/'.length) : undefined),
    );
    for (const kept of Object.values(LIBRARIES))
      if (!existsSync(join(draft, kept))) throw new Error(`${basename(path)} does not hold ${kept}`);
    for (const [link, target] of Object.entries(LINKS)) symlinkSync(target, join(draft, 'lib', link));
    rmSync(path);
  });
  const built = join(base, `addon-${buildKey()}`);
  const compiled = await makeFolderOnce(built, report, async (draft) =>
    compileAddon(compiler, library, join(draft, 'tfjs_binding.node'), report),
  );
  link(library, join(built, 'tfjs_binding.node'));
  const version = await loadedVersion();
  return { name: 'tensorflow', version, source: unpacked || compiled ? 'provisioned' : 'cache', path: addonFile() };
}

/** @throws Error saying what was looked for. */
export function findCompiler(): string {
  const named = process.env.CXX?.trim();
  const names = named === undefined || named === '' ? ['g++', 'c++', 'clang++'] : [named];
  for (const name of names) {
    const path = existsSync(name) ? name : which(name);
    if (path !== undefined) return path;
  }
  throw new Error(`no C++ compiler (looked for ${names.join(', ')})`);
}

async function compileAddon(compiler: string, library: string, output: string, report: Report): Promise<void> {
  report('TensorFlow: compiling the addon (about ten seconds)');
  const sources = readdirSync(join(addonPackage(), 'binding'))
    .filter((name) => name.endsWith('.cc'))
    .map((name) => join('binding', name));
  const headers = join(packageRoot(), 'node_modules', 'node-api-headers', 'include');
  const flags = ['-O2', '-std=c++17', '-shared', '-fPIC', '-DNAPI_VERSION=8', `-I${headers}`, `-I${join(library, 'include')}`, '-Ibinding'];
  const linking = [`-L${join(library, 'lib')}`, '-ltensorflow', '-ltensorflow_framework', '-Wl,-rpath,$ORIGIN/../../deps/lib'];
  const result = await exec(compiler, [...flags, ...sources, ...linking, '-o', output], { cwd: addonPackage(), timeoutMs: BUILD_MS_MAX });
  if (result.code !== 0) throw new Error(`${compiler} failed: ${complaint(result)}`);
}

/** One object file for each set of vector instructions: the operations choose among them when they are loaded. */
const VECTORS: Readonly<Record<string, readonly string[]>> = {
  basePasses: [],
  ...(process.arch === 'x64'
    ? {
        avx2Passes: ['-mavx2', '-mfma'],
        avx512Passes: ['-mavx512f', '-mavx512dq', '-mavx512bw', '-mavx512vl', '-mfma', '-mprefer-vector-width=512'],
      }
    : {}),
};

/**
 * Our own operations, beside the addon. Where they cannot be built, training runs without them: on the library's own operations, slower for
 * some layers.
 */
async function ensureKernels(report: Report): Promise<void> {
  const key = kernelsKey();
  if (key === undefined || builtKernels() !== undefined) return;
  try {
    const compiler = findCompiler();
    const folder = join(toolsDir(), 'tensorflow', `kernels-${TENSORFLOW_VERSION}-${key}`);
    const name = 'perennial_kernels.node';
    await makeFolderOnce(folder, report, (draft) => compileKernels(compiler, draft, name, report));
    replace(kernelsFile(key), (draft) => copyFileSync(join(folder, name), draft));
    await loadedKernels(kernelsFile(key));
  } catch (error) {
    rmSync(kernelsFile(key), { force: true });
    report(`TensorFlow: training runs without our own operations, which could not be built: ${messageOf(error)}`);
  }
}

async function compileKernels(compiler: string, folder: string, name: string, report: Report): Promise<void> {
  report('TensorFlow: compiling our own operations (about ten seconds)');
  const deps = join(addonPackage(), 'deps');
  const run = async (args: readonly string[]): Promise<void> => {
    const result = await exec(compiler, [...args], { cwd: folder, timeoutMs: BUILD_MS_MAX });
    if (result.code !== 0) throw new Error(`${compiler} failed: ${complaint(result)}`);
  };
  const headers = [`-I${join(packageRoot(), 'node_modules', 'node-api-headers', 'include')}`, `-I${join(deps, 'include')}`];
  const common = ['-std=c++17', '-fPIC', '-c'];
  // Sums that are joined with their products: without it, half of the instructions are wasted.
  const arithmetic = ['-O3', '-ffp-contract=fast', '-fno-math-errno', '-fno-trapping-math'];
  const passes = join(kernelSources(), 'passes.cc');
  await Promise.all([
    run(['-O2', '-DNAPI_VERSION=8', ...common, ...headers, join(kernelSources(), 'operations.cc'), '-o', 'operations.o']),
    ...Object.entries(VECTORS).map(([passesName, instructions]) =>
      run([...arithmetic, ...instructions, `-DPASSES=${passesName}`, ...common, passes, '-o', `${passesName}.o`]),
    ),
  ]);
  const objects = ['operations', ...Object.keys(VECTORS)].map((object) => `${object}.o`);
  await run([
    '-shared',
    ...objects,
    `-L${join(deps, 'lib')}`,
    '-ltensorflow',
    '-ltensorflow_framework',
    '-Wl,-rpath,$ORIGIN/../../deps/lib',
    '-o',
    name,
  ]);
  for (const object of objects) rmSync(join(folder, object));
}

/** Loads them in a process of its own: broken ones can crash. @throws Error with the last lines of what that process said */
async function loadedKernels(path: string): Promise<void> {
  const result = await exec(process.execPath, ['-e', `${PROBE}require(${JSON.stringify(path)});console.log('operations loaded');`], {
    cwd: packageRoot(),
    timeoutMs: 120_000,
    env: { TF_CPP_MIN_LOG_LEVEL: '2' },
  });
  if (result.code !== 0 || !result.stdout.includes('operations loaded')) throw new Error(`they do not load: ${complaint(result)}`);
}

/** The addon into the package, and the package's `deps` to the library. */
function link(library: string, addon: string): void {
  const deps = join(addonPackage(), 'deps');
  mkdirSync(join(addonPackage(), 'lib', 'napi-v8'), { recursive: true });
  rmSync(stampFile(), { force: true });
  replace(deps, (draft) => {
    mkdirSync(draft);
    symlinkSync(join(library, 'include'), join(draft, 'include'));
    symlinkSync(join(library, 'lib'), join(draft, 'lib'));
  });
  replace(addonFile(), (draft) => copyFileSync(addon, draft));
  writeFileSync(stampFile(), JSON.stringify({ key: buildKey(), library }));
}

function replace(path: string, make: (draft: string) => void): void {
  const draft = `${path}.${process.pid}`;
  rmSync(draft, { recursive: true, force: true });
  make(draft);
  rmSync(path, { recursive: true, force: true });
  renameSync(draft, path);
}

/** Removes what earlier routes left, so that the package's own script starts clean. */
async function fromOfficialDownload(report: Report): Promise<Tool> {
  report("TensorFlow: trying the addon's official download");
  rmSync(stampFile(), { force: true });
  const path = `${join(packageRoot(), 'node_modules', '.bin')}:${process.env.PATH ?? ''}`;
  const result = await exec(process.execPath, ['scripts/install.js', 'cpu', 'download'], {
    cwd: addonPackage(),
    timeoutMs: BUILD_MS_MAX,
    env: { PATH: path },
    onLine: (line) => report(`TensorFlow: ${line}`),
  });
  if (result.code !== 0 || !existsSync(addonFile())) throw new Error(`its install script failed: ${complaint(result)}`);
  return { name: 'tensorflow', version: await loadedVersion(), source: 'provisioned', path: addonFile() };
}

const PROBE = `
const util = require('node:util');
util.isArray ??= Array.isArray;
util.isNullOrUndefined ??= (value) => value === null || value === undefined;
const tf = require('@tensorflow/tfjs-node');
const [sum] = tf.tensor1d([1, 2]).sum().dataSync().subarray(0, 1);
if (sum !== 3) throw new Error('1 + 2 gave ' + sum);
console.log('loaded ' + tf.backend().binding.TF_Version);
`;

/**
 * Loads the addon in a process of its own (a broken one can crash) and computes with it.
 *
 * @returns the version of the TensorFlow library.
 * @throws Error with the last lines of what that process said.
 */
export async function loadedVersion(): Promise<string> {
  const result = await exec(process.execPath, ['-e', PROBE], {
    cwd: packageRoot(),
    timeoutMs: 120_000,
    env: { TF_CPP_MIN_LOG_LEVEL: '2' },
  });
  const version = /^loaded (\S+)/m.exec(result.stdout)?.[1];
  if (result.code !== 0 || version === undefined) throw new Error(`the addon does not load: ${complaint(result)}`);
  return version;
}
