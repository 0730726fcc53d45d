import { expect, it } from 'vitest';
import { likenessOf } from '../../../src/runs/applied.ts';
import { findRenames } from '../../../src/runs/renames.ts';

const body = (epochs: number) => ({ apiVersion: 'perennial/v1', steps: [{ uses: 'train', with: { epochs } }] });
const declared = (pipeline: string, file: string, epochs = 1) => ({ pipeline, file, document: { ...body(epochs), name: pipeline } });
const known = (pipeline: string, file: string | undefined, epochs = 1) => ({ pipeline, file, likeness: likenessOf(body(epochs)) });
const gone = () => true;

it('takes the document that lies where the old one lay for the old one', () => {
  expect([...findRenames([declared('new', '/a.json', 9)], [known('old', '/a.json')], gone)]).toEqual([['new', 'old']]);
});

it('takes the one that says the same but for its name for it, where that is gone', () => {
  expect([...findRenames([declared('new', '/b.json')], [known('old', '/a.json')], gone)]).toEqual([['new', 'old']]);
  expect([...findRenames([declared('copy', '/b.json')], [known('old', '/a.json')], () => false)]).toEqual([]);
  expect([...findRenames([declared('old', '/a.json'), declared('copy', '/b.json')], [known('old', '/a.json')], gone)]).toEqual([]);
});

it('decides nothing where two could be meant', () => {
  expect([...findRenames([declared('new', '/c.json')], [known('x', '/a.json'), known('y', '/b.json')], gone)]).toEqual([]);
  expect([...findRenames([declared('x', '/c.json'), declared('y', '/d.json')], [known('old', '/a.json')], gone)]).toEqual([]);
  // Its file tells.
  expect([...findRenames([declared('x', '/a.json'), declared('y', '/d.json')], [known('old', '/a.json')], gone)]).toEqual([['x', 'old']]);
});

it('two documents that change their names with each other stay what they are', () => {
  const two = [known('x', '/a.json', 1), known('y', '/b.json', 2)];
  expect([...findRenames([declared('y', '/a.json', 1), declared('x', '/b.json', 2)], two, gone)]).toEqual([]);
});

it('believes what it is told, and finds the rest of a rename that was ended half way', () => {
  const told = new Map([['new', 'old']]);
  expect([...findRenames([declared('new', '/b.json', 2)], [known('old', '/a.json', 1)], () => false, told)]).toEqual([['new', 'old']]);
  const half = [known('old', '/a.json'), { pipeline: 'new', file: '/a.json' }];
  expect([...findRenames([declared('new', '/a.json')], half, gone)]).toEqual([['new', 'old']]);
});
