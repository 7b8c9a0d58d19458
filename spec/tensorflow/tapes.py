"""Runs tape programs with a real TensorFlow: a JSON list of programs on stdin, a JSON list of answers on stdout.

A program is a list of statements (see support/tape-program.ts). The answer has what every gradient, watched and
statement in error said, in order, once eagerly and once in a graph.
"""

import json
import os
import sys

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ['CUDA_VISIBLE_DEVICES'] = ''
answers = os.fdopen(os.dup(1), 'w', encoding='utf-8')
os.dup2(2, 1)

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

tf.get_logger().setLevel('ERROR')
tf.compat.v1.enable_control_flow_v2()

OPS = {
    'multiply': tf.multiply,
    'add': tf.add,
    'sin': tf.sin,
    'square': tf.square,
    'floor': tf.floor,
    'identity': tf.identity,
    'stopGradient': tf.stop_gradient,
    'toInteger': lambda x: tf.cast(x, tf.int32),
    'toFloat': lambda x: tf.cast(x, tf.float64),
    'repeatRow': lambda x: tf.gather(x, [0, 0]),
    'halves': lambda x: tf.split(x, 2),
    'assign': lambda v, x: v.assign(x),
    'value': lambda v: v.value(),
}


class Missing(Exception):
  """A name whose statement failed: what uses it is left out, on both sides."""


class Machine:

  def __init__(self):
    self.values = {}
    self.tapes = {}
    self.said = []
    self.count = 0

  def get(self, nest):
    if isinstance(nest, list):
      return [self.get(item) for item in nest]
    if isinstance(nest, dict):
      return {key: self.get(item) for key, item in nest.items()}
    if nest is None:
      return None
    if nest not in self.values:
      raise Missing(nest)
    return self.values[nest]

  def block(self, statements):
    for statement in statements:
      try:
        getattr(self, 'do_' + statement[0])(*statement[1:])
      except Missing as error:
        self.said.append({'error': f'missing {error}'})

  def attempt(self, fn):
    try:
      fn()
    except Exception as error:  # pylint: disable=broad-except
      self.said.append({'error': f'{type(error).__name__}: {error}'})

  def do_constant(self, name, value, dtype):
    self.values[name] = tf.constant(value, dtype=dtype)

  def do_variable(self, name, value, trainable):
    self.count += 1
    self.values[name] = tf.Variable(
        np.array(value), dtype=tf.float64, trainable=trainable, name=name)

  def do_op(self, name, op, *args):
    result = OPS[op](*self.get(list(args)))
    if isinstance(name, list):
      self.values.update(zip(name, result))
    else:
      self.values[name] = result

  def do_cond(self, name, pred, then, then_result, otherwise, otherwise_result):
    def branch(statements, result):
      def build():
        self.block(statements)
        return self.values[result]
      return build
    self.values[name] = tf.cond(
        tf.constant(pred), branch(then, then_result), branch(otherwise, otherwise_result))

  def do_tape(self, name, persistent, watch_accessed):
    self.tapes[name] = tf.GradientTape(
        persistent=persistent, watch_accessed_variables=watch_accessed)

  def do_run(self, name, statements):
    def run():
      with self.tapes[name]:
        self.block(statements)
    self.attempt(run)

  def do_stopRecording(self, name, statements):
    def stop():
      with self.tapes[name].stop_recording():
        self.block(statements)
    self.attempt(stop)

  def do_reset(self, name):
    self.attempt(self.tapes[name].reset)

  def do_watch(self, name, nest):
    self.attempt(lambda: self.tapes[name].watch(self.get(nest)))

  def do_watched(self, name):
    self.said.append({'watched': [v.name.split(':')[0] for v in self.tapes[name].watched_variables()]})

  def do_gradient(self, out, name, target, sources, output_gradients, unconnected):
    def gradient():
      found = self.tapes[name].gradient(
          self.get(target), self.get(sources),
          output_gradients=None if output_gradients is None else self.get(output_gradients),
          unconnected_gradients=unconnected)
      flat = [None if g is None else tf.convert_to_tensor(g) for g in tf.nest.flatten(found, expand_composites=False)]
      self.said.append({'gradient': flat, 'structure': structure(found)})
      for i, g in enumerate(flat):
        if g is not None:
          self.values[f'{out}.{i}'] = g
    self.attempt(gradient)

  def do_jacobian(self, out, name, target, sources, batch):
    def jacobian():
      tape = self.tapes[name]
      found = (tape.batch_jacobian if batch else tape.jacobian)(self.get(target), self.get(sources))
      flat = [None if g is None else tf.convert_to_tensor(g) for g in tf.nest.flatten(found)]
      self.said.append({'gradient': flat, 'structure': structure(found)})
      for i, g in enumerate(flat):
        if g is not None:
          self.values[f'{out}.{i}'] = g
    self.attempt(jacobian)


def structure(nest):
  if isinstance(nest, (list, tuple)) and not isinstance(nest, tf.IndexedSlices):
    return [structure(item) for item in nest]
  if isinstance(nest, dict):
    return {key: structure(item) for key, item in nest.items()}
  return '*'


def encode(value):
  array = np.asarray(value)
  return {'dtype': tf.as_dtype(array.dtype).name, 'shape': list(array.shape),
          'data': [float(item) for item in array.reshape(-1)]}


def answer(said, evaluate):
  return [
      {**item, 'gradient': [None if g is None else encode(evaluate(g)) for g in item['gradient']]}
      if 'gradient' in item else item
      for item in said
  ]


def eager(program):
  machine = Machine()
  machine.block(program)
  return answer(machine.said, lambda t: t.numpy())


def graph(program):
  with tf.Graph().as_default():
    machine = Machine()
    machine.block(program)
    with tf.compat.v1.Session() as session:
      session.run(tf.compat.v1.global_variables_initializer())
      return answer(machine.said, session.run)


json.dump([{'eager': eager(p), 'graph': graph(p)} for p in json.load(sys.stdin)], answers)
answers.close()
