import { Agent as HttpAgent } from 'node:http';
import type { AgentOptions, IncomingMessage } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { open, readFile, stat } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import { Client } from 'minio';
import { PerennialError } from '../core/errors.ts';
import type { ObjectHead, ObjectStore, PutOptions } from '../core/ports.ts';
import { checkConditions, objectNotFound, preconditionFailed } from './conditions.ts';
import { checkKey, checkPrefix } from './keys.ts';
import { s3Error } from './s3-errors.ts';

export interface S3Options {
  readonly bucket: string;
  /** Put before every key, without slashes at its ends; may be empty. */
  readonly prefix: string;
  /** `http[s]://host[:port]`; default: Amazon's own. */
  readonly endpoint?: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly sessionToken?: string;
}

/** Up to here a put is one request; also the size of a part above it, and so the memory that an upload takes. */
const PART_BYTES = 16 * 1024 * 1024;
/** A connection on which nothing moves for so long is given up. */
const IDLE_MS_MAX = 60_000;

/**
 * Objects in an S3 bucket, through the MinIO client. Conditions travel as If-None-Match and If-Match on single PUT requests; the
 * client's own repetition of requests is off, since a repeated conditional put would hide that the first one succeeded.
 */
export class S3Store implements ObjectStore {
  readonly location: string;
  readonly #client: Client;
  readonly #bucket: string;
  readonly #prefix: string;

  constructor(options: S3Options) {
    const endpoint = new URL(options.endpoint ?? 'https://s3.amazonaws.com');
    const secure = endpoint.protocol === 'https:';
    this.#bucket = options.bucket;
    this.#prefix = options.prefix === '' ? '' : `${options.prefix}/`;
    this.location = `s3://${options.bucket}${options.prefix === '' ? '' : `/${options.prefix}`}`;
    this.#client = new Client({
      endPoint: endpoint.hostname,
      ...(endpoint.port === '' ? {} : { port: Number(endpoint.port) }),
      useSSL: secure,
      region: options.region,
      accessKey: options.accessKey,
      secretKey: options.secretKey,
      ...(options.sessionToken === undefined ? {} : { sessionToken: options.sessionToken }),
      // An endpoint of one's own seldom has a wildcard DNS name for its buckets.
      pathStyle: options.endpoint !== undefined,
      transportAgent: secure ? new IdleHttpsAgent(AGENT_OPTIONS) : new IdleHttpAgent(AGENT_OPTIONS),
      retryOptions: { disableRetry: true },
    });
  }

  async get(key: string): Promise<{ body: Uint8Array; etag: string }> {
    const response = await this.#open(key);
    return { body: await this.#mapped(key, () => readBody(response)), etag: unquote(response.headers.etag) };
  }

  async getStream(key: string): Promise<AsyncIterable<Uint8Array>> {
    const response = await this.#open(key);
    const translate = (error: unknown): Error => this.#translate(error, key);
    return (async function* () {
      try {
        let received = 0;
        for await (const chunk of response as AsyncIterable<Uint8Array>) {
          received += chunk.length;
          yield chunk;
        }
        checkLength(response, received);
      } catch (error) {
        throw translate(error);
      }
    })();
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    checkKey(key);
    try {
      const found = await this.#client.statObject(this.#bucket, this.#prefix + key);
      return { key, size: found.size, etag: found.etag, modifiedAt: found.lastModified.getTime() };
    } catch (error) {
      const translated = this.#translate(error, key);
      if (translated.code === 'OBJECT_NOT_FOUND') return undefined;
      throw translated;
    }
  }

  async put(key: string, body: Uint8Array, options: PutOptions = {}): Promise<{ etag: string }> {
    checkKey(key);
    checkConditions(options);
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    try {
      const { etag } = await this.#client.putObject(this.#bucket, this.#prefix + key, bytes, bytes.length, headersOf(options));
      return { etag: unquote(etag) };
    } catch (error) {
      throw this.#translatePut(error, key, options);
    }
  }

  async putFile(key: string, path: string, options: PutOptions = {}): Promise<{ etag: string }> {
    checkKey(key);
    const { size } = await stat(path).catch((error: unknown) => {
      throw new PerennialError('SOURCE_NOT_FOUND', `The file ${path}, to be stored as "${key}", cannot be read.`, { cause: error });
    });
    if (size <= PART_BYTES) return this.put(key, await readFile(path), options);
    if (options.ifNoneMatch !== undefined || options.ifMatch !== undefined) {
      throw new PerennialError(
        'LIMIT_EXCEEDED',
        `"${key}" has ${size} bytes; S3 takes conditions only on single uploads, here up to ${PART_BYTES} bytes.`,
      );
    }
    return this.#mapped(key, () => this.#putParts(this.#prefix + key, path));
  }

  async *list(prefix: string): AsyncGenerator<ObjectHead> {
    checkPrefix(prefix);
    let token = '';
    do {
      const page = await this.#mapped(prefix, () =>
        this.#client.listObjectsV2Query(this.#bucket, this.#prefix + prefix, token, '', 1000, ''),
      );
      for (const item of page.objects) {
        if (item.name === undefined || item.lastModified === undefined) continue;
        yield { key: item.name.slice(this.#prefix.length), size: item.size, etag: item.etag, modifiedAt: item.lastModified.getTime() };
      }
      token = page.isTruncated ? page.nextContinuationToken : '';
    } while (token !== '');
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    await this.#mapped(key, () => this.#client.removeObject(this.#bucket, this.#prefix + key)).catch((error: PerennialError) => {
      if (error.code !== 'OBJECT_NOT_FOUND') throw error;
    });
  }

  async #open(key: string): Promise<IncomingMessage> {
    checkKey(key);
    // The client's type hides that the stream is the response with its headers.
    return this.#mapped(key, async () => (await this.#client.getObject(this.#bucket, this.#prefix + key)) as unknown as IncomingMessage);
  }

  /** Parts one after the other: memory is one part. What was begun and not finished is removed, for it would be charged for ever. */
  async #putParts(name: string, path: string): Promise<{ etag: string }> {
    const uploadId = await this.#client.initiateNewMultipartUpload(this.#bucket, name, headersOf({}));
    const handle = await open(path, 'r');
    try {
      const parts: { part: number; etag: string }[] = [];
      const buffer = Buffer.allocUnsafe(PART_BYTES);
      for (let part = 1; ; part += 1) {
        const length = await readFully(handle, buffer);
        if (length === 0) break;
        const query = `partNumber=${part}&uploadId=${encodeURIComponent(uploadId)}`;
        const response = await this.#client.makeRequestAsync(
          { method: 'PUT', bucketName: this.#bucket, objectName: name, query, headers: {} },
          buffer.subarray(0, length),
        );
        response.resume();
        parts.push({ part, etag: unquote(response.headers.etag) });
      }
      const done = await this.#client.completeMultipartUpload(this.#bucket, name, uploadId, parts);
      return { etag: unquote(done.etag) };
    } catch (error) {
      // The first error is the one that tells; a failed clean-up adds nothing to it.
      await this.#client.abortMultipartUpload(this.#bucket, name, uploadId).catch(() => undefined);
      throw error;
    } finally {
      await handle.close();
    }
  }

  async #mapped<T>(key: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#translate(error, key);
    }
  }

  #translate(error: unknown, key: string): PerennialError {
    return s3Error(error, { location: this.location, bucket: this.#bucket, key }, (cause) => objectNotFound(this.location, key, cause));
  }

  #translatePut(error: unknown, key: string, options: PutOptions): PerennialError {
    const translated = this.#translate(error, key);
    const conditional = options.ifMatch !== undefined;
    // If-Match on an absent key is answered with 404 by some servers and 412 by others.
    if (conditional && translated.code === 'OBJECT_NOT_FOUND') return preconditionFailed(this.location, key, options, error);
    return translated.code === 'PRECONDITION_FAILED' ? preconditionFailed(this.location, key, options, error) : translated;
  }
}

const AGENT_OPTIONS: AgentOptions = { keepAlive: true, maxSockets: 64 };

type CreateConnection = (
  options: object,
  callback?: (error: Error | null, stream: Duplex) => void,
) => Duplex & { setTimeout(ms: number, callback: () => void): unknown };

function withIdleLimit(base: CreateConnection): CreateConnection {
  return (options, callback) => {
    const socket = base(options, callback);
    socket.setTimeout(IDLE_MS_MAX, () => socket.destroy(new Error(`no answer for ${IDLE_MS_MAX / 1000} s`)));
    return socket;
  };
}

class IdleHttpAgent extends HttpAgent {
  constructor(options: AgentOptions) {
    super(options);
    const agent = this as unknown as { createConnection: CreateConnection };
    agent.createConnection = withIdleLimit(agent.createConnection.bind(this));
  }
}

class IdleHttpsAgent extends HttpsAgent {
  constructor(options: AgentOptions) {
    super(options);
    const agent = this as unknown as { createConnection: CreateConnection };
    agent.createConnection = withIdleLimit(agent.createConnection.bind(this));
  }
}

function headersOf(options: PutOptions): Record<string, string> {
  return {
    'Content-Type': options.contentType ?? 'application/octet-stream',
    ...(options.ifNoneMatch === undefined ? {} : { 'If-None-Match': options.ifNoneMatch }),
    ...(options.ifMatch === undefined ? {} : { 'If-Match': `"${options.ifMatch}"` }),
  };
}

async function readBody(response: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response as AsyncIterable<Uint8Array>) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  checkLength(response, body.length);
  return body;
}

function checkLength(response: IncomingMessage, received: number): void {
  const expected = Number(response.headers['content-length'] ?? received);
  if (received !== expected) throw new Error(`the answer ended after ${received} of ${expected} bytes`);
}

async function readFully(handle: Awaited<ReturnType<typeof open>>, buffer: Buffer): Promise<number> {
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}

function unquote(etag: string | undefined): string {
  return (etag ?? '').replace(/^W\//, '').replaceAll('"', '');
}
