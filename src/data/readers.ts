import { DefinitionRegistry } from '../core/registry.ts';
import { readers } from './readers/index.generated.ts';

export const readerRegistry = new DefinitionRegistry('source format', readers, (reader) => reader.format);
