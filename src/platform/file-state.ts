import { statSync } from 'node:fs';

/** Another text as soon as one of the files is another one, was written to, or is gone. */
export function stateOfFiles(paths: readonly string[]): string {
  return paths
    .map((path) => {
      const facts = statSync(path, { bigint: true, throwIfNoEntry: false });
      return facts === undefined ? 'gone' : `${facts.ino} ${facts.mtimeNs} ${facts.size}`;
    })
    .join();
}
