"""One measurement of bench/growth.ts in a Python library: `growth.py module length`."""

import json
import os
import resource
import sys
import time

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import numpy  # noqa: E402

X = (0.5 + numpy.arange(10) / 100).astype('float32')


def runs(run):
    times = []
    end = time.perf_counter() + 1
    while len(times) < 3 or (len(times) < 20 and time.perf_counter() < end):
        start = time.perf_counter()
        check = run()
        times.append(time.perf_counter() - start)
    later = sorted(times[1:])
    return {'first': times[0], 'steady': later[len(later) // 2], 'check': float(check)}


def with_tensorflow(length):
    import tensorflow as tf

    tf.compat.v1.disable_eager_execution()
    graph = tf.Graph()
    with graph.as_default():
        start = time.perf_counter()
        x = tf.compat.v1.placeholder(tf.float32, [10])
        y = x
        for i in range(length):
            y = tf.sin(y) if i % 2 == 0 else y + x
        y = tf.reduce_sum(y)
        built = time.perf_counter()
        slope = tf.compat.v1.gradients(y, x)[0]
        done = time.perf_counter()
        session = tf.compat.v1.Session()
        measured = runs(lambda: session.run([y, slope], {x: X})[1][0])
    return {'build': built - start, 'gradients': done - built, **measured}


def with_jax(length):
    import jax

    def f(x):
        y = x
        for i in range(length):
            y = jax.numpy.sin(y) if i % 2 == 0 else y + x
        return jax.numpy.sum(y)

    step = jax.jit(jax.value_and_grad(f))
    return {'build': None, 'gradients': None, **runs(lambda: numpy.asarray(step(X)[1])[0])}


def with_torch(length):
    import torch

    def run():
        x = torch.from_numpy(X.copy()).requires_grad_()
        y = x
        for i in range(length):
            y = torch.sin(y) if i % 2 == 0 else y + x
        return torch.autograd.grad(y.sum(), x)[0][0]

    return {'build': None, 'gradients': None, **runs(run)}


def main():
    sys.setrecursionlimit(10**6)
    measure = {'tensorflow': with_tensorflow, 'jax': with_jax, 'torch': with_torch}[sys.argv[1]]
    measure(10)
    with open('/proc/self/statm', encoding='ascii') as statm:
        before = int(statm.read().split()[1]) * resource.getpagesize()
    measured = measure(int(sys.argv[2]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({**measured, 'memory': max(0, peak - before)}))


if __name__ == '__main__':
    main()
