/** What of Python is known to read nothing but what it is told, and to give the same in every run. Everything else is doubted. */

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/).filter((word) => word !== ''));
const EVERYTHING = undefined;

/** Module → the members that may be used; undefined: all of them. */
export const MODULES: ReadonlyMap<string, ReadonlySet<string> | undefined> = new Map<string, ReadonlySet<string> | undefined>([
  ...[
    ...words(
      '__future__ abc array base64 binascii bisect cmath colorsys collections collections.abc copy csv dataclasses decimal difflib enum errno fractions functools graphlib heapq hmac html html.parser html.entities itertools json keyword math numbers operator quopri re reprlib string stringprep struct textwrap tomllib types typing unicodedata urllib.parse zlib datetime pprint calendar argparse optparse shlex fnmatch',
    ),
  ].map((name) => [name, EVERYTHING] as const),
  ['__main__', words('')],
  ['statistics', EVERYTHING],
  ['bz2', words('open compress decompress BZ2Compressor BZ2Decompressor')],
  ['lzma', words('open compress decompress LZMAError FORMAT_XZ FORMAT_ALONE')],
  ['codecs', words('open encode decode BOM_UTF8 BOM_UTF16 lookup getreader getwriter')],
  ['gzip', words('open decompress BadGzipFile')],
  ['zipfile', words('ZipFile is_zipfile BadZipFile ZIP_DEFLATED ZIP_STORED')],
  ['tarfile', words('open is_tarfile TarError')],
  ['hashlib', words('md5 sha1 sha224 sha256 sha384 sha512 sha3_256 sha3_512 blake2b blake2s new pbkdf2_hmac scrypt file_digest')],
  ['io', words('open StringIO BytesIO TextIOWrapper BufferedReader SEEK_SET SEEK_CUR SEEK_END')],
  ['glob', words('glob iglob escape')],
  ['contextlib', words('contextmanager suppress closing nullcontext ExitStack redirect_stdout redirect_stderr')],
  ['configparser', words('Error NoOptionError NoSectionError')],
  ['logging', words('getLogger debug info warning error critical exception basicConfig DEBUG INFO WARNING ERROR CRITICAL NullHandler')],
  ['warnings', words('warn simplefilter filterwarnings catch_warnings')],
  ['traceback', words('print_exc format_exc')],
  ['pathlib', words('Path PurePath PosixPath PurePosixPath')],
  ['pickle', words('dump dumps HIGHEST_PROTOCOL DEFAULT_PROTOCOL PickleError')],
  ['shutil', words('copy copyfile copy2 copytree copyfileobj move rmtree')],
  ['time', words('sleep strptime struct_time mktime timezone altzone daylight')],
  ['uuid', words('UUID uuid3 uuid5 NAMESPACE_DNS NAMESPACE_URL NAMESPACE_OID NAMESPACE_X500')],
  [
    'random',
    words(
      'seed Random random randint randrange choice choices shuffle sample uniform gauss normalvariate betavariate expovariate gammavariate lognormvariate paretovariate triangular vonmisesvariate weibullvariate getrandbits',
    ),
  ],
  [
    'sys',
    words(
      'argv stdin stdout stderr exit version_info maxsize byteorder path float_info exc_info getsizeof getrecursionlimit setrecursionlimit',
    ),
  ],
  [
    'os',
    words(
      'path environ getenv listdir walk scandir makedirs mkdir remove unlink rename replace rmdir sep linesep extsep curdir fspath getcwd PathLike pardir SEEK_SET SEEK_END',
    ),
  ],
  [
    'os.path',
    words(
      'join dirname basename splitext exists isfile isdir abspath normpath relpath realpath getsize sep isabs split commonpath commonprefix',
    ),
  ],
  ['xml.etree', words('ElementTree')],
  [
    'xml.etree.ElementTree',
    words(
      'parse iterparse fromstring fromstringlist XML tostring tostringlist Element SubElement ElementTree ParseError indent dump Comment register_namespace QName',
    ),
  ],
  ['xml', words('etree')],
  ['xml.sax.saxutils', words('escape unescape quoteattr')],
  ['urllib', words('parse')],
  ['http', words('HTTPStatus')],
  ['importlib', words('')],
  ['wave', words('open Error')],
  ['zoneinfo', words('ZoneInfo')],
]);

/** Names of the language itself. */
export const BUILTINS =
  words(`abs all any ascii bin bool bytearray bytes callable chr classmethod complex dict divmod enumerate filter float format frozenset getattr hasattr hex
  input int isinstance issubclass iter len list map max memoryview min next oct open ord pow print property range repr reversed round set setattr slice sorted staticmethod str sum super
  tuple type zip True False None Ellipsis NotImplemented __name__ __file__ __doc__ exit quit
  BaseException Exception ArithmeticError AssertionError AttributeError EOFError FileExistsError FileNotFoundError FloatingPointError ImportError IndexError IOError IsADirectoryError
  KeyError KeyboardInterrupt LookupError MemoryError ModuleNotFoundError NameError NotADirectoryError NotImplementedError OSError OverflowError PermissionError RecursionError RuntimeError
  StopIteration SyntaxError SystemExit TypeError UnicodeDecodeError UnicodeEncodeError UnicodeError ValueError ZeroDivisionError DeprecationWarning FutureWarning RuntimeWarning UserWarning Warning`);

/** Attributes of objects: methods and members of the language's own types, and of what the modules above make. */
export const ATTRIBUTES = words(`
  append extend insert remove pop clear index count sort reverse copy get items keys values setdefault update popitem fromkeys add discard union intersection difference symmetric_difference issubset
  issuperset isdisjoint capitalize casefold center encode decode endswith expandtabs find format format_map isalnum isalpha isascii isdecimal isdigit isidentifier islower isnumeric isprintable isspace
  istitle isupper join ljust lower lstrip maketrans partition removeprefix removesuffix replace rfind rindex rjust rpartition rsplit rstrip split splitlines startswith strip swapcase title translate upper
  zfill hex fromhex real imag conjugate bit_length bit_count to_bytes from_bytes as_integer_ratio is_integer numerator denominator
  read readline readlines readinto write writelines seek tell truncate flush close closed buffer raw name mode encoding errors isatty readable writable seekable fileno detach reconfigure getvalue getbuffer
  parent name stem suffix suffixes parts with_suffix with_name with_stem joinpath resolve absolute as_posix iterdir glob rglob relative_to is_relative_to is_absolute is_file is_dir exists open read_text
  read_bytes write_text write_bytes mkdir rmdir unlink rename touch match parents path
  group groups groupdict start end span string pattern fullmatch search sub subn findall finditer expand lastindex lastgroup
  writerow writerows writeheader fieldnames line_num dialect reader elements most_common subtract total move_to_end appendleft popleft extendleft rotate maxlen default_factory
  year month day hour minute second microsecond days seconds microseconds total_seconds isoformat strftime date time timetz weekday isoweekday isocalendar timestamp timetuple toordinal astimezone utcoffset
  tzinfo utc fromisoformat fromordinal fromisocalendar strptime combine min max resolution timedelta datetime
  add_argument add_argument_group add_mutually_exclusive_group add_subparsers add_parser parse_args parse_known_args set_defaults print_help error
  hexdigest digest block_size digest_size namelist infolist getmembers getnames getmember extractfile filename file_size isfile isdir size
  tag text tail attrib iter find findall findtext iterfind getroot set itertext
  random randint randrange choice choices shuffle sample uniform gauss normalvariate betavariate expovariate gammavariate lognormvariate paretovariate triangular vonmisesvariate weibullvariate getrandbits seed
  mean stdev variance median pdf cdf inv_cdf overlap quantiles zscore quantize sqrt exp ln log10 normalize to_integral_value
  debug info warning error critical exception setLevel args code message msg lineno value reader_ cache_info cache_clear
  feed handle_starttag handle_endtag handle_data get_starttag_text scheme netloc query fragment hostname port geturl
  __name__ __doc__ __init__ __class__ __len__ __iter__ __next__ __getitem__ __setitem__ __contains__ __enter__ __exit__ __call__ __eq__ __lt__ __repr__ __str__ __post_init__ __annotations__ __version__
  float dict list str int bool any Any Optional Union sleep compile chain islice product permutations combinations accumulate groupby`);

const CLOCK = words(
  'time now today utcnow timeit sched getmtime getctime getatime st_mtime st_ctime st_atime st_mtime_ns st_ino ctime localtime gmtime perf_counter monotonic time_ns stat lstat',
);
const CHANCE = words(
  'uuid uuid1 uuid4 getnode urandom getrandom SystemRandom hash secrets tempfile samples mkdtemp mkstemp NamedTemporaryFile TemporaryDirectory',
);
const PROCESS = words(
  'id object getpid getppid getlogin getuser uname gethostname cpu_count getloadavg sysconf executable prefix base_prefix exec_prefix get_ident times threading platform getpass',
);
const HIDDEN = words(
  'eval exec compile __import__ globals locals vars breakpoint delattr __dict__ __builtins__ __loader__ __spec__ __subclasses__ __globals__ __code__ importlib runpy pkgutil',
);

/** Why something that is not known is not. */
export function doubtOf(name: string): string {
  const last = name.split('.').at(-1)!;
  const first = name.split('.')[0]!;
  if (HIDDEN.has(last) || HIDDEN.has(first)) return 'runs code or reaches names that are made at run time';
  if (CHANCE.has(last) || CHANCE.has(first)) return 'draws by chance';
  if (CLOCK.has(last) || CLOCK.has(first)) return 'asks the clock';
  if (PROCESS.has(last) || PROCESS.has(first)) return 'asks what machine or process it runs in';
  return `uses ${name}, which is not known to read only what it is told`;
}

/** Whether an attribute may never be used, whoever defines it. */
export function isDoubted(attribute: string): boolean {
  return CLOCK.has(attribute) && attribute !== 'time' ? true : CHANCE.has(attribute) || HIDDEN.has(attribute);
}
