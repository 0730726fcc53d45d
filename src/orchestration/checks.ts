import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MonitorFinding, MonitorTask } from '../core/monitor.ts';
import type { DriftTrigger, PlanStep } from '../core/plan.ts';
import type { ArtifactStore, ObjectStore } from '../core/ports.ts';
import { PerennialError } from '../core/errors.ts';
import type { IngestConfig } from '../data/ingest/ingest-tables.ts';
import type { DatasetMeta } from '../data/types.ts';
import type { DriftRules } from '../monitoring/settings.ts';
import type { VersionManifest } from '../registry/types.ts';

export interface CheckDeps {
  readonly store: ObjectStore;
  readonly artifacts: ArtifactStore;
}

/** Columns in the table of the Temporal UI, drifted ones first: what is longer, it may not show at all. */
const COLUMNS_SHOWN = 40;

/** Are the predictions of the champion asked on other data than it was trained on? Reads the logged predictions of the window. */
export async function checkDrift(deps: CheckDeps, task: MonitorTask, drift: DriftTrigger): Promise<MonitorFinding> {
  const champion = await championOf(deps, task.model);
  if (champion === undefined) return nothing(task.model);
  const [{ detectModelDrift }, { readPredictions }, { driftReference }] = await Promise.all([
    import('../monitoring/model-drift.ts'), import('../monitoring/prediction-window.ts'), import('../monitoring/reference.ts'),
  ]);
  const reference = await driftReference(deps.store, deps.artifacts, task.model, champion.version);
  const to = new Date(task.nominalTime);
  const window = { from: new Date(to.getTime() - drift.windowMs), to, version: champion.version };
  const result = await detectModelDrift(reference, () => readPredictions(deps.store, task.model, window), rulesOf(drift));
  const rows = [...result.columns].sort((a, b) => Number(b.drifted) - Number(a.drifted)).map((column) => `| ${column.name} | ${column.score === null ? '' : column.score.toFixed(3)} | ${column.drifted ? '**drift**' : ''} | ${[column.reason, column.note].join(' ').trim().replaceAll('|', '\\|')} |`);
  return {
    champion: champion.version,
    due: result.drifted,
    driftScore: result.driftScore,
    rows: result.rows,
    newRows: 0,
    summary: result.summary,
    details: ['| Column | PSI | | Why |', '| --- | ---: | --- | --- |', ...rows.slice(0, COLUMNS_SHOWN)].join('\n'),
  };
}

/** Monitors that were applied before tests could be declared go on by the thresholds that they were applied with. */
function rulesOf({ rowsMin, columnsMin, tests, agree, missing, columns, psi, ksPValue }: DriftTrigger): DriftRules {
  const before = psi === undefined || ksPValue === undefined ? undefined : [{ psi: { threshold: psi } }, { ks: { threshold: ksPValue } }, 'ksDistance', { chiSquare: { threshold: ksPValue } }];
  const chosen = tests ?? before;
  return { rowsMin, columnsMin, ...(chosen === undefined ? {} : { tests: chosen }), ...(agree === undefined ? {} : { agree }), ...(missing === undefined ? {} : { missing }), ...(columns === undefined ? {} : { perColumn: columns }) };
}

/** Has the source grown by enough rows since the champion's data was read? */
export async function checkNewData(deps: CheckDeps, task: MonitorTask, wanted: number): Promise<MonitorFinding> {
  const champion = await championOf(deps, task.model);
  if (champion === undefined || champion.dataset === null) return nothing(task.model);
  const ingest = task.run.plan.steps.find((step) => Object.values(step.outputs).includes('dataset') && Object.keys(step.inputs).length === 0);
  if (ingest === undefined) throw new PerennialError('CONFIG_INVALID', 'The pipeline has no step that reads a source, so that its growth cannot be seen.', { hint: 'Take "newData" out of "on", or add an "ingest" step.' });
  const { manifest } = await deps.artifacts.open({ digest: champion.dataset });
  const meta = manifest.meta as unknown as DatasetMeta;
  const known = Object.values(meta.rows).reduce((sum, rows) => sum + rows, 0) + meta.quarantined;
  const rows = await rowsOfSource(ingest, task, meta, known);
  const newRows = Math.max(0, rows - known);
  return { champion: champion.version, due: newRows >= wanted, driftScore: null, rows, newRows, summary: `The source has ${rows} rows, ${newRows} more than version ${champion.version} was made from; ${wanted} are asked for.`, details: '' };
}

/** Rows that an ingest would read now, quarantined ones included. A source with the same bytes as then is not read again. */
async function rowsOfSource(ingest: PlanStep, task: MonitorTask, meta: DatasetMeta, known: number): Promise<number> {
  const config = ingest.config as unknown as IngestConfig;
  const { documentDir } = task.run.plan;
  const [{ lookAtSource }, { readTables }, { withDatabase }] = await Promise.all([import('../data/ingest/ingest.ts'), import('../data/ingest/ingest-tables.ts'), import('../data/duckdb.ts')]);
  const { files, fingerprint } = await lookAtSource(config, documentDir);
  if (config.window === undefined && fingerprint.digest === meta.source.digest) return known;
  const workDir = await mkdtemp(join(tmpdir(), 'perennial-count-'));
  try {
    const { rows, quarantined } = await withDatabase((db) => readTables({ db, config, files, nominalTime: task.nominalTime, workDir, documentDir }));
    return rows.train + rows.validation + rows.test + quarantined;
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

async function championOf(deps: CheckDeps, model: string): Promise<VersionManifest | undefined> {
  const { createRegistry } = await import('../registry/registry.ts');
  const registry = createRegistry(deps.store, deps.artifacts);
  const champion = (await registry.routing(model))?.routing.aliases.champion;
  return champion === undefined ? undefined : registry.version(model, champion);
}

function nothing(model: string): MonitorFinding {
  return { champion: null, due: false, driftScore: null, rows: 0, newRows: 0, summary: `${model} has no champion yet, so there is nothing to compare with.`, details: '' };
}
