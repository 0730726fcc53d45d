import * as tf from '@tensorflow/tfjs-core';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-webgl';
import type { Tf } from '../../../training/tensorflow/tf.ts';
import { answerRows } from '../answer-rows.ts';
import type { GraphModel } from '../answer-rows.ts';
import { drawPage } from './form.ts';
import type { PageData, PageModel } from '../page-data.ts';

async function start(): Promise<PageModel> {
  const data = JSON.parse(document.getElementById('perennial-model')!.textContent) as PageData;
  const backend = await chooseBackend(data);
  const { modelTopology, weightSpecs, weights } = data.graph;
  const bytes = Uint8Array.from(atob(weights), (letter) => letter.charCodeAt(0));
  const model = (await loadGraphModel(
    tf.io.fromMemory({ modelTopology, weightSpecs, weightData: bytes.buffer, format: 'graph-model' } as never),
  )) as unknown as GraphModel;
  return {
    model: data.model,
    version: data.version,
    backend,
    predict: (rows) => answerRows(tf as unknown as Tf, model, data, rows),
  };
}

/** Small networks are quicker without a graphics card, and exact; `?backend=webgl` or `?backend=cpu` chooses otherwise. */
async function chooseBackend({ columns }: PageData): Promise<string> {
  const asked = new URLSearchParams(location.search).get('backend');
  const wanted = asked ?? (columns.some(({ type }) => type === 'image') ? 'webgl' : 'cpu');
  for (const name of [wanted, 'cpu']) {
    if (name !== 'cpu' && name !== 'webgl') continue;
    try {
      // Half precision would be another model.
      if ((await tf.setBackend(name)) && (name === 'cpu' || tf.env().getBool('WEBGL_RENDER_FLOAT32_ENABLED'))) return name;
    } catch {
      // The next one.
    }
  }
  throw new Error('This browser runs neither of the backends "webgl" and "cpu".');
}

const ready = start();
(window as unknown as { perennial: Promise<PageModel> }).perennial = ready;
drawPage(JSON.parse(document.getElementById('perennial-model')!.textContent) as PageData, ready);
