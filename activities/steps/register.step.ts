import type { ArtifactRef } from '../../src/core/artifact.ts';
import { PerennialError, isPerennialError } from '../../src/core/errors.ts';
import type { Json, JsonObject, JsonSchema } from '../../src/core/json.ts';
import type { ArtifactStore, OpenArtifact } from '../../src/core/ports.ts';
import { ofThePast } from '../../src/core/run.ts';
import type { StepContext } from '../../src/core/step.ts';
import { DEFAULT_RETRY, defineStep } from '../../src/core/step.ts';
import type { Registry } from '../../src/registry/registry.ts';
import type { ModelSignature, RegistrationCheck, VersionManifest } from '../../src/registry/types.ts';
import type { StoredExport } from '../../src/registry/version-exports.ts';
import type { CardSections } from '../../src/reports/model-card.ts';
import type { Named } from '../../src/training/model/named.ts';
import { MODEL } from '../../src/training/model/model-meta.ts';
import type { ModelMeta } from '../../src/training/model/model-meta.ts';
import { EVALUATION } from '../../src/reports/write-evaluation.ts';
import type { EvaluationMeta } from '../../src/reports/write-evaluation.ts';
import { metaAs, openAs } from '../../src/storage/stored.ts';

interface RegisterConfig {
  readonly model?: string;
  readonly alias?: string | null;
  readonly description?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly exports?: readonly Named[];
  readonly card?: CardSections;
}

/** Of an evaluation's `meta`: what its version remembers. */
const NAME_PATTERN = '^[a-z0-9][a-z0-9._-]{0,62}$';

const texts = (description: string, example: string): JsonSchema => ({
  type: 'array',
  items: { type: 'string', minLength: 1, maxLength: 2000 },
  maxItems: 50,
  description,
  examples: [[example]],
});

const CARD_SCHEMA: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  default: {},
  description:
    'What people say in the model card that is written with every version, beside what is known: data, columns, metrics by slice, limits that the evaluation found.',
  examples: [{ useCases: ['Telling species apart in the field.'], limitations: ['Adult birds only.'], license: 'CC0-1.0' }],
  properties: {
    overview: {
      type: 'string',
      maxLength: 2000,
      description: 'The model in a sentence. Default: "description".',
      examples: ['Tells three species of penguins apart.'],
    },
    documentation: {
      type: 'string',
      maxLength: 20_000,
      description: 'A thorough description of the model and its use.',
      examples: ['Measured at Palmer Station.'],
    },
    owners: {
      type: 'array',
      maxItems: 20,
      description: 'Who owns the model.',
      examples: [[{ name: 'Ada', contact: 'ada@example.org' }]],
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name'],
        properties: {
          name: { type: 'string', minLength: 1, maxLength: 200, description: 'A person or a team.' },
          contact: { type: 'string', maxLength: 500, description: 'How they are reached.' },
        },
      },
    },
    license: {
      type: 'string',
      minLength: 1,
      maxLength: 20_000,
      description: 'An SPDX identifier, or the text of a license.',
      examples: ['Apache-2.0'],
    },
    references: {
      ...texts('Addresses with more about the model.', 'https://example.org/penguins'),
      items: { type: 'string', format: 'uri' },
    },
    citation: { type: 'string', maxLength: 5000, description: 'How the model is cited.', examples: ['Ada, 2026'] },
    users: texts('Whom the model is for.', 'Field biologists'),
    useCases: texts('What it is for.', 'Telling species apart in the field.'),
    limitations: texts('Where it is not to be relied on.', 'Adult birds only.'),
    tradeoffs: texts('What was given up for what.', 'Small enough for a phone, at a percent of accuracy.'),
    ethicalConsiderations: {
      type: 'array',
      maxItems: 50,
      description: 'Risks, and what is done about each.',
      examples: [[{ name: 'Disturbing a colony', mitigation: 'Photographs from a distance.' }]],
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'mitigation'],
        properties: {
          name: { type: 'string', minLength: 1, maxLength: 2000, description: 'The risk.' },
          mitigation: { type: 'string', minLength: 1, maxLength: 2000, description: 'What is done about it.' },
        },
      },
    },
    sensitiveData: texts('Sensitive data in what it learnt from.', 'Places of nests'),
  },
};

export default defineStep<RegisterConfig>({
  type: 'register',
  version: 1,
  summary: 'Gives the model a version in the registry: immutable, numbered without gaps, and found under an alias.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      model: {
        type: 'string',
        pattern: NAME_PATTERN,
        description: 'Name to register under. Default: the name of the pipeline.',
        examples: ['penguins'],
      },
      alias: {
        type: ['string', 'null'],
        pattern: NAME_PATTERN,
        default: 'challenger',
        description: 'Alias that moves to the new version, or null for none. "champion" is moved by the deploy step.',
        examples: ['challenger', 'candidate'],
      },
      description: {
        type: 'string',
        maxLength: 2000,
        default: '',
        description: 'Kept with the version.',
        examples: ['Trained without the columns of the old sensor.'],
      },
      tags: {
        type: 'object',
        additionalProperties: { type: 'string', maxLength: 500 },
        propertyNames: { maxLength: 100 },
        default: {},
        description: 'Words of your own, kept with the version.',
        examples: [{ team: 'ornithology' }],
      },
      exports: {
        type: 'array',
        items: { $ref: '#/definitions/export' },
        maxItems: 16,
        default: [],
        description:
          'Formats of other programs that the version is kept in as well. Each is read again and compared with the model on rows of the test split before anything is registered; one that differs too much fails the step.',
        examples: [['savedModel', 'kerasH5', { tfjs: { quantize: { uint8: '*' } } }]],
      },
      card: CARD_SCHEMA,
    },
  },
  inputs: {
    model: { kind: 'model' },
    evaluation: {
      kind: 'evaluation',
      optional: true,
      description: 'Its metrics and verdict are kept with the version; a failed verdict is refused.',
    },
  },
  outputs: { version: { kind: 'version' } },
  timeouts: { startToCloseMs: 600_000, heartbeatMs: 60_000 },
  retry: DEFAULT_RETRY,
  // An effect outside the artifacts; idempotent by the digest of the model instead.
  cacheable: false,
  examples: [
    { title: 'Under the name of the pipeline, as challenger', config: { alias: 'challenger' } },
    {
      title: 'With exports for TensorFlow, Keras and TensorFlow.js',
      config: { exports: ['savedModel', 'kerasH5', { tfjs: { quantize: { float16: '*' } } }] },
    },
    { title: 'Under another name, with tags', config: { model: 'penguins-small', alias: null, tags: { team: 'ornithology' } } },
  ],
  describe: ({ model, alias }) =>
    `${model === undefined ? 'under the name of the pipeline' : `as ${model}`}${alias === null ? '' : `, alias ${alias ?? 'challenger'}`}`,
  check(config) {
    const { alias } = config;
    if (alias === 'champion')
      return [
        {
          pointer: '/alias',
          message: 'A new version becomes champion in the deploy step, after its gates.',
          fix: 'Use "alias": "challenger" here and a step { "uses": "deploy", "with": { "promote": "champion" } } after it.',
        },
      ];
    if (typeof alias === 'string' && (alias === 'latest' || /^v?\d+$/.test(alias)))
      return [
        {
          pointer: '/alias',
          message: `"${alias}" is reserved: it already names a version.`,
          fix: 'Choose another alias, for example "challenger".',
        },
      ];
    return [];
  },
  async run(ctx, config, inputs) {
    const { createRegistry } = await import('../../src/registry/registry.ts');
    const name = config.model ?? ctx.pipeline;
    const model = await ctx.artifacts.open(inputs['model']!);
    const meta = metaAs(model, MODEL);
    const evaluation = inputs['evaluation'] === undefined ? undefined : await readEvaluation(ctx.artifacts, inputs['evaluation'], model);
    ctx.progress({ message: 'sending raw test rows to the model' });
    const { checkRegistration } = await import('../../src/serving/registration-check.ts');
    const check = await checkRegistration(ctx.artifacts, model, name);
    const exported = await makeExports(ctx, model, name, config.exports ?? []);
    const registry = createRegistry(ctx.store, ctx.artifacts);
    const registered = await registry.register({
      model: name,
      modelRef: inputs['model']!,
      ...(evaluation === undefined
        ? {}
        : { evaluationRef: inputs['evaluation']!, metrics: evaluation.metrics, verdict: evaluation.verdict }),
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
    if (exported.length > 0) await (await import('../../src/registry/version-exports.ts')).saveExports(ctx.store, name, version, exported);
    if (ctx.approvals !== undefined) {
      const { saveApprovals } = await import('../../src/registry/version-approvals.ts');
      await saveApprovals(ctx.store, { name, version, run: `${ctx.pipeline}/${ctx.runId}` }, ctx.approvals);
    }
    ctx.progress({ message: 'writing the model card' });
    const { writeCard } = await import('../../src/reports/version-card.ts');
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
  },
});

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
  const { makeExport } = await import('../../src/registry/version-exports.ts');
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
  const { loadPreprocessor } = await import('../../src/data/preprocess/preprocessor.ts');
  const { signatureOf } = await import('../../src/registry/signature.ts');
  if (meta.output.kind === 'text') {
    const { promptPreprocessor } = await import('../../src/data/answers/prompts.ts');
    return signatureOf(promptPreprocessor(await model.json<JsonObject>('preprocessor.json'), meta.output), meta.output, meta.outputShape);
  }
  return signatureOf(loadPreprocessor(await model.json<JsonObject>('preprocessor.json')), meta.output, meta.outputShape);
}
