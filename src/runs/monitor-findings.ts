import { actionOf } from '../core/monitor.ts';
import type { AdmissionTask, MonitorFinding, MonitorTask } from '../core/monitor.ts';
import type { DriftTrigger, PlannedTrigger } from '../core/plan.ts';
import type { ArtifactStore, ObjectStore } from '../core/ports.ts';
import { PerennialError } from '../core/errors.ts';
import type { IngestConfig } from '../data/ingest/ingest-config.ts';
import type { UnseenRows } from '../data/ingest/unseen-rows.ts';
import type { DriftCheck } from '../monitoring/drift-checks/drift-check-record.ts';
import type { DriftOptions } from '../monitoring/detect.ts';
import type { DriftReference } from '../monitoring/reference.ts';
import type { VersionManifest } from '../registry/types.ts';
import type { StoreDigest } from '../monitoring/timeline/store-digest.ts';
import { Unread } from '../storage/unread.ts';

export interface MonitorDeps {
  readonly store: ObjectStore;
  readonly artifacts: ArtifactStore;
}

/** Columns in the table of the Temporal UI, drifted ones first: what is longer, it may not show at all. */
const COLUMNS_SHOWN = 40;

/** Are the predictions of the champion asked on other data than it was trained on? Reads the logged predictions of the window. */
export async function checkDrift(deps: MonitorDeps, task: MonitorTask, drift: DriftTrigger): Promise<MonitorFinding> {
  const champion = await watchedChampion(deps, task);
  if (champion === undefined) return nobody(deps, task);
  const [
    { judgeModelDrift, withoutVerdict },
    { readPredictions },
    { driftReference },
    { runDriftCheck },
    { seasonalReference },
    { labelsBetween },
  ] = await Promise.all([
    import('../monitoring/model-drift.ts'),
    import('../monitoring/prediction-window.ts'),
    import('../monitoring/reference.ts'),
    import('../monitoring/drift-checks/run-drift-check.ts'),
    import('../monitoring/seasonal-reference.ts'),
    import('../monitoring/feedback/label-window.ts'),
  ]);
  const reference = await driftReference(deps.store, deps.artifacts, task.model, champion.version);
  const to = new Date(task.nominalTime);
  const window = { from: new Date(to.getTime() - drift.windowMs), to, version: champion.version };
  const unread = new Unread();
  const read = (): ReturnType<typeof readPredictions> => readPredictions(deps.store, task.model, { ...window, unread });
  const labels = await labelsBetween(deps.store, task.model, { ...window, unread });
  const check = (stream: string, against: DriftReference, source: string, mute?: string): Promise<DriftCheck> =>
    runDriftCheck(deps.store, {
      model: task.model,
      version: champion.version,
      stream,
      source,
      at: to.toISOString(),
      window: { from: window.from.toISOString(), to: to.toISOString() },
      rules: {
        windowsMin: drift.windowsMin ?? 1,
        windowsOf: drift.windowsOf ?? 1,
        // Runs have a cool-down of their own, which counts from their end.
        coolDownMs: actionOf(task.check).kind === 'retrain' ? 0 : (drift.coolDownMs ?? 0),
      },
      pool: poolOf(drift),
      compare: async (before) => withoutVerdict(await judgeModelDrift(against, read, rulesOf(drift), before, labels), mute),
    });
  const stream = task.run.plan.pipeline;
  const source = `predictions from ${window.from.toISOString()} to ${to.toISOString()}`;
  const { season, rowsMin } = drift;
  const seasonal = season === undefined ? undefined : await seasonalReference(deps.store, reference, window, { season, rowsMin, unread });
  const found =
    seasonal === undefined
      ? await check(stream, reference, source)
      : seasonal.reference === undefined
        ? await check(stream, reference, source, seasonal.why)
        : await check(stream, seasonal.reference, `${source}, against ${seasonal.when}`);
  const {
    check: last,
    remark,
    since,
  }: Since = found.verdict.alarm && seasonal === undefined
    ? await sinceRetraining(deps, task, champion, { reference, drift, found, check, unread })
    : { check: found, remark: '' };
  const { result, verdict } = last;
  const rows = [...result.columns]
    .sort((a, b) => Number(b.drifted) - Number(a.drifted))
    .map(
      (column) =>
        `| ${column.name} | ${column.score === null ? '' : column.score.toFixed(3)} | ${column.drifted ? '**drift**' : ''} | ${[column.reason, column.note].join(' ').trim().replaceAll('|', '\\|')} |`,
    );
  return {
    champion: champion.version,
    due: verdict.alarm,
    ...(verdict.outcome === 'tooFewRows' ? { tooFewRows: true as const } : {}),
    driftScore: result.driftScore,
    rows: result.rows,
    newRows: 0,
    ...(since === undefined ? {} : { since }),
    summary: [`${verdict.reason}${remark}`, ...unread.notes.map((note) => `${note}.`)].join(' '),
    details: [
      `Check \`${last.id}\`: \`perennial drift show ${last.id}\`${await pagesOf(deps.store, task.model, last.id)}`,
      '',
      '| Column | PSI | | Why |',
      '| --- | ---: | --- | --- |',
      ...rows.slice(0, COLUMNS_SHOWN),
      ...(result.joint ?? []).map(({ test, drifted, reason }) => `| whole rows: ${test} | | ${drifted ? '**drift**' : ''} | ${reason} |`),
      ...(result.notes ?? []).flatMap((note) => ['', note]),
    ].join('\n'),
  };
}

/** Where a server that runs now shows the check and what became of the model; empty without one. */
async function pagesOf(store: ObjectStore, model: string, check: string): Promise<string> {
  const { liveServers } = await import('../registry/confirm.ts');
  const url = (await liveServers(store))[0]?.url;
  if (url === undefined) return '';
  const pages = `${url}/models/${encodeURIComponent(model)}`;
  return ` – [charts](${pages}/drift/${check}/report), [time line of the model](${pages}/timeline)`;
}

interface Comparison {
  readonly reference: DriftReference;
  readonly drift: DriftTrigger;
  readonly found: DriftCheck;
  readonly unread: Unread;
  readonly check: (stream: string, against: DriftReference, source: string) => Promise<DriftCheck>;
}

interface Since {
  readonly check: DriftCheck;
  readonly remark: string;
  /** The drift goes on, and there is more to learn of it: when it was found first. */
  readonly since?: string;
}

/**
 * A champion that was retrained because of drift has learnt from the data of before and of after, so that the questions go on to
 * differ from its data. The reference follows: what counts is whether they differ from the questions that it was retrained for.
 *
 * Right after a change there are few rows to learn it from. So where the questions still differ from the training data, another run is due
 * once there are twice as many rows of after the change as the last run had, by the time that passed, and a window at least: a few runs
 * bring the champion to what is so now, at once, and then ever more rarely.
 */
async function sinceRetraining(
  deps: MonitorDeps,
  task: MonitorTask,
  champion: VersionManifest,
  { reference, drift, found, check, unread }: Comparison,
): Promise<Since> {
  const { retrainedFor } = await import('./trigger-record.ts');
  const window = await retrainedFor(deps.store, task.run.plan.pipeline, champion);
  if (window === undefined) return { check: found, remark: '' };
  const [{ readPredictions }, { askedReference }] = await Promise.all([
    import('../monitoring/prediction-window.ts'),
    import('../monitoring/asked-reference.ts'),
  ]);
  const asked = await askedReference(
    reference,
    () =>
      readPredictions(deps.store, task.model, {
        from: new Date(window.from),
        to: new Date(window.to),
        version: window.version,
        unread,
      }),
    drift.rowsMin,
  );
  const when = `the predictions of version ${window.version} from ${window.from} to ${window.to}, because of which version ${champion.version} was made`;
  if (asked.profile.rows < drift.rowsMin)
    return {
      check: found,
      remark: ` The reference does not follow: only ${asked.profile.rows} of ${when}, are still there with their rows; ${drift.rowsMin} are needed.`,
    };
  const since = await check(`${task.run.plan.pipeline}.since-retraining`, asked, `${found.source}, against ${when}`);
  if (since.verdict.alarm) return { check: since, remark: ` Compared with ${when}.` };
  const begun = window.since ?? window.to;
  const wait = Math.max(drift.windowMs, Date.parse(window.at) - Date.parse(begun));
  const passed = Date.parse(task.nominalTime) - Date.parse(window.at);
  if (passed >= wait && actionOf(task.check).kind === 'retrain')
    return {
      check: found,
      since: begun,
      remark: ` It was found first at ${begun}, and version ${champion.version} was made from few rows of after it: by now there are twice as many.`,
    };
  return { check: since, remark: ` The reference is ${when}; from its training data differ: ${differingOf(found)}.` };
}

function differingOf({ result }: DriftCheck): string {
  const rows = (result.joint ?? []).filter(({ drifted }) => drifted).map(({ test }) => `whole rows (${test})`);
  return [...result.driftedColumns, ...rows].join(', ');
}

/** Windows with a seasonal reference each have one of their own: together they are compared with nothing. */
const poolOf = ({ pool, season }: DriftTrigger): number => (season === undefined ? (pool ?? 1) : 1);

/** Monitors that were applied before tests could be declared go on by the thresholds that they were applied with. */
function rulesOf(drift: DriftTrigger): DriftOptions {
  const { rowsMin, columnsMin, tests, agree, missing, columns, joint, psi, ksPValue, correction, everyMs, windowMs } = drift;
  const before =
    psi === undefined || ksPValue === undefined
      ? undefined
      : [{ psi: { threshold: psi } }, { ks: { threshold: ksPValue } }, 'ksDistance', { chiSquare: { threshold: ksPValue } }];
  const chosen = tests ?? before;
  return {
    rowsMin,
    columnsMin,
    correction: correction ?? 'none',
    pool: poolOf(drift),
    looks: Math.max(1, windowMs / everyMs),
    ...(chosen === undefined ? {} : { tests: chosen }),
    ...(agree === undefined ? {} : { agree }),
    ...(missing === undefined ? {} : { missing }),
    ...(columns === undefined ? {} : { perColumn: columns }),
    ...(joint === undefined ? {} : { joint }),
  };
}

/** What a trigger that has a definition finds. */
export async function checkTrigger(
  deps: MonitorDeps,
  task: MonitorTask,
  name: string,
  { settings }: PlannedTrigger,
): Promise<MonitorFinding> {
  const { triggerRegistry } = await import('../monitoring/triggers/index.generated.ts');
  const trigger = triggerRegistry.get(name);
  const champion = await (trigger.ofChampion ? watchedChampion(deps, task) : championOf(deps, task.model));
  if (champion === undefined && trigger.ofChampion) return nobody(deps, task);
  const look = { pipeline: task.run.plan.pipeline, model: task.model, nominalTime: task.nominalTime };
  const { evidence, details = '', digest, ...found } = await trigger.look(deps, look, settings, champion);
  return {
    champion: champion?.version ?? null,
    driftScore: null,
    newRows: 0,
    ...found,
    details,
    ...(digest === undefined || !found.due ? {} : await digestTexts(digest)),
    evidence: { trigger: name, ...evidence },
  };
}

/** Characters of what goes through the history of a workflow, more than once. */
const DIGEST_CHARS_MAX = { markdown: 60_000, html: 150_000 };

async function digestTexts(digest: StoreDigest): Promise<Pick<MonitorFinding, 'summary' | 'details' | 'page'>> {
  const { digestLine, digestMarkdown, renderDigest } = await import('../reports/digest.ts');
  const [markdown, html] = [digestMarkdown(digest), renderDigest(digest)];
  const isLong = markdown.length > DIGEST_CHARS_MAX.markdown;
  return {
    summary: digestLine(digest),
    details: isLong ? `${markdown.slice(0, DIGEST_CHARS_MAX.markdown)}…\n\nThe whole: \`perennial digest\`\n` : markdown,
    ...(html.length > DIGEST_CHARS_MAX.html ? {} : { page: html }),
  };
}

/** A model without a champion: none yet, or it was taken out of the store, and then nobody watches anything any more. */
async function nobody(deps: MonitorDeps, { model, run }: MonitorTask): Promise<MonitorFinding> {
  const [{ readTriggers }, { readState }] = await Promise.all([
    import('./trigger-record.ts'),
    import('../monitoring/triggers/trigger-state.ts'),
  ]);
  const none = nothing(model);
  const { pipeline } = run.plan;
  // Monitors of before kept nothing but the runs that they started.
  const before =
    versionIn((await readState(deps.store, pipeline, WATCHED))?.seen, model) ??
    (await readTriggers(deps.store, pipeline)).record?.champion ??
    0;
  if (before === 0) return none;
  return {
    ...none,
    blind: true,
    summary: `${model} has no champion any more, which was version ${before} when it was looked at last: there is nothing to watch. Run the pipeline so that there is one again, or take the trigger out of the document and apply it.`,
  };
}

const WATCHED = 'champion';
const seenChampion = (model: string, version: number): string => `${model} ${version}`;

/** @returns undefined where another model was watched, or none */
function versionIn(seen: string | undefined, model: string): number | undefined {
  const [name, version] = (seen ?? '').split(' ');
  return name === model && version !== undefined ? Number(version) : undefined;
}

/** The champion, of which is kept that it was there: whoever looks when it is gone has to know that nothing is watched any more. */
async function watchedChampion(deps: MonitorDeps, { model, run, nominalTime }: MonitorTask): Promise<VersionManifest | undefined> {
  const champion = await championOf(deps, model);
  if (champion === undefined) return undefined;
  const { readState, writeState } = await import('../monitoring/triggers/trigger-state.ts');
  const seen = seenChampion(model, champion.version);
  const { pipeline } = run.plan;
  if ((await readState(deps.store, pipeline, WATCHED))?.seen !== seen)
    await writeState(deps.store, { pipeline, trigger: WATCHED, seen, what: 'was watched', at: nominalTime });
  return champion;
}

/** Does the source hold enough rows that the champion has not seen? */
export async function checkNewData(deps: MonitorDeps, task: MonitorTask, wanted: number): Promise<MonitorFinding> {
  const champion = await watchedChampion(deps, task);
  if (champion === undefined) return nobody(deps, task);
  const counted = await countUnseen(deps, task);
  if (counted === undefined)
    return {
      ...nothing(task.model),
      champion: champion.version,
      blind: true,
      summary: `What ${task.model} version ${champion.version} was made from is not known, so that no row can be told to be new. Take "newData" out of "on", or promote a version that a run of this pipeline made.`,
    };
  const { rows, unseen, note } = counted;
  const summary = `Of ${rows} rows that the source has, version ${champion.version} has not seen ${unseen}${note === '' ? '' : ` (${note})`}; ${wanted} are asked for.`;
  const found = { champion: champion.version, driftScore: null, rows, newRows: unseen, details: '' };
  if (unseen < wanted || actionOf(task.check).kind === 'retrain') return { ...found, due: unseen >= wanted, summary };
  const { readState } = await import('../monitoring/triggers/trigger-state.ts');
  const before = await readState(deps.store, task.run.plan.pipeline, NEW_DATA);
  const isKnown = before?.seen === seenRows(champion.version, unseen, wanted);
  return { ...found, due: !isKnown, summary: isKnown ? `${summary} That was seen to (${before.what}, ${before.at}).` : summary };
}

const NEW_DATA = 'newData';
/** What no run makes go away is said once for each time that as many rows came as are asked for. */
const seenRows = (champion: number, unseen: number, wanted: number): string => `${champion} ${Math.floor(unseen / wanted)}`;

/** Remembers that something else than a run was done about new rows. */
export async function settleNewData(deps: MonitorDeps, { check, finding, run, nominalTime }: AdmissionTask, what: string): Promise<void> {
  if (check.kind !== 'newData' || actionOf(check).kind === 'retrain' || finding.champion === null) return;
  const { writeState } = await import('../monitoring/triggers/trigger-state.ts');
  const seen = seenRows(finding.champion, finding.newRows, check.rows);
  await writeState(deps.store, { pipeline: run.plan.pipeline, trigger: NEW_DATA, seen, what, at: nominalTime });
}

/** Rows of the pipeline's source that the champion was not made from; undefined where there is no champion, or its data are not known. */
export async function countUnseen(deps: MonitorDeps, task: MonitorTask): Promise<UnseenRows | undefined> {
  const champion = await championOf(deps, task.model);
  if (champion === undefined || champion.dataset === null) return undefined;
  const { steps, documentDir } = task.run.plan;
  const ingest = steps.find((step) => step.type === 'ingest' && Object.values(step.outputs).includes('dataset'));
  if (ingest === undefined) {
    if (task.check.kind !== 'newData') return undefined;
    throw new PerennialError('CONFIG_INVALID', 'The pipeline has no step that reads a source, so that its growth cannot be seen.', {
      hint: 'Take "newData" out of "on", or add an "ingest" step.',
    });
  }
  const [{ unseenRows }, { knownRowsOf }] = await Promise.all([
    import('../data/ingest/unseen-rows.ts'),
    import('../registry/append-base.ts'),
  ]);
  const dataset = await deps.artifacts.open({ digest: champion.dataset });
  const config = ingest.config as unknown as IngestConfig;
  // Rows that are appended are a part of what the champion has seen.
  const known =
    config.mode === 'append'
      ? await knownRowsOf(deps.artifacts, champion)
      : { text: `${task.model} version ${champion.version}`, model: task.model, version: champion.version, groups: [[dataset]] };
  return unseenRows(dataset, known, {
    config,
    documentDir,
    nominalTime: task.nominalTime,
  });
}

async function championOf(deps: MonitorDeps, model: string): Promise<VersionManifest | undefined> {
  const { createRegistry } = await import('../registry/registry.ts');
  const registry = createRegistry(deps.store, deps.artifacts);
  const champion = (await registry.routing(model))?.routing.aliases.champion;
  return champion === undefined ? undefined : registry.version(model, champion);
}

function nothing(model: string): MonitorFinding {
  return {
    champion: null,
    due: false,
    driftScore: null,
    rows: 0,
    newRows: 0,
    summary: `${model} has no champion yet, so there is nothing to compare with.`,
    details: '',
  };
}
