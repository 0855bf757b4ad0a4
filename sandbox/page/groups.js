/** Choosing a group for a bot, making a group, and who is in it with what rights. */

import { act } from './api.js';
import { accountAvatar, avatar } from './avatar.js';
import { form, openDialog } from './dialog.js';
import { h, replace } from './dom.js';
import { account, chatsOf, findBot, findChat, memberOf, subscribe, world } from './store.js';
import { attempt } from './toast.js';
import { RIGHT_WORDS, STATUS_WORDS } from './words.js';

/** Whose rights are shown; the list is drawn anew after each change. */
const unfolded = new Set();

/** Telegram's dialog behind a link with `startgroup`; `add(chatId)` resolves to true when it is done. */
export function chooseGroup(pane, username, admin, add) {
  const bot = findBot(username);
  const name = bot?.name ?? username;
  const groups = chatsOf(pane.person).filter((chat) => chat.kind !== 'private');
  const { close } = openDialog({
    title: 'Choose a group',
    testid: 'choose-group',
    body: [
      h(
        'p',
        {},
        admin === null
          ? `${name} will join the group.`
          : `${name} will join the group as an administrator, with the rights it asks for:`,
      ),
      admin !== null &&
        h(
          'ul',
          { class: 'rights' },
          admin
            .split(/[+ ]/)
            .filter(Boolean)
            .map((right) => h('li', {}, RIGHT_WORDS[right] ?? right.replaceAll('_', ' '))),
        ),
      h(
        'ul',
        { class: 'choices' },
        groups.map((chat) =>
          h(
            'li',
            {},
            groupChoice(chat, async () => (await add(chat.id)) && close()),
          ),
        ),
      ),
      groups.length === 0 && h('p', { class: 'quiet' }, 'You are in no group yet.'),
      h('h3', {}, 'Or make a new one, with topics'),
      form({
        label: 'Create and add',
        testid: 'new-group-here',
        focus: false,
        fields: [{ name: 'title', label: 'Title', placeholder: 'Our support' }],
        submit: ({ title }) =>
          attempt(async () => {
            const chat = await act('add_forum', pane.person, { title });
            if (await add(chat.id)) close();
          }),
      }),
    ],
  });
}

function groupChoice(chat, click) {
  const about = chat.is_forum ? 'with topics' : 'without topics';
  return h(
    'button',
    { type: 'button', class: 'choice', testid: 'group-choice', on: { click } },
    avatar(chat.id, chat.title, 'square'),
    h(
      'span',
      { class: 'menu-words' },
      h('span', { class: 'menu-label', dir: 'auto' }, chat.title),
      h('small', {}, `${chat.members.length} members, ${about}`),
    ),
  );
}

export function createGroup(pane) {
  const kinds = [
    ['add_forum', 'With topics', 'What Backline works in'],
    ['add_group', 'Without topics', 'A plain group, as Telegram makes them first'],
    ['add_channel', 'A channel', 'Administrators post, everyone else reads'],
  ];
  let chosen = 'add_forum';
  const radios = kinds.map(([deed, label, hint]) => {
    const input = h('input', {
      type: 'radio',
      name: 'kind',
      checked: deed === chosen,
      on: {
        change: () => {
          chosen = deed;
        },
      },
    });
    return h(
      'label',
      { class: 'option' },
      input,
      h('span', { class: 'menu-words' }, h('span', {}, label), h('small', {}, hint)),
    );
  });
  openDialog({
    title: 'New group',
    testid: 'new-group',
    body: (close) => [
      h('div', { class: 'options', role: 'radiogroup', 'aria-label': 'Kind of group' }, radios),
      form({
        label: 'Create',
        fields: [{ name: 'title', label: 'Title' }],
        submit: ({ title }) =>
          attempt(async () => {
            const chat = await act(chosen, pane.person, { title });
            close();
            pane.open(String(chat.id));
          }),
      }),
    ],
  });
}

/** The group's settings, as far as the person who looks may change them. */
export function openMembers(pane, key) {
  const body = h('div', { class: 'members' });
  const draw = () => {
    const chat = findChat(key);
    if (chat && body.isConnected) replace(body, ...membersBody(pane, chat));
  };
  const stop = subscribe((changes) => (changes.all || changes.chats.has(key)) && draw());
  openDialog({ title: findChat(key).title, testid: 'members', wide: true, body: [body], onClose: stop });
  draw();
}

function membersBody(pane, chat) {
  const mine = { chat: chat.id };
  const run = (deed, given) => attempt(() => act(deed, pane.person, { ...mine, ...given }));
  const absent = [...world.users.values(), ...world.bots.values()].filter(
    (one) => !one.is_deleted && !memberOf(chat, one.id),
  );
  return [
    h(
      'p',
      { class: 'quiet' },
      `${chat.is_forum ? 'A group with topics' : 'A group without topics'}. Telegram lets you change what your rights allow; try more, and it says why not.`,
    ),
    h(
      'ul',
      { class: 'member-list' },
      chat.members.map((member) => memberRow(pane, chat, member, run)),
    ),
    h('h3', {}, 'Add a member'),
    h(
      'div',
      { class: 'chips' },
      absent.map((one) =>
        h(
          'button',
          {
            type: 'button',
            class: 'chip',
            testid: 'add-member',
            on: { click: () => run('add_member', { who: one.id }) },
          },
          accountAvatar(one, 'tiny'),
          h('span', { dir: 'auto' }, one.name),
        ),
      ),
    ),
    h('h3', {}, 'The group'),
    h(
      'div',
      { class: 'actions' },
      h(
        'button',
        { type: 'button', class: 'button', on: { click: () => run('set_forum', { on: !chat.is_forum }) } },
        chat.is_forum ? 'Turn topics off' : 'Turn topics on',
      ),
      h(
        'button',
        { type: 'button', class: 'button', on: { click: () => run('set_protected', { on: !chat.protected }) } },
        chat.protected ? 'Allow saving content' : 'Forbid saving content',
      ),
      h(
        'button',
        { type: 'button', class: 'button danger', on: { click: () => run('remove_member', { who: pane.person }) } },
        'Leave the group',
      ),
    ),
  ];
}

function memberRow(pane, chat, member, run) {
  const one = account(member.id);
  const isOwner = member.status === 'creator';
  const isAdmin = member.status === 'administrator';
  const shown = Object.keys(RIGHT_WORDS).filter((right) => right !== 'manage_topics' || chat.kind !== 'group');
  const toggle = (right, on) =>
    run('promote', {
      who: member.id,
      rights: on ? [...member.rights, right] : member.rights.filter((r) => r !== right),
    });
  const remember = (event) => (event.target.open ? unfolded.add(member.id) : unfolded.delete(member.id));
  const rights = shown.map((right) => {
    const checked = member.rights.includes(right);
    const change = async (event) => {
      if ((await toggle(right, event.target.checked)) === undefined) event.target.checked = checked;
    };
    return h(
      'label',
      { class: 'right' },
      h('input', { type: 'checkbox', checked, disabled: isOwner, testid: `right-${right}`, on: { change } }),
      RIGHT_WORDS[right],
    );
  });
  return h(
    'li',
    { class: 'member', testid: 'member', 'data-id': member.id },
    accountAvatar(one),
    h(
      'div',
      { class: 'member-words' },
      h('span', { dir: 'auto' }, one.name),
      h(
        'small',
        {},
        `${one.is_bot ? 'bot, ' : ''}${STATUS_WORDS[member.status]}${one.id === pane.person ? ', you' : ''}`,
      ),
      isAdmin &&
        h(
          'details',
          { open: unfolded.has(member.id), on: { toggle: remember } },
          h('summary', {}, 'Rights'),
          h('div', { class: 'rights-grid' }, rights),
        ),
    ),
    !isOwner &&
      h(
        'div',
        { class: 'member-acts' },
        h(
          'button',
          {
            type: 'button',
            class: 'button small',
            testid: isAdmin ? 'demote' : 'promote',
            on: { click: () => (isAdmin ? run('demote', { who: member.id }) : run('promote', { who: member.id })) },
          },
          isAdmin ? 'Make a member' : 'Make an admin',
        ),
        one.id !== pane.person &&
          h(
            'button',
            {
              type: 'button',
              class: 'button small danger',
              testid: 'remove-member',
              on: { click: () => run('remove_member', { who: member.id }) },
            },
            'Remove',
          ),
      ),
  );
}
