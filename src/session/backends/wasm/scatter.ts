/** Adds rows up at places that data says: all indices are checked first, then rows are added in their order. */
import { sizeOf, stridesOf } from '../../../graph/shape.js';
import type { Code, FunctionRef, Local } from './assembler/code.js';
import type { ModuleParts } from './parts.js';
import type { ScatterStep, Value } from './program.js';
import { bytesOf, scalarBinary, scalarLoad, scalarStore, scalarType } from './scalar-ops.js';
import { vectorBinary, vectorLoad, vectorStore, type Lanes } from './vector-ops.js';

/** A function without parameters. `step`: its number in the plan. */
export function defineScatter(
  parts: ModuleParts,
  name: string,
  scatter: ScatterStep,
  step: number,
  address: (of: Value) => number,
): FunctionRef {
  return parts.module.define(name, { params: [], results: [] }, (code) => {
    new ScatterEmitter(parts, code, scatter, address).emit(step);
  });
}

class ScatterEmitter {
  readonly #parts: ModuleParts;
  readonly #code: Code;
  readonly #step: ScatterStep;
  readonly #address: (of: Value) => number;
  readonly #row: Local;
  readonly #place: Local;

  constructor(parts: ModuleParts, code: Code, step: ScatterStep, address: (of: Value) => number) {
    this.#parts = parts;
    this.#code = code;
    this.#step = step;
    this.#address = address;
    this.#row = code.local('i32');
    this.#place = code.local('i32');
  }

  emit(step: number): void {
    const { indices } = this.#step;
    if (sizeOf(indices.shape!) > 0) this.#eachRow(() => this.#check(step));
    this.#begin();
    if (sizeOf(this.#step.updates.shape!) > 0) this.#eachRow(() => this.#add());
  }

  #eachRow(body: () => void): void {
    const code = this.#code;
    const count = sizeOf(this.#step.indices.shape!);
    code.i32(0).set(this.#row);
    code.loop((again) => {
      body();
      code.get(this.#row).i32(1).op('i32.add').tee(this.#row).i32(count).op('i32.lt_s').brIf(again);
    });
  }

  /** Pushes the index of the row. */
  #index(): Code {
    const { indices } = this.#step;
    this.#code.get(this.#row).i32(bytesOf(indices.dtype)).op('i32.mul');
    scalarLoad(this.#code, indices.dtype, this.#address(indices));
    return this.#code;
  }

  #check(step: number): void {
    const { indices, out, op, reading } = this.#step;
    const code = this.#code;
    const size = out.shape![0]!;
    const isLong = indices.dtype === 'int64';
    this.#index();
    if (isLong) code.i64(BigInt(size)).op(reading.dropsNegative ? 'i64.ge_s' : 'i64.ge_u');
    else code.i32(size).op(reading.dropsNegative ? 'i32.ge_s' : 'i32.ge_u');
    code.if(() => {
      for (const [extent, stride] of this.#coordinates()) {
        code.get(this.#row).i32(stride).op('i32.div_u').i32(extent).op('i32.rem_u').call(this.#parts.place);
      }
      const site = this.#parts.sites.push({ op, callers: out.callers, bound: { what: reading.what, size }, step }) - 1;
      code.i32(site);
      this.#index()
        .op(isLong ? 'f64.convert_i64_s' : 'f64.convert_i32_s')
        .call(this.#parts.fail);
    });
  }

  /** How errors say where an index is: extents and strides of its shape. */
  #coordinates(): readonly (readonly [number, number])[] {
    const { indices, reading } = this.#step;
    if (reading.places === 'number') return [[sizeOf(indices.shape!), 1]];
    const strides = stridesOf(indices.shape!);
    return indices.shape!.map((extent, axis) => [extent, strides[axis]!]);
  }

  #begin(): void {
    const { base, out } = this.#step;
    const to = this.#address(out);
    const bytes = sizeOf(out.shape!) * bytesOf(out.dtype);
    if (!base) this.#code.i32(to).i32(0).i32(bytes).memoryFill();
    else if (this.#address(base) !== to) this.#code.i32(to).i32(this.#address(base)).i32(bytes).memoryCopy();
  }

  #add(): void {
    const { indices, out, updates, reading } = this.#step;
    const code = this.#code;
    const width = sizeOf(out.shape!.slice(1));
    const bytes = width * bytesOf(out.dtype);
    this.#index();
    if (indices.dtype === 'int64') code.op('i32.wrap_i64');
    code.set(this.#place);
    const addRow = (): void => {
      const from = code.local('i32');
      code.get(this.#row).i32(bytes).op('i32.mul').i32(this.#address(updates)).op('i32.add').set(from);
      code.get(this.#place).i32(bytes).op('i32.mul').i32(this.#address(out)).op('i32.add').set(this.#place);
      this.#addElements(from, width);
      code.free(from);
    };
    if (!reading.dropsNegative) return addRow();
    // Of 64 bits, the lower half says nothing about the sign.
    this.#index();
    if (indices.dtype === 'int64') code.i64(0n).op('i64.ge_s');
    else code.i32(0).op('i32.ge_s');
    code.if(addRow);
  }

  #addElements(from: Local, width: number): void {
    const { dtype } = this.#step.out;
    const code = this.#code;
    const lanes = (16 / bytesOf(dtype)) as Lanes;
    const whole = Math.floor(width / lanes);
    if (whole > 0) {
      const [count, a, b] = [code.local('i32'), code.local('v128'), code.local('v128')];
      code.i32(whole).set(count);
      code.loop((again) => {
        code.get(this.#place);
        vectorLoad(code, dtype, lanes, 0);
        code.set(a).get(from);
        vectorLoad(code, dtype, lanes, 0);
        code.set(b).get(this.#place);
        vectorBinary(code, this.#parts.libraries, 'add', dtype, lanes, a, b);
        vectorStore(code, dtype, lanes, 0);
        for (const at of [from, this.#place]) code.get(at).i32(16).op('i32.add').set(at);
        code.get(count).i32(1).op('i32.sub').tee(count).brIf(again);
      });
      for (const local of [count, a, b]) code.free(local);
    }
    const [a, b] = [code.local(scalarType(dtype)), code.local(scalarType(dtype))];
    for (let i = 0; i < width % lanes; i++) {
      const offset = i * bytesOf(dtype);
      code.get(this.#place);
      scalarLoad(code, dtype, offset);
      code.set(a).get(from);
      scalarLoad(code, dtype, offset);
      code.set(b).get(this.#place);
      scalarBinary(code, this.#parts.libraries, 'add', dtype, a, b);
      scalarStore(code, dtype, offset);
    }
    for (const local of [a, b]) code.free(local);
  }
}
