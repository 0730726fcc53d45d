import { runCommandLine } from './command-line.ts';

// `perennial … | head` closes the pipe: nobody reads on, and that is no defect.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

await runCommandLine(process.argv.slice(2), {
  interactive: process.stderr.isTTY === true && process.env.CI === undefined && process.env.TERM !== 'dumb',
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  exit(code) {
    process.exitCode = code;
  },
});
