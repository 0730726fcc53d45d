/** Runs of letters, marks and digits (with inner apostrophes), and every other visible character by itself. */
const WORDS = /[\p{L}\p{M}\p{N}]+(?:['’][\p{L}\p{M}\p{N}]+)*|[^\s\p{L}\p{M}\p{N}]/gu;

const SCRIPTS = ['Han', 'Hiragana', 'Katakana', 'Thai', 'Lao', 'Khmer', 'Myanmar'].map((script) => `\\p{scx=${script}}`).join('');
/** Letters of scripts that are written without spaces, with the marks on them. */
const UNSPACED_RUN = new RegExp(`(?=[\\p{L}\\p{M}\\p{N}])[${SCRIPTS}](?:(?=[\\p{L}\\p{M}\\p{N}])[${SCRIPTS}])*`, 'gu');
const UNSPACED = new RegExp(`(?=[\\p{L}\\p{M}\\p{N}])[${SCRIPTS}]`, 'u');

/** Whether a text holds letters of a script that is written without spaces: Chinese, Japanese, Thai, Lao, Khmer, Burmese. */
export function isUnspaced(text: string): boolean {
  return UNSPACED.test(text);
}

let segmenter: Intl.Segmenter | undefined;

/** Words of a text without spaces, by the dictionaries of ICU. */
function segments(run: string): string[] {
  segmenter ??= new Intl.Segmenter('und', { granularity: 'word' });
  return Array.from(segmenter.segment(run), ({ segment }) => segment);
}

/** The words of a text and its other visible characters, in order. Where spaces divide nothing, ICU does. */
export function wordsOf(text: string): string[] {
  const words = spacedWordsOf(text);
  return isUnspaced(text) ? words.flatMap(divided) : words;
}

/** As models that were trained before texts without spaces were divided read them. */
export function spacedWordsOf(text: string): string[] {
  return text.match(WORDS) ?? [];
}

function divided(word: string): string[] {
  const parts: string[] = [];
  let at = 0;
  for (const { 0: run, index } of word.matchAll(UNSPACED_RUN)) {
    if (index > at) parts.push(word.slice(at, index));
    parts.push(...segments(run));
    at = index + run.length;
  }
  if (at < word.length) parts.push(word.slice(at));
  return parts;
}

/** Sentences of every such script, where versions of ICU may divide words in other places. */
const PROBES = [
  '我昨天在北京大学图书馆买了一本关于机器学习的书',
  '東京都に住んでいる友達と美味しいラーメンを食べました',
  'ฉันซื้อหนังสือเกี่ยวกับการเรียนรู้ของเครื่องเมื่อวานนี้',
  'ຂ້ອຍຊື້ປຶ້ມກ່ຽວກັບການຮຽນຮູ້ຂອງເຄື່ອງ',
  'ខ្ញុំបានទិញសៀវភៅអំពីការរៀនម៉ាស៊ីន',
  'ကျွန်တော်မနေ့ကစာအုပ်တစ်အုပ်ဝယ်ခဲ့တယ်',
];

/** What divides texts without spaces in this process: the version of ICU, and where it divides some sentences. */
export interface Segmentation {
  readonly [key: string]: string;
  readonly icu: string;
  readonly probe: string;
}

let own: Segmentation | undefined;

export function segmentation(): Segmentation {
  return (own ??= {
    icu: process.versions.icu ?? 'none',
    probe: PROBES.map((text) =>
      segments(text)
        .map(({ length }) => length)
        .join(''),
    ).join(' '),
  });
}
