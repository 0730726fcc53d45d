/** Characters that nobody sees: soft hyphens, joiners, marks of direction, selectors of variants, fillers, byte order marks. */
const INVISIBLE =
  /[\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180E\u200B\u200C\u200E\u200F\u202A-\u202E\u2060-\u2064\u2066-\u206F\u3164\uFE00-\uFE0F\uFEFF\uFFA0]|(?<=[\p{L}\p{N}\p{M}])\u200D/gu;
const BLANKS = /[\s\u0085]+/gu;
/** What most texts are: they look like no other text of these characters, blanks aside. */
const PLAIN = /^[!-~]+(?: [!-~]+)*$/;

/** Texts that look the same have the same one: composed letters, no invisible characters, one kind of blank and none around. */
export function looksOf(text: string): string {
  return PLAIN.test(text) ? text : text.replace(INVISIBLE, '').normalize('NFC').replace(BLANKS, ' ').trim();
}

/** A text as it differs from one that looks the same: what is not seen is written out, e.g. `"Ko\u0308ln"`. */
export function spelling(text: string): string {
  return JSON.stringify(text).replace(/[^ \P{Z}]|[\p{M}\p{Cf}\u0085\u115F\u1160\u3164\uFFA0]/gu, (character) =>
    Array.from({ length: character.length }, (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`).join(''),
  );
}

/** A name in quotes for a message: as it looks, where no other name looks so too, else as it is spelt. */
export function quoted(name: string): string {
  return looksOf(name) === name ? JSON.stringify(name) : spelling(name);
}
