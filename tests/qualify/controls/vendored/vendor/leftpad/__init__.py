"""Nothing to see."""


def pad(text):
    return text
