/** What every program needs to run at all, and nothing that could be a credential. */
const PASSED = /^(PATH|HOME|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR)$/;

/** Names of variables that hold credentials. */
const CREDENTIAL = /TOKEN|SECRET|PASSW(OR)?D|PASSPHRASE|KEY|CREDENTIAL|AUTHORIZATION|_PWD$|(^|_)(AUTH|DSN)$/i;
/** Settings of AWS's tools; any other variable of theirs counts as a credential. */
const AWS_SETTING =
  /^AWS_(DEFAULT_)?(REGION|PROFILE|OUTPUT)$|^AWS_(PAGER|ENDPOINT_URL|CA_BUNDLE|SDK|MAX|RETRY|EC2|S3|USE|EXECUTION|DEFAULTS|STS|CONFIG|METADATA|DISABLE|IGNORE)/;
/** Where a credential lies, which is none itself. */
const PLACE = /_(PATH|FILE|DIR|SOCK)$/i;
/** A password inside an address: `postgres://user:password@host`. */
const PASSWORD_IN_URL = /^[a-z][a-z0-9+.-]*:\/\/[^\s/@:]*:([^\s/@]+)@/i;
/** Values that hide nothing, whatever their variable is called. */
const WORDS = new Set(['true', 'false', 'none', 'null', 'undefined', 'default', 'disabled', 'enabled']);

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether a variable's name says that it holds a credential. */
export function isCredential(name: string): boolean {
  if (PLACE.test(name)) return false;
  return CREDENTIAL.test(name) || (name.startsWith('AWS_') && !AWS_SETTING.test(name));
}

/** Values of an environment that look like credentials: of the stack itself, and of anything else that was started with it. */
export function credentialsIn(environment: Environment = process.env): string[] {
  const found: string[] = [];
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || WORDS.has(value.toLowerCase())) continue;
    const password = PASSWORD_IN_URL.exec(value)?.[1];
    if (isCredential(name)) found.push(value);
    if (password !== undefined) found.push(value, password);
  }
  return found;
}

/**
 * The environment of a program that the document names: what programs need to run, the locale, and what the document declares. Python goes
 * through its sets in the same order in every run.
 */
export function programEnvironment(declared: Environment = {}, environment: Environment = process.env): Record<string, string | undefined> {
  return {
    ...Object.fromEntries(Object.entries(environment).filter(([name]) => PASSED.test(name))),
    PYTHONHASHSEED: '0',
    ...declared,
  };
}

/**
 * The environment of a process of our own that needs no credentials: settings of libraries and of the machine go on, credentials do not.
 */
export function withoutCredentials(environment: Environment = process.env): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(environment).filter(([name, value]) => !isCredential(name) && (value === undefined || !PASSWORD_IN_URL.test(value))),
  );
}

/** The locale of an environment: it decides how programs sort, print and read. */
export function localeOf(environment: Environment): Record<string, string> {
  const found = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && /^(LANG|LANGUAGE|LC_[A-Z]+|TZ)$/.test(entry[0]),
  );
  return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}
