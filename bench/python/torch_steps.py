"""Steps in PyTorch, eager."""

import torch
import torch.nn.functional as F
from peer import arrays, function

version = torch.__version__


def load(question, wrap=lambda f: f):
    task = question['task']
    inputs = {name: torch.from_numpy(value) for name, value in arrays(question['inputs']).items()}
    weights = {name: torch.from_numpy(value) for name, value in arrays(question['weights']).items()}
    f = function(question['code'], {'torch': torch, 'F': F})
    return STEPS[task['kind']](task, wrap(f), {**inputs, **weights}, list(weights), wrap)


def values(_task, f, v, _names, _wrap):
    def step():
        with torch.no_grad():
            return [f(v).numpy()]

    return step


def gradient(task, f, v, _names, _wrap):
    of = [v[name].requires_grad_() for name in task['of']]

    def step():
        y = f(v)
        return [y.detach().numpy(), *(g.numpy() for g in torch.autograd.grad(y, of))]

    return step


def training(task, f, v, names, _wrap):
    parameters = [v[name].requires_grad_() for name in names]
    kind = torch.optim.SGD if task['optimizer'] == 'sgd' else torch.optim.Adam
    optimizer = kind(parameters, lr=task['rate'], fused=True)

    def step():
        optimizer.zero_grad()
        loss = f(v)
        loss.backward()
        optimizer.step()
        return [loss.detach().numpy()]

    return step


def jacobian(task, f, v, _names, wrap):
    of = task['of']
    run = wrap(torch.func.jacrev(lambda x: f({**v, of: x})))
    return lambda: [run(v[of]).numpy()]


def hessian_vector_product(task, f, v, _names, wrap):
    names = task['of']
    along = [v[name] for name in task['along']]
    every = tuple(range(len(names)))
    slopes = torch.func.grad(lambda *ws: f({**v, **dict(zip(names, ws))}), argnums=every)
    along_slope = lambda *ws: sum(torch.sum(slope * d) for slope, d in zip(slopes(*ws), along))  # noqa: E731
    run = wrap(torch.func.grad(along_slope, argnums=every))
    return lambda: [product.numpy() for product in run(*(v[name] for name in names))]


STEPS = {
    'values': values,
    'gradient': gradient,
    'training': training,
    'jacobian': jacobian,
    'hessianVectorProduct': hessian_vector_product,
}
