import { beforeEach, describe, expect, it } from 'vitest';
import type { Approval } from '../../../src/core/approval.ts';
import type { Outcome } from '../../../src/core/outcome.ts';
import { keepCheck } from '../../../src/monitoring/drift-checks/drift-check-record.ts';
import type { DriftCheck } from '../../../src/monitoring/drift-checks/drift-check-record.ts';
import { modelTimeline, reignsOf } from '../../../src/monitoring/timeline/model-timeline.ts';
import type { ModelTimeline } from '../../../src/monitoring/timeline/model-timeline.ts';
import { storeDigest } from '../../../src/monitoring/timeline/store-digest.ts';
import { readJournal, writeOutcome } from '../../../src/registry/outcomes.ts';
import { saveApprovals } from '../../../src/registry/version-approvals.ts';
import { digestMarkdown, renderDigest } from '../../../src/reports/digest.ts';
import { renderTimeline } from '../../../src/reports/timeline-report.ts';
import { timelineMarkdown } from '../../../src/reports/timeline-text.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { ada, workbench } from '../../contract/registry/models.ts';
import type { Workbench } from '../../contract/registry/models.ts';

const HOUR = 3_600_000;
let store: MemoryStore;
let bench: Workbench;
beforeEach(() => {
  store = new MemoryStore();
  bench = workbench(store);
});

/** Until the clock shows another millisecond. */
const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
const ago = (hours: number): string => new Date(Date.now() - hours * HOUR).toISOString();
const lastHours = (hours: number): { from: Date; to: Date; performance: boolean } => ({
  from: new Date(Date.now() - hours * HOUR),
  to: new Date(Date.now() + HOUR),
  performance: true,
});

function outcome(given: Partial<Outcome>): Outcome {
  return {
    formatVersion: 1,
    pipeline: 'p',
    kind: 'run',
    outcome: 'completed',
    summary: 'm version 1 is live.',
    workflow: 'p/r1',
    trigger: 'schedule',
    model: 'm',
    at: ago(1),
    ...given,
  };
}

const result = { rows: 500, driftScore: 0.4, driftedColumns: ['a'] } as unknown as DriftCheck['result'];

const driftCheck = (given: Partial<DriftCheck>): DriftCheck => ({
  formatVersion: 1,
  id: 'aaaa000000',
  model: 'm',
  version: 1,
  at: ago(1),
  stream: null,
  source: 'now.csv',
  window: null,
  result,
  verdict: { alarm: true, outcome: 'alarm', reason: 'a drifted.' },
  ...given,
});

const approval = (given: Partial<Approval>): Approval =>
  ({ step: 'ask', question: 'Is it fair?', decision: 'approved', why: 'yes', at: ago(1), ...given }) as Approval;

/** As names of objects tell times. */
const keyOf = (at: string): string => at.replaceAll(/[-:]|\.\d+/g, '');

async function timeline(hours = 48): Promise<ModelTimeline> {
  return modelTimeline(store, bench.artifacts, 'm', lastHours(hours));
}

describe('the journal', () => {
  const all = { from: new Date(0), to: new Date(Date.now() + HOUR) };

  it('remembers each end once, however often it is told, and in the order of time', async () => {
    const newer = outcome({ workflow: 'p/r2', at: ago(1), seconds: 12.5, version: 3 });
    const older = outcome({ at: ago(2) });
    await writeOutcome(store, newer);
    for (let told = 0; told < 2; told += 1) await writeOutcome(store, older); // an older one is no news, and part of the story
    expect((await readJournal(store, 'p', all)).entries).toEqual([older, newer]);
  });

  it('remembers checks that led to something or that somebody has to look at, and no quiet ones', async () => {
    for (const [at, kind, word] of [
      [9, 'drift', 'none'],
      [8, 'newData', 'nothingNew'],
      [7, 'drift', 'coolingDown'],
      [6, 'drift', 'running'],
      [5, 'drift', 'started'],
      [4, 'drift', 'nothingNew'],
      [3, 'performance', 'rolledBack'],
      [2, 'event', 'failed'],
    ] as const)
      await writeOutcome(store, outcome({ kind, outcome: word, workflow: `p/${kind}-${at}`, at: ago(at) }));
    const { entries } = await readJournal(store, 'p', all);
    expect(entries.map(({ kind, outcome: word }) => `${kind} ${word}`)).toEqual([
      'drift started',
      'drift nothingNew',
      'performance rolledBack',
      'event failed',
    ]);
  });

  it('gives what ended in a stretch of time, its end excluded, and says what cannot be read', async () => {
    const at = ['2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z', '2026-01-03T00:00:00.000Z'];
    for (const time of at) await writeOutcome(store, outcome({ at: time, workflow: `p/${time}` }));
    await store.put('journal/p/20260102T100000.000Z-abc.json', Buffer.from('{"cut'));
    await store.put('journal/p.other/20260102T100000.000Z-abc.json', Buffer.from('{"cut'));
    const { entries, problems } = await readJournal(store, 'p', { from: new Date(at[1]!), to: new Date(at[2]!) });
    expect(entries.map((entry) => entry.at)).toEqual([at[1]]);
    expect(problems).toEqual([expect.stringContaining('journal/p/20260102T100000.000Z-abc.json')]);
  });
});

describe('who was champion when', () => {
  const day = (number: number): string => `2026-01-0${number}T00:00:00.000Z`;
  const span = { from: new Date(day(2)), to: new Date(day(6)) };

  it('is cut to the time that is looked at, and knows who served before it', () => {
    const history = [
      { at: day(1), aliases: { champion: 1 } },
      { at: day(3), aliases: { champion: 1, challenger: 2 } }, // no change of the champion
      { at: day(4), aliases: { champion: 2 } },
      { at: day(5), aliases: {} },
    ];
    expect(reignsOf(history, span)).toEqual([
      { version: 1, from: day(2), to: day(4) },
      { version: 2, from: day(4), to: day(5) },
    ]);
    expect(reignsOf(history.slice(0, 1), span)).toEqual([{ version: 1, from: day(2), to: day(6) }]);
    expect(reignsOf([{ at: day(7), aliases: { champion: 1 } }], span)).toEqual([]);
  });
});

describe('the time line of a model', () => {
  it('tells versions, moves, runs, checks, drift and who did what, in the order of time', async () => {
    const first = await bench.register(1);
    await bench.registry.promote('m', first, ada);
    await tick();
    const second = await bench.register(2);
    await bench.registry.promote('m', second, ada);
    await tick();
    await bench.registry.rollback('m', { ...ada, why: 'fails on <b>chinstraps</b> | and others' });
    const { pipeline } = await bench.registry.version('m', first);
    await writeOutcome(store, outcome({ pipeline, at: ago(3), workflow: `${pipeline}/r0`, outcome: 'rejected', seconds: 100 }));
    await writeOutcome(store, outcome({ pipeline, at: ago(2), model: 'another', workflow: `${pipeline}/r9` }));
    await writeOutcome(store, outcome({ pipeline, at: ago(200), workflow: `${pipeline}/long-ago` }));
    await keepCheck(store, driftCheck({ id: 'aaaa000000', at: ago(5) }));
    await keepCheck(store, driftCheck({ id: 'bbbb000000', at: ago(4), verdict: { alarm: false, outcome: 'stable', reason: 'No.' } }));

    const found = await timeline();
    expect(found.entries.map(({ what, tone }) => `${tone}: ${what}`)).toEqual([
      'bad: drift was found in now.csv',
      `bad: run ${pipeline}/r0 was rejected`,
      'quiet: version 1 was registered',
      'good: version 1 became champion',
      'quiet: version 2 was registered',
      'good: version 2 became champion in place of version 1',
      'bad: back from version 2 to version 1, pinned',
    ]);
    expect(found).toMatchObject({ champion: 1, pin: { version: 1 } });
    expect(found.checks.map(({ id }) => id)).toEqual(['aaaa000000', 'bbbb000000']);
    expect(found.reigns.map(({ version }) => version)).toEqual([1, 2, 1]);
    expect(found.ends.map(({ workflow }) => workflow)).toEqual([`${pipeline}/r0`]);

    const markdown = timelineMarkdown(found);
    expect(markdown).toContain('1 run (1 rejected) in 2 min, 2 new versions, 2 promotions, 1 rollback, 2 checks for drift (1 alarm).');
    expect(markdown).toContain('fails on \\<b\\>chinstraps\\</b\\> \\| and others');
    const rows = markdown.split('\n').filter((line) => line.startsWith('|'));
    for (const row of rows) expect(row.split(/(?<!\\)\|/)).toHaveLength(6);
    const html = await renderTimeline(found);
    expect(html).toContain('fails on &#60;b&#62;chinstraps&#60;/b&#62; | and others');
    expect(html).not.toMatch(/<script|src=|href=/);
    expect(await renderTimeline(found)).toBe(html);
  });

  it('does not say that there were no runs where versions came of runs that are not remembered', async () => {
    await bench.registry.promote('m', await bench.register(1), ada);
    expect(timelineMarkdown(await timeline())).toContain('Version 1 is champion. 1 new version, 1 promotion.');
    const later = await modelTimeline(store, bench.artifacts, 'm', {
      from: new Date(Date.now() + HOUR),
      to: new Date(Date.now() + 2 * HOUR),
      performance: false,
    });
    expect(timelineMarkdown(later)).toContain('Version 1 is champion. 0 runs, 0 new versions.');
  });

  it('begins its charts where something is known, and counts minutes where that was today', async () => {
    await bench.registry.promote('m', await bench.register(1), ada);
    const page = await renderTimeline(await timeline(24 * 90));
    const today = new Date().toISOString().slice(8, 10);
    expect(page).toMatch(new RegExp(`>${today} [A-Z][a-z]{2} \\d\\d:\\d\\d<`));
  });

  it('goes on where something cannot be read, and says so; names a model that is unknown', async () => {
    await bench.registry.promote('m', await bench.register(1), ada);
    await bench.register(2);
    await store.put('models/m/versions/2.json', Buffer.from('{"cut'));
    const { notes, versions } = await timeline();
    expect(versions.map(({ version }) => version)).toEqual([1]);
    expect(notes).toEqual([expect.stringContaining('Version 2')]);
    await expect(modelTimeline(store, bench.artifacts, 'n', lastHours(1))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('goes on where a check, an approval or a time in the journal cannot be read, and says so', async () => {
    await bench.registry.promote('m', await bench.register(1), ada);
    await keepCheck(store, driftCheck({ id: 'aaaa000000', at: ago(5) }));
    await saveApprovals(store, { name: 'm', version: 1, run: 'r1' }, [approval({ at: ago(4) })]);
    await store.put(`drift/m/checks/${keyOf(ago(3))}-bbbb000000.json`, Buffer.from('{"cut'));
    await store.put('models/m/approvals/1/cut.json', Buffer.from('{"cut'));
    await store.put(`journal/p/${keyOf(ago(2))}.000Z-abc.json`, Buffer.from(JSON.stringify(outcome({ at: 'on Monday' }))));
    const found = await timeline();
    expect(found.entries.map(({ kind }) => kind)).toEqual(['drift', 'approval', 'version', 'routing']);
    expect(found.notes).toEqual([
      expect.stringContaining('approvals/1/cut.json'),
      expect.stringContaining('journal/p/'),
      expect.stringContaining('bbbb000000'),
    ]);
    expect(await renderTimeline(found)).toContain('Version 1 is champion');
  });

  it('goes on where what serves cannot be read, and where a newer version wrote what this one does not know', async () => {
    await bench.registry.promote('m', await bench.register(1), ada);
    await bench.registry.promote('m', await bench.register(2), ada);
    for await (const { key } of store.list('models/m/transitions/')) {
      const transition = JSON.parse(Buffer.from((await store.get(key)).body).toString('utf8')) as { revision: number };
      if (transition.revision === 1) await store.put(key, Buffer.from(JSON.stringify({ ...transition, action: 'borrowed' })));
    }
    await store.put('models/m/routing.json', Buffer.from('{"cut'));
    const found = await timeline();
    expect(found.champion).toBe(2);
    expect(found.entries.map(({ what }) => what)).toContain('what serves was changed (borrowed)');
    expect(found.notes).toEqual([expect.stringContaining('models/m/routing.json')]);
    expect(timelineMarkdown(found)).toContain('version 2 became champion in place of version 1');
  });

  it('reads outcomes that say no more than they must', async () => {
    const least = { formatVersion: 1, kind: 'run', at: ago(2), outcome: 'failed' };
    await store.put('outcomes/old/run.json', Buffer.from(JSON.stringify(least)));
    const entry = { ...least, pipeline: 'p', summary: '', workflow: 'p/r1', model: null };
    await store.put(`journal/p/${least.at.replaceAll(/[-:]/g, '')}-abc.json`, Buffer.from(JSON.stringify(entry)));
    await bench.register(1);
    const digest = await storeDigest(store, bench.artifacts, lastHours(48));
    expect(digest.toLookAt).toMatchObject([{ pipeline: 'old', summary: '', workflow: 'old', trigger: '', model: null }]);
    expect(digestMarkdown(digest)).toContain('**old: run old failed**');
    expect(digestMarkdown(digest)).toContain('**run p/r1 failed**');
    expect(renderDigest(digest)).not.toContain('undefined');
  });

  it('tells of deleted versions when they came, who approved them and how long they served', async () => {
    await bench.registry.promote('m', await bench.register(1), ada);
    await tick();
    await bench.registry.promote('m', await bench.register(2), ada);
    await saveApprovals(store, { name: 'm', version: 1, run: 'r1' }, [approval({ at: ago(4), who: 'eve' })]);
    await bench.registry.deleteVersion('m', 1, ada);
    const found = await timeline();
    expect(found.entries.map(({ what }) => what)).toEqual([
      'version 1 was approved: Is it fair?',
      'version 1 was registered',
      'version 1 became champion',
      'version 2 was registered',
      'version 2 became champion in place of version 1',
      'version 1 was deleted',
    ]);
    expect(found.versions.map(({ version }) => version)).toEqual([1, 2]);
    expect(found.deleted).toEqual([1]);
    expect(await renderTimeline(found)).toContain('1, deleted since');
  });

  it('counts checks to the millisecond: each is in one of two stretches that touch', async () => {
    await bench.register(1);
    const at = '2026-03-01T12:00:00.500Z';
    await keepCheck(store, driftCheck({ id: 'aaaa000000', at }));
    const within = async (from: string, to: string): Promise<number> =>
      (await modelTimeline(store, bench.artifacts, 'm', { from: new Date(from), to: new Date(to), performance: false })).checks.length;
    expect(await within('2026-03-01T12:00:00.400Z', '2026-03-01T12:00:00.600Z')).toBe(1);
    expect(await within('2026-03-01T12:00:00.500Z', '2026-03-01T12:00:01.000Z')).toBe(1);
    expect(await within('2026-03-01T12:00:00.000Z', at)).toBe(0);
    expect(await within('2026-03-01T12:00:00.501Z', '2026-03-01T13:00:00.000Z')).toBe(0);
  });

  it('leaves what people write as text, whatever marks it holds', async () => {
    await bench.registry.promote('m', await bench.register(1), ada);
    await bench.registry.promote('m', await bench.register(2), ada);
    const hostile = '_Eve_ a_b ~~x~~ &lt;b&gt; AT&T ![a](b) <b> | `x` *y*\n\n## m';
    await bench.registry.rollback('m', { who: hostile, why: hostile });
    const text = '\\_Eve\\_ a_b \\~\\~x\\~\\~ \\&lt;b\\&gt; AT&T !\\[a\\](b) \\<b\\> \\| \\`x\\` \\*y\\* ## m';
    for (const markdown of [timelineMarkdown(await timeline()), digestMarkdown(await storeDigest(store, bench.artifacts, lastHours(48)))]) {
      expect(markdown.split(text)).toHaveLength(4); // who and why of the entry, and who pinned
      expect(markdown.match(/^## m$/gm) ?? []).toHaveLength(markdown.startsWith('# What') ? 1 : 0);
    }
  });

  it('draws a model of which nothing is known yet, and one with thousands of checks', async () => {
    await bench.register(1);
    const empty = await timeline();
    expect(await renderTimeline(empty)).toContain('No version is champion');
    const at = (number: number): string => new Date(Date.parse(empty.from) + number * 60_000).toISOString();
    const checks = Array.from({ length: 2_000 }, (_, number) => ({
      id: String(number),
      at: at(number),
      version: 1,
      outcome: number === 777 ? ('alarm' as const) : ('stable' as const),
      rows: 300,
      driftScore: number % 7,
      driftedColumns: [],
    }));
    const html = await renderTimeline({ ...empty, checks });
    expect(html).toContain('Of 2000 checks');
    expect(html.match(/seen: /g)!.length).toBeLessThan(600);
    expect(html).toContain('seen: alarm');
    const entries = Array.from({ length: 20_000 }, (_, number) => ({
      at: at(number / 7),
      kind: 'run' as const,
      what: `run p/r${number} completed`,
      who: 'schedule',
      why: '',
      tone: number % 9 === 0 ? ('bad' as const) : ('quiet' as const),
    }));
    // What lies on one pixel is drawn once.
    const many = await renderTimeline({ ...empty, entries });
    expect(many.match(/lane: runs/g)!.length).toBeLessThan(2 * 900);
    expect(many).toContain('The 1000 newest of 20000 entries');
  });
});

describe('the digest', () => {
  it('tells first what waits for somebody, then each model with news, and names the others', async () => {
    await bench.registry.promote('m', await bench.register(1), ada);
    const { pipeline } = await bench.registry.version('m', 'champion');
    await writeOutcome(store, outcome({ pipeline, at: ago(400), outcome: 'failed', summary: 'SOURCE_UNAVAILABLE: no file <x>' }));
    await writeOutcome(store, outcome({ pipeline: 'fresh', model: null, at: ago(2), outcome: 'failed', workflow: 'fresh/r1' }));
    const digest = await storeDigest(store, bench.artifacts, lastHours(24 * 7));
    expect(digest.toLookAt.map((one) => one.pipeline)).toEqual(['fresh', pipeline]);
    expect(digest.others.map(({ workflow }) => workflow)).toEqual(['fresh/r1']);
    const markdown = digestMarkdown(digest);
    expect(markdown).toContain('1 model, 2 things to look at.');
    expect(markdown.indexOf('## To look at')).toBeLessThan(markdown.indexOf('## m'));
    expect(markdown).toContain('no file \\<x\\>');
    expect(renderDigest(digest)).toContain('Somebody has to look');
    expect(renderDigest(digest)).not.toContain('<x>');

    const quiet = await storeDigest(store, bench.artifacts, {
      from: new Date(Date.now() + HOUR),
      to: new Date(Date.now() + 2 * HOUR),
      performance: true,
    });
    expect(digestMarkdown(quiet)).toContain('m (version 1)');
    expect(renderDigest(quiet)).toContain('Somebody has to look');
  });

  it('says that all is well only where nothing went wrong and nothing is pinned', async () => {
    await bench.registry.promote('m', await bench.register(1), ada);
    const week = (): ReturnType<typeof storeDigest> => storeDigest(store, bench.artifacts, lastHours(24 * 7));
    expect(renderDigest(await week())).toContain('All is well');
    await bench.registry.promote('m', await bench.register(2), ada);
    await bench.registry.rollback('m', ada);
    const digest = await week();
    expect(digestMarkdown(digest)).toContain(
      '1 model, nothing waits for anybody. 1 incident in this time. Pinned, so that no automation promotes: m.',
    );
    expect(renderDigest(digest)).toContain('Nothing waits for anybody');
    expect(renderDigest(digest)).not.toContain('All is well');
  });

  it('counts what went wrong with pipelines that have no model, and says how many ends it leaves out', async () => {
    for (let hour = 1; hour <= 20; hour += 1)
      await writeOutcome(
        store,
        outcome({ pipeline: 'q', model: null, workflow: `q/${hour}`, at: ago(hour), outcome: hour === 20 ? 'failed' : 'completed' }),
      );
    const digest = await storeDigest(store, bench.artifacts, lastHours(48));
    const markdown = digestMarkdown(digest);
    expect(markdown).toContain('1 incident in this time.');
    expect(markdown).toContain('run q/20 failed');
    expect(markdown).toContain('8 more: `perennial digest --json`');
    expect(renderDigest(digest)).toContain('8 more: <code>perennial digest --json</code>');
    expect(renderDigest(digest)).not.toContain('All is well');
  });

  it('does not say that all is well where something cannot be read', async () => {
    await bench.registry.promote('m', await bench.register(1), ada);
    await bench.registry.promote('n', await bench.register(2, 'n'), ada);
    await store.put('drift/m/checks/20260101T000000Z-abc.json', Buffer.from('{"cut'));
    expect(renderDigest(await storeDigest(store, bench.artifacts, lastHours(48)))).toContain('All is well');
    await store.put(`drift/m/checks/${keyOf(ago(1))}-abc.json`, Buffer.from('{"cut'));
    const digest = await storeDigest(store, bench.artifacts, lastHours(48));
    expect(digest.models.map(({ model }) => model)).toEqual(['m', 'n']);
    expect(renderDigest(digest)).not.toContain('All is well');
    expect(digestMarkdown(digest)).toContain(
      '2 models, nothing waits for anybody. Something cannot be read or is left out: see the notes.',
    );
  });

  it('shows what happened at one moment in one order', async () => {
    const at = ago(1);
    for (const run of ['r1', 'r2', 'r3']) await writeOutcome(store, outcome({ workflow: `p/${run}`, at }));
    await bench.register(1);
    const order = (markdown: string): string[] => [...markdown.matchAll(/run p\/(r\d)/g)].map(([, run]) => run!);
    const whole = order(timelineMarkdown(await timeline()));
    expect(whole).toHaveLength(3);
    expect(order(digestMarkdown(await storeDigest(store, bench.artifacts, lastHours(48))))).toEqual(whole);
  });
});
