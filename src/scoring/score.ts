import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { PerennialError } from '../core/errors.ts';
import type { NamedPath } from '../platform/same-file.ts';
import { sha256File } from '../storage/digest.ts';
import { answerColumns } from '../data/answers/answer-columns.ts';
import { answerList } from './answer-list.ts';
import { joinAnswers, joinAside } from './assemble.ts';
import { Budget } from './budget.ts';
import { openSource } from './open-source.ts';
import { wholeParts } from './parts.ts';
import type { PartKeeper } from './parts.ts';
import type { PartOrder, ScorerJob } from './protocol.ts';
import { ANSWERS_ENDING, ROWS_FILE, partName } from './score-task.ts';
import type { PartRecord, ScoreResult, ScoreTask } from './score-task.ts';
import { Scorers } from './scorers.ts';
import { modelFacts } from './scored-model.ts';
import type { ModelFacts } from './scored-model.ts';
import { readSnapshot, takeSnapshot } from './snapshot.ts';
import type { Snapshot } from './snapshot.ts';
import { WorkFolder, bindingOf } from './work-folder.ts';

export interface ScoreHooks {
  readonly signal?: AbortSignal;
  readonly onProgress?: (update: { readonly message: string; readonly fraction?: number; readonly samplesPerSecond?: number }) => void;
  /** What people should know while it runs. */
  readonly onNote?: (text: string) => void;
}

/** Where scoring happens. */
export interface ScorePlace {
  /** Folder of this scoring: what an earlier try left in it is gone on with. */
  readonly folder: string;
  /** Files that its answers and the rows set aside are moved to. */
  readonly outputs: readonly NamedPath[];
  /** Keeps parts for other machines, by what binds them together. */
  readonly keeper?: (binding: string) => PartKeeper;
}

/** Files in the folder of the scoring, ready to be moved to where they belong. */
export interface ScoredFiles {
  readonly answers: string;
  readonly aside?: string;
  readonly result: Omit<ScoreResult, 'output' | 'asidePath'> & { readonly columns: readonly string[]; readonly digest: string };
}

/** Memory of the databases of all processes together. */
const DATABASE_MB = 1_024;
/** Of the source: from so many on one more process is worth its start. */
const BYTES_PER_PROCESS = 4 * 2 ** 20;

/**
 * Answers all rows of a source with a model, in parts of bounded size: whatever ends this is gone on with by calling it again, and the
 * answers are the same bytes as if nothing had happened. What an earlier try computed of another source, by another model or with other
 * settings is thrown away, and said.
 *
 * @throws SOURCE_EMPTY, SOURCE_NOT_FOUND, SOURCE_INVALID, COLUMN_MISSING, SOURCE_CHANGED; DATA_INVALID where more rows are set aside than
 * the budget lets; USAGE where another process works in the folder; STORE_FULL; CANCELLED
 */
export async function score(task: ScoreTask, place: ScorePlace, hooks: ScoreHooks = {}): Promise<ScoredFiles> {
  const { signal } = hooks;
  const started = performance.now();
  const facts = await modelFacts(task.model);
  hooks.onProgress?.({ message: `looking at ${task.source.path}` });
  const source = await openSource(task, facts.preprocessor.reading);
  await source.requireApart(place.outputs);
  const work = await WorkFolder.open(place.folder, await bindingOf(task, source), hooks.onNote);
  let scorers: Scorers | undefined;
  try {
    if (facts.preprocessor.series !== undefined && (task.processes ?? 1) > 1)
      hooks.onNote?.('One process answers: windows reach back over the parts before.');
    // They load the library while the source is read.
    scorers = new Scorers(processesFor(task, facts, source.bytes), facts.isPlain);
    const snapshot = (await readSnapshot(work.folder)) ?? (await readAnew(task, source, facts, work.folder, hooks));
    const columns = columnsOf(task, facts, snapshot);
    const keeper = place.keeper?.(work.digest);
    const known = await wholeParts(work.partsDir, keeper);
    const orders = ordersOf(task, snapshot, facts, known);
    const budget = new Budget(task, snapshot);
    for (const record of known.values()) budget.add(record);
    const records = new Map(known);
    const done = [...known.values()].reduce((sum, { rows }) => sum + rows, 0);
    if (known.size > 0)
      hooks.onNote?.(`${known.size} of ${Math.ceil(snapshot.rows / task.partRows)} parts of an earlier try are taken over.`);
    const keeping: Promise<void>[] = [];
    let lost: unknown;
    const answering = performance.now();
    let rows = 0;
    if (orders.some(({ answered }) => answered))
      await scorers.run({
        job: await writeJob(task, snapshot, work),
        orders,
        signal,
        onRows(some) {
          rows += some;
          const perSecond = Math.round((1_000 * rows) / (performance.now() - answering));
          hooks.onProgress?.({
            message: `${done + rows} of ${snapshot.rows} rows are answered`,
            fraction: (done + rows) / snapshot.rows,
            samplesPerSecond: perSecond,
          });
        },
        onPart(record) {
          budget.add(record);
          records.set(record.part, record);
          if (lost !== undefined) throw lost as Error;
          // A store that is away is noticed with the next part.
          if (keeper !== undefined) keeping.push(keeper.keep(record, work.partsDir).catch((error: unknown) => void (lost ??= error)));
        },
      });
    await Promise.all(keeping);
    if (lost !== undefined) throw lost as Error;
    hooks.onProgress?.({ message: 'writing the answers', fraction: 1 });
    const files = await assemble(task, work, snapshot, [...records.values()], columns, signal);
    const seconds = (performance.now() - started) / 1_000;
    return {
      ...files,
      result: {
        model: task.model.name,
        ...(task.model.version === undefined ? {} : { version: task.model.version }),
        modelDigest: task.model.ref.digest,
        sourceDigest: source.digest,
        columns,
        digest: await sha256File(files.answers),
        ...budget.counts(),
        resumedParts: known.size,
        parts: records.size,
        seconds: Number(seconds.toFixed(3)),
        rowsPerSecond: Math.round((snapshot.rows - done) / seconds),
        reasons: await budget.reasons(files.aside),
        notes: snapshot.notes,
      },
    };
  } finally {
    scorers?.stop();
    await work.leave();
  }
}

async function readAnew(
  task: ScoreTask,
  source: Awaited<ReturnType<typeof openSource>>,
  facts: ModelFacts,
  folder: string,
  hooks: ScoreHooks,
): Promise<Snapshot> {
  hooks.onProgress?.({ message: `reading ${task.source.path}` });
  return source.unchanged(() => takeSnapshot(task, source, facts, folder, hooks.signal));
}

/** @throws USAGE where names clash */
function columnsOf({ prefix, format }: ScoreTask, { output, width }: ModelFacts, { kept }: Snapshot): string[] {
  return answerList({ columns: answerColumns(output, width), kept, prefix, format }).map(({ name }) => name);
}

/** What is left to do. Windows reach back over the parts before: these are read once more, and not answered. */
function ordersOf(
  { partRows }: ScoreTask,
  { rows }: Snapshot,
  { preprocessor }: ModelFacts,
  known: ReadonlyMap<number, PartRecord>,
): PartOrder[] {
  const all = Array.from({ length: Math.ceil(rows / partRows) }, (_, part): PartOrder => {
    const first = part * partRows;
    return { part, first, rows: Math.min(partRows, rows - first), answered: !known.has(part) };
  });
  if (preprocessor.series === undefined) return all.filter(({ answered }) => answered);
  return all.slice(0, all.findLastIndex(({ answered }) => answered) + 1);
}

function processesFor({ processes }: ScoreTask, { preprocessor }: ModelFacts, bytes: number): number {
  if (preprocessor.series !== undefined) return 1;
  const heavy = preprocessor.columns.some(({ type }) => type === 'image') || preprocessor.applyColumns === undefined;
  return processes ?? Math.max(1, Math.min(availableParallelism(), Math.ceil(bytes / (heavy ? BYTES_PER_PROCESS / 8 : BYTES_PER_PROCESS))));
}

async function writeJob(task: ScoreTask, { kept, images, rows, sorted }: Snapshot, work: WorkFolder): Promise<string> {
  const { model, format, prefix } = task;
  const job: ScorerJob = {
    model,
    place: {
      path: join(work.folder, ROWS_FILE),
      snapshot: { images, ...(sorted === undefined ? {} : { sorted }) },
      imageFolder: dirname(resolve(task.folder, task.source.path)),
    },
    rows,
    kept,
    format,
    prefix,
    partsDir: work.partsDir,
    memory: `${Math.max(256, Math.round(DATABASE_MB / availableParallelism()))}MB`,
    threads: 1,
  };
  const path = join(work.folder, 'job.json');
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, JSON.stringify(job));
  return path;
}

async function assemble(
  { format }: ScoreTask,
  work: WorkFolder,
  { malformed, rows }: Snapshot,
  records: readonly PartRecord[],
  columns: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Pick<ScoredFiles, 'answers' | 'aside'>> {
  const inOrder = [...records].sort((a, b) => a.part - b.part);
  const covered = inOrder.reduce((sum, record) => sum + record.rows, 0);
  if (covered !== rows) throw new PerennialError('INTERNAL', `The parts hold ${covered} rows of ${rows}.`);
  const answers = join(work.folder, `answers${ANSWERS_ENDING[format]}`);
  const path = (part: number, ending: string): string => join(work.partsDir, `${partName(part)}${ending}`);
  await joinAnswers(
    format,
    inOrder.map(({ part }) => path(part, ANSWERS_ENDING[format])),
    columns,
    answers,
    signal,
  );
  const bad = inOrder.filter(({ aside }) => aside > 0).map(({ part }) => path(part, '.aside.ndjson'));
  if (bad.length === 0 && malformed.length === 0) return { answers };
  const aside = join(work.folder, 'aside.ndjson');
  await joinAside(malformed, bad, aside, signal);
  return { answers, aside };
}
