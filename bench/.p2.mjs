import{createRequire}from'node:module';const require=createRequire(import.meta.url);
var __require = /* @__PURE__ */ ((x) => typeof require !== "undefined" ? require : typeof Proxy !== "undefined" ? new Proxy(x, {
  get: (a, b) => (typeof require !== "undefined" ? require : a)[b]
}) : x)(function(x) {
  if (typeof require !== "undefined") return require.apply(this, arguments);
  throw Error('Dynamic require of "' + x + '" is not supported');
});

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

// src/data/duckdb.ts
var instance;
async function open() {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const temporary = join2(perennialHome(), "tmp", `duckdb-${process.pid}`);
  mkdirSync(join2(perennialHome(), "tmp"), { recursive: true });
  return DuckDBInstance.create(":memory:", {
    memory_limit: DATA_LIMITS.duckdbMemory,
    threads: String(DATA_LIMITS.duckdbThreads),
    temp_directory: temporary,
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false"
  });
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

// src/data/reading/digest.ts
import { createHash } from "node:crypto";
var MASK = "4294967295";
var FACTOR_MAX = 1n << 60n;
function shareSql(digest, purpose) {
  const salted = `xor(${digest}, CAST(${saltOf(purpose)} AS UBIGINT))`;
  const mixed = [FIRST, shifted(29), SECOND, shifted(32)].reduce((value, round) => round(`(${value})`), salted);
  return `(CAST(${mixed} & 281474976710655 AS DOUBLE) / 281474976710656.0)`;
}
var halves = (low, high) => (value) => `xor((${value} & ${MASK}) * ${low}, (${value} >> 32) * ${high} + 374761393)`;
var shifted = (bits) => (value) => `xor(${value}, ${value} >> ${bits})`;
var FIRST = halves("2654435761", "2246822519");
var SECOND = halves("3266489917", "4283543511");
function saltOf(text) {
  return createHash("sha256").update(text).digest().readBigUInt64LE(0).toString();
}

// ../../tmp/p5.ts
await withDatabase(async (db) => {
  const time = async (n2, sql) => {
    const s2 = performance.now();
    const c = process.cpuUsage();
    await db.run(sql);
    const d = process.cpuUsage(c);
    console.log(n2, (performance.now() - s2).toFixed(0), "cpu", ((d.user + d.system) / 1e3).toFixed(0), Math.round(process.memoryUsage().rss / 1e6));
  };
  await time("make", `CREATE TEMP TABLE data AS SELECT random() AS a, random() AS b, random() AS c, random() AS d, random() AS e, 'c' || CAST(random()*30 AS BIGINT) AS f, CAST(random() * 9007199254740991 AS UBIGINT) AS digest FROM range(5000000)`);
  const u = shareSql("digest", "split 1");
  const choice = `CASE WHEN u < 0.7 THEN 'train' WHEN u < 0.85 THEN 'validation' ELSE 'test' END`;
  await time("share filter", `SELECT sum(a) FROM (SELECT *, ${choice} AS split FROM (SELECT *, ${u} AS u FROM data)) WHERE split = 'train'`);
  await time("share filter star", `SELECT sum(a), sum(b), max(f) FROM (SELECT *, ${choice} AS split FROM (SELECT *, ${u} AS u, rowid AS r, rowid AS p FROM data)) WHERE split = 'train'`);
  await time("alter", `ALTER TABLE data ADD COLUMN split ENUM('train', 'validation', 'test')`);
  await time("update", `UPDATE data SET split = ${choice.replaceAll("u <", `${u} <`)}`);
  await time("filter", `SELECT sum(a), sum(b), max(f) FROM data WHERE split = 'train'`);
  await time("group", `SELECT f, count(*) FROM data WHERE split = 'train' GROUP BY 1`);
  await time("count", `SELECT split, count(*) FROM data GROUP BY 1`);
  for (const [n2, o] of Object.entries({ now: "COMPRESSION zstd", dict: "COMPRESSION zstd, DICTIONARY_SIZE_LIMIT 1000", level1: "COMPRESSION zstd, COMPRESSION_LEVEL 1, DICTIONARY_SIZE_LIMIT 1000", levelm1: "COMPRESSION zstd, COMPRESSION_LEVEL -1, DICTIONARY_SIZE_LIMIT 1000", lz4: "COMPRESSION lz4_raw, DICTIONARY_SIZE_LIMIT 1000", snappy: "COMPRESSION snappy, DICTIONARY_SIZE_LIMIT 1000", un: "COMPRESSION uncompressed, DICTIONARY_SIZE_LIMIT 1000" })) {
    await time("parquet " + n2, `COPY (SELECT a, b, c, d, e, f FROM data WHERE split = 'train') TO '/tmp/x.parquet' (FORMAT parquet, ROW_GROUP_SIZE 122880, ${o})`);
    console.log(__require("fs").statSync("/tmp/x.parquet").size);
  }
  const s = performance.now();
  let n = 0;
  for await (const { rows, columns } of db.typedChunks("SELECT digest, split FROM data")) {
    n += rows;
    void columns;
  }
  console.log("stream", performance.now() - s, n);
});
