import { targetRegistry } from '../../targets/index.generated.ts';
import type { PlannedModel } from '../../targets/target.ts';
import { objectiveNamed } from '../../training/objectives/objective-named.ts';
import { defineCheck, namedConfig, stepsOf } from './check.ts';
import type { Finding } from '../diagnostic.ts';

/** What a model gives that is trained for it; others answer rows. */
const OUTPUTS: Readonly<Record<string, PlannedModel['output']>> = { adversarial: 'samples', nextToken: 'text' };

export default defineCheck({
  name: 'target-fit',
  summary: 'A deployment target takes the kind of model that is trained, and has the rows that it measures on.',
  run(facts) {
    const trains = stepsOf(facts, 'train');
    const ingests = stepsOf(facts, 'ingest');
    return stepsOf(facts, 'deploy').flatMap(({ step, config }) =>
      (Array.isArray(config['targets']) ? config['targets'] : []).flatMap((target, index): Finding[] => {
        const named = namedConfig(target);
        const placing = named === undefined ? undefined : targetRegistry.find(named.name)?.placing;
        if (named === undefined || placing === undefined) return [];
        const pointer = `${step.pointer}/with/targets/${index}`;
        // With several train steps, which is deployed where is a matter of wiring.
        const output = trains.length === 1 ? OUTPUTS[objectiveNamed(trains[0]!.config) ?? ''] : undefined;
        const unfit = output === undefined ? undefined : placing.unfit?.({ output }, named.config as never);
        if (unfit !== undefined)
          return [
            {
              pointer,
              message: `The target "${named.name}" does not take this model: ${unfit}.`,
              fix: 'Remove the target; the servers answer with such a model, and "download" writes its files.',
            },
          ];
        const measures = placing.measuresOnTest?.(named.config as never) === true;
        const test = ingests.length === 1 ? (ingests[0]!.config['split'] as { readonly test?: unknown } | undefined)?.test : undefined;
        if (!measures || test !== 0) return [];
        return [
          {
            pointer,
            message: `The target "${named.name}" measures on test rows what packing costs, and "split" of "${ingests[0]!.step.id}" leaves none: "test" is 0.`,
            fix: 'Give "test" a share of the rows, or set "maxLoss": null to deploy unmeasured.',
          },
        ];
      }),
    );
  },
});
