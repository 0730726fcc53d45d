import type { Plugin } from 'esbuild';

export const asRequired: Plugin;
