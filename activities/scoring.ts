import { rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { ArtifactRef } from '../src/core/artifact.ts';
import { PerennialError } from '../src/core/errors.ts';
import type { Json, JsonObject } from '../src/core/json.ts';
import type { ArtifactStore, ObjectStore } from '../src/core/ports.ts';
import type { FingerprintContext, StepContext, StepResult } from '../src/core/step.ts';
import { createRegistry } from '../src/registry/registry.ts';
import { asideBeside, deliver } from '../src/scoring/deliver.ts';
import { atNominalTime } from '../src/scoring/nominal-places.ts';
import { openSource } from '../src/scoring/open-source.ts';
import { score } from '../src/scoring/score.ts';
import type { ScoredFiles } from '../src/scoring/score.ts';
import { PART_ROWS, SCORE_BUDGET } from '../src/scoring/score-task.ts';
import type { ScoreFormat } from '../src/scoring/score-task.ts';
import { fetchModel } from '../src/scoring/scored-model.ts';
import { storeParts } from '../src/scoring/store-parts.ts';
import { createArtifactStore } from '../src/storage/artifact-store.ts';

export interface ScoreConfig {
  readonly source: { readonly format: string; readonly path: string } & JsonObject;
  readonly model?: string;
  readonly version?: string | number;
  readonly format?: ScoreFormat;
  readonly keep?: 'all' | readonly string[];
  readonly prefix?: string;
  readonly to?: string;
  readonly budget?: number;
  readonly partRows?: number;
  readonly processes?: number;
}

type Inputs = Readonly<Record<string, ArtifactRef>>;

interface Chosen {
  readonly name: string;
  readonly version?: number;
  readonly artifact: Pick<ArtifactRef, 'digest'>;
}

/** What decides the answers: the bytes of the source, and the model that the alias names now. */
export async function fingerprintScoring(ctx: FingerprintContext, config: ScoreConfig, inputs: Inputs): Promise<Json> {
  const artifacts = createArtifactStore(ctx.store);
  const chosen = await chooseModel(ctx, artifacts, config, inputs);
  const source = await openSource({ source: sourceOf(ctx, config), folder: ctx.documentDir }, undefined);
  return { source: source.digest, model: chosen.artifact.digest, name: chosen.name, version: chosen.version ?? null };
}

/** One try of a score step. What tries before it answered, here or on another machine, is taken from the store. */
export async function runScoring(ctx: StepContext, config: ScoreConfig, inputs: Inputs): Promise<StepResult> {
  const chosen = await chooseModel(ctx, ctx.artifacts, config, inputs);
  const model = await fetchModel(await ctx.artifacts.open(chosen.artifact), chosen.name, chosen.version);
  const format = config.format ?? 'parquet';
  // A try that hangs may still hold the folder of its own.
  const folder = join(ctx.workDir, `scoring-${ctx.attempt}`);
  const to = config.to === undefined ? undefined : atNominalTime(config.to, ctx.nominalTime);
  const out = to === undefined ? undefined : resolve(ctx.documentDir, to);
  let clear: (() => Promise<void>) | undefined;
  const files = await score(
    {
      source: sourceOf(ctx, config),
      folder: ctx.documentDir,
      model,
      keep: config.keep ?? [],
      format,
      prefix: config.prefix ?? '',
      budget: config.budget ?? SCORE_BUDGET,
      partRows: config.partRows ?? PART_ROWS,
      ...(config.processes === undefined ? {} : { processes: config.processes }),
    },
    {
      folder,
      outputs: out === undefined ? [] : [out, asideBeside(out)].map((path) => ({ named: path, path })),
      keeper(binding) {
        const parts = storeParts(ctx.store, binding);
        ({ clear } = parts);
        return parts;
      },
    },
    { signal: ctx.signal, onProgress: (update) => ctx.progress(update), onNote: (text) => ctx.log.info(text) },
  );
  const answers = await keepAnswers(ctx.artifacts, files, format);
  if (out !== undefined) await deliver(files, out, asideBeside(out));
  await clear?.();
  await rm(folder, { recursive: true, force: true });
  return resultOf(files, answers, chosen, to);
}

function sourceOf({ nominalTime }: Pick<StepContext, 'nominalTime'>, { source }: ScoreConfig): ScoreConfig['source'] {
  return { ...source, path: atNominalTime(source.path, nominalTime) };
}

/** @throws NOT_FOUND, VERSION_INVALID; CONFIG_INVALID where nothing says which model is meant */
async function chooseModel(
  ctx: { readonly store: ObjectStore; readonly pipeline: string },
  artifacts: ArtifactStore,
  { model, version = 'champion' }: ScoreConfig,
  inputs: Inputs,
): Promise<Chosen> {
  if (model === undefined && inputs['model'] !== undefined) return { name: ctx.pipeline, artifact: inputs['model'] };
  if (model === undefined && inputs['version'] !== undefined) {
    const meta = (await artifacts.open(inputs['version'])).manifest.meta as { model: string; version: number; artifact: string };
    return { name: meta.model, version: meta.version, artifact: { digest: meta.artifact } };
  }
  const name = model ?? ctx.pipeline;
  try {
    const manifest = await createRegistry(ctx.store, artifacts).version(name, version);
    return { name, version: manifest.version, artifact: manifest.model };
  } catch (error) {
    if (model !== undefined || !(error instanceof PerennialError) || error.code !== 'NOT_FOUND') throw error;
    throw new PerennialError(
      'CONFIG_INVALID',
      `Nothing says which model is to answer: the run registers no version, and ${error.message}`,
      {
        hint: 'Name a registered model as "model", or put the step behind a register step.',
        cause: error,
      },
    );
  }
}

async function keepAnswers(artifacts: ArtifactStore, { answers, aside, result }: ScoredFiles, format: ScoreFormat): Promise<ArtifactRef> {
  const { model, version, modelDigest, sourceDigest, columns, rows, answered, aside: refused, unanswered } = result;
  return artifacts.write({
    kind: 'data',
    summary: `answers of ${model}${version === undefined ? '' : ` version ${version}`} for ${answered} of ${rows} rows`,
    files: {
      [`answers.${format}`]: { path: answers },
      ...(aside === undefined ? {} : { [basename(aside)]: { path: aside } }),
    },
    meta: { model, version: version ?? null, modelDigest, sourceDigest, columns: [...columns], rows, answered, aside: refused, unanswered },
  });
}

function resultOf({ result }: ScoredFiles, answers: ArtifactRef, { name, version }: Chosen, to: string | undefined): StepResult {
  const { rows, answered, aside, unanswered, rowsPerSecond, sourceDigest, digest, reasons, resumedParts, parts, notes } = result;
  const who = `${name}${version === undefined ? '' : ` version ${version}`}`;
  return {
    outputs: { answers },
    values: {
      model: name,
      ...(version === undefined ? {} : { version }),
      rows,
      answered,
      aside,
      unanswered,
      rowsPerSecond,
      source: sourceDigest,
      answers: digest,
      ...(to === undefined ? {} : { to }),
      ...(reasons.length === 0
        ? {}
        : { reasons: reasons.slice(0, 3).map(({ reason, rows: count }) => ({ reason: reason.slice(0, 200), rows: count })) }),
    },
    details: [
      `**${who}** answered ${answered} of ${rows} rows, ${rowsPerSecond} a second${aside === 0 ? '' : `; ${aside} were set aside`}${unanswered === 0 ? '' : `; ${unanswered} end no full window`}.`,
      ...(resumedParts === 0 ? [] : [`${resumedParts} of ${parts} parts are of an earlier try.`]),
      ...(to === undefined ? [] : [`Written to \`${to}\`.`]),
      `Source ${sourceDigest}, answers ${digest}.`,
      ...reasons.map(({ reason, rows: count }) => `- ${count} set aside: ${reason.slice(0, 200)}`),
      ...notes.map((note) => `- ${note}`),
    ].join('\n'),
  };
}
