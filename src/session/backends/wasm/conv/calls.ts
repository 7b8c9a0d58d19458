/** Calls of convolutions. */
import type { ModuleBuilder } from '../assembler/module.js';
import { serial, splitIn, type Call } from '../entry.js';
import type { MatMulDType } from '../matmul/lanes.js';
import { storageOf, type ProductOptions } from '../products.js';
import type { ConvolutionStep, Value } from '../program.js';
import { defineConvolution, type ConvolutionEmitted } from './convolution.js';

/** Operations below which a convolution stays on one thread. */
const fewOperations = 1 << 20;

/** A function for a convolution step; equal ones share it. */
export class Convolutions {
  readonly #options: ProductOptions;
  readonly #of = new Map<ConvolutionStep, ConvolutionEmitted>();

  constructor(module: ModuleBuilder, steps: readonly ConvolutionStep[], options: ProductOptions) {
    this.#options = options;
    const defined = new Map<string, ConvolutionEmitted>();
    for (const step of steps) {
      const { convolution, out } = step;
      const key = `${out.dtype} ${JSON.stringify(convolution)}`;
      let emitted = defined.get(key);
      if (!emitted) {
        const name = `convolution${defined.size}`;
        emitted = defineConvolution(module, name, convolution, out.dtype as MatMulDType, options.relaxed);
        defined.set(key, emitted);
      }
      this.#of.set(step, emitted);
    }
  }

  /** Bytes of scratch for all threads. */
  get scratch(): number {
    return Math.max(0, ...[...this.#of.values()].map(({ scratch }) => scratch)) * this.#options.threads;
  }

  /** `scratch`: where it begins. */
  call(step: ConvolutionStep, scratch: number, address: (of: ReturnType<typeof storageOf>) => number): Call {
    const { fn, scratch: bytes, rows, operations } = this.#of.get(step)!;
    const { threads } = this.#options;
    const operands = [step.a, step.b, step.out].map((value: Value) => address(storageOf(value)));
    if (threads === 1 || operations < fewOperations) return serial(fn, [...operands, scratch, 0, rows]);
    // Each part packs the filter, or copies rows, for itself.
    const split = splitIn(2 * threads, rows, 4);
    return { fn, operands: [...operands, scratch], split: { ...split, scratch: { operand: 3, bytes } } };
  }
}
