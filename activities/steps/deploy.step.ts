import { rolloutText } from '../../src/core/rollout.ts';
import { DEFAULT_RETRY, defineStep } from '../../src/core/step.ts';
import type { DeployStepConfig } from '../../src/deployment/deploy.ts';
import { DEPLOY_SCHEMA } from '../../src/deployment/deploy-schema.ts';
import { checkFreeze } from '../../src/deployment/freeze.ts';
import { checkDeploy, checkPredictionLog } from '../../src/registry/deploy-config.ts';
import { checkStrategy, followsMetric, specOf } from '../../src/rollouts/strategy.ts';
import type { StrategyConfig } from '../../src/rollouts/strategy.ts';

export default defineStep<DeployStepConfig>({
  type: 'deploy',
  version: 1,
  summary:
    'Lets a version go live: moves the alias over the champion that it was judged against, waits until the servers answer with it, or exports its files.',
  configSchema: DEPLOY_SCHEMA,
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
    const { deploy } = await import('../../src/deployment/deploy.ts');
    return deploy(ctx, config, inputs);
  },
});

function describeMove(alias: string, strategy: StrategyConfig | undefined): string {
  const spec = specOf(strategy);
  return spec === undefined
    ? `promote to ${alias}`
    : `${rolloutText(spec)}, then ${spec.then === 'promote' ? `promote to ${alias}` : 'report'}`;
}
