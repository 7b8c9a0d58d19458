/** What lowering gives: values, and the steps that make them. */
import type {
  AssignStep,
  ConvolutionStep,
  FlowStep,
  HostStep,
  IndexVariables,
  MatMulStep,
  ScatterStep,
  Value,
  VariableSlot,
} from './program.js';

/** A value that has an expression of its own takes part as a step of its own until fusion puts some together. */
export type LoweredStep =
  | HostStep
  | MatMulStep
  | ScatterStep
  | ConvolutionStep
  | AssignStep
  | FlowStep
  | { readonly kind: 'define'; readonly value: Value }
  /** The same storage under another name, from here on only: what reads it must not be computed earlier. */
  | { readonly kind: 'barrier'; readonly value: Value };

export interface Lowered {
  readonly values: readonly Value[];
  readonly steps: readonly LoweredStep[];
  readonly feeds: readonly Value[];
  readonly fetches: readonly Value[];
  readonly variables: readonly VariableSlot[];
  /** The index that the elements of values are given for. */
  readonly indices: IndexVariables;
}
