import { accessSync, constants, existsSync, mkdirSync, readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { isPerennialError, messageOf } from '../core/errors.ts';
import { exec, which } from '../platform/exec.ts';
import { packageRoot, perennialHome, toolsDir } from '../platform/paths.ts';
import { storeLocation } from '../platform/stack.ts';

export type Verdict = 'ok' | 'warning' | 'missing';

export interface Finding {
  readonly component: string;
  /** Without a needed component Perennial does not work; the others serve tests or special stores. */
  readonly needed: boolean;
  readonly verdict: Verdict;
  readonly version?: string;
  /** Where it comes from: a path, "PATH", an address. */
  readonly from?: string;
  readonly detail?: string;
  /** What to do about it; there unless the verdict is "ok". */
  readonly fix?: string;
}

interface Check {
  readonly component: string;
  readonly needed: boolean;
  /** How to fix it, unless the finding knows better. */
  readonly fix: string;
  /** Throws with the reason where it is missing. */
  readonly look: () => Promise<Pick<Finding, 'version' | 'from' | 'detail'> & { readonly verdict?: Verdict; readonly fix?: string }>;
}

/** Smallest Node.js that the packages run on. */
const NODE_MINIMUM = [20, 9] as const;
/** The TensorFlow library takes 0.9 GB unpacked, and as much again while it is unpacked. */
const DISK_BYTES_WANTED = 2_000_000_000;

const CHECKS: readonly Check[] = [
  { component: 'node', needed: true, fix: `Install Node.js ${NODE_MINIMUM.join('.')} or later.`, look: node },
  { component: 'npm packages', needed: true, fix: 'Run `npm ci` in the folder of the clone.', look: packages },
  { component: 'build', needed: true, fix: 'Run `npm run build`.', look: build },
  { component: 'home', needed: true, fix: 'Give PERENNIAL_HOME a folder that this user may write to.', look: home },
  { component: 'temporal', needed: true, fix: 'Run `npm run setup`.', look: temporal },
  { component: 'tensorflow', needed: true, fix: 'Run `npm run setup`.', look: tensorflow },
  { component: 'duckdb', needed: true, fix: 'Run `npm ci`; its binary comes with the package for this platform.', look: duckdb },
  { component: 'sharp', needed: true, fix: 'Run `npm ci`; its binary comes with the package for this platform.', look: sharp },
  { component: 'store', needed: true, fix: 'Correct PERENNIAL_STORE, or unset it to use a folder of the home.', look: store },
  {
    component: 'ports',
    needed: false,
    fix: 'Other ports are taken by themselves; ask for others with --port, --temporal-port, --ui-port.',
    look: ports,
  },
  {
    component: 'python and pip',
    needed: false,
    fix: 'Only to set up Temporal and TensorFlow. Debian: apt-get install python3-pip.',
    look: pip,
  },
  { component: 'c++ compiler', needed: false, fix: 'Only to set up TensorFlow. Debian: apt-get install g++.', look: compiler },
  {
    component: 'minio',
    needed: false,
    fix: 'Only for the tests of S3 stores. `npm test` sets it up where Go 1.24 or later is installed.',
    look: minio,
  },
  { component: 'chromium', needed: false, fix: 'Only for the browser tests. Debian: apt-get install chromium.', look: chromium },
];

/** Looks at every component, all at once. Nothing is downloaded or changed. */
export async function examine(): Promise<Finding[]> {
  return Promise.all(
    CHECKS.map(async ({ component, needed, fix, look }): Promise<Finding> => {
      try {
        const found = await look();
        const verdict = found.verdict ?? 'ok';
        return { component, needed, ...found, verdict, ...(verdict === 'ok' ? {} : { fix: found.fix ?? fix }) };
      } catch (error) {
        const hint = isPerennialError(error) && error.hint !== '' ? error.hint : fix;
        return { component, needed, verdict: 'missing', detail: messageOf(error).split('\n')[0]!, fix: hint };
      }
    }),
  );
}

function versionOfPackage(name: string): string {
  return (JSON.parse(readFileSync(join(packageRoot(), 'node_modules', name, 'package.json'), 'utf8')) as { version: string }).version;
}

async function node(): ReturnType<Check['look']> {
  const [major, minor] = process.versions.node.split('.').map(Number) as [number, number];
  if (major < NODE_MINIMUM[0] || (major === NODE_MINIMUM[0] && minor < NODE_MINIMUM[1]))
    throw new Error(`this is Node.js ${process.versions.node}`);
  return { version: process.versions.node, from: process.execPath, detail: `${process.platform} ${process.arch}` };
}

async function packages(): ReturnType<Check['look']> {
  const manifest = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
  const names = Object.keys(manifest.dependencies);
  const missing = names.filter((name) => !existsSync(join(packageRoot(), 'node_modules', name, 'package.json')));
  if (missing.length > 0) throw new Error(`not installed: ${missing.join(', ')}`);
  return { version: `${names.length} packages`, from: join(packageRoot(), 'node_modules') };
}

async function build(): ReturnType<Check['look']> {
  const missing = ['cli', 'worker', 'server', 'supervisor', 'trainer'].filter(
    (name) => !existsSync(join(packageRoot(), 'dist', `${name}.js`)),
  );
  if (missing.length > 0) throw new Error(`not built: ${missing.map((name) => `dist/${name}.js`).join(', ')}`);
  return { from: join(packageRoot(), 'dist') };
}

async function home(): ReturnType<Check['look']> {
  mkdirSync(perennialHome(), { recursive: true });
  accessSync(perennialHome(), constants.W_OK);
  const { bavail, bsize } = statfsSync(perennialHome());
  const free = bavail * bsize;
  const facts = { from: perennialHome(), detail: `${(free / 1e9).toFixed(1)} GB free; tools in ${toolsDir()}` };
  return free < DISK_BYTES_WANTED
    ? { ...facts, verdict: 'warning', fix: `Free some space: setting up takes about ${DISK_BYTES_WANTED / 1e9} GB.` }
    : facts;
}

async function temporal(): ReturnType<Check['look']> {
  const address = process.env.TEMPORAL_ADDRESS;
  if (address !== undefined && address !== '') {
    const { askTemporal } = await import('../platform/temporal-server.ts');
    const answer = await askTemporal(address, process.env.TEMPORAL_NAMESPACE ?? 'default', 5_000);
    if (answer === undefined)
      return {
        from: address,
        verdict: 'missing',
        detail: 'TEMPORAL_ADDRESS does not answer',
        fix: 'Start that server, correct TEMPORAL_ADDRESS, or unset it to let `perennial up` start one.',
      };
    const facts = { version: answer.version, from: `TEMPORAL_ADDRESS ${address}` };
    if (answer.missingAttributes.length === 0) return facts;
    const { SEARCH_ATTRIBUTES } = await import('../core/search-attributes.ts');
    const types: Readonly<Record<string, string>> = SEARCH_ATTRIBUTES;
    const create = answer.missingAttributes
      .map((name) => `--name ${name} --type ${types[name]![0]}${types[name]!.slice(1).toLowerCase()}`)
      .join(' ');
    return {
      ...facts,
      verdict: 'warning',
      detail: `search attributes missing: ${answer.missingAttributes.join(', ')}`,
      fix: `temporal operator search-attribute create ${create}`,
    };
  }
  const { findTemporal } = await import('../provisioning/temporal.ts');
  const tool = await findTemporal();
  if (tool === undefined) throw new Error('no `temporal` on PATH and none set up');
  return { version: tool.version, from: tool.source === 'PATH' ? `PATH ${tool.path}` : tool.path };
}

async function tensorflow(): ReturnType<Check['look']> {
  const { addonFile, loadedVersion } = await import('../provisioning/tensorflow.ts');
  return { version: await loadedVersion(), from: addonFile(), detail: `tfjs-node ${versionOfPackage('@tensorflow/tfjs-node')}` };
}

async function duckdb(): ReturnType<Check['look']> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const version = String((await connection.runAndReadAll('select version()')).getRows()[0]![0]);
  connection.closeSync();
  instance.closeSync();
  return { version, from: `@duckdb/node-api ${versionOfPackage('@duckdb/node-api')}` };
}

async function sharp(): ReturnType<Check['look']> {
  const { default: library } = await import('sharp');
  const png = await library({ create: { width: 2, height: 2, channels: 3, background: '#808080' } })
    .png()
    .toBuffer();
  if (png.length === 0) throw new Error('sharp made an empty image');
  return { version: versionOfPackage('sharp'), from: `libvips ${library.versions.vips}` };
}

async function store(): ReturnType<Check['look']> {
  const { openStore } = await import('../storage/open-store.ts');
  const opened = await openStore();
  return {
    from: opened.location,
    detail: `${storeLocation().startsWith('s3:') ? 'answers, and' : 'is writable, and'} honours conditional writes`,
  };
}

async function ports(): ReturnType<Check['look']> {
  const { holderOf, isFree } = await import('../platform/ports.ts');
  const { readableStack } = await import('../platform/stack.ts');
  const { livingProcesses } = await import('../platform/stack-processes.ts');
  const ours = new Set(livingProcesses(readableStack()).map((part) => part.pid));
  const taken: string[] = [];
  for (const [port, what] of [
    [7233, 'Temporal'],
    [8233, 'Temporal UI'],
    [8080, 'server'],
  ] as const) {
    if (await isFree(port)) continue;
    const holder = holderOf(port);
    if (holder === undefined || !ours.has(holder.pid))
      taken.push(
        `${port} (${what}) by ${holder === undefined ? 'another process' : `process ${holder.pid} ${holder.command.slice(0, 60)}`}`,
      );
  }
  if (taken.length > 0) return { verdict: 'warning', detail: `taken: ${taken.join('; ')}` };
  return { detail: '7233, 8233, 8080 are free or ours' };
}

async function pip(): ReturnType<Check['look']> {
  const { findPip } = await import('../provisioning/pip.ts');
  const found = await findPip();
  return { version: `pip ${found.version}`, from: found.python };
}

async function compiler(): ReturnType<Check['look']> {
  const { findCompiler } = await import('../provisioning/tensorflow.ts');
  const path = findCompiler();
  const { stdout } = await exec(path, ['-dumpfullversion', '-dumpversion'], { timeoutMs: 10_000 });
  return { version: stdout.trim(), from: path };
}

async function minio(): ReturnType<Check['look']> {
  const { findMinio } = await import('../provisioning/minio.ts');
  const tool = await findMinio();
  if (tool === undefined) throw new Error('no `minio` on PATH and none set up');
  return { version: tool.version, from: tool.source === 'PATH' ? `PATH ${tool.path}` : tool.path };
}

async function chromium(): ReturnType<Check['look']> {
  for (const name of ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']) {
    const path = which(name);
    if (path === undefined) continue;
    const { stdout } = await exec(path, ['--version'], { timeoutMs: 20_000 });
    return { version: stdout.trim(), from: path };
  }
  throw new Error('no chromium on PATH');
}
