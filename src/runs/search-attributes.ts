import type { SearchAttributePair } from '@temporalio/common';
import type { Plan } from '../core/plan.ts';
import { SEARCH_ATTRIBUTES } from '../core/search-attributes.ts';
import type { SearchAttributeName } from '../core/search-attributes.ts';
import type { Temporal } from './connect.ts';

/** Numbers of Temporal's `IndexedValueType`. */
const INDEXED = { KEYWORD: 2, INT: 3, DOUBLE: 4 } as const;

export type RunKind = 'run' | 'monitor' | 'model' | 'backfill' | 'rollout' | 'targets';

/** Search attributes that a workflow is started with. */
export function startAttributes(facts: { kind: RunKind; pipeline?: string; model?: string; trigger?: string }): SearchAttributePair[] {
  const pairs: SearchAttributePair[] = [keyword('RunKind', facts.kind)];
  if (facts.pipeline !== undefined) pairs.push(keyword('Pipeline', facts.pipeline));
  if (facts.model !== undefined) pairs.push(keyword('Model', facts.model));
  if (facts.trigger !== undefined) pairs.push(keyword('Trigger', facts.trigger));
  return pairs;
}

function keyword(name: SearchAttributeName, value: string): SearchAttributePair {
  return { key: { name, type: 'KEYWORD' }, value };
}

/** The model that a plan registers: what its register step names, else the name of the pipeline. */
export function modelOf(plan: Plan): string | undefined {
  for (const step of plan.steps) {
    if (!Object.values(step.outputs).includes('version')) continue;
    if (typeof step.config.model === 'string') return step.config.model;
    if (step.type === 'register') return plan.pipeline;
  }
  return undefined;
}

/** The same as a list, of one or none. */
export function modelsOf(plan: Plan): string[] {
  const model = modelOf(plan);
  return model === undefined ? [] : [model];
}

/** Creates the search attributes that the namespace lacks. A namespace that has them all is only read. */
export async function ensureSearchAttributes(temporal: Temporal): Promise<void> {
  const { namespace } = temporal.settings;
  const { customAttributes } = await temporal.connection.operatorService.listSearchAttributes({ namespace });
  const missing: Record<string, number> = {};
  for (const [name, type] of Object.entries(SEARCH_ATTRIBUTES)) if (customAttributes?.[name] === undefined) missing[name] = INDEXED[type];
  if (Object.keys(missing).length > 0)
    await temporal.connection.operatorService.addSearchAttributes({ namespace, searchAttributes: missing });
}
