import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/platform/paths.ts';

const root = packageRoot();

/** Lower may not import higher. Folders of one row are peers that may use each other only where a row below says so. */
const LAYERS: readonly (readonly string[])[] = [
  ['schemas'],
  ['src/core'],
  ['src/platform'],
  ['src/telemetry'],
  ['src/provisioning', 'src/storage', 'src/stack', 'src/tuning'],
  ['src/events'],
  ['src/data'],
  ['src/training'],
  ['src/access', 'src/registry', 'src/studies'],
  ['src/evaluation'],
  ['src/monitoring'],
  ['src/rollouts'],
  ['src/reports', 'src/serving'],
  ['src/targets'],
  ['src/config'],
  ['src/client', 'src/scoring', 'temporal.config.ts'],
  ['src/steps'],
  ['src/planning', 'src/notifications'],
  ['src/runs'],
  ['src/deployment', 'src/programs'],
  ['activities'],
  ['workflows'],
  ['src/worker', 'src/server', 'src/simulation', 'src/cli'],
];

/** Imports that must look up the order, each with its reason. */
const EXCEPTIONS: readonly { readonly from: RegExp; readonly to: RegExp; readonly why: string }[] = [
  {
    from: /^src\/config\/catalogue\.ts$/,
    to: /^activities\/steps\/index\.generated\.ts$/,
    why: 'the planner resolves steps to their definitions, which are data until they run',
  },
];

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' || entry.name === 'dist' ? [] : sources(path);
    return entry.name.endsWith('.ts') ? [path] : [];
  });
}

function layerOf(path: string): number {
  return LAYERS.findIndex((row) => row.some((folder) => path === folder || path.startsWith(`${folder}/`)));
}

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

/** The files of one cycle in the order of its imports; empty where there is none. */
function cycleIn(edges: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const finished = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): string[] => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (finished.has(file)) return [];
    path.push(file);
    for (const next of edges.get(file) ?? []) {
      const found = visit(next);
      if (found.length > 0) return found;
    }
    path.pop();
    finished.add(file);
    return [];
  };
  for (const file of edges.keys()) {
    const found = visit(file);
    if (found.length > 0) return found;
  }
  return [];
}

const files = ['schemas', 'src', 'activities', 'workflows'].flatMap((folder) => sources(join(root, folder)));
const imports: Import[] = files.flatMap((file) => {
  const text = readFileSync(file, 'utf8');
  return [
    ...text.matchAll(/^(?:import|export)\s+(type\s)?[^'";]*?from\s+['"](\.{1,2}\/[^'"]+)['"]|import\(\s*['"](\.{1,2}\/[^'"]+)['"]/gm),
  ].map((match) => ({
    from: relative(root, file),
    to: relative(root, join(file, '..', match[2] ?? match[3]!)),
    typeOnly: match[1] !== undefined,
  }));
});

describe('imports', () => {
  it('are found (the check sees the code)', () => {
    expect(imports.length).toBeGreaterThan(200);
  });

  it('point one way', () => {
    const wrong = imports.filter(({ from, to }) => {
      const low = layerOf(from);
      const high = layerOf(to);
      return low >= 0 && high > low && !EXCEPTIONS.some((exception) => exception.from.test(from) && exception.to.test(to));
    });
    expect(wrong.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
  });

  it('name files that exist, with their ending', () => {
    const broken = imports.filter(({ to }) => {
      try {
        return !statSync(join(root, to)).isFile();
      } catch {
        return true;
      }
    });
    expect(broken.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
  });

  it('of workflow code come from the core, the workflow package and the common package only', () => {
    const allowed = /^(@temporalio\/(workflow|common)|\.{1,2}\/.*)$/;
    const wrong = sources(join(root, 'workflows')).flatMap((file) => {
      const text = readFileSync(file, 'utf8');
      return [...text.matchAll(/^(?:import|export)(?! type)[^;]*?from\s+['"]([^'"]+)['"]/gm)]
        .map((match) => match[1]!)
        .filter((module) => {
          if (!allowed.test(module)) return true;
          if (!module.startsWith('.')) return false;
          const target = relative(root, join(file, '..', module));
          return !target.startsWith('src/core/') && !target.startsWith('workflows/');
        })
        .map((module) => `${relative(root, file)} → ${module}`);
    });
    expect(wrong).toEqual([]);
  });

  it('of OpenTelemetry are loaded on demand only, where the environment asks for it', () => {
    const own = [/^src\/telemetry\/(sdk|guard)\.ts$/, /^src\/worker\/tracing\.ts$/];
    const wrong = files.flatMap((file) => {
      const text = readFileSync(file, 'utf8');
      const path = relative(root, file);
      const named = [
        ...text.matchAll(/^(?:import|export)(?! type)[^;]*?from\s+['"]((?:@opentelemetry\/|@temporalio\/interceptors-)[^'"]+)['"]/gm),
      ].map((match) => match[1]!);
      return own.some((pattern) => pattern.test(path)) ? [] : named.map((module) => `${path} → ${module}`);
    });
    const statically = imports.filter(
      ({ from, to, typeOnly }) => !typeOnly && own.some((pattern) => pattern.test(to)) && !own.some((pattern) => pattern.test(from)),
    );
    const text = (path: string): string => readFileSync(join(root, path), 'utf8');
    expect([
      ...wrong,
      ...statically
        .filter(({ from, to }) => new RegExp(`^import [^;]*from '[^']*/${to.split('/').at(-1)}'`, 'm').test(text(from)))
        .map(({ from, to }) => `${from} → ${to}`),
    ]).toEqual([]);
  });

  it('have no cycles', () => {
    expect(
      cycleIn(
        new Map([
          ['a', new Set(['b'])],
          ['b', new Set(['c'])],
          ['c', new Set(['b'])],
        ]),
      ),
    ).toEqual(['b', 'c', 'b']);
    const edges = new Map<string, Set<string>>();
    for (const { from, to } of imports) edges.set(from, (edges.get(from) ?? new Set()).add(to));
    expect(cycleIn(edges)).toEqual([]);
  });
});

describe('Parquet files', () => {
  it('are named to the database in one place, which keeps it from taking their folders for columns', () => {
    const wrong = ['src', 'activities', 'bench'].flatMap((folder) =>
      sources(join(root, folder)).filter((file) => readFileSync(file, 'utf8').includes('read_parquet(')),
    );
    expect(wrong.map((file) => relative(root, file))).toEqual(['src/data/table/duckdb.ts']);
  });
});

describe('the core', () => {
  it('is pure: no packages, no Node.js, no clock, no chance', () => {
    const wrong = sources(join(root, 'src/core')).flatMap((file) => {
      const text = readFileSync(file, 'utf8');
      const found = [...text.matchAll(/from\s+['"]([^.'"][^'"]*)['"]|\b(Math\.random|Date\.now|new Date\(\)|process\.|Buffer\b)/g)].map(
        (match) => match[0],
      );
      return found.map((what) => `${relative(root, file)}: ${what}`);
    });
    expect(wrong).toEqual([]);
  });
});
