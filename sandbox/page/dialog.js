/** Dialogs: the browser's own, which hold the focus and close on Escape. */

import { h, iconButton } from './dom.js';

/** `body` is a list of nodes or a function of `close`; `done` is the label of a button that closes. */
export function openDialog({ title, body, testid, done, onClose, wide = false }) {
  const dialog = h('dialog', { class: wide ? 'dialog wide' : 'dialog', testid, 'aria-label': title });
  const close = () => dialog.close();
  const content = typeof body === 'function' ? body(close) : body;
  dialog.append(
    h(
      'header',
      { class: 'dialog-head' },
      h('h2', {}, title),
      iconButton('close', 'Close', close, { testid: 'dialog-close' }),
    ),
    h('div', { class: 'dialog-body' }, content),
  );
  if (done)
    dialog.append(
      h(
        'footer',
        { class: 'dialog-foot' },
        h('button', { class: 'button primary', type: 'button', on: { click: close } }, done),
      ),
    );
  dialog.addEventListener('click', (event) => event.target === dialog && close());
  dialog.addEventListener('close', () => {
    onClose?.();
    dialog.remove();
  });
  document.body.append(dialog);
  dialog.showModal();
  return { dialog, close };
}

/** A small form: `fields` are `{name, label, value?, hint?, required?}`; `submit(values, close)`. */
export function form({ fields, submit, label, testid, focus = true }) {
  const inputs = fields.map(({ name, label: text, value = '', hint, required = true, placeholder }, index) => {
    const input = h('input', {
      name,
      value,
      required,
      placeholder,
      autocomplete: 'off',
      spellcheck: 'false',
      autofocus: focus && index === 0,
      testid: `field-${name}`,
    });
    return h('label', { class: 'field' }, h('span', {}, text), input, hint && h('small', {}, hint));
  });
  const node = h(
    'form',
    { class: 'form', testid },
    inputs,
    h('button', { class: 'button primary', type: 'submit', testid: 'form-submit' }, label),
  );
  node.addEventListener('submit', (event) => {
    event.preventDefault();
    submit(Object.fromEntries(new FormData(node)));
  });
  return node;
}

/** A list of choices that opens below its button; arrows move, Escape closes. */
export function openMenu(anchor, items, { testid = 'menu', label = 'Menu', footer } = {}) {
  document.querySelector('.menu')?.remove();
  const menu = h('div', { class: 'menu', role: 'menu', testid, 'aria-label': label });
  const close = (refocus = true) => {
    menu.remove();
    anchor.setAttribute('aria-expanded', 'false');
    document.removeEventListener('pointerdown', outside, true);
    window.removeEventListener('resize', leave);
    if (refocus && anchor.isConnected) anchor.focus({ preventScroll: true });
  };
  const leave = () => close(false);
  const outside = (event) => !menu.contains(event.target) && !anchor.contains(event.target) && leave();
  for (const item of items.filter(Boolean))
    menu.append(item.heading ? h('div', { class: 'menu-heading' }, item.heading) : menuItem(item, close));
  if (footer) menu.append(footer);
  menu.addEventListener('keydown', (event) => moveInMenu(event, menu, close));
  document.body.append(menu);
  put(menu, anchor);
  anchor.setAttribute('aria-expanded', 'true');
  document.addEventListener('pointerdown', outside, true);
  window.addEventListener('resize', leave);
  (menu.querySelector('[aria-current]') ?? menu.querySelector('button'))?.focus();
}

function menuItem({ label, hint, lead, run, testid, current, danger }, close) {
  const click = () => {
    close();
    run();
  };
  const about = { type: 'button', role: 'menuitem', class: danger ? 'menu-item danger' : 'menu-item', testid };
  return h(
    'button',
    { ...about, 'aria-current': current ? 'true' : null, on: { click } },
    lead,
    h(
      'span',
      { class: 'menu-words' },
      h('span', { class: 'menu-label', dir: 'auto', testid: 'menu-label' }, label),
      hint && h('small', {}, hint),
    ),
  );
}

function moveInMenu(event, menu, close) {
  if (event.key === 'Escape' || event.key === 'Tab') {
    event.preventDefault();
    close();
    return;
  }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const buttons = [...menu.querySelectorAll('button')];
  const at = buttons.indexOf(document.activeElement);
  buttons[(at + step + buttons.length) % buttons.length]?.focus();
}

function put(menu, anchor) {
  const box = anchor.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const left = Math.min(Math.max(8, box.left), window.innerWidth - width - 8);
  const below = box.bottom + 6 + height <= window.innerHeight;
  const top = below ? box.bottom + 6 : Math.max(8, box.top - height - 6);
  menu.style.left = `${left}px`;
  menu.style.top = `${top}px`;
}
