"""Prints lines that are not frames."""

from loop import Server


class Stray(Server):
    def handle(self, message):
        print(f"DEBUG handling {message['method']}", flush=True)
        return super().handle(message)


if __name__ == "__main__":
    print("Starting server...\n\x1b[32mready\x1b[0m", flush=True)
    Stray().run()
