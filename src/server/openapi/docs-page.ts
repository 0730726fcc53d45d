import { createHash } from 'node:crypto';

/**
 * The page at /docs: reads /openapi.json, asks for the token where the server wants one, and sends requests by hand. It holds nothing of
 * the models itself. No part of it is loaded from elsewhere.
 */
export function docsPage(): { readonly body: string; readonly policy: string } {
  const digest = createHash('sha256').update(SCRIPT).digest('base64');
  return {
    policy: `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${digest}'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    body: `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Perennial model server</title><style>${STYLE}</style></head>
<body><main><h1>Perennial model server</h1><p id="facts"><a href="openapi.json">openapi.json</a></p>
<form id="key" hidden><label>This server asks for a token: <input id="token" type="password" autocomplete="off"></label> <button>Open</button></form>
<div id="list"></div><noscript>This page needs JavaScript; /openapi.json says the same.</noscript></main>
<script>${SCRIPT}</script></body></html>
`,
  };
}

const STYLE = `:root{--ink:#1c2330;--quiet:#5d6878;--line:#dde2ea;--panel:#f6f8fb;--paper:#fff;--get:#12794a;--post:#2457c5}
@media (prefers-color-scheme:dark){:root{--paper:#12161d;--ink:#e3e8f0;--quiet:#98a4b5;--line:#2c3542;--panel:#1a2029;--get:#57c794;--post:#8ab0ff}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:960px;margin:0 auto;padding:24px 16px 64px}h2{font-size:18px;margin:32px 0 8px}
details{border:1px solid var(--line);border-radius:6px;margin:6px 0;background:var(--panel)}
summary{padding:8px 12px;cursor:pointer;overflow-wrap:anywhere}summary code{font-weight:600}
.get{color:var(--get)}.post{color:var(--post)}.quiet{color:var(--quiet)}.inside{padding:0 12px 12px}
textarea,input{width:100%;font:13px/1.45 ui-monospace,monospace;background:var(--paper);color:inherit;border:1px solid var(--line);border-radius:4px;padding:6px}
label{display:block;margin:6px 0}button{margin:8px 0;padding:4px 14px}pre{overflow:auto;background:var(--paper);border:1px solid var(--line);border-radius:4px;padding:8px;font-size:13px;max-height:360px}`;

const SCRIPT = `'use strict';
let token = '';
const element = (name, text, className) => {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className !== undefined) made.className = className;
  return made;
};
const headers = () => (token === '' ? {} : { authorization: 'Bearer ' + token });
const quoted = (text) => "'" + text.replaceAll("'", "'\\\\''") + "'";
function form(address, method, operation) {
  const inside = element('div', undefined, 'inside');
  const fields = (operation.parameters || []).map((parameter) => {
    const label = element('label', parameter.name + (parameter.required ? '' : ' (optional)') + ': ' + parameter.description);
    const input = element('input');
    label.append(input);
    inside.append(label);
    return { parameter, input };
  });
  let body;
  if (operation.requestBody) {
    const content = operation.requestBody.content['application/json'];
    const label = element('label', 'Body');
    body = element('textarea');
    body.rows = 10;
    body.value = content.example === undefined ? '{}' : JSON.stringify(content.example, null, 2);
    label.append(body);
    const schema = element('details');
    schema.append(element('summary', 'Schema'), element('pre', JSON.stringify(content.schema, null, 2)));
    inside.append(label, schema);
  }
  const curl = element('pre');
  const answer = element('pre');
  answer.hidden = true;
  const request = () => {
    let path = address;
    const given = {};
    for (const { parameter, input } of fields) {
      if (parameter.in === 'path') path = path.replace('{' + parameter.name + '}', encodeURIComponent(input.value));
      else if (input.value !== '') given[parameter.name] = input.value;
    }
    return { path, headers: { ...given, ...(body ? { 'content-type': 'application/json' } : {}) }, ...(body ? { body: body.value } : {}) };
  };
  const told = () => {
    const asked = request();
    const named = Object.entries(token === '' ? asked.headers : { ...asked.headers, authorization: 'Bearer TOKEN' });
    curl.textContent = ['curl' + (method === 'get' ? '' : ' -X ' + method.toUpperCase()) + ' ' + quoted(location.origin + asked.path)]
      .concat(named.map(([name, value]) => '-H ' + quoted(name + ': ' + value)))
      .concat(asked.body === undefined ? [] : ['-d ' + quoted(asked.body)])
      .join(' ');
  };
  inside.addEventListener('input', told);
  told();
  const send = element('button', 'Send');
  send.addEventListener('click', async () => {
    const asked = request();
    answer.hidden = false;
    try {
      const response = await fetch(asked.path, { method: method.toUpperCase(), headers: { ...asked.headers, ...headers() }, ...(asked.body === undefined ? {} : { body: asked.body }) });
      const text = await response.text();
      let shown = text;
      try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch {}
      answer.textContent = response.status + ' ' + response.statusText + '\\n' + shown;
    } catch (error) {
      answer.textContent = String(error);
    }
  });
  inside.append(curl, send, answer);
  return inside;
}
function show(described) {
  const list = document.getElementById('list');
  list.replaceChildren();
  document.getElementById('facts').append(element('span', ' · version ' + described.info.version, 'quiet'));
  for (const { name } of described.tags) {
    list.append(element('h2', name));
    for (const [address, methods] of Object.entries(described.paths))
      for (const [method, operation] of Object.entries(methods)) {
        if (operation.tags[0] !== name) continue;
        const one = element('details');
        const head = element('summary');
        head.append(element('code', method.toUpperCase(), method), ' ', element('code', address), ' ', element('span', operation.summary, 'quiet'));
        one.append(head);
        one.addEventListener('toggle', () => { if (one.open && one.children.length === 1) one.append(form(address, method, operation)); });
        list.append(one);
      }
  }
}
async function open() {
  const response = await fetch(new URL(location.pathname.endsWith('/') ? '../openapi.json' : 'openapi.json', location.href), { headers: headers() });
  const key = document.getElementById('key');
  key.hidden = response.status !== 401;
  if (response.ok) return show(await response.json());
  if (response.status !== 401) document.getElementById('list').append(element('p', 'The description cannot be read: ' + response.status));
}
document.getElementById('key').addEventListener('submit', (event) => {
  event.preventDefault();
  token = document.getElementById('token').value;
  void open();
});
void open();
`;
