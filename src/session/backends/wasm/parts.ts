/** What the plans of one module share: functions that several call, and places that may fail. */
import type { Operation } from '../../../graph/operation.js';
import type { FunctionRef } from './assembler/code.js';
import { ModuleBuilder } from './assembler/module.js';
import type { Libraries } from './scalar-ops.js';
import { IntLibrary } from './int-library.js';
import { MathLibrary } from './math/library.js';
import { defineMatMul, type MatMulEmitted, type MatMulSpec } from './matmul/matmul.js';

/** Where compiled code may fail. */
export interface Site {
  readonly op: Operation;
  /** null for an integer division by zero. */
  readonly bound: { readonly what: string; readonly size: number } | null;
  /** The step of its plan that it is in. */
  readonly step: number;
}

export interface EmitOptions {
  /** Whether products may use relaxed SIMD's fused multiply-add. */
  readonly relaxed: boolean;
  /** Whether JavaScript takes part in a run: runs host steps, hears of assignments, and watches the time. */
  readonly hosted: boolean;
}

export interface HostFunctions {
  readonly host: FunctionRef;
  readonly assigned: FunctionRef;
  readonly poll: FunctionRef;
}

export class ModuleParts {
  readonly module = new ModuleBuilder();
  readonly sites: Site[] = [];
  readonly hosted: HostFunctions | null;
  readonly place: FunctionRef;
  readonly fail: FunctionRef;
  readonly libraries: Libraries;
  readonly #relaxed: boolean;
  readonly #products = new Map<string, MatMulEmitted>();

  constructor({ relaxed, hosted }: EmitOptions) {
    const { module } = this;
    const imported = (name: string): FunctionRef =>
      module.importFunction('env', name, { params: ['i32'], results: [] });
    this.#relaxed = relaxed;
    this.hosted = hosted ? { host: imported('host'), assigned: imported('assigned'), poll: imported('poll') } : null;
    this.place = imported('place');
    this.fail = module.importFunction('env', 'fail', { params: ['i32', 'f64'], results: [] });
    this.libraries = { math: new MathLibrary(module), ints: new IntLibrary(module, imported('divide')) };
  }

  /** One function for all products alike. */
  product(spec: Omit<MatMulSpec, 'relaxed'>): MatMulEmitted {
    const { dtype, m, k, n, transposeA, transposeB } = spec;
    const key = [dtype, m, k, n, transposeA, transposeB].join();
    let product = this.#products.get(key);
    if (!product) {
      product = defineMatMul(this.module, { ...spec, relaxed: this.#relaxed });
      this.#products.set(key, product);
    }
    return product;
  }
}
