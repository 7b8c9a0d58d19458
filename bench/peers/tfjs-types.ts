/** The part of @tensorflow/tfjs that the bench calls. */

export interface TfTensor {
  readonly shape: number[];
  dataSync(): Float32Array;
  dispose(): void;
}

export interface TfVariable extends TfTensor {
  assign(value: TfTensor): void;
}

type Operand = TfTensor | number;

export interface Tfjs {
  readonly version_core: string;
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  tidy<T>(f: () => T): T;
  tensor(data: Float32Array, shape: readonly number[]): TfTensor;
  variable(initial: TfTensor): TfVariable;
  add(a: Operand, b: Operand): TfTensor;
  sub(a: Operand, b: Operand): TfTensor;
  mul(a: Operand, b: Operand): TfTensor;
  div(a: Operand, b: Operand): TfTensor;
  square(x: TfTensor): TfTensor;
  sqrt(x: TfTensor): TfTensor;
  exp(x: TfTensor): TfTensor;
  sin(x: TfTensor): TfTensor;
  tanh(x: TfTensor): TfTensor;
  relu(x: TfTensor): TfTensor;
  softmax(x: TfTensor): TfTensor;
  sum(x: TfTensor, axis?: number): TfTensor;
  mean(x: TfTensor, axis?: number, keepDims?: boolean): TfTensor;
  slice(x: TfTensor, begin: readonly number[], size: readonly number[]): TfTensor;
  reshape(x: TfTensor, shape: readonly number[]): TfTensor;
  transpose(x: TfTensor, perm: readonly number[]): TfTensor;
  matMul(a: TfTensor, b: TfTensor, transposeA?: boolean, transposeB?: boolean): TfTensor;
  conv2d(x: TfTensor, filter: TfTensor, strides: number, pad: 'same' | 'valid'): TfTensor;
  maxPool(x: TfTensor, size: number, strides: number, pad: 'same' | 'valid'): TfTensor;
  tile(x: TfTensor, reps: readonly number[]): TfTensor;
  eye(rows: number): TfTensor;
  readonly losses: { softmaxCrossEntropy(labels: TfTensor, logits: TfTensor): TfTensor };
  grads(f: (...xs: TfTensor[]) => TfTensor): (xs: TfTensor[]) => TfTensor[];
  valueAndGrads(
    f: (...xs: TfTensor[]) => TfTensor,
  ): (xs: TfTensor[], dy?: TfTensor) => { readonly value: TfTensor; readonly grads: TfTensor[] };
  readonly train: {
    sgd(rate: number): TfOptimizer;
    adam(rate: number, beta1: number, beta2: number, epsilon: number): TfOptimizer;
  };
}

export interface TfOptimizer {
  minimize(f: () => TfTensor, returnCost: true): TfTensor;
  dispose(): void;
}
