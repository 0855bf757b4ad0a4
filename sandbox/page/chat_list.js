/** The left column of a pane: the person's chats, or the topics of the open group. */

import {
  account,
  chatsOf,
  lastDate,
  place,
  placeKey,
  privateKey,
  titleOf,
  unreadIn,
  unreadOf,
  world,
} from './store.js';
import { accountAvatar, avatar, titleWithSquare, topicIcon } from './avatar.js';
import { budgetMeters, budgetVersion } from './budget.js';
import { createGroup, openMembers } from './groups.js';
import { form, openDialog } from './dialog.js';
import { h, icon, iconButton, reconcile, replace } from './dom.js';
import { isService, summaryWords, timeWords } from './words.js';

export class ChatList {
  constructor(pane) {
    this.pane = pane;
    this.head = h('div', { class: 'list-head' });
    this.rows = h('ul', { class: 'rows' });
    this.node = h(
      'nav',
      { class: 'list', 'aria-label': 'Chats' },
      this.head,
      h('div', { class: 'list-scroll' }, this.rows),
    );
  }

  draw() {
    const forum = this.pane.forum;
    const items = forum ? this.topicItems(forum) : this.chatItems();
    const headVersion = forum
      ? `${forum.key}|${forum.title}|${forum.members.length}|${budgetVersion(forum)}`
      : 'chats';
    if (headVersion !== this.headVersion) replace(this.head, ...(forum ? this.forumHead(forum) : this.chatsHead()));
    this.headVersion = headVersion;
    this.node.setAttribute('aria-label', forum ? `Topics of ${forum.title}` : 'Chats');
    reconcile(this.rows, items, {
      key: (item) => item.key,
      version: (item) => item.version,
      render: (item) => h('li', {}, item.heading ? h('h3', { class: 'rows-heading' }, item.heading) : row(item)),
    });
  }

  chatsHead() {
    return [
      h('h2', {}, 'Chats'),
      iconButton('plus', 'New group', () => createGroup(this.pane), { testid: 'new-group' }),
    ];
  }

  forumHead(forum) {
    return [
      h(
        'div',
        { class: 'forum-head' },
        iconButton('back', 'All chats', () => this.pane.showChats(), { testid: 'back-to-chats' }),
        avatar(forum.id, forum.title, 'square', 'small'),
        h(
          'button',
          {
            type: 'button',
            class: 'forum-title',
            testid: 'group-info',
            title: 'Members and rights',
            on: { click: () => openMembers(this.pane, forum.key) },
          },
          h('strong', { dir: 'auto' }, forum.title),
          h('small', {}, `${forum.members.length} members`),
        ),
        iconButton('plus', 'New topic', () => newTopic(this.pane, forum), { testid: 'new-topic' }),
      ),
      budgetMeters(forum),
    ];
  }

  chatItems() {
    const { person } = this.pane;
    const chats = chatsOf(person).sort((a, b) => (lastDate(b) > lastDate(a) ? 1 : -1));
    const met = new Set(chats.map((chat) => chat.bot));
    const strangers = [...world.bots.values()].filter((bot) => !bot.is_deleted && !met.has(bot.id));
    return [
      ...chats.map((chat) => this.chatItem(chat)),
      strangers.length && { key: 'strangers', version: 'strangers', heading: 'Bots to write to' },
      ...strangers.map((bot) => this.strangerItem(bot)),
      {
        key: 'botfather',
        version: 'botfather',
        title: 'BotFather',
        preview: 'Make a bot of your own, see its token',
        lead: () => h('span', { class: 'avatar square botfather', 'aria-hidden': 'true' }, icon('robot')),
        run: () => this.pane.openBotFather(),
        testid: 'botfather',
      },
    ].filter(Boolean);
  }

  chatItem(chat) {
    const { person } = this.pane;
    const last = latest(chat);
    const unread = unreadOf(chat, person);
    const title = titleOf(chat);
    const bot = chat.bot && account(chat.bot);
    return entry({
      key: chat.key,
      title,
      last,
      unread,
      person,
      current: chat.key === this.pane.chatKey,
      lead: () => (bot ? accountAvatar(bot) : avatar(chat.id, title, 'square')),
      tag: bot ? 'bot' : chat.is_forum ? 'topics' : 'group',
      run: () => this.pane.open(chat.key),
      testid: 'chat-item',
    });
  }

  strangerItem(bot) {
    const key = privateKey(bot.id, this.pane.person);
    return entry({
      key,
      title: bot.name,
      preview: `@${bot.username}`,
      unread: 0,
      tag: 'bot',
      lead: () => accountAvatar(bot),
      current: key === this.pane.chatKey,
      run: () => this.pane.open(key),
      testid: 'chat-item',
    });
  }

  topicItems(forum) {
    const order = (topic) => place(placeKey(forum.key, topic.id)).last?.date ?? '';
    const topics = [...forum.topics].sort(
      (a, b) => Number(b.is_general) - Number(a.is_general) || (order(b) > order(a) ? 1 : -1),
    );
    const items = topics.map((topic) => {
      const key = placeKey(forum.key, topic.id);
      return entry({
        key,
        title: topic.name,
        last: place(key).last,
        unread: unreadIn(key, this.pane.person),
        person: this.pane.person,
        closed: topic.closed,
        current: this.pane.chatKey === forum.key && this.pane.topicId === topic.id,
        lead: () => topicIcon(topic),
        extra: `${topic.icon_color}`,
        run: () => this.pane.open(forum.key, topic.id),
        testid: 'topic-item',
      });
    });
    if (topics.length === 1)
      items.push({
        key: 'hint',
        version: 'hint',
        heading: 'A topic appears here for each customer who writes to the bot.',
      });
    return items;
  }
}

function latest(chat) {
  if (!chat.is_forum) return place(chat.key).last;
  const all = chat.topics.map((topic) => place(placeKey(chat.key, topic.id)).last).filter(Boolean);
  return all.reduce((a, b) => (a && a.date >= b.date ? a : b), null);
}

function entry(item) {
  const { last, person, preview } = item;
  const by =
    last && !isService(last) && last.sender.id === person
      ? 'You: '
      : last && !isService(last) && item.testid === 'topic-item'
        ? `${last.sender.is_bot ? last.sender.name : last.sender.name.split(' ')[0]}: `
        : '';
  const words = preview ?? (last ? `${by}${summaryWords(last).slice(0, 120)}` : '');
  const version = [item.title, words, last?.date, item.unread, item.current, item.closed, item.extra].join('|');
  return { ...item, preview: words, version, time: last && timeWords(last.date) };
}

function row(item) {
  const about = {
    type: 'button',
    class: item.current ? 'row-item current' : 'row-item',
    testid: item.testid,
    'data-key': item.key,
    'aria-current': item.current ? 'true' : null,
  };
  return h(
    'button',
    { ...about, on: { click: item.run } },
    item.lead(),
    h(
      'span',
      { class: 'row-words' },
      h(
        'span',
        { class: 'row-line' },
        h('span', { class: 'row-title', dir: 'auto', testid: 'item-title' }, titleWithSquare(item.title)),
        item.closed && h('span', { class: 'lock', title: 'Closed', testid: 'closed' }, icon('lock')),
        item.tag && h('span', { class: 'tag' }, item.tag),
        item.time && h('time', {}, item.time),
      ),
      h(
        'span',
        { class: 'row-line' },
        h('span', { class: 'row-preview', dir: 'auto' }, item.preview),
        item.unread > 0 &&
          h('span', { class: 'badge', testid: 'unread', 'aria-label': `${item.unread} unread` }, String(item.unread)),
      ),
    ),
  );
}

function newTopic(pane, forum) {
  openDialog({
    title: 'New topic',
    body: (close) => [
      form({
        label: 'Create',
        fields: [{ name: 'name', label: 'Name' }],
        submit: async ({ name }) => {
          const topic = await pane.actIn(forum.id, 'create_topic', { name });
          if (!topic) return;
          close();
          pane.openSoon(forum.key, topic.id);
        },
      }),
    ],
    testid: 'new-topic-dialog',
  });
}
