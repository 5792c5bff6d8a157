/** Small helpers; every handler hangs on the document, so that replaced content needs no binding. */

export function all<Kind extends Element = HTMLElement>(selector: string, root: ParentNode = document): Kind[] {
  return [...root.querySelectorAll<Kind>(selector)];
}

export function one<Kind extends Element = HTMLElement>(selector: string, root: ParentNode = document): Kind | null {
  return root.querySelector<Kind>(selector);
}

/** Calls `handle` for events on elements that match, or on what is inside them. */
export function on<Kind extends Element = HTMLElement>(
  type: string,
  selector: string,
  handle: (element: Kind, event: Event) => void,
): void {
  document.addEventListener(type, (event) => {
    const target = event.target;
    const element = target instanceof Element ? target.closest<Kind>(selector) : null;
    if (element !== null) handle(element, event);
  });
}

export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className: string,
  text = '',
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}
