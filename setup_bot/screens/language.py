"""The languages to choose from, each by its own name."""

from setup_bot.callbacks import Home, Speak
from setup_bot.screens.screen import Screen, button, plain_button, screen
from setup_bot.texts import Language, say, spoken


def languages() -> Screen:
    rows = [[plain_button(_label(language), Speak(language=language))] for language in Language]
    rows.append([button("back", Home())])
    return screen(say("language.title"), say("language.how"), rows=rows)


def _label(language: Language) -> str:
    return f"✅ {language.native}" if language is spoken() else language.native
