import type { Json, JsonObject } from '../core/json.ts';
import { canonicalJson } from '../core/json.ts';
import type { Plan, PlanVariant, TriggerAction } from '../core/plan.ts';
import type { Finding } from './diagnostic.ts';
import { resolveParameters } from './parameters.ts';
import { isObject } from './schema-walk.ts';

/** How the run that a trigger starts differs from the document. */
interface Differs {
  readonly from?: 'scratch' | 'champion';
  readonly on?: 'all' | 'append' | 'recent';
  readonly parameters?: Readonly<Record<string, Json>>;
}

/** A document compiled with other values. */
export type CompileWith = (
  document: Json,
  parameters: JsonObject,
) => { readonly plan: Plan | undefined; readonly findings: readonly Finding[] };

/**
 * A plan with the steps of the runs that its triggers start, where those differ from the document: it is written as they want it, and
 * compiled, so that all that is wrong is found before anything runs.
 *
 * @param document as it was read
 * @param given parameters of the command line
 */
export function withVariants(
  plan: Plan,
  document: Json,
  given: Readonly<Record<string, Json>>,
  compile: CompileWith,
): { readonly plan: Plan; readonly findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const differing = <T extends { readonly do?: TriggerAction }>(name: string, trigger: T): T => {
    const differs = differsOf(document, name);
    if (differs === undefined || trigger.do?.kind !== 'retrain') return trigger;
    const pointer = `/on/${name}/do/retrain`;
    const place = (message: string, fix?: string): void => void findings.push({ pointer, message, ...(fix === undefined ? {} : { fix }) });
    const written = rewrite(document, plan, differs, place);
    const parameters = resolveParameters(document, { ...given, ...differs.parameters });
    const compiled = compile(written, parameters.values);
    for (const { message, fix } of [...parameters.findings, ...compiled.findings])
      place(`The run that it starts (${textOf(differs)}) could not be run: ${message}`, fix);
    if (compiled.plan === undefined) return trigger;
    const steps = compiled.plan.steps.filter((step) => {
      const own = plan.steps.find(({ id }) => id === step.id);
      return own === undefined || canonicalJson(own as never) !== canonicalJson(step as never);
    });
    const variant: PlanVariant = { text: textOf(differs), parameters: parameters.values, steps };
    return { ...trigger, do: { kind: 'retrain' as const, variant } };
  };
  const { drift, newData, triggers } = plan.on;
  const on = {
    ...plan.on,
    ...(drift === undefined ? {} : { drift: differing('drift', drift) }),
    ...(newData === undefined ? {} : { newData: differing('newData', newData) }),
    ...(triggers === undefined
      ? {}
      : { triggers: Object.fromEntries(Object.entries(triggers).map(([name, one]) => [name, differing(name, one)])) }),
  };
  return { plan: { ...plan, on }, findings };
}

function differsOf(document: Json, name: string): Differs | undefined {
  const on = isObject(document) ? document['on'] : undefined;
  const trigger = isObject(on) ? on[name] : undefined;
  const action = isObject(trigger) ? trigger['do'] : undefined;
  const retrain = isObject(action) ? action['retrain'] : undefined;
  return isObject(retrain) && Object.keys(retrain).length > 0 ? (retrain as unknown as Differs) : undefined;
}

function textOf({ from, on, parameters }: Differs): string {
  return [
    ...(from === undefined ? [] : [from === 'scratch' ? 'from the start' : 'from the champion']),
    ...(on === undefined ? [] : [`on ${on === 'append' ? 'appended' : on} rows`]),
    ...Object.entries(parameters ?? {}).map(([name, value]) => `${name} = ${JSON.stringify(value)}`),
  ].join(', ');
}

function rewrite(document: Json, plan: Plan, { from, on }: Differs, place: (message: string, fix?: string) => void): Json {
  if (!isObject(document) || !Array.isArray(document['steps'])) return document;
  const written = structuredClone(document);
  const steps = (written['steps'] as Json[]).filter(isObject);
  const withs = (type: string): JsonObject[] =>
    steps.filter(({ uses }) => uses === type).map((step) => (step['with'] ??= {}) as JsonObject);
  if (on !== undefined) {
    const ingests = withs('ingest');
    if (ingests.length === 0) place('"on" says which rows an "ingest" step takes, and there is none.', 'Remove "on".');
    for (const config of ingests) config['mode'] = on;
  }
  if (from === undefined) return written;
  const trains = withs('train');
  if (trains.length === 0) place('"from" says what a "train" step starts from, and there is none.', 'Remove "from".');
  const base = { model: registeredModel(plan), version: 'champion' };
  for (const config of trains) {
    const { model } = config;
    const starts = isObject(model) ? model['from'] : undefined;
    if (from === 'champion' && starts === undefined && model !== undefined) config['model'] = { from: base, onMissing: model };
    if (from === 'scratch' && isObject(model) && starts !== undefined) {
      if (isObject(model['onMissing'])) config['model'] = model['onMissing'];
      else
        place(
          'The train step goes on from a model and does not say what is trained from the start.',
          'Give "onMissing" beside "from" of its model.',
        );
    }
  }
  for (const config of withs('preprocess'))
    if (from === 'champion') config['from'] ??= { ...base, onMissing: 'fit' };
    else delete config['from'];
  return written;
}

function registeredModel(plan: Plan): string {
  const register = plan.steps.find(({ type }) => type === 'register');
  return typeof register?.config['model'] === 'string' ? register.config['model'] : plan.pipeline;
}
