// The official TypeScript SDK as the client of our server, over stdio, on the built-in simulated cloud.
//
//   node sdk.mjs path/of/cipp-mcp
//
// Any surprise ends the script with status 1; otherwise it prints one line of figures.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";

const [binary] = process.argv.slice(2);
const sdk = JSON.parse(readFileSync(new URL("node_modules/@modelcontextprotocol/sdk/package.json", import.meta.url), "utf8")).version;
const tenantFilter = "harbourline.example";
const userId = "priya.shah@harbourline.example";

const transport = new StdioClientTransport({
  command: binary,
  // A frozen clock: what the simulated cloud does later happens at once.
  args: ["serve", "--sandbox", "--clock", "2026-03-12T15:00:00Z,frozen", "--record", "build/wire/sdk.jsonl", "--log-level", "error"],
  env: { HOME: process.env.HOME },
});
const client = new Client({ name: "outside client", version: "1.0.0" }, { capabilities: { elicitation: { form: {} } } });

// The transport raises an error for every line of standard output that is no JSON-RPC message. The only
// thing forgiven is progress that comes after its result, which the protocol allows.
const strange = [];
client.onerror = (error) => {
  if (!/progress notification for an unknown token/.test(error.message)) strange.push(error);
};

// The person at the client: what was asked, and what is answered next.
const asked = [];
let answer;
client.setRequestHandler(ElicitRequestSchema, async (request) => {
  asked.push(request.params);
  return answer;
});

let checks = 0;
async function check(what, f) {
  try {
    await f();
  } catch (error) {
    error.message = `${what}: ${error.message}`;
    throw error;
  }
  checks++;
}

const call = (name, args, options) => client.callTool({ name, arguments: args }, undefined, options);
const enabled = async () => {
  const { structuredContent } = await call("cipp_get_user", { tenantFilter, userId });
  return structuredContent.summary.accountEnabled;
};

await client.connect(transport);
const { tools } = await client.listTools();

await check("the list", () => {
  const names = tools.map((t) => t.name);
  for (const wanted of ["cipp_list_tenants", "cipp_list_users", "cipp_disable_user", "cipp_bec_check"]) assert.ok(names.includes(wanted), `${wanted} is not among ${names}`);
  for (const t of tools) {
    assert.ok(t.description, `${t.name} has no description`);
    assert.equal(t.inputSchema.type, "object");
    for (const hint of ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"]) assert.equal(typeof t.annotations[hint], "boolean", `${t.name} does not say its ${hint}`);
    assert.ok(!(t.annotations.readOnlyHint && t.annotations.destructiveHint), `${t.name} reads and destroys`);
  }
});

await check("instructions and capabilities", () => {
  assert.match(client.getInstructions(), /tenantFilter/);
  assert.equal(client.getServerVersion().name, "cipp-mcp");
  assert.equal(client.getServerCapabilities().logging, undefined);
});

await check("users, page by page", async () => {
  const first = await call("cipp_list_users", { tenantFilter, limit: 5 });
  assert.ok(!first.isError);
  assert.equal(first.structuredContent.users.length, 5);
  assert.equal(first.structuredContent.hasMore, true);
  assert.match(first.content[0].text, /@harbourline\.example/);
  const second = await call("cipp_list_users", { tenantFilter, limit: 5, cursor: first.structuredContent.cursor });
  const ids = new Set([...first.structuredContent.users, ...second.structuredContent.users].map((u) => u.id));
  assert.equal(ids.size, 10, "a user is on two pages");
});

await check("a mistake is a sentence", async () => {
  for (const [name, args, sentence] of [
    ["cipp_list_users", { tenantFilter: "nowhere.example" }, /nowhere\.example/],
    ["cipp_list_users", { tenantFilter, limit: "many" }, /limit/],
    ["cipp_list_users", { tenantFilter, reprot: "noMfa" }, /the nearest is report\./],
    ["cipp_get_user", { tenantFilter, userId: "nobody.here@harbourline.example" }, /nobody\.here/],
  ]) {
    const result = await call(name, args);
    assert.equal(result.isError, true, `${name} ${JSON.stringify(args)} is no error`);
    assert.match(result.structuredContent.error.message, sentence);
    assert.equal(JSON.parse(result.content[0].text).error.message, result.structuredContent.error.message);
  }
});

await check("unknown tools are a protocol error", () => assert.rejects(call("cipp_no_such_tool", {}), /-32602/));

await check("the person declines, then sends the form unticked, and nothing happens", async () => {
  for (answer of [{ action: "decline" }, { action: "cancel" }, { action: "accept", content: { approve: false } }]) {
    const result = await call("cipp_disable_user", { tenantFilter, userId });
    assert.equal(result.structuredContent.status, "declined");
    assert.equal(await enabled(), true);
  }
  assert.equal(asked.length, 3);
  assert.match(asked[0].message, /priya\.shah/);
  assert.equal(asked[0].requestedSchema.properties.approve.type, "boolean");
});

await check("the person agrees, and it is read back", async () => {
  answer = { action: "accept", content: { approve: true } };
  const result = await call("cipp_disable_user", { tenantFilter, userId });
  assert.ok(!result.isError, result.content[0].text);
  assert.equal(result.structuredContent.status, "done");
  for (const step of result.structuredContent.steps) assert.equal(step.state, "done", JSON.stringify(step));
  assert.equal(asked.length, 4);
  assert.equal(await enabled(), false);
});

await check("progress for those who ask", async () => {
  const told = [];
  const victim = { tenantFilter: "brightwell.example", userId: "celia.hartmann@brightwell.example" };
  const result = await call("cipp_bec_check", victim, { onprogress: (p) => told.push(p) });
  assert.ok(!result.isError, result.content[0].text);
  assert.equal(result.structuredContent.verdict, "confirmed");
  assert.ok(result.structuredContent.findings.length > 0 && result.structuredContent.coverage.length > 0);
  assert.ok(told.length > 0, "no progress was told");
  for (const [i, p] of told.entries()) {
    assert.ok(p.progress <= p.total && p.message, JSON.stringify(p));
    assert.ok(i === 0 || p.progress > told[i - 1].progress, "progress went back");
  }
});

await check("prompts and their completion", async () => {
  const { prompts } = await client.listPrompts();
  assert.deepEqual(prompts.map((p) => p.name).sort(), ["bec_response", "mfa_gap_report", "new_user", "offboarding"]);
  const prompt = await client.getPrompt({ name: "offboarding", arguments: { tenantFilter, userId } });
  assert.match(prompt.messages[0].content.text, /harbourline\.example/);
  const { completion } = await client.complete({ ref: { type: "ref/prompt", name: "offboarding" }, argument: { name: "tenantFilter", value: "harb" } });
  assert.deepEqual(completion.values, [tenantFilter]);
});

await check("many calls at once", async () => {
  const results = await Promise.all(Array.from({ length: 24 }, (_, i) => call("cipp_list_users", { tenantFilter, limit: 1 + (i % 5) })));
  for (const [i, r] of results.entries()) assert.equal(r.structuredContent.users.length, 1 + (i % 5), "an answer went to another call");
});

await client.close();
await check("nothing but JSON-RPC on standard output", () => assert.deepEqual(strange, []));
console.log(`TypeScript SDK ${sdk} over stdio: ${tools.length} tools, ${checks} checks, ${asked.length} questions to the person, all as expected`);
