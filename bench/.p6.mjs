import { DuckDBInstance, DuckDBScalarFunction, DOUBLE, UBIGINT } from '@duckdb/node-api';
const inst = await DuckDBInstance.create(':memory:', { threads: '2' });
const c = await inst.connect();
let calls = 0;
const fn = DuckDBScalarFunction.create({ name: 'digest9', returnType: UBIGINT, parameterTypes: [DOUBLE, DOUBLE, DOUBLE, DOUBLE, DOUBLE, DOUBLE, DOUBLE, UBIGINT, UBIGINT], specialHandling: true, mainFunction(info, chunk, out) {
  calls++;
  const n = chunk.rowCount;
  const o = new Uint32Array(out.items.buffer, out.items.byteOffset, n * 2);
  o.fill(0);
  for (let k = 0; k < chunk.columnCount; k++) {
    const v = chunk.getColumnVector(k);
    const x = new Uint32Array(v.items.buffer, v.items.byteOffset, n * 2);
    for (let i = 0; i < 2 * n; i += 2) {
      let a = Math.imul(x[i] ^ 0x9e3779b9, 0x85ebca6b + k) ; let b = Math.imul(x[i + 1] ^ a, 0xc2b2ae35);
      a = Math.imul(a ^ (a >>> 15) ^ b, 0x27d4eb2f); b ^= a >>> 13;
      o[i] ^= a; o[i + 1] ^= b;
    }
  }
  out.flush?.();
} });
c.registerScalarFunction(fn);
await c.run(`CREATE TEMP TABLE t AS SELECT random() AS x, 'c' || CAST(random()*30 AS BIGINT) AS c FROM range(2000000)`);
const time = async (n, sql) => { const s = performance.now(); const cp = process.cpuUsage(); const r = await c.runAndReadAll(sql); const d = process.cpuUsage(cp); console.log(n, (performance.now() - s).toFixed(0), 'cpu', ((d.user + d.system) / 1000).toFixed(0), Math.round(process.memoryUsage().rss / 1e6), String(r.getRows()[0]), calls); };
for (let i = 0; i < 4; i++) await time('udf', `SELECT max(digest9(x, x+1, x+2, x+3, x+4,x+5,x+6, CAST(strlen(c) AS UBIGINT), CAST(rowid AS UBIGINT))) FROM t`);
await time('base', `SELECT max(x+ x+1+ x+2+ x+3+ x+4+x+5+x+6+ CAST(strlen(c) AS UBIGINT) +CAST(rowid AS UBIGINT)) FROM t`);
await time('enc', `SELECT max(CASE WHEN strlen(c) BETWEEN 1 AND 8 THEN xor(CAST(CAST(encode(c) AS BIT) AS UBIGINT), CAST(strlen(c) AS UBIGINT)) ELSE md5_number_lower(c) END) FROM t`);
