import type { JsonObject } from '../core/json.ts';
import type { OpenArtifact } from '../core/ports.ts';
import type { OutputSpec } from '../core/tensor.ts';
import { latentPreprocessor } from '../data/answers/latent.ts';
import { promptPreprocessor } from '../data/answers/prompts.ts';
import { loadPreprocessor } from '../data/preprocess/preprocessor.ts';
import { PROFILE } from '../data/stored/dataset.ts';
import type { Servable } from '../serving/servable.ts';
import { fileAs, metaAs } from '../storage/stored.ts';
import { localArtifact } from '../training/trainer/local-artifact.ts';
import { TOPOLOGY } from '../training/model/model-config.ts';
import { MODEL } from '../training/model/model-meta.ts';
import { isPlain } from '../training/model/plain-network.ts';
import type { ScoredModel } from './score-task.ts';

/** Fetches the files of a model. @param version absent: it is no version yet @throws BLOB_CORRUPT */
export async function fetchModel(artifact: OpenArtifact, name: string, version?: number): Promise<ScoredModel> {
  const paths: Record<string, string> = {};
  for (const file of Object.keys(artifact.manifest.files)) paths[file] = await artifact.path(file);
  return { name, ...(version === undefined ? {} : { version }), ref: artifact.ref, manifest: artifact.manifest, paths };
}

/** What a model reads and gives, without its network. */
export interface ModelFacts extends Pick<Servable, 'preprocessor' | 'sourceColumns'> {
  readonly output: OutputSpec;
  /** Values of the network per row. */
  readonly width: number;
  /** It is computed without TensorFlow. */
  readonly isPlain: boolean;
}

/** @throws MODEL_INVALID */
export async function modelFacts(model: ScoredModel): Promise<ModelFacts> {
  const artifact = localArtifact(model);
  const { output, outputShape } = metaAs(artifact, MODEL);
  const [json, profile, topology] = await Promise.all([
    artifact.json<JsonObject>('preprocessor.json'),
    fileAs(artifact, PROFILE, 'profile.json'),
    fileAs(artifact, TOPOLOGY, 'topology.json'),
  ]);
  return {
    output,
    isPlain: isPlain(topology),
    width: outputShape.reduce((product, size) => product * size, 1),
    sourceColumns: profile.columns.map(({ name }) => name),
    preprocessor:
      output.kind === 'text'
        ? promptPreprocessor(json, output)
        : output.kind === 'samples'
          ? latentPreprocessor(output)
          : loadPreprocessor(json),
  };
}
