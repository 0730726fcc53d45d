#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const entry = new URL('../dist/cli.js', import.meta.url);
if (!existsSync(fileURLToPath(entry))) {
  console.error('perennial: not built yet. Run `npm run setup` in the folder of the clone.');
  process.exit(2);
}
await import(entry.href);
