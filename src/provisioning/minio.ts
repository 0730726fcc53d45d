import { join } from 'node:path';
import { exec, complaint, which } from '../platform/exec.ts';
import { toolsDir } from '../platform/paths.ts';
import { firstOf, makeFolderOnce, type Report, type Tool } from './provisioner.ts';

/** The pinned commit of MinIO as the Go module proxy names it (its release tags are no module versions), and its checksum. */
export const MINIO_VERSION = 'v0.0.0-20260212201848-7aac2a2c5b7c';
const MINIO_SUM = 'h1:/qdoYujxF5MBLDMVLeiYJ/7fBa1HikX39Dvzb9Ji8pA=';
const MODULE = 'github.com/minio/minio';
const BUILD_MS_MAX = 30 * 60_000;

const FIX =
  'MinIO is needed for the tests of S3 stores only. Install Go 1.24 or later (https://go.dev/doc/install) and run the same command again, or put a `minio` program on PATH.';

/**
 * The MinIO server: on PATH, else from the cache, else compiled with Go (two to four minutes, once).
 *
 * @throws PROVISIONING_FAILED
 */
export async function ensureMinio(report: Report = () => {}): Promise<Tool> {
  const routes = [
    { name: '`minio` on PATH', run: fromPath },
    { name: `go install ${MODULE}@${MINIO_VERSION}`, run: () => fromGo(report) },
  ];
  return firstOf('MinIO', routes, () => {}, FIX);
}

/** The program where it is there already; nothing is downloaded. */
export async function findMinio(): Promise<Tool | undefined> {
  try {
    return await fromPath();
  } catch {
    const path = cachedProgram();
    return (await isMinio(path)) ? { name: 'minio', version: MINIO_VERSION, source: 'cache', path } : undefined;
  }
}

function cachedProgram(): string {
  return join(toolsDir(), 'minio', MINIO_VERSION, 'minio');
}

async function fromPath(): Promise<Tool> {
  const path = which('minio');
  if (path === undefined) throw new Error('not there');
  const result = await exec(path, ['--version'], { timeoutMs: 30_000 });
  const version = /minio version (\S+)/i.exec(result.stdout)?.[1];
  if (version === undefined) throw new Error(`${path} does not answer \`--version\` as MinIO does`);
  return { name: 'minio', version, source: 'PATH', path };
}

async function fromGo(report: Report): Promise<Tool> {
  const path = cachedProgram();
  const made = await makeFolderOnce(join(toolsDir(), 'minio', MINIO_VERSION), report, async (draft) => {
    const go = which('go');
    if (go === undefined) throw new Error('no go on PATH');
    report(`MinIO ${MINIO_VERSION}: downloading its sources`);
    await checkSources(go, draft);
    report(`MinIO ${MINIO_VERSION}: compiling, which takes a few minutes, once`);
    const result = await exec(go, ['install', '-trimpath', '-ldflags=-s -w', `${MODULE}@${MINIO_VERSION}`], {
      cwd: draft,
      timeoutMs: BUILD_MS_MAX,
      env: { GOBIN: draft },
    });
    if (result.code !== 0) throw new Error(complaint(result));
    if (!(await isMinio(join(draft, 'minio')))) throw new Error('the compiled program does not answer `--version` as MinIO does');
  });
  return { name: 'minio', version: MINIO_VERSION, source: made ? 'provisioned' : 'cache', path };
}

/** The proxy's answer must carry the pinned checksum, whatever the user's checksum settings are. */
async function checkSources(go: string, cwd: string): Promise<void> {
  const result = await exec(go, ['mod', 'download', '-json', `${MODULE}@${MINIO_VERSION}`], { cwd, timeoutMs: BUILD_MS_MAX });
  if (result.code !== 0) throw new Error(complaint(result));
  const sum = (JSON.parse(result.stdout) as { Sum?: string }).Sum;
  if (sum !== MINIO_SUM) throw new Error(`the sources have the checksum ${sum}, expected ${MINIO_SUM}`);
}

async function isMinio(path: string): Promise<boolean> {
  return /minio version/i.test((await exec(path, ['--version'], { timeoutMs: 30_000 })).stdout);
}
