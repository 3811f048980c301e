"""Answers each call twice, the second time with another text."""

from loop import Server, text


class Twice(Server):
    def reply(self, id, result):
        super().reply(id, result)
        if "content" in result:
            super().reply(id, text("and once more"))


if __name__ == "__main__":
    Twice().run()
