/** Plain words for what has no text of its own: service messages, media, times, roles. */

const name = (account) => account?.name || 'Deleted account';
const names = (accounts) => accounts.map(name).join(', ');

export const starWords = (amount) => `⭐ ${amount.toLocaleString('en-GB')}`;
const starsOf = (d) => (d.currency === 'XTR' ? ` ${starWords(d.total_amount)}` : '');

const SERVICE = {
  new_chat_members: (d, by) => {
    const joined = d.new_chat_members ?? [];
    return joined.length === 1 && joined[0].id === by.id
      ? `${name(by)} joined`
      : `${name(by)} added ${names(joined)}`;
  },
  left_chat_member: (d, by) =>
    d.left_chat_member?.id === by.id ? `${name(by)} left` : `${name(by)} removed ${name(d.left_chat_member)}`,
  new_chat_title: (d, by) => `${name(by)} renamed the group to “${d.new_chat_title}”`,
  pinned_message: (d, by) => `${name(by)} pinned a message`,
  group_chat_created: (d, by) => `${name(by)} created the group`,
  supergroup_chat_created: (d, by) => `${name(by)} created the group`,
  migrate_to_chat_id: () => 'The group became a supergroup',
  migrate_from_chat_id: () => 'The group became a supergroup',
  forum_topic_created: (d, by) => `${name(by)} created the topic “${d.name}”`,
  forum_topic_edited: (d, by) =>
    d.name ? `${name(by)} renamed the topic to “${d.name}”` : `${name(by)} changed the topic’s icon`,
  forum_topic_closed: (d, by) => `${name(by)} closed the topic`,
  forum_topic_reopened: (d, by) => `${name(by)} reopened the topic`,
  general_forum_topic_hidden: (d, by) => `${name(by)} hid the General topic`,
  general_forum_topic_unhidden: (d, by) => `${name(by)} showed the General topic`,
  managed_bot_created: (d, by) => `${name(by)} created ${name(d.bot)}`,
  users_shared: (d, by) => `${name(by)} shared people`,
  chat_shared: (d, by) => `${name(by)} shared a chat`,
  web_app_data: (d, by) => `${name(by)} sent data from a web app`,
  successful_payment: (d, by) => `${name(by)} paid${starsOf(d)}`,
  write_access_allowed: (d, by) => `${name(by)} lets the bot write`,
  refunded_payment: (d, by) =>
    d.currency === 'XTR' ? `${name(by)} got${starsOf(d)} back` : `${name(by)} got the money back`,
  boost_added: (d, by) => `${name(by)} boosted the group`,
  gift: (d, by) => `${name(by)} sent a gift`,
  giveaway_created: () => 'A giveaway began',
  giveaway_completed: (d) => `A giveaway ended, ${d.winner_count} won`,
  checklist_tasks_done: (d, by) => `${name(by)} did tasks of a checklist`,
  checklist_tasks_added: (d, by) => `${name(by)} added tasks to a checklist`,
  chat_background_set: (d, by) => `${name(by)} changed the background`,
  chat_owner_left: () => 'The owner left',
  chat_owner_changed: () => 'The group has a new owner',
  connected_website: (d, by) => `${name(by)} logged in on ${d.connected_website}`,
  message_auto_delete_timer_changed: (d, by) => `${name(by)} set when messages disappear`,
  proximity_alert_triggered: () => 'Two people are near each other',
  new_chat_photo: (d, by) => `${name(by)} changed the group’s picture`,
  delete_chat_photo: (d, by) => `${name(by)} removed the group’s picture`,
  channel_chat_created: () => 'The channel was created',
  video_chat_scheduled: () => 'A video chat is planned',
  video_chat_started: () => 'A video chat began',
  video_chat_ended: () => 'The video chat ended',
  video_chat_participants_invited: (d, by) => `${name(by)} invited people to the video chat`,
};

const MEDIA = {
  photo: '🖼 Photo',
  video: '🎬 Video',
  animation: '🎞 Animation',
  audio: '🎵 Audio',
  voice: '🎤 Voice message',
  video_note: '📹 Video message',
  sticker: '🩷 Sticker',
  location: '📍 Location',
  venue: '📍 Place',
  contact: '👤 Contact',
  poll: '📊 Poll',
  paid_media: '⭐ Paid media',
  giveaway: '🎁 Giveaway',
  invoice: '🧾 Invoice',
  game: '🎮 Game',
  story: '🌀 Story',
  checklist: '☑️ Checklist',
  rich_message: '📄 Rich message',
  giveaway_winners: '🎁 Winners',
  live_photo: '🖼 Live photo',
};

export const isService = (message) => Object.hasOwn(SERVICE, message.kind);
export const serviceWords = (message) => SERVICE[message.kind](message.details ?? {}, message.sender);

export function mediaWords(message) {
  if (message.kind === 'document') return `📎 ${message.file?.name || 'File'}`;
  if (message.kind === 'location' && message.details?.live_period) return '🛰 Live location';
  if (message.kind === 'dice') return `${message.details.emoji} ${message.details.value}`;
  return MEDIA[message.kind] ?? message.kind.replaceAll('_', ' ');
}

/** One line for lists and quotes. */
export function summaryWords(message) {
  if (isService(message)) return message.details ? serviceWords(message) : message.kind.replaceAll('_', ' ');
  if (message.kind === 'text') return message.text;
  return message.text ? `${mediaWords(message)} · ${message.text}` : mediaWords(message);
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const exactClock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const day = new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long' });

const longDay = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });

export const dateWords = (iso) => longDay.format(new Date(iso));
export const timeWords = (iso) => clock.format(new Date(iso));
export const exactTimeWords = (iso) => exactClock.format(new Date(iso));

export function dayWords(iso) {
  const date = new Date(iso);
  return date.toDateString() === new Date().toDateString() ? 'Today' : day.format(date);
}

export function durationWords(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

export function sizeWords(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1 << 20 ? `${Math.round(bytes / 1024)} KB` : `${(bytes / (1 << 20)).toFixed(1)} MB`;
}

export const STATUS_WORDS = { creator: 'owner', administrator: 'admin', member: 'member' };

export const RIGHT_WORDS = {
  change_info: 'Change the group’s name',
  delete_messages: 'Delete messages',
  restrict_members: 'Remove members',
  invite_users: 'Add members',
  pin_messages: 'Pin messages',
  manage_topics: 'Manage topics',
  post_messages: 'Post in the channel',
  edit_messages: 'Edit posts',
  promote_members: 'Add administrators',
  anonymous: 'Remain anonymous',
};
