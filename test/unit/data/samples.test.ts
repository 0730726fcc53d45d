import { expect, test } from 'vitest';
import { fetchSampleDatasets } from '../../../src/data/samples/sample-datasets.ts';
import { SAMPLE_DATASETS } from '../../../src/data/samples/sample-table.ts';
import { readMail } from '../../../src/data/samples/mail.ts';
import { failure } from './support.ts';

test('an unknown sample data set lists those that exist', async () => {
  expect(await failure(fetchSampleDatasets(['digit'], () => {}))).toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining(SAMPLE_DATASETS.map((sample) => sample.name).join(', ')),
  });
});

test('a mail is its subject and its visible words', () => {
  expect(readMail('From: a@b\nSubject: =?iso-8859-1?Q?Gr=FC=DFe?=\n  from afar\nReceived: secret\n\nHello,\n\nbody')).toEqual({
    subject: 'Grüße from afar',
    body: 'Hello,\nbody',
  });
  expect(
    readMail(
      'Subject: x\nContent-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n<html><style>b{}</style><b>caf=E9</b> &amp; <a href=3D"http://x.y/z">go</a>=\nes</b>',
    ).body,
  ).toBe('café & http://x.y/z go es');
  const parts =
    'Subject: m\nContent-Type: multipart/alternative; boundary="B"\n\npreamble\n--B\nContent-Type: text/plain\n\nplain words\n--B\nContent-Type: text/html\n\n<p>markup</p>\n--B--\n';
  expect(readMail(parts).body).toBe('plain words');
  const attached = `Subject: m\nContent-Type: multipart/mixed; boundary=B\n\n--B\nContent-Transfer-Encoding: base64\n\n${Buffer.from('hidden text').toString('base64')}\n--B\nContent-Type: image/gif\n\nR0lGOD\n--B--\n`;
  expect(readMail(attached).body).toBe('hidden text\n[attachment]');
  expect(readMail('')).toEqual({ subject: '', body: '' });
});
