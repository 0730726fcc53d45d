import { resolve } from 'node:path';
import type { Temporal } from '../../runs/connect.ts';
import { findShownRun } from '../../runs/find-run.ts';
import { partsOfRun, partsOfVersion } from '../../runs/run-report-parts.ts';
import { describeRun, inputOf } from '../../runs/runs.ts';
import { renderRunReport } from '../../reports/run-report.ts';
import type { RunReportParts } from '../../reports/run-report.ts';
import { createArtifactStore } from '../../storage/artifact-store.ts';
import { openStore } from '../../storage/open-store.ts';
import type { CliIo } from '../commands/command.ts';
import { openRegistry } from '../models/options.ts';
import { writeOut } from '../write-out.ts';

/** Writes the page of a run, whatever became of it. */
export async function runReportAction(temporal: Temporal, run: string, out: string | undefined, io: CliIo): Promise<void> {
  const address = await findShownRun(temporal, run);
  const [view, input] = await Promise.all([describeRun(temporal, address), inputOf(temporal, address)]);
  const store = await openStore();
  await write(await partsOfRun(store, createArtifactStore(store), view, input.plan), out ?? `${view.pipeline}-${view.runId}.html`, io);
}

/** Writes the page of a version. */
export async function versionReportAction(io: CliIo, model: string, reference: string, out: string | undefined): Promise<void> {
  const { store, artifacts, registry } = await openRegistry();
  const version = await registry.version(model, reference);
  const aliases = Object.entries((await registry.routing(model))?.routing.aliases ?? {}).flatMap(([alias, number]) =>
    number === version.version ? [alias] : [],
  );
  await write(await partsOfVersion(store, artifacts, version, aliases), out ?? `${model}-${version.version}.html`, io);
}

async function write(parts: RunReportParts, out: string, io: CliIo): Promise<void> {
  const file = resolve(out);
  const page = await renderRunReport(parts);
  await writeOut(file, page);
  io.result({ file, bytes: Buffer.byteLength(page) });
  io.print(`Wrote ${file}`);
}
