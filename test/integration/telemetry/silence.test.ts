import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/platform/paths.ts';
import { startReceiver } from '../../support/otlp/receiver.ts';
import { Perennial } from '../../support/perennial.ts';
import { tempDir } from '../../support/temp-dir.ts';

/** Prints at the exit which modules of OpenTelemetry were loaded. */
function lister(): string {
  const path = join(tempDir('lister'), 'list.mjs');
  writeFileSync(
    path,
    `import { createRequire } from 'node:module';
process.on('exit', () => process.stderr.write('LOADED ' + JSON.stringify(Object.keys(createRequire(import.meta.url).cache).filter((name) => /opentelemetry/.test(name)).length) + '\\n'));`,
  );
  return pathToFileURL(path).href;
}

describe('without the variables of OpenTelemetry', () => {
  it.each(['cli.js', 'worker.js', 'server.js', 'trainer.js'])('%s loads no module of it', (entry) => {
    const args: Record<string, string[]> = {
      'cli.js': ['models', 'list'],
      'worker.js': ['--nonsense'],
      'server.js': ['--port', 'x'],
      'trainer.js': [],
    };
    const home = tempDir('home');
    const { stderr } = spawnSync(process.execPath, ['--import', lister(), join(packageRoot(), 'dist', entry), ...args[entry]!], {
      encoding: 'utf8',
      env: { ...process.env, PERENNIAL_HOME: home, OTEL_EXPORTER_OTLP_ENDPOINT: '' },
    });
    expect(stderr).toContain('LOADED 0');
  });
});

describe('with them', () => {
  it('modules are loaded, and a command is told with its own name and no argument', async () => {
    const receiver = await startReceiver();
    try {
      const { stdout, code, stderr } = await new Perennial({
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        OTEL_SERVICE_NAME: 'mine',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
        NODE_OPTIONS: `--import ${lister()}`,
      }).run(['models', 'list', '--json']);
      expect(stderr).not.toContain('LOADED 0');
      expect(stderr).not.toContain('telemetry:');
      expect({ code, stdout: JSON.parse(stdout) }).toMatchObject({ code: 0 });
      expect(receiver.spans.find((span) => span.name === 'perennial models list')).toMatchObject({
        parentSpanId: '',
        resource: { 'service.name': 'mine', 'deployment.environment.name': 'test', 'service.namespace': 'perennial' },
      });
      expect(Object.keys(receiver.spans[0]!.resource).filter((name) => name.startsWith('process.') || name.startsWith('host.'))).toEqual(
        [],
      );
    } finally {
      await receiver.close();
    }
  });

  it('a receiver that is away is said on stderr, and holds the command up for seconds only', async () => {
    const held = createServer(() => undefined); // takes everything, answers nothing
    await new Promise<void>((resolve) => held.listen(0, '127.0.0.1', resolve));
    try {
      const perennial = new Perennial({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(held.address() as AddressInfo).port}` });
      const { code, stderr, stdout } = await perennial.run(['models', 'list', '--json']);
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toBeDefined();
      expect(stderr).toMatch(/telemetry: the receiver did not take the last traces and metrics within 5 s/);
    } finally {
      held.closeAllConnections();
      held.close();
    }
  });

  it('other exporters are refused aloud', async () => {
    const { code, stderr } = await new Perennial({ OTEL_TRACES_EXPORTER: 'console' }).run(['models', 'list', '--json']);
    expect(code).toBe(0);
    expect(stderr).toContain('OTEL_TRACES_EXPORTER is "console"; Perennial exports over OTLP only');
  });
});
