import { DefinitionRegistry } from '../../core/registry.ts';
import { exports } from '../exports/index.generated.ts';

export const exportRegistry = new DefinitionRegistry('export', exports, (definition) => definition.name);
