/** Gives every value a numbered slot, and says after which step it is no longer needed. */
import type { Tensor } from '../../graph/tensor.js';
import type { Plan, Stage, Step } from '../plan.js';

export const assignSlots: Stage = {
  name: 'assign-slots',
  run(plan) {
    const { feeds, fetches } = plan.request;
    const slotOf = new Map<Tensor, number>();
    const slot = (tensor: Tensor): number => {
      let number = slotOf.get(tensor);
      if (number === undefined) slotOf.set(tensor, (number = slotOf.size));
      return number;
    };
    const feedSlots = feeds.map((feed) => slot(feed.tensor));
    const fed = new Set(feeds.map((feed) => feed.tensor));
    const lastUse = new Map<number, number>();
    const inputs = plan.operations.map((op, i) =>
      op.inputs.map((input) => {
        const number = slot(input);
        lastUse.set(number, i);
        return number;
      }),
    );
    const fetchSlots = fetches.map(slot);
    const keep = new Set([...fetchSlots, ...feedSlots]);
    const release: number[][] = plan.operations.map(() => []);
    for (const [number, step] of lastUse) if (!keep.has(number)) release[step]!.push(number);
    const steps = plan.operations.map((op, i): Step => {
      const outputs = op.outputs.map((output) => (fed.has(output) ? -1 : (slotOf.get(output) ?? -1)));
      return { op, inputs: inputs[i]!, outputs, release: release[i]! };
    });
    return { ...plan, steps, slots: slotOf.size, feedSlots, fetchSlots };
  },
  show: showSteps,
};

function showSteps(plan: Plan): string {
  const list = (slots: readonly number[]) => slots.map((slot) => (slot < 0 ? '_' : `%${slot}`)).join(', ');
  return plan.steps
    .map(({ op, inputs, outputs, release }) => {
      const left = outputs.length > 0 ? `${list(outputs)} = ` : '';
      return `${left}${op.type}(${list(inputs)})${release.length > 0 ? `  ; free ${list(release)}` : ''}  # ${op.name}`;
    })
    .join('\n');
}
