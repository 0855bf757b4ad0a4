/** Passing a message on: into which of one's chats, and there into which topic. */

import { accountAvatar, avatar, titleWithSquare, topicIcon } from './avatar.js';
import { openDialog } from './dialog.js';
import { h } from './dom.js';
import { account, chatsOf, titleOf } from './store.js';
import { toast } from './toast.js';

export function openForward(pane, messages) {
  const { close } = openDialog({
    title: 'Forward to',
    testid: 'forward-dialog',
    body: [h('ul', { class: 'choices' }, targetsOf(pane.person).map((target) => h('li', {}, choice(target))))],
  });

  function choice({ chat, topic, title, hint, lead }) {
    const click = async () => {
      for (const message of messages) {
        const given = { message: message.id, to: chat.bot ?? chat.id, ...(topic ? { topic: topic.id } : {}) };
        if ((await pane.act('forward', given)) === undefined) return;
      }
      close();
      toast('Forwarded');
    };
    return h(
      'button',
      { type: 'button', class: 'choice', testid: 'forward-choice', on: { click } },
      lead,
      h('span', { class: 'menu-words' }, h('span', { class: 'menu-label', dir: 'auto' }, title), h('small', {}, hint)),
    );
  }
}

function targetsOf(person) {
  return chatsOf(person).flatMap((chat) => {
    const title = titleOf(chat);
    if (chat.bot) return [{ chat, title, hint: 'bot', lead: accountAvatar(account(chat.bot)) }];
    if (!chat.is_forum) return [{ chat, title, hint: chat.kind, lead: avatar(chat.id, title, 'square') }];
    return chat.topics
      .filter((topic) => !topic.hidden)
      .map((topic) => ({
        chat,
        topic,
        title: titleWithSquare(topic.name),
        hint: `topic of ${title}`,
        lead: topicIcon(topic),
      }));
  });
}
