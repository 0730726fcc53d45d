import { PerennialError, messageOf } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';

/** @see Amazon S3 API reference, "Error responses"; names starting with XMinio are MinIO's own. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  NoSuchKey: 'OBJECT_NOT_FOUND',
  NotFound: 'OBJECT_NOT_FOUND',
  PreconditionFailed: 'PRECONDITION_FAILED',
  NoSuchBucket: 'STORE_UNSUITABLE',
  AccessDenied: 'STORE_UNSUITABLE',
  AllAccessDisabled: 'STORE_UNSUITABLE',
  AccountProblem: 'STORE_UNSUITABLE',
  InvalidAccessKeyId: 'STORE_UNSUITABLE',
  SignatureDoesNotMatch: 'STORE_UNSUITABLE',
  InvalidToken: 'STORE_UNSUITABLE',
  ExpiredToken: 'STORE_UNSUITABLE',
  MethodNotAllowed: 'STORE_UNSUITABLE',
  NotImplemented: 'STORE_UNSUITABLE',
  MovedPermanently: 'STORE_UNSUITABLE',
  PermanentRedirect: 'STORE_UNSUITABLE',
  AuthorizationHeaderMalformed: 'STORE_UNSUITABLE',
  InvalidBucketName: 'STORE_UNSUITABLE',
  EntityTooLarge: 'LIMIT_EXCEEDED',
  KeyTooLongError: 'NAME_INVALID',
  XMinioInvalidObjectName: 'NAME_INVALID',
  XMinioParentIsObject: 'NAME_INVALID',
  XMinioObjectExistsAsDirectory: 'NAME_INVALID',
  XMinioStorageFull: 'STORE_FULL',
  InsufficientStorage: 'STORE_FULL',
  QuotaExceeded: 'STORE_FULL',
  XMinioAdminBucketQuotaExceeded: 'STORE_FULL',
};

const HINTS: Readonly<Record<string, string>> = {
  NoSuchBucket: 'Create the bucket first (for example `mc mb ALIAS/BUCKET` or `aws s3 mb s3://BUCKET`); Perennial does not create buckets.',
  AccessDenied:
    'Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, and that the key may read, write, list and delete in the bucket.',
  InvalidAccessKeyId: 'Check AWS_ACCESS_KEY_ID and that S3_ENDPOINT names the right service.',
  SignatureDoesNotMatch: 'Check AWS_SECRET_ACCESS_KEY.',
  InvalidToken: 'Check AWS_SESSION_TOKEN.',
  ExpiredToken: 'AWS_SESSION_TOKEN has expired: fetch new credentials.',
  AuthorizationHeaderMalformed: 'Check AWS_REGION.',
  MovedPermanently: 'The bucket lies in another region: set AWS_REGION.',
  PermanentRedirect: 'The bucket lies in another region: set AWS_REGION.',
};

/** What the client threw, in our terms. Whatever is not a statement of the store counts as "could not be reached", and is tried again. */
export function s3Error(
  error: unknown,
  where: { location: string; bucket: string; key: string },
  notFound: (cause: unknown) => PerennialError,
): PerennialError {
  const name = nameOf(error);
  const code = CODES[name] ?? 'STORE_UNAVAILABLE';
  if (code === 'OBJECT_NOT_FOUND') return notFound(error);
  const subject =
    name === 'NoSuchBucket'
      ? `the bucket "${where.bucket}" does not exist`
      : `"${where.key}": ${name === '' ? '' : `${name}: `}${messageOf(error)}`;
  const hint = HINTS[name];
  return new PerennialError(code, `${where.location}: ${subject}.`, { cause: error, ...(hint === undefined ? {} : { hint }) });
}

function nameOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === 'string') return code;
  return error instanceof Error && error.name !== 'Error' ? error.name.replace(/Error$/, '') : '';
}
