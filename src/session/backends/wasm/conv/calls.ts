/** Calls of convolutions. */
import type { ModuleBuilder } from '../assembler/module.js';
import type { MatMulDType } from '../matmul/lanes.js';
import { storageOf, type ProductOptions } from '../products.js';
import type { ConvolutionStep, Value } from '../program.js';
import type { Ranged, ScratchPlace } from '../ranges.js';
import { defineConvolution, type ConvolutionEmitted } from './convolution.js';

/** Operations below which a convolution stays on one thread. */
const fewOperations = 1 << 20;
/** Each part packs the filter, or copies rows, for itself. */
const fewRows = 32;
/** Rows that ranges had better begin at multiples of. */
const tile = 4;

/** A function for a convolution step; equal ones share it. */
export class Convolutions {
  readonly #of = new Map<ConvolutionStep, ConvolutionEmitted>();

  constructor(module: ModuleBuilder, steps: readonly ConvolutionStep[], options: ProductOptions) {
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

  /** Bytes of scratch for a thread. */
  get scratch(): number {
    return Math.max(0, ...[...this.#of.values()].map(({ scratch }) => scratch));
  }

  work(step: ConvolutionStep, scratch: ScratchPlace, address: (of: ReturnType<typeof storageOf>) => number): Ranged {
    const { fn, rows, operations } = this.#of.get(step)!;
    const operands = [step.a, step.b, step.out].map((value: Value) => address(storageOf(value)));
    return {
      fn,
      operands: [...operands, scratch.address],
      scratch: { operand: 3, bytes: scratch.bytes },
      extent: rows,
      grain: 1,
      tile,
      least: fewRows,
      worth: operations / fewOperations,
    };
  }
}
