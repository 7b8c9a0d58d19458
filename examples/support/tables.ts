/** Reading the example data, and the little linear algebra the examples compare with. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import Papa from 'papaparse';

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly number[])[];
}

/** A CSV file of numbers from `examples/data`, gzipped where its name ends in `.gz`, with a header line unless told otherwise. */
export function readTable(file: string, options: { readonly header: boolean } = { header: true }): Table {
  const bytes = readFileSync(new URL(`../data/${file}`, import.meta.url));
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  const { data, errors } = Papa.parse<string[]>(text.trim(), { skipEmptyLines: true });
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]!.message}`);
  const columns = options.header ? data[0]! : data[0]!.map((_, i) => `c${i}`);
  const rows = data.slice(options.header ? 1 : 0).map((row) => row.map(Number));
  return { columns, rows };
}

/** Every column with mean 0 and standard deviation 1. */
export function standardize(rows: readonly (readonly number[])[]): number[][] {
  const n = rows.length;
  const means = rows[0]!.map((_, j) => rows.reduce((sum, row) => sum + row[j]!, 0) / n);
  const deviations = means.map((mean, j) => Math.sqrt(rows.reduce((sum, row) => sum + (row[j]! - mean) ** 2, 0) / n));
  return rows.map((row) => row.map((value, j) => (value - means[j]!) / deviations[j]!));
}

/** The x that minimises |A x - b|², from the normal equations by Gaussian elimination with pivoting. */
export function solveLeastSquares(a: readonly (readonly number[])[], b: readonly number[]): number[] {
  const k = a[0]!.length;
  const system = Array.from({ length: k }, (_, i) => [
    ...Array.from({ length: k }, (_, j) => a.reduce((sum, row) => sum + row[i]! * row[j]!, 0)),
    a.reduce((sum, row, r) => sum + row[i]! * b[r]!, 0),
  ]);
  for (let i = 0; i < k; i++) {
    const pivot = system
      .slice(i)
      .reduce((best, row, r) => (Math.abs(row[i]!) > Math.abs(system[best]![i]!) ? i + r : best), i);
    [system[i], system[pivot]] = [system[pivot]!, system[i]!];
    for (let r = i + 1; r < k; r++) {
      const factor = system[r]![i]! / system[i]![i]!;
      for (let c = i; c <= k; c++) system[r]![c]! -= factor * system[i]![c]!;
    }
  }
  const x = new Array<number>(k).fill(0);
  for (let i = k - 1; i >= 0; i--) {
    const known = x.reduce((sum, value, j) => (j > i ? sum + system[i]![j]! * value : sum), 0);
    x[i] = (system[i]![k]! - known) / system[i]![i]!;
  }
  return x;
}
