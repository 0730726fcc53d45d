import type { OpenArtifact } from '../../core/ports.ts';

/** Where versions are put: a folder, or a prefix of a bucket. Paths have forward slashes and are relative to it. */
export interface Place {
  /** For messages, and in files that other programs read: a whole path, or "s3://bucket/prefix". */
  readonly location: string;
  /** That so many bytes can be written here. @throws TARGET_UNAVAILABLE, STORE_UNSUITABLE, STORE_FULL */
  check(bytes: number): Promise<void>;
  /** undefined: there is none. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** A file that readers find as it was before, or whole. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Names right below a path, of folders; in no order. */
  folders(path: string): Promise<string[]>;
  /** Whether all files of the artifact lie there. */
  holds(path: string, artifact: OpenArtifact): Promise<boolean>;
  /**
   * The files of an artifact in a folder that appears whole. What a bucket cannot do at once begins with `first`: no folder is ever seen
   * without that file.
   */
  writeFolder(path: string, artifact: OpenArtifact, first: string): Promise<void>;
  /** No error where it is absent. As long as anything of it is seen, `last` is among it. */
  removeFolder(path: string, last: string): Promise<void>;
  removeFile(path: string): Promise<void>;
}
