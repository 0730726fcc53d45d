import { PerennialError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import type { ExpectationDefinition } from './expectation.ts';
import { expectationRegistry } from './index.generated.ts';

/** The definition an expectation means. @throws CONFIG_INVALID */
export function findExpectation(config: JsonObject): ExpectationDefinition {
  const found = expectationRegistry.all().filter((item) => Object.hasOwn(config, item.name));
  if (found.length === 1) return found[0]!;
  throw new PerennialError(
    'CONFIG_INVALID',
    `${JSON.stringify(config)} is ${found.length === 0 ? 'no expectation' : `${found.length} expectations at once (${found.map((item) => item.name).join(', ')})`}; each has one of: ${expectationRegistry.names().join(', ')}.`,
  );
}
