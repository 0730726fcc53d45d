import { durationMs, isDuration, spellDuration } from '../../core/duration.ts';
import type { JsonObject } from '../../core/json.ts';
import { defineCheck } from './check.ts';
import type { Finding } from '../diagnostic.ts';
import { isObject } from '../schema-walk.ts';

export default defineCheck({
  name: 'rollback-in-time',
  summary: 'What is taken back within a time is found out within that time.',
  run({ on }) {
    return Object.entries(on ?? {}).flatMap(([name, trigger]): Finding[] => {
      const within = isObject(trigger) ? withinOf(trigger) : undefined;
      if (within === undefined || !isObject(trigger)) return [];
      const { every } = trigger;
      const earliest = earliestOf(name, trigger);
      const next = isDuration(every) ? durationMs(every) : 0;
      if (earliest === undefined || earliest + next <= within) return [];
      const never = earliest >= within;
      return [
        {
          pointer: `/on/${name}/do/rollback/within`,
          given: (trigger['do'] as { rollback: JsonObject }).rollback['within']!,
          message: never
            ? `"${name}" knows of a bad promotion after ${spellDuration(earliest)} at the earliest: it would never be taken back.`
            : `"${name}" knows of a bad promotion after ${spellDuration(earliest)} at the earliest, and looks every ${spellDuration(next)}: it may be too late to take it back.`,
          fix: `Set "within" to ${spellDuration(earliest + next)} or more${isDuration(every) ? ', or look more often' : ''}.`,
        },
      ];
    });
  },
});

function withinOf({ do: action }: JsonObject): number | undefined {
  const rollback = isObject(action) ? action['rollback'] : undefined;
  const within = isObject(rollback) ? rollback['within'] : undefined;
  return isDuration(within) ? durationMs(within) : undefined;
}

/** After a promotion, until so many windows can hold what came of it; undefined of triggers that look at no windows. */
function earliestOf(name: string, { window, delay, every, windowsMin }: JsonObject): number | undefined {
  if (!isDuration(window) || typeof windowsMin !== 'number') return undefined;
  // Windows of drift are those of the looks before; live ones lie one beside the other.
  const step = name === 'drift' ? every : window;
  return (isDuration(delay) ? durationMs(delay) : 0) + (windowsMin - 1) * (isDuration(step) ? durationMs(step) : 0);
}
