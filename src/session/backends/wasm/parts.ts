/** What the plans of one module share: what they import, functions that several call, and places that may fail. */
import type { Operation } from '../../../graph/operation.js';
import type { FunctionRef } from './assembler/code.js';
import { ModuleBuilder } from './assembler/module.js';
import type { EntryImports } from './entry.js';
import { IntLibrary } from './int-library.js';
import { MathLibrary } from './math/library.js';
import type { MatMulEmitted } from './matmul/matmul.js';
import type { Libraries } from './scalar-ops.js';

/** Where compiled code may fail. */
export interface Site {
  readonly op: Operation;
  /** The operations that call the function it belongs to, innermost first. */
  readonly callers: readonly Operation[];
  /** null for an integer division by zero. */
  readonly bound: { readonly what: string; readonly size: number } | null;
  /** The step of its plan that it is in. */
  readonly step: number;
}

/** What a session does in a run. */
export interface HostImports extends EntryImports {
  /** (step): runs a step on the host. */
  readonly host: FunctionRef;
}

export class ModuleParts {
  readonly module = new ModuleBuilder();
  readonly sites: Site[] = [];
  /** Functions of products by what they multiply. */
  readonly products = new Map<string, MatMulEmitted>();
  /** Null where no session takes part in runs. */
  readonly hosted: HostImports | null;
  readonly place: FunctionRef;
  readonly fail: FunctionRef;
  readonly libraries: Libraries;

  constructor(isHosted: boolean) {
    const take = (name: string, params: readonly ('i32' | 'f64')[]): FunctionRef =>
      this.module.importFunction('env', name, { params, results: [] });
    this.hosted = isHosted
      ? { host: take('host', ['i32']), poll: take('poll', ['i32']), share: take('share', ['i32', 'i32']) }
      : null;
    this.place = take('place', ['i32']);
    this.fail = take('fail', ['i32', 'f64']);
    const divide = take('divide', ['i32']);
    this.libraries = { math: new MathLibrary(this.module), ints: new IntLibrary(this.module, divide), isHot: false };
  }
}
