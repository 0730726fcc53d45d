import type { Json } from '../../core/json.ts';
import { defineCheck } from './check.ts';
import type { Finding } from '../diagnostic.ts';
import { isObject } from '../schema-walk.ts';

export default defineCheck({
  name: 'triggers',
  summary: 'What starts runs has something to watch: drift a registered model, new data a source; and does what can be done.',
  run({ document, steps }) {
    const { on } = document;
    if (!isObject(on)) return [];
    const has = (type: string): boolean => steps.some(({ definition }) => definition?.type === type);
    const findings: Finding[] = [];
    if (on['drift'] !== undefined && !has('register'))
      findings.push({
        pointer: '/on/drift',
        at: 'key',
        message: '"drift" watches the predictions of a registered model, and no step registers one.',
        fix: 'Add a "register" step, or remove "drift".',
      });
    if (on['newData'] !== undefined && !has('ingest'))
      findings.push({
        pointer: '/on/newData',
        at: 'key',
        message: '"newData" watches the source of an "ingest" step, and there is none.',
        fix: 'Add an "ingest" step, or remove "newData".',
      });
    if (on['newData'] !== undefined && !has('register'))
      findings.push({
        pointer: '/on/newData',
        at: 'key',
        message: '"newData" counts the rows since the version that serves, and no step registers one.',
        fix: 'Add a "register" step, or remove "newData".',
      });
    if (doesRollBack(on['newData']))
      findings.push({
        pointer: '/on/newData/do',
        message: 'New rows say nothing against the version that serves, so that there is no reason to go back to the one before.',
        fix: 'Let "do" be "retrain", "pause" or "notify".',
      });
    if (doesRollBack(on['drift']) && !has('deploy'))
      findings.push({
        pointer: '/on/drift/do',
        message: 'A rollback is of a model that this pipeline deploys, and no step does.',
        fix: 'Add a "deploy" step, or let "do" be "notify".',
      });
    return findings;
  },
});

function doesRollBack(trigger: Json | undefined): boolean {
  const action = isObject(trigger) ? trigger['do'] : undefined;
  return action === 'rollback' || (isObject(action) && 'rollback' in action);
}
