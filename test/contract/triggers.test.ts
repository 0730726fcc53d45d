import { describe, expect, it } from 'vitest';
import { steps } from '../../activities/steps/index.generated.ts';
import { compileText } from '../../src/config/plan-document.ts';
import type { JsonObject } from '../../src/core/json.ts';
import type { MonitorInput } from '../../src/core/monitor.ts';
import { triggers } from '../../src/monitoring/triggers/index.generated.ts';
import { desiredSchedules, factsOf } from '../../src/runs/schedule-plan.ts';

const documentOf = (on: JsonObject): string =>
  JSON.stringify({
    apiVersion: 'perennial/v1',
    name: 'watched',
    on: { notify: [{ to: { slack: { url: 'https://hooks.example.org/x' } } }], ...on },
    steps: [
      {
        uses: 'ingest',
        with: { source: { format: 'csv', path: 'a.csv' }, label: 'y', time: { column: 'at' }, recent: { rows: 1_000 } },
      },
      { uses: 'preprocess' },
      { uses: 'train', with: { model: { architecture: 'mlp' } } },
      { uses: 'evaluate' },
      { uses: 'register' },
      { uses: 'deploy' },
    ],
  });

/** What every trigger can be asked to do. */
const ACTIONS = ['retrain', 'rollback', 'pause', 'notify', { retrain: { from: 'champion', on: 'append' } }, { rollback: { within: '7d' } }];

describe.each(triggers.map((trigger) => [trigger.name, trigger] as const))('the trigger %s', (name, trigger) => {
  it('is described, closed, and has examples that a document takes', () => {
    expect(trigger.summary).toMatch(/\.$/);
    expect(trigger.configSchema).toMatchObject({ type: 'object', additionalProperties: false });
    expect(trigger.configSchema).not.toHaveProperty('default');
    const properties = Object.keys(trigger.configSchema['properties'] as JsonObject);
    expect(properties).toEqual(expect.arrayContaining([...trigger.durations]));
    for (const common of ['every', 'cron', 'timezone', 'do', 'coolDown', 'attempts']) expect(properties).not.toContain(common);
    expect(trigger.examples.length).toBeGreaterThan(0);
    for (const example of trigger.examples) {
      const { plan, diagnostics } = compileText('/watched.json', documentOf({ [name]: example }));
      expect(diagnostics).toEqual([]);
      const [schedule] = desiredSchedules(plan!, steps);
      expect(schedule).toMatchObject({ id: `watched/${name}`, kind: name, workflow: 'monitor' });
      const input = schedule!.input as MonitorInput;
      expect(input).toMatchObject({ check: { kind: 'trigger', name }, run: { trigger: name } });
      // Told in the words of the document.
      expect(Object.keys(factsOf(schedule!))).toEqual(
        expect.arrayContaining([...(trigger.tells === true ? ['cron', 'timezone'] : ['every', 'do', 'coolDown']), ...trigger.durations]),
      );
    }
  });

  it.each(ACTIONS)(`${trigger.tells === true ? 'does not do' : 'does'} %j`, (action) => {
    const { diagnostics } = compileText('/watched.json', documentOf({ [name]: { ...trigger.examples[0], do: action } as JsonObject }));
    expect(diagnostics.map(({ pointer }) => pointer)).toEqual(trigger.tells === true ? [`/on/${name}/do`] : []);
  });

  it('is not started by a document that does not ask for it', () => {
    const { plan } = compileText('/watched.json', documentOf({}));
    expect(plan!.on).not.toHaveProperty('triggers');
  });
});
