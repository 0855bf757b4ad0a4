/** Text with its entities as nodes. Offsets count UTF-16 units, as JavaScript's strings do. */

import { h } from './dom.js';

const SAFE = /^(https?:|mailto:|tel:|tg:)/i;

/** `on` says what a press on a link, a command or a mention does: `{link, command, mention}`. */
export function richText(text, entities, on) {
  const sorted = [...entities].sort((a, b) => a.offset - b.offset || b.length - a.length);
  return nodes(text, sorted, 0, text.length, on);
}

function nodes(text, entities, start, end, on) {
  const made = [];
  let position = start;
  entities.forEach((entity, index) => {
    const from = Math.max(entity.offset, position);
    const to = Math.min(entity.offset + entity.length, end);
    if (from >= to) return;
    if (from > position) made.push(text.slice(position, from));
    const inner = entities.slice(index + 1).filter((other) => other.offset < to);
    made.push(wrap(entity, nodes(text, inner, from, to, on), text.slice(from, to), on));
    position = to;
  });
  if (position < end) made.push(text.slice(position, end));
  return made;
}

const TAGS = {
  bold: 'strong',
  italic: 'em',
  underline: 'u',
  strikethrough: 's',
  code: 'code',
  blockquote: 'blockquote',
  expandable_blockquote: 'blockquote',
};

function wrap(entity, children, words, on) {
  if (TAGS[entity.type]) return h(TAGS[entity.type], {}, children);
  switch (entity.type) {
    case 'pre':
      return h('pre', { 'data-language': entity.language }, h('code', {}, children));
    case 'spoiler':
      return spoiler(children);
    case 'text_link':
      return link(entity.url, children, on);
    case 'url':
      return link(SAFE.test(words) ? words : `https://${words}`, children, on);
    case 'email':
      return link(`mailto:${words}`, children, on);
    case 'text_mention':
      return link(`tg://user?id=${entity.user}`, children, on);
    case 'mention':
      return press('mention', children, () => on.mention(words.slice(1)));
    case 'bot_command':
      return press('command', children, () => on.command(words));
    case 'hashtag':
    case 'cashtag':
      return h('span', { class: 'hashtag' }, children);
    default:
      return h('span', {}, children);
  }
}

/** Addresses of other kinds are shown and lead nowhere. */
function link(url, children, on) {
  if (!SAFE.test(url ?? '')) return h('span', { class: 'dead-link', title: url }, children);
  const click = (event) => {
    if (on.link(url)) event.preventDefault();
  };
  return h('a', { href: url, target: '_blank', rel: 'noopener noreferrer', title: url, on: { click } }, children);
}

const press = (kind, children, click) =>
  h('button', { type: 'button', class: `inline-link ${kind}`, on: { click } }, children);

function spoiler(children) {
  const reveal = () => node.classList.add('revealed');
  const node = h(
    'button',
    { type: 'button', class: 'spoiler', title: 'Press to read', on: { click: reveal } },
    children,
  );
  return node;
}
