/** What of JavaScript is known to read nothing but what it is told, and to give the same in every run. Everything else is doubted. */

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/).filter((word) => word !== ''));
const EVERYTHING = undefined;

/** Functions of `fs` whose first argument is a file or a folder that is read; those that are named with "Sync" too. */
export const READS = words(
  'readFile createReadStream readdir opendir open exists access copyFile cp realpath openAsBlob glob stat lstat rename appendFile truncate',
);
const WRITES = words(
  'writeFile createWriteStream mkdir rm rmdir unlink write writev close read readv fsync fdatasync ftruncate chmod utimes constants',
);
const both = (names: ReadonlySet<string>): string[] => [...names].flatMap((name) => [name, `${name}Sync`]);
const FILES = new Set([...both(READS), ...both(WRITES), 'promises', 'default']);

/** Module → the members that may be used; undefined: all of them. */
export const MODULES: ReadonlyMap<string, ReadonlySet<string> | undefined> = new Map<string, ReadonlySet<string> | undefined>([
  ['fs', FILES],
  ['fs.promises', FILES],
  ...[
    ...words('path path.posix path.win32 url assert assert.strict zlib string_decoder querystring events readline readline.promises'),
    ...words('stream stream.promises stream.consumers'),
  ].map((name) => [name, EVERYTHING] as const),
  ['timers', words('setTimeout clearTimeout setImmediate clearImmediate')],
  ['timers.promises', words('setTimeout setImmediate')],
  [
    'util',
    words(
      'promisify inspect format formatWithOptions parseArgs isDeepStrictEqual types TextEncoder TextDecoder deprecate inherits styleText stripVTControlCharacters callbackify',
    ),
  ],
  ['buffer', words('Buffer constants kMaxLength isUtf8 isAscii atob btoa Blob')],
  [
    'crypto',
    words(
      'createHash createHmac hash timingSafeEqual getHashes pbkdf2 pbkdf2Sync scrypt scryptSync hkdf hkdfSync createDecipheriv createCipheriv',
    ),
  ],
  [
    'process',
    words(
      'env argv stdin stdout stderr exit exitCode cwd on once off nextTick emitWarning platform version versions arch abort setUncaughtExceptionCaptureCallback',
    ),
  ],
]);

/** Globals → the members that may be used; undefined: all of them, and itself as a value. */
export const GLOBALS: ReadonlyMap<string, ReadonlySet<string> | undefined> = new Map<string, ReadonlySet<string> | undefined>([
  ...[
    ...words('Array String Number Boolean Map Set WeakMap WeakSet Symbol BigInt RegExp JSON Iterator ArrayBuffer DataView'),
    ...words(
      'Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array Float32Array Float64Array BigInt64Array BigUint64Array',
    ),
    ...words(
      'Error TypeError RangeError SyntaxError ReferenceError EvalError URIError AggregateError parseInt parseFloat isNaN isFinite Infinity NaN undefined',
    ),
    ...words(
      'encodeURIComponent decodeURIComponent encodeURI decodeURI TextEncoder TextDecoder URLSearchParams structuredClone atob btoa escape unescape',
    ),
    ...words('queueMicrotask setTimeout clearTimeout setImmediate clearImmediate console AbortController'),
    ...words('exports arguments Blob ReadableStream WritableStream TransformStream'),
  ].map((name) => [name, EVERYTHING] as const),
  [
    'Object',
    words(
      'keys values entries fromEntries assign freeze isFrozen seal is hasOwn groupBy create defineProperty preventExtensions prototype',
    ),
  ],
  [
    'Math',
    words(
      'abs acos acosh asin asinh atan atan2 atanh cbrt ceil clz32 cos cosh exp expm1 floor fround hypot imul log log10 log1p log2 max min pow round sign sin sinh sqrt tan tanh trunc E LN2 LN10 LOG2E LOG10E PI SQRT1_2 SQRT2 sumPrecise',
    ),
  ],
  ['URL', words('canParse parse')],
  ['Promise', words('all allSettled resolve reject withResolvers')],
  ['Date', words('parse UTC prototype')],
  ['Intl', words('NumberFormat Collator PluralRules Segmenter ListFormat')],
  ['Buffer', words('from alloc concat isBuffer byteLength compare isEncoding')],
  ['module', words('exports')],
  ['require', words('main')],
  ['process', MODULES.get('process')],
]);

/** Globals of which only members are used: as a value they give all that they have. `Promise` and others may be. */
export const ONLY_MEMBERS = words('Math Date Intl process module require Reflect');

/** Members that may never be used, whoever has them: they lead to the maker of functions, or to the clock. */
export const MEMBERS_DOUBTED = words(
  'constructor __proto__ __defineGetter__ __lookupGetter__ mainModule timeStamp caller callee binding dlopen getBuiltinModule mtime mtimeMs mtimeNs ctime ctimeMs ctimeNs atime atimeMs atimeNs birthtime birthtimeMs birthtimeNs ino timeOrigin hrtime uptime randomUUID getRandomValues toLocaleTimeString',
);

/** Members of what a file system says of a file that follow from the file. */
export const STAT_MEMBERS = words('size isFile isDirectory isSymbolicLink isFIFO isSocket');

const CLOCK = words(
  'Date performance Temporal Intl hrtime uptime now timeOrigin setTime watch watchFile lstat stat fstat statfs race any setInterval timeStamp createObjectURL DateTimeFormat toLocaleTimeString',
);
const CHANCE = words(
  'Math random randomUUID getRandomValues randomBytes randomInt randomFill randomFillSync generateKeyPairSync generateKeyPair generateKeySync generateKey crypto webcrypto allocUnsafe allocUnsafeSlow SlowBuffer mkdtemp mkdtempSync mkdtempDisposable',
);
const PROCESS = words(
  'process pid ppid memoryUsage resourceUsage cpuUsage title getuid geteuid getgid execPath execArgv navigator os config features report availableMemory constrainedMemory',
);
const NETWORK = words('fetch WebSocket XMLHttpRequest EventSource');
const HIDDEN = words(
  'eval Function globalThis global self window Reflect Proxy constructor __proto__ mainModule binding dlopen getBuiltinModule require module WeakRef FinalizationRegistry WebAssembly getPrototypeOf getOwnPropertyDescriptor getOwnPropertyDescriptors getOwnPropertyNames getOwnPropertySymbols setPrototypeOf',
);

/** Why something that is not known is not. */
export function doubtOf(name: string): string {
  const last = name.split('.').at(-1)!;
  if (NETWORK.has(last)) return 'asks the network';
  if (HIDDEN.has(last)) return 'runs code or reaches names that are made at run time';
  if (CHANCE.has(last)) return 'draws by chance';
  if (CLOCK.has(last) || /^[amc]time|^birthtime/.test(last)) return 'asks the clock';
  if (PROCESS.has(last) || name.startsWith('process.')) return 'asks what machine or process it runs in';
  if (/[Ll]ink/.test(last)) return 'reads files whose names only a run makes (by links)';
  return `uses ${name}, which is not known to read only what it is told`;
}
