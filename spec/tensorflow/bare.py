"""Conditionals, loops and calls without what is added to them for the sake of their gradients: TensorFlow adds its own.

What a branch gives beside its results would be results to TensorFlow, with gradients that are zeros instead of None.
"""

CALLS = {'PartitionedCall', 'StatefulPartitionedCall', 'If', 'StatelessIf', 'Case', 'StatelessCase'}
LOOPS = {'While', 'StatelessWhile'}


def strip(graph_def):
    """Changes a GraphDef in place."""
    results, arguments = {}, {}
    bodies = [graph_def.node, *(function.node_def for function in graph_def.library.function)]
    for nodes in bodies:
        for node in nodes:
            if '_num_original_outputs' in node.attr and node.op in CALLS | LOOPS:
                strip_call(node, node.attr['_num_original_outputs'].i, results, arguments)
    for function in graph_def.library.function:
        strip_function(function, results, arguments)


def strip_call(node, count, results, arguments):
    functions = [value.func.name for value in node.attr.values() if value.WhichOneof('value') == 'func']
    functions += [func.name for value in node.attr.values() for func in value.list.func]
    for name in functions:
        if node.op in LOOPS:
            arguments[name] = count
        if node.op in CALLS or name == node.attr['body'].func.name:
            results[name] = count
    if node.op in LOOPS:
        data = [name for name in node.input if not name.startswith('^')]
        controls = [name for name in node.input if name.startswith('^')]
        node.ClearField('input')
        node.input.extend(data[:count] + controls)
    for attr, field in (('T', 'type'), ('Tout', 'type'), ('output_shapes', 'shape')):
        if attr in node.attr:
            del getattr(node.attr[attr].list, field)[count:]
    for attr in ('_handle_dtypes', '_handle_shapes'):
        if attr in node.attr:
            del node.attr[attr]


def strip_function(function, results, arguments):
    signature = function.signature
    for output in signature.output_arg[results.get(signature.name, len(signature.output_arg)) :]:
        del function.ret[output.name]
    del signature.output_arg[results.get(signature.name, len(signature.output_arg)) :]
    kept = arguments.get(signature.name, len(signature.input_arg))
    gone = {argument.name for argument in signature.input_arg[kept:]}
    del signature.input_arg[kept:]
    for i in range(len(function.node_def) - 1, -1, -1):
        if any(name.lstrip('^').split(':')[0] in gone for name in function.node_def[i].input):
            del function.node_def[i]
