/** Programs whose result follows from their arguments, the files that these name, and their standard input. */
export const TOOLS = new Set(
  `cat sort uniq head tail cut paste tr sed awk gawk mawk grep egrep fgrep zgrep wc cp mv mkdir rmdir rm echo printf test [ [[ true false : tee gzip gunzip zcat bzip2 bunzip2 xz unxz xzcat zstd zstdcat
  tar zip unzip basename dirname expr seq sleep touch chmod ln diff comm join split csplit nl od xxd hexdump base64 base32 md5sum sha1sum sha256sum sha512sum cksum b2sum jq cmp fold fmt expand unexpand rev tac shuf column
  iconv readlink realpath install mktemp yes pwd cd read export set unset local return exit shift trap wait type let declare typeset readonly getopts ulimit umask break continue pushd popd alias unalias hash builtin`.split(
    /\s+/,
  ),
);

/** Words that begin a part of a shell text and are no programs. */
export const KEYWORDS = new Set([
  'if',
  'then',
  'else',
  'elif',
  'fi',
  'do',
  'done',
  'while',
  'until',
  'esac',
  '{',
  '}',
  '!',
  'in',
  'time',
  'coproc',
]);

export const SHELLS = /^(?:ba|da|z|k|a|mk)?sh$/;
export const PYTHONS = /^(?:python|pypy)(?:\d(?:\.\d+)?)?$/;
export const NODES = /^(?:node|nodejs|tsx|bun|deno)$/;

/** Programs that run another one, with how many words of their own stand before it (options aside). */
export const WRAPPERS: Readonly<Record<string, number>> = {
  env: 0,
  nice: 0,
  nohup: 0,
  exec: 0,
  command: 0,
  stdbuf: 0,
  setsid: 0,
  xargs: 0,
  timeout: 1,
  ionice: 0,
  chronic: 0,
};

/** Options of wrappers that take the next word. */
export const WRAPPER_OPTIONS = /^(?:-[nuSCkIsLPdEa]|--(?:unset|chdir|adjustment|signal|kill-after|max-args|max-procs|replace|delimiter))$/;
