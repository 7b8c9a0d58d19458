/** The ops that optimizers end in: one step of a variable and of what the optimizer remembers about it. */
import type { Expr } from '../expr.js';
import { bin, un } from '../expr.js';
import type { OpView } from '../opdef.js';
import { defineUpdate, type Formulas } from '../routines/update.js';
import { constantOf } from '../shape-rules.js';

const add = (a: Expr, b: Expr): Expr => bin('add', a, b);
const sub = (a: Expr, b: Expr): Expr => bin('sub', a, b);
const mul = (a: Expr, b: Expr): Expr => bin('mul', a, b);
const div = (a: Expr, b: Expr): Expr => bin('div', a, b);
const square = (x: Expr): Expr => mul(x, x);
const sqrt = (x: Expr): Expr => un('sqrt', x);
const rsqrt = (x: Expr): Expr => div(constantOf(x.dtype, 1), sqrt(x));
const oneMinus = (x: Expr): Expr => sub(constantOf(x.dtype, 1), x);
/** `mean` moved towards `x` by the share that `decay` leaves. */
const towards = (mean: Expr, x: Expr, decay: Expr): Expr => add(mean, mul(sub(x, mean), oneMinus(decay)));
/** The same in the order of operations of the sparse kernels. */
const weighted = (mean: Expr, x: Expr, decay: Expr): Expr => add(mul(mean, decay), mul(x, oneMinus(decay)));

const dense = 'T: numbertype, use_locking: bool = false';
const sparse = 'T: numbertype, Tindices: {int32, int64}, use_locking: bool = false';

defineUpdate<'var' | 'alpha' | 'delta'>({
  name: 'ResourceApplyGradientDescent',
  signature: `var: resource, alpha: T, delta: T -> | ${dense}`,
  formulas: () => ({ var: (x) => sub(x.var, mul(x.delta, x.alpha)) }),
});

const momentum = (op: OpView): Formulas<'var' | 'accum' | 'lr' | 'grad' | 'momentum'> => ({
  accum: (x) => add(mul(x.accum, x.momentum), x.grad),
  var: (x) =>
    sub(
      x.var,
      op.boolAttr('use_nesterov') ? add(mul(x.grad, x.lr), mul(mul(x.accum, x.momentum), x.lr)) : mul(x.accum, x.lr),
    ),
});

defineUpdate({
  name: 'ResourceApplyMomentum',
  signature:
    `var: resource, accum: resource, lr: T, grad: T, momentum: T -> | ${dense}, ` + 'use_nesterov: bool = false',
  formulas: momentum,
});

defineUpdate({
  name: 'ResourceSparseApplyMomentum',
  signature:
    'var: resource, accum: resource, lr: T, grad: T, indices: Tindices, momentum: T -> | ' +
    `${sparse}, use_nesterov: bool = false`,
  formulas: momentum,
});

const adagrad = (op: OpView): Formulas<'var' | 'accum' | 'lr' | 'grad'> => ({
  ...(op.boolAttr('update_slots') && { accum: (x) => add(x.accum, square(x.grad)) }),
  var: (x) => sub(x.var, mul(mul(x.grad, x.lr), rsqrt(x.accum))),
});

defineUpdate({
  name: 'ResourceApplyAdagrad',
  signature: `var: resource, accum: resource, lr: T, grad: T -> | ${dense}, update_slots: bool = true`,
  formulas: adagrad,
});

defineUpdate({
  name: 'ResourceSparseApplyAdagrad',
  signature:
    'var: resource, accum: resource, lr: T, grad: T, indices: Tindices -> | ' + `${sparse}, update_slots: bool = true`,
  formulas: adagrad,
});

type RMSProp = 'var' | 'ms' | 'mom' | 'lr' | 'rho' | 'momentum' | 'epsilon' | 'grad';

defineUpdate<RMSProp>({
  name: 'ResourceApplyRMSProp',
  signature:
    'var: resource, ms: resource, mom: resource, lr: T, rho: T, momentum: T, epsilon: T, grad: T -> | ' + dense,
  formulas: () => ({
    ms: (x) => towards(x.ms, square(x.grad), x.rho),
    mom: (x) => add(mul(x.mom, x.momentum), div(mul(x.grad, x.lr), sqrt(add(x.ms, x.epsilon)))),
    var: (x) => sub(x.var, x.mom),
  }),
});

defineUpdate<RMSProp>({
  name: 'ResourceSparseApplyRMSProp',
  signature:
    'var: resource, ms: resource, mom: resource, lr: T, rho: T, momentum: T, epsilon: T, grad: T, ' +
    `indices: Tindices -> | ${sparse}`,
  formulas: () => ({
    ms: (x) => weighted(x.ms, square(x.grad), x.rho),
    mom: (x) => add(mul(x.mom, x.momentum), mul(mul(rsqrt(add(x.ms, x.epsilon)), x.lr), x.grad)),
    var: (x) => sub(x.var, x.mom),
  }),
});

defineUpdate<RMSProp | 'mg'>({
  name: 'ResourceApplyCenteredRMSProp',
  signature:
    'var: resource, mg: resource, ms: resource, mom: resource, lr: T, rho: T, momentum: T, epsilon: T, grad: T -> | ' +
    dense,
  formulas: () => ({
    ms: (x) => towards(x.ms, square(x.grad), x.rho),
    mg: (x) => towards(x.mg, x.grad, x.rho),
    mom: (x) => add(mul(x.mom, x.momentum), div(mul(x.grad, x.lr), sqrt(add(sub(x.ms, square(x.mg)), x.epsilon)))),
    var: (x) => sub(x.var, x.mom),
  }),
});

defineUpdate<RMSProp | 'mg'>({
  name: 'ResourceSparseApplyCenteredRMSProp',
  signature:
    'var: resource, mg: resource, ms: resource, mom: resource, lr: T, rho: T, momentum: T, epsilon: T, grad: T, ' +
    `indices: Tindices -> | ${sparse}`,
  formulas: () => ({
    ms: (x) => weighted(x.ms, square(x.grad), x.rho),
    mg: (x) => weighted(x.mg, x.grad, x.rho),
    mom: (x) => add(mul(x.mom, x.momentum), mul(mul(rsqrt(sub(add(x.ms, x.epsilon), square(x.mg))), x.lr), x.grad)),
    var: (x) => sub(x.var, x.mom),
  }),
});

type Adam = 'var' | 'm' | 'v' | 'beta1_power' | 'beta2_power' | 'lr' | 'beta1' | 'beta2' | 'epsilon' | 'grad' | 'alpha';

defineUpdate<Adam>({
  name: 'ResourceApplyAdam',
  signature:
    'var: resource, m: resource, v: resource, beta1_power: T, beta2_power: T, lr: T, beta1: T, beta2: T, epsilon: T, ' +
    `grad: T -> | ${dense}, use_nesterov: bool = false`,
  formulas: (op) => ({
    alpha: (x) => div(mul(x.lr, sqrt(oneMinus(x.beta2_power))), oneMinus(x.beta1_power)),
    m: (x) => towards(x.m, x.grad, x.beta1),
    v: (x) => towards(x.v, square(x.grad), x.beta2),
    var: (x) => {
      const m = op.boolAttr('use_nesterov') ? add(mul(x.grad, oneMinus(x.beta1)), mul(x.beta1, x.m)) : x.m;
      return sub(x.var, div(mul(m, x.alpha), add(sqrt(x.v), x.epsilon)));
    },
  }),
});
