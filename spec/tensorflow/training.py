"""What the worker does with optimizers: makes them, calls them on a graph that came from outside, and runs training steps."""

import contextlib
import re

import tensorflow as tf
from tensorflow.core.framework import variable_pb2
from tensorflow.python.ops import resource_variable_ops

GATES = {'none': 0, 'op': 1, 'graph': 2}
AGGREGATION = {'addN': 0, 'experimentalTree': 1, 'experimentalAccumulateN': 2}


def optimize(request, call):
    """Calls a method of an optimizer; returns the operations that it appended."""
    graph = request.graph
    collection = graph.get_collection_ref(tf.compat.v1.GraphKeys.TRAINABLE_VARIABLES)
    collection[:] = [variable(request, name) for name in call['trainable']]
    for name, constraint in call['constraints'].items():
        variable(request, name)._constraint = getattr(tf, constraint)  # pylint: disable=protected-access
    before = len(graph.get_operations())
    with contextlib.ExitStack() as stack:
        request.enter(stack, call['scope'])
        optimizer = made(request, call['optimizer'])
        operands = [operand(request, value) for value in call['args']]
        options = {snake(name): operand(request, value) for name, value in call['options'].items()}
        if 'gate_gradients' in options:
            options['gate_gradients'] = GATES[options['gate_gradients']]
        if 'aggregation_method' in options:
            options['aggregation_method'] = AGGREGATION[options['aggregation_method']]
        getattr(optimizer, snake(call['method']))(*operands, **options)
    return graph.get_operations()[before:]


def made(request, spec):
    """The optimizer of that number; one Python object for all calls."""
    optimizers = request.__dict__.setdefault('optimizers', {})
    if spec['id'] not in optimizers:
        kind = getattr(tf.compat.v1.train, spec['kind'])
        options = {snake(name): operand(request, value) for name, value in spec['options'].items()}
        optimizers[spec['id']] = kind(*[operand(request, value) for value in spec['args']], **options)
    return optimizers[spec['id']]


def operand(request, value):
    if isinstance(value, list):
        return [operand(request, item) for item in value]
    if not isinstance(value, dict):
        return value
    if 'variable' in value:
        return variable(request, value['variable'])
    if 'slices' in value:
        return tf.IndexedSlices(*[None if name is None else request.tensor(name) for name in value['slices']])
    return request.tensor(value['tensor'])


def variable(request, name):
    """The variable whose nodes are in the graph already."""
    variables = request.__dict__.setdefault('variables', {})
    if name not in variables:
        proto = variable_pb2.VariableDef(
            variable_name=f'{name}:0',
            initializer_name=f'{name}/Assign',
            snapshot_name=f'{name}/Read/ReadVariableOp:0',
            initial_value_name=request.operation(f'{name}/Assign').inputs[1].name,
            is_resource=True,
            trainable=True,
        )
        variables[name] = resource_variable_ops.ResourceVariable(variable_def=proto)
    return variables[name]


def snake(name):
    return re.sub(r'[A-Z]', lambda match: '_' + match.group().lower(), name)


def train(request, plan, feeds):
    """Runs the initializers one by one, then the steps; returns what is fetched after each."""
    config = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    config.device_count['CPU'] = 2
    config.allow_soft_placement = True
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    config.graph_options.optimizer_options.opt_level = -1
    fetches = [request.tensor(name) for name in plan['fetches']]
    with tf.compat.v1.Session(graph=request.graph, config=config) as session:
        for name in plan['init']:
            session.run(request.operation(name), feeds)
        values = []
        for name in plan['steps']:
            session.run(request.operation(name), feeds)
            values.append(session.run(fetches, feeds))
    return values
