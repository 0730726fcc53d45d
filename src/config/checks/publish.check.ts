import { CHANGES, groupOf, isWanted } from '../../core/change.ts';
import type { ChangeType } from '../../core/change.ts';
import type { JsonObject } from '../../core/json.ts';
import { envelopeRegistry } from '../../events/envelopes/index.generated.ts';
import { sinkRegistry } from '../../events/sinks/index.generated.ts';
import type { Finding } from '../diagnostic.ts';
import { isObject } from '../schema-walk.ts';
import { defineCheck, namedConfig } from './check.ts';

export default defineCheck({
  name: 'publish',
  summary: 'Sinks of events can be told apart, have an address that can be one, and hear of something.',
  run({ on }) {
    const sinks = on?.['publish'];
    if (!Array.isArray(sinks)) return [];
    const names = new Map<string, number>();
    return sinks.flatMap((sink, index): Finding[] => (isObject(sink) ? findings(sink, index, names) : []));
  },
});

function findings(sink: JsonObject, index: number, names: Map<string, number>): Finding[] {
  const pointer = `/on/publish/${index}`;
  const to = namedConfig(sink['to']);
  const as = namedConfig(sink['as']);
  if (to === undefined || as === undefined) return [];
  const name = typeof sink['name'] === 'string' ? sink['name'] : to.name;
  const first = names.get(name);
  names.set(name, first ?? index);
  const wanted = sink['events'] as readonly string[] | undefined;
  const { tells, needsHttp } = envelopeRegistry.get(as.name);
  const isMisplaced = needsHttp?.(as.config) === true && sinkRegistry.get(to.name).isHttp !== true;
  const heard = (Object.keys(CHANGES) as ChangeType[]).filter((type) => isWanted(type, wanted) && isWanted(type, tells));
  return [
    ...(first === undefined
      ? []
      : [
          {
            pointer: `${pointer}/${typeof sink['name'] === 'string' ? 'name' : 'to'}`,
            message: `The sink "${name}" has the name of the one at /on/publish/${first}: what waits for them could not be told apart.`,
            fix: 'Give it a "name" of its own.',
          },
        ]),
    ...(heard.length > 0
      ? []
      : [
          {
            pointer: `${pointer}/events`,
            message: `The sink would hear of nothing: ${as.name} has no word for ${wanted!.join(', ')}.`,
            fix: `Leave "events" out, or name some of ${[...new Set((tells ?? []).map(groupOf))].join(', ')}.`,
          },
        ]),
    ...(isMisplaced
      ? [
          {
            pointer: `${pointer}/as`,
            message: `The sink "${to.name}" has neither headers nor several events in one message, which ${JSON.stringify(as.config)} of ${as.name} needs.`,
            fix: `Take it out: a "${to.name}" gets whole events one by one.`,
          },
        ]
      : []),
    ...(sinkRegistry.get(to.name).check?.(to.config) ?? []).map(({ pointer: inside, message, fix }) => ({
      pointer: `${pointer}/to/${to.name}${inside}`,
      message,
      fix,
    })),
  ];
}
