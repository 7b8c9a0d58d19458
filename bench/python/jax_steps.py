"""Steps in JAX: each is one jitted function, whose state is donated."""

import jax
import jax.numpy as np
import numpy
from peer import arrays, function

jax.config.update('jax_platforms', 'cpu')
jax.config.update('jax_enable_x64', True)
version = jax.__version__


def load(question):
    task = question['task']
    inputs, weights = arrays(question['inputs']), arrays(question['weights'])
    f = function(question['code'], {'jax': jax, 'np': np})
    state = {name: np.asarray(value) for name, value in weights.items()}
    if task['kind'] == 'training' and task['optimizer'] == 'adam':
        zeros = {name: np.zeros_like(value) for name, value in state.items()}
        powers = numpy.float32(0.9), numpy.float32(0.999)
        state = {'w': state, 'm': zeros, 'v': jax.tree.map(np.copy, zeros), 'p': [np.asarray(p) for p in powers]}
    run = jax.jit(STEPS[task['kind']](task, f), donate_argnums=0 if task['kind'] == 'training' else ())
    held = [state]

    def step():
        results, new = run(held[0], inputs)
        if task['kind'] == 'training':
            held[0] = new
        return [numpy.asarray(result) for result in results]

    return step


def only(names, v):
    return {name: v[name] for name in names}


def values(_task, f):
    return lambda state, inputs: ([f({**state, **inputs})], None)


def gradient(task, f):
    def step(state, inputs):
        v = {**state, **inputs}
        y, slopes = jax.value_and_grad(lambda of: f({**v, **of}))(only(task['of'], v))
        return [y, *(slopes[name] for name in task['of'])], None

    return step


def training(task, f):
    rate = task['rate']

    def sgd(weights, inputs):
        loss, slopes = jax.value_and_grad(lambda w: f({**w, **inputs}))(weights)
        return [loss], jax.tree.map(lambda w, g: w - rate * g, weights, slopes)

    def adam(state, inputs):
        loss, slopes = jax.value_and_grad(lambda w: f({**w, **inputs}))(state['w'])
        p1, p2 = state['p']
        scaled = rate * np.sqrt(1 - p2) / (1 - p1)
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, state['m'], slopes)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, state['v'], slopes)
        w = jax.tree.map(lambda w, m, v: w - scaled * m / (np.sqrt(v) + 1e-8), state['w'], m, v)
        return [loss], {'w': w, 'm': m, 'v': v, 'p': [p1 * 0.9, p2 * 0.999]}

    return sgd if task['optimizer'] == 'sgd' else adam


def jacobian(task, f):
    def step(state, inputs):
        v = {**state, **inputs}
        return [jax.jacrev(lambda x: f({**v, task['of']: x}))(v[task['of']])], None

    return step


def hessian_vector_product(task, f):
    def step(state, inputs):
        v = {**state, **inputs}
        along = {name: v[direction] for name, direction in zip(task['of'], task['along'])}
        slope = jax.grad(lambda of: f({**v, **of}))
        _, products = jax.jvp(slope, (only(task['of'], v),), (along,))
        return [products[name] for name in task['of']], None

    return step


STEPS = {
    'values': values,
    'gradient': gradient,
    'training': training,
    'jacobian': jacobian,
    'hessianVectorProduct': hessian_vector_product,
}
