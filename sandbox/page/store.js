/**
 * What the page knows of the World, and who wants to hear when it changes.
 *
 * A place is where messages stand: a chat, or one topic of a forum. Bodies are kept only of places
 * that were opened; of the others the latest message is known, for the lists.
 */

import { loadHistory } from './api.js';
import { isService } from './words.js';

export const GENERAL = 1;

export const world = {
  ready: false,
  demo: null,
  skew: 0,
  users: new Map(),
  bots: new Map(),
  chats: new Map(),
};

const places = new Map();
const listeners = new Set();
const NOTHING = Object.freeze([]);

/** Call the listener with `{chats, places, accounts, callbacks, checkouts, budgets, all}` after each change, until told to stop. */
export function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(changes) {
  const complete = {
    chats: new Set(),
    places: new Set(),
    accounts: false,
    callbacks: [],
    checkouts: [],
    budgets: false,
    all: false,
    ...changes,
  };
  for (const listener of listeners) listener(complete);
}

export const placeKey = (chat, topic) => (topic === null || topic === undefined ? chat : `${chat}/${topic}`);
export const privateKey = (bot, user) => `${bot}:${user}`;
export const account = (id) => world.users.get(id) ?? world.bots.get(id);

export function findBot(username) {
  const name = username.toLowerCase();
  return [...world.bots.values()].find((bot) => bot.username?.toLowerCase() === name);
}

/** The chat; for a bot that the person has not met, the empty chat it would be. */
export function findChat(key) {
  const chat = world.chats.get(key);
  if (chat || !key?.includes(':')) return chat;
  const [bot, user] = key.split(':').map(Number);
  if (!world.bots.has(bot) || !world.users.has(user)) return undefined;
  return {
    key,
    kind: 'private',
    is_forum: false,
    bot,
    user,
    topics: NOTHING,
    members: NOTHING,
    budgets: NOTHING,
    pinned: NOTHING,
    last: null,
  };
}

export const findTopic = (chat, id) => chat?.topics.find((topic) => topic.id === id);
export const memberOf = (chat, person) => chat.members.find((member) => member.id === person);

export function may(chat, person, right) {
  const member = memberOf(chat, person);
  return member?.status === 'creator' || Boolean(member?.rights.includes(right));
}

export function chatsOf(person) {
  return [...world.chats.values()].filter((chat) =>
    chat.kind === 'private' ? chat.user === person : !chat.migrated_to && memberOf(chat, person),
  );
}

export const titleOf = (chat) =>
  chat.kind === 'private' ? (world.bots.get(chat.bot)?.name ?? 'Deleted bot') : chat.title;

export function place(key) {
  let found = places.get(key);
  if (!found) {
    found = {
      key,
      ids: [],
      messages: new Map(),
      deleted: new Set(),
      loaded: false,
      complete: false,
      last: null,
      unread: new Map(),
    };
    places.set(key, found);
  }
  return found;
}

export const unreadIn = (key, person) => place(key).unread.get(person) ?? 0;

export function unreadOf(chat, person) {
  if (!chat.is_forum) return unreadIn(chat.key, person);
  return chat.topics.reduce((sum, topic) => sum + unreadIn(placeKey(chat.key, topic.id), person), 0);
}

export function markRead(key, person) {
  if (!unreadIn(key, person)) return;
  place(key).unread.delete(person);
  tell({ places: new Set([key]) });
}

export const lastDate = (chat) => {
  const dates = chat.is_forum
    ? chat.topics.map((topic) => place(placeKey(chat.key, topic.id)).last?.date ?? '')
    : [place(chat.key).last?.date ?? ''];
  return dates.reduce((a, b) => (a > b ? a : b), '');
};

/** Load the latest messages of a place, or older ones if they are there already. */
export async function load(chat, topic, older = false) {
  const here = place(placeKey(chat.key, topic));
  if (here.loading || (older ? here.complete : here.loaded)) return;
  here.loading = true;
  try {
    const page = await loadHistory(chat.key, topic, older ? here.ids[0] : null);
    if (places.get(here.key) !== here) return;
    for (const message of page.messages) keep(here, message, page.number);
    here.loaded = true;
    here.complete = page.complete;
  } finally {
    here.loading = false;
  }
  tell({ places: new Set([here.key]) });
}

export function restart(snapshot) {
  world.demo = snapshot.demo;
  world.skew = Date.parse(snapshot.now) - Date.now();
  world.users = new Map(snapshot.users.map((user) => [user.id, user]));
  world.bots = new Map(snapshot.bots.map((bot) => [bot.id, bot]));
  world.chats = new Map();
  const before = new Map(places);
  places.clear();
  for (const chat of snapshot.chats) keepChat(chat);
  for (const [key, old] of before) if (places.has(key)) place(key).unread = old.unread;
  world.ready = true;
  tell({ all: true, accounts: true });
}

export function change(news) {
  if (news.clock_moved) world.skew = Date.parse(news.now) - Date.now();
  const told = {
    chats: new Set(),
    places: new Set(),
    accounts: Boolean(news.accounts),
    budgets: Boolean(news.budgets),
    callbacks: news.callbacks ?? [],
    checkouts: news.checkouts ?? [],
  };
  for (const head of news.accounts ?? []) (head.is_bot ? world.bots : world.users).set(head.id, head);
  for (const chat of news.chats ?? []) {
    keepChat(chat);
    told.chats.add(chat.key);
  }
  for (const topic of news.topics ?? []) {
    keepTopic(topic);
    told.chats.add(topic.chat);
    told.places.add(placeKey(topic.chat, topic.id));
  }
  for (const message of news.messages ?? []) told.places.add(hear(message, news.number));
  for (const { chat, budgets } of news.budgets ?? []) {
    const found = world.chats.get(chat);
    if (found) found.budgets = budgets;
    told.chats.add(chat);
  }
  tell(told);
}

function keepChat(chat) {
  world.chats.set(chat.key, chat);
  place(chat.key).last = chat.last;
  for (const topic of chat.topics) place(placeKey(chat.key, topic.id)).last = topic.last;
}

function keepTopic(topic) {
  const chat = world.chats.get(topic.chat);
  if (!chat) return;
  const key = placeKey(topic.chat, topic.id);
  const others = chat.topics.filter((one) => one.id !== topic.id);
  if (topic.deleted) {
    places.delete(key);
    chat.topics = others;
    return;
  }
  place(key).last = topic.last;
  chat.topics = [...others, topic].sort((a, b) => a.id - b.id);
}

/** A deleted message does not say in which topic it stood. */
function hear(message, number) {
  const chat = findChat(message.chat);
  if (message.deleted) return forget(message);
  const key = placeKey(message.chat, chat?.is_forum ? message.topic : null);
  const here = place(key);
  if (message.new) count(here, chat, message);
  if (!here.last || (message.id >= here.last.id && (!isService(message) || isService(here.last))))
    here.last = message;
  if (here.loaded || here.loading) keep(here, message, number);
  return key;
}

function count(here, chat, message) {
  if (!chat || isService(message)) return;
  const readers = chat.kind === 'private' ? [chat.user] : chat.members.map((member) => member.id);
  for (const reader of readers) {
    if (reader !== message.sender.id && world.users.has(reader))
      here.unread.set(reader, (here.unread.get(reader) ?? 0) + 1);
  }
}

function forget({ chat, id }) {
  for (const here of places.values()) {
    if (here.key !== chat && !here.key.startsWith(`${chat}/`)) continue;
    here.deleted.add(id);
    if (here.messages.delete(id)) {
      here.ids = here.ids.filter((one) => one !== id);
      return here.key;
    }
  }
  return chat;
}

function keep(here, message, number) {
  const known = here.messages.get(message.id);
  if (here.deleted.has(message.id) || (known && known.number > number)) return;
  message.number = number;
  here.messages.set(message.id, message);
  if (known) return;
  const at = here.ids.findLastIndex((id) => id < message.id) + 1;
  here.ids.splice(at, 0, message.id);
}
