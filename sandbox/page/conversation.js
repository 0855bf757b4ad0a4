/** The messages of the open place: the latest hundred, more when one scrolls up, still where one reads. */

import { heldUntil } from './budget.js';
import { h, reconcile } from './dom.js';
import { renderBlock } from './message.js';
import { load, markRead, place, placeKey } from './store.js';
import { attempt } from './toast.js';
import { dayWords, isService, summaryWords } from './words.js';

const WINDOW = 100;
const NEAR_BOTTOM_PX = 90;
const NEAR_TOP_PX = 240;
const RUN_MS = 5 * 60 * 1000;
const MOST_PAGES = 30;

export class Conversation {
  constructor(pane) {
    this.pane = pane;
    this.list = h('ol', { class: 'messages', testid: 'messages' });
    this.start = h('div', { class: 'conversation-start' });
    this.scroller = h(
      'div',
      { class: 'scroller', tabindex: '0', role: 'region', 'aria-label': 'Messages', testid: 'scroller' },
      this.start,
      this.list,
    );
    this.news = h('div', { class: 'visually-hidden', 'aria-live': 'polite' });
    this.toBottom = h(
      'button',
      {
        type: 'button',
        class: 'to-bottom',
        hidden: true,
        'aria-label': 'Go to the latest message',
        on: { click: () => this.scrollDown() },
      },
      '↓',
      h('span', { class: 'badge' }),
    );
    this.node = h('div', { class: 'conversation' }, this.scroller, this.toBottom, this.news);
    this.scroller.addEventListener('scroll', () => this.onScroll(), { passive: true });
    new ResizeObserver(() => this.stuck && this.scrollDown()).observe(this.scroller);
    this.key = null;
    this.missed = 0;
  }

  /** Show another place, or nothing. */
  open(chat, topic) {
    const key = chat ? placeKey(chat.key, topic) : null;
    this.chat = chat;
    this.topic = topic;
    const viewer = `${key}#${this.pane.person}`;
    if (viewer !== this.viewer) {
      this.viewer = viewer;
      this.key = key;
      this.shown = WINDOW;
      this.latest = null;
      this.missed = 0;
      this.list.textContent = '';
      this.stuck = true;
    }
    if (!key) return;
    if (!place(key).loaded) attempt(() => load(chat, topic));
    this.draw();
  }

  draw() {
    const here = place(this.key);
    const atBottom = this.stuck || this.isAtBottom();
    if (atBottom) this.shown = WINDOW;
    else this.shown += newer(here.ids, this.latest);
    const ids = here.ids.slice(-this.shown);
    const messages = ids.map((id) => here.messages.get(id));
    const before = this.latest;
    this.announce(messages, atBottom);
    if (before === null && here.loaded) this.latest ??= 0;
    const anchor = atBottom ? null : this.anchor();
    reconcile(this.list, blocksOf(messages, this.chat), {
      key: (block) => block.key,
      version: (block) => `${block.version}|${block.quiet}|${block.held}|${this.chat.title}`,
      render: (block, old) => renderBlock(block, this.chat, this.pane, !old && before !== null && block.key > before),
    });
    this.start.hidden = ids.length > 0 || !here.loaded;
    this.start.textContent = here.loaded && !ids.length ? this.pane.emptyWords() : '';
    if (atBottom) this.scrollDown();
    else this.keep(anchor);
    if (this.scroller.clientHeight && this.pane.isVisible()) markRead(this.key, this.pane.person);
  }

  announce(messages, atBottom) {
    const before = this.latest;
    const last = messages.at(-1);
    if (last) this.latest = Math.max(last.id, before ?? 0);
    if (before === null || !last) return;
    const fresh = messages.filter(
      (message) => message.id > before && !isService(message) && message.sender.id !== this.pane.person,
    );
    if (!atBottom)
      this.missed += newer(
        messages.map((message) => message.id),
        before,
      );
    if (fresh.length)
      this.news.textContent = fresh.map((message) => `${message.sender.name}: ${summaryWords(message)}`).join('\n');
    this.toBottom.lastElementChild.textContent = this.missed ? String(this.missed) : '';
  }

  isAtBottom() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM_PX;
  }

  scrollDown() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.stuck = true;
    this.missed = 0;
    this.toBottom.hidden = true;
  }

  /** The first bubble one sees, and where it stands. */
  anchor() {
    const top = this.scroller.getBoundingClientRect().top;
    const node = [...this.list.children].find((child) => child.getBoundingClientRect().bottom > top);
    return node && { key: node.itemKey, at: node.getBoundingClientRect().top };
  }

  keep(anchor) {
    if (!anchor) return;
    const node = [...this.list.children].find((child) => child.itemKey === anchor.key);
    if (node) this.scroller.scrollTop += node.getBoundingClientRect().top - anchor.at;
  }

  async onScroll() {
    if (!this.key || !this.scroller.clientHeight) return;
    this.stuck = this.isAtBottom();
    if (this.stuck) this.missed = 0;
    this.toBottom.hidden = this.stuck;
    if (this.scroller.scrollTop < NEAR_TOP_PX) await this.showOlder();
  }

  /** False if there is nothing older. */
  async showOlder() {
    const here = place(this.key);
    if (this.busy || (here.complete && this.shown >= here.ids.length)) return false;
    this.busy = true;
    try {
      if (this.shown + WINDOW > here.ids.length) await attempt(() => load(this.chat, this.topic, true));
      this.shown += WINDOW;
      this.stuck = false;
      this.draw();
    } finally {
      this.busy = false;
    }
    return true;
  }

  async jumpTo(id) {
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const node = this.list.querySelector(`[data-id="${Number(id)}"]`)?.closest('.block');
      if (node) {
        this.stuck = false;
        node.scrollIntoView({ block: 'center', behavior: 'smooth' });
        node.classList.remove('flash');
        requestAnimationFrame(() => node.classList.add('flash'));
        return;
      }
      if (!(await this.showOlder())) break;
    }
  }
}

const newer = (ids, latest) => (latest === null ? 0 : ids.filter((id) => id > latest).length);

/** Albums become one block; each block knows whether it begins a day, or a run of one sender. */
function blocksOf(messages, chat) {
  const blocks = [];
  let before = null;
  for (const message of messages) {
    const open = blocks.at(-1);
    if (open && message.album && open.album === message.album && message.sender.id === before.sender.id) {
      open.messages.push(message);
      open.version += `,${message.number}`;
    } else {
      const day = before && dayWords(before.date) === dayWords(message.date) ? null : dayWords(message.date);
      const first =
        !before ||
        Boolean(day) ||
        isService(before) ||
        before.sender.id !== message.sender.id ||
        Date.parse(message.date) - Date.parse(before.date) > RUN_MS;
      blocks.push({
        key: message.id,
        album: message.album,
        messages: [message],
        first,
        day,
        version: `${message.number}|${first}|${day}`,
      });
    }
    before = message;
  }
  const copied = messages.findLast((message) => message.state?.kind === 'copied')?.id ?? 0;
  blocks.forEach((block, index) => {
    const last = block.messages.at(-1);
    block.quiet = saysTheSame(last, blocks[index + 1]);
    block.held = last.state?.kind === 'fetched' && last.id > copied ? heldUntil(last.state.bot, chat) : null;
  });
  return blocks;
}

function saysTheSame(message, next) {
  const [following] = next?.messages ?? [];
  if (!message.state || !following?.state || next.first) return false;
  return (
    message.state.kind === following.state.kind && message.state.text === following.state.text && !message.state.until
  );
}
