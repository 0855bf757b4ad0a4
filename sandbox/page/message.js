/** One bubble: a message, or the messages of an album. */

import { avatar, toneOf } from './avatar.js';
import { h, iconButton } from './dom.js';
import { stateChip } from './journey.js';
import { keyboard } from './keyboard.js';
import { media, picture } from './media.js';
import { openMessageMenu } from './message_menu.js';
import { richText } from './rich_text.js';
import { account } from './store.js';
import { exactTimeWords, isService, serviceWords, summaryWords, timeWords } from './words.js';

/**
 * `block` is `{messages, first, day, quiet, held}`: `first` of a run of one sender, `day` if a new one begins,
 * `quiet` if the next message is in the same state, `held` while a limit holds the bot that has it.
 * A fresh one moves in.
 */
export function renderBlock(block, chat, pane, fresh) {
  const [head] = block.messages;
  const inside = isService(head) ? serviceLine(head) : bubbleRow(block, chat, pane);
  return h(
    'li',
    { class: fresh ? 'block fresh' : 'block' },
    block.day && h('div', { class: 'day' }, h('span', {}, block.day)),
    inside,
  );
}

function serviceLine(message) {
  return h(
    'div',
    { class: 'service', testid: 'service', 'data-id': message.id },
    h('span', { dir: 'auto' }, serviceWords(message)),
  );
}

function bubbleRow(block, chat, pane) {
  const [head] = block.messages;
  const last = block.messages.at(-1);
  const edited = block.messages.some((message) => message.edited);
  const mine = head.sender.id === pane.person;
  const named = chat.kind !== 'private' && !mine;
  const captioned = block.messages.find((message) => message.text) ?? head;
  const words = captioned.text ? textNode(captioned, pane) : null;
  const content = block.messages.length > 1 ? album(block.messages) : media(head);
  const above = captioned.caption_above;
  const bubble = h(
    'div',
    { class: `bubble ${content && !words ? 'bare' : ''}` },
    named &&
      block.first &&
      h(
        'div',
        { class: `sender tone-text-${toneOf(head.sender.id)}`, dir: 'auto' },
        senderName(head, chat),
        head.sender.is_bot && h('span', { class: 'tag' }, 'bot'),
      ),
    head.forwarded_from && h('div', { class: 'forwarded', dir: 'auto' }, `Forwarded from ${head.forwarded_from}`),
    head.reply && quoteBar(head, pane),
    above && words,
    content,
    !above && words,
    h(
      'div',
      { class: 'meta' },
      edited && h('span', { testid: 'edited' }, 'edited'),
      h('time', { datetime: last.date, title: exactTimeWords(last.date) }, timeWords(last.date)),
    ),
    reactions(block.messages, pane),
  );
  return h(
    'div',
    {
      class: `row ${mine ? 'mine' : 'theirs'} ${block.first ? 'first' : ''}`,
      testid: 'message',
      'data-id': last.id,
      'data-sender': head.sender.id,
      'data-mine': mine ? 'true' : null,
    },
    named && (block.first ? senderAvatar(head, chat) : h('span', { class: 'avatar-gap' })),
    h(
      'div',
      { class: 'stack' },
      bubble,
      last.keyboard.length > 0 && keyboard(last, pane),
      mine && last.state && stateChip(last, block),
    ),
    actions(block.messages, pane),
  );
}

/** The chat in whose name it is said: a channel's post, an anonymous administrator's message. */
const voiceOf = (message, chat) => message.as_chat ?? (message.anonymous ? { id: chat.id, name: chat.title } : null);

const senderName = (message, chat) =>
  voiceOf(message, chat)?.name ?? (account(message.sender.id)?.name || message.sender.name || 'Deleted account');

function senderAvatar(message, chat) {
  const voice = voiceOf(message, chat);
  if (voice) return avatar(voice.id, voice.name, 'square', 'small');
  return avatar(message.sender.id, senderName(message, chat), message.sender.is_bot ? 'square' : 'round', 'small');
}

const textNode = (message, pane) =>
  h(
    'div',
    { class: 'text', testid: 'message-text', dir: 'auto' },
    richText(message.text, message.entities, pane.linkHandlers),
  );

function quoteBar(message, pane) {
  const jump = () => (message.reply_elsewhere ? null : pane.jumpTo(message.reply.id));
  const words = message.quote ?? (message.reply.text || summaryWords({ ...message.reply, details: null, text: '' }));
  return h(
    'button',
    {
      type: 'button',
      class: `quote tone-text-${toneOf(message.reply.sender)}`,
      testid: 'reply-quote',
      title: 'Go to the message',
      on: { click: jump },
    },
    h('span', { class: 'quote-name', dir: 'auto' }, message.reply.name),
    h('span', { class: 'quote-text', dir: 'auto' }, words),
  );
}

function album(messages) {
  const pictures = messages.every((message) => message.kind === 'photo');
  return h(
    'div',
    { class: pictures ? `album of-${Math.min(messages.length, 4)}` : 'album-list', testid: 'album' },
    messages.map((message) => (pictures ? picture(message) : media(message))),
  );
}

function reactions(messages, pane) {
  const chips = messages.flatMap((message) =>
    Object.entries(message.reactions).map(([emoji, count]) => reaction(message, emoji, count, pane)),
  );
  return chips.length ? h('div', { class: 'reactions' }, chips) : null;
}

/** Who reacted is its tooltip; one's own is framed, and pressed it goes. */
function reaction(message, emoji, count, pane) {
  const mine = (message.reactions_by[pane.person] ?? []).includes(emoji);
  const people = Object.entries(message.reactions_by).filter(([, set]) => set.includes(emoji));
  const title = people.map(([id]) => account(Number(id))?.name ?? 'Deleted account').join(', ');
  const click = () => pane.react(message, mine ? null : emoji);
  const about = { type: 'button', class: mine ? 'reaction own' : 'reaction', testid: 'reaction', title, on: { click } };
  return h('button', about, emoji, count > 1 && h('small', {}, String(count)));
}

function actions(messages, pane) {
  const message = messages.at(-1);
  return h(
    'div',
    { class: 'message-actions' },
    iconButton('reply', 'Reply', () => pane.replyTo(message), { class: 'small', testid: 'reply' }),
    iconButton('more', 'More', (event) => openMessageMenu(event.currentTarget, messages, pane), {
      class: 'small',
      testid: 'message-menu',
      'aria-haspopup': 'menu',
    }),
  );
}
