const leftPad = require("left-pad");

process.stdin.on("data", () => leftPad("x", 3));
