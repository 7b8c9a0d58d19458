"""Answers requests about graphs with a real TensorFlow: one JSON document a line on stdin, one on stdout.

A request is {"steps": [...], "feeds": {...}, "init": [...], "fetches": [...]}. Steps happen in order, in a fresh graph:
  {"extend": GraphDef as JSON, "bare": whether without what gradients need}         appends forward nodes
  {"gradients": {...}}                                                            calls tf.compat.v1.gradients
  {"optimize": {...}}                                                             calls a method of an optimizer
The answer has, for every gradients call, its results and the nodes it appended, and the values of everything.
"""

import base64
import contextlib
import json
import os
import sys

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ['TF_ENABLE_ONEDNN_OPTS'] = '0'
os.environ['CUDA_VISIBLE_DEVICES'] = ''

# Whatever else writes to stdout must not get between the answers.
answers = os.fdopen(os.dup(1), 'w', buffering=1, encoding='utf-8')
os.dup2(2, 1)

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import training  # noqa: E402
from bare import strip  # noqa: E402
from google.protobuf import json_format  # noqa: E402
from tensorflow.python.eager.polymorphic_function import concrete_function  # noqa: E402
from tensorflow.python.framework import ops  # noqa: E402
from tensorflow.python.ops import control_flow_util_v2  # noqa: E402
from tensorflow.python.ops import handle_data_util  # noqa: E402

tf.get_logger().setLevel('ERROR')
tf.compat.v1.disable_eager_execution()

AGGREGATION = {'addN': 0, 'experimentalTree': 1, 'experimentalAccumulateN': 2}


def decode_array(value):
    dtype = tf.as_dtype(value['dtype'])
    shape = value['shape']
    if dtype == tf.string:
        items = [base64.b64decode(item) for item in value['data']]
        return np.array(items, dtype=object).reshape(shape)
    return np.frombuffer(base64.b64decode(value['data']), dtype=dtype.as_numpy_dtype).reshape(shape)


def encode_array(value, dtype=None):
    array = np.asarray(value)
    kind = tf.as_dtype(array.dtype) if dtype is None else dtype
    result = {'dtype': kind.name, 'shape': list(array.shape)}
    if kind == tf.string:
        flat = [item if isinstance(item, bytes) else str(item).encode() for item in array.reshape(-1).tolist()]
        return {**result, 'data': [base64.b64encode(item).decode() for item in flat]}
    return {**result, 'data': base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()}


def encode_shape(shape):
    return None if shape.rank is None else [None if dim is None else int(dim) for dim in shape.as_list()]


def encode_attr(value):
    kind = value.WhichOneof('value')
    if kind is None:
        return {'list': ''}
    if kind == 'list':
        fields = value.list.ListFields()
        if not fields:
            return {'list': ''}
        descriptor, items = fields[0]
        return {'list': descriptor.name, 'value': [encode_scalar(descriptor.name, item) for item in items]}
    return {'kind': kind, 'value': encode_scalar(kind, getattr(value, kind))}


def encode_scalar(kind, value):
    if kind == 's':
        return value.decode('utf-8', 'replace')
    if kind == 'i':
        return str(value)
    if kind == 'f':
        return repr(float(value))
    if kind == 'b':
        return bool(value)
    if kind == 'type':
        return tf.as_dtype(value).name
    if kind == 'shape':
        return encode_shape(tf.TensorShape(value))
    if kind == 'tensor':
        return encode_array(tf.make_ndarray(value), tf.as_dtype(value.dtype))
    if kind == 'func':
        return {'name': value.name}
    return str(value)


def encode_op(op):
    attrs = {name: encode_attr(value) for name, value in op.node_def.attr.items()}
    return {
        'name': op.name,
        'op': op.type,
        'inputs': [tensor.name for tensor in op.inputs],
        'controls': [control.name for control in op.control_inputs],
        'device': op.device,
        'attrs': attrs,
        'outputs': [[tensor.dtype.base_dtype.name, encode_shape(tensor.shape)] for tensor in op.outputs],
    }


class Request:
    def __init__(self, request):
        self.request = request
        self.graph = tf.Graph()
        self.results = []  # of every call, what gradients returned
        self.tensors = {}  # our name -> tensor, where the names differ
        self.operations = {}  # the same for operations
        self.answer = {'calls': []}

    def tensor(self, name):
        if name in self.tensors:
            return self.tensors[name]
        op, index = name.rsplit(':', 1)
        if op in self.operations:
            return self.operations[op].outputs[int(index)]
        return self.graph.get_tensor_by_name(name)

    def operation(self, name):
        return self.operations[name] if name in self.operations else self.graph.get_operation_by_name(name)

    def operand(self, spec):
        if spec is None:
            return None
        if 'tensor' in spec:
            return self.tensor(spec['tensor'])
        if 'slices' in spec:
            values, indices, shape = [None if part is None else self.tensor(part) for part in spec['slices']]
            return tf.IndexedSlices(values, indices, shape)
        if 'result' in spec:
            call, index = spec['result']
            return self.results[call][index]
        return decode_array(spec['value'])

    def extend(self, step):
        graph_def = json_format.ParseDict(step['extend'], tf.compat.v1.GraphDef())
        graph_def.versions.producer = tf.version.GRAPH_DEF_VERSION
        if step.get('bare'):
            strip(graph_def)
        mine = {node.name for node in graph_def.node}
        mapped = {}
        for node in graph_def.node:
            for name in node.input:
                bare = name.lstrip('^')
                if bare.rsplit(':', 1)[0] in mine or name in mapped:
                    continue
                if name.startswith('^'):
                    # The importer takes tensors only, and maps to the operation behind them.
                    mapped[name] = self.operation(bare).outputs[0]
                else:
                    mapped[name] = self.tensor(name if ':' in name else name + ':0')
        names = [node.name for node in graph_def.node]
        made = tf.import_graph_def(graph_def, name='', input_map=mapped, return_elements=names)
        for name, op in zip(names, made or []):
            if op.name != name:
                self.operations[name] = op

    def gradients(self, call):
        before = len(self.graph.get_operations())
        operands = lambda key: [self.operand(spec) for spec in call[key]]
        with contextlib.ExitStack() as stack:
            self.enter(stack, call['scope'])
            results = tf.compat.v1.gradients(
                operands('ys'),
                operands('xs'),
                grad_ys=operands('gradYs') if call.get('gradYs') is not None else None,
                name=call['name'],
                colocate_gradients_with_ops=call['colocate'],
                gate_gradients=call['gate'],
                aggregation_method=AGGREGATION.get(call['aggregation'], call['aggregation']),
                stop_gradients=operands('stopGradients'),
                unconnected_gradients=call['unconnected'],
            )
        self.results.append(results)
        for name, result in zip(call['names'], results):
            self.bind(name, result)
        self.answer['calls'].append({
            'results': [self.describe(result) for result in results],
            'nodes': [encode_op(op) for op in self.graph.get_operations()[before:]],
        })

    def bind(self, name, result):
        """Later steps call a result by our names."""
        if name is None or result is None:
            return
        parts = [result.values, result.indices, result.dense_shape] if isinstance(result, tf.IndexedSlices) else [result]
        for ours, theirs in zip(name, parts):
            if ours is not None and theirs is not None:
                self.tensors[ours] = theirs

    def enter(self, stack, scope):
        graph = self.graph
        if scope.get('device'):
            stack.enter_context(graph.device(scope['device']))
        for op in scope.get('colocation', []):
            stack.enter_context(graph.colocate_with(self.operation(op)))
        for block in scope.get('controllers', []):
            controller = graph.control_dependencies([self.operation(name) for name in block['inputs']])
            stack.enter_context(controller)
            for name in block['seen']:
                controller.add_op(self.operation(name))
        if scope.get('overrides'):
            stack.enter_context(graph.gradient_override_map(scope['overrides']))
        if scope.get('name'):
            stack.enter_context(graph.name_scope(scope['name'] + '/'))

    def describe(self, result):
        if result is None:
            return None
        if isinstance(result, tf.IndexedSlices):
            parts = [result.values, result.indices, result.dense_shape]
            return {'slices': [None if part is None else part.name for part in parts]}
        return {'tensor': result.name, 'shape': encode_shape(result.shape), 'dtype': result.dtype.name}

    def run(self):
        config = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
        config.device_count['CPU'] = 2
        config.allow_soft_placement = True
        config.graph_options.rewrite_options.disable_meta_optimizer = True
        config.graph_options.optimizer_options.opt_level = -1
        fetches = [self.tensor(name) for name in self.request['fetches']]
        for results in self.results:
            for result in results:
                fetches.extend(components(result))
        fetches = [tensor for tensor in dict.fromkeys(map(Ref, fetches)) if tensor.tensor.dtype not in (tf.resource, tf.variant)]
        with tf.compat.v1.Session(graph=self.graph, config=config) as session:
            for name in self.request['init']:
                session.run(self.operation(name))
            feeds = {self.tensor(name): decode_array(value) for name, value in self.request['feeds'].items()}
            values = session.run([fetch.tensor for fetch in fetches], feeds)
        by_name = {fetch.tensor.name: encode_array(value, fetch.tensor.dtype.base_dtype) for fetch, value in zip(fetches, values)}
        self.answer['values'] = by_name
        self.answer['fetches'] = [self.tensor(name).name for name in self.request['fetches']]

    def train(self):
        feeds = {self.tensor(name): decode_array(value) for name, value in self.request['feeds'].items()}
        steps = training.train(self, self.request['train'], feeds)
        self.answer['trained'] = [[encode_array(value) for value in values] for values in steps]

    def respond(self):
        with self.graph.as_default():
            for number, step in enumerate(self.request['steps']):
                try:
                    if 'extend' in step:
                        self.extend(step)
                    elif 'optimize' in step:
                        made = training.optimize(self, step['optimize'])
                        self.answer['calls'].append({'results': [], 'nodes': [encode_op(op) for op in made]})
                    else:
                        self.gradients(step['gradients'])
                except Exception as error:  # pylint: disable=broad-except
                    return {**self.answer, 'error': describe_error(error), 'failed': number}
            self.answer['renamed'] = {name: op.name for name, op in self.operations.items()}
            self.answer['shapes'] = {name: encode_shape(self.tensor(name).shape) for name in self.request['fetches']}
            if not self.request['run']:
                return self.answer
            try:
                if 'train' in self.request:
                    self.train()
                else:
                    self.run()
            except Exception as error:  # pylint: disable=broad-except
                return {**self.answer, 'error': describe_error(error), 'failed': 'run'}
        return self.answer


class Ref:
    """A tensor that can be a key."""

    def __init__(self, tensor):
        self.tensor = tensor

    def __eq__(self, other):
        return self.tensor is other.tensor

    def __hash__(self):
        return id(self.tensor)


def components(result):
    if result is None:
        return []
    if isinstance(result, tf.IndexedSlices):
        return [part for part in (result.values, result.indices, result.dense_shape) if part is not None]
    return [result]


def describe_error(error):
    return {'type': type(error).__name__, 'message': str(error)}


# Overrides that the specs use by name.
@tf.RegisterGradient('TapelessTripled')
def _tripled(op, dy):
    del op
    return dy * 3.0


@tf.RegisterGradient('TapelessNone')
def _none(op, dy):
    del dy
    return [None] * len(op.inputs)


# An imported call has forgotten the tf.function that it is one of, and would be left to SymbolicGradient, which the
# runtime expands by rules of its own, for few ops. This gives it the gradient of a tf.function again.
@tf.RegisterGradient('PartitionedCall')
@tf.RegisterGradient('StatefulPartitionedCall')
def _call(op, *dys):
    functions = getattr(op, '_tapeless_functions', None)
    if functions is None:
        shapes = [tensor.shape for tensor in op.inputs]
        graph = control_flow_util_v2.get_func_graph(op, shapes, op.get_attr('f').name)
        for outside, inside in zip(op.inputs, graph.inputs):
            handle_data_util.copy_handle_data(outside, inside)
        graph.structured_outputs = list(graph.outputs)
        function = concrete_function.ConcreteFunction.from_func_graph(graph, None, {})
        op._tapeless_functions = functions = function._delayed_rewrite_functions
    return functions._rewrite_forward_and_call_backward(op, *dys)


# Where the gradient of an imported conditional or loop is taken twice, TensorFlow makes its function anew each time, and
# gives what it added other nodes, but the same name.
create_new_tf_function = control_flow_util_v2.create_new_tf_function


def _create_new_tf_function(func_graph):
    if func_graph.name.endswith('_rewritten'):
        func_graph.name = f'{func_graph.name}_{ops.uid()}'
    return create_new_tf_function(func_graph)


control_flow_util_v2.create_new_tf_function = _create_new_tf_function


def main():
    print(json.dumps({'version': tf.__version__}), file=answers)
    for line in sys.stdin:
        try:
            answer = Request(json.loads(line)).respond()
        except Exception as error:  # pylint: disable=broad-except
            answer = {'calls': [], 'error': describe_error(error), 'failed': 'request'}
        print(json.dumps(answer), file=answers, flush=True)


main()
