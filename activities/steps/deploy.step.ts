import { DURATION_PATTERN } from '../../src/core/duration.ts';
import { ofThePast } from '../../src/core/run.ts';
import { DEFAULT_RETRY, defineStep } from '../../src/core/step.ts';
import type { JsonObject } from '../../src/core/json.ts';
import type { StepContext } from '../../src/core/step.ts';
import type { VersionManifest } from '../../src/registry/types.ts';
import { checkDeploy, checkPredictionLog } from '../../src/registry/deploy-config.ts';
import type { DeployConfig } from '../../src/registry/deploy-config.ts';
import { rolloutText } from '../../src/core/rollout.ts';
import { checkStrategy, followsMetric, signatureRule, specOf } from '../../src/rollouts/strategy.ts';
import type { StrategyConfig } from '../../src/rollouts/strategy.ts';
import { STRATEGY_SCHEMA } from '../../src/rollouts/strategy-schema.ts';
import { servingSettings } from '../../src/registry/serving-settings.ts';
import { exportTo, confirm, heldBack, kept, notPromoted, result } from '../deployment.ts';
import { followed, prepared, refusedByTarget } from '../deployment-targets.ts';
import { FREEZE_SCHEMA, checkFreeze, frozenUntil } from '../freeze.ts';
import type { Freeze } from '../freeze.ts';

const CONFIRM_SECONDS = 60;

export default defineStep<DeployConfig & { readonly strategy?: StrategyConfig; readonly freeze?: readonly Freeze[] }>({
  type: 'deploy',
  version: 1,
  summary:
    'Lets a version go live: moves the alias over the champion that it was judged against, waits until the servers answer with it, or exports its files.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      to: {
        enum: ['server', 'directory'],
        default: 'server',
        description:
          '"server": the servers follow the champion, so promoting is all it takes. "directory": the files of the model are exported besides.',
      },
      path: {
        type: 'string',
        minLength: 1,
        description: 'With "directory": folder in which `<version>/` is written, relative to the document.',
        examples: ['exports/penguins'],
      },
      targets: {
        type: 'array',
        items: { $ref: '#/definitions/target' },
        minItems: 1,
        maxItems: 16,
        description:
          'Where the champion is kept and served: all follow every promotion and rollback, whoever makes it. Everything that goes there is made, checked and refused before the version is promoted; then the step waits until each target has it. Kept with the model until another deployment says otherwise; ["server"] at first.',
        examples: [['server', { 'tensorflow-serving': { path: 's3://models/live' } }]],
      },
      promote: {
        type: ['string', 'null'],
        pattern: '^[a-z0-9][a-z0-9._-]{0,62}$',
        default: 'champion',
        description: 'Alias that moves to the version; servers follow "champion". null, with "directory" only: none.',
        examples: ['champion'],
      },
      confirm: {
        type: 'boolean',
        description:
          'Wait until every running server answers with the version, and fail otherwise. Default: true where "champion" is promoted.',
      },
      confirmSeconds: {
        type: 'number',
        minimum: 1,
        maximum: 3600,
        description: `How long to wait for the servers. Default: ${CONFIRM_SECONDS}.`,
        examples: [120],
      },
      fallback: {
        enum: ['previous', 'nothing'],
        description:
          'What servers answer with while the champion cannot be loaded, as after damage to the store: "previous" is the newest former champion that can be and that no rollback went past, "nothing" is 503. Kept with the model until another deployment says otherwise; "previous" at first.',
      },
      predictionLog: {
        type: 'object',
        additionalProperties: false,
        description:
          'What the servers keep of the predictions of this model. Kept with the model until another deployment says otherwise; all of every prediction at first.',
        properties: {
          share: {
            type: 'number',
            minimum: 0,
            maximum: 1,
            default: 1,
            description: 'Part of the predictions, chosen by chance; 0: none.',
          },
          leaveOut: {
            type: 'array',
            items: { type: 'string', minLength: 1 },
            uniqueItems: true,
            default: [],
            description: 'Columns of the rows that are not written, whatever their upper and lower case.',
            examples: [['name', 'birthday']],
          },
          hash: {
            type: 'array',
            items: { type: 'string', minLength: 1 },
            uniqueItems: true,
            default: [],
            description:
              'Columns of which a digest is written in place of the value: feedback still finds the row by them. Whoever has the whole store can try values out.',
            examples: [['customer']],
          },
          keep: {
            type: 'string',
            pattern: DURATION_PATTERN,
            description: 'How long they are kept, at least a day; `models gc` removes older ones. Default: as `models gc` is told.',
            examples: ['90d'],
          },
        },
      },
      limits: {
        type: 'object',
        additionalProperties: false,
        description:
          'Bounds of what may be asked of the model, by all its callers together; those of a token hold beside them. Kept with the model until another deployment says otherwise ({} takes them back); only those of the server at first.',
        properties: {
          requestsPerSecond: {
            type: 'number',
            exclusiveMinimum: 0,
            description: 'Requests a second to one server, on average; more get 429, and hear when to come again.',
            examples: [200],
          },
          rowsPerRequest: { type: 'integer', minimum: 1, description: 'Rows of one request; more get 413.', examples: [100] },
          bytesPerRequest: {
            type: 'integer',
            minimum: 1,
            description: 'Bytes of one body, unpacked; more get 413.',
            examples: [1_000_000],
          },
          timeout: {
            type: 'string',
            pattern: DURATION_PATTERN,
            description: 'How long a request may wait for the network; then it gets 503, and hears when to come again.',
            examples: ['500ms'],
          },
        },
      },
      strategy: STRATEGY_SCHEMA,
      wins: {
        type: 'integer',
        minimum: 2,
        maximum: 100,
        description:
          'Runs in a row that have to bring a version which its gates let pass against the same champion, before one is promoted; a rejected run or another champion begins anew. By a margin: the gate "betterThanChampionBy" of the evaluate step. Left out: one is enough.',
        examples: [3],
      },
      freeze: FREEZE_SCHEMA,
      onPinned: {
        enum: ['fail', 'skip'],
        default: 'fail',
        description: 'A rollback pinned the model to another version: "fail" rejects the run, "skip" lets it pass without promoting.',
      },
    },
  },
  inputs: { version: { kind: 'version' } },
  outputs: { deployment: { kind: 'deployment' } },
  timeouts: { startToCloseMs: 4_000_000, heartbeatMs: 60_000 },
  retry: DEFAULT_RETRY,
  // An effect outside the artifacts; idempotent by the run and the step instead.
  cacheable: false,
  examples: [
    { title: 'Promote, and wait for the servers', config: { to: 'server', promote: 'champion' } },
    {
      title: 'A canary: a tenth of the requests for ten minutes, half of them for an hour, back at once where it fails or is slow',
      config: {
        strategy: {
          canary: {
            steps: [
              { percent: 10, for: '10m' },
              { percent: 50, for: '1h' },
            ],
            analysis: { errorRate: { atMost: 0.01 }, latency: { timesChampion: 2 } },
          },
        },
      },
    },
    {
      title: 'An A/B test over customers, decided by what turns out to be right',
      config: { strategy: { abTest: { by: { column: 'customer' }, metric: 'accuracy', for: '14d', then: 'promote' } } },
    },
    {
      title: 'Keep a tenth of the predictions for a quarter, without names, and customers as digests',
      config: { predictionLog: { share: 0.1, leaveOut: ['name'], hash: ['customer'], keep: '90d' } },
    },
    {
      title: 'Bounds of what callers may ask',
      config: { limits: { requestsPerSecond: 200, rowsPerRequest: 100, timeout: '500ms' } },
    },
    {
      title: 'Serve it from TensorFlow Serving as well, from a bucket that it watches',
      config: { targets: ['server', { 'tensorflow-serving': { path: 's3://models/live' } }] },
    },
    { title: 'Export the files only', config: { to: 'directory', path: 'exports/penguins', promote: null } },
  ],
  describe: ({ to, path, promote, strategy, targets }) =>
    [
      ...(promote === null ? [] : [describeMove(promote ?? 'champion', strategy)]),
      ...(to === 'directory'
        ? [`export to ${path ?? '?'}`]
        : targets === undefined
          ? ['wait for the servers']
          : [`wait for ${targets.map((target) => (typeof target === 'string' ? target : Object.keys(target)[0])).join(', ')}`]),
    ].join(', '),
  check: (config) => [
    ...checkDeploy(config),
    ...checkPredictionLog({ ...config, followed: followsMetric(config.strategy) }),
    ...checkStrategy(config.strategy),
    ...checkFreeze(config.freeze),
  ],
  async run(ctx, config, inputs) {
    const { createRegistry } = await import('../../src/registry/registry.ts');
    const { promoteJudged } = await import('../promotion.ts');
    const target = (await ctx.artifacts.open(inputs['version']!)).manifest.meta as unknown as VersionMeta;
    const registry = createRegistry(ctx.store, ctx.artifacts);
    const version = await registry.version(target.model, target.version);
    const past = ofThePast(ctx.trigger);
    if (past !== undefined) return kept(ctx, version, past);
    const alias = config.promote === undefined ? 'champion' : config.promote;
    const frozen = config.freeze === undefined || alias === null ? undefined : frozenUntil(config.freeze, Date.now());
    const won = config.wins === undefined ? undefined : await winsOf(ctx, version);
    if (won !== undefined && won.wins < config.wins!)
      return heldBack(ctx, version, alias!, `won ${won.wins} of ${config.wins} times in a row against version ${won.champion}`);
    if (frozen !== undefined)
      return heldBack(ctx, version, alias!, `frozen until ${frozen.until}${frozen.why === '' ? '' : `: ${frozen.why}`}`);
    // Versions of runs that began with 0.1.0 do not say which evaluation was theirs: that of the manifest.
    const own = target.evaluation === undefined ? version.evaluation : target.evaluation === null ? null : { digest: target.evaluation };
    const evaluations = [...(own === null ? [] : [own]), ...(ctx.evaluations ?? [])];
    const { targets: named, ...said } = config;
    const readied = await prepared(ctx, version, alias === 'champion' ? named : []);
    if (readied.refusals.length > 0) return refusedByTarget(ctx, version, readied.refusals);
    const settings = servingSettings({ ...said, ...(named === undefined ? {} : { targets: readied.settings }) });
    const spec = specOf(config.strategy);
    if (spec !== undefined) {
      const { rollOut } = await import('../rolling-out.ts');
      const rolled = await rollOut(ctx, registry, version, {
        spec: config.freeze === undefined ? spec : { ...spec, freeze: config.freeze as unknown as readonly JsonObject[] },
        signature: signatureRule(config.strategy!),
        evaluations,
        settings,
        confirmSeconds: config.confirm === false ? 0 : (config.confirmSeconds ?? CONFIRM_SECONDS),
      });
      if (rolled !== undefined) return 'kind' in rolled ? notPromoted(ctx, version, 'champion', rolled, config.onPinned ?? 'fail') : rolled;
    }
    const promotion =
      alias === null
        ? undefined
        : await promoteJudged(ctx, registry, version, {
            alias,
            evaluations,
            settings,
          });
    if (promotion !== undefined && promotion.kind !== 'promoted')
      return notPromoted(ctx, version, alias!, promotion, config.onPinned ?? 'fail');
    const directory = config.to === 'directory' ? await exportTo(ctx, version, config.path!) : undefined;
    const confirmation =
      promotion !== undefined && (config.confirm ?? (alias === 'champion' && readied.servers))
        ? await confirm(ctx, version, config.confirmSeconds ?? CONFIRM_SECONDS)
        : undefined;
    const targets =
      promotion === undefined || alias !== 'champion'
        ? []
        : await followed(ctx, version, readied, config.confirmSeconds ?? CONFIRM_SECONDS);
    return result(ctx, version, { alias, promotion, directory, confirmation, targets });
  },
});

async function winsOf(ctx: StepContext, { name, version }: VersionManifest) {
  const { countWin } = await import('../../src/registry/wins.ts');
  return countWin(ctx.store, { model: name, version, pipeline: ctx.pipeline, run: ctx.runId, now: new Date().toISOString() });
}

function describeMove(alias: string, strategy: StrategyConfig | undefined): string {
  const spec = specOf(strategy);
  return spec === undefined
    ? `promote to ${alias}`
    : `${rolloutText(spec)}, then ${spec.then === 'promote' ? `promote to ${alias}` : 'report'}`;
}

/** `meta` of a `version` artifact. */
interface VersionMeta {
  readonly model: string;
  readonly version: number;
  /** Digest of the evaluation of the run; null: it had none. */
  readonly evaluation?: string | null;
}
