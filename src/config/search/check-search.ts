import { shownValue } from '../../core/json.ts';
import type { JsonObject } from '../../core/json.ts';
import type { TunePlan } from '../../core/tune-plan.ts';
import { nameOf, objectivesOf } from '../../tuning/describe.ts';
import { samplerRegistry } from '../../tuning/samplers/index.generated.ts';
import type { Space } from '../../tuning/space.ts';
import { BALANCED, LAST } from '../../tuning/tune-config.ts';
import type { TuneConfig } from '../../tuning/tune-config.ts';
import type { DocumentFacts } from '../checks/check.ts';
import { list, nearest } from '../diagnostic.ts';
import { checkObjectives, hasValidation } from './check-objectives.ts';
import type { Finding } from '../diagnostic.ts';

/** What a study could not go on with, found before it starts. */
export function checkSearch(facts: DocumentFacts, position: number, space: Space, tune: TunePlan): Finding[] {
  const { pointer, config: raw } = facts.steps[position]!;
  const config = raw as unknown as TuneConfig;
  const findings: Finding[] = [];
  const names = tune.objectives.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    findings.push({
      pointer: `${pointer}/with/objective`,
      message: `Two objectives are called "${twice}".`,
      fix: `Name one of them, e.g. { "metric": { "${twice}": { "as": "${twice}2" } } }, or remove it.`,
    });
  findings.push(...unlikeMetrics(config, pointer), ...checkObjectives(facts, position, tune), ...checkFrom(config, pointer));
  const { choose } = config;
  if (choose !== undefined && choose !== BALANCED && !names.includes(choose)) {
    const allowed = [...names, BALANCED];
    const suggestion = nearest(choose, allowed);
    findings.push({
      pointer: `${pointer}/with/choose`,
      given: choose,
      allowed,
      message: `"choose" names "${choose}", which is no objective.`,
      ...(suggestion === undefined ? {} : { suggestion }),
      fix: `Choose by ${list(allowed)}.`,
    });
  }
  if (config.stop !== undefined && !trainsInEpochs(facts, tune))
    findings.push({
      pointer: `${pointer}/with/stop`,
      message: 'A stopper looks at the epochs of a train step, and a trial of this search trains in none.',
      fix: 'Leave "stop" out, or search over a train step.',
    });
  else if (config.stop !== undefined && !hasValidation(facts))
    findings.push({
      pointer: `${pointer}/with/stop`,
      message: 'A stopper compares trials on the validation split, and there is none: "validation" of the split is 0.',
      fix: 'Leave "stop" out, or give the split a part for validation.',
    });
  const refused = samplerRegistry.get(nameOf(config.sampler)).refuses?.(space, optionsOf(config.sampler));
  if (refused !== undefined)
    findings.push({ pointer: `${pointer}/with/sampler`, message: refused, fix: 'Choose another sampler, or another space.' });
  return findings;
}

/** An earlier study is of use to a sampler that learns, and has a name of three parts. */
function checkFrom({ from, sampler }: TuneConfig, pointer: string): Finding[] {
  if (from === undefined) return [];
  const at = `${pointer}/with/from`;
  const learning = samplerRegistry.all().flatMap(({ name, learns }) => (learns ? [name] : []));
  const { name, learns } = samplerRegistry.get(nameOf(sampler));
  if (!learns)
    return [
      {
        pointer: at,
        message: `The sampler "${name}" learns nothing from trials, so that an earlier study changes nothing.`,
        fix: `Leave "from" out, or use a sampler that learns: ${list(learning)}.`,
      },
    ];
  if (from === LAST || /^[^/\s]+\/[^/\s]+\/[^/\s]+$/.test(from)) return [];
  return [
    {
      pointer: at,
      given: from,
      message: `"from" is ${shownValue(from)}, which names no study.`,
      fix: `Write "${LAST}", or PIPELINE/RUN/STEP as \`perennial studies list\` shows it.`,
    },
  ];
}

/** Metrics of a trial are measured in one go, by one positive class and one threshold. */
function unlikeMetrics(config: TuneConfig, pointer: string): Finding[] {
  const metrics = objectivesOf(config).flatMap((objective, index) => ('metric' in objective ? [{ objective, index }] : []));
  const [first] = metrics;
  return (['positive', 'threshold'] as const).flatMap((name) =>
    metrics
      .filter(({ objective }) => objective[name] !== first?.objective[name])
      .map(({ objective, index }) => ({
        pointer: `${pointer}/with/objective/${index}`,
        message: `"${name}" is ${shownValue(objective[name])} here and ${shownValue(first!.objective[name])} in the first metric; the metrics of a search share it.`,
        fix: `Give all of them the same "${name}".`,
      })),
  );
}

function trainsInEpochs(facts: DocumentFacts, { judged, steps }: TunePlan): boolean {
  return (
    judged !== undefined &&
    steps.includes(judged) &&
    facts.steps.some(({ id, config }) => id === judged && typeof config?.['epochs'] === 'number')
  );
}

function optionsOf(choice: TuneConfig['sampler']): JsonObject {
  return typeof choice === 'string' ? {} : (Object.values(choice)[0] ?? {});
}
