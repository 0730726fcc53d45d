import type { JsonObject } from '../core/json.ts';
import type { ObjectStore } from '../core/ports.ts';
import type { RolloutRecord } from '../registry/types.ts';
import { percentileOf } from './analysis.ts';
import { SILENT_MS, countsOf, readEvidence } from './evidence.ts';
import type { ServerEvidence } from './evidence.ts';

/** One version in one step, as people see it. */
interface ArmReport {
  readonly requests: number;
  readonly failed: number;
  readonly refused: number;
  /** In milliseconds, to 5 %; null: nothing was counted. */
  readonly p50: number | null;
  readonly p99: number | null;
}

export interface StepReport {
  readonly step: number;
  readonly share: number;
  readonly champion: ArmReport;
  readonly candidate: ArmReport;
  readonly outside: number;
  readonly shadow?: {
    readonly rows: number;
    readonly classes: number;
    readonly same: number;
    readonly numbers: number;
    readonly meanDifference: number | null;
    readonly dropped: number;
  };
}

export function stepReports({ spec }: Pick<RolloutRecord, 'spec'>, servers: readonly ServerEvidence[]): StepReport[] {
  return spec.steps.map(({ share }, step) => {
    const { champion, candidate, outside, shadow } = countsOf(servers, step);
    const arm = ({ requests, failed, refused, latency }: typeof champion): ArmReport => ({
      requests,
      failed,
      refused,
      p50: percentileOf(latency, 50) ?? null,
      p99: percentileOf(latency, 99) ?? null,
    });
    return {
      step,
      share,
      champion: arm(champion),
      candidate: arm(candidate),
      outside,
      ...(shadow === undefined
        ? {}
        : {
            shadow: {
              rows: shadow.rows,
              classes: shadow.classes,
              same: shadow.same,
              numbers: shadow.numbers,
              meanDifference: shadow.numbers === 0 ? null : shadow.sumDifference / shadow.numbers,
              dropped: shadow.dropped,
            },
          }),
    };
  });
}

/** How a server stands to the rollout. */
interface ServerReport {
  readonly url: string;
  readonly revision: number;
  readonly share: number;
  readonly loaded: boolean;
  readonly error?: string;
  /** Seconds since it was heard of; of those that are silent. */
  readonly silentSeconds?: number;
}

export function serverReports(servers: readonly ServerEvidence[]): ServerReport[] {
  return servers.map(({ url, revision, share, loaded, error, agoMs }) => ({
    url,
    revision,
    share,
    loaded,
    ...(error === undefined ? {} : { error }),
    ...(agoMs < SILENT_MS ? {} : { silentSeconds: Math.round(agoMs / 1_000) }),
  }));
}

/** What is kept of a rollout at its end. */
export async function evidenceOf(store: ObjectStore, record: RolloutRecord, findings: readonly JsonObject[]): Promise<object[]> {
  const servers = await readEvidence(store, record.name, record.id);
  return [{ steps: stepReports(record, servers), servers: serverReports(servers), findings }];
}
