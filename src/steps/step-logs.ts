import type { ObjectStore } from '../core/ports.ts';

export interface StepLogText {
  readonly step: string;
  /** `<execution>.<attempt>`, both from 1. */
  readonly attempt: string;
  readonly text: string;
}

export function stepLogKey(pipeline: string, runId: string, stepId: string, attempt: string): string {
  return `${logPrefix(pipeline, runId)}${stepId}/${attempt}.log`;
}

/** The logs of a run's step attempts, in the order of their writing. */
export async function readStepLogs(store: ObjectStore, pipeline: string, runId: string, stepId?: string): Promise<StepLogText[]> {
  const prefix = logPrefix(pipeline, runId);
  const logs: StepLogText[] = [];
  for await (const { key } of store.list(prefix)) {
    const [step, file] = key.slice(prefix.length).split('/');
    if (step === undefined || file === undefined || (stepId !== undefined && step !== stepId)) continue;
    logs.push({ step, attempt: file.replace(/\.log$/, ''), text: new TextDecoder().decode((await store.get(key)).body) });
  }
  return logs.sort((a, b) => (a.text < b.text ? -1 : 1));
}

function logPrefix(pipeline: string, runId: string): string {
  return `logs/${pipeline}/${encodeURIComponent(runId)}/`;
}
