import type { Notification } from '../../../src/core/notification.ts';

/** What a check for drift has to tell. */
export const message: Notification = {
  id: 'orders/drift',
  event: 'drifted',
  pipeline: 'orders',
  summary: 'Drift in 1 of 3 compared columns.',
  kind: 'drift',
  outcome: 'started',
  workflow: 'orders/drift',
  trigger: 'drift',
  model: 'orders',
  version: 1,
  at: '2026-01-01T00:00:00.000Z',
};
