import type { JsonObject } from '../../core/json.ts';
import { calendarFindings } from '../calendar.ts';
import { triggers } from '../../monitoring/triggers/index.generated.ts';
import { defineCheck } from './check.ts';
import type { DocumentFacts } from './check.ts';
import type { Finding } from '../diagnostic.ts';
import { isObject } from '../schema-walk.ts';

export default defineCheck({
  name: 'trigger-settings',
  summary: 'Triggers can come true, watch something that there is, and do something that can be done.',
  run(facts) {
    return triggers.flatMap((trigger): Finding[] => {
      const config = facts.on?.[trigger.name];
      if (!isObject(config)) return [];
      const pointer = `/on/${trigger.name}`;
      const mistakes = trigger.mistakes?.(config, { pipeline: facts.name, model: modelOf(facts) }) ?? [];
      return [
        ...mistakes.map(({ pointer: inside, message, fix }) => ({ pointer: `${pointer}${inside}`, message, fix })),
        ...(trigger.tells === true ? [...calendarFindings(config, pointer), ...toldToNobody(facts, trigger.name)] : []),
        ...watched(facts, trigger.name, trigger.ofChampion, config),
      ];
    });
  },
});

function toldToNobody({ on }: DocumentFacts, name: string): Finding[] {
  const notify = on?.['notify'];
  const isTold =
    Array.isArray(notify) && notify.some((one) => isObject(one) && Array.isArray(one['events']) && one['events'].includes(name));
  if (isTold) return [];
  return [
    {
      pointer: `/on/${name}`,
      at: 'key',
      message: `"${name}" is sent to nobody: no entry of "notify" has the event "${name}".`,
      fix: `Name somebody in "notify", e.g. { "to": { "slack": { "url": { "$secret": "SLACK_WEBHOOK" } } }, "events": ["${name}"] }, or remove "${name}".`,
    },
  ];
}

function watched({ steps }: DocumentFacts, name: string, ofChampion: boolean, config: JsonObject): Finding[] {
  const has = (type: string): boolean => steps.some(({ definition }) => definition?.type === type);
  const action = isObject(config['do']) ? Object.keys(config['do'])[0]! : String(config['do']);
  if (ofChampion && !has('register'))
    return [
      {
        pointer: `/on/${name}`,
        at: 'key',
        message: `"${name}" watches the answers of a registered model, and no step registers one.`,
        fix: `Add a "register" step, or remove "${name}".`,
      },
    ];
  if (action === 'rollback' && !has('deploy'))
    return [
      {
        pointer: `/on/${name}/do`,
        message: 'A rollback is of a model that this pipeline deploys, and no step does.',
        fix: 'Add a "deploy" step, or let "do" be "notify".',
      },
    ];
  return [];
}

function modelOf({ name, steps }: DocumentFacts): string | undefined {
  const register = steps.find(({ definition }) => definition?.type === 'register');
  const named = register?.config?.['model'];
  return register === undefined ? undefined : typeof named === 'string' ? named : name;
}
