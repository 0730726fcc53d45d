import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../platform/paths.ts';
import { tensorflowIdentity } from '../provisioning/tensorflow.ts';

/** What the build found behind a step type. */
interface StepCode {
  /** Digest of all of our sources that can reach it, those of processes that it starts included. */
  readonly code: string;
  /** Packages that these sources import. */
  readonly packages: readonly string[];
}

const TENSORFLOW = '@tensorflow/tfjs-node';

let steps: Readonly<Record<string, StepCode>> | undefined;

/** Digest of the code behind a step type, as the build took it; "unbuilt" where the sources run without a build. */
export function codeDigestOf(type: string): string {
  return stepCode(type)?.code ?? 'unbuilt';
}

/**
 * Versions, as they are installed now, of what computes a step besides our own code: Node.js, the packages that it imports, TensorFlow's
 * library.
 */
export function librariesOf(type: string): Record<string, string> {
  const packages = stepCode(type)?.packages ?? [];
  const found: Record<string, string> = { node: process.versions.node.split('.')[0]! };
  for (const name of packages) found[name] = installedVersion(name);
  if (packages.includes(TENSORFLOW)) found.tensorflow = tensorflowIdentity();
  return found;
}

function stepCode(type: string): StepCode | undefined {
  steps ??= readSteps();
  return Object.hasOwn(steps, type) ? steps[type] : undefined;
}

/** By file, as long as that is the same. */
const versions = new Map<string, { readonly state: string; readonly version: string }>();

function installedVersion(name: string): string {
  const path = join(packageRoot(), 'node_modules', name, 'package.json');
  try {
    const { ino, size, mtimeNs } = statSync(path, { bigint: true });
    const state = `${ino}:${size}:${mtimeNs}`;
    const known = versions.get(path);
    if (known?.state === state) return known.version;
    const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
    versions.set(path, { state, version });
    return version;
  } catch (error) {
    // What is not installed cannot compute; when it is installed later, that is another version.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'not installed';
    throw error;
  }
}

function readSteps(): Readonly<Record<string, StepCode>> {
  try {
    return JSON.parse(readFileSync(join(packageRoot(), 'dist', 'code-digests.json'), 'utf8')) as Record<string, StepCode>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}
