import { messageOf } from '../core/errors.ts';
import type { Approval } from '../core/approval.ts';
import type { ObjectStore } from '../core/ports.ts';
import { mapLimited } from '../storage/concurrency.ts';
import { sha256 } from '../storage/digest.ts';
import { putJson } from '../storage/json-objects.ts';
import { COUNT, TEXT, defineStored, getStored, isUnreadable, recordSchema } from '../storage/stored.ts';
import type { StoredKind } from '../storage/stored.ts';
import { ofVersion } from './documents.ts';
import { approvalKey, approvalsPrefix, modelApprovalsPrefix } from './keys.ts';
import type { VersionApproval } from './types.ts';

export const APPROVAL: StoredKind<VersionApproval> = defineStored({
  at: 'models/*/approvals/*/*.json',
  fix: 'Restore it from a copy of the store: until then it is not known who approved.',
  name: 'approval of a version',
  formatVersion: 1,
  schema: recordSchema(
    {
      name: TEXT,
      version: COUNT,
      run: TEXT,
      step: TEXT,
      question: TEXT,
      decision: { enum: ['approved', 'rejected'] },
      why: TEXT,
      at: TEXT,
    },
    { who: TEXT },
  ),
});

/** Keeps answers with a version. The same answer of the same run is kept once, however often it is told. */
export async function saveApprovals(
  store: ObjectStore,
  { name, version, run }: Pick<VersionApproval, 'name' | 'version' | 'run'>,
  approvals: readonly Approval[],
): Promise<void> {
  for (const approval of approvals) {
    const id = `${approval.at.replaceAll(/[-:.]/g, '')}-${sha256(`${run}/${approval.step}`).slice(0, 8)}`;
    const record: VersionApproval = { formatVersion: 1, name, version, run, ...approval };
    await putJson(store, approvalKey(name, version, id), record);
  }
}

/** What was said of a version, oldest first. @throws BLOB_CORRUPT */
export async function approvalsOf(store: ObjectStore, name: string, version: number): Promise<VersionApproval[]> {
  const found: VersionApproval[] = [];
  for await (const { key } of store.list(approvalsPrefix(name, version))) {
    const record = await getStored(store, APPROVAL, key, ofVersion(name, version));
    if (record !== undefined) found.push(record.value);
  }
  return found.sort((a, b) => a.at.localeCompare(b.at));
}

const READS_AT_ONCE = 16;

/** What was said of all versions of a model, deleted ones included: what can be read, oldest first, and what is wrong with the rest. */
export async function readApprovals(
  store: ObjectStore,
  name: string,
): Promise<{ readonly approvals: readonly VersionApproval[]; readonly problems: readonly string[] }> {
  const prefix = modelApprovalsPrefix(name);
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  const found = await mapLimited(keys, READS_AT_ONCE, async (key) => {
    try {
      const version = Number(key.slice(prefix.length).split('/')[0]);
      return (await getStored(store, APPROVAL, key, ofVersion(name, version)))?.value;
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      return messageOf(error);
    }
  });
  return {
    approvals: found.filter((one): one is VersionApproval => typeof one === 'object').sort((a, b) => Date.parse(a.at) - Date.parse(b.at)),
    problems: found.filter((one) => typeof one === 'string'),
  };
}
