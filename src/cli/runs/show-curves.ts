import { createArtifactStore } from '../../storage/artifact-store.ts';
import { openStore } from '../../storage/open-store.ts';
import type { Temporal } from '../../runs/connect.ts';
import type { RunAddress } from '../../runs/run-address.ts';
import { curvesOfRun } from '../../runs/run-curves.ts';
import { describeRun } from '../../runs/runs.ts';
import { curveLines } from '../curves-text.ts';
import type { CliIo } from '../commands/command.ts';

/** Columns of what is no terminal, as a file. */
const COLUMNS = 100;

/** Draws the training curves of a run. */
export async function showCurves(temporal: Temporal, run: RunAddress, io: CliIo): Promise<void> {
  const view = await describeRun(temporal, run);
  const store = await openStore();
  const found = await curvesOfRun(store, createArtifactStore(store), view);
  io.result({
    run: `${view.pipeline}/${view.runId}`,
    status: view.status,
    trainings: found.map(({ kept, ...curves }) => ({ ...curves, attempts: kept?.attempts ?? [] })),
  });
  const columns = process.stdout.isTTY ? process.stdout.columns : COLUMNS;
  if (found.length === 0) io.print(`No step of ${view.pipeline}/${view.runId} has trained yet.`);
  found.forEach((curves, index) => {
    if (index > 0) io.print();
    for (const line of curveLines(curves, columns)) io.print(line);
  });
}
