/** Who one is in a pane: everyone who lives here, and a way to add more. */

import { act } from './api.js';
import { accountAvatar } from './avatar.js';
import { form, openDialog, openMenu } from './dialog.js';
import { h, icon } from './dom.js';
import { chatsOf, memberOf, world } from './store.js';
import { attempt } from './toast.js';

/** What someone is, judged by where they are. */
export function roleOf(person) {
  const groups = chatsOf(person)
    .filter((chat) => chat.kind !== 'private')
    .sort((a, b) => Number(b.is_forum) - Number(a.is_forum));
  const own = groups.find((chat) => memberOf(chat, person).status === 'creator');
  if (own) return `owner of ${own.title}`;
  return groups.length ? `works in ${groups[0].title}` : 'customer';
}

export function personSwitch(pane) {
  const person = world.users.get(pane.person);
  const about = {
    type: 'button',
    class: 'person-switch',
    testid: 'person-switch',
    'data-person': person.id,
    'aria-haspopup': 'menu',
    'aria-expanded': 'false',
    'aria-label': `You are ${person.name}, ${roleOf(person.id)}. Switch person`,
  };
  const node = h(
    'button',
    about,
    accountAvatar(person),
    h(
      'span',
      { class: 'menu-words' },
      h('small', {}, 'You are'),
      h('span', { class: 'person-name', dir: 'auto' }, person.name || 'Deleted account'),
      h('small', { class: 'role' }, roleOf(person.id)),
    ),
    icon('down'),
  );
  node.addEventListener('click', () => openPersons(node, pane));
  return node;
}

function openPersons(anchor, pane) {
  const item = (user) => ({
    label: user.name,
    hint: roleOf(user.id),
    lead: accountAvatar(user),
    current: user.id === pane.person,
    run: () => pane.become(user.id),
    testid: 'person-option',
  });
  const people = [...world.users.values()].filter((user) => !user.is_deleted);
  const customers = people.filter((user) => roleOf(user.id) === 'customer');
  const team = people.filter((user) => roleOf(user.id) !== 'customer');
  openMenu(
    anchor,
    [
      customers.length && { heading: 'Customers' },
      ...customers.map(item),
      team.length && { heading: 'People in groups' },
      ...team.map(item),
      {
        label: 'Add a person…',
        lead: h('span', { class: 'avatar add', 'aria-hidden': 'true' }, icon('plus')),
        run: () => addPerson((user) => pane.become(user.id)),
        testid: 'add-person',
      },
      { heading: 'You' },
      {
        label: 'Change your name…',
        lead: icon('edit'),
        run: () => renamePerson(world.users.get(pane.person)),
        testid: 'rename-person',
      },
      {
        label: 'Delete your account…',
        lead: icon('trash'),
        danger: true,
        run: () => deletePerson(world.users.get(pane.person)),
        testid: 'delete-person',
      },
    ],
    { label: 'Switch person', testid: 'person-menu' },
  );
}

const nameFields = (person) => [
  { name: 'first_name', label: 'First name', value: person?.first_name },
  { name: 'last_name', label: 'Last name', value: person?.last_name ?? '', required: false },
  {
    name: 'username',
    label: 'Username',
    value: person?.username ?? '',
    required: false,
    hint: 'Without @. May be left empty.',
  },
];

function renamePerson(person) {
  openDialog({
    title: 'Change your name',
    testid: 'rename-person-dialog',
    body: (close) => [
      h('p', { class: 'quiet' }, 'Bots see the new name with your next message.'),
      form({
        label: 'Save',
        fields: nameFields(person),
        submit: (values) =>
          attempt(async () => {
            await act('rename_user', person.id, values);
            close();
          }),
      }),
    ],
  });
}

function deletePerson(person) {
  const remove = (close) =>
    attempt(async () => {
      await act('delete_user', person.id);
      close();
    });
  openDialog({
    title: `Delete the account of ${person.name}?`,
    testid: 'delete-person-dialog',
    body: (close) => [
      h('p', {}, 'What they said stays. Bots can write to them no more, and there is no way back.'),
      h(
        'button',
        { type: 'button', class: 'button danger', testid: 'confirm-delete', on: { click: () => remove(close) } },
        'Delete the account',
      ),
    ],
  });
}

/** Ask for a name; `then` is called with the new person. */
export function addPerson(then) {
  openDialog({
    title: 'Add a person',
    testid: 'add-person-dialog',
    body: (close) => [
      form({
        label: 'Add',
        fields: nameFields(null),
        submit: (values) =>
          attempt(async () => {
            const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value.trim()));
            const user = await act('add_user', undefined, given);
            close();
            world.users.set(user.id, user);
            then(user);
          }),
      }),
    ],
  });
}
