import { PerennialError } from '../core/errors.ts';
import { ensureMinio } from './minio.ts';
import type { Report, Tool } from './provisioner.ts';
import { ensureTemporal } from './temporal.ts';
import { ensureTensorflow } from './tensorflow.ts';
import { ensureTestServer } from './test-server.ts';

const TOOLS: Readonly<Record<string, (report: Report) => Promise<Tool>>> = {
  temporal: ensureTemporal,
  'temporal-test-server': ensureTestServer,
  tensorflow: ensureTensorflow,
  minio: ensureMinio,
};

/**
 * Sets up the named components at the same time; what is there already is left alone.
 *
 * @throws PROVISIONING_FAILED for the first that fails, after all have ended; USAGE for an unknown name.
 */
export async function provision(names: readonly string[], report: Report): Promise<Tool[]> {
  const unknown = names.filter((name) => !Object.hasOwn(TOOLS, name));
  if (unknown.length > 0)
    throw new PerennialError('USAGE', `unknown component ${unknown.join(', ')}`, {
      hint: `Components are ${Object.keys(TOOLS).join(', ')}.`,
    });
  const results = await Promise.allSettled(names.map((name) => TOOLS[name]!(report)));
  const failures = results.filter((result) => result.status === 'rejected').map((result) => result.reason as unknown);
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) {
    const reasons = failures.map((failure) =>
      failure instanceof PerennialError ? `${failure.message}\n  fix: ${failure.hint}` : String(failure),
    );
    throw new PerennialError('PROVISIONING_FAILED', reasons.join('\n'), { cause: failures[0] });
  }
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}
