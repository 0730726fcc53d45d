// src/data/duckdb.ts
import { mkdirSync } from "node:fs";
import { join as join2 } from "node:path";

// src/core/errors.ts
var ERRORS = {
  // The document and the command line
  DOCUMENT_INVALID: { category: "user", retryable: false, hint: "Correct the places named above and run `perennial validate` again." },
  DOCUMENT_UNREADABLE: { category: "user", retryable: false, hint: "Give the path of a UTF-8 JSON file." },
  USAGE: { category: "user", retryable: false, hint: "See `perennial --help`." },
  NAME_INVALID: { category: "user", retryable: false, hint: 'Names are lower-case letters, digits, "-", "_" and ".", up to 63 characters, and start with a letter or digit.' },
  NOT_FOUND: { category: "user", retryable: false, hint: "List what exists with `perennial models list` or `perennial runs list`." },
  SECRET_MISSING: { category: "user", retryable: false, hint: "Set the variable in the environment of the worker and start it again." },
  CONFIG_INVALID: { category: "user", retryable: false, hint: "Correct the configuration of the step." },
  PIPELINE_OUTDATED: { category: "user", retryable: false, hint: "Run the document again so that it is compiled by this version." },
  // Data
  SOURCE_NOT_FOUND: { category: "data", retryable: false, hint: "Check the path; relative paths start at the folder of the document." },
  SOURCE_EMPTY: { category: "data", retryable: false, hint: "Give a source with at least one row." },
  SOURCE_INVALID: { category: "data", retryable: false, hint: 'Check that "format" fits the file.' },
  SOURCE_CHANGED: { category: "data", retryable: true, hint: "The source was written to while it was read; it is read again from the start." },
  COLUMN_MISSING: { category: "data", retryable: false, hint: "Check the spelling against the columns of the source." },
  SCHEMA_CHANGED: { category: "data", retryable: false, hint: "Correct the source, or say in the ingest step that the change is right." },
  LABEL_INVALID: { category: "data", retryable: false, hint: "A label needs at least two distinct values." },
  SPLIT_INVALID: { category: "data", retryable: false, hint: "Give more rows or other proportions." },
  EXPECTATION_FAILED: { category: "data", retryable: false, hint: 'Correct the data, or loosen the expectation or its "budget".' },
  DATA_INVALID: { category: "data", retryable: false, hint: "Declare how to treat such values (impute, clip, drop)." },
  // Training
  SHAPE_MISMATCH: { category: "user", retryable: false, hint: "Change the layer so that the shapes fit." },
  MODEL_INVALID: { category: "user", retryable: false, hint: "Correct the model." },
  TRAINING_DIVERGED: { category: "data", retryable: false, hint: "Lower the learning rate, clip gradients, or standardize the features." },
  OUT_OF_MEMORY: { category: "user", retryable: false, hint: "Lower the batch size and run again." },
  TRAINER_CRASHED: { category: "system", retryable: true, hint: "The step is tried again from its last checkpoint." },
  CHECKPOINT_CORRUPT: { category: "system", retryable: true, hint: "The checkpoint before it is used." },
  TENSORFLOW_MISSING: { category: "system", retryable: false, hint: "Run `perennial doctor`, then `npm run setup`." },
  EXPORT_DIFFERS: { category: "data", retryable: false, hint: "Pack fewer weights, or into more bytes; or export in another format." },
  // Registration
  REGISTRATION_DIFFERS: { category: "data", retryable: false, hint: 'Declare the type or the format of the column under "columns" of the ingest step and run again without the cache; should it stay, training and serving read it differently: report it.' },
  // Gates
  GATE_REJECTED: { category: "gate", retryable: false, hint: "See the evaluation for the metrics that fell short." },
  ROUTING_PINNED: { category: "gate", retryable: false, hint: "A rollback pinned this model: `perennial models unpin MODEL` lets promotions through again." },
  // Registry and store
  VERSION_INVALID: { category: "user", retryable: false, hint: "List the versions with `perennial models show MODEL`." },
  OBJECT_NOT_FOUND: { category: "system", retryable: false, hint: "The object store does not hold this object." },
  PRECONDITION_FAILED: { category: "system", retryable: true, hint: "Somebody else wrote first; read again and retry." },
  BLOB_CORRUPT: { category: "system", retryable: false, hint: "The stored bytes do not match their digest; restore the object from a backup or run the step again without the cache." },
  STORE_UNAVAILABLE: { category: "system", retryable: true, hint: "Check PERENNIAL_STORE, S3_ENDPOINT and that the store answers." },
  STORE_FULL: { category: "system", retryable: true, hint: "Free space on the disk of the store; `perennial models gc` shows what can go." },
  STORE_UNSUITABLE: { category: "user", retryable: false, hint: "The store ignores conditional writes; use a file store or an S3 store that honours If-None-Match and If-Match." },
  // Running
  TEMPORAL_UNAVAILABLE: { category: "system", retryable: true, hint: "Start the stack with `perennial up --detach`, or set TEMPORAL_ADDRESS." },
  SERVER_UNAVAILABLE: { category: "system", retryable: true, hint: "Start the stack with `perennial up --detach`, or a server with `perennial serve`." },
  PORT_TAKEN: { category: "user", retryable: false, hint: "Stop what listens there, or choose another port." },
  ALREADY_RUNNING: { category: "user", retryable: false, hint: "Stop it with `perennial down`, or use another PERENNIAL_HOME." },
  PROVISIONING_FAILED: { category: "system", retryable: false, hint: "See `perennial doctor` for what is missing." },
  COMMAND_FAILED: { category: "user", retryable: false, hint: "Run the command by hand with the same input to see its output." },
  STEP_FAILED: { category: "user", retryable: false, hint: "See the message of the step." },
  TIMEOUT: { category: "system", retryable: true, hint: 'Raise "timeout" of the step if it needs longer.' },
  CANCELLED: { category: "user", retryable: false, hint: "The run was cancelled." },
  LIMIT_EXCEEDED: { category: "user", retryable: false, hint: "See src/core/limits.ts for the limits and their reasons." },
  INTERNAL: { category: "system", retryable: true, hint: "This is a defect of Perennial; please report it with the message." }
};
var MARK = /* @__PURE__ */ Symbol.for("perennial.error");
var PerennialError = class extends Error {
  [MARK] = true;
  code;
  category;
  retryable;
  hint;
  details;
  constructor(code, message, options = {}) {
    super(message, options.cause === void 0 ? void 0 : { cause: options.cause });
    const entry = ERRORS[code];
    this.name = "PerennialError";
    this.code = code;
    this.category = entry.category;
    this.retryable = entry.retryable;
    this.hint = options.hint ?? entry.hint;
    this.details = options.details ?? {};
  }
};
function isPerennialError(error, code) {
  const marked = typeof error === "object" && error !== null && error[MARK] === true;
  return marked && (code === void 0 || error.code === code);
}
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

// src/platform/paths.ts
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
var root;
function packageRoot() {
  return root ??= packageAbove(dirname(fileURLToPath(import.meta.url)));
}
function packageAbove(folder) {
  for (let above = folder; ; above = dirname(above)) {
    if (existsSync(join(above, "package.json"))) return above;
    if (above === dirname(above)) {
      throw new PerennialError("PROVISIONING_FAILED", `There is no package.json in "${folder}" or in a folder above it, so Perennial cannot find its own files.`, { hint: 'Run Perennial where it is installed: a file of "dist" that is copied elsewhere has nothing beside it.' });
    }
  }
}
function perennialHome() {
  return resolve(process.env.PERENNIAL_HOME ?? join(packageRoot(), ".perennial"));
}

// src/data/limits.ts
var DATA_LIMITS = {
  /** DuckDB spills to disk above this: a worker shares its machine with a trainer. */
  duckdbMemory: "1GB",
  duckdbThreads: 2,
  /** Bytes of one shard of examples: small enough to stream, large enough that a store is not flooded with objects. */
  shardBytesMax: 64 * 1024 * 1024,
  /** Bytes of a split that one reader keeps in memory; larger splits are read from their shards. */
  shardCacheBytesMax: 256 * 1024 * 1024,
  /** Values from which a median or quantile is computed exactly; beyond it a seeded reservoir of this size stands in. */
  exactQuantileValuesMax: 1048576,
  /** Sorted values per numeric column in profile.json; of more, what drift is compared with lies in reference.bin. */
  profileSampleMax: 2e3,
  /** Most frequent values per column in profile.json; further ones lie in reference.bin. */
  profileCategoriesMax: 50,
  /** Different texts of a column that a profile looks at to tell language from names of things. */
  profileTextsMax: 300,
  /** Values of a column whose order is looked at, in the data of a training and in the rows that are compared with them; of more, every so many rows. */
  orderedValuesMax: 1048576,
  /** Rows that are looked at of more than that: p-values hardly change beyond, and a profile must not hold up the reading of millions of rows. */
  orderedSampleRows: 262144,
  /** Distinct values per numeric column in reference.bin, with the numbers of rows up to each: half a MiB to one. */
  referenceValuesMax: 65536,
  /** Distinct values of all columns together: the file stays below 64 MiB however many columns there are. */
  referenceValuesInAll: 4194304,
  /** Categories per column in reference.bin: of these it is known whether one is new. */
  referenceCategoriesMax: 2e4,
  /** Characters of the categories of a column in reference.bin. */
  referenceCategoryCharsMax: 2e6,
  profileBins: 10,
  /** Distinct categories of a column that are counted to find the most frequent ones. */
  categoriesCountedMax: 1e6,
  /** Categories that one-hot encoding makes columns of, unless the document says otherwise. */
  oneHotCategoriesMax: 1e3,
  /** Bytes of a source that `plan` fits for real; of a larger one it takes a sample of `previewRowsMax` rows. */
  previewBytesMax: 4 * 1024 * 1024,
  previewRowsMax: 2e3,
  /** Bytes of one line or JSON value of a text source. */
  lineBytesMax: 16 * 1024 * 1024,
  /** Integers beyond this are identifiers, not quantities, and cannot be held by a JSON number. */
  integerMax: Number.MAX_SAFE_INTEGER,
  /** Bytes of a text source that a thread holds: at least a line. DuckDB's own choice of sixteen lines would fill the memory that it may use. */
  textBufferBytes: 32 * 1024 * 1024,
  /** A packed file that unpacks to more than this and more than so many times its size is a bomb. */
  unpackedBytesMin: 256 * 1024 * 1024,
  unpackedRatioMax: 300,
  /** Rows from which types are supposed first; the supposition is then proved on all rows. */
  sampleRows: 20480,
  /** Rows of the test split that are kept as the source had them, for the check before a version is registered. */
  rawRowsMax: 200,
  /** They are looked for among so many first rows: a large source is not read once more for them. */
  rawRowsFromFirst: 20480,
  /** Bytes of texts of all kept rows together. */
  rawRowsBytesMax: 8 * 1024 * 1024,
  /** Bytes from which the layout of a text file is found. */
  headBytes: 1 << 20,
  /** Bytes of one file of an image. */
  imageBytesMax: 64 * 1024 * 1024,
  /** Images of a column that `plan` opens. */
  previewImagesMax: 64,
  /** Pixels of one decoded image: a guard against decompression bombs. */
  imagePixelsMax: 64 * 1024 * 1024
};

// src/data/row-digest.ts
import { createHash } from "node:crypto";
var ROW_DIGEST = "row_digest";
async function rowDigestFunction() {
  const { ANY, DuckDBScalarFunction: Scalar, UBIGINT } = await import("@duckdb/node-api");
  return Scalar.create({
    name: ROW_DIGEST,
    returnType: UBIGINT,
    varArgsType: ANY,
    specialHandling: true,
    mainFunction(_, chunk, output) {
      digestRows(chunk, output);
    }
  });
}
function digestRows(chunk, output) {
  const rows = chunk.rowCount;
  const digests = words(output, rows);
  digests.fill(0);
  const rounds = roundsOf(String(chunk.getColumnVector(0).getItem(0)));
  for (const [index, keys] of rounds.entries()) {
    const vector = chunk.getColumnVector(index + 1);
    addColumn(digests, words(vector, rows), presence(vector), keys);
  }
  output.flush();
}
function words(vector, rows) {
  const { items } = vector;
  return new Uint32Array(items.buffer, items.byteOffset, 2 * rows);
}
function presence(vector) {
  const { data } = vector.validity;
  return data === null ? null : new Uint32Array(data.buffer, data.byteOffset, 2 * data.length);
}
var SIGN = 2147483648;
function addColumn(digests, values, present, [first, second, third, fourth]) {
  for (let row = 0, at = 0; at < digests.length; row++, at += 2) {
    if (present !== null && (present[row >>> 5] >>> (row & 31) & 1) === 0) continue;
    let low = values[at];
    let high = values[at + 1];
    if (low === 0 && high === SIGN) high = 0;
    high ^= mixed(low ^ first);
    low ^= mixed(high ^ second);
    high ^= mixed(low ^ third);
    low ^= mixed(high ^ fourth);
    digests[at] = digests[at] ^ low;
    digests[at + 1] = digests[at + 1] ^ high;
  }
}
function mixed(value) {
  let word = value;
  word = Math.imul(word ^ word >>> 16, 2246822507);
  word = Math.imul(word ^ word >>> 13, 3266489909);
  return word ^ word >>> 16;
}
var ROUNDS_KEPT = 100;
var known = /* @__PURE__ */ new Map();
function roundsOf(names) {
  const found = known.get(names);
  if (found !== void 0) return found;
  const rounds = JSON.parse(names).map(roundKeys);
  if (known.size === ROUNDS_KEPT) known.delete(known.keys().next().value);
  known.set(names, rounds);
  return rounds;
}
function roundKeys(name) {
  const bytes = createHash("sha256").update(`column ${name}`).digest();
  return [bytes.readUInt32LE(0), bytes.readUInt32LE(4), bytes.readUInt32LE(8), bytes.readUInt32LE(12)];
}

// src/data/duckdb.ts
function ident(name) {
  return `"${name.replaceAll('"', '""')}"`;
}
function literal(text) {
  if (text.includes("\0")) throw new PerennialError("CONFIG_INVALID", "A NUL character cannot be part of a value here.");
  return `'${text.replaceAll("'", "''")}'`;
}
function numberLiteral(value) {
  if (!Number.isFinite(value)) throw new PerennialError("CONFIG_INVALID", `${value} is not a finite number.`);
  return `CAST('${value}' AS DOUBLE)`;
}
function pathLiteral(path) {
  return literal(path.replace(/[*?[]/g, "[$&]"));
}
function listLiteral(items) {
  return `[${items.join(", ")}]`;
}
var instance;
async function open() {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const temporary = join2(perennialHome(), "tmp", `duckdb-${process.pid}`);
  mkdirSync(join2(perennialHome(), "tmp"), { recursive: true });
  const created = await DuckDBInstance.create(":memory:", {
    memory_limit: DATA_LIMITS.duckdbMemory,
    threads: String(DATA_LIMITS.duckdbThreads),
    temp_directory: temporary,
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false"
  });
  const connection = await created.connect();
  connection.registerScalarFunction(await rowDigestFunction());
  connection.closeSync();
  return created;
}
function database(connection) {
  return {
    async run(sql) {
      await connection.run(sql);
    },
    async rows(sql) {
      const reader = await connection.runAndReadAll(sql);
      return reader.getRows();
    },
    async *chunks(sql) {
      const result = await connection.stream(sql);
      for (; ; ) {
        const chunk = await result.fetchChunk();
        if (chunk === null || chunk.rowCount === 0) return;
        yield { rows: chunk.rowCount, columns: chunk.getColumns() };
      }
    },
    async *typedChunks(sql) {
      const result = await connection.stream(sql);
      for (; ; ) {
        const chunk = await result.fetchChunk();
        if (chunk === null || chunk.rowCount === 0) return;
        yield { rows: chunk.rowCount, columns: Array.from({ length: chunk.columnCount }, (_, index) => typedVector(chunk.getColumnVector(index))) };
      }
    },
    async *doubles(sql) {
      const { DuckDBDoubleVector } = await import("@duckdb/node-api");
      const result = await connection.stream(sql);
      for (; ; ) {
        const chunk = await result.fetchChunk();
        if (chunk === null || chunk.rowCount === 0) return;
        const columns = Array.from({ length: chunk.columnCount }, (_, index) => {
          const vector = chunk.getColumnVector(index);
          if (!(vector instanceof DuckDBDoubleVector)) throw new PerennialError("INTERNAL", `Column ${index} of this query holds no doubles: ${sql.slice(0, 200)}`);
          return vector.items.subarray(0, chunk.rowCount);
        });
        yield { rows: chunk.rowCount, columns };
      }
    },
    async describe(sql) {
      const reader = await connection.runAndReadAll(`DESCRIBE ${sql}`);
      return reader.getRows().map((row) => ({ name: String(row[0]), type: String(row[1]) }));
    }
  };
}
function typedVector(vector) {
  const { items, validity } = vector;
  if (!ArrayBuffer.isView(items)) throw new PerennialError("INTERNAL", "A column has no values of a fixed width.");
  const bits = validity.data;
  return { bytes: new Uint8Array(items.buffer, items.byteOffset, items.byteLength), present: bits === null ? null : new Uint8Array(bits.buffer, bits.byteOffset, bits.byteLength) };
}
async function withDatabase(work, signal) {
  signal?.throwIfAborted();
  instance ??= open();
  const connection = await (await instance).connect();
  const interrupt = () => connection.interrupt();
  signal?.addEventListener("abort", interrupt, { once: true });
  try {
    await connection.run("SET TimeZone = 'UTC'");
    return await work(database(connection));
  } catch (error) {
    if (signal?.aborted) throw new PerennialError("CANCELLED", "The step was cancelled while it read data.", { cause: error });
    if (!(error instanceof PerennialError) && /no space left|disk quota|could not write/i.test(messageOf(error))) {
      throw new PerennialError("STORE_FULL", `No space is left for the working data of the step below ${perennialHome()}: ${duckdbMessage(error)}`, { hint: "Free space on this disk.", cause: error });
    }
    throw error;
  } finally {
    signal?.removeEventListener("abort", interrupt);
    connection.closeSync();
  }
}
function duckdbMessage(error) {
  return messageOf(error).split("\n").map((line) => line.trim()).filter((line) => line !== "" && !/^(possible|\*|line \d+:)/i.test(line))[0] ?? "unknown reason";
}
function asPerennialError(error, code, prefix) {
  if (error instanceof PerennialError || !/Error:/.test(messageOf(error))) return error;
  return new PerennialError(code, `${prefix}: ${duckdbMessage(error)}`, { cause: error });
}

// src/data/columns.ts
import { closest, distance } from "fastest-levenshtein";
var SQL_TYPES = {
  number: "DOUBLE",
  integer: "BIGINT",
  boolean: "BOOLEAN",
  string: "VARCHAR",
  timestamp: "TIMESTAMP",
  image: "BLOB"
};
function columnMissing(name, names, where) {
  const near = names.length === 0 ? void 0 : closest(name.toLowerCase(), names.map((item) => item.toLowerCase()));
  const found = names.find((item) => item.toLowerCase() === near);
  const close = found !== void 0 && distance(name.toLowerCase(), found.toLowerCase()) <= Math.max(2, name.length / 3);
  const list = names.length > 30 ? `${names.slice(0, 30).join(", ")}, \u2026 (${names.length} columns)` : names.join(", ");
  return new PerennialError("COLUMN_MISSING", `${where}: there is no column "${name}". The columns are: ${list}.`, close ? { hint: `Did you mean "${found}"?` } : {});
}
function requireColumn(columns, name, where) {
  const found = columns.find((column) => column.name === name);
  if (found === void 0) throw columnMissing(name, columns.map((column) => column.name), where);
  return found;
}
var MEASURES_PER_QUERY = 240;
async function measureAll(db, measures, table) {
  const values = [];
  for (let start = 0; start < measures.length; start += MEASURES_PER_QUERY) {
    const [row] = await db.rows(`SELECT ${measures.slice(start, start + MEASURES_PER_QUERY).join(", ")} FROM ${table}`);
    for (const value of row) values.push(Number(value));
  }
  return values;
}

// src/core/registry.ts
var plainName = (name) => name.toLowerCase().replace(/[-_ ]/g, "");
var DefinitionRegistry = class {
  #byName;
  #byAlias;
  kind;
  constructor(kind, definitions, nameOf2) {
    const byName = /* @__PURE__ */ new Map();
    for (const definition of definitions) {
      const name = nameOf2(definition);
      if (byName.has(name)) throw new PerennialError("INTERNAL", `Two definitions of the ${kind} "${name}".`);
      byName.set(name, definition);
    }
    const byAlias = /* @__PURE__ */ new Map();
    for (const [name, definition] of byName) {
      for (const alias of definition.aliases ?? []) {
        const plain = plainName(alias);
        const other = byAlias.get(plain) ?? [...byName.keys()].find((known3) => plainName(known3) === plain);
        if (other !== void 0) throw new PerennialError("INTERNAL", `"${alias}" is to mean the ${kind} "${name}", and is "${other}" already.`);
        byAlias.set(plain, name);
      }
    }
    this.kind = kind;
    this.#byName = byName;
    this.#byAlias = byAlias;
  }
  /** The name of the definition that other programs call so. */
  meant(alias) {
    return this.#byAlias.get(plainName(alias));
  }
  names() {
    return [...this.#byName.keys()];
  }
  all() {
    return [...this.#byName.values()];
  }
  find(name) {
    return this.#byName.get(name);
  }
  /** @throws the given code (default CONFIG_INVALID), listing what exists. */
  get(name, code = "CONFIG_INVALID") {
    const found = this.#byName.get(name);
    if (found === void 0) {
      const meant = this.meant(name);
      throw new PerennialError(code, `There is no ${this.kind} "${name}". There is: ${this.names().join(", ")}.`, meant === void 0 ? {} : { hint: `Did you mean "${meant}"?` });
    }
    return found;
  }
};

// src/data/expectation.ts
function defineExpectation(definition) {
  return Object.freeze(definition);
}
function columnExpectation(name, description, value, example) {
  return {
    type: "object",
    additionalProperties: false,
    required: ["column", name],
    description,
    properties: { column: { type: "string", minLength: 1, description: "Name of the column." }, [name]: value },
    examples: [example]
  };
}
function requireType(column, types, name) {
  if (!types.includes(column.type)) throw new PerennialError("CONFIG_INVALID", `expect: "${name}" is for ${types.join(", ")} columns; "${column.name}" is a ${column.type} column.`);
}

// src/data/expectations/between.expectation.ts
var between_expectation_default = defineExpectation({
  name: "between",
  summary: "Values lie in a closed range; null leaves an end open.",
  configSchema: columnExpectation("between", "Values lie in a closed range.", {
    type: "array",
    minItems: 2,
    maxItems: 2,
    items: { type: ["number", "string", "null"] },
    description: "Lowest and highest value allowed: numbers, or ISO 8601 times for timestamps; null leaves an end open.",
    examples: [[0, 100], ["2020-01-01", null]]
  }, { column: "body_mass_g", between: [2e3, 7e3] }),
  examples: [{ column: "body_mass_g", between: [2e3, 7e3] }, { column: "date", between: ["2020-01-01", null] }],
  rule({ column: name, between: [low, high] }, scope) {
    const column = scope.column(name);
    requireType(column, ["number", "integer", "timestamp"], "between");
    const end = (value) => {
      if (column.type !== "timestamp" && typeof value === "number") return numberLiteral(value);
      if (column.type === "timestamp" && typeof value === "string" && !Number.isNaN(Date.parse(value))) return `CAST(${literal(new Date(value).toISOString())} AS TIMESTAMPTZ)::TIMESTAMP`;
      throw new PerennialError("CONFIG_INVALID", `expect: between ${JSON.stringify(value)} does not fit the ${column.type} column "${name}".`, { hint: column.type === "timestamp" ? 'Give ISO 8601 times, e.g. "2024-01-31".' : "Give numbers." });
    };
    const parts = [low === null ? void 0 : `${column.sql} < ${end(low)}`, high === null ? void 0 : `${column.sql} > ${end(high)}`].filter((part) => part !== void 0);
    return { violation: parts.length === 0 ? "false" : `coalesce(${parts.join(" OR ")}, false)`, reason: `"${name}" is not between ${low ?? "any"} and ${high ?? "any"}`, value: column.sql };
  }
});

// src/data/expectations/distinct.expectation.ts
var distinct_expectation_default = defineExpectation({
  name: "distinct",
  summary: "Number of distinct values, missing ones not counted.",
  configSchema: columnExpectation("distinct", "Number of distinct values.", {
    type: "object",
    additionalProperties: false,
    minProperties: 1,
    description: "Limits of the number.",
    properties: { atLeast: { type: "integer", minimum: 0, description: "Fewest distinct values." }, atMost: { type: "integer", minimum: 0, description: "Most distinct values." } }
  }, { column: "species", distinct: { atLeast: 3, atMost: 3 } }),
  examples: [{ column: "species", distinct: { atLeast: 3, atMost: 3 } }],
  rule({ column: name, distinct: { atLeast, atMost } }, scope) {
    const column = scope.column(name);
    return {
      measure: `count(DISTINCT ${column.type === "image" ? `md5(${column.sql})` : column.sql})`,
      judge(measured) {
        const count = Number(measured);
        if (atLeast !== void 0 && count < atLeast) return `"${name}" has ${count} distinct values, expected at least ${atLeast}`;
        return atMost !== void 0 && count > atMost ? `"${name}" has ${count} distinct values, expected at most ${atMost}` : void 0;
      }
    };
  }
});

// src/data/expectations/in.expectation.ts
var in_expectation_default = defineExpectation({
  name: "in",
  summary: "Values are among those listed.",
  configSchema: columnExpectation("in", "Values are among those listed.", { type: "array", minItems: 1, uniqueItems: true, items: { type: ["string", "number", "boolean"] }, description: "The values allowed.", examples: [["a", "b"]] }, { column: "species", in: ["Adelie", "Gentoo"] }),
  examples: [{ column: "species", in: ["Adelie", "Gentoo"] }],
  rule({ column: name, in: allowed }, scope) {
    const column = scope.column(name);
    requireType(column, ["string", "number", "integer", "boolean"], "in");
    const numeric = column.type === "number" || column.type === "integer";
    const value = numeric ? `CAST(${column.sql} AS DOUBLE)` : `CAST(${column.sql} AS VARCHAR)`;
    const list = allowed.map((item) => numeric && typeof item === "number" ? `CAST('${item}' AS DOUBLE)` : numeric ? "NULL" : literal(String(item)));
    const shown = allowed.slice(0, 10).join(", ");
    return { violation: `(${column.sql} IS NOT NULL AND NOT coalesce(${value} IN (${list.join(", ")}), false))`, reason: `"${name}" is not one of ${shown}${allowed.length > 10 ? ", \u2026" : ""}`, value: column.sql };
  }
});

// src/data/expectations/length.expectation.ts
var length_expectation_default = defineExpectation({
  name: "length",
  summary: "Length of a text in characters.",
  configSchema: columnExpectation("length", "Length of a text in characters.", {
    type: "object",
    additionalProperties: false,
    minProperties: 1,
    description: "Limits of the length.",
    properties: { atLeast: { type: "integer", minimum: 0, description: "Fewest characters." }, atMost: { type: "integer", minimum: 0, description: "Most characters." } }
  }, { column: "text", length: { atLeast: 1 } }),
  examples: [{ column: "text", length: { atLeast: 1, atMost: 1e4 } }],
  rule({ column: name, length: { atLeast, atMost } }, scope) {
    const column = scope.column(name);
    requireType(column, ["string"], "length");
    const parts = [atLeast === void 0 ? void 0 : `length(${column.sql}) < ${Number(atLeast)}`, atMost === void 0 ? void 0 : `length(${column.sql}) > ${Number(atMost)}`].filter((part) => part !== void 0);
    return { violation: `coalesce(${parts.join(" OR ") || "false"}, false)`, reason: `"${name}" has a length outside of ${atLeast ?? 0} to ${atMost ?? "any"}`, value: `length(${column.sql})` };
  }
});

// src/data/expectations/matches.expectation.ts
var matches_expectation_default = defineExpectation({
  name: "matches",
  summary: "Text matches a regular expression (RE2 syntax) somewhere; anchor it with ^ and $.",
  configSchema: columnExpectation("matches", "Text matches a regular expression.", { type: "string", minLength: 1, format: "regex", description: "Regular expression in RE2 syntax: no look-around, no back references.", examples: ["^[A-Z]{2}\\d{4}$"] }, { column: "code", matches: "^[A-Z]" }),
  examples: [{ column: "code", matches: "^[A-Z]" }],
  rule({ column: name, matches }, scope) {
    const column = scope.column(name);
    requireType(column, ["string"], "matches");
    try {
      new RegExp(matches, "u");
    } catch (error) {
      throw new PerennialError("CONFIG_INVALID", `expect: ${JSON.stringify(matches)} is no regular expression: ${messageOf(error)}`);
    }
    return { violation: `NOT coalesce(regexp_matches(${column.sql}, ${literal(matches)}), true)`, reason: `"${name}" does not match ${matches}`, value: column.sql };
  }
});

// src/data/expectations/mean.expectation.ts
var mean_expectation_default = defineExpectation({
  name: "mean",
  summary: "The mean over all rows lies in a closed range.",
  configSchema: columnExpectation("mean", "The mean over all rows lies in a closed range.", { type: "array", minItems: 2, maxItems: 2, items: { type: ["number", "null"] }, description: "Lowest and highest mean; null leaves an end open.", examples: [[4e3, 4500]] }, { column: "body_mass_g", mean: [4e3, 4500] }),
  examples: [{ column: "body_mass_g", mean: [4e3, 4500] }],
  rule({ column: name, mean: [low, high] }, scope) {
    const column = scope.column(name);
    requireType(column, ["number", "integer"], "mean");
    return {
      measure: `avg(CAST(${column.sql} AS DOUBLE))`,
      judge(measured) {
        if (measured === null) return `"${name}" has no value, so no mean`;
        const mean = Number(measured);
        return low !== null && mean < low || high !== null && mean > high || Number.isNaN(mean) ? `the mean of "${name}" is ${mean}, expected ${low ?? "any"} to ${high ?? "any"}` : void 0;
      }
    };
  }
});

// src/data/expectations/missing.expectation.ts
var missing_expectation_default = defineExpectation({
  name: "missing",
  summary: "Share of missing values over all rows.",
  configSchema: columnExpectation("missing", "Share of missing values over all rows.", {
    type: "object",
    additionalProperties: false,
    required: ["atMost"],
    description: "Limit of the share.",
    properties: { atMost: { type: "number", minimum: 0, maximum: 1, description: "Largest share, 0 to 1." } }
  }, { column: "sex", missing: { atMost: 0.05 } }),
  examples: [{ column: "sex", missing: { atMost: 0.05 } }],
  rule({ column: name, missing: { atMost } }, scope) {
    const column = scope.column(name);
    return {
      measure: `CAST(count_if(${column.sql} IS NULL) AS DOUBLE) / greatest(count(*), 1)`,
      judge: (measured) => Number(measured) <= atMost ? void 0 : `"${name}" is missing in ${(100 * Number(measured)).toFixed(1)} % of the rows, expected at most ${(100 * atMost).toFixed(1)} %`
    };
  }
});

// src/data/expectations/not-null.expectation.ts
var not_null_expectation_default = defineExpectation({
  name: "notNull",
  summary: "No value is missing.",
  configSchema: columnExpectation("notNull", "No value is missing.", { const: true, description: "true: a missing value breaks the expectation." }, { column: "island", notNull: true }),
  examples: [{ column: "island", notNull: true }],
  rule({ column: name }, scope) {
    return { violation: `${scope.column(name).sql} IS NULL`, reason: `"${name}" is missing` };
  }
});

// src/data/expectations/rows.expectation.ts
var rows_expectation_default = defineExpectation({
  name: "rows",
  summary: "The number of rows, over all splits.",
  configSchema: {
    type: "object",
    additionalProperties: false,
    required: ["rows"],
    description: "The number of rows, over all splits.",
    properties: {
      rows: {
        type: "object",
        additionalProperties: false,
        minProperties: 1,
        description: "Limits of the number of rows.",
        properties: { atLeast: { type: "integer", minimum: 1, description: "Fewest rows." }, atMost: { type: "integer", minimum: 1, description: "Most rows." } }
      }
    },
    examples: [{ rows: { atLeast: 100 } }]
  },
  examples: [{ rows: { atLeast: 100 } }],
  rule({ rows: { atLeast, atMost } }) {
    return {
      measure: "count(*)",
      judge(measured) {
        const count = Number(measured);
        if (atLeast !== void 0 && count < atLeast) return `there are ${count} rows, expected at least ${atLeast}`;
        return atMost !== void 0 && count > atMost ? `there are ${count} rows, expected at most ${atMost}` : void 0;
      }
    };
  }
});

// src/data/expectations/type.expectation.ts
var type_expectation_default = defineExpectation({
  name: "type",
  summary: "The column has this type; an integer column is a number column too.",
  configSchema: columnExpectation("type", "The column has this type.", { enum: ["number", "integer", "boolean", "string", "timestamp", "image"], description: "The type expected." }, { column: "body_mass_g", type: "number" }),
  examples: [{ column: "body_mass_g", type: "number" }],
  rule({ column: name, type }, scope) {
    const column = scope.column(name);
    const holds = column.type === type || type === "number" && column.type === "integer";
    return { measure: "count(*)", judge: () => holds ? void 0 : `"${name}" is a ${column.type} column, expected ${type}` };
  }
});

// src/data/expectations/unique.expectation.ts
var unique_expectation_default = defineExpectation({
  name: "unique",
  summary: "No value comes twice, over all splits; the first row with a value is kept.",
  configSchema: columnExpectation("unique", "No value comes twice.", { const: true, description: "true: a value that came before breaks the expectation." }, { column: "id", unique: true }),
  examples: [{ column: "id", unique: true }],
  rule({ column: name }, scope) {
    const column = scope.column(name);
    requireType(column, ["string", "number", "integer", "timestamp", "boolean"], "unique");
    return { violation: `(${column.sql} IS NOT NULL AND row_number() OVER (PARTITION BY ${column.sql} ORDER BY "row") > 1)`, reason: `"${name}" came before`, value: column.sql };
  }
});

// src/data/expectations/index.generated.ts
var expectations = [
  between_expectation_default,
  distinct_expectation_default,
  in_expectation_default,
  length_expectation_default,
  matches_expectation_default,
  mean_expectation_default,
  missing_expectation_default,
  not_null_expectation_default,
  rows_expectation_default,
  type_expectation_default,
  unique_expectation_default
];

// src/data/expectation-registry.ts
var expectationRegistry = new DefinitionRegistry("expectation", expectations, (expectation) => expectation.name);
function findExpectation(config) {
  const found = expectationRegistry.all().filter((item) => Object.hasOwn(config, item.name));
  if (found.length === 1) return found[0];
  throw new PerennialError("CONFIG_INVALID", `${JSON.stringify(config)} is ${found.length === 0 ? "no expectation" : `${found.length} expectations at once (${found.map((item) => item.name).join(", ")})`}; each has one of: ${expectationRegistry.names().join(", ")}.`);
}

// src/data/reading/digest.ts
import { createHash as createHash2 } from "node:crypto";
var DIGEST_BYTES = 8;
var MASK = "4294967295";
function withDigest(source, columns) {
  if (columns.length === 0) return `(SELECT *, CAST(0 AS UBIGINT) AS digest FROM ${source})`;
  return `(SELECT *, ${ROW_DIGEST}(${literal(JSON.stringify(columns.map(({ name }) => name)))}, ${columns.map(keySql).join(", ")}) AS digest FROM ${source})`;
}
function xorOf(values) {
  if (values.length === 1) return values[0];
  const middle2 = values.length >> 1;
  return `xor(${xorOf(values.slice(0, middle2))}, ${xorOf(values.slice(middle2))})`;
}
function shareSql(digest, purpose) {
  const salted = `xor(${digest}, CAST(${saltOf(purpose)} AS UBIGINT))`;
  const mixed2 = [FIRST, shifted(29), SECOND, shifted(32)].reduce((value, round) => round(`(${value})`), salted);
  return `(CAST(${mixed2} & 281474976710655 AS DOUBLE) / 281474976710656.0)`;
}
function keyDigestSql(column) {
  const key = keySql(column);
  return isNumeric(column) ? `CAST(CAST((${key} + 0.0) AS BIT) AS UBIGINT)` : `(${key})`;
}
var isNumeric = ({ type }) => type !== "string" && type !== "image";
function keySql({ type, sql }) {
  switch (type) {
    case "number":
    case "integer":
    case "boolean":
      return `CAST(${sql} AS DOUBLE)`;
    case "timestamp":
      return `CAST(epoch_ms(${sql}) AS DOUBLE)`;
    case "image":
      return `md5_number_lower(${sql})`;
    case "string":
      return `CASE WHEN strlen(${sql}) BETWEEN 1 AND 8 THEN xor(CAST(CAST(encode(${sql}) AS BIT) AS UBIGINT), CAST(strlen(${sql}) AS UBIGINT)) ELSE md5_number_lower(${sql}) END`;
  }
}
var halves = (low, high) => (value) => `xor((${value} & ${MASK}) * ${low}, (${value} >> 32) * ${high} + 374761393)`;
var shifted = (bits) => (value) => `xor(${value}, ${value} >> ${bits})`;
var FIRST = halves("2654435761", "2246822519");
var SECOND = halves("3266489917", "4283543511");
function saltOf(text) {
  return createHash2("sha256").update(text).digest().readBigUInt64LE(0).toString();
}

// src/data/types.ts
var SPLITS = ["train", "validation", "test"];

// src/data/ingest/split.ts
var DEFAULT_SPLIT = { train: 0.7, validation: 0.15, test: 0.15, by: "hash" };
function resolveSplit(split) {
  if (split === void 0) return DEFAULT_SPLIT;
  const given = SPLITS.filter((name) => split[name] !== void 0);
  if (given.length === 0) return { ...DEFAULT_SPLIT, ...split };
  const rest = Math.max(0, 1 - given.reduce((sum, name) => sum + split[name], 0)) / Math.max(1, SPLITS.length - given.length);
  const share = Math.round(rest * 1e9) / 1e9;
  return { by: "hash", train: share, validation: share, test: share, ...split };
}
function checkSplit(split, label) {
  const problems = [];
  const sum = split.train + split.validation + split.test;
  if (split.by !== "column" && Math.abs(sum - 1) > 1e-6) {
    problems.push({ pointer: "/split", message: `The proportions add up to ${Number(sum.toFixed(6))}, not 1.`, fix: `Make train + validation + test = 1, for example "test": ${Number(Math.max(0, 1 - split.train - split.validation).toFixed(6))}.` });
  }
  if ((split.by === "time" || split.by === "column") && split.column === void 0) {
    problems.push({ pointer: "/split/column", message: `A split by ${split.by} needs "column".`, fix: split.by === "time" ? "Name the column that orders the rows in time." : "Name the column that holds train, validation or test." });
  }
  if ((split.by === "hash" || split.by === "random") && split.column !== void 0) {
    problems.push({ pointer: "/split/column", message: `A split by ${split.by} has no "column".`, fix: 'Use "key" to keep rows with one value together, or "by": "time" or "column".' });
  }
  if ((split.by === "time" || split.by === "column") && split.key !== void 0) problems.push({ pointer: "/split/key", message: `A split by ${split.by} has no "key".`, fix: 'Remove "key", or split by hash or random.' });
  if ((split.by === "time" || split.by === "column") && split.stratify === true) problems.push({ pointer: "/split/stratify", message: `A split by ${split.by} cannot be stratified.`, fix: 'Remove "stratify", or split by hash or random.' });
  if (split.values !== void 0 && split.by !== "column") problems.push({ pointer: "/split/values", message: `A split by ${split.by} has no "values".`, fix: 'Use "by": "column", or remove "values".' });
  const given = SPLITS.flatMap((name) => valuesOf(split, name).map((value) => textOf(value)));
  const twice = given.find((value, index) => given.indexOf(value) !== index);
  if (twice !== void 0) problems.push({ pointer: "/split/values", message: `"${twice}" stands for two splits.`, fix: "Give every value to one split." });
  if (split.values !== void 0 && split.values.train === void 0) problems.push({ pointer: "/split/values", message: 'No value stands for "train": there would be nothing to learn from.', fix: 'For example: "values": {"train": 0, "validation": 1, "test": 2}.' });
  if (split.stratify === true && label === void 0) problems.push({ pointer: "/split/stratify", message: 'A stratified split needs a "label".', fix: 'Name the label, or remove "stratify".' });
  return problems;
}
function valuesOf({ values }, name) {
  return [values?.[name] ?? []].flat();
}
function textOf(value) {
  return typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value)) ? String(Number(value)) : String(value).trim().toLowerCase();
}
var SPLIT_NAMES = { train: ["train", "training"], validation: ["validation", "val", "valid", "dev"], test: ["test", "testing"] };
function splitHint(split, found) {
  if (split.values !== void 0) return 'Add them to "values" of the split, or leave such rows out with "filter".';
  const codes = ["0", "1", "2"].every((code) => found.includes(code));
  const [train, validation, test] = (codes ? [0, 1, 2] : ["\u2026", "\u2026", "\u2026"]).map((value) => JSON.stringify(value));
  return `Say what the values mean: "values": {"train": ${train}, "validation": ${validation}, "test": ${test}}.`;
}
var ASSIGNED = "(SELECT d.*, a.split, a.position, a.r FROM data d JOIN assigned a ON a.r = d.rowid)";
function splitAt(at, split) {
  return `CASE WHEN ${at} < ${split.train} THEN 'train' WHEN ${at} < ${split.train + split.validation} THEN 'validation' WHEN ${split.test} > 0 THEN 'test' WHEN ${split.validation} > 0 THEN 'validation' ELSE 'train' END`;
}
var named = (before, n, total, split) => splitAt(`(((${before}) + (${n}) / 2.0) / (${total}))`, split);
function togetherSql({ split, columns }) {
  if (split.key === void 0) return "digest";
  const key = requireColumn(columns, split.key, "split.key");
  return `coalesce(${keyDigestSql({ name: key.name, type: key.type, sql: key.id })}, digest)`;
}
async function byHash(request) {
  const { db, split, seed, label, stratify } = request;
  const together = togetherSql(request);
  const share = shareSql(together, `split ${seed}`);
  await db.run(`ALTER TABLE data ADD COLUMN split ENUM(${SPLITS.map(literal).join(", ")})`);
  await db.run(`UPDATE data SET split = ${splitAt(share, split)}`);
  const moved = stratify && label !== void 0 ? await rowsForEveryClass(request, `(SELECT CAST(${label.id} AS VARCHAR) AS s, ${together} AS together, ${share} AS u, split FROM data)`) : [];
  for (const { value, together: chosen, to } of moved) await db.run(`UPDATE data SET split = '${to}' WHERE ${together} = ${chosen} AND CAST(${label.id} AS VARCHAR) = ${literal(value)}`);
  return "(SELECT *, rowid AS position, rowid AS r FROM data)";
}
async function rowsForEveryClass({ db, split }, assigned) {
  const wanted = SPLITS.filter((name) => split[name] > 0);
  const bounds = { train: [0, split.train], validation: [split.train, split.train + split.validation], test: [split.train + split.validation, 1] };
  const lacking = await db.rows(`SELECT s FROM ${assigned} GROUP BY s HAVING ${wanted.map((name) => `count_if(split = '${name}') = 0`).join(" OR ")}`);
  if (lacking.length === 0) return [];
  const classes = await db.rows(`SELECT s, count(DISTINCT together), ${SPLITS.map((name) => `count(DISTINCT CASE WHEN split = '${name}' THEN together END)`).join(", ")} FROM ${assigned} WHERE s IN (${lacking.map(([value]) => literal(String(value))).join(", ")}) GROUP BY s ORDER BY s`);
  const moved = [];
  for (const [value, all, ...held] of classes) {
    const groups = Object.fromEntries(SPLITS.map((name, index) => [name, Number(held[index])]));
    const gone = [];
    for (const name of wanted.slice(0, Number(all))) {
      if (groups[name] > 0) continue;
      const [low, high] = bounds[name];
      const donors = SPLITS.filter((other) => groups[other] > 1 || name === "train" && groups[other] === 1);
      if (donors.length === 0) continue;
      const [chosen] = await db.rows(`SELECT CAST(together AS VARCHAR), split FROM ${assigned} WHERE s = ${literal(String(value))} AND split IN (${donors.map(literal).join(", ")})${gone.length === 0 ? "" : ` AND together NOT IN (${gone.join(", ")})`} ORDER BY greatest(${low} - u, u - ${high}, 0), together LIMIT 1`);
      if (chosen === void 0) continue;
      moved.push({ value: String(value), together: String(chosen[0]), to: name });
      gone.push(String(chosen[0]));
      groups[name] += 1;
      groups[chosen[1]] -= 1;
    }
  }
  return moved;
}
async function byRandom(request) {
  const { db, split, seed, columns, label, stratify } = request;
  const together = split.key === void 0 ? `xor(CAST(rowid AS UBIGINT), CAST(0 AS UBIGINT))` : togetherSql({ split, columns });
  await db.run(`CREATE OR REPLACE TEMP TABLE keyed AS SELECT rowid AS r, ${together} AS k, ${stratify && label !== void 0 ? `CAST(${label.id} AS VARCHAR)` : `''`} AS s FROM data`);
  const choice = `SELECT k, CASE WHEN groups = 1 AND ${stratify} THEN 'train' ELSE ${named("before", "n", "total", split)} END AS split FROM (
         SELECT k, n, sum(n) OVER (PARTITION BY s ORDER BY h, k ROWS UNBOUNDED PRECEDING) - n AS before, sum(n) OVER (PARTITION BY s) AS total, count(*) OVER (PARTITION BY s) AS groups
         FROM (SELECT k, min(s) AS s, count(*) AS n, ${shareSql("k", `random ${seed}`)} AS h FROM keyed GROUP BY k))`;
  await db.run(`CREATE OR REPLACE TEMP TABLE assigned AS SELECT r, split, r AS position FROM keyed JOIN (${choice}) USING (k) ORDER BY r`);
  await db.run("DROP TABLE keyed");
  return ASSIGNED;
}
async function orderNote(db, split, columns) {
  if (split.by !== "time") return [];
  const time = requireColumn(columns, split.column, "split.column");
  const [found] = await db.rows(`SELECT count(*), min(place), any_value(total) FROM (SELECT ${time.id} < lag(${time.id}) OVER (ORDER BY rowid) AS back, rowid + 1 AS place, count(*) OVER () AS total FROM data) WHERE back`);
  const [back, first, total] = found.map(Number);
  return back === 0 ? [] : [`The source is not in the order of "${time.name}": ${back} of ${total} rows are earlier than the row before, the first is row ${first}. The rows were sorted.`];
}
async function byTime({ db, split, columns }) {
  const time = requireColumn(columns, split.column, "split.column");
  if (!["timestamp", "number", "integer"].includes(time.type)) {
    throw new PerennialError("SPLIT_INVALID", `split.column: "${time.name}" is a ${time.type} column; a split by time needs timestamps or numbers.`, { hint: `Declare "columns": {"${time.name}": "timestamp"} if its values are dates, or {"timestamp": {"format": "dd/MM/yyyy"}} with the form that they have.` });
  }
  await db.run(`CREATE OR REPLACE TEMP TABLE assigned AS SELECT r, ${named("rank - 1", "0", "total", split)} AS split, row_number() OVER (ORDER BY t, r) AS position
    FROM (SELECT rowid AS r, ${time.id} AS t, rank() OVER (ORDER BY ${time.id}) AS rank, count(*) OVER () AS total FROM data)`);
  return ASSIGNED;
}
async function byColumn({ db, split, columns }) {
  const column = requireColumn(columns, split.column, "split.column");
  const text = `lower(trim(CAST(${column.id} AS VARCHAR)))`;
  const value = column.type === "number" ? `CASE WHEN ${column.id} = trunc(${column.id}) THEN CAST(TRY_CAST(${column.id} AS BIGINT) AS VARCHAR) ELSE ${text} END` : text;
  const cases = SPLITS.flatMap((name2) => {
    const own = split.values === void 0 ? SPLIT_NAMES[name2] : valuesOf(split, name2).map(textOf);
    return own.length === 0 ? [] : [`WHEN ${value} IN (${own.map(literal).join(", ")}) THEN '${name2}'`];
  });
  const name = `CASE ${cases.join(" ")} END`;
  const other = await db.rows(`SELECT coalesce(CAST(${column.id} AS VARCHAR), '(missing)'), count(*) FROM data WHERE ${name} IS NULL GROUP BY 1 ORDER BY 2 DESC LIMIT 5`);
  if (other.length > 0) {
    throw new PerennialError("SPLIT_INVALID", `split.column: "${column.name}" holds ${other.map((row) => `"${String(row[0])}" (${String(row[1])} rows)`).join(", ")}; expected ${split.values === void 0 ? "train, validation or test" : SPLITS.flatMap((each) => valuesOf(split, each).map((one) => JSON.stringify(one))).join(", ")}.`, { hint: splitHint(split, other.map((row) => String(row[0]).replace(/\.0$/, ""))) });
  }
  await db.run(`CREATE OR REPLACE TEMP TABLE assigned AS SELECT rowid AS r, ${name} AS split, rowid AS position FROM data`);
  return ASSIGNED;
}
async function emptyHint({ db, split, label, stratify }, rows) {
  if (split.by !== "hash" && split.by !== "random") return "Give more rows or other proportions.";
  if (split.by === "hash" && split.key === void 0) {
    const [distinct] = await db.rows(`SELECT count(DISTINCT digest) FROM data`);
    if (Number(distinct[0]) < rows / 2) return `Only ${String(distinct[0])} of the rows differ, and equal rows stay in one split: give more different rows, or "by": "random".`;
  }
  if (stratify && label !== void 0) {
    const [classes] = await db.rows(`SELECT count(DISTINCT ${label.id}) FROM data`);
    return `Each of the ${String(classes[0])} classes of "${label.name}" is divided by itself and has too few rows: give more rows of each, other proportions, or remove "stratify".`;
  }
  return split.key === void 0 ? "Give more rows or other proportions." : `Rows with the same "${split.key}" stay together: give more different values, or other proportions.`;
}
async function assignSplits(request) {
  const { db, split } = request;
  const source = split.by === "time" ? await byTime(request) : split.by === "column" ? await byColumn(request) : split.by === "hash" ? await byHash(request) : await byRandom(request);
  const rows = await countSplits(db, source);
  const total = rows.train + rows.validation + rows.test;
  for (const name of SPLITS) {
    if (rows[name] === 0 && (name === "train" || split.by !== "column" && split[name] > 0)) {
      throw new PerennialError("SPLIT_INVALID", `The ${name} split is empty: ${total} rows, ${split.by === "column" ? `none of them "${name}" in "${split.column}"` : `proportion ${split[name]}`}.`, { hint: await emptyHint(request, total) });
    }
  }
  return { rows, source, inOrder: split.by === "hash" };
}
async function countSplits(db, source) {
  const counts = { train: 0, validation: 0, test: 0 };
  for (const [name, count] of await db.rows(`SELECT split, count(*) FROM ${source} GROUP BY split`)) counts[name] = Number(count);
  return counts;
}

// src/data/ingest/choose-rows.ts
function checkChoice(filter, sample, split) {
  const problems = [];
  for (const [index, condition] of (filter ?? []).entries()) {
    const { name } = findExpectation(condition);
    if (!ROW_EXPECTATIONS.has(name)) problems.push({ pointer: `/filter/${index}`, message: `"${name}" judges all rows together, not one by one.`, fix: `Write one of ${[...ROW_EXPECTATIONS].join(", ")}; or put it into "expect" of a validate step.` });
  }
  if (sample !== void 0 && split.by === "time") {
    problems.push({ pointer: "/sample", message: "Of rows in the order of time no sample is taken: the rows between would be missing.", fix: 'Take the recent rows with "window", or split by hash.' });
  }
  return problems;
}
var ROW_EXPECTATIONS = /* @__PURE__ */ new Set(["in", "between", "notNull", "matches", "length"]);
async function filterRows(db, columns, filter) {
  let gone = 0;
  for (const condition of filter ?? []) {
    const before = await countRows(db);
    const { violation } = ruleOf(condition, columns);
    try {
      await db.run(`DELETE FROM data WHERE ${violation}`);
    } catch (error) {
      throw asPerennialError(error, "CONFIG_INVALID", `filter ${JSON.stringify(condition)}`);
    }
    const left = await countRows(db);
    if (left === 0) throw new PerennialError("SOURCE_EMPTY", `filter: none of ${before} rows meets ${JSON.stringify(condition)}.`, { hint: "Correct the condition, or look at the values of the column." });
    gone += before - left;
  }
  return gone;
}
function ruleOf(condition, columns) {
  try {
    return findExpectation(condition).rule(condition, { column: (name) => ({ ...requireColumn(columns, name, "filter"), sql: requireColumn(columns, name, "filter").id }) });
  } catch (error) {
    if (!isPerennialError(error, "CONFIG_INVALID")) throw error;
    throw new PerennialError(error.code, error.message.replace(/^expect:/, "filter:"), { hint: error.hint });
  }
}
async function countRows(db) {
  const [count] = await db.rows("SELECT count(*) FROM data");
  return Number(count[0]);
}
async function sampleRows({ db, sample, split, seed, columns, assigned }) {
  if (sample === void 0) return assigned;
  const of = [...new Set(sample.splits ?? ["train"])];
  const left = `${shareSql(togetherSql({ split, columns }), `sample ${seed}`)} >= ${sample.fraction}`;
  const source = `(SELECT * FROM ${assigned.source} WHERE NOT (split IN (${of.map((name) => `'${name}'`).join(", ")}) AND ${left}))`;
  const rows = await countSplits(db, source);
  for (const name of of) {
    if (rows[name] === 0 && assigned.rows[name] > 0) throw new PerennialError("SPLIT_INVALID", `The sample of ${sample.fraction} of the ${assigned.rows[name]} rows of the ${name} split is empty.`, { hint: `Give a larger "fraction", or leave "${name}" out of "splits".` });
  }
  return { ...assigned, rows, source };
}

// src/data/images/png.ts
import { inflateSync } from "node:zlib";
var SIGNATURE = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
var HARMLESS = /* @__PURE__ */ new Set(["pHYs", "tEXt", "zTXt", "iTXt", "tIME"]);
function paeth(left, up, corner) {
  const a = Math.abs(up - corner);
  const b = Math.abs(left - corner);
  const c = Math.abs(left + up - 2 * corner);
  return a <= b && a <= c ? left : b <= c ? up : corner;
}
function unfilter(raw, height, stride, bytes) {
  const out = new Uint8Array(height * stride);
  for (let row = 0; row < height; row += 1) {
    const from = row * (stride + 1) + 1;
    const to = row * stride;
    switch (raw[from - 1]) {
      case 0:
        out.set(raw.subarray(from, from + stride), to);
        break;
      case 1:
        for (let at = 0; at < stride; at += 1) out[to + at] = raw[from + at] + (at >= bytes ? out[to + at - bytes] : 0);
        break;
      case 2:
        for (let at = 0; at < stride; at += 1) out[to + at] = raw[from + at] + (row > 0 ? out[to + at - stride] : 0);
        break;
      case 3:
        for (let at = 0; at < stride; at += 1) out[to + at] = raw[from + at] + ((at >= bytes ? out[to + at - bytes] : 0) + (row > 0 ? out[to + at - stride] : 0) >> 1);
        break;
      case 4:
        for (let at = 0; at < stride; at += 1) {
          const left = at >= bytes ? out[to + at - bytes] : 0;
          const up = row > 0 ? out[to + at - stride] : 0;
          out[to + at] = raw[from + at] + paeth(left, up, row > 0 && at >= bytes ? out[to + at - stride - bytes] : 0);
        }
        break;
      default:
        return void 0;
    }
  }
  return out;
}
function isPlainPng(file, pixelsMax) {
  return readPlainPng(file, pixelsMax) !== void 0;
}
function readPlainPng(file, pixelsMax) {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (bytes.length < 45 || SIGNATURE.compare(bytes, 0, 8) !== 0 || bytes.toString("latin1", 12, 16) !== "IHDR") return void 0;
  const width = bytes.readUInt32BE(16);
  const height = bytes.readUInt32BE(20);
  const colour = bytes[25];
  if (bytes[24] !== 8 || colour !== 0 && colour !== 2 || bytes[28] !== 0 || width * height > pixelsMax || width * height === 0) return void 0;
  const parts = [];
  for (let at = 33; at + 12 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const type = bytes.toString("latin1", at + 4, at + 8);
    if (type === "IEND") break;
    if (type === "IDAT") parts.push(bytes.subarray(at + 8, at + 8 + length));
    else if (!HARMLESS.has(type)) return void 0;
    at += 12 + length;
  }
  const channels = colour === 0 ? 1 : 3;
  const expected = height * (width * channels + 1);
  let raw;
  try {
    raw = inflateSync(parts.length === 1 ? parts[0] : Buffer.concat(parts), { maxOutputLength: expected, chunkSize: Math.min(65536, Math.max(64, expected)) });
  } catch {
    return void 0;
  }
  const data = raw.length === expected ? unfilter(raw, height, width * channels, channels) : void 0;
  return data === void 0 ? void 0 : { width, height, channels, data };
}

// src/data/images/images.ts
async function loadSharp() {
  const { default: sharp } = await import("sharp");
  return sharp;
}
async function imageProblem(bytes) {
  if (bytes.length === 0) return "it has no bytes";
  if (isPlainPng(bytes, DATA_LIMITS.imagePixelsMax)) return void 0;
  const sharp = await loadSharp();
  try {
    await sharp(bytes, { limitInputPixels: DATA_LIMITS.imagePixelsMax }).resize(8, 8, { fit: "fill" }).raw().toBuffer();
    return void 0;
  } catch (error) {
    return messageOf(error).split("\n")[0];
  }
}

// src/data/images/check-images.ts
var IMAGES_AT_ONCE = 64;
var ROWS_PER_STATEMENT = 500;
async function rejectImages(db, table, columns, content) {
  for (const column of columns) {
    const problems = [];
    for await (const { rows, columns: [numbers, values] } of db.chunks(`SELECT rowid, ${column.id} FROM ${table} WHERE ${column.id} IS NOT NULL`)) {
      for (let start = 0; start < rows; start += IMAGES_AT_ONCE) {
        const images = values.slice(start, start + IMAGES_AT_ONCE);
        const found = await Promise.all(images.map(({ bytes }) => imageProblem(bytes)));
        found.forEach((problem, at) => {
          if (problem !== void 0) problems.push(`(${String(numbers[start + at])}, ${literal(`"${column.name}" is no image that can be read: ${problem.replaceAll("\0", " ").slice(0, 200)}`)})`);
        });
      }
    }
    for (let start = 0; start < problems.length; start += ROWS_PER_STATEMENT) {
      const some = `(VALUES ${problems.slice(start, start + ROWS_PER_STATEMENT).join(", ")}) p(r, reason)`;
      await db.run(`INSERT INTO rejects SELECT r.rowid + 1, p.reason, ${content} FROM ${table} r JOIN ${some} ON p.r = r.rowid ORDER BY r.rowid`);
      await db.run(`DELETE FROM ${table} WHERE rowid IN (SELECT p.r FROM ${some})`);
    }
  }
}

// src/data/images/pictures.ts
import { constants } from "node:fs";
import { access, realpath, stat as stat2 } from "node:fs/promises";
import { dirname as dirname2, isAbsolute, join as join4, resolve as resolve2, sep } from "node:path";

// src/data/images/encoded-image.ts
var ENCODED_IMAGE = "^(data:|(iVBORw0KGgo|/9j/|R0lGOD|UklGR)[A-Za-z0-9+/=_-]{40})";
var ENCODED = new RegExp(ENCODED_IMAGE);

// src/data/reader.ts
function defineReader(definition) {
  return Object.freeze(definition);
}
async function createRejects(db) {
  await db.run('CREATE OR REPLACE TEMP TABLE rejects ("row" BIGINT, reason VARCHAR, content VARCHAR)');
}
function someRows(table, rows) {
  if (typeof rows === "string") return table;
  return "first" in rows ? `(SELECT * FROM ${table} LIMIT ${rows.first})` : `(SELECT * FROM ${table} USING SAMPLE reservoir(${rows.sample} ROWS) REPEATABLE (1))`;
}
function rowsAt(table, rows) {
  const numbered = `(SELECT *, row_number() OVER () - 1 AS "@row" FROM (SELECT * FROM ${table} LIMIT ${Math.max(-1, ...rows) + 1}))`;
  return `SELECT * FROM ${numbered} WHERE "@row" IN (${rows.join(", ")}) ORDER BY list_position([${rows.join(", ")}], "@row")`;
}
var PATH_SCHEMA = {
  type: "string",
  minLength: 1,
  description: 'Path of the file, relative to the folder of the document; "*", "**" and "?" match several files of the same columns.',
  examples: ["data/penguins.csv", "data/2024-*.csv"]
};
var FOLDER_SCHEMA = {
  type: "string",
  minLength: 1,
  description: "Folder that holds one folder per class, relative to the folder of the document.",
  examples: ["data/digits"]
};

// src/data/reading/numbers.ts
var MISSING_WORDS = ["na", "n/a", "#n/a", "<na>", "nan", "-nan", "null", "none", "nil", "?", "-", "--", ".", "#null!", "#num!", "#div/0!", "#value!", "#ref!"];
var missing = new Set(MISSING_WORDS);
function missingWordSql(c) {
  return `regexp_full_match(${c}, ${literal(MISSING_PATTERN)})`;
}
var MISSING_PATTERN = `(?i)\\s*(?:${MISSING_WORDS.map((word) => word.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")).join("|")})?\\s*`;
var PLAIN = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf(?:inity)?)$/i;
var BLANKS = " 	\r\n\xA0\u202F\u2009\u2007";
var GROUPS = { " ": " \xA0\u202F\u2009", "'": "'\u2019" };
function grammarOf({ decimal = ".", thousands }) {
  const groups = thousands === void 0 ? "" : GROUPS[thousands] ?? thousands;
  const point = `[${decimal}]`;
  const whole = groups === "" ? "\\d+" : `(?:\\d{1,3}(?:[${groups}]\\d{3})+|\\d+)`;
  return { pattern: `[+-]?(?:${whole}(?:${point}\\d*)?|${point}\\d+)(?:[eE][+-]?\\d+)?`, groups };
}
var CURRENCY = "(?:\\p{Sc}|[A-Za-z]{3})";
var MINUS = "\u2212";
function numberOfText(text, format) {
  if (format === void 0) {
    const trimmed = text.replace(/^[ \t\r\n\v\f]+|[ \t\r\n\v\f]+$/g, "");
    if (!PLAIN.test(trimmed)) return Number.NaN;
    return /inf/i.test(trimmed) ? trimmed.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY : Number(trimmed);
  }
  const { pattern, groups } = grammarOf(format);
  let rest = trimBlanks(text).replaceAll(MINUS, "-");
  let sign = 1;
  let scale = 1;
  if (format.currency === true) {
    if (/^\(.*\)$/.test(rest)) {
      sign = -1;
      rest = trimBlanks(rest.slice(1, -1));
    }
    const before = new RegExp(`^([+-]?)\\s*${CURRENCY}\\s*`, "u").exec(rest);
    if (before !== null) rest = before[1] + rest.slice(before[0].length);
    else rest = rest.replace(new RegExp(`\\s*${CURRENCY}$`, "u"), "");
  }
  if (format.percent === true && rest.endsWith("%")) {
    scale = 100;
    rest = trimBlanks(rest.slice(0, -1));
  }
  if (!new RegExp(`^${pattern}$`).test(rest)) return Number.NaN;
  const plain = [...rest].filter((char) => !groups.includes(char)).join("").replace(format.decimal ?? ".", ".");
  return sign * Number(plain) / scale;
}
function trimBlanks(text) {
  let start = 0;
  let end = text.length;
  while (start < end && BLANKS.includes(text[start])) start += 1;
  while (end > start && BLANKS.includes(text[end - 1])) end -= 1;
  return text.slice(start, end);
}
var trimSql = (c) => `trim(${c}, ${literal(BLANKS)})`;
function numberSql(c, format) {
  if (format === void 0) return `CASE WHEN isnan(try_cast(${c} AS DOUBLE)) OR contains(${c}, '_') THEN NULL ELSE try_cast(${c} AS DOUBLE) END`;
  const { pattern, groups } = grammarOf(format);
  let rest = `replace(${trimSql(c)}, ${literal(MINUS)}, '-')`;
  let sign = "1";
  if (format.currency === true) {
    const inner = rest;
    sign = `CASE WHEN regexp_full_match(${inner}, '\\(.*\\)') THEN -1 ELSE 1 END`;
    rest = `CASE WHEN regexp_full_match(${inner}, '\\(.*\\)') THEN ${trimSql(`substr(${inner}, 2, length(${inner}) - 2)`)} ELSE ${inner} END`;
    const before = `^([+-]?)\\s*${CURRENCY}\\s*`;
    rest = `CASE WHEN regexp_matches(${rest}, ${literal(before)}) THEN regexp_replace(${rest}, ${literal(before)}, '\\1') ELSE regexp_replace(${rest}, ${literal(`\\s*${CURRENCY}$`)}, '') END`;
  }
  let scale = "1";
  if (format.percent === true) {
    scale = `CASE WHEN suffix(${rest}, '%') THEN 100 ELSE 1 END`;
    rest = `CASE WHEN suffix(${rest}, '%') THEN ${trimSql(`left(${rest}, length(${rest}) - 1)`)} ELSE ${rest} END`;
  }
  const digits = [...groups].reduce((text, char) => `replace(${text}, ${literal(char)}, '')`, rest);
  const plain = (format.decimal ?? ".") === "." ? digits : `replace(${digits}, ${literal(format.decimal)}, '.')`;
  return `CASE WHEN regexp_full_match(${rest}, ${literal(pattern)}) THEN (${sign}) * try_cast(${plain} AS DOUBLE) / (${scale}) END`;
}
function looksLikePowerSql(c) {
  return `regexp_full_match(${c}, '\\s*\\d+[eE]\\d+\\s*')`;
}
function isCodeSql(c, number) {
  const zero = `((starts_with(${c}, '0') AND substr(${c}, 2, 1) BETWEEN '0' AND '9') OR regexp_full_match(${c}, '\\s*[+-]?0\\d+\\s*'))`;
  return `((starts_with(${c}, '0') OR starts_with(${c}, '-') OR starts_with(${c}, '+') OR starts_with(${c}, ' ')) AND ${zero}) OR (abs(${number}) > ${DATA_LIMITS.integerMax} AND regexp_full_match(${c}, '\\s*[+-]?\\d+\\s*'))`;
}

// src/data/reading/zones.ts
var HOUR = 36e5;
var DAY = 24 * HOUR;
var formats = /* @__PURE__ */ new Map();
function formatOf(zone) {
  let format = formats.get(zone);
  if (format === void 0) {
    try {
      format = new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric", era: "short" });
    } catch (error) {
      throw new PerennialError("CONFIG_INVALID", `"${zone}" is no time zone that is known here.`, { hint: 'Write a name of the IANA data base, for example "Europe/Berlin" or "UTC".', cause: error });
    }
    formats.set(zone, format);
  }
  return format;
}
function offsetAt(zone, moment) {
  const parts = Object.fromEntries(formatOf(zone).formatToParts(moment).map(({ type, value }) => [type, value]));
  const year = parts["era"] === "BC" ? 1 - Number(parts["year"]) : Number(parts["year"]);
  const local = /* @__PURE__ */ new Date(0);
  local.setUTCFullYear(year, Number(parts["month"]) - 1, Number(parts["day"]));
  local.setUTCHours(Number(parts["hour"]), Number(parts["minute"]), Number(parts["second"]), 0);
  return local.getTime() - Math.floor(moment / 1e3) * 1e3;
}
var known2 = /* @__PURE__ */ new Map();
var [FIRST_YEAR, LAST_YEAR] = [1900, 2100];
var STEP = 7 * DAY;
function zoneOffsets(zone) {
  const have = known2.get(zone);
  if (have !== void 0) return have;
  const start = Date.UTC(FIRST_YEAR, 0, 1);
  const end = Date.UTC(LAST_YEAR + 1, 0, 1);
  const offsets = [{ local: Number.NEGATIVE_INFINITY, offset: offsetAt(zone, start) }];
  let before = offsets[0].offset;
  for (let moment = start; moment < end; moment += STEP) {
    const after = offsetAt(zone, moment + STEP);
    if (after === before) continue;
    let low = moment;
    let high = moment + STEP;
    while (high - low > 1e3) {
      const middle2 = Math.floor((low + high) / 2e3) * 1e3;
      if (offsetAt(zone, middle2) === before) low = middle2;
      else high = middle2;
    }
    offsets.push({ local: high + Math.max(before, after), offset: after });
    before = after;
  }
  known2.set(zone, offsets);
  return offsets;
}

// src/data/reading/timestamps.ts
var MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
var MONTH_NAMES = "january|february|march|april|may|june|july|august|september|october|november|december|sept|jan|feb|mar|apr|jun|jul|aug|sep|oct|nov|dec";
var OFFSET = "Z|z|[+-]\\d{2}(?::?\\d{2})?";
var TOKENS = {
  yyyy: ["year", "\\d{4}"],
  yy: ["shortYear", "\\d{2}"],
  MMMM: ["monthName", MONTH_NAMES],
  MMM: ["monthName", MONTH_NAMES],
  MM: ["month", "\\d{2}"],
  M: ["month", "\\d{1,2}"],
  dd: ["day", "\\d{2}"],
  d: ["day", "\\d{1,2}"],
  HH: ["hour", "\\d{2}"],
  H: ["hour", "\\d{1,2}"],
  hh: ["halfHour", "\\d{2}"],
  h: ["halfHour", "\\d{1,2}"],
  mm: ["minute", "\\d{2}"],
  m: ["minute", "\\d{1,2}"],
  ss: ["second", "\\d{2}"],
  s: ["second", "\\d{1,2}"],
  SSS: ["fraction", "\\d{1,9}"],
  S: ["fraction", "\\d{1,9}"],
  a: ["half", "[aApP]\\.?[mM]\\.?"],
  ZZ: ["offset", OFFSET],
  Z: ["offset", OFFSET],
  EEE: [void 0, "[A-Za-z]{2,4}\\.?"],
  EEEE: [void 0, "[A-Za-z]+"]
};
var PIVOT = 70;
var ISO_SQL = "\\s*\\d{4}[-/.]\\d{1,2}[-/.]\\d{1,2}(?:[Tt ] *(?:[01]?\\d|2[0-3]):[0-5]\\d(?::[0-5]\\d(?:[.,]\\d{1,9})?)?\\s*(?:[Zz]|[Uu][Tt][Cc]|[+-](?:0\\d|1[0-8])(?::?[0-5]\\d)?)?)?\\s*";
var compiled = /* @__PURE__ */ new Map();
function compile(format) {
  const have = compiled.get(format);
  if (have !== void 0) return have;
  let pattern = "";
  const fields = [];
  for (let at = 0; at < format.length; ) {
    const quoted = /^'([^']*)'/.exec(format.slice(at));
    const letters = /^([A-Za-z])\1*/.exec(format.slice(at));
    if (quoted !== null) {
      pattern += escape(quoted[1] === "" ? "'" : quoted[1]);
      at += quoted[0].length;
    } else if (letters !== null) {
      const token = Object.hasOwn(TOKENS, letters[0]) ? TOKENS[letters[0]] : void 0;
      if (token === void 0) throw new PerennialError("CONFIG_INVALID", `timestamp.format: "${letters[0]}" in "${format}" has no meaning.`, { hint: `Meanings have ${Object.keys(TOKENS).join(", ")}; other letters stand in quotes: 'T'.` });
      const [field, own] = token;
      if (field !== void 0 && fields.includes(field)) throw new PerennialError("CONFIG_INVALID", `timestamp.format: "${format}" names the ${field} twice.`);
      if (field === void 0) pattern += `(?:${own})`;
      else {
        pattern += `(${own})`;
        fields.push(field);
      }
      at += letters[0].length;
    } else {
      pattern += /\s/.test(format[at]) ? "\\s+" : escape(format[at]);
      at += 1;
    }
  }
  const lacks = (...names) => !names.some((name) => fields.includes(name));
  if (lacks("year", "shortYear") || lacks("month", "monthName") || lacks("day")) throw new PerennialError("CONFIG_INVALID", `timestamp.format: "${format}" does not say year, month and day.`, { hint: 'For example: "dd/MM/yyyy", "MM-dd-yyyy HH:mm".' });
  if (fields.includes("halfHour") !== fields.includes("half")) throw new PerennialError("CONFIG_INVALID", `timestamp.format: in "${format}" the hours 1 to 12 (hh) and AM or PM (a) belong together.`, { hint: "Write HH for the hours 0 to 23." });
  const made = { pattern, fields };
  compiled.set(format, made);
  return made;
}
var escape = (text) => text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
function checkTimestampFormat({ format, zone, unit }) {
  if (format !== void 0) compile(format);
  if (zone !== void 0) offsetAt(zone, 0);
  if (unit !== void 0 && (format !== void 0 || zone !== void 0)) throw new PerennialError("CONFIG_INVALID", 'timestamp: "unit" is of numbers since 1970 in UTC; "format" and "zone" are of texts.', { hint: "Leave one of them out." });
}
var UNITS = { s: 1e3, ms: 1, us: 1 / 1e3, ns: 1 / 1e6 };
var MOMENT_MIN = -621355968e5;
var MOMENT_MAX = 253402300799999;
function timestampOfTextSql(c, format) {
  if (format?.format === void 0) return isoSql(c, format?.zone);
  const { pattern, fields } = compile(format.format);
  const names = fields.map((field) => literal(field)).join(", ");
  const found = `regexp_extract(${c}, ${literal(`(?i)^\\s*(?:${pattern})\\s*$`)}, [${names}])`;
  const has = (field) => fields.includes(field);
  const part = (field) => `p.${field}`;
  const whole = (field) => has(field) ? `coalesce(try_cast(${part(field)} AS INTEGER), 0)` : "0";
  const year = has("year") ? whole("year") : `${whole("shortYear")} + CASE WHEN ${whole("shortYear")} < ${PIVOT} THEN 2000 ELSE 1900 END`;
  const month = has("month") ? whole("month") : `list_position([${MONTHS.map(literal).join(", ")}], lower(left(${part("monthName")}, 3)))`;
  const hour = has("halfHour") ? `CASE WHEN ${whole("halfHour")} BETWEEN 1 AND 12 THEN ${whole("halfHour")} % 12 + CASE WHEN lower(${part("half")}) LIKE 'p%' THEN 12 ELSE 0 END ELSE 99 END` : whole("hour");
  const millis = has("fraction") ? `coalesce(try_cast(left(${part("fraction")} || '000', 3) AS BIGINT), 0)` : "0";
  const local = `(epoch_ms(make_timestamp(${year}, ${month}, ${whole("day")}, ${hour}, ${whole("minute")}, CAST(${whole("second")} AS DOUBLE))) + ${millis})`;
  const checked = `${year} >= 1 AND ${hour} <= 23 AND ${whole("minute")} <= 59 AND ${whole("second")} <= 59`;
  const shift = has("offset") ? offsetSql(part("offset")) : "NULL";
  const zoned = format?.zone === void 0 || format.zone === "UTC" ? "0" : zoneSql("l.local", format.zone);
  const moment = `list_transform([struct_pack(local := TRY(${local}), own := ${shift}, stated := ${has("offset") ? `${part("offset")} <> ''` : "false"})], lambda l: CASE WHEN l.stated THEN l.local - l.own ELSE l.local - ${zoned} END)[1]`;
  const picked = `list_transform([${found}], lambda p: CASE WHEN p.day <> '' AND ${checked} THEN ${moment} END)[1]`;
  return `CASE WHEN ${c} IS NOT NULL THEN make_timestamp_ms(CAST(${picked} AS BIGINT)) END`;
}
var ISO_USUAL = "\\d{4}-\\d{2}-\\d{2}(?:[T ](?:[01]\\d|2[0-3]):[0-5]\\d(?::[0-5]\\d(?:\\.\\d{1,3})?(?:Z|[+-](?:0\\d|1[0-8]):[0-5]\\d)?)?)?";
function isoSql(c, zone) {
  const rewritten = [
    // One mark between the parts of a date, one blank before the time.
    ["^(\\d{4})[/.-](\\d{1,2})[/.-](\\d{1,2})[Tt ]? *", "\\1-\\2-\\3 "],
    ["\\s*([Zz]|[Uu][Tt][Cc])$", "+00:00"],
    // The cast asks for seconds before a zone.
    ["( \\d{1,2}:\\d{2})(\\s*[+-][\\d:]+)$", "\\1:00\\2"],
    [",", "."],
    // Digits beyond milliseconds are cut off, as a request that is parsed in JavaScript has it.
    ["(\\.\\d{3})\\d+", "\\1"],
    ["\\s+([+-])", "\\1"]
  ].reduce((text, [pattern, by]) => `regexp_replace(${text}, ${literal(pattern)}, ${literal(by)})`, `trim(${c}, ' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13))`);
  const cast = (text) => `CAST(try_cast(${text} AS TIMESTAMPTZ) AS TIMESTAMP)`;
  const read = `CASE WHEN regexp_full_match(${c}, ${literal(ISO_USUAL)}) THEN ${cast(c)} ELSE ${cast(`rtrim(${rewritten})`)} END`;
  const moment = zone === void 0 || zone === "UTC" ? read : `CASE WHEN regexp_matches(${c}, ':.*([Zz]|[Uu][Tt][Cc]|[+-]\\d{2}(:?\\d{2})?)\\s*$') THEN ${read} ELSE make_timestamp_ms(list_transform([epoch_ms(${read})], lambda local: local - (${zoneSql("local", zone)}))[1]) END`;
  return `CASE WHEN regexp_full_match(${c}, ${literal(ISO_SQL)}) AND NOT starts_with(ltrim(${c}), '0000') THEN ${moment} END`;
}
function offsetSql(text) {
  const hours = `try_cast(substr(${text}, 2, 2) AS INTEGER)`;
  const minutes = `coalesce(try_cast(replace(substr(${text}, 4), ':', '') AS INTEGER), 0)`;
  return `CASE WHEN lower(${text}) IN ('z', 'utc') THEN 0 WHEN ${hours} <= 18 AND ${minutes} <= 59 THEN CASE WHEN ${text} LIKE '-%' THEN -1 ELSE 1 END * (${hours} * 60 + ${minutes}) * 60000 END`;
}
function zoneSql(local, zone) {
  const offsets = zoneOffsets(zone);
  const cases = offsets.slice(1).map((one, index) => `WHEN ${local} < ${one.local} THEN ${offsets[index].offset}`);
  return `CASE ${cases.join(" ")} ELSE ${offsets.at(-1).offset} END`;
}
function timestampOfNumberSql(c, format) {
  const unit = UNITS[format?.unit ?? "ms"];
  const moment = unit >= 1 ? `floor(CAST(${c} AS DOUBLE) * ${unit})` : `floor(CAST(${c} AS DOUBLE) * CAST('${unit}' AS DOUBLE))`;
  return `CASE WHEN ${moment} BETWEEN ${MOMENT_MIN} AND ${MOMENT_MAX} THEN make_timestamp_ms(CAST(${moment} AS BIGINT)) END`;
}
function isAmbiguousDateSql(c) {
  return `regexp_full_match(${c}, '\\s*\\d{1,2}([-/.])\\d{1,2}[-/.](\\d{4}|\\d{2})([T ].*)?\\s*')`;
}

// src/data/reading/value-format.ts
var numberFormatOf = (format) => format !== void 0 && "number" in format ? format.number : void 0;
var timestampFormatOf = (format) => format !== void 0 && "timestamp" in format ? format.timestamp : void 0;

// src/data/reading/column-sql.ts
var isText = ({ from }) => from === "text" || from === "string";
function textSql({ id, from, text }) {
  if (text !== void 0) return text;
  if (from === "text" || from === "string") return id;
  if (from === "timestamp") return `CASE WHEN epoch_ms(${id}) % 1000 = 0 THEN strftime(${id}, '%Y-%m-%dT%H:%M:%S') ELSE strftime(${id}, '%Y-%m-%dT%H:%M:%S.%g') END`;
  if (from === "number") return numberTextSql(id);
  return from === "image" ? `to_base64(${id})` : `CAST(${id} AS VARCHAR)`;
}
function numberTextSql(id) {
  return `CASE WHEN ${id} = trunc(${id}) AND abs(${id}) < 1e21 THEN CAST(CAST(${id} AS HUGEINT) AS VARCHAR) ELSE regexp_replace(CAST(${id} AS VARCHAR), 'e([+-])0(\\d)$', 'e\\1\\2') END`;
}
var wholeSql = (value) => `CASE WHEN ${value} = trunc(${value}) AND abs(${value}) <= ${DATA_LIMITS.integerMax} THEN CAST(${value} AS BIGINT) END`;
function valueSql(column) {
  const { id, from, type, format } = column;
  switch (type) {
    case "string":
      return textSql(column);
    case "number":
    case "integer": {
      if (from === "timestamp" || from === "image") return "NULL";
      const read = isText(column) ? numberSql(id, numberFormatOf(format)) : `CAST(${id} AS DOUBLE)`;
      if (type === "integer") return wholeSql(`(${read})`);
      return from === "number" ? `CASE WHEN isnan(${read}) THEN NULL ELSE ${read} END` : read;
    }
    case "boolean":
      if (from === "boolean") return id;
      if (from === "number" || from === "integer" || from === "exact") return `CASE WHEN ${id} IN (0, 1) THEN ${id} = 1 END`;
      return isText(column) ? `CASE lower(trim(${id})) WHEN 'true' THEN true WHEN 'false' THEN false WHEN 'yes' THEN true WHEN 'no' THEN false WHEN '1' THEN true WHEN '0' THEN false END` : "NULL";
    case "timestamp": {
      if (from === "timestamp") return `CAST(${id} AS TIMESTAMP)`;
      if (from === "number" || from === "integer" || from === "exact") return timestampOfNumberSql(id, timestampFormatOf(format));
      if (!isText(column)) return "NULL";
      const own = timestampFormatOf(format);
      return own?.unit === void 0 ? timestampOfTextSql(id, own) : timestampOfNumberSql(`(${numberSql(id, void 0)})`, own);
    }
    case "image":
      if (from === "image") return id;
      return isText(column) ? `TRY(from_base64(regexp_replace(${id}, '^data:image/[a-z+.-]+;base64,', '')))` : "NULL";
  }
}
function isOddSql(column, value) {
  const { id, from, type } = column;
  if (type === "string") return "false";
  if (from === type && type !== "number") return "false";
  const missing2 = isText(column) && type !== "image" ? ` AND NOT ${missingWordSql(id)}` : from === "number" ? ` AND NOT isnan(${id})` : "";
  return `(${id} IS NOT NULL AND ${value} IS NULL${missing2})`;
}
function codeSql(id) {
  return `(${isCodeSql(id, `try_cast(${id} AS DOUBLE)`)})`;
}

// src/data/reading/text-files.ts
import { createReadStream, createWriteStream } from "node:fs";
import { open as open2, stat } from "node:fs/promises";
import { join as join3 } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
var ENCODINGS = {
  "utf-8": "utf-8",
  "utf-16": "utf-16le",
  "latin-1": "latin1",
  "windows-1252": "windows-1252",
  "windows-1250": "windows-1250",
  "windows-1251": "windows-1251",
  "iso-8859-2": "iso-8859-2",
  "iso-8859-15": "iso-8859-15",
  "koi8-r": "koi8-r",
  shift_jis: "shift_jis",
  "euc-jp": "euc-jp",
  gb18030: "gb18030",
  big5: "big5",
  "euc-kr": "euc-kr"
};
var FOREIGN = [
  ["504b0304", "a ZIP archive or a workbook of Excel", "Unpack it, or save the sheet as CSV."],
  ["425a68", "packed with bzip2", "Unpack it, or pack it with gzip."],
  ["fd377a585a00", "packed with xz", "Unpack it, or pack it with gzip."],
  ["377abcaf271c", "packed with 7-Zip", "Unpack it, or pack it with gzip."],
  ["50415231", "Apache Parquet", 'Use "format": "parquet".'],
  ["d0cf11e0a1b11ae1", "a workbook of Excel", "Save the sheet as CSV."]
];
async function lookAtFirstBytes(file) {
  const handle = await open2(file.path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(64), 0, 64, 0);
    return judgeFirstBytes(buffer.subarray(0, bytesRead), file.name);
  } finally {
    await handle.close();
  }
}
function judgeFirstBytes(bytes, name) {
  const hex = bytes.toString("hex");
  const foreign = FOREIGN.find(([magic]) => hex.startsWith(magic));
  if (foreign !== void 0) throw new PerennialError("SOURCE_INVALID", `${name} is ${foreign[1]}, not a text file.`, { hint: foreign[2] });
  if (hex.startsWith("1f8b")) return { packing: "gzip" };
  if (hex.startsWith("28b52ffd")) return { packing: "zstd" };
  if (hex.startsWith("efbbbf")) return { encoding: "utf-8" };
  if (hex.startsWith("fffe")) return { encoding: "utf-16le" };
  if (hex.startsWith("feff")) return { encoding: "utf-16be" };
  const zeros = (odd) => bytes.reduce((sum, byte, at) => sum + (at % 2 === odd && byte === 0 ? 1 : 0), 0);
  if (bytes.length >= 8 && zeros(1) > 0.4 * bytes.length && zeros(0) === 0) return { encoding: "utf-16le" };
  if (bytes.length >= 8 && zeros(0) > 0.4 * bytes.length && zeros(1) === 0) return { encoding: "utf-16be" };
  return {};
}
async function plainFiles(db, files, encoding, workDir) {
  const plain = [];
  for (const [index, file] of files.entries()) {
    const path = join3(workDir, `plain-${index}-${plain.length}`);
    const { packing } = await lookAtFirstBytes(file);
    const unpacked = packing === void 0 ? file : await unpack(db, file, packing, `${path}.unpacked`);
    const first = packing === void 0 ? await lookAtFirstBytes(file) : await lookAtFirstBytes(unpacked);
    const decoder = first.encoding ?? (encoding === void 0 ? "utf-8" : ENCODINGS[encoding]);
    plain.push(decoder === "utf-8" ? packing === void 0 ? unpacked : await decode(unpacked, "utf-8", path) : await decode(unpacked, decoder, path));
  }
  return plain;
}
async function unpack(db, file, packing, path) {
  const limit = Math.max(DATA_LIMITS.unpackedBytesMin, file.size * DATA_LIMITS.unpackedRatioMax);
  const tooLarge = () => new PerennialError("SOURCE_INVALID", `${file.name} unpacks to more than ${Math.round(limit / 2 ** 20)} MB, ${DATA_LIMITS.unpackedRatioMax} times its size: that is no table that somebody packed.`, { hint: "Unpack it yourself if it is one." });
  try {
    if (packing === "gzip") await pipeline(createReadStream(file.path), createGunzip(), limited(limit, tooLarge), createWriteStream(path));
    else {
      await db.run(`COPY (SELECT line FROM read_csv(${pathLiteral(file.path)}, compression='zstd', auto_detect=false, header=false, delim=chr(1), quote='', escape='', columns={'line': 'VARCHAR'}, max_line_size=${DATA_LIMITS.lineBytesMax}, buffer_size=${DATA_LIMITS.textBufferBytes})) TO ${literal(path)} (FORMAT csv, HEADER false, DELIMITER '', QUOTE '', ESCAPE '')`);
      if ((await stat(path)).size > limit) throw tooLarge();
    }
  } catch (error) {
    if (error instanceof PerennialError) throw error;
    throw new PerennialError("SOURCE_INVALID", `${file.name} cannot be unpacked (${packing}): ${messageOf(error)}.`, { hint: "The file is damaged or was not written to its end.", cause: error });
  }
  return { ...file, path, size: (await stat(path)).size };
}
function limited(limit, error) {
  let seen = 0;
  return new Transform({
    transform(chunk, _encoding, done) {
      seen += chunk.length;
      if (seen > limit) done(error());
      else done(null, chunk);
    }
  });
}
async function decode(file, encoding, path) {
  const decoder = encoding === "latin1" ? void 0 : new TextDecoder(encoding, { fatal: true });
  let seen = 0;
  const place = (error) => new PerennialError("SOURCE_INVALID", `${file.name} is not ${encoding}: ${messageOf(error)} within the first ${seen} bytes.`, { hint: 'Give the right "encoding" in the source.', cause: error });
  const text = new Transform({
    transform(chunk, _encoding, done) {
      seen += chunk.length;
      try {
        done(null, Buffer.from(decoder === void 0 ? chunk.toString("latin1") : decoder.decode(chunk, { stream: true })));
      } catch (error) {
        done(place(error));
      }
    },
    flush(done) {
      try {
        done(null, Buffer.from(decoder?.decode() ?? ""));
      } catch (error) {
        done(place(error));
      }
    }
  });
  await pipeline(createReadStream(file.path), text, createWriteStream(path));
  return { ...file, path, size: (await stat(path)).size };
}
async function withEvenLines(file, quote, path) {
  const mark = quote === "" ? -1 : quote.charCodeAt(0);
  let quoted = false;
  let carriage = false;
  const even = new Transform({
    transform(chunk, _encoding, done) {
      const out = Buffer.allocUnsafe(chunk.length + 1);
      let size = 0;
      for (const byte of chunk) {
        if (carriage) {
          carriage = false;
          out[size++] = 10;
          if (byte === 10) continue;
        }
        if (byte === mark) quoted = !quoted;
        if (byte === 13 && !quoted) carriage = true;
        else out[size++] = byte;
      }
      done(null, out.subarray(0, size));
    },
    flush(done) {
      done(null, carriage ? Buffer.from("\n") : void 0);
    }
  });
  await pipeline(createReadStream(file.path), even, createWriteStream(path));
  return { ...file, path, size: (await stat(path)).size };
}
async function headOf(file, bytes) {
  const handle = await open2(file.path);
  try {
    const buffer = Buffer.alloc(Math.min(bytes, Math.max(1, file.size)));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(buffer.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}
async function withoutHead(file, characters, path) {
  const head = await headOf(file, DATA_LIMITS.headBytes);
  const mark = head.startsWith("\uFEFF") ? 3 : 0;
  const start = mark + Buffer.byteLength(head.replace(/^\uFEFF/, "").slice(0, characters));
  await pipeline(createReadStream(file.path, { start }), createWriteStream(path));
  return { ...file, path, size: (await stat(path)).size };
}

// src/data/ingest/source-files.ts
function stampOfFile(info) {
  return `${info.dev}:${info.ino}:${info.size}:${info.mtimeMs}:${info.ctimeMs}`;
}
var WHOLE_BYTES_MAX = 1 << 20;

// src/data/images/pictures.ts
function declaredTypes(columns = {}) {
  return Object.fromEntries(Object.entries(columns).map(([name, declared]) => {
    if (typeof declared === "string") return [name, { type: declared }];
    if ("image" in declared) return [name, { type: "image" }];
    if ("number" in declared) return [name, { type: "number", format: declared }];
    checkTimestampFormat(declared.timestamp);
    return [name, { type: "timestamp", format: declared }];
  }));
}
function pictureColumns(raw, declared) {
  return raw.columns.flatMap(({ name, from }, index) => {
    const own = Object.hasOwn(declared, name) ? declared[name] : void 0;
    if (own !== "image" && (typeof own !== "object" || !("image" in own))) return [];
    const { image } = typeof own === "object" ? own : { image: {} };
    if (from !== "text" && from !== "string") {
      if (typeof own === "object") throw new PerennialError("CONFIG_INVALID", `columns.${name}: the column holds ${from === "image" ? "the bytes of images" : `${from}s`}, not texts that ${image === "base64" ? "are base64" : "name files"}.`, { hint: `Write "${name}": "image", or leave it out.` });
      return [];
    }
    return image === "base64" ? [] : [{ name, index, folder: image.folder }];
  });
}
var isEncoded = (text) => `regexp_matches(${text}, ${literal(ENCODED_IMAGE)})`;
var FILES_AT_ONCE = 64;
async function locate(source) {
  const { db, raw, reader, config, declared, files, documentDir } = source;
  const found = [];
  for (const column of pictureColumns(raw, declared)) {
    const texts2 = (await db.rows(`SELECT DISTINCT c${column.index} FROM ${source.raw.source("again")} WHERE NOT ${isEncoded(`c${column.index}`)} ORDER BY 1`)).map(([text]) => String(text));
    const folder = texts2.every(isAbsolute) ? void 0 : folderOf(column, reader, config, files, documentDir);
    const real = folder === void 0 ? void 0 : await realpath(folder).catch(() => {
      throw new PerennialError("SOURCE_NOT_FOUND", `columns.${column.name}: there is no folder ${folder}.`);
    });
    const located = [];
    for (let start = 0; start < texts2.length; start += FILES_AT_ONCE) located.push(...await Promise.all(texts2.slice(start, start + FILES_AT_ONCE).map((text) => locateOne(text, column.name, folder, real))));
    found.push({ ...column, located });
  }
  return found;
}
function folderOf({ name, folder }, reader, config, files, documentDir) {
  if (folder !== void 0) return resolve2(documentDir, folder);
  if (reader.layout === "classFolders") return resolve2(documentDir, config.path);
  const folders = [...new Set(files.map((file) => dirname2(file.path)))];
  if (folders.length === 1) return folders[0];
  throw new PerennialError("CONFIG_INVALID", `columns.${name}: the files of ${config.path} lie in ${folders.length} folders, so that relative paths could start in any of them.`, { hint: `Say where: "${name}": {"image": {"folder": "\u2026"}}.` });
}
async function locateOne(text, column, folder, real) {
  const because = (reason) => ({ text, problem: `"${column}" ${reason}: ${text.slice(0, 300).replaceAll("\0", " ")}` });
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(text)) return because("is an address; only files are read");
  if (text.includes("\0")) return because("is no path");
  const absolute = isAbsolute(text);
  const path = absolute ? resolve2(text) : join4(folder, text);
  const outside = because(`leads out of the folder ${folder ?? ""}`);
  if (!absolute && !path.startsWith(`${resolve2(folder)}${sep}`)) return outside;
  try {
    if (!absolute && !(await realpath(path)).startsWith(`${real}${real.endsWith(sep) ? "" : sep}`)) return outside;
    const info = await stat2(path);
    if (!info.isFile()) return because("names no ordinary file");
    if (info.size > DATA_LIMITS.imageBytesMax) return because(`names a file of more than ${DATA_LIMITS.imageBytesMax / 2 ** 20} MB`);
    await access(path, constants.R_OK);
    return { text, file: { path, name: text, size: info.size, stamp: stampOfFile(info) } };
  } catch (error) {
    const { code } = error;
    if (code === void 0) throw error;
    return because(code === "ENOENT" || code === "ENOTDIR" ? `names no file${absolute ? "" : ` below ${folder}`}` : `names a file that cannot be read (${code})`);
  }
}
var BYTES_PER_QUERY = 64 * 2 ** 20;
var FILES_PER_QUERY = 1e3;
var ROWS_PER_STATEMENT2 = 500;
async function readPictures(source, limit = Number.POSITIVE_INFINITY) {
  const { db, raw } = source;
  const found = await locate(source);
  if (found.length === 0) return raw;
  await db.run(`CREATE OR REPLACE TEMP TABLE with_pictures AS SELECT * FROM ${raw.source("all")}`);
  await raw.rejects?.();
  let content = `CAST(json_object(${raw.columns.flatMap(({ name, from, id }) => from === "image" ? [] : [`${literal(name)}, left(CAST(${id} AS VARCHAR), 200)`]).join(", ")}) AS VARCHAR)`;
  for (const { name, index, located } of found) {
    const text = `c${index}`;
    await rejectLocated(db, text, located, content);
    const good = located.flatMap((one) => one.file === void 0 ? [] : [{ text: one.text, file: one.file }]).slice(0, limit);
    await db.run(`CREATE OR REPLACE TEMP TABLE pictures (text VARCHAR, content BLOB)`);
    for (const batch of batches(good)) {
      const names = batch.map((one) => `(${literal(one.text)}, ${literal(one.file.path)})`);
      const paths = [...new Set(batch.map((one) => one.file.path))].map(pathLiteral);
      try {
        await db.run(`INSERT INTO pictures SELECT n.text, b.content FROM (VALUES ${names.join(", ")}) n(text, path) JOIN read_blob(${listLiteral(paths)}) b ON b.filename = n.path`);
      } catch (error) {
        throw asPerennialError(error, "SOURCE_CHANGED", `A file that "${name}" names cannot be read any more`);
      }
    }
    const encoded = valueSql({ id: `r.${text}`, from: "string", type: "image" });
    await db.run(`CREATE OR REPLACE TEMP TABLE filled AS SELECT r.* REPLACE (CASE WHEN ${isEncoded(`r.${text}`)} THEN ${encoded} ELSE p.content END AS ${text}), CASE WHEN NOT ${isEncoded(`r.${text}`)} THEN r.${text} END AS path${index} FROM with_pictures r LEFT JOIN pictures p ON p.text = r.${text} ORDER BY r.rowid`);
    await db.run("DROP TABLE with_pictures; DROP TABLE pictures; ALTER TABLE filled RENAME TO with_pictures");
    content = content.replace(`left(CAST(${text} AS VARCHAR), 200)`, `left(path${index}, 200)`);
    await rejectImages(db, "with_pictures", [{ name, id: text }], content);
  }
  const columns = raw.columns.map((column) => found.some(({ name }) => name === column.name) ? { name: column.name, id: column.id, from: "image" } : column);
  return { ...raw, columns, source: (rows) => someRows("with_pictures", rows), rejects: async () => {
  }, forget: async () => {
  }, repair: async () => void 0, copyRows: void 0 };
}
async function rejectLocated(db, text, located, content) {
  const problems = located.flatMap((one) => one.problem === void 0 ? [] : [`(${literal(one.text.replaceAll("\0", " "))}, ${literal(one.problem)})`]);
  for (let start = 0; start < problems.length; start += ROWS_PER_STATEMENT2) {
    const some = `(VALUES ${problems.slice(start, start + ROWS_PER_STATEMENT2).join(", ")}) p(text, reason)`;
    const same = `p.text = replace(r.${text}, chr(0), ' ')`;
    await db.run(`INSERT INTO rejects SELECT r.rowid + 1, p.reason, ${content} FROM with_pictures r JOIN ${some} ON ${same} ORDER BY r.rowid`);
    await db.run(`DELETE FROM with_pictures WHERE rowid IN (SELECT r.rowid FROM with_pictures r JOIN ${some} ON ${same})`);
  }
}
function* batches(all) {
  let batch = [];
  let bytes = 0;
  for (const one of all) {
    if (batch.length > 0 && (batch.length === FILES_PER_QUERY || bytes + one.file.size > BYTES_PER_QUERY)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(one);
    bytes += one.file.size;
  }
  if (batch.length > 0) yield batch;
}

// src/data/ingest/label-columns.ts
var INTEGER_CLASSES_MAX = 20;
function labelList(label) {
  return label === void 0 ? [] : typeof label === "string" ? [label] : label;
}

// src/data/readers/csv.reader.ts
import { writeFile } from "node:fs/promises";
import { join as join5 } from "node:path";

// src/data/reading/csv-layout.ts
function* recordsOf(text, quote) {
  let start = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (quote !== "" && char === quote) quoted = !quoted;
    else if (!quoted && (char === "\n" || char === "\r")) {
      const end = at;
      if (char === "\r" && text[at + 1] === "\n") at += 1;
      yield { text: text.slice(start, end), next: at + 1, whole: true };
      start = at + 1;
    }
  }
  if (start < text.length) yield { text: text.slice(start), next: text.length, whole: false };
}
function fieldsOf(record, delimiter, quote) {
  const fields = [];
  let field = "";
  let quoted = false;
  for (let at = 0; at < record.length; at += 1) {
    const char = record[at];
    if (quoted && char === quote && record[at + 1] === quote) {
      field += quote;
      at += 1;
    } else if (char === quote && quote !== "") quoted = !quoted;
    else if (!quoted && char === delimiter) {
      fields.push(field);
      field = "";
    } else field += char;
  }
  fields.push(field);
  return fields;
}
function csvRecord(fields, delimiter, quote) {
  if (fields.length === 1 && fields[0] === "") return `${quote}${quote}`;
  return fields.map((field) => quote !== "" && [quote, delimiter, "\n", "\r"].some((char) => field.includes(char)) ? `${quote}${field.replaceAll(quote, quote + quote)}${quote}` : field).join(delimiter);
}
var DELIMITERS = [",", ";", "	", "|"];
var RECORDS = 500;
function csvLayout(text, dialect, name) {
  const { quote } = dialect;
  const records = [];
  const ends = [];
  for (const record of recordsOf(text.replace(/^\uFEFF/, ""), quote)) {
    if (records.length > 0 && !record.whole && text.length > 1 << 16) break;
    records.push(record.text);
    ends.push(record.next);
    if (records.length === RECORDS) break;
  }
  const filled = records.flatMap((record, index) => isBlank(record) || index < (dialect.skip ?? 0) ? [] : [index]);
  if (filled.length === 0) return void 0;
  const candidates = (dialect.delimiter !== void 0 ? [dialect.delimiter] : dialect.likely === void 0 || DELIMITERS.includes(dialect.likely) ? DELIMITERS : [...DELIMITERS, dialect.likely]).map((delimiter) => {
    const counts = filled.map((index) => fieldsOf(records[index], delimiter, quote).length);
    const usual = modeOf(counts);
    const at = dialect.skip === void 0 ? headerAt(filled.map((index) => records[index]), counts, usual, dialect.header) : 0;
    const header = fieldsOf(records[filled[at]], delimiter, quote).map((field) => field.trim());
    const known3 = !dialect.header ? Number(delimiter === dialect.likely && usual > 1) : dialect.expected === void 0 ? 0 : dialect.expected.filter((column) => header.includes(column)).length;
    const share = usual < 2 ? 0 : counts.filter((count) => count === usual).length / counts.length;
    return { delimiter, usual, at, known: known3, score: share * (counts[at] === usual ? 2 : 1), fields: usual };
  });
  const best = candidates.reduce((top, one) => one.known > top.known || one.known === top.known && (one.score > top.score + 1e-9 || Math.abs(one.score - top.score) <= 1e-9 && one.fields > top.fields) ? one : top);
  const place = filled[best.at];
  const own = fieldsOf(records[place], best.delimiter, quote);
  const fields = dialect.header && own.length >= 2 && best.usual === own.length + 1 ? ["", ...own] : own;
  const names = dialect.header ? fields.map((field, index) => nameOf(field) || `column_${index + 1}`) : fields.map((_, index) => `column_${index + 1}`);
  const first = records.slice(0, place + (dialect.header ? 1 : 0));
  const twice = names.find((one, index) => names.indexOf(one) !== index);
  if (twice !== void 0) throw new PerennialError("SOURCE_INVALID", `${name} has two columns named "${twice}".`, { hint: 'Give every column of the header its own name, or "header": false if the first line is data.' });
  return {
    delimiter: best.delimiter,
    names,
    unnamed: new Set(dialect.header ? names.filter((_, index) => nameOf(fields[index]) === "" || /^Unnamed: \d+$/.test(nameOf(fields[index]))) : []),
    ...first.some((record) => /[\r\n]/.test(record) || quote !== "" && record.includes(quote)) ? {} : { skip: first.length },
    offset: first.length === 0 ? 0 : ends[first.length - 1],
    before: records.slice(0, place).filter((record) => !isBlank(record)),
    looksLikeData: dialect.header && fields.length > 1 && fields.every((field) => /^\s*[+-]?[\d.,:/-]+\s*$/.test(field))
  };
}
var nameOf = (field) => field.replace(/\s*[\r\n]+\s*/g, " ").trim();
var isBlank = (record) => record.trim() === "";
function headerAt(records, counts, usual, header) {
  const first = records.findIndex((record, index) => !record.trimStart().startsWith("#") || counts[index] === usual);
  const start = Math.max(0, first);
  if (!header || usual < 2) return start;
  if (counts[start] >= usual || counts[start] >= 2 && counts[start] === usual - 1) return start;
  const found = counts.findIndex((count, index) => index >= start && count === usual);
  return found < 0 || counts.slice(found).filter((count) => count === usual).length < 2 ? start : found;
}
function modeOf(counts) {
  const seen = /* @__PURE__ */ new Map();
  for (const count of counts) seen.set(count, (seen.get(count) ?? 0) + 1);
  return [...seen].sort((a, b) => b[1] - a[1] || b[0] - a[0])[0][0];
}

// src/data/readers/csv.reader.ts
var NULLS = ["", "NA", "N/A", "null", "NULL"];
async function layouts(files, { config, expected, likely, workDir }) {
  const { delimiter, quote = '"', header = true, skip } = config;
  const parts = [];
  for (const file of files) {
    if (file.size === 0) continue;
    const dialect = { quote, header, ...delimiter === void 0 ? {} : { delimiter }, ...skip === void 0 ? {} : { skip }, ...expected === void 0 ? {} : { expected }, ...likely === void 0 ? {} : { likely } };
    const layout = csvLayout(await headOf(file, DATA_LIMITS.headBytes), dialect, file.name);
    if (layout !== void 0) parts.push(layout.skip === void 0 ? { file: await withoutHead(file, layout.offset, join5(workDir, `rows-${parts.length}`)), layout: { ...layout, skip: 0 } } : { file, layout });
  }
  const [first] = parts;
  if (first === void 0) throw new PerennialError("SOURCE_EMPTY", `${files.map((file) => file.name).join(", ")}: the file is empty.`);
  for (const { file, layout } of parts) {
    if (layout.names.join("\0") !== first.layout.names.join("\0")) {
      throw new PerennialError("SOURCE_INVALID", `${file.name} has the columns ${layout.names.join(", ")}, but ${first.file.name} has ${first.layout.names.join(", ")}.`, { hint: "Files of one source need the same columns in the same order." });
    }
    if (layout.delimiter !== first.layout.delimiter) throw new PerennialError("SOURCE_INVALID", `${file.name} is divided by ${JSON.stringify(layout.delimiter)}, but ${first.file.name} by ${JSON.stringify(first.layout.delimiter)}.`, { hint: 'Files of one source are written alike; give "delimiter" if this was guessed wrongly.' });
  }
  return parts;
}
function notesOf(parts) {
  return parts.flatMap(({ file, layout }) => [
    ...layout.before.length === 0 ? [] : [`${file.name}: ${layout.before.length === 1 ? "one line" : `${layout.before.length} lines`} before the header ${layout.before.length === 1 ? "was" : "were"} left out: ${layout.before.slice(0, 3).map((line) => JSON.stringify(line.slice(0, 80))).join(", ")}. Give "skip": 0 if they belong to the table.`],
    ...layout.looksLikeData ? [`${file.name}: the header looks like a row of data (${layout.names.slice(0, 4).join(", ")}). Give "header": false if it is one.`] : []
  ]);
}
var REASONS = {
  "TOO MANY COLUMNS": "malformed line, too many columns",
  "MISSING COLUMNS": "malformed line, columns are missing",
  "LINE SIZE OVER MAXIMUM": `malformed line, longer than ${DATA_LIMITS.lineBytesMax / 2 ** 20} MB`,
  "INVALID ENCODING": "malformed line, not UTF-8",
  "INVALID STATE": "malformed line, quotes in the middle of a field",
  "UNQUOTED VALUE": "malformed line, a quote is not closed",
  CAST: "malformed line"
};
async function refuseOpenQuote(db, parts) {
  const [open3] = await db.rows(`SELECT line, file_path, left(csv_line, 80) FROM csv_errors JOIN csv_scans USING (scan_id, file_id) WHERE error_type = 'UNQUOTED VALUE' ORDER BY file_id, line LIMIT 1`);
  if (open3 === void 0) return;
  const name = parts.find(({ file }) => file.path === String(open3[1]))?.file.name ?? parts[0].file.name;
  throw new PerennialError("SOURCE_INVALID", `${name}, line ${String(open3[0])}: a quote is opened and not closed as it should be: ${JSON.stringify(String(open3[2]).split("\n", 1)[0])}.`, {
    hint: 'Close the quote, double a quote that belongs to the text, or give "quote": "" in the source where quotes mean nothing.'
  });
}
var forget = (db) => db.run("DROP TABLE IF EXISTS csv_errors; DROP TABLE IF EXISTS csv_scans");
function tableOf(request, plain, parts, mended) {
  const { db, config, workDir } = request;
  const { layout } = parts[0];
  const quote = config.quote ?? '"';
  const nullValues = config.nullValues ?? NULLS;
  const options = [
    "auto_detect=false",
    "header=false",
    `delim=${literal(layout.delimiter)}`,
    `quote=${literal(quote)}`,
    `escape=${literal(quote)}`,
    `columns={${layout.names.map((_, index) => `'c${index}': 'VARCHAR'`).join(", ")}}`,
    `max_line_size=${DATA_LIMITS.lineBytesMax}`,
    `buffer_size=${DATA_LIMITS.textBufferBytes}`
  ];
  const scan = (chosen, more) => `read_csv(${listLiteral(chosen.map(({ file }) => pathLiteral(file.path)))}, ${[...options, `skip=${chosen[0].layout.skip ?? 0}`, ...more].join(", ")})`;
  const groups = parts.reduce((all, part) => {
    const last = all.at(-1);
    if (last !== void 0 && last[0].layout.skip === part.layout.skip) last.push(part);
    else all.push([part]);
    return all;
  }, []);
  const union = (more) => groups.length === 1 ? scan(groups[0], more) : `(${groups.map((group) => `SELECT * FROM ${scan(group, more)}`).join(" UNION ALL ")})`;
  const verbatim = union([`nullstr=${listLiteral([literal("")])}`, "ignore_errors=true"]);
  return {
    columns: layout.names.map((name, index) => ({ name, from: "text", id: `c${index}`, ...layout.unnamed.has(name) ? { unnamed: true } : {} })),
    source(rows) {
      if (rows === "verbatim") return verbatim;
      const nulls = `nullstr=${listLiteral(nullValues.map(literal))}`;
      return rows === "all" ? union([nulls, "store_rejects=true", "rejects_limit=0", `rejects_table='csv_errors'`, `rejects_scan='csv_scans'`]) : someRows(union([nulls, "ignore_errors=true"]), rows);
    },
    async rejects() {
      await refuseOpenQuote(db, parts);
      const reason = `CASE min(error_type::VARCHAR) ${Object.entries(REASONS).map(([type, words2]) => `WHEN ${literal(type)} THEN ${literal(words2)}`).join(" ")} ELSE 'malformed line' END`;
      const files = parts.length > 1 ? `any_value(regexp_extract(file_path, '[^/]*$')) || ', '` : `''`;
      await db.run(`INSERT INTO rejects SELECT line, ${reason} || ': ' || ${files} || 'line ' || line || coalesce(', ' || nullif(left(replace(min(csv_line), chr(10), ' '), 60), ''), ''), min(csv_line) FROM csv_errors JOIN csv_scans USING (scan_id, file_id) GROUP BY scan_id, file_id, line ORDER BY scan_id, file_id, line`);
    },
    forget: () => forget(db),
    async copyRows(rows, path) {
      const found = await db.rows(rowsAt(verbatim, rows));
      const records = [...config.header ?? true ? [layout.names] : [], ...found.map((fields) => fields.slice(0, -1).map((field) => field === null ? "" : String(field)))];
      await writeFile(path, records.map((fields) => `${csvRecord(fields, layout.delimiter, quote)}
`).join(""));
    },
    async repair(error) {
      await forget(db);
      if (mended || !/state machine reached an invalid state|invalid state/i.test(messageOf(error))) return void 0;
      const even = [];
      for (const [index, file] of plain.entries()) even.push(await withEvenLines(file, quote, join5(workDir, `even-${index}`)));
      return tableOf(request, even, await layouts(even, request), true);
    },
    options: { delimiter: layout.delimiter, quote, header: config.header ?? true, ...config.encoding === void 0 ? {} : { encoding: config.encoding }, nullValues: [...nullValues] },
    nullValues,
    notes: [...notesOf(parts), ...mended ? [`${parts[0].file.name}: its lines end in different ways; all were taken as ends of lines.`] : []]
  };
}
var csv_reader_default = defineReader({
  format: "csv",
  summary: "Comma-separated values with a header line; types follow from all values of a column. Files may be packed with gzip or zstd.",
  layout: "files",
  endings: [".csv", ".tsv", ".csv.gz", ".tsv.gz", ".csv.zst"],
  text: (config) => (config.encoding ?? "utf-8") === "utf-8",
  configSchema: {
    type: "object",
    additionalProperties: false,
    required: ["format", "path"],
    description: "Comma-separated values.",
    properties: {
      format: { const: "csv" },
      path: PATH_SCHEMA,
      delimiter: { type: "string", minLength: 1, maxLength: 1, description: 'Character between fields. Left out: the one of "," ";" tab "|" that divides the lines most evenly.', examples: [";"] },
      quote: { type: "string", maxLength: 1, default: '"', description: "Character around fields that hold delimiters; doubled inside. Empty: none." },
      header: { type: "boolean", default: true, description: "Whether a line names the columns; otherwise they are column_1, column_2, \u2026" },
      skip: { type: "integer", minimum: 0, maximum: 1e4, description: 'Lines before the header (or the first row) that are left out. Left out: blank lines, comments that begin with "#" and titles are found, and said.', examples: [3] },
      encoding: { enum: Object.keys(ENCODINGS), default: "utf-8", description: "Encoding of the file. A byte order mark is believed more." },
      nullValues: { type: "array", items: { type: "string" }, description: "Fields that mean a missing value, in every column and in requests too. Left out: an empty field, NA, N/A, null and NULL. In columns of numbers, dates and true or false also the usual words do (NaN, None, ?, -, \u2026), and it is said.", examples: [["", "-999"]] }
    }
  },
  examples: [{ format: "csv", path: "data/penguins.csv" }, { format: "csv", path: "data/2024-*.csv", delimiter: ";", encoding: "latin-1" }],
  async read(request) {
    await createRejects(request.db);
    await forget(request.db);
    const files = await plainFiles(request.db, request.files.filter((file) => file.size > 0), request.config.encoding, request.workDir);
    return tableOf(request, files, await layouts(files, request), false);
  }
});

// src/data/readers/images.reader.ts
var FILES_PER_QUERY2 = 1e3;
var images_reader_default = defineReader({
  format: "images",
  summary: `Images in class folders: columns "image" and "file", and "label" from the folder's name.`,
  layout: "classFolders",
  extensions: [".png", ".jpg", ".jpeg", ".webp", ".gif", ".tif", ".tiff", ".avif"],
  text: false,
  configSchema: {
    type: "object",
    additionalProperties: false,
    required: ["format", "path"],
    description: "Images in class folders (<path>/<class>/*.png). Columns: image, label, file.",
    properties: { format: { const: "images" }, path: FOLDER_SCHEMA }
  },
  examples: [{ format: "images", path: "data/digits" }],
  async read({ db, files }) {
    await createRejects(db);
    await db.run("CREATE OR REPLACE TEMP TABLE raw (c0 BLOB, c1 VARCHAR, c2 VARCHAR)");
    for (let start = 0; start < files.length; start += FILES_PER_QUERY2) {
      const batch = files.slice(start, start + FILES_PER_QUERY2);
      const names = batch.map((file, index) => `(${start + index + 1}, ${literal(file.path)}, ${literal(file.className ?? "")}, ${literal(file.name)})`);
      await db.run(`INSERT INTO raw SELECT b.content, n.label, n.name FROM (VALUES ${names.join(", ")}) n("row", path, label, name)
        JOIN read_blob(${listLiteral(batch.map((file) => pathLiteral(file.path)))}) b ON b.filename = n.path ORDER BY n."row"`);
    }
    await db.run(`INSERT INTO rejects SELECT rowid + 1, 'the image file is empty', c2 FROM raw WHERE octet_length(c0) = 0`);
    await db.run("DELETE FROM raw WHERE octet_length(c0) = 0");
    return {
      columns: [{ name: "image", from: "image", id: "c0" }, { name: "label", from: "string", id: "c1", fixed: true }, { name: "file", from: "string", id: "c2", origin: true, fixed: true }],
      label: "label",
      source: (rows) => someRows("raw", rows),
      options: {},
      nullValues: [],
      notes: []
    };
  }
});

// src/data/reading/json-table.ts
import { writeFile as writeFile2 } from "node:fs/promises";

// src/data/reading/json-text.ts
function canonicalNumber(literal2) {
  if (/^-?\d{16,}$/.test(literal2) && !Number.isSafeInteger(Number(literal2))) return BigInt(literal2).toString();
  return String(Number(literal2));
}
function canonicalNested(text) {
  return JSON.stringify(JSON.parse(text));
}

// src/data/reading/json-table.ts
var pointer = (key) => `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
var TEXTS_PER_STATEMENT = 500;
async function jsonTable(db, where, layout) {
  await createRejects(db);
  await db.run(`INSERT INTO rejects SELECT rowid + 1, 'the object names a key twice', left(CAST(json AS VARCHAR), 1000) FROM objects WHERE len(json_keys(json)) <> len(list_distinct(json_keys(json)))`);
  await db.run(`DELETE FROM objects WHERE len(json_keys(json)) <> len(list_distinct(json_keys(json)))`);
  const keys = (await db.rows(`SELECT k FROM (SELECT unnest(json_keys(json)) AS k, unnest(range(len(json_keys(json)))) AS place, rowid AS r FROM objects) GROUP BY k ORDER BY min(r * 100000 + place)`)).map(([key]) => String(key));
  if (keys.length === 0) throw new PerennialError("SOURCE_EMPTY", `${where}: the objects have no keys.`);
  await db.run(`CREATE OR REPLACE TEMP TABLE cells AS SELECT json_extract(json, [${keys.map((key) => literal(pointer(key))).join(", ")}]) AS v FROM objects ORDER BY rowid`);
  await db.run(`CREATE OR REPLACE TEMP TABLE originals AS SELECT CAST(json AS VARCHAR) AS text FROM objects ORDER BY rowid LIMIT ${DATA_LIMITS.rawRowsFromFirst}`);
  await db.run("DROP TABLE objects");
  const columns = [];
  const selected = [];
  const notes = [];
  for (const [index, name] of keys.entries()) {
    const value = `v[${index + 1}]`;
    const first = `left(CAST(${value} AS VARCHAR), 1)`;
    const [counts] = await db.rows(`SELECT count_if(${first} = '"'), count_if(${first} IN ('t', 'f')), count_if(${first} IN ('{', '[')), count_if(${first} NOT IN ('"', 't', 'f', '{', '[', 'n')) FROM cells`);
    const [texts2, booleans, nested, numbers] = counts.map(Number);
    const kinds = [texts2, booleans, nested, numbers].filter((count) => count > 0).length;
    const plain = `json_extract_string(${value}, '$')`;
    const id = `c${index}`;
    columns.push({ name, id, from: kinds === 1 && (numbers > 0 || booleans > 0) ? "text" : "string" });
    if (nested === 0 && (kinds <= 1 || numbers === 0)) {
      selected.push(`${plain} AS ${id}`);
      continue;
    }
    if (kinds > 1 && nested === 0) notes.push(`The column "${name}" mixes ${[[texts2, "texts"], [numbers, "numbers"], [booleans, "true and false"]].filter(([count]) => Number(count) > 0).map(([count, what]) => `${String(count)} ${String(what)}`).join(" and ")}: it is read as text.`);
    await rewrite(db, id, `CASE WHEN ${first} = '"' OR ${first} = 'n' THEN NULL ELSE CAST(${value} AS VARCHAR) END`);
    selected.push(`CASE WHEN ${first} = '"' THEN ${plain} WHEN ${first} = 'n' THEN NULL ELSE (SELECT written FROM texts_${id} WHERE given = CAST(${value} AS VARCHAR)) END AS ${id}`);
  }
  await db.run(`CREATE OR REPLACE TEMP TABLE raw AS SELECT ${selected.join(", ")} FROM cells ORDER BY rowid`);
  await db.run("DROP TABLE cells");
  return {
    columns,
    source: (rows) => someRows("raw", rows),
    options: {},
    nullValues: [],
    notes,
    async copyRows(rows, path) {
      const texts2 = (await db.rows(rowsAt("originals", rows))).map(([text]) => String(text));
      await writeFile2(path, layout === "lines" ? texts2.map((text) => `${text}
`).join("") : `[${texts2.join(",\n")}]
`);
    }
  };
}
async function rewrite(db, id, value) {
  await db.run(`CREATE OR REPLACE TEMP TABLE texts_${id} (given VARCHAR PRIMARY KEY, written VARCHAR)`);
  let pending = [];
  const flush = async () => {
    if (pending.length > 0) await db.run(`INSERT INTO texts_${id} VALUES ${pending.join(", ")}`);
    pending = [];
  };
  const distinct = await db.rows(`SELECT DISTINCT ${value} AS t FROM cells WHERE ${value} IS NOT NULL ORDER BY t`);
  for (const [given] of distinct) {
    const text = String(given);
    const written = /^[[{]/.test(text) ? canonicalNested(text) : /^[tf]/.test(text) ? text : canonicalNumber(text);
    pending.push(`(${literal(text)}, ${literal(written)})`);
    if (pending.length === TEXTS_PER_STATEMENT) await flush();
  }
  await flush();
}

// src/data/readers/json.reader.ts
var json_reader_default = defineReader({
  format: "json",
  summary: "A JSON array of objects. Strings stay as they are; lists and objects become their JSON text.",
  layout: "files",
  endings: [".json", ".json.gz"],
  text: true,
  configSchema: {
    type: "object",
    additionalProperties: false,
    required: ["format", "path"],
    description: "A JSON array of objects.",
    properties: { format: { const: "json" }, path: PATH_SCHEMA }
  },
  examples: [{ format: "json", path: "data/orders.json" }],
  async read({ db, files, workDir }) {
    const plain = await plainFiles(db, files.filter((file) => file.size > 0), void 0, workDir);
    const paths = listLiteral(plain.map((file) => pathLiteral(file.path)));
    await db.run(`CREATE OR REPLACE TEMP TABLE objects AS SELECT json FROM read_json_objects(${paths}, format='array', maximum_object_size=${DATA_LIMITS.lineBytesMax}) WHERE json_type(json) = 'OBJECT'`);
    return jsonTable(db, files.map((file) => file.name).join(", "), "array");
  }
});

// src/data/readers/ndjson.reader.ts
var ndjson_reader_default = defineReader({
  format: "ndjson",
  summary: "One JSON object per line; lines that are no objects are quarantined. Strings stay as they are; lists and objects become their JSON text.",
  layout: "files",
  endings: [".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz"],
  text: true,
  configSchema: {
    type: "object",
    additionalProperties: false,
    required: ["format", "path"],
    description: "One JSON object per line.",
    properties: { format: { const: "ndjson" }, path: PATH_SCHEMA }
  },
  examples: [{ format: "ndjson", path: "data/spam/spam.ndjson" }],
  async read({ db, files, workDir }) {
    const names = files.map((file) => file.name).join(", ");
    const plain = await plainFiles(db, files.filter((file) => file.size > 0), void 0, workDir);
    const lines = `read_csv(${listLiteral(plain.map((file) => pathLiteral(file.path)))}, auto_detect=false, header=false, delim=chr(1), quote='', escape='', columns={'line': 'VARCHAR'}, max_line_size=${DATA_LIMITS.lineBytesMax}, buffer_size=${DATA_LIMITS.textBufferBytes})`;
    await db.run(`CREATE OR REPLACE TEMP TABLE lines AS SELECT line FROM ${lines}`);
    const blank = `(line IS NULL OR trim(line, chr(32) || chr(9) || chr(13)) = '')`;
    const bad = `(NOT ${blank} AND CASE WHEN json_valid(line) THEN json_type(line) <> 'OBJECT' ELSE true END)`;
    const [counts] = await db.rows(`SELECT count_if(NOT ${blank}), count_if(${bad}) FROM lines`);
    const [all, rejected] = counts.map(Number);
    if (all === rejected) throw new PerennialError("SOURCE_INVALID", all === 0 ? `${names} holds no lines.` : `None of the ${all} lines of ${names} is a JSON object.`, { hint: 'Use "format": "json" for a file that is one JSON array.' });
    await db.run(`CREATE OR REPLACE TEMP TABLE objects AS SELECT CAST(line AS JSON) AS json FROM lines WHERE NOT ${blank} AND NOT ${bad} ORDER BY rowid`);
    const table = await jsonTable(db, names, "lines");
    if (rejected > 0) await db.run(`INSERT INTO rejects SELECT rowid + 1, 'line is no JSON object: line ' || (rowid + 1), left(line, 1000) FROM lines WHERE ${bad} ORDER BY rowid`);
    await db.run("DROP TABLE lines");
    return table;
  }
});

// src/data/readers/parquet.reader.ts
function kindOf(sqlType) {
  const type = sqlType.toUpperCase();
  const as = (name) => name;
  if (/\[|^STRUCT|^MAP|^UNION/.test(type)) return { from: "string", sql: (name) => `CAST(to_json(${name}) AS VARCHAR)` };
  if (/^(U?TINYINT|U?SMALLINT|U?INTEGER|BIGINT)$/.test(type)) return { from: "integer", sql: (name) => `CAST(${name} AS BIGINT)` };
  if (/^(UBIGINT|U?HUGEINT|DECIMAL.*|BIGNUM)$/.test(type)) return { from: "exact", sql: as };
  if (type === "FLOAT" || type === "DOUBLE") return { from: "number", sql: (name) => `CAST(${name} AS DOUBLE)` };
  if (type === "BOOLEAN") return { from: "boolean", sql: as };
  if (type === "DATE") return { from: "timestamp", sql: (name) => `CAST(${name} AS TIMESTAMP)`, text: (id) => `strftime(${id}, '%Y-%m-%d')` };
  if (type.startsWith("TIMESTAMP")) return { from: "timestamp", sql: (name) => `CAST(${name} AS TIMESTAMP)` };
  if (type === "BLOB") return { from: "image", sql: as };
  return { from: "string", sql: (name) => `CAST(${name} AS VARCHAR)` };
}
var parquet_reader_default = defineReader({
  format: "parquet",
  summary: "Apache Parquet; types are those of the file. Binary columns hold encoded images; lists and structs become their JSON text.",
  layout: "files",
  endings: [".parquet", ".pq"],
  text: false,
  configSchema: {
    type: "object",
    additionalProperties: false,
    required: ["format", "path"],
    description: "Apache Parquet.",
    properties: { format: { const: "parquet" }, path: PATH_SCHEMA }
  },
  examples: [{ format: "parquet", path: "data/trips/*.parquet" }],
  async read({ db, files }) {
    await createRejects(db);
    const file = `read_parquet(${listLiteral(files.map(({ path }) => pathLiteral(path)))})`;
    const found = await db.describe(`SELECT * FROM ${file}`);
    if (found.length === 0) throw new PerennialError("SOURCE_EMPTY", "The source has no columns.");
    const kinds = found.map(({ name, type }) => ({ name, ...kindOf(type) }));
    const columns = kinds.map(({ name, from, text }, index) => ({ name, from, id: `c${index}`, ...text === void 0 ? {} : { text: text(`c${index}`) }, ...name === "__index_level_0__" ? { unnamed: true } : {} }));
    const table = `(SELECT ${kinds.map(({ name, sql }, index) => `${sql(ident(name))} AS c${index}`).join(", ")} FROM ${file})`;
    return {
      columns,
      source: (rows) => someRows(table, rows),
      options: {},
      nullValues: [],
      notes: [],
      // An image is not a value that a file of rows holds.
      copyRows: kinds.some(({ from }) => from === "image") ? void 0 : (rows, path) => db.run(`COPY (SELECT * EXCLUDE ("@row") FROM (${rowsAt(file, rows)})) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`)
    };
  }
});

// src/data/readers/texts.reader.ts
import { isUtf8 } from "node:buffer";
import { readFile } from "node:fs/promises";
var BATCH = 200;
var texts_reader_default = defineReader({
  format: "texts",
  summary: `Text files in class folders: columns "text" and "file", and "label" from the folder's name.`,
  layout: "classFolders",
  extensions: [".txt"],
  text: false,
  configSchema: {
    type: "object",
    additionalProperties: false,
    required: ["format", "path"],
    description: "UTF-8 text files in class folders (<path>/<class>/*.txt). Columns: text, label, file.",
    properties: { format: { const: "texts" }, path: FOLDER_SCHEMA }
  },
  examples: [{ format: "texts", path: "data/reviews" }],
  async read({ db, files }) {
    await createRejects(db);
    await db.run("CREATE OR REPLACE TEMP TABLE raw (c0 VARCHAR, c1 VARCHAR, c2 VARCHAR)");
    for (let start = 0; start < files.length; start += BATCH) {
      const good = [];
      const bad = [];
      const batch = files.slice(start, start + BATCH);
      const contents = await Promise.all(batch.map((file) => readFile(file.path)));
      contents.forEach((bytes, index) => {
        const file = batch[index];
        const row = start + index + 1;
        if (!isUtf8(bytes)) bad.push(`(${row}, 'the file is not UTF-8', ${literal(file.name)})`);
        else if (bytes.includes(0)) bad.push(`(${row}, 'the file holds NUL characters', ${literal(file.name)})`);
        else good.push(`(${literal(bytes.toString("utf8"))}, ${literal(file.className ?? "")}, ${literal(file.name)})`);
      });
      if (good.length > 0) await db.run(`INSERT INTO raw VALUES ${good.join(", ")}`);
      if (bad.length > 0) await db.run(`INSERT INTO rejects VALUES ${bad.join(", ")}`);
    }
    return {
      columns: [{ name: "text", from: "string", id: "c0", fixed: true }, { name: "label", from: "string", id: "c1", fixed: true }, { name: "file", from: "string", id: "c2", origin: true, fixed: true }],
      label: "label",
      source: (rows) => someRows("raw", rows),
      options: {},
      nullValues: [],
      notes: []
    };
  }
});

// src/data/readers/index.generated.ts
var readers = [
  csv_reader_default,
  images_reader_default,
  json_reader_default,
  ndjson_reader_default,
  parquet_reader_default,
  texts_reader_default
];

// src/data/readers.ts
var readerRegistry = new DefinitionRegistry("source format", readers, (reader) => reader.format);

// src/data/reading/infer.ts
var NEARLY = 0.8;
var COUNTS = 9;
function textMeasures(c) {
  const number = numberSql(c, void 0);
  return [
    `count(${c})`,
    `count_if(${missingWordSql(c)})`,
    `count(${number})`,
    `count_if(regexp_full_match(${c}, '\\s*[+-]?\\d{1,16}\\s*') AND abs(try_cast(${c} AS BIGINT)) <= ${DATA_LIMITS.integerMax})`,
    `count_if(lower(trim(${c})) IN ('true', 'false'))`,
    `count(${timestampOfTextSql(c, void 0)})`,
    `count_if(${isAmbiguousDateSql(c)})`,
    `count_if(${codeSql(c)})`,
    `count_if(${looksLikePowerSql(c)})`
  ];
}
function measuresOf({ id, from }) {
  if (from === "text") return textMeasures(id);
  if (from === "string") return [`count(${id})`, `count_if(${missingWordSql(id)})`, `count(${numberSql(id, void 0)})`, "0", "0", `count(${timestampOfTextSql(id, void 0)})`, `count_if(${isAmbiguousDateSql(id)})`, "0", "0"];
  if (from === "integer") return [`count(${id})`, `count_if(abs(CAST(${id} AS HUGEINT)) > ${DATA_LIMITS.integerMax})`];
  if (from === "exact") return [`count(${id})`, `count_if(CAST(CAST(${id} AS DOUBLE) AS DECIMAL(38, 10)) IS DISTINCT FROM TRY_CAST(${id} AS DECIMAL(38, 10)))`, `count_if(CAST(${id} AS DOUBLE) <> trunc(CAST(${id} AS DOUBLE)))`];
  return [];
}
async function inferTypes(db, raw, declared, table) {
  const open3 = raw.filter(({ name, fixed }) => !Object.hasOwn(declared, name) && fixed !== true);
  const values = await measureAll(db, open3.flatMap(measuresOf), table);
  const notes = [];
  const columns = [];
  let at = 0;
  for (const column of raw) {
    const base = baseOf(column);
    if (Object.hasOwn(declared, column.name)) {
      columns.push({ ...base, ...declared[column.name] });
      continue;
    }
    if (column.fixed === true) {
      columns.push({ ...base, type: column.from === "text" || column.from === "exact" ? "string" : column.from });
      continue;
    }
    const own = values.slice(at, at += measuresOf(column).length);
    if (column.from === "text" || column.from === "string") {
      const measured = measuredOf(own);
      const type = column.from === "text" ? typeOfText(measured) : measured.filled > 0 && measured.times === measured.filled ? "timestamp" : "string";
      columns.push({ ...base, type });
      notes.push(...await textNotes(db, column, type, measured, table));
    } else if (column.from === "integer" || column.from === "exact") {
      const [, beyond = 0, fractions = 0] = own;
      const type = beyond > 0 ? "string" : column.from === "exact" && fractions > 0 ? "number" : "integer";
      columns.push({ ...base, type });
      if (beyond > 0) notes.push(`The column "${column.name}" is read as text: ${beyond} of its values have more digits than a number holds exactly. Declare "columns": {"${column.name}": "number"} to round them.`);
    } else columns.push({ ...base, type: column.from });
  }
  return { columns, notes };
}
function baseOf({ name, id, from, text, origin }) {
  return { name, id, from, ...text === void 0 ? {} : { text }, ...origin === void 0 ? {} : { origin } };
}
function measuredOf(values) {
  if (values.length !== COUNTS) throw new PerennialError("INTERNAL", `${values.length} measures of a column, ${COUNTS} expected.`);
  const [filled, missing2, numbers, whole, booleans, times, ambiguous, codes, powers] = values;
  return { filled, missing: missing2, numbers, whole, booleans, times, ambiguous, codes: codes > 0 || powers < filled - missing2 ? codes : powers, powers };
}
function typeOfText({ filled, missing: missing2, numbers, whole, booleans, times, codes }) {
  const present = filled - missing2;
  if (present <= 0) return "string";
  if (codes === 0 && whole === present) return "integer";
  if (codes === 0 && numbers === present) return "number";
  if (booleans === present) return "boolean";
  return times === present ? "timestamp" : "string";
}
async function textNotes(db, { name, id, from }, type, measured, table) {
  const { filled, missing: missing2, numbers, ambiguous, codes, times } = measured;
  const present = filled - missing2;
  const examples = async (where) => (await db.rows(`SELECT v FROM (SELECT ${id} AS v, count(*) AS n FROM ${table} WHERE ${id} IS NOT NULL AND ${where} GROUP BY 1) ORDER BY n DESC, v LIMIT 3`)).map(([value]) => JSON.stringify(String(value).slice(0, 60))).join(", ");
  if (type !== "string") return missing2 === 0 || from === "string" ? [] : [`The column "${name}" is read as ${type}: ${missing2} of ${filled} values stand for a missing one (${await examples(missingWordSql(id))}).`];
  if (present <= 0) return filled === 0 ? [] : [`The column "${name}" holds nothing but ${await examples("true")}.`];
  const declare = (declaration) => `"columns": {"${name}": ${declaration}}`;
  if (from === "string" && numbers === present) return [`The column "${name}" is read as text, since its source writes its numbers as texts (${await examples(`NOT ${missingWordSql(id)}`)}). Declare ${declare('"number"')} to read them as numbers.`];
  if (codes > 0 && numbers === present) return [`The column "${name}" is read as text: ${codes} of ${filled} values are codes, with zeros in front, more digits than a number holds exactly, or like 2E5 (${await examples(measured.powers === present ? "true" : codeSql(id))}).`];
  if (ambiguous > 0 && ambiguous >= NEARLY * present) return [`The column "${name}" is read as text: it looks like dates, and ${await examples(isAmbiguousDateSql(id))} do not say which part is the month. Declare ${declare('{"timestamp": {"format": "dd/MM/yyyy"}}')} with the right order.`];
  if (times >= NEARLY * present && times > 0) return [`The column "${name}" is read as text: ${present - times} of ${present} values are no dates (${await examples(`${timestampOfTextSql(id, void 0)} IS NULL`)}). Declare ${declare('"timestamp"')} to quarantine them.`];
  const odd = `${numberSql(id, void 0)} IS NULL AND NOT ${missingWordSql(id)}`;
  const format = await declarable(db, id, table, odd);
  if (format !== void 0 && (numbers > 0 || format.share === 1)) return [`The column "${name}" is read as text: ${present - numbers} of ${present} values are written in another way than plain numbers (${await examples(odd)}). Declare ${declare(JSON.stringify({ number: format.format }))} to read them.`];
  if (numbers >= NEARLY * present) return [`The column "${name}" is read as text: ${present - numbers} of ${present} values are no numbers (${await examples(odd)}). Declare ${declare('"number"')} to quarantine them.`];
  return [];
}
var WAYS = [{ percent: true }, { currency: true }, { thousands: "," }, { decimal: "," }, { decimal: ",", thousands: "." }, { thousands: " " }, { currency: true, thousands: "," }, { currency: true, decimal: ",", thousands: "." }, { percent: true, decimal: "," }];
var EXAMPLES = 500;
async function declarable(db, id, table, odd) {
  const texts2 = (await db.rows(`SELECT DISTINCT v FROM (SELECT ${id} AS v FROM ${table} WHERE ${id} IS NOT NULL AND ${odd} LIMIT ${20 * EXAMPLES}) ORDER BY v LIMIT ${EXAMPLES}`)).map(([value]) => String(value));
  if (texts2.length === 0 || !texts2.some((text) => /\d/.test(text))) return void 0;
  let best;
  for (const format of WAYS) {
    const share = texts2.filter((text) => !Number.isNaN(numberOfText(text, format))).length / texts2.length;
    if (share >= NEARLY && share > (best?.share ?? 0)) best = { format, share };
  }
  return best;
}

// src/data/reading/load-table.ts
var EXPORTED = /^(unnamed: \d+|index|level_0|__index_level_\d+__)$/i;
var NUMBERING = /^(row|rows|row[ _-]?(id|no|nr|num|number|index)|rowname|rownames|record|record[ _-]?(id|no|number)|line|line[ _-]?(no|number)|id|no|nr|num|#|lfd\.?( ?nr\.?)?)$/i;
var COUNTED_ROWS_MIN = 10;
async function loadTable(request) {
  try {
    return await load(request);
  } catch (error) {
    const repaired = await request.raw.repair?.(error);
    if (repaired === void 0) throw error;
    return loadTable({ ...request, raw: repaired });
  }
}
async function load({ db, raw, declared, exclude, named: named2, rows }) {
  const wanted = raw.columns.filter(({ name }) => !exclude.includes(name));
  const untyped = wanted.some(({ name, from }) => from === "text" && !Object.hasOwn(declared, name));
  await db.run(`CREATE OR REPLACE TEMP TABLE sample AS SELECT * FROM ${raw.source({ first: DATA_LIMITS.sampleRows })}`);
  const [seen] = await db.rows("SELECT count(*) FROM sample");
  const whole = Number(seen[0]) < DATA_LIMITS.sampleRows;
  const table = rows !== "all" ? `(SELECT * FROM sample UNION ALL SELECT * FROM ${raw.source(rows)})` : untyped || whole ? "sample" : raw.source("again");
  let inferred = await inferTypes(db, wanted, declared, table);
  let left = await rowNumbers(db, inferred.columns, wanted, [...named2, ...Object.keys(declared)], "sample");
  await db.run("DROP TABLE sample");
  let odd = await create(db, raw, kept(inferred, left), declared, rows);
  const again = `(SELECT * FROM ${raw.source("again")})`;
  const numbering = rows !== "all" || whole || left.length === 0 ? left : await rowNumbers(db, inferred.columns.filter(({ name }) => left.some((one) => one.name === name)), wanted, [], again);
  if (rows === "all" && !whole && (odd > 0 || numbering.length < left.length)) {
    if (odd > 0) inferred = await inferTypes(db, wanted, declared, raw.source("again"));
    left = numbering;
    odd = await create(db, raw, kept(inferred, left), declared, rows);
    if (odd > 0) throw new PerennialError("SOURCE_CHANGED", "The source changed while its types were found.");
  }
  await raw.rejects?.();
  await rejectOdd(db);
  await db.run("ALTER TABLE data DROP COLUMN odd; ALTER TABLE data DROP COLUMN reason; ALTER TABLE data DROP COLUMN content");
  const said = left.map(({ name, kept: stays }) => `The column ${name.startsWith("column_") ? `${name} (it has no name)` : `"${name}"`} ${stays ? "is no feature unless the document names it as one" : "is left out"}: it numbers the rows. Declare "columns": {"${name}": "integer"} to treat it as any other.`);
  return { raw, columns: kept(inferred, left), notes: [...raw.notes, ...said, ...inferred.notes.filter((note) => !left.some(({ name }) => note.includes(`"${name}"`)))] };
}
function kept({ columns }, numbers) {
  return columns.flatMap((column) => {
    const number = numbers.find(({ name }) => name === column.name);
    return number === void 0 ? [column] : number.kept ? [{ ...column, origin: true }] : [];
  });
}
async function rowNumbers(db, columns, raw, named2, table) {
  const candidates = columns.filter(({ name, type }) => type === "integer" && !named2.includes(name));
  if (candidates.length === 0) return [];
  const values = await measureAll(db, candidates.flatMap((column) => {
    const value = valueSql(column);
    return ["count(*)", `count(DISTINCT ${value})`, `count_if(${value} IS NULL)`, `max(${value} - r) - min(${value} - r)`];
  }), `(SELECT *, row_number() OVER () AS r FROM ${table})`);
  return candidates.flatMap(({ name }, index) => {
    const [rows, distinct, missing2, spread] = values.slice(4 * index, 4 * index + 4);
    const found = raw.find((one) => one.name === name);
    if (missing2 > 0 || distinct < rows || rows < COUNTED_ROWS_MIN) return [];
    if (found.unnamed === true || spread === 0 && EXPORTED.test(name)) return [{ name, kept: false }];
    return spread === 0 && NUMBERING.test(name) ? [{ name, kept: true }] : [];
  });
}
var COLUMNS_AT_ONCE = 60;
async function create(db, raw, columns, declared, rows) {
  await raw.forget?.();
  if (columns.length <= COLUMNS_AT_ONCE) await db.run(`CREATE OR REPLACE TEMP TABLE data AS SELECT * FROM ${typedSql(raw, columns, declared, raw.source(rows))}`);
  else await createWide(db, raw, columns, declared, rows);
  if (rows !== "all") return 0;
  const [count] = await db.rows("SELECT count_if(odd) FROM data");
  return Number(count[0]);
}
function typedSql(raw, columns, declared, source) {
  const values = columns.map((column) => ({ column, sql: valueSql(column) }));
  const typed = values.map(({ column, sql }) => `CAST(${sql} AS ${SQL_TYPES[column.type]}) AS ${column.id}`);
  const isDeclared = ({ name }) => Object.hasOwn(declared, name);
  const odd = values.filter(({ column }) => !isDeclared(column) && column.from === "text" && column.type !== "string").map(({ column, sql }) => misfitSql(column, sql));
  const bad = values.filter(({ column, sql }) => isDeclared(column) && isOddSql(column, sql) !== "false").map(({ column, sql }) => `WHEN ${isOddSql(column, sql)} THEN ${literal(`"${column.name}" is no ${column.type}: `)} || left(CAST(${column.id} AS VARCHAR), 60)`);
  const reason = bad.length === 0 ? "CAST(NULL AS VARCHAR)" : `CASE ${bad.join(" ")} END`;
  const content = `CAST(json_object(${columns.flatMap((column) => column.from === "image" ? [] : [`${literal(column.name)}, left(CAST(${textSql(column)} AS VARCHAR), 200)`]).join(", ")}) AS VARCHAR)`;
  const inner = `(SELECT ${[...typed, `${anyOf(odd)} AS odd`, `${reason} AS reason`, `${bad.length === 0 ? "CAST(NULL AS VARCHAR)" : `CASE WHEN ${reason} IS NOT NULL THEN ${content} END`} AS content`].join(", ")} FROM ${source})`;
  return withDigest(inner, columns.filter(({ name }) => raw.columns.find((column) => column.name === name)?.origin !== true).map(({ id, name, type }) => ({ name, type, sql: id })));
}
async function createWide(db, raw, columns, declared, rows) {
  await db.run(`CREATE OR REPLACE TEMP TABLE untyped AS SELECT * FROM ${raw.source(rows)}`);
  const groups = Array.from({ length: Math.ceil(columns.length / COLUMNS_AT_ONCE) }, (_, index) => columns.slice(index * COLUMNS_AT_ONCE, (index + 1) * COLUMNS_AT_ONCE));
  for (const [index, group] of groups.entries()) await db.run(`CREATE OR REPLACE TEMP TABLE group_${index} AS SELECT * FROM ${typedSql(raw, group, declared, "untyped")}`);
  await db.run("DROP TABLE untyped");
  const of = (name) => groups.map((_, index) => `group_${index}.${name}`);
  const list = groups.map((group, index) => group.map(({ id }) => `group_${index}.${id}`).join(", ")).join(", ");
  await db.run(`CREATE OR REPLACE TEMP TABLE data AS SELECT ${list}, ${xorOf(of("digest"))} AS digest, ${anyOf(of("odd"))} AS odd, coalesce(${of("reason").join(", ")}) AS reason, coalesce(${of("content").join(", ")}) AS content FROM ${groups.map((_, index) => `group_${index}`).join(" POSITIONAL JOIN ")}`);
  for (const index of groups.keys()) await db.run(`DROP TABLE group_${index}`);
}
function anyOf(conditions) {
  if (conditions.length < 100) return conditions.length === 0 ? "false" : `(${conditions.join(" OR ")})`;
  const middle2 = conditions.length >> 1;
  return `(${anyOf(conditions.slice(0, middle2))} OR ${anyOf(conditions.slice(middle2))})`;
}
function misfitSql(column, value) {
  const code = column.type === "number" || column.type === "integer" ? codeOf(column, value) : "false";
  return `CASE WHEN ${value} IS NOT NULL THEN ${code} WHEN ${column.id} IS NULL THEN false ELSE ${isOddSql(column, value)}${code === "false" ? "" : ` OR ${code}`} END`;
}
function codeOf({ id, type }, value) {
  const zeros = `((${id} >= '00' AND ${id} < '0:') OR (${id} >= '-00' AND ${id} < '-0:'))`;
  return type === "integer" ? zeros : `(${zeros} OR CASE WHEN abs(${value}) > ${DATA_LIMITS.integerMax} THEN regexp_full_match(${id}, '\\s*[+-]?\\d+\\s*') ELSE false END)`;
}
async function rejectOdd(db) {
  await db.run("INSERT INTO rejects SELECT rowid + 1, reason, content FROM data WHERE reason IS NOT NULL ORDER BY rowid");
  await db.run("DELETE FROM data WHERE reason IS NOT NULL");
}
async function rejectRows(db, columns, where, reason) {
  const [count] = await db.rows(`SELECT count(*) FROM data WHERE ${where}`);
  if (Number(count[0]) === 0) return 0;
  await db.run(`INSERT INTO rejects SELECT rowid + 1, ${reason}, ${contentSql(columns)} FROM data WHERE ${where} ORDER BY rowid`);
  await db.run(`DELETE FROM data WHERE ${where}`);
  return Number(count[0]);
}
function contentSql(columns) {
  return `CAST(json_object(${columns.flatMap(({ name, id, type }) => type === "image" ? [] : [`${literal(name)}, left(CAST(${id} AS VARCHAR), 200)`]).join(", ")}) AS VARCHAR)`;
}

// src/data/ingest/read-labels.ts
async function readLabels(db, raw, columns, labelled, config, notes) {
  const read = [...columns];
  for (const name of labelled) {
    const column = requireColumn(read, name, "label");
    const at = read.indexOf(column);
    if (column.type === "string") {
      await refuseLostClass(db, raw, column, config);
      await trimClasses(db, column, notes);
    } else if (column.type === "number" && !Object.hasOwn(config.columns ?? {}, name)) read[at] = await wholeNumbers(db, column, notes);
  }
  return read;
}
async function refuseLostClass(db, raw, { name, id }, config) {
  const words2 = raw.nullValues.filter((text2) => text2.trim() !== "");
  if (words2.length === 0 || config.source.nullValues !== void 0) return;
  const [missing2] = await db.rows(`SELECT count(*) FROM data WHERE ${id} IS NULL`);
  if (Number(missing2[0]) === 0) return;
  const lost = await db.rows(`SELECT ${id}, count(*) FROM ${raw.source("verbatim")} WHERE ${id} IN (${words2.map(literal).join(", ")}) GROUP BY 1 ORDER BY 2 DESC, 1`);
  if (lost.length === 0) return;
  const [text, rows] = [String(lost[0][0]), String(lost[0][1])];
  throw new PerennialError("LABEL_INVALID", `The label "${name}" is ${JSON.stringify(text)} in ${rows} rows${lost.length > 1 ? ` (and ${lost.slice(1).map(([other, count]) => `${JSON.stringify(String(other))} in ${String(count)}`).join(", ")})` : ""}, and that text means a missing value unless the document says otherwise: a class may disappear.`, {
    hint: `Write "nullValues": [""] into the source to keep it as a class, or "nullValues": ["", ${JSON.stringify(text)}] to leave such rows out.`
  });
}
async function trimClasses(db, { name, id }, notes) {
  const trimmed = `trim(${id}, chr(32) || chr(9) || chr(160) || chr(13) || chr(10))`;
  const blank = await db.rows(`SELECT ${id}, ${trimmed}, count(*) FROM data WHERE ${id} <> ${trimmed} GROUP BY 1, 2 ORDER BY 3 DESC, 1 LIMIT 4`);
  if (blank.length > 0) {
    await db.run(`UPDATE data SET ${id} = nullif(${trimmed}, '') WHERE ${id} <> ${trimmed}`);
    notes.push(`The label "${name}": ${blank.map(([given, taken, rows]) => `${JSON.stringify(String(given))} (${String(rows)} rows) was taken for ${JSON.stringify(String(taken))}`).join(", ")}: blanks around the name of a class do not count.`);
  }
  const cased = await db.rows(`SELECT string_agg(v, '", "' ORDER BY n DESC, v) FROM (SELECT ${id} AS v, count(*) AS n FROM data WHERE ${id} IS NOT NULL GROUP BY 1) GROUP BY lower(v) HAVING count(*) > 1 ORDER BY 1 LIMIT 3`);
  for (const [names] of cased) notes.push(`The label "${name}" has the classes "${String(names)}", which differ in their case only and stay different classes.`);
}
async function wholeNumbers(db, column, notes) {
  const { name, id } = column;
  const [facts] = await db.rows(`SELECT count(DISTINCT ${id}), count_if(${id} <> trunc(${id}) OR abs(${id}) > 1e15 OR isinf(${id})) FROM data`);
  const [distinct, broken] = facts.map(Number);
  if (broken > 0 || distinct > INTEGER_CLASSES_MAX || distinct === 0) return column;
  await db.run(`ALTER TABLE data ALTER COLUMN ${id} TYPE BIGINT`);
  notes.push(`The label "${name}" is written as decimals, which are all whole: they were taken for ${distinct} classes. For a quantity, declare "columns": {"${name}": "number"}.`);
  return { ...column, type: "integer" };
}

// src/data/ingest/reference.ts
var ROWS_MIN = 20;
var UNIT_FACTOR = 8;
function typesOfReference({ reading }, accepted, raw) {
  const known3 = reading.columns.filter(({ name, type }) => type !== "image" && !accepted.includes(name) && raw.some((column) => column.name === name && column.from !== "image" && column.fixed !== true));
  return Object.fromEntries(known3.map(({ name, type, format }) => [name, { type: type === "integer" ? "number" : type, ...format === void 0 ? {} : { format } }]));
}
function checkVanished({ text, reading }, names, left) {
  const gone = reading.columns.filter(({ name }) => !names.includes(name) && !left.includes(name)).map(({ name }) => name);
  if (gone.length === 0) return;
  const added = names.filter((name) => !reading.columns.some((column) => column.name === name));
  throw changed(`The source has no column ${gone.map((name) => `"${name}"`).join(", ")} any more, which ${text} was made from${added.length === 0 ? "" : `; it has ${added.slice(0, 5).map((name) => `"${name}"`).join(", ")} instead`}.`, gone);
}
function newColumnNotes({ text, reading }, columns) {
  const added = columns.filter(({ name }) => !reading.columns.some((column) => column.name === name));
  return added.length === 0 ? [] : [`${added.length === 1 ? "The column" : "The columns"} ${added.slice(0, 10).map(({ name }) => `"${name}"`).join(", ")} ${added.length === 1 ? "is" : "are"} new since ${text}.`];
}
async function wholeAgain(db, { reading }, columns, declared) {
  const candidates = columns.filter(({ name, type }) => type === "number" && !declared.includes(name) && reading.columns.some((column) => column.name === name && column.type === "integer"));
  const broken = await measureAll(db, candidates.map(({ id }) => `count_if(${id} <> trunc(${id}) OR abs(${id}) > ${Number.MAX_SAFE_INTEGER})`), "data");
  const whole = candidates.filter((_, index) => broken[index] === 0);
  for (const { id } of whole) await db.run(`ALTER TABLE data ALTER COLUMN ${id} TYPE BIGINT`);
  return columns.map((column) => whole.includes(column) ? { ...column, type: "integer" } : column);
}
async function checkMeaning(db, reference, columns, accepted) {
  const [rows] = await measureAll(db, ["count(*)"], "data");
  for (const column of columns) {
    if (accepted.includes(column.name)) continue;
    await checkType(db, reference, column, rows);
    const before = reference.profile.columns.find(({ name }) => name === column.name);
    if (before === void 0 || before.count === 0 || rows < ROWS_MIN) continue;
    if (column.type === "string" && before.categories !== void 0) await checkCategories(db, reference, column, before);
    else if ((column.type === "number" || column.type === "integer") && before.number !== void 0) await checkUnit(db, reference, column, before.number);
  }
}
async function checkType(db, { text }, { name, type }, good) {
  const [found] = await db.rows(`SELECT count(*), any_value(reason) FROM rejects WHERE starts_with(reason, ${literal(`"${name}" is no ${type}: `)})`);
  const odd = Number(found[0]);
  if (odd <= good || odd === 0) return;
  throw changed(`The column "${name}" was read as ${type} for ${text}, and ${odd} of ${odd + good} rows hold something else now (${String(found[1])}).`, [name]);
}
async function checkCategories(db, { text }, { name, id }, before) {
  const known3 = Object.keys(before.categories.counts);
  if (known3.length === 0 || before.categories.other > 0) return;
  const [found] = await db.rows(`SELECT count(${id}), count_if(${id} IN (${known3.map(literal).join(", ")})) FROM data`);
  const [filled, same] = found.map(Number);
  if (filled < ROWS_MIN || same > 0) return;
  const now = (await db.rows(`SELECT ${id} FROM data WHERE ${id} IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 3`)).map(([value]) => JSON.stringify(String(value)));
  throw changed(`None of the ${filled} values of "${name}" is one that ${text} knows (${known3.slice(0, 3).map((value) => JSON.stringify(value)).join(", ")}): they are ${now.join(", ")} now.`, [name]);
}
async function checkUnit(db, { text }, { name, id }, before) {
  const [found] = await db.rows(`SELECT count(${id}), min(${id}), max(${id}), quantile_cont(CAST(${id} AS DOUBLE), 0.5) FROM data WHERE isfinite(CAST(${id} AS DOUBLE))`);
  const [filled, low, high, middle2] = found.map(Number);
  if (filled < ROWS_MIN || low <= before.max && high >= before.min) return;
  const old = before.quantiles["0.5"] ?? before.mean;
  const factor = Math.abs(old) === 0 ? Number.POSITIVE_INFINITY : Math.abs(middle2 / old);
  if (factor < UNIT_FACTOR && factor > 1 / UNIT_FACTOR && Math.sign(middle2) === Math.sign(old)) return;
  const short = (value) => String(Number(value.toPrecision(4)));
  throw changed(`The ${filled} values of "${name}" lie between ${short(low)} and ${short(high)}; those that ${text} was made from lay between ${short(before.min)} and ${short(before.max)}: the unit may be another.`, [name]);
}
function changed(message, columns) {
  return new PerennialError("SCHEMA_CHANGED", message, { hint: `Correct the source. If that is how it is meant, write "reference": {"accept": ${JSON.stringify(columns)}} into the ingest step, and take it out again when the new version is there.`, details: { columns: [...columns] } });
}

// src/data/ingest/ingest-tables.ts
var DURATION = /^(\d+(?:\.\d+)?)(s|m|h|d|w)$/;
var UNITS2 = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 };
function durationMs(text) {
  const match = DURATION.exec(text);
  if (match === null) throw new PerennialError("CONFIG_INVALID", `"${text}" is not a duration; expected a number and s, m, h, d or w, for example "30d".`);
  return Number(match[1]) * UNITS2[match[2]] * 1e3;
}
function sampleName(file) {
  return file?.name ?? "source";
}
function checkColumns(raw, config, labelled) {
  const names = raw.columns.map((column) => column.name);
  const bad = names.find((name) => name === "" || name.length > 256);
  if (bad !== void 0) throw new PerennialError("SOURCE_INVALID", bad === "" ? "A column of the source has no name." : `A column's name has ${bad.length} characters; at most 256 are allowed.`);
  for (const name of Object.keys(config.columns ?? {})) requireColumn(raw.columns, name, "columns");
  for (const name of config.exclude ?? []) requireColumn(raw.columns, name, "exclude");
  const unknown = labelled.find((name) => !names.includes(name));
  if (unknown !== void 0) throw columnMissing(unknown, names, "label");
  const excluded = labelled.find((name) => config.exclude?.includes(name));
  if (excluded !== void 0) throw new PerennialError("CONFIG_INVALID", `"${excluded}" is a label and is excluded too.`, { hint: 'Remove it from "exclude".' });
}
function namedColumns({ split, window, filter }, labelled) {
  return [...labelled, split?.column, split?.key, window?.column, ...(filter ?? []).map(({ column }) => typeof column === "string" ? column : void 0)].filter((name) => name !== void 0);
}
async function rejectUnusable(db, columns, labels, config) {
  const time = config.split?.by === "time" ? config.split.column : void 0;
  for (const column of columns) {
    if (labels.includes(column)) {
      await rejectRows(db, columns, `${column.id} IS NULL`, literal(`the label "${column.name}" is missing`));
      if (column.type === "number") await rejectRows(db, columns, `isinf(${column.id})`, literal(`the label "${column.name}" is infinite`));
    } else if (column.name === time || column.name === config.window?.column) await rejectRows(db, columns, `${column.id} IS NULL`, literal(`the time column "${column.name}" is missing`));
  }
}
async function applyWindow(db, columns, config, nominalTime) {
  const { window } = config;
  if (window === void 0) return 0;
  const column = requireColumn(columns, window.column, "window.column");
  if (column.type !== "timestamp") throw new PerennialError("CONFIG_INVALID", `window.column: "${column.name}" is a ${column.type} column, not timestamps.`, { hint: `Declare "columns": {"${column.name}": "timestamp"} if its values are dates, or {"timestamp": {"format": "dd/MM/yyyy"}} with the form that they have.` });
  const [range] = await db.rows(`SELECT epoch_ms(min(${column.id})), epoch_ms(max(${column.id})), count(*) FROM data`);
  const [first, latest, before] = range.map(Number);
  const end = window.until === "latest" ? latest : Date.parse(nominalTime);
  const start = end - durationMs(window.last);
  await db.run(`DELETE FROM data WHERE epoch_ms(${column.id}) <= ${start} OR epoch_ms(${column.id}) > ${end}`);
  const [left] = await db.rows("SELECT count(*) FROM data");
  if (Number(left[0]) === 0) {
    const iso = (time) => new Date(time).toISOString();
    throw new PerennialError("SOURCE_EMPTY", `No row of "${column.name}" lies within the last ${window.last} before ${iso(end)}: the data run from ${iso(first)} to ${iso(latest)}.`, { hint: 'Give a longer window, or "until": "latest" to measure back from the newest row.' });
  }
  return before - Number(left[0]);
}
async function checkLabel(db, label, config, names) {
  const where = `label "${label.name}"`;
  if (label.type === "image" || label.type === "timestamp") throw new PerennialError("LABEL_INVALID", `The ${where} is a column of ${label.type}s; a label is text, true/false or a number.`, { hint: `Choose one of: ${names.filter((name) => name !== label.name).join(", ")}.` });
  const [facts] = await db.rows(`SELECT count(DISTINCT ${label.id}), min(CAST(${label.id} AS VARCHAR)), count(*) FROM data`);
  const distinct = Number(facts[0]);
  if (distinct < 2) throw new PerennialError("LABEL_INVALID", `The ${where} is constant: all ${String(facts[2])} rows are "${String(facts[1])}". There is nothing to learn.`, { hint: 'A label needs at least two distinct values; check "label", "window" and the source.' });
  const classes = label.type === "string" || label.type === "boolean" || label.type === "integer" && distinct <= INTEGER_CLASSES_MAX;
  if (label.type === "string" && distinct > 50 && distinct > Number(facts[2]) / 2) {
    throw new PerennialError("LABEL_INVALID", `The ${where} has ${distinct} different texts in ${String(facts[2])} rows: it looks like an identifier, not a class.`, { hint: `Choose another label, or declare "columns": {"${label.name}": "number"} if it is a quantity.` });
  }
  if (!classes) return { classes, notes: [] };
  const single = await db.rows(`SELECT CAST(${label.id} AS VARCHAR) FROM data GROUP BY 1 HAVING count(*) = 1 ORDER BY 1 LIMIT 5`);
  const stratified = config.split?.stratify === true;
  const notes = single.map((row) => `The class "${String(row[0])}" of ${where} has one row; ${stratified ? "it goes to the train split, so validation and test never see this class" : 'it falls into one split only: use "stratify": true to have it trained on'}.`);
  return { classes, notes };
}
async function readRaw({ db, config, files, workDir, expected }) {
  const reader = readerRegistry.get(config.source.format);
  if (reader.layout === "files" && files.every((file) => file.size === 0)) throw new PerennialError("SOURCE_EMPTY", `${files.map((file) => file.name).join(", ")}: the file is empty (0 bytes).`);
  try {
    return await reader.read({ db, config: config.source, files, workDir, ...expected === void 0 ? {} : { expected } });
  } catch (error) {
    throw asPerennialError(error, "SOURCE_INVALID", `${sampleName(files[0])} cannot be read as ${config.source.format}`);
  }
}
async function readTables(request) {
  const { db, config, files, nominalTime, documentDir, limit, imagesMax } = request;
  const reader = readerRegistry.get(config.source.format);
  const split = resolveSplit(config.split);
  const found = await readRaw(request);
  const labelled = labelList(config.label ?? found.label);
  checkColumns(found, config, labelled);
  for (const problem of [...checkSplit(split, labelled[0]), ...checkChoice(config.filter, config.sample, split)]) throw new PerennialError("CONFIG_INVALID", `${problem.pointer}: ${problem.message}`, { hint: problem.fix ?? "" });
  const accepted = config.reference?.accept ?? [];
  if (request.reference !== void 0) checkVanished(request.reference, found.columns.map(({ name }) => name), [...accepted, ...config.exclude ?? []]);
  const expected = request.reference === void 0 ? {} : typesOfReference(request.reference, [...accepted, ...config.exclude ?? []], found.columns);
  const { raw, columns: typed, notes } = await inWords(async () => {
    const source = await readPictures({ db, raw: found, reader, config: config.source, declared: config.columns ?? {}, files, documentDir }, imagesMax);
    return loadTable({ db, raw: source, declared: { ...expected, ...declaredTypes(config.columns) }, exclude: config.exclude ?? [], named: namedColumns(config, labelled), rows: limit === void 0 ? "all" : { sample: limit } });
  }, `${sampleName(files[0])} cannot be read as ${config.source.format}`);
  const said = [...notes];
  const loaded = request.reference === void 0 ? typed : await wholeAgain(db, request.reference, typed, Object.keys(config.columns ?? {}));
  if (request.reference !== void 0) said.push(...newColumnNotes(request.reference, loaded));
  await rejectImages(db, "data", loaded.filter(({ type, from }) => type === "image" && !(from === "image" && raw !== found)), contentSql(loaded));
  const columns = await readLabels(db, raw, loaded, labelled, config, said);
  if (request.reference !== void 0) await checkMeaning(db, request.reference, columns, [...accepted, ...Object.keys(config.columns ?? {})]);
  const labels = labelled.map((name) => columns.find((column) => column.name === name));
  const [label] = labels;
  await rejectUnusable(db, columns, labels, config);
  const reasons = (await db.rows(`SELECT regexp_replace(reason, ': .*$', '', 's'), count(*), min(reason) FROM rejects GROUP BY 1 ORDER BY 2 DESC, 1`)).map((row) => ({ reason: String(row[0]), rows: Number(row[1]), example: String(row[2]) }));
  const quarantined = reasons.reduce((sum, item) => sum + item.rows, 0);
  const [count] = await db.rows("SELECT count(*) FROM data");
  const good = Number(count[0]);
  if (good + quarantined === 0) throw new PerennialError("SOURCE_EMPTY", `${sampleName(files[0])} has a header but no rows.`);
  checkBudget(quarantined, good, config.budget ?? 0.05, reasons);
  const filtered = await filterRows(db, columns, config.filter);
  const outsideWindow = await applyWindow(db, columns, config, nominalTime);
  const judged = [];
  for (const each of labels) judged.push({ label: each, ...await checkLabel(db, each, config, columns.map((column) => column.name)) });
  if (split.stratify === true && judged[0]?.classes === false) throw new PerennialError("SPLIT_INVALID", `split.stratify: the label "${label.name}" is a number, not a class.`, { hint: 'Remove "stratify".' });
  const seed = config.seed ?? 1;
  const assigned = await assignSplits({ db, split, seed, columns, label, stratify: split.stratify === true });
  const chosen = await sampleRows({ db, sample: config.sample, split, seed, columns, assigned });
  const unsampled = SPLITS.reduce((sum, name) => sum + assigned.rows[name] - chosen.rows[name], 0);
  await db.run(`CREATE OR REPLACE TEMP VIEW rows AS SELECT * FROM ${chosen.source}`);
  for (const each of judged) if (each.classes) await checkTrainClasses(db, each.label);
  said.push(...judged.flatMap((each) => each.notes), ...await emptyColumns(db, columns), ...await orderNote(db, split, columns));
  return {
    raw,
    columns,
    labels,
    rows: chosen.rows,
    inOrder: chosen.inOrder,
    quarantined,
    reasons,
    outsideWindow,
    filtered,
    unsampled,
    leakedRows: await countLeaks(db, split),
    notes: said,
    reading: { formatVersion: 1, source: { ...raw.options, format: config.source.format, nullValues: [...raw.nullValues] }, columns: columns.map(columnOf) }
  };
}
async function inWords(load2, prefix) {
  try {
    return await load2();
  } catch (error) {
    throw asPerennialError(error, "SOURCE_INVALID", prefix);
  }
}
function columnOf({ name, type, format, origin }) {
  return { name, type, ...format === void 0 ? {} : { format }, ...origin === void 0 ? {} : { origin } };
}
function checkBudget(quarantined, good, budget, reasons) {
  const share = quarantined / (quarantined + good);
  if (share <= budget && good > 0) return;
  const list = reasons.slice(0, 5).map((item) => `${item.example.startsWith(item.reason) && item.example !== item.reason && item.rows < 4 ? item.example : item.reason} (${item.rows} rows)`).join("; ");
  throw new PerennialError("DATA_INVALID", `${quarantined} of ${quarantined + good} rows cannot be used (${(100 * share).toFixed(1)} %, the budget is ${(100 * budget).toFixed(1)} %): ${list}.`, {
    hint: 'Correct the source, or raise "budget" of the ingest step if losing these rows is acceptable.',
    details: { reasons }
  });
}
async function checkTrainClasses(db, label) {
  const absent = await db.rows(`SELECT CAST(${label.id} AS VARCHAR), count(*) FROM rows GROUP BY 1 HAVING count_if(split = 'train') = 0 ORDER BY 1 LIMIT 5`);
  if (absent.length > 0) {
    throw new PerennialError("SPLIT_INVALID", `The train split holds no row of ${absent.map((row) => `"${String(row[0])}" (${String(row[1])} rows in all)`).join(", ")}: such classes cannot be learnt.`, { hint: 'Use "stratify": true, another seed, or more rows of these classes.' });
  }
}
async function emptyColumns(db, columns) {
  const counts = await measureAll(db, columns.map((column) => `count(${column.id})`), "data");
  return columns.filter((_, index) => counts[index] === 0).map((column) => `The column "${column.name}" is missing in every row: "exclude" it, or correct the source.`);
}
async function countLeaks(db, split) {
  if (split.by === "hash" && split.key === void 0) return 0;
  const [leaked] = await db.rows(`SELECT coalesce(sum(held), 0) FROM (SELECT count_if(split <> 'train') AS held, min(split) <> max(split) AS apart FROM rows GROUP BY digest) WHERE apart`);
  return Number(leaked[0]);
}

// src/data/moments.ts
var SQUARABLE = 1e140;
async function momentsOf(db, table, expressions) {
  const found = await inUnits(db, table, expressions.map((sql) => ({ sql, unit: 1 })));
  const large = found.flatMap(({ count, min, max }, index) => count > 0 && Math.max(-min, max) > SQUARABLE ? [{ index, sql: expressions[index], unit: Math.max(-min, max) }] : []);
  const scaled = large.length === 0 ? [] : await inUnits(db, table, large);
  for (const [at, { index, unit }] of large.entries()) found[index] = { ...found[index], mean: scaled[at].mean * unit, std: scaled[at].std * unit };
  return found;
}
async function inUnits(db, table, columns) {
  if (columns.length === 0) return [];
  const sums = columns.map(({ unit }) => new BlockMoments(unit));
  for await (const { columns: values } of db.doubles(`SELECT ${columns.map(({ sql }) => `coalesce(CAST(${sql} AS DOUBLE), CAST('nan' AS DOUBLE))`).join(", ")} FROM ${table}`)) {
    for (let index = 0; index < sums.length; index++) sums[index].add(values[index]);
  }
  return sums.map((one) => one.finish());
}
var BLOCK = 4096;
var BlockMoments = class {
  #unit;
  #block = new Float64Array(BLOCK);
  #filled = 0;
  #count = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #mean = 0;
  #squares = 0;
  constructor(unit) {
    this.#unit = unit;
  }
  add(values) {
    const block = this.#block;
    let filled = this.#filled;
    for (let index = 0; index < values.length; index++) {
      const value = values[index];
      if (value - value !== 0) continue;
      block[filled++] = value;
      if (filled === BLOCK) {
        this.#merge(BLOCK);
        filled = 0;
      }
    }
    this.#filled = filled;
  }
  finish() {
    if (this.#filled > 0) this.#merge(this.#filled);
    if (this.#count === 0) return { count: 0, min: NaN, max: NaN, mean: NaN, std: NaN };
    return { count: this.#count, min: this.#min, max: this.#max, mean: this.#mean, std: Math.sqrt(this.#squares / this.#count) };
  }
  #merge(length) {
    const block = this.#block;
    const unit = this.#unit;
    let sum = 0;
    for (let index = 0; index < length; index++) {
      const value = block[index];
      if (value < this.#min) this.#min = value;
      if (value > this.#max) this.#max = value;
      sum += value / unit;
    }
    const mean = sum / length;
    let squares = 0;
    for (let index = 0; index < length; index++) {
      const away = block[index] / unit - mean;
      squares += away * away;
    }
    const count = this.#count + length;
    const apart = mean - this.#mean;
    this.#squares += squares + apart * apart * (this.#count * length / count);
    this.#mean += apart * length / count;
    this.#count = count;
  }
};

// src/data/transforms/shared/words.ts
var WORDS = /[\p{L}\p{M}\p{N}]+(?:['’][\p{L}\p{M}\p{N}]+)*|[^\s\p{L}\p{M}\p{N}]/gu;
var SCRIPTS = ["Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar"].map((script) => `\\p{scx=${script}}`).join("");
var UNSPACED_RUN = new RegExp(`(?=[\\p{L}\\p{M}\\p{N}])[${SCRIPTS}](?:(?=[\\p{L}\\p{M}\\p{N}])[${SCRIPTS}])*`, "gu");
var UNSPACED = new RegExp(`(?=[\\p{L}\\p{M}\\p{N}])[${SCRIPTS}]`, "u");
function isUnspaced(text) {
  return UNSPACED.test(text);
}
var segmenter;
function segments(run) {
  segmenter ??= new Intl.Segmenter("und", { granularity: "word" });
  return Array.from(segmenter.segment(run), ({ segment }) => segment);
}
function wordsOf(text) {
  const words2 = spacedWordsOf(text);
  return isUnspaced(text) ? words2.flatMap(divided) : words2;
}
function spacedWordsOf(text) {
  return text.match(WORDS) ?? [];
}
function divided(word) {
  const parts = [];
  let at = 0;
  for (const { 0: run, index } of word.matchAll(UNSPACED_RUN)) {
    if (index > at) parts.push(word.slice(at, index));
    parts.push(...segments(run));
    at = index + run.length;
  }
  if (at < word.length) parts.push(word.slice(at));
  return parts;
}

// src/data/text-shape.ts
var EXAMPLES2 = 3;
var EXAMPLE_LENGTH = 40;
function excerpt(text) {
  const characters = Array.from(text.slice(0, 4 * EXAMPLE_LENGTH).replace(/\s+/g, " "));
  return characters.length <= EXAMPLE_LENGTH ? characters.join("") : `${characters.slice(0, EXAMPLE_LENGTH).join("")}\u2026`;
}
function textShape(texts2) {
  const texted = texts2.map((text) => text.toLowerCase().trim().split(/\s+/).flatMap((word) => isUnspaced(word) ? wordsOf(word) : [word]));
  const holders = /* @__PURE__ */ new Map();
  for (const words2 of texted) for (const word of new Set(words2)) holders.set(word, (holders.get(word) ?? 0) + 1);
  const all = texted.flat();
  return {
    values: texts2.length,
    words: texts2.length === 0 ? 0 : all.length / texts2.length,
    repeated: all.length === 0 ? 0 : all.filter((word) => holders.get(word) > 1).length / all.length,
    examples: texts2.slice(0, EXAMPLES2).map(excerpt)
  };
}

// src/data/ranks.ts
function ranksOf(sorted) {
  const values = new Float64Array(sorted.length);
  const counts = new Float64Array(sorted.length + 1);
  let kept2 = 0;
  for (let at = 0; at < sorted.length; at++) {
    const value = sorted[at];
    if (kept2 === 0 || value !== values[kept2 - 1]) values[kept2++] = value;
    counts[kept2] = at + 1;
  }
  return { values: values.subarray(0, kept2), below: counts.subarray(0, kept2), through: counts.subarray(1, kept2 + 1), size: sorted.length, complete: true };
}
function thinned(ranks, most) {
  if (ranks.values.length <= most) return ranks;
  const chosen = [];
  for (let step = 0; step < most; step++) {
    const index = indexAt(ranks, Math.floor(step * (ranks.size - 1) / (most - 1)));
    if (index !== chosen.at(-1)) chosen.push(index);
  }
  const pick = (from) => Float64Array.from(chosen, (index) => from[index]);
  return { values: pick(ranks.values), below: pick(ranks.below), through: pick(ranks.through), size: ranks.size, complete: false };
}
function firstAtLeast(values, limit) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle2 = low + high >>> 1;
    if (values[middle2] < limit) low = middle2 + 1;
    else high = middle2;
  }
  return low;
}
function indexAt({ values, through }, place) {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const middle2 = low + high >>> 1;
    if (through[middle2] <= place) low = middle2 + 1;
    else high = middle2;
  }
  return low;
}
function deviationOf({ values, through, size }) {
  const weight = (index) => (through[index] - (index === 0 ? 0 : through[index - 1])) / size;
  let mean = 0;
  for (let index = 0; index < values.length; index++) mean += weight(index) * values[index];
  let square = 0;
  for (let index = 0; index < values.length; index++) square += weight(index) * (values[index] - mean) ** 2;
  return Math.sqrt(square);
}

// src/data/partitioned.ts
var VALUES_PER_CELL = 64;
var CELLS_MAX = 16384;
var PartitionedValues = class {
  size;
  cells;
  #low;
  #scale;
  /** Cell by cell, in order; inside of a cell as they came, until it is sorted. */
  #values;
  /** Number of values before each cell. */
  #starts;
  #sorted;
  #ranks;
  /** @param values finite, in any order; they are not changed */
  constructor(values) {
    this.size = values.length;
    const [low, high] = middle(values);
    this.cells = Math.min(CELLS_MAX, Math.max(1, Math.floor(values.length / VALUES_PER_CELL))) + 2;
    this.#low = low;
    this.#scale = high > low && Number.isFinite(high - low) ? (this.cells - 2) / (high - low) : 0;
    this.#sorted = new Uint8Array(this.cells);
    [this.#starts, this.#values] = lay(values, low, this.#scale, this.cells);
  }
  /** The cell that a number belongs to: never a later one than that of a larger number. */
  cellOf(value) {
    return cellAt((value - this.#low) * this.#scale, this.cells);
  }
  /** Number of values before a cell. */
  start(cell) {
    return this.#starts[cell];
  }
  /** The values of a cell, ascending. */
  sortedCell(cell) {
    const values = this.#values.subarray(this.#starts[cell], this.#starts[cell + 1]);
    if (this.#sorted[cell] === 0) {
      values.sort();
      this.#sorted[cell] = 1;
    }
    return values;
  }
  /** Number of values smaller than `limit`. */
  below(limit) {
    return this.#count(limit, (value) => value < limit);
  }
  /** Number of values up to `limit`. */
  through(limit) {
    return this.#count(limit, (value) => value <= limit);
  }
  /** Everything, sorted. */
  ranks() {
    if (this.#ranks === void 0) {
      for (let cell = 0; cell < this.cells; cell++) this.sortedCell(cell);
      this.#ranks = ranksOf(this.#values);
    }
    return this.#ranks;
  }
  #count(limit, isBefore) {
    const cell = this.cellOf(limit);
    const values = this.sortedCell(cell);
    let low = 0;
    let high = values.length;
    while (low < high) {
      const at = low + high >>> 1;
      if (isBefore(values[at])) low = at + 1;
      else high = at;
    }
    return this.#starts[cell] + low;
  }
};
function cellAt(place, cells) {
  return place < 0 ? 0 : place >= cells - 2 ? cells - 1 : (place | 0) + 1;
}
function middle(values) {
  const step = Math.max(1, Math.floor(values.length / 1024));
  const sample = new Float64Array(Math.ceil(values.length / step));
  for (let index = 0; index < sample.length; index++) sample[index] = values[index * step];
  sample.sort();
  const cut = Math.floor(sample.length / 512);
  return [sample[cut] ?? 0, sample[sample.length - 1 - cut] ?? 0];
}
function lay(values, low, scale, cells) {
  const last = cells - 2;
  const starts = new Uint32Array(cells + 1);
  for (let index = 0; index < values.length; index++) {
    const place = (values[index] - low) * scale;
    starts[(place < 0 ? 0 : place >= last ? last + 1 : (place | 0) + 1) + 1]++;
  }
  for (let cell = 0; cell < cells; cell++) starts[cell + 1] += starts[cell];
  const next = starts.slice(0, cells);
  const laid = new Float64Array(values.length);
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    const place = (value - low) * scale;
    laid[next[place < 0 ? 0 : place >= last ? last + 1 : (place | 0) + 1]++] = value;
  }
  return [starts, laid];
}

// src/data/reference-values.ts
var MAGIC = Buffer.from("PRNLREF1", "latin1");

// src/data/number-columns.ts
var VALUES_AT_ONCE = 8 * 1024 * 1024;
function samplingStep(rows) {
  return rows <= DATA_LIMITS.orderedValuesMax ? 1 : Math.ceil(rows / DATA_LIMITS.orderedSampleRows);
}
async function* numbersOf(db, table, expressions, rows) {
  const step = samplingStep(rows);
  const length = Math.ceil(rows / step);
  const width = Math.max(1, Math.floor(VALUES_AT_ONCE / Math.max(1, length)));
  for (let start = 0; start < expressions.length; start += width) {
    const part = expressions.slice(start, start + width);
    const read = part.map(() => new Reading(length));
    for await (const { columns } of db.doubles(queryOf(table, part, step))) columns.forEach((values, index) => read[index].add(values));
    for (const [index, one] of read.entries()) yield { index: start + index, values: one.finish() };
  }
}
function queryOf(table, expressions, step) {
  const list = expressions.map((sql, index) => `coalesce(CAST(${sql} AS DOUBLE), CAST('nan' AS DOUBLE)) AS v${index}`).join(", ");
  if (step === 1) return `SELECT ${list} FROM ${table}`;
  return `SELECT ${expressions.map((_, index) => `v${index}`).join(", ")} FROM (SELECT ${list}, row_number() OVER () AS place FROM ${table}) WHERE place % ${step} = ${Math.ceil(step / 2) % step}`;
}
var Reading = class {
  #values;
  #kept = 0;
  #missing = 0;
  #infinite = 0;
  constructor(rows) {
    this.#values = new Float64Array(rows);
  }
  add(values) {
    let kept2 = this.#kept;
    const target = this.#values;
    for (let index = 0; index < values.length; index++) {
      const value = values[index];
      if (value - value === 0) target[kept2++] = value;
      else if (value === value) this.#infinite++;
      else this.#missing++;
    }
    this.#kept = kept2;
  }
  finish() {
    return { finite: this.#values.subarray(0, this.#kept), missing: this.#missing, infinite: this.#infinite, rows: this.#kept + this.#missing + this.#infinite };
  }
};

// src/data/profile.ts
var QUANTILES = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];
async function describeTable(db, table, columns) {
  const measures = columns.flatMap((column) => [`count(${column.sql})`, ...column.type === "image" ? [`count(DISTINCT md5(${column.sql}))`] : []]);
  const [rows, ...totals] = await measureAll(db, ["count(*)", ...measures], table);
  const bases = /* @__PURE__ */ new Map();
  for (const { name, type } of columns) {
    const count = totals.shift();
    bases.set(name, { name, type, count, missing: rows - count, distinct: type === "image" ? totals.shift() : 0 });
  }
  const found = /* @__PURE__ */ new Map();
  const reference = [];
  const numeric = columns.filter(({ type }) => type === "number" || type === "integer" || type === "timestamp");
  const kept2 = Math.max(DATA_LIMITS.profileSampleMax, Math.min(DATA_LIMITS.referenceValuesMax, Math.floor(DATA_LIMITS.referenceValuesInAll / Math.max(1, numeric.length))));
  const all = numeric.map(({ name, type, sql }) => ({ name, sql: type === "timestamp" ? `epoch_ms(${sql})` : sql }));
  const moments = samplingStep(rows) === 1 ? void 0 : await momentsOf(db, table, all.map(({ sql }) => sql));
  for await (const { index, values } of numbersOf(db, table, all.map(({ sql }) => sql), rows)) {
    const { name } = all[index];
    const ranks = new PartitionedValues(values.finite).ranks();
    const whole = moments?.[index] ?? momentsOfRanks(ranks);
    const base = bases.get(name);
    if (whole.count === 0 || ranks.size === 0) {
      found.set(name, base);
      continue;
    }
    found.set(name, { ...base, distinct: ranks.values.length + (base.count > whole.count ? 1 : 0), number: numberProfile(ranks, whole) });
    if (whole.count > DATA_LIMITS.profileSampleMax) reference.push({ kind: "number", name, ranks: thinned(ranks, kept2), deviation: whole.std, of: whole.count });
  }
  for (const column of columns) {
    if (column.type !== "string" && column.type !== "boolean") continue;
    const { distinct, categories, further } = await categoriesOf(db, table, column.sql, bases.get(column.name));
    const many = column.type === "string" && distinct > DATA_LIMITS.profileCategoriesMax;
    found.set(column.name, { ...bases.get(column.name), distinct, ...categories === void 0 ? {} : { categories }, ...many ? { texts: await texts(db, table, column.sql) } : {} });
    if (further !== void 0) reference.push({ kind: "category", name: column.name, ...further });
  }
  return { profile: { formatVersion: 1, rows, columns: columns.map(({ name }) => found.get(name) ?? bases.get(name)) }, reference };
}
var TEXT_LOOKED_AT = 2e3;
async function texts(db, table, value) {
  const rows = await db.rows(`SELECT v FROM (SELECT DISTINCT ${value} AS v FROM ${table} WHERE ${value} IS NOT NULL) ORDER BY md5(v), v LIMIT ${DATA_LIMITS.profileTextsMax}`);
  return textShape(rows.map(([text]) => String(text).slice(0, TEXT_LOOKED_AT)));
}
function numberProfile(ranks, { count, min, max, mean, std }) {
  const at = (place) => ranks.values[indexAt(ranks, place)];
  const quantile = (q) => interpolate(at, q * (ranks.size - 1));
  const bins = DATA_LIMITS.profileBins;
  const distinct = [...new Set(Array.from({ length: bins + 1 }, (_, index) => index === 0 ? min : index === bins ? max : quantile(index / bins)))];
  const edges = distinct.length === 1 ? [distinct[0], distinct[0]] : distinct;
  const below = [0, ...edges.slice(1, -1).map((edge) => countBelow(ranks, edge)), ranks.size];
  const sampled = Math.min(ranks.size, DATA_LIMITS.profileSampleMax);
  return {
    min,
    max,
    mean,
    std,
    quantiles: Object.fromEntries(QUANTILES.map((q) => [String(q), quantile(q)])),
    edges,
    counts: below.slice(1).map((end, index) => Math.round((end - below[index]) * count / ranks.size)),
    sample: Array.from({ length: sampled }, (_, index) => at(sampled === 1 ? 0 : Math.floor(index * (ranks.size - 1) / (sampled - 1))))
  };
}
function interpolate(at, place) {
  const low = Math.floor(place);
  const share = place - low;
  return share === 0 ? at(low) : at(low) * (1 - share) + at(low + 1) * share;
}
function countBelow(ranks, limit) {
  const index = firstAtLeast(ranks.values, limit);
  return index === ranks.values.length ? ranks.size : ranks.below[index];
}
function momentsOfRanks(ranks) {
  const { values, below, through, size } = ranks;
  if (size === 0) return { count: 0, min: NaN, max: NaN, mean: NaN, std: NaN };
  const [min, max] = [values[0], values.at(-1)];
  const unit = Math.max(Math.abs(min), Math.abs(max)) < SQUARABLE ? 1 : 1e170;
  let sum = 0;
  let lost = 0;
  for (let index = 0; index < values.length; index++) {
    const next = values[index] / unit * (through[index] - below[index]) - lost;
    const total = sum + next;
    lost = total - sum - next;
    sum = total;
  }
  const scaled = unit === 1 ? ranks : { ...ranks, values: values.map((value) => value / unit) };
  return { count: size, min, max, mean: sum / size * unit, std: deviationOf(scaled) * unit };
}
var NAME_CHARS_MAX = 200;
async function categoriesOf(db, table, value, { count }) {
  const inMost = DATA_LIMITS.profileCategoriesMax;
  await db.run(`CREATE OR REPLACE TEMP TABLE profile_groups AS SELECT CAST(${value} AS VARCHAR) AS v, count(*) AS n FROM ${table} WHERE ${value} IS NOT NULL GROUP BY ALL`);
  try {
    const [distinct] = await measureAll(db, ["count(*)"], "profile_groups");
    const most = distinct > inMost && distinct > count / 2 ? inMost : DATA_LIMITS.referenceCategoriesMax;
    const rows = (await db.rows(`SELECT v, n FROM profile_groups ORDER BY n DESC, v LIMIT ${most}`)).map(([name, n]) => [String(name), Number(n)]);
    const kept2 = rows.slice(0, inMost);
    if (kept2.some(([name]) => name.length > NAME_CHARS_MAX)) return { distinct };
    const categories = { counts: Object.fromEntries(kept2), other: count - sumOf(kept2) };
    if (rows.length === kept2.length) return { distinct, categories };
    let chars = 0;
    const listed = rows.filter(([name]) => (chars += name.length) <= DATA_LIMITS.referenceCategoryCharsMax);
    return { distinct, categories, further: { counts: new Map(listed), other: count - sumOf(listed) } };
  } finally {
    await db.run("DROP TABLE profile_groups");
  }
}
var sumOf = (rows) => rows.reduce((sum, [, n]) => sum + n, 0);

// src/data/ingest/row-digests.ts
import { createWriteStream as createWriteStream2 } from "node:fs";
import { once } from "node:events";
async function writeDigests(db, query, path) {
  const stream = createWriteStream2(path);
  await once(stream, "open");
  for await (const { rows, columns: [digests] } of db.typedChunks(query)) {
    const bytes = Buffer.from(digests.bytes.subarray(0, rows * DIGEST_BYTES));
    if (!stream.write(bytes)) await once(stream, "drain");
  }
  stream.end();
  await once(stream, "close");
}

// src/data/ingest/ingest.ts
var DICTIONARY_MAX = 1e3;
async function writeParquet(db, query, path, groupRows) {
  await db.run(`COPY (${query}) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd, DICTIONARY_SIZE_LIMIT ${DICTIONARY_MAX}, ROW_GROUP_SIZE ${groupRows})`);
}

// ../../tmp/prof.ts
process.env.PERENNIAL_HOME = "/tmp/wide-home";
await withDatabase(async (db) => {
  const c0 = () => {
    const d = process.cpuUsage();
    return (d.user + d.system) / 1e3;
  };
  let cc = c0();
  const timed = { ...db, async run(sql) {
    const s2 = performance.now();
    await db.run(sql);
    if (performance.now() - s2 > 300) console.log("  run", (performance.now() - s2).toFixed(0), sql.slice(0, 140).replace(/\n/g, " "));
  }, async rows(sql) {
    const s2 = performance.now();
    const r = await db.rows(sql);
    if (performance.now() - s2 > 300) console.log("  rows", (performance.now() - s2).toFixed(0), sql.slice(0, 140).replace(/\n/g, " "));
    return r;
  } };
  let s = performance.now();
  const lap = (n) => {
    console.log(n, "cpu", (c0() - cc).toFixed(0), (performance.now() - s).toFixed(0), Math.round(process.memoryUsage().rss / 1e6), "MB");
    s = performance.now();
    cc = c0();
  };
  const t = await readTables({ db: timed, config: { source: { format: "csv", path: "x.csv" }, label: "label", split: { by: "hash", stratify: true } }, files: [{ path: "/tmp/peers/work/w7/in-5000000.csv", name: "x.csv", size: 337785083, stamp: "" }], nominalTime: "2024-01-01T00:00:00Z", workDir: "/tmp", documentDir: "/tmp" });
  lap("readTables");
  for (const split of ["train", "validation", "test"]) {
    await writeParquet(timed, `SELECT ${t.columns.map((c) => c.id).join(", ")} FROM rows WHERE split = '${split}'`, `/tmp/p-${split}.parquet`, 122880);
    lap("parquet " + split);
    await writeDigests(db, `SELECT digest FROM rows WHERE split = '${split}'`, "/tmp/p.digests");
    lap("digests");
  }
  await describeTable(timed, `(SELECT * FROM rows WHERE split = 'train')`, t.columns.map((c) => ({ name: c.name, type: c.type, sql: c.id })));
  lap("profile");
});
