import { join } from 'node:path';
import { freePort } from '../../src/platform/ports.ts';
import { ensureMinio } from '../../src/provisioning/minio.ts';
import { start, type Started } from './processes.ts';
import { tempDir } from './temp-dir.ts';

export interface MinioServer {
  /** "http://127.0.0.1:<port>" */
  readonly endpoint: string;
  readonly host: string;
  readonly port: number;
  readonly accessKey: string;
  readonly secretKey: string;
  /** For processes under test: S3_ENDPOINT and the AWS variables. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
  /** SIGSTOP and SIGCONT: a server that is there and does not answer. */
  pause(): void;
  resume(): void;
}

/** Starts a real MinIO server on a free port with a folder of its own (or `folder`, to start again on the same data). */
export async function startMinio(options: { readonly folder?: string; readonly port?: number } = {}): Promise<MinioServer> {
  const tool = await ensureMinio((line) => console.error(line));
  const folder = options.folder ?? join(tempDir('minio'), 'data');
  const [accessKey, secretKey] = ['perennial-tests', 'perennial-tests-secret'];
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await freePort());
    const endpoint = `http://127.0.0.1:${port}`;
    const server = start(tool.path, ['server', '--quiet', '--address', `127.0.0.1:${port}`, '--console-address', '127.0.0.1:0', folder], {
      env: { MINIO_ROOT_USER: accessKey, MINIO_ROOT_PASSWORD: secretKey, MINIO_BROWSER: 'off', MINIO_UPDATE: 'off', HOME: folder },
    });
    if (await isReady(endpoint, server)) {
      const env = { S3_ENDPOINT: endpoint, AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secretKey, AWS_REGION: 'us-east-1' };
      return {
        endpoint,
        host: '127.0.0.1',
        port,
        accessKey,
        secretKey,
        env,
        stop: () => server.stop(),
        pause: () => void server.signal('SIGSTOP'),
        resume: () => void server.signal('SIGCONT'),
      };
    }
    await server.stop();
    if (attempt === 3) throw new Error(`MinIO did not start:\n${server.output()}`);
  }
}

async function isReady(endpoint: string, server: Started): Promise<boolean> {
  let ended = false;
  void server.exited.then(() => {
    ended = true;
  });
  const deadline = Date.now() + 120_000;
  while (!ended && Date.now() < deadline) {
    const answer = await fetch(`${endpoint}/minio/health/ready`, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined);
    if (answer?.ok === true) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}
