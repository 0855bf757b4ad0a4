/** Puts the page together: two panes, the bar above them, hints and trouble. */

import { accountAvatar } from './avatar.js';
import { h, icon, replace } from './dom.js';
import { Pane } from './pane.js';
import { addPerson } from './persons.js';
import { chatsOf, memberOf, privateKey, subscribe, world } from './store.js';
import { follow } from './stream.js';
import { startTicking } from './ticks.js';
import { mountToasts } from './toast.js';
import { Tour } from './tour.js';
import { Trouble } from './trouble.js';

const narrow = matchMedia('(max-width: 760px)');
const app = document.getElementById('app');
const panes = ['left', 'right'].map((side) => new Pane(side, () => !narrow.matches || active === side, drawTabs));
const [left, right] = panes;
let active = 'left';

const banner = h(
  'div',
  { class: 'banner', role: 'alert', testid: 'reconnect', hidden: true },
  'The connection to the sandbox is lost. Connecting again…',
);
const tabs = h('nav', { class: 'tabs', 'aria-label': 'Panes' });
const main = h(
  'main',
  { class: 'panes' },
  panes.map((pane) => pane.node),
);
const welcome = h(
  'section',
  { class: 'welcome', hidden: true },
  h('h2', {}, 'Nobody lives here yet'),
  h('p', { class: 'quiet' }, 'Add a person, and be them.'),
  h(
    'button',
    {
      type: 'button',
      class: 'button primary',
      testid: 'first-person',
      on: { click: () => addPerson(() => onChange({ all: true })) },
    },
    'Add a person',
  ),
);
const tour = new Tour(left, right, show);
const trouble = new Trouble([right, left]);

function topBar() {
  const button = (label, name, click, testid) =>
    h(
      'button',
      { type: 'button', class: 'top-button', testid, title: label, on: { click } },
      icon(name),
      h('span', {}, label),
    );
  return h(
    'header',
    { class: 'top' },
    h('img', { class: 'logo', src: '/page/icon.svg', alt: '' }),
    h(
      'div',
      { class: 'brand' },
      h('h1', {}, 'Backline sandbox'),
      h('p', {}, 'A Telegram of its own, on this machine. Be everyone in it.'),
    ),
    h(
      'div',
      { class: 'top-buttons' },
      button('Try this', 'spark', () => tour.open(), 'open-tour'),
      button('Trouble', 'bolt', (event) => trouble.toggle(event.currentTarget), 'open-trouble'),
    ),
  );
}

function show(side) {
  active = side;
  app.dataset.active = side;
  drawTabs();
}

function drawTabs() {
  if (!world.ready || !narrow.matches) return;
  if (panes.some((pane) => !world.users.has(pane.person))) return;
  replace(
    tabs,
    panes.map((pane) => {
      const person = world.users.get(pane.person);
      const unread = pane.unread;
      const click = () => {
        show(pane.side);
        pane.draw();
      };
      return h(
        'button',
        {
          type: 'button',
          class: 'tab',
          testid: `tab-${pane.side}`,
          'aria-pressed': String(active === pane.side),
          on: { click },
        },
        accountAvatar(person, 'small'),
        h('span', { class: 'tab-name', dir: 'auto' }, person.name),
        unread > 0 && h('span', { class: 'badge' }, String(unread)),
      );
    }),
  );
}

/** Left a customer, right somebody of the team; as they were, if the page was only loaded anew. */
function settle() {
  const people = [...world.users.values()].filter((user) => !user.is_deleted);
  const groups = (user) => chatsOf(user.id).filter((chat) => chat.kind !== 'private');
  const customer = people.find((user) => !groups(user).length) ?? people[0];
  const operator =
    people.find((user) =>
      groups(user).some((chat) => chat.is_forum && memberOf(chat, user.id).status !== 'creator'),
    ) ??
    people.find((user) => user !== customer) ??
    customer;
  if (!customer) return false;
  place(left, customer, world.demo ? privateKey(world.demo.bot_id, customer.id) : null);
  place(right, operator, world.demo ? String(world.demo.group_id) : null);
  return true;
}

function place(pane, person, key) {
  const saved = Pane.saved(pane.side);
  pane.person = saved?.person ?? person.id;
  const chat = saved ? saved.chat : key;
  if (chat && (chat.includes(':') || chatsOf(pane.person).some((one) => one.key === chat)))
    pane.open(chat, saved?.topic ?? null, saved?.view ?? null);
  else pane.showChats();
}

let settled = false;

function onChange(changes) {
  if (!settled) {
    settled = settle();
    if (settled) show('left');
    welcome.hidden = settled;
    main.hidden = !settled;
    return;
  }
  for (const pane of panes) {
    if (!world.users.has(pane.person)) settle();
    pane.refresh(changes);
  }
  drawTabs();
}

narrow.addEventListener('change', () => show(active));
subscribe(onChange);
replace(app, topBar(), banner, tour.node, tabs, welcome, main, trouble.node);
mountToasts(document.body);
startTicking();
follow((there) => {
  banner.hidden = there;
});
