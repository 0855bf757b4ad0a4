/** Nodes are built here and nowhere else: no markup is ever parsed, so no text can become markup. */

const SVG = 'http://www.w3.org/2000/svg';

const PATHS = {
  back: 'M15 5l-7 7 7 7',
  down: 'M6 9l6 6 6-6',
  send: 'M5 12l14-7-5 14-3-6z',
  attach: 'M8 12.500l6-6a3 3 0 0 1 4.300 4.300l-7.500 7.500a5 5 0 0 1-7-7l7-7',
  more: 'M11.500 6h1M11.500 12h1M11.500 18h1',
  close: 'M6 6l12 12M18 6L6 18',
  plus: 'M12 5v14M5 12h14',
  lock: 'M7 11h10v8H7zM9 11V8a3 3 0 0 1 6 0v3',
  people: 'M9 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM3 19c0-3 3-5 6-5s6 2 6 5M16 6a3 3 0 0 1 0 5M18 14c2 .6 3 2.500 3 5',
  reply: 'M9 7l-5 5 5 5M4 12h9a6 6 0 0 1 6 6',
  file: 'M7 3h7l4 4v14H7zM14 3v4h4',
  bolt: 'M13 3L5 14h6l-1 7 8-11h-6z',
  spark: 'M12 4l1.800 5.200L19 11l-5.200 1.800L12 18l-1.800-5.200L5 11l5.200-1.800z',
  robot:
    'M8 9h8a2 2 0 0 1 2 2v5a2 2 0 0 1-2 2H8a2 2 0 0 1-2-2v-5a2 2 0 0 1 2-2zM12 5v4M9.500 13v1M14.500 13v1M3.500 12.500v3M20.500 12.500v3',
  edit: 'M5 19l1-4L16 5l3 3L9 18z',
  quote: 'M5 7h5v5a4 4 0 0 1-4 4M14 7h5v5a4 4 0 0 1-4 4',
  forward: 'M15 7l5 5-5 5M20 12h-9a6 6 0 0 0-6 6',
  trash: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13',
  pin: 'M9 4h6l-1 6 3 3H7l3-3zM12 13v7',
  copy: 'M9 9h10v11H9zM5 15V4h10',
  clock: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 8v4l3 2',
  out: 'M8 5H5v14h14v-3M13 5h6v6M19 5l-9 9',
};

/** An element: `h('button', {class: 'x', testid: 'send', on: {click}}, 'Send')`. */
export function h(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'on') for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
    else if (name === 'testid') node.dataset.testid = value;
    else if (name === 'tone') node.style.setProperty('--tone', value);
    else if (name === 'value') node.value = value;
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  append(node, children);
  return node;
}

function append(node, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) append(node, child);
    else node.append(child);
  }
}

/** The children instead of those that were; the keyboard's focus stays where it was. */
export function replace(node, ...children) {
  const focused = focusedInside(node);
  node.textContent = '';
  append(node, children);
  if (focused) focusInside(node, focused);
  return node;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', PATHS[name]);
  svg.append(path);
  return svg;
}

/** A round button with an icon; the label is its name and its tooltip. */
export function iconButton(name, label, click, props) {
  const { class: more = '', ...rest } = props ?? {};
  const about = { type: 'button', class: `icon-button ${more}`, 'aria-label': label, title: label, on: { click } };
  return h('button', { ...about, ...rest }, icon(name));
}

/**
 * Make the children of a node those of the items: a node is built anew only if its item's version
 * has changed, and moved only if it stands elsewhere.
 */
export function reconcile(parent, items, { key, version, render }) {
  const keys = new Set(items.map(key));
  const old = new Map();
  for (const node of [...parent.children]) {
    if (keys.has(node.itemKey)) old.set(node.itemKey, node);
    else node.remove();
  }
  let next = parent.firstElementChild;
  for (const item of items) {
    const itemKey = key(item);
    const itemVersion = version(item);
    let node = old.get(itemKey);
    if (!node || node.itemVersion !== itemVersion) {
      const fresh = render(item, node);
      fresh.itemKey = itemKey;
      fresh.itemVersion = itemVersion;
      if (node) {
        if (node === next) next = fresh;
        const focused = focusedInside(node);
        node.replaceWith(fresh);
        if (focused) focusInside(fresh, focused);
      }
      node = fresh;
    }
    if (node === next) next = next.nextElementSibling;
    else parent.insertBefore(node, next);
  }
}

const focusedInside = (node) =>
  node.contains(document.activeElement) ? document.activeElement.dataset.testid : null;

function focusInside(node, testid) {
  const same = node.dataset.testid === testid ? node : node.querySelector(`[data-testid="${CSS.escape(testid)}"]`);
  same?.focus({ preventScroll: true });
}
