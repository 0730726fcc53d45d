import { describe, expect, it } from 'vitest';
import { compileText } from '../../src/config/plan-document.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { targetRegistry } from '../../src/targets/index.generated.ts';
import { meansServers, settingsOf } from '../../src/targets/prepare.ts';

const documentOf = (deploy: JsonObject, { train = {}, split }: { readonly train?: JsonObject; readonly split?: JsonObject } = {}): string =>
  JSON.stringify({
    apiVersion: 'perennial/v1',
    name: 'placed',
    steps: [
      { uses: 'ingest', with: { source: { format: 'csv', path: 'a.csv' }, label: 'y', ...(split === undefined ? {} : { split }) } },
      { uses: 'preprocess' },
      { uses: 'train', with: { model: { architecture: 'mlp' }, ...train } },
      { uses: 'evaluate' },
      { uses: 'register' },
      { uses: 'deploy', with: deploy },
    ],
  });

const problemsOf = (deploy: JsonObject, others: Parameters<typeof documentOf>[1] = {}): string[] =>
  compileText('/placed.json', documentOf(deploy, others)).diagnostics.map(({ message }) => message);

describe.each(targetRegistry.all().map((target) => [target.name, target] as const))('the target %s', (name, target) => {
  it('is described, closed, and says where its format is written down', () => {
    expect(target.summary).toMatch(/\.$/);
    expect(target.reference).toMatch(/^https:\/\//);
    expect(target.configSchema).toMatchObject({ type: 'object', additionalProperties: false });
    for (const property of Object.values(target.configSchema['properties'] as Record<string, JsonObject>))
      expect(property['description']).toMatch(/\.$/);
  });

  it('takes its examples in a document, with defaults filled in and paths made whole', () => {
    const { placing } = target;
    if (placing === undefined) {
      expect(problemsOf({ targets: [name] })).toEqual([]);
      return expect(settingsOf([name], '/docs')).toEqual([]);
    }
    expect(target.examples.length).toBeGreaterThan(0);
    for (const example of target.examples as readonly JsonObject[]) {
      expect(problemsOf({ targets: [{ [name]: example }] })).toEqual([]);
      const [setting] = settingsOf([{ [name]: example }], '/docs/team');
      expect(setting).toMatchObject({ name, config: { keep: expect.any(Number) } });
      expect(setting!.config['path']).toMatch(/^(\/docs\/|s3:\/\/)/);
      expect(placing.usage(setting!.config as never, 'digits')).toMatch(/digits|models\.config/);
    }
    expect(problemsOf({ targets: [name] })).toEqual([expect.stringContaining(`cannot be "${name}"`)]);
    expect(problemsOf({ targets: [{ [name]: { path: 's3://UPPER/x' } }] })).not.toEqual([]);
  });
});

describe('targets of a deploy step', () => {
  it('leave documents without them as they are, and mean the servers where they say so', () => {
    expect(problemsOf({})).toEqual([]);
    expect(meansServers(undefined)).toBe(true);
    expect(meansServers(['server', { edge: { path: 'x' } }])).toBe(true);
    expect(meansServers([{ edge: { path: 'x' } }])).toBe(false);
  });

  it.each<[string, JsonObject, RegExp]>([
    ['another alias', { targets: ['server'], promote: 'candidate' }, /Targets show the champion, and "candidate" is promoted here/],
    ['a directory besides', { targets: ['server'], to: 'directory', path: 'x' }, /older way/],
    ['one twice', { targets: ['server', 'server'] }, /"server" is named twice/],
    [
      'two at one path',
      { targets: [{ edge: { path: 'x' } }, { download: { path: 'x' } }] },
      /path "x" is that of another target \(number 1\)/,
    ],
    ['an unknown one', { targets: ['sagemaker'] }, /sagemaker/],
    ['a keep of none', { targets: [{ edge: { path: 'x', keep: 0 } }] }, /keep/],
  ])('refuse %s', (_name, deploy, message) => {
    expect(problemsOf(deploy)).toEqual([expect.stringMatching(message)]);
  });

  it('refuse a model that does not fit before anything is trained', () => {
    const train = { model: { architecture: 'gan', generator: {}, discriminator: {} } };
    const problems = problemsOf({ targets: [{ edge: { path: 'x' } }] }, { train });
    expect(problems).toEqual([expect.stringContaining('The target "edge" does not take this model: a generator reads noise')]);
  });

  it('refuse to measure on test rows that are not there', () => {
    const split = { train: 0.8, validation: 0.2, test: 0 };
    expect(problemsOf({ targets: [{ edge: { path: 'x' } }] }, { split })).toEqual([expect.stringContaining('"test" is 0')]);
    expect(problemsOf({ targets: [{ edge: { path: 'x', maxLoss: null } }] }, { split })).toEqual([]);
  });
});
