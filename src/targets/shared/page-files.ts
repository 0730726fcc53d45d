import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PerennialError } from '../../core/errors.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import type { OpenArtifact } from '../../core/ports.ts';
import type { LabelOutput, OutputSpec } from '../../core/tensor.ts';
import { PROFILE } from '../../data/stored/dataset.ts';
import type { DatasetProfile } from '../../data/stored/dataset.ts';
import { loadPreprocessor } from '../../data/preprocess/preprocessor.ts';
import { packageRoot } from '../../platform/paths.ts';
import type { VersionManifest } from '../../registry/types.ts';
import { fileAs, metaAs } from '../../storage/stored.ts';
import { MODEL } from '../../training/model/model-meta.ts';
import { TOPOLOGY } from '../../training/model/model-config.ts';
import type { PageColumn, PageData } from '../page/page-data.ts';

/** Texts that a form offers. */
const CHOICES_MAX = 50;

interface GraphJson {
  readonly modelTopology: Json;
  readonly weightsManifest: readonly { readonly paths: readonly string[]; readonly weights: readonly Json[] }[];
}
interface SignatureJson {
  readonly inputs: readonly { readonly tensor: string; readonly node: string }[];
  readonly outputs: readonly { readonly node: string }[];
}

/**
 * `index.html`: the model, its preprocessing and what runs both, in one file.
 *
 * @param exported the files of a "tfjsGraph" export
 * @param facts what the page says of the model
 */
export async function pageFiles(
  version: VersionManifest,
  model: OpenArtifact,
  exported: Readonly<Record<string, Uint8Array>>,
  facts: readonly string[],
): Promise<{
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly notes: readonly string[];
  readonly evidence: readonly string[];
}> {
  const [script, profile, topology, preprocessor] = await Promise.all([
    pageScript(),
    fileAs(model, PROFILE, 'profile.json'),
    fileAs(model, TOPOLOGY, 'topology.json'),
    model.json<JsonObject>('preprocessor.json'),
  ]);
  const meta = metaAs(model, MODEL);
  const { modelTopology, weightsManifest } = jsonOf<GraphJson>(exported, 'model.json');
  const signature = jsonOf<SignatureJson>(exported, 'signature.json');
  const node = (name: string): string => name.replace(/:0$/, '');
  const data: PageData = {
    model: version.name,
    version: version.version,
    description: version.description,
    facts: [`Version ${version.version}, made ${version.createdAt.slice(0, 10)}.`, ...facts],
    columns: columnsOf(preprocessor, profile),
    sourceColumns: profile.columns.map(({ name }) => name),
    preprocessor,
    output: inSourceUnits(meta.output),
    inputs: topology.inputs,
    inputNodes: Object.fromEntries(signature.inputs.map(({ tensor, node: of }) => [tensor, node(of)])),
    outputNodes: signature.outputs.map(({ node: of }) => node(of)),
    losses: meta.heads === undefined ? [meta.loss] : meta.heads.map(({ loss }) => loss),
    graph: {
      modelTopology,
      weightSpecs: weightsManifest.flatMap(({ weights }) => weights),
      weights: Buffer.concat(weightsManifest.flatMap(({ paths }) => paths).map((path) => exported[path]!)).toString('base64'),
    },
  };
  const html = Buffer.from(pageText(data, script));
  const resizes = JSON.stringify(preprocessor).includes('"resize"');
  const notes = [
    'index.html asks the model in columns of the source, as they are there, and answers in the units of the source: the preprocessing is in the page.',
    ...(resizes ? ['Images are resized by the browser: pixels may differ by a few of 255 levels from those of the server.'] : []),
  ];
  const evidence = [
    `index.html has ${kilobytes(html.length)}: ${kilobytes(script.length)} are TensorFlow.js and the preprocessing, ${kilobytes(Buffer.byteLength(data.graph.weights))} the weights`,
  ];
  const readme = Buffer.concat([
    exported['README.txt'] ?? Buffer.alloc(0),
    Buffer.from(['index.html:', ...notes, '', ...facts, ...evidence, ''].join('\n')),
  ]);
  return { files: { 'index.html': html, 'README.txt': readme }, notes, evidence };
}

const kilobytes = (bytes: number): string => `${Math.ceil(bytes / 1024).toLocaleString('en')} KiB`;

async function pageScript(): Promise<string> {
  const path = join(packageRoot(), 'dist', 'page-script');
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new PerennialError('INTERNAL', `The script of the page is missing: ${path}.`, { hint: 'Run `npm run build`.', cause: error });
  }
}

function jsonOf<T>(files: Readonly<Record<string, Uint8Array>>, name: string): T {
  return JSON.parse(Buffer.from(files[name]!).toString('utf8')) as T;
}

/** The graph has the scale of a label inside: what it gives is said as it is. */
function inSourceUnits(output: OutputSpec): OutputSpec {
  const plain = (one: LabelOutput): LabelOutput => {
    if (one.kind !== 'number') return one;
    const { scale: _scale, ...rest } = one;
    return rest;
  };
  if (output.kind === 'several') return { ...output, outputs: output.outputs.map(plain) };
  return output.kind === 'number' ? (plain(output) as OutputSpec) : output;
}

/** The columns that a model reads, with values as the data have them. */
export function columnsOf(preprocessor: JsonObject, profile: DatasetProfile): PageColumn[] {
  return loadPreprocessor(preprocessor).columns.map(({ name, type, required }) => {
    const found = profile.columns.find((column) => column.name === name);
    const counts = Object.entries(found?.categories?.counts ?? {}).sort((a, b) => b[1] - a[1]);
    const isFew = counts.length > 0 && counts.length <= CHOICES_MAX;
    const choices = type === 'string' && isFew ? counts.map(([value]) => value) : undefined;
    const example = exampleOf(type, choices, found?.number?.quantiles['0.5'] ?? found?.number?.mean);
    return { name, type, required, ...(choices === undefined ? {} : { choices }), ...(example === undefined ? {} : { example }) };
  });
}

/** A value to begin with. */
function exampleOf(type: string, choices: readonly string[] | undefined, median: number | undefined): PageColumn['example'] {
  if (choices !== undefined) return choices[0];
  if (type === 'timestamp') return '2024-06-01T12:00:00Z';
  if (type === 'boolean') return true;
  return median === undefined || type === 'image' ? undefined : Number(median.toPrecision(5));
}

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
h1 small { font-weight: normal; opacity: .7; }
form { display: grid; grid-template-columns: repeat(auto-fill, minmax(14rem, 1fr)); gap: .8rem 1rem; align-items: end; }
label { display: flex; flex-direction: column; gap: .2rem; }
input, select, textarea, button { font: inherit; padding: .4rem .5rem; }
textarea { width: 100%; box-sizing: border-box; font-family: ui-monospace, monospace; }
button { cursor: pointer; }
details { margin-top: 1rem; }
#answer { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 1rem; }
.wrong { color: #c0392b; }`;

function pageText(data: PageData, script: string): string {
  const title = `${data.model} version ${data.version}`.replace(/[<&]/g, '');
  // No request leaves the page: it has nothing to fetch, and could not.
  const policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${title}</title>
<style>${STYLE}
</style>
</head>
<body>
<script type="application/json" id="perennial-model">${JSON.stringify(data).replaceAll('<', '\\u003c')}</script>
<script>${script.replaceAll('</script', '<\\/script')}</script>
</body>
</html>
`;
}
