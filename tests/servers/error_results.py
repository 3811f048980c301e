"""Errors of both kinds."""

from loop import RpcError, Server, failure, text, tool


class Errors(Server):
    tools = [tool("fails"), tool("refuses"), tool("works")]

    def call(self, name, arguments, meta):
        if name == "fails":
            return failure("it did not work: disk is round")
        if name == "refuses":
            raise RpcError(-32602, "the argument is not to my taste")
        return text("fine")


if __name__ == "__main__":
    Errors().run()
