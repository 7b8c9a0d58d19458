/** A vector times a matrix, and a matrix times a vector: the same thing, for what is a vector lies in memory alike either way. */
import type { ModuleBuilder } from '../assembler/module.js';
import { defineDots } from './dot.js';
import type { Emitted, Product, VectorProduct } from './product.js';
import { defineSums } from './sums.js';

/** Where m or n is 1. */
export function defineVector(module: ModuleBuilder, name: string, product: Product): Emitted {
  const { lanes, m, k, n, transposeA, transposeB } = product;
  const matrix = n === 1 ? 'a' : 'b';
  const vector: VectorProduct = { lanes, k, length: n === 1 ? m : n, matrix };
  const alongRows = matrix === 'a' ? !transposeA : transposeB;
  return alongRows || vector.length === 1 ? defineDots(module, name, vector) : defineSums(module, name, vector);
}
