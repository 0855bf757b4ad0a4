/** “Try this”: five things to do, ticked off as they happen. */

import { act } from './api.js';
import { h, icon, iconButton, replace } from './dom.js';
import { findBot, GENERAL, place, placeKey, privateKey, subscribe, world } from './store.js';
import { attempt } from './toast.js';

const DISMISSED = 'backline-sandbox-tour';
const BURST = 30;

export class Tour {
  constructor(left, right, show) {
    this.left = left;
    this.right = right;
    this.show = show;
    this.done = new Set();
    this.node = h('section', { class: 'tour', testid: 'tour', 'aria-label': 'Try this' });
    subscribe((changes) => world.ready && this.watch(changes));
  }

  open() {
    localStorage.removeItem(DISMISSED);
    this.draw();
  }

  dismiss() {
    localStorage.setItem(DISMISSED, 'yes');
    this.draw();
  }

  get steps() {
    const shop = world.demo ? `@${world.demo.bot_username}` : 'a bot';
    return [
      {
        id: 'write',
        label: 'Write as a customer',
        hint: `You are a customer of ${shop}. Press Start, say hello.`,
        run: () => this.toCustomer(),
      },
      {
        id: 'answer',
        label: 'Answer in the topic',
        hint: 'The customer has a topic in the team’s group now. Open it and answer.',
        run: () => this.toTeam(),
      },
      {
        id: 'close',
        label: 'Send /close there',
        hint: 'The square turns ⬛️ and the topic is closed. /hold makes it 🟪 again.',
        run: () => this.toTeam(),
      },
      {
        id: 'wait',
        label: 'Send 30 quickly',
        hint: 'Telegram lets a bot send 20 a minute to a group. Press ⏳ under a message to see why it waits.',
        run: () => this.burst(),
      },
      {
        id: 'connect',
        label: 'Connect your own bot',
        hint: 'Make one at BotFather, give its token to the setup bot.',
        run: () => this.toSetup(),
      },
    ];
  }

  draw() {
    this.node.hidden = !world.demo || localStorage.getItem(DISMISSED) !== null;
    if (this.node.hidden) return;
    const { steps } = this;
    const next = steps.find((step) => !this.done.has(step.id));
    replace(
      this.node,
      h('div', { class: 'tour-head' }, icon('spark'), h('strong', {}, 'Try this')),
      h(
        'ol',
        { class: 'tour-steps' },
        steps.map((step, index) => this.step(step, index, step === next)),
        !next && h('li', { class: 'finish' }, 'You have seen it all. Now make some trouble.'),
      ),
      iconButton('close', 'Hide these hints', () => this.dismiss(), { class: 'small', testid: 'tour-hide' }),
    );
  }

  step(step, index, isNext) {
    const isDone = this.done.has(step.id);
    const about = {
      type: 'button',
      class: `tour-step ${isDone ? 'done' : ''} ${isNext ? 'next' : ''}`,
      testid: `tour-${step.id}`,
      on: { click: step.run },
    };
    return h(
      'li',
      { class: isNext ? 'shown' : '' },
      h(
        'button',
        about,
        h('span', { class: 'tour-number' }, isDone ? '✓' : String(index + 1)),
        h(
          'span',
          { class: 'tour-words' },
          h('span', {}, step.label, isDone && h('span', { class: 'visually-hidden' }, ' (done)')),
          h('small', {}, step.hint),
        ),
      ),
    );
  }

  toCustomer() {
    this.show('left');
    this.left.open(privateKey(world.demo.bot_id, this.left.person));
  }

  /** The topic where something was said last. */
  toTeam() {
    const key = String(world.demo.group_id);
    const chat = world.chats.get(key);
    const date = (topic) => place(placeKey(key, topic.id)).last?.date ?? '';
    const topics = chat.topics.filter((topic) => !topic.is_general).sort((a, b) => (date(b) > date(a) ? 1 : -1));
    this.show('right');
    this.right.open(key, topics[0]?.id ?? GENERAL, 'chat');
  }

  toSetup() {
    const bot = findBot('backline_setup_bot');
    this.show('right');
    this.right.become(world.demo.owner_id);
    this.right.open(privateKey(bot.id, world.demo.owner_id));
    if (!this.done.has('connect')) this.right.openBotFather();
  }

  async burst() {
    this.toCustomer();
    const { person } = this.left;
    const bot = world.demo.bot_id;
    await attempt(async () => {
      if (!this.left.chat.last) await act('start', person, { bot });
      for (let n = 1; n <= BURST; n += 1) await act('send', person, { chat: bot, text: `Message ${n} of ${BURST}` });
    });
  }

  watch() {
    const before = this.done.size;
    const { demo } = world;
    if (demo && !this.node.hidden) this.judge(demo);
    if (this.done.size !== before || !this.drawn) this.draw();
    this.drawn = true;
  }

  judge(demo) {
    const setup = findBot('backline_setup_bot');
    for (const chat of world.chats.values()) {
      const last = chat.is_forum ? null : place(chat.key).last;
      if (chat.bot === demo.bot_id && last) this.judgeCustomer(last);
      if (chat.is_forum && chat.members.some((member) => isOwnBot(member, demo, setup))) this.done.add('connect');
      if (chat.id === demo.group_id)
        for (const topic of chat.topics)
          if (!topic.is_general) this.judgeTopic(place(placeKey(chat.key, topic.id)).last);
    }
  }

  judgeCustomer(last) {
    if (!last.sender.is_bot && !last.text.startsWith('/start')) this.done.add('write');
    if (last.text === `Message ${BURST} of ${BURST}`) this.done.add('wait');
  }

  judgeTopic(last) {
    if (!last || last.sender.is_bot || last.kind.startsWith('forum_')) return;
    if (last.text.startsWith('/close')) this.done.add('close');
    else if (!last.text.startsWith('/')) this.done.add('answer');
  }
}

/** A bot that is an administrator of a group with topics, and none of those that were here from the start. */
const isOwnBot = (member, demo, setup) =>
  member.status === 'administrator' && world.bots.has(member.id) && ![demo.bot_id, setup?.id].includes(member.id);
