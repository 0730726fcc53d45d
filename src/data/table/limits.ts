/** Limits of the data domain, with units and reasons. */
export const DATA_LIMITS = {
  /** DuckDB spills to disk above this: a worker shares its machine with a trainer. */
  duckdbMemory: '1GB',
  duckdbThreads: 2,
  /** Bytes of one shard of examples: small enough to stream, large enough that a store is not flooded with objects. */
  shardBytesMax: 64 * 1024 * 1024,
  /** Bytes of a split that one reader keeps in memory; larger splits are read from their shards. */
  shardCacheBytesMax: 256 * 1024 * 1024,
  /** Values from which a median or quantile is computed exactly; beyond it a seeded reservoir of this size stands in. */
  exactQuantileValuesMax: 1_048_576,
  /** Sorted values per numeric column in profile.json; of more, what drift is compared with lies in reference.bin. */
  profileSampleMax: 2_000,
  /** Most frequent values per column in profile.json; further ones lie in reference.bin. */
  profileCategoriesMax: 50,
  /** Different texts of a column that a profile looks at to tell language from names of things. */
  profileTextsMax: 300,
  /**
   * Values of a column whose order is looked at, in the data of a training and in the rows that are compared with them; of more, every so
   * many rows.
   */
  orderedValuesMax: 1_048_576,
  /**
   * Rows that are looked at of more than that: p-values hardly change beyond, and a profile must not hold up the reading of millions of
   * rows.
   */
  orderedSampleRows: 262_144,
  /** Distinct values per numeric column in reference.bin, with the numbers of rows up to each: half a MiB to one. */
  referenceValuesMax: 65_536,
  /** Distinct values of all columns together: the file stays below 64 MiB however many columns there are. */
  referenceValuesInAll: 4_194_304,
  /** Categories per column in reference.bin: of these it is known whether one is new. */
  referenceCategoriesMax: 20_000,
  /** Characters of the categories of a column in reference.bin. */
  referenceCategoryCharsMax: 2_000_000,
  profileBins: 10,
  /** Distinct categories of a column that are counted to find the most frequent ones. */
  categoriesCountedMax: 1_000_000,
  /** Categories that one-hot encoding makes columns of, unless the document says otherwise. */
  oneHotCategoriesMax: 1_000,
  /** Bytes of a source that `plan` fits for real; of a larger one it takes a sample of `previewRowsMax` rows. */
  previewBytesMax: 4 * 1024 * 1024,
  previewRowsMax: 2_000,
  /** Bytes of one line or JSON value of a text source. */
  lineBytesMax: 16 * 1024 * 1024,
  /** Integers beyond this are identifiers, not quantities, and cannot be held by a JSON number. */
  integerMax: Number.MAX_SAFE_INTEGER,
  /**
   * Bytes of a text source that a thread holds: at least a line. DuckDB's own choice of sixteen lines would fill the memory that it may
   * use.
   */
  textBufferBytes: 32 * 1024 * 1024,
  /** A packed file that unpacks to more than this and more than so many times its size is a bomb. */
  unpackedBytesMin: 256 * 1024 * 1024,
  unpackedRatioMax: 300,
  /** Rows from which types are supposed first; the supposition is then proved on all rows. */
  sampleRows: 20_480,
  /** Rows of the test split that are kept as the source had them, for the check before a version is registered. */
  rawRowsMax: 200,
  /** They are looked for among so many first rows: a large source is not read once more for them. */
  rawRowsFromFirst: 20_480,
  /** Bytes of texts of all kept rows together. */
  rawRowsBytesMax: 8 * 1024 * 1024,
  /** Bytes from which the layout of a text file is found. */
  headBytes: 1 << 20,
  /** Bytes of one file of an image. */
  imageBytesMax: 64 * 1024 * 1024,
  /** Images of a column that `plan` opens. */
  previewImagesMax: 64,
  /** Pixels of one decoded image: a guard against decompression bombs. */
  imagePixelsMax: 64 * 1024 * 1024,
} as const;
