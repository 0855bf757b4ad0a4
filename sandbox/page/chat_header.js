/** The bar above the messages: what is open, and what can be done with it. */

import { act } from './api.js';
import { accountAvatar, avatar, titleWithSquare, topicIcon } from './avatar.js';
import { budgetMeters, budgetVersion } from './budget.js';
import { form, openDialog, openMenu } from './dialog.js';
import { h, icon, iconButton, replace } from './dom.js';
import { openMembers } from './groups.js';
import { openStars } from './stars.js';
import { account, titleOf } from './store.js';
import { attempt } from './toast.js';

export class ChatHeader {
  constructor(pane) {
    this.pane = pane;
    this.node = h('header', { class: 'chat-head' });
  }

  draw() {
    const { chat, topic } = this.pane;
    const bot = chat.bot && account(chat.bot);
    const version = [
      chat.key,
      titleOf(chat),
      topic?.id,
      topic?.name,
      topic?.closed,
      topic?.icon_color,
      chat.members.length,
      chat.blocked,
      budgetVersion(chat),
      bot?.pending_updates,
      chat.is_forum,
    ].join('|');
    if (version === this.version) return;
    this.version = version;
    const menu = iconButton('more', 'What can be done here', (event) => this.openMenu(event.currentTarget), {
      testid: 'chat-menu',
      'aria-haspopup': 'menu',
    });
    replace(
      this.node,
      h(
        'div',
        { class: 'chat-head-row' },
        iconButton('back', 'Back', () => this.pane.back(), { class: 'back', testid: 'back' }),
        this.lead(chat, topic, bot),
        h(
          'div',
          { class: 'chat-title' },
          h(
            'h2',
            { testid: 'chat-title', dir: 'auto' },
            titleWithSquare(topic ? topic.name : titleOf(chat)),
            topic?.closed && h('span', { class: 'lock', title: 'Closed' }, icon('lock')),
          ),
          h('small', {}, subtitle(chat, topic, bot)),
        ),
        menu,
      ),
      budgetMeters(chat),
    );
  }

  lead(chat, topic, bot) {
    if (topic) return topicIcon(topic);
    return bot ? accountAvatar(bot) : avatar(chat.id, chat.title, 'square');
  }

  openMenu(anchor) {
    const { pane } = this;
    const { chat } = pane;
    const items =
      chat.kind === 'private'
        ? this.privateItems(pane, chat)
        : [
            ...this.topicItems(pane, pane.topic),
            {
              label: 'Members and rights',
              lead: icon('people'),
              run: () => openMembers(pane, chat.key),
              testid: 'menu-members',
            },
            {
              label: 'Rename the group',
              lead: icon('edit'),
              run: () => rename('Rename the group', chat.title, (title) => pane.act('rename_chat', { title })),
            },
          ];
    openMenu(anchor, items, { label: 'Chat' });
  }

  privateItems(pane, chat) {
    const run = (deed) => () => attempt(() => act(deed, pane.person, { bot: chat.bot }));
    const bot = account(chat.bot);
    return [
      ...bot.commands.map(({ command, description }) => ({
        label: `/${command}`,
        hint: description,
        lead: icon('bolt'),
        run: () => pane.act('send', { text: `/${command}` }),
      })),
      { label: 'Send /start again', lead: icon('spark'), run: run('start') },
      {
        label: 'Stars',
        hint: 'Your balance, and your subscriptions to this bot',
        lead: h('span', { class: 'glyph' }, '⭐'),
        run: () => openStars(pane, chat.bot),
        testid: 'menu-stars',
      },
      chat.blocked
        ? { label: 'Unblock the bot', lead: icon('lock'), run: run('unblock'), testid: 'menu-unblock' }
        : { label: 'Block the bot', lead: icon('lock'), danger: true, run: run('block'), testid: 'menu-block' },
    ];
  }

  topicItems(pane, topic) {
    if (!topic) return [];
    const run = (deed) => () => pane.act(deed, { topic: topic.id });
    return [
      {
        label: 'Rename the topic',
        lead: icon('edit'),
        run: () =>
          rename('Rename the topic', topic.name, (name) => pane.act('rename_topic', { topic: topic.id, name })),
        testid: 'menu-rename-topic',
      },
      topic.closed
        ? { label: 'Reopen the topic', lead: icon('lock'), run: run('reopen_topic'), testid: 'menu-reopen' }
        : { label: 'Close the topic', lead: icon('lock'), run: run('close_topic'), testid: 'menu-close' },
      !topic.is_general && {
        label: 'Delete the topic',
        hint: 'With everything said in it. Bots are not told.',
        lead: icon('trash'),
        danger: true,
        run: run('delete_topic'),
        testid: 'menu-delete-topic',
      },
    ];
  }
}

function subtitle(chat, topic, bot) {
  if (topic) return `topic of ${chat.title}`;
  if (chat.kind === 'channel') return `channel · ${chat.members.length} in it`;
  if (!bot) return `${chat.members.length} members · no topics`;
  const waiting = bot.pending_updates;
  return waiting ? `bot · ${waiting} update${waiting > 1 ? 's wait' : ' waits'} for its program` : 'bot';
}

function rename(title, value, save) {
  openDialog({
    title,
    testid: 'rename',
    body: (close) => [
      form({
        label: 'Save',
        fields: [{ name: 'name', label: 'Name', value }],
        submit: async ({ name }) => {
          if ((await save(name)) !== undefined) close();
        },
      }),
    ],
  });
}
