import { defineCommand } from './command.ts';

export default defineCommand({
  register(program, io) {
    program
      .command('serve')
      .summary('serve the champions over HTTP, in the foreground')
      .description('Serve the champions of all registered models over HTTP, in the foreground (part of `up`).')
      .option('--port <number>', 'port to listen on (default: 8080, or a free one where that is taken; 0: a free one)')
      .option('--host <address>', 'address to listen on; one that other machines reach takes PERENNIAL_API_TOKEN', '127.0.0.1')
      .option('--grpc-port <number>', 'port of the same host for gRPC (0: a free one; default: no gRPC)')
      .option('--memory <size>', 'what the loaded models may take together, e.g. 2GiB; others wait on disk (default: without bound)')
      .addHelpText(
        'after',
        `
Speaks the Open Inference Protocol v2 (/v2/…, and over gRPC), TensorFlow Serving's REST API (/v1/…), MLflow's scoring protocol
(/invocations) and plain rows (/models/MODEL/predict).
Follows promotions and rollbacks within a second, and keeps serving what it has loaded while the store is away.

Environment:
  PERENNIAL_STORE            where the models are (file:PATH or s3://BUCKET/PREFIX)
  PERENNIAL_API_TOKEN        asked of every request but the health checks, as "Authorization: Bearer TOKEN"
  PERENNIAL_TLS_CERT         with PERENNIAL_TLS_KEY: paths of PEM files; HTTPS, and gRPC over TLS; renewed ones are taken over
  PERENNIAL_TLS_CLIENT_CA    path of a PEM file: clients need a certificate signed by one of these (mutual TLS)
  PERENNIAL_SERVER_URL       address under which other machines reach the server (promotions ask it there)
  PERENNIAL_CORS_ORIGINS     origins whose pages may call the server from a browser, with commas between them; "*": all
  PERENNIAL_GRPC_PORT        as --grpc-port; also of the server that perennial up starts
  PERENNIAL_SERVE_MEMORY     as --memory; also of the server that perennial up starts
  PERENNIAL_PREDICTION_LOG   part of the predictions that is logged to the store, 0 to 1 (default 1)
  PERENNIAL_LOG_LEVEL        debug, info, warn or error (default info)

Examples:
  perennial serve
  PERENNIAL_API_TOKEN=… perennial serve --port 9000 --host 0.0.0.0
  curl -s localhost:8080/models/penguins/predict -d '{"island":"Biscoe","bill_length_mm":46.1,"bill_depth_mm":13.2,"flipper_length_mm":211,"body_mass_g":4500,"sex":"female"}'`,
      )
      .action(async (options: { port?: string; host: string; grpcPort?: string; memory?: string }) => {
        const { memoryOf, openServer, portOf } = await import('../../server/open-server.ts');
        const memoryBytes = memoryOf(options.memory);
        const server = await openServer({
          host: options.host,
          ...(options.port === undefined ? {} : { port: portOf(options.port) }),
          ...(memoryBytes === undefined ? {} : { memoryBytes }),
          ...(options.grpcPort === undefined ? {} : { grpcPort: portOf(options.grpcPort, '--grpc-port') }),
        });
        io.print(`Serving on ${server.url}${server.grpc === undefined ? '' : `, gRPC on ${server.grpc}`} (stop with Ctrl-C)`);
        io.result({ url: server.url, ...(server.grpc === undefined ? {} : { grpc: server.grpc }), pid: process.pid });
        await new Promise<void>((resolve) => {
          process.once('SIGINT', resolve);
          process.once('SIGTERM', resolve);
        });
        io.note('Stopping: requests in flight are finished first.');
        await server.stop();
      });
  },
});
