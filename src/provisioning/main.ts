import { isPerennialError } from '../core/errors.ts';
import { provision } from './tools.ts';

/** `node dist/provision.js temporal tensorflow minio`: what `npm run setup` and `npm test` call once the code is built. */
try {
  for (const tool of await provision(process.argv.slice(2), (line) => console.error(`  ${line}`))) {
    console.error(`  ${tool.name} ${tool.version} (${tool.source}): ${tool.path}`);
  }
} catch (error) {
  if (!isPerennialError(error)) throw error;
  console.error(`error ${error.code}: ${error.message}\n  fix: ${error.hint}`);
  process.exitCode = 1;
}
