/** One person's app: who one is, their chats, and the open one. */

import { act } from './api.js';
import { openBotFather } from './botfather.js';
import { ChatHeader } from './chat_header.js';
import { ChatList } from './chat_list.js';
import { Composer } from './composer.js';
import { Conversation } from './conversation.js';
import { h, replace } from './dom.js';
import { openLink, openMention } from './links.js';
import { personSwitch, roleOf } from './persons.js';
import {
  account,
  chatsOf,
  findChat,
  findTopic,
  GENERAL,
  may,
  memberOf,
  placeKey,
  privateKey,
  unreadOf,
  world,
} from './store.js';
import { attempt } from './toast.js';

const SAVED = 'backline-sandbox-pane-';

export class Pane {
  constructor(side, isVisible, drawn) {
    this.side = side;
    this.isVisible = isVisible;
    this.drawn = drawn;
    this.chatKey = null;
    this.topicId = null;
    this.linkHandlers = {
      link: (url) => openLink(this, url),
      mention: (username) => openMention(this, username),
      command: (text) => this.act('send', { ...this.where(), text }),
    };
    this.list = new ChatList(this);
    this.header = new ChatHeader(this);
    this.conversation = new Conversation(this);
    this.composer = new Composer(this);
    this.who = h('div', { class: 'pane-who' });
    this.foot = h('div', { class: 'chat-foot' });
    this.main = h('div', { class: 'chat' }, this.header.node, this.conversation.node, this.foot);
    this.nothing = h('div', { class: 'nothing' }, 'Choose a chat.');
    this.node = h(
      'section',
      { class: 'pane', testid: `pane-${side}`, 'aria-label': `${side} pane` },
      this.who,
      h('div', { class: 'pane-body' }, this.list.node, this.main, this.nothing),
    );
  }

  get chat() {
    return findChat(this.chatKey);
  }

  get topic() {
    return findTopic(this.chat, this.topicId);
  }

  /** How the sandbox names the open chat: a group by its id, a private chat by the bot's. */
  get chatId() {
    return this.chat.bot ?? this.chat.id;
  }

  /** The group whose topics the list shows, if it shows topics. */
  get forum() {
    const chat = this.level === 'topics' ? (this.chat ?? findChat(this.forumKey)) : null;
    return chat?.is_forum ? chat : null;
  }

  get unread() {
    return chatsOf(this.person).reduce((sum, chat) => sum + unreadOf(chat, this.person), 0);
  }

  where = () => ({ chat: this.chatId, ...(this.topicId === null ? {} : { topic: this.topicId }) });
  act = (deed, given) => attempt(() => act(deed, this.person, { chat: this.chatId, ...given }));
  actIn = (chat, deed, given) => attempt(() => act(deed, this.person, { chat, ...given }));
  react = (message, emoji) => this.act('react', { message: message.id, emoji });
  replyTo = (message, part) => this.composer.replyTo(message, part);
  /** Send one thing that is no text, as an answer if one was begun. */
  put = (content) => this.act('send', { ...this.where(), ...this.composer.takeReply(), ...content });
  edit = (message) => this.composer.edit(message);
  jumpTo = (id) => this.conversation.jumpTo(id);
  openLink = (url) => openLink(this, url);
  openBotFather = () => openBotFather(this);

  /** Be someone else; at the same bot or in the same group, if they may be there. */
  become(person) {
    const before = this.chat;
    this.person = person;
    if (before?.bot) this.open(privateKey(before.bot, person), null, this.view);
    else if (before && memberOf(before, person)) this.open(before.key, this.topicId, this.view);
    else this.showChats();
  }

  open(key, topic = null, view = null) {
    const chat = findChat(key);
    this.chatKey = key;
    this.level = chat?.is_forum ? 'topics' : 'chats';
    this.topicId = chat?.is_forum ? (topic ?? GENERAL) : null;
    const opensTopicsFirst = chat?.is_forum && topic === null;
    this.view = view ?? (opensTopicsFirst ? 'list' : 'chat');
    this.draw();
    if (this.view === 'chat' && matchMedia('(hover: hover)').matches)
      this.composer.input.focus({ preventScroll: true });
  }

  /** A topic that was made just now is opened when the stream has told of it. */
  openSoon(key, topic) {
    if (findTopic(findChat(key), topic)) this.open(key, topic);
    else this.soon = { key, topic };
  }

  showChats() {
    this.level = 'chats';
    this.view = 'list';
    if (!this.chat || (this.chat.kind !== 'private' && !memberOf(this.chat, this.person))) this.chatKey = null;
    this.draw();
  }

  back() {
    this.view = 'list';
    this.draw();
  }

  /** After a change: what concerns this pane is drawn anew. */
  refresh(changes) {
    if (!world.users.has(this.person)) return;
    const { chat, soon } = this;
    if (soon && findTopic(findChat(soon.key), soon.topic)) {
      this.soon = null;
      return this.open(soon.key, soon.topic);
    }
    if (chat?.migrated_to) return this.open(chat.migrated_to, null, this.view);
    if (chat && chat.kind !== 'private' && !memberOf(chat, this.person)) return this.showChats();
    if (chat?.is_forum && !this.topic) return this.open(this.chatKey, null, this.view);
    if (chat && chat.is_forum !== (this.topicId !== null)) return this.open(this.chatKey, null, this.view);
    const key = placeKey(this.chatKey, this.topicId);
    this.drawFrame();
    if (
      this.chat &&
      (changes.all ||
        changes.places.has(key) ||
        changes.chats.has(this.chatKey) ||
        changes.accounts ||
        changes.budgets)
    )
      this.conversation.open(this.chat, this.topicId);
    return undefined;
  }

  draw() {
    this.drawFrame();
    if (this.chat) this.conversation.open(this.chat, this.topicId);
    sessionStorage.setItem(
      SAVED + this.side,
      JSON.stringify({ person: this.person, chat: this.chatKey, topic: this.topicId, view: this.view }),
    );
    this.drawn();
  }

  drawFrame() {
    this.node.dataset.view = this.view;
    this.node.dataset.level = this.level;
    this.node.dataset.open = this.chat ? 'true' : 'false';
    const person = world.users.get(this.person);
    this.node.setAttribute('aria-label', `App of ${person.name}`);
    const who = `${person.id}|${person.name}|${roleOf(person.id)}`;
    if (who !== this.whoVersion) replace(this.who, personSwitch(this));
    this.whoVersion = who;
    this.list.draw();
    if (!this.chat) return;
    this.header.draw();
    this.composer.open(`${this.person}#${placeKey(this.chatKey, this.topicId)}`);
    this.drawFoot();
  }

  /** The composer, or why one can't write here and what to do about it. */
  drawFoot() {
    const { chat, topic, person } = this;
    const bot = chat.bot && account(chat.bot);
    const start = (label) =>
      this.bigButton(label, 'start', () => attempt(() => act('start', person, { bot: bot.id })));
    let kind = 'composer';
    if (bot?.is_deleted) kind = 'deleted';
    else if (world.users.get(person).is_deleted) kind = 'gone';
    else if (bot && chat.blocked) kind = 'blocked';
    else if (bot && !chat.last) kind = 'start';
    else if (chat.kind === 'channel' && !may(chat, person, 'post_messages')) kind = 'readers';
    else if (topic?.closed && topic.creator !== person && !may(chat, person, 'manage_topics')) kind = 'closed';
    const version = `${kind}|${person}|${this.chatKey}`;
    if (version === this.footVersion) return;
    this.footVersion = version;
    const feet = {
      composer: () => [this.composer.node],
      deleted: () => [h('p', { class: 'foot-note' }, 'This bot has been deleted.')],
      gone: () => [h('p', { class: 'foot-note' }, 'This account has been deleted. Be somebody else above.')],
      readers: () => [h('p', { class: 'foot-note' }, 'Only administrators post in this channel.')],
      blocked: () => [
        this.bigButton('Unblock', 'unblock', () => attempt(() => act('unblock', person, { bot: bot.id }))),
      ],
      start: () => [start('Start')],
      closed: () => [h('p', { class: 'foot-note' }, closedWords(chat))],
    };
    replace(this.foot, ...feet[kind]());
  }

  bigButton = (label, testid, click) =>
    h('button', { type: 'button', class: 'big-button', testid, on: { click } }, label);

  emptyWords() {
    const bot = this.chat.bot && account(this.chat.bot);
    if (bot) return bot.description || `This is the chat with ${bot.name}. Press Start to begin.`;
    return 'Nothing has been said here yet.';
  }

  /** Where this pane was before the page was loaded anew, if that still exists. */
  static saved(side) {
    const saved = JSON.parse(sessionStorage.getItem(SAVED + side) ?? 'null');
    return saved && world.users.has(saved.person) ? saved : null;
  }
}

/** Who could, by name: a closed topic is no dead end. */
function closedWords(chat) {
  const able = chat.members.find((member) => world.users.has(member.id) && may(chat, member.id, 'manage_topics'));
  return `This topic is closed. Who manages topics${able ? `, as ${account(able.id).name} does,` : ''} can still write here.`;
}
