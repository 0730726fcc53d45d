import { randomUUID } from 'node:crypto';
import { Client } from 'minio';
import { afterAll } from 'vitest';
import { S3Store } from '../../../src/storage/s3-store.ts';
import { startMinio } from '../../support/minio.ts';

const BUCKET = 'perennial-tests';
const REGION = 'us-east-1';
type Server = Awaited<ReturnType<typeof startMinio>>;

let running: Promise<Server> | undefined;

/** One server per test file, started when the first test asks for it and stopped after the last. */
export function minioServer(): Promise<Server> {
  running ??= start();
  return running;
}

async function start(): Promise<Server> {
  const server = await startMinio();
  const endpoint = new URL(server.endpoint);
  const client = new Client({
    endPoint: endpoint.hostname,
    port: Number(endpoint.port),
    useSSL: false,
    accessKey: server.accessKey,
    secretKey: server.secretKey,
    region: REGION,
  });
  await client.makeBucket(BUCKET, REGION);
  return server;
}

afterAll(async () => {
  if (running !== undefined) await (await running).stop();
  running = undefined;
});

export async function openMinio(): Promise<{ store: S3Store; prefix: string }> {
  const server = await minioServer();
  const prefix = `run-${randomUUID()}/kept here`;
  const { endpoint, accessKey, secretKey } = server;
  return { store: new S3Store({ bucket: BUCKET, prefix, endpoint, region: REGION, accessKey, secretKey }), prefix };
}

export async function minioStoreUri(prefix: string): Promise<Record<string, string>> {
  const { endpoint, accessKey, secretKey } = await minioServer();
  return {
    PERENNIAL_STORE: `s3://${BUCKET}/${prefix}`,
    S3_ENDPOINT: endpoint,
    AWS_ACCESS_KEY_ID: accessKey,
    AWS_SECRET_ACCESS_KEY: secretKey,
    AWS_REGION: REGION,
  };
}
