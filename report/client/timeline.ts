/** Zooms the timeline to one stage: places are per cent of the whole, and are reckoned anew for a part of it. */
import { all, on, one } from './dom.ts';

interface Part {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** Where a mark stands in the whole, by its own attributes as they came. */
let origins = new WeakMap<Element, { readonly x: number; readonly width: number | null }>();

export function timeline(): { refresh(): void } {
  let chosen = 'whole';

  const apply = (): void => {
    const button = one(`[data-zoom="${chosen}"]`) ?? one('[data-zoom="whole"]');
    if (button === null) return;
    const part = partOf(button);
    const whole = partOf(one('[data-zoom="whole"]') ?? button);
    for (const other of all('[data-zoom]')) other.setAttribute('aria-pressed', String(other === button));
    for (const axis of all<SVGElement>('[data-axis]')) axis.toggleAttribute('hidden', axis.dataset.axis !== part.name);
    const scale = (whole.to - whole.from) / (part.to - part.from);
    const shift = ((part.from - whole.from) / (whole.to - whole.from)) * 100;
    for (const mark of all<SVGElement>('.timeline .bars > *')) place(mark, shift, scale);
  };
  on('click', '[data-zoom]', (button) => {
    chosen = button.dataset.zoom ?? 'whole';
    apply();
  });
  return {
    refresh: () => {
      origins = new WeakMap();
      if (chosen !== 'whole') apply();
    },
  };
}

function partOf(button: HTMLElement): Part {
  return { name: button.dataset.zoom ?? '', from: Number(button.dataset.from), to: Number(button.dataset.to) };
}

function place(mark: SVGElement, shift: number, scale: number): void {
  const width = mark.getAttribute('width');
  const origin = origins.get(mark) ?? {
    x: Number.parseFloat(mark.getAttribute('x') ?? '0'),
    width: width === null ? null : Number.parseFloat(width),
  };
  origins.set(mark, origin);
  mark.setAttribute('x', `${(origin.x - shift) * scale}%`);
  if (origin.width !== null) mark.setAttribute('width', `${origin.width * scale}%`);
}
