// Twice a number, in JavaScript.
const readline = require("node:readline");

const TOOLS = [
  {
    name: "double",
    description: "Twice a whole number.",
    inputSchema: { type: "object", properties: { n: { type: "integer" } }, required: ["n"] },
  },
];

const text = (value, isError = false) => ({ content: [{ type: "text", text: value }], isError });

function handle(method, params) {
  if (method === "initialize") {
    const serverInfo = { name: "node-server", version: "1" };
    return { protocolVersion: "2025-06-18", capabilities: { tools: {} }, serverInfo };
  }
  if (method === "tools/list") return { tools: TOOLS };
  if (method === "ping") return {};
  if (method !== "tools/call") return undefined;
  const n = (params.arguments || {}).n;
  if (params.name !== "double" || !Number.isInteger(n)) return text("n has to be a whole number", true);
  return text(String(2 * n));
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  let request;
  try {
    request = JSON.parse(line);
  } catch {
    return;
  }
  if (request.id === undefined) return;
  const result = handle(request.method, request.params || {});
  const body = result === undefined ? { error: { code: -32601, message: "no such method" } } : { result };
  process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id: request.id, ...body }) + "\n");
});
