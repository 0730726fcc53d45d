import { errorType, measure, traced } from '../telemetry/telemetry.ts';
import type { Attributes } from '../telemetry/names.ts';
import type { Confirmation } from './confirmation.ts';

type Action = 'register' | 'promote' | 'alias' | 'removeAlias' | 'rollback' | 'unpin' | 'delete';

/** A change of the registry, done or refused. */
export async function tellChange<T extends object>(model: string, action: Action, change: () => Promise<T>, alias?: string): Promise<T> {
  const which: Attributes = { 'perennial.model.name': model, 'perennial.registry.action': action };
  return traced(`registry ${action}`, { attributes: { ...which, 'perennial.registry.alias': alias } }, async (span) => {
    try {
      const result = await change();
      const { changed, created, version, to } = result as { changed?: boolean; created?: boolean; version?: number; to?: number | null };
      const told: Attributes = { 'perennial.registry.changed': changed ?? created };
      span.set({ ...told, 'perennial.model.version': version ?? to ?? undefined });
      measure('perennial.registry.changes', 1, { ...which, ...told });
      return result;
    } catch (error) {
      measure('perennial.registry.changes', 1, { ...which, 'perennial.registry.changed': false, 'error.type': errorType(error) });
      throw error;
    }
  });
}

/** How long it took until the servers answered with a version. */
export async function tellConfirmation(model: string, version: number, confirm: () => Promise<Confirmation>): Promise<Confirmation> {
  const started = performance.now();
  return traced('confirm', { attributes: { 'perennial.model.name': model, 'perennial.model.version': version } }, async (span) => {
    const confirmation = await confirm();
    span.set({ 'perennial.confirmed': confirmation.confirmed, 'perennial.servers': confirmation.servers.length });
    measure('perennial.registry.confirmation.duration', (performance.now() - started) / 1_000, {
      'perennial.model.name': model,
      'perennial.confirmed': confirmation.confirmed,
    });
    return confirmation;
  });
}
