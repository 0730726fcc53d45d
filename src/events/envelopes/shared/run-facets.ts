import type { Change } from '../../../core/change.ts';
import type { Json, JsonObject } from '../../../core/json.ts';
import { facet, ownFacet } from './facets.ts';

/** Characters of the value of a parameter. */
const VALUE_CHARS_MAX = 1_000;
/** Parameters that one event lists. */
const PARAMETERS_MAX = 500;
/** What stands in our own facet where it is there: how the run came about, and what came of it. */
const OWN = [
  'run',
  'trigger',
  'why',
  'evidence',
  'revision',
  'status',
  'summary',
  'cached',
  'reason',
  'model',
  'version',
  'live',
  'metrics',
  'verdict',
  'values',
] as const;

/** @param parent the run, where the change is of one of its steps */
export function runFacets(
  { data, type }: Pick<Change, 'data' | 'type'>,
  namespace: string,
  parent: { readonly id: string; readonly name: string } | undefined,
): JsonObject {
  const failure = data['failure'] as { readonly message?: string; readonly code?: string } | undefined | null;
  const tests = testsOf(data);
  const parameters = type.endsWith('.started') ? parametersOf(data['config'] ?? data['parameters']) : [];
  const owner = parent === undefined ? undefined : { run: { runId: parent.id }, job: { namespace, name: parent.name } };
  return {
    ...(owner === undefined ? {} : { parent: facet('1-2-0', 'ParentRunFacet', { ...owner, root: owner }) }),
    ...(typeof data['nominalTime'] === 'string'
      ? { nominalTime: facet('1-0-1', 'NominalTimeRunFacet', { nominalStartTime: data['nominalTime'] }) }
      : {}),
    ...(parameters.length === 0 ? {} : { executionParameters: facet('1-0-0', 'ExecutionParametersRunFacet', { parameters }) }),
    ...(tests.length === 0 ? {} : { test: facet('1-0-1', 'TestRunFacet', { tests }) }),
    ...(typeof failure?.message === 'string'
      ? {
          errorMessage: facet('1-0-1', 'ErrorMessageRunFacet', {
            message: failure.code === undefined ? failure.message : `${failure.code}: ${failure.message}`,
            programmingLanguage: 'TypeScript',
          }),
        }
      : {}),
    perennial_run: ownFacet(ownOf(data)),
  };
}

/** Gates, as tests of the run. */
function testsOf(data: JsonObject): JsonObject[] {
  const gates = data['gates'] as readonly JsonObject[] | undefined;
  return (gates ?? []).map(({ name, passed, text, expected, actual }) => ({
    name: String(name ?? text),
    status: passed === true ? 'pass' : 'fail',
    severity: 'error',
    type: 'gate',
    description: String(text),
    ...(expected === undefined ? {} : { expected: String(expected) }),
    ...(actual === undefined ? {} : { actual: String(actual) }),
  }));
}

/** A configuration by paths, "optimizer.adam.learningRate". */
function parametersOf(config: Json | undefined): JsonObject[] {
  const found: JsonObject[] = [];
  const visit = (value: Json | undefined, path: string): void => {
    if (value === undefined || found.length >= PARAMETERS_MAX) return;
    const members = typeof value === 'object' && value !== null ? Object.entries(value) : [];
    if (members.length > 0) for (const [key, member] of members) visit(member as Json, path === '' ? key : `${path}.${key}`);
    else if (path !== '')
      found.push({ key: path, name: path, value: (typeof value === 'string' ? value : JSON.stringify(value)).slice(0, VALUE_CHARS_MAX) });
  };
  visit(config, '');
  return found;
}

/** What there is of it. */
function ownOf(data: JsonObject): JsonObject {
  return Object.fromEntries(OWN.flatMap((key) => (data[key] === undefined || data[key] === null ? [] : [[key, data[key]]])));
}
