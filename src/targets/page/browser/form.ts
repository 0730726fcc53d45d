import type { Prediction } from '../../../core/tensor.ts';
import type { PageColumn, PageData, PageModel } from '../page-data.ts';

/** The page around the model: a form for one row, a field for many, and what it answers. */
export function drawPage(data: PageData, ready: Promise<PageModel>): void {
  const windowed = data.columns.length > 0 && windowSize(data) > 1;
  const form = element('form', { id: 'row' });
  const fields = windowed ? [] : data.columns.map((column) => fieldOf(column));
  for (const field of fields) form.append(field.label);
  const rows = element('textarea', { id: 'rows', rows: '8', spellcheck: 'false' });
  rows.value = JSON.stringify(exampleRows(data), null, 1);
  const answer = element('pre', { id: 'answer' });
  const status = element('p', { id: 'status' });
  const ask = async (read: () => Promise<readonly unknown[]>): Promise<void> => {
    status.textContent = 'asking …';
    answer.textContent = '';
    try {
      const model = await ready;
      const given = await read();
      const began = performance.now();
      const predictions = await model.predict(given);
      answer.replaceChildren(shown(predictions));
      status.textContent = `${predictions.length} ${predictions.length === 1 ? 'answer' : 'answers'} in ${Math.round(performance.now() - began)} ms (${model.backend}).`;
      status.className = '';
    } catch (error) {
      status.textContent = error instanceof Error ? error.message : String(error);
      status.className = 'wrong';
    }
  };
  const button = element('button', { type: 'submit' }, 'Ask');
  form.append(button);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void ask(async () => [
      Object.fromEntries(
        (await Promise.all(fields.map(async ({ name, value }) => [name, await value()] as const))).filter(
          ([, value]) => value !== undefined,
        ),
      ),
    ]);
  });
  const several = element('button', { type: 'button', id: 'ask-rows' }, windowed ? 'Ask' : 'Ask for these rows');
  several.addEventListener('click', () => void ask(async () => readRows(rows.value)));
  const facts = element('ul', {});
  for (const fact of data.facts) facts.append(element('li', {}, fact));
  const details = element(
    'details',
    {},
    element('summary', {}, windowed ? 'Rows, in the order of time' : 'Several rows, as JSON'),
    rows,
    several,
  );
  details.open = windowed;
  document.body.append(
    element('h1', {}, `${data.model} `, element('small', {}, `version ${data.version}`)),
    ...(data.description === '' ? [] : [element('p', {}, data.description)]),
    ...(windowed ? [] : [form]),
    details,
    status,
    answer,
    element('details', {}, element('summary', {}, 'About this model'), facts),
  );
  ready.then(
    () => document.body.setAttribute('data-ready', 'true'),
    (error: unknown) => {
      status.textContent = `The model cannot run here: ${error instanceof Error ? error.message : String(error)}`;
      status.className = 'wrong';
    },
  );
}

const windowSize = ({ preprocessor }: PageData): number => (preprocessor['sequence'] as { readonly size?: number } | undefined)?.size ?? 1;

interface Field {
  readonly name: string;
  readonly label: HTMLElement;
  /** undefined: left out. */
  value(): Promise<unknown>;
}

function fieldOf(column: PageColumn): Field {
  const { name, type, required, choices, example } = column;
  const label = element('label', {}, element('span', {}, `${name}${required ? '' : ' (may be left out)'}`));
  if (type === 'image') {
    const input = element('input', { type: 'file', accept: 'image/*', name });
    label.append(input);
    return {
      name,
      label,
      value: async () => {
        const file = input.files?.[0];
        return file === undefined ? undefined : new Uint8Array(await file.arrayBuffer());
      },
    };
  }
  if (type === 'boolean') {
    const select = element('select', { name });
    for (const option of ['', 'true', 'false']) select.append(element('option', { value: option }, option));
    select.value = example === undefined ? '' : String(example);
    label.append(select);
    return { name, label, value: async () => (select.value === '' ? undefined : select.value === 'true') };
  }
  const isNumber = type === 'number' || type === 'integer' || type === 'float';
  const isLong = type === 'string' && choices === undefined;
  const input = isLong ? element('textarea', { name, rows: '4' }) : element('input', isNumber ? { name, inputmode: 'decimal' } : { name });
  input.value = example === undefined ? '' : String(example);
  label.append(input);
  if (choices !== undefined) {
    const list = element('datalist', { id: `choices-${name}` });
    for (const choice of choices) list.append(element('option', { value: choice }));
    input.setAttribute('list', `choices-${name}`);
    label.append(list);
  }
  return {
    name,
    label,
    value: async () => {
      const text = input.value;
      if (text.trim() === '') return undefined;
      // What is no number is sent as it is: the model says what it expects.
      return isNumber && Number.isFinite(Number(text)) ? Number(text) : text;
    },
  };
}

function readRows(text: string): readonly unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`The rows are no JSON: ${error instanceof Error ? error.message : String(error)}. Expected is a list of objects.`);
  }
  return Array.isArray(value) ? value : [value];
}

function exampleRows(data: PageData): unknown[] {
  const row = Object.fromEntries(
    data.columns.filter(({ type }) => type !== 'image').map(({ name, example, choices }) => [name, example ?? choices?.[0] ?? null]),
  );
  return Array.from({ length: windowSize(data) }, () => row);
}

/** The most probable class first; everything else as it is. */
function shown(predictions: readonly Prediction[]): Node {
  const list = document.createDocumentFragment();
  for (const prediction of predictions) {
    const { label, probabilities } = prediction as { readonly label?: string; readonly probabilities?: Readonly<Record<string, number>> };
    if (probabilities === undefined) list.append(`${JSON.stringify(prediction, null, 1)}\n`);
    else {
      list.append(element('strong', {}, String(label)), '\n');
      for (const [name, share] of Object.entries(probabilities)
        .sort((a, b) => b[1] - a[1])
        .slice(0, 10))
        list.append(`${(100 * share).toFixed(2).padStart(7)} %  ${name}\n`);
    }
  }
  return list;
}

function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>>,
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
