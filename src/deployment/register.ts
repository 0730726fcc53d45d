import type { ArtifactRef } from '../core/artifact.ts';
import { PerennialError, isPerennialError } from '../core/errors.ts';
import type { Json, JsonObject } from '../core/json.ts';
import type { ArtifactStore, OpenArtifact } from '../core/ports.ts';
import { ofThePast } from '../core/run.ts';
import type { StepContext, StepResult } from '../core/step.ts';
import type { Registry } from '../registry/registry.ts';
import type { ModelSignature, RegistrationCheck, VersionManifest } from '../registry/types.ts';
import type { StoredExport } from '../registry/version-exports.ts';
import type { CardSections } from '../reports/model-card.ts';
import type { Named } from '../training/model/named.ts';
import { MODEL } from '../training/model/model-meta.ts';
import type { ModelMeta } from '../training/model/model-meta.ts';
import { EVALUATION } from '../reports/write-evaluation.ts';
import type { EvaluationMeta } from '../reports/write-evaluation.ts';
import { metaAs, openAs } from '../storage/stored.ts';
import { createRegistry } from '../registry/registry.ts';
import { checkRegistration } from '../serving/registration-check.ts';
import { saveApprovals } from '../registry/version-approvals.ts';
import { writeCard } from '../reports/version-card.ts';
import { makeExport, saveExports } from '../registry/version-exports.ts';
import { loadPreprocessor } from '../data/preprocess/preprocessor.ts';
import { signatureOf } from '../registry/signature.ts';
import { promptPreprocessor } from '../data/answers/prompts.ts';

/** Configuration of a register step. */
export interface RegisterConfig {
  readonly model?: string;
  readonly alias?: string | null;
  readonly description?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly exports?: readonly Named[];
  readonly card?: CardSections;
}

/**
 * Sends raw test rows to the model, makes its exports, and gives it a version under the alias; the same model gets the same version.
 *
 * @throws GATE_REJECTED for a model whose evaluation failed; REGISTRATION_DIFFERS, EXPORT_DIFFERS; CONFIG_INVALID for the evaluation of
 * another model
 */
export async function registerModel(
  ctx: StepContext,
  config: RegisterConfig,
  inputs: Readonly<Record<string, ArtifactRef>>,
): Promise<StepResult> {
  const name = config.model ?? ctx.pipeline;
  const model = await ctx.artifacts.open(inputs['model']!);
  const meta = metaAs(model, MODEL);
  const evaluation = inputs['evaluation'] === undefined ? undefined : await readEvaluation(ctx.artifacts, inputs['evaluation'], model);
  ctx.progress({ message: 'sending raw test rows to the model' });
  const check = await checkRegistration(ctx.artifacts, model, name);
  const exported = await makeExports(ctx, model, name, config.exports ?? []);
  const registry = createRegistry(ctx.store, ctx.artifacts);
  const registered = await registry.register({
    model: name,
    modelRef: inputs['model']!,
    ...(evaluation === undefined ? {} : { evaluationRef: inputs['evaluation']!, metrics: evaluation.metrics, verdict: evaluation.verdict }),
    pipeline: ctx.pipeline,
    runId: ctx.runId,
    stepId: ctx.stepId,
    planRevision: ctx.planRevision,
    createdBy: `run ${ctx.runId} (${ctx.trigger})`,
    description: config.description ?? '',
    tags: config.tags ?? {},
    signature: await readSignature(model, meta),
    dataset: meta.dataset,
    check,
    nominalTime: ctx.nominalTime,
  });
  const { version } = registered;
  if (exported.length > 0) await saveExports(ctx.store, name, version, exported);
  if (ctx.approvals !== undefined) {
    await saveApprovals(ctx.store, { name, version, run: `${ctx.pipeline}/${ctx.runId}` }, ctx.approvals);
  }
  ctx.progress({ message: 'writing the model card' });
  await writeCard(ctx.store, ctx.artifacts, registered.manifest, config.card ?? {});
  const { alias, stays } = await moveAlias(
    ctx,
    registry,
    config.alias === undefined ? 'challenger' : config.alias,
    registered.manifest,
    registered.created,
  );
  const summary = `${name} version ${version}`;
  const output = await ctx.artifacts.write({
    kind: 'version',
    summary,
    files: {},
    meta: { model: name, version, artifact: inputs['model']!.digest, evaluation: inputs['evaluation']?.digest ?? null },
  });
  const told = registered.created ? `Registered **${summary}**` : `The same model is **${summary}** already`;
  ctx.log.info(registered.created ? 'registered' : 'registered already', { model: name, version });
  return {
    outputs: { version: output },
    values: {
      model: name,
      version,
      created: registered.created,
      alias,
      check: check as unknown as Json,
      ...(exported.length === 0
        ? {}
        : { exports: exported.map(({ format, check }) => ({ format, largestDifference: check.largestDifference })) }),
    },
    details: `${told}${alias === null ? '' : `, alias \`${alias}\``}.${stays === undefined ? '' : ` ${stays}`} \`perennial models show ${name} ${version}\`\n- ${checkText(check)}${exported.map(({ artifact }) => `\n- ${artifact.summary}`).join('')}`,
  };
}

/** @returns the alias that names the version now; or why it stays where it is */
async function moveAlias(
  ctx: StepContext,
  registry: Registry,
  alias: string | null,
  { name, version }: VersionManifest,
  created: boolean,
): Promise<{ readonly alias: string | null; readonly stays?: string }> {
  if (alias === null) return { alias };
  const past = ofThePast(ctx.trigger);
  if (past !== undefined) return { alias: null, stays: `The alias \`${alias}\` stays where it is: the run is ${past}.` };
  const why = created ? 'A new version was registered.' : `The model of run ${ctx.runId} is this version already.`;
  try {
    await registry.setAlias(name, alias, version, { who: `run ${ctx.runId}`, why, automatic: true });
    return { alias };
  } catch (error) {
    if (!isPerennialError(error, 'VERSION_OUTDATED')) throw error;
    return { alias: null, stays: `The alias \`${alias}\` stays where it is: ${error.message}` };
  }
}

function checkText(check: RegistrationCheck): string {
  if ('notChecked' in check) return `raw rows were not sent to it: ${check.notChecked}`;
  return `${check.rows} raw test rows of the ${check.from}, sent ${check.ways.join(' and ')}, are answered as in the evaluation (largest difference ${check.largestDifference.toPrecision(2)})`;
}

/** Before there is a version: an export that fails leaves none behind. */
async function makeExports(ctx: StepContext, model: OpenArtifact, name: string, wanted: readonly Named[]): Promise<StoredExport[]> {
  const made: StoredExport[] = [];
  for (const [index, named] of wanted.entries()) {
    ctx.progress({
      message: `${index} of ${wanted.length} exports are made; making ${typeof named === 'string' ? named : Object.keys(named)[0]}`,
      fraction: index / wanted.length,
    });
    made.push(await makeExport(ctx.artifacts, model, name, named));
  }
  return made;
}

async function readEvaluation(artifacts: ArtifactStore, ref: ArtifactRef, model: OpenArtifact): Promise<EvaluationMeta> {
  const { meta: facts } = await openAs(artifacts, EVALUATION, ref);
  if (facts.model !== model.ref.digest) {
    throw new PerennialError(
      'CONFIG_INVALID',
      `The evaluation ${ref.digest.slice(0, 12)} judges the model ${facts.model.slice(0, 12)}, not the one to be registered (${model.ref.digest.slice(0, 12)}).`,
      {
        hint: 'Name the evaluation of this model under "inputs" of the register step.',
      },
    );
  }
  if (!facts.verdict.passed)
    throw new PerennialError(
      'GATE_REJECTED',
      `The model was not registered, since its evaluation failed: ${facts.verdict.reasons.join('; ')}.`,
    );
  return facts;
}

async function readSignature(model: OpenArtifact, meta: ModelMeta): Promise<ModelSignature> {
  if (meta.output.kind === 'text') {
    return signatureOf(promptPreprocessor(await model.json<JsonObject>('preprocessor.json'), meta.output), meta.output, meta.outputShape);
  }
  return signatureOf(loadPreprocessor(await model.json<JsonObject>('preprocessor.json')), meta.output, meta.outputShape);
}
