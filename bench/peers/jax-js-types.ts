/** The part of @jax-js/jax that the bench calls. A function takes its arguments over; `ref` keeps one for another use. */

type Operand = JaxArray | number;
type Axis = number | readonly number[] | null;

export interface JaxArray {
  readonly ref: JaxArray;
  readonly shape: readonly number[];
  add(other: Operand): JaxArray;
  sub(other: Operand): JaxArray;
  mul(other: Operand): JaxArray;
  div(other: Operand): JaxArray;
  neg(): JaxArray;
  sum(axis?: Axis, options?: { readonly keepdims: boolean }): JaxArray;
  mean(axis?: Axis, options?: { readonly keepdims: boolean }): JaxArray;
  slice(...index: (number | readonly [] | readonly [number] | readonly [number, number] | null)[]): JaxArray;
  reshape(shape: readonly number[]): JaxArray;
  transpose(perm?: readonly number[]): JaxArray;
  data(): Promise<Float32Array | Float64Array>;
  dispose(): void;
}

/** Nested arrays and objects of arrays. */
export type JaxTree = JaxArray | readonly JaxTree[] | { readonly [name: string]: JaxTree };
export type JaxNamed = Readonly<Record<string, JaxArray>>;
type Fn = (...args: never[]) => JaxTree;

export interface JaxJs {
  init(...devices: string[]): Promise<string[]>;
  defaultDevice(device: string): string;
  jit<F extends Fn>(f: F): F & { dispose(): void };
  valueAndGrad<A extends JaxTree>(
    f: (first: A, ...rest: JaxNamed[]) => JaxArray,
  ): (first: A, ...rest: JaxNamed[]) => readonly [JaxArray, A];
  grad<A extends JaxTree>(f: (first: A, ...rest: JaxNamed[]) => JaxArray): (first: A, ...rest: JaxNamed[]) => A;
  jvp<A extends JaxTree>(f: (first: A) => A, primals: readonly [A], tangents: readonly [A]): readonly [A, A];
  jacrev(f: (x: JaxArray) => JaxArray): (x: JaxArray) => JaxArray;
  readonly tree: { ref<T extends JaxTree>(tree: T): T; dispose(tree: JaxTree): void };
  readonly numpy: {
    array(data: Float32Array | Float64Array, options: { readonly shape: readonly number[] }): JaxArray;
    matmul(a: JaxArray, b: JaxArray): JaxArray;
    square(x: JaxArray): JaxArray;
    sqrt(x: JaxArray): JaxArray;
    exp(x: JaxArray): JaxArray;
    sin(x: JaxArray): JaxArray;
    tanh(x: JaxArray): JaxArray;
    max(x: JaxArray, axis: Axis): JaxArray;
  };
  readonly nn: {
    relu(x: JaxArray): JaxArray;
    softmax(x: JaxArray, axis: number): JaxArray;
    logSoftmax(x: JaxArray, axis: number): JaxArray;
    logsumexp(x: JaxArray, axis: number): JaxArray;
  };
  readonly lax: {
    conv(x: JaxArray, filter: JaxArray, strides: readonly number[], padding: 'SAME' | 'VALID'): JaxArray;
  };
}
