import { afterAll } from 'vitest';
import { endStacks } from './perennial.ts';
import { endPrograms } from './processes.ts';
import { removeTempDirs } from './temp-dir.ts';

// A setup file: it runs for each test file, also where files share a process and modules are loaded once. Hooks run last one first.
afterAll(removeTempDirs);
afterAll(endPrograms);
afterAll(endStacks, 90_000);
