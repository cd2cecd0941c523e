// Microsoft's own sign-in and Graph libraries for JavaScript against the sandbox.
//
//   NODE_EXTRA_CA_CERTS=ca.pem node graph.mjs client.json "Display name of a customer"
//
// Everything is done with what the libraries offer. Any surprise ends the script with status 1.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { ConfidentialClientApplication } from "@azure/msal-node";
import { BatchRequestContent, BatchResponseContent, Client, GraphError, PageIterator } from "@microsoft/microsoft-graph-client";

const [file, customerName] = process.argv.slice(2);
const cloud = JSON.parse(readFileSync(file, "utf8"));

function graphFor(tenantId) {
  const application = new ConfidentialClientApplication({
    auth: {
      clientId: cloud.auth.clientId,
      clientSecret: cloud.auth.clientSecret,
      authority: `${cloud.authority}/${tenantId}`,
      knownAuthorities: [new URL(cloud.authority).host],
    },
  });
  const getAccessToken = async () => {
    const result = await application.acquireTokenByClientCredential({ scopes: ["https://graph.microsoft.com/.default"] });
    return result.accessToken;
  };
  return Client.initWithMiddleware({
    baseUrl: cloud.graph,
    defaultVersion: "v1.0",
    customHosts: new Set([new URL(cloud.graph).hostname]),
    authProvider: { getAccessToken },
  });
}

async function refused(promise, status, code) {
  const error = await promise.then(() => undefined, (e) => e);
  assert.ok(error instanceof GraphError, `a GraphError was due, not ${error}`);
  assert.equal(error.statusCode, status);
  assert.equal(error.code, code);
}

async function everyUser(graph) {
  const users = [];
  const first = await graph.api("/users").select("id,displayName,userPrincipalName").top(7).get();
  assert.ok(first["@odata.nextLink"], "seven users of many have a next page");
  await new PageIterator(graph, first, (user) => users.push(user)).iterate();
  return users;
}

const step = (text) => console.log(`ok  ${text}`);

// The customer is found where a partner finds it.
const partner = graphFor(cloud.auth.tenantId);
const relationships = await partner.api("/tenantRelationships/delegatedAdminRelationships").filter("status eq 'active'").get();
const customer = relationships.value.map((r) => r.customer).find((c) => c.displayName === customerName);
assert.ok(customer, `${customerName} is no customer`);
const graph = graphFor(customer.tenantId);
step(`signed in; found ${customerName} among ${relationships.value.length} relationships`);

// Lists and pages.
const users = await everyUser(graph);
const count = await graph.api("/users/$count").header("ConsistencyLevel", "eventual").get();
assert.equal(users.length, Number(count));
assert.equal(new Set(users.map((u) => u.id)).size, users.length, "no user came twice");
step(`paged through ${users.length} users, as many as $count says`);

const guest = users.find((u) => u.userPrincipalName.includes("#EXT#"));
const byName = await graph.api(`/users/${encodeURIComponent(guest.userPrincipalName)}`).get();
assert.equal(byName.id, guest.id);
const quoted = users.find((u) => u.userPrincipalName.includes("'"));
const found = await graph.api("/users").filter(`userPrincipalName eq '${quoted.userPrincipalName.replaceAll("'", "''")}'`).get();
assert.deepEqual(found.value.map((u) => u.id), [quoted.id]);
step("found a guest by a name with # and a user by a name with a quote");

await refused(graph.api("/users").select("favouriteColour").get(), 400, "Request_BadRequest");
await refused(graph.api("/users/$count").get(), 400, "Request_BadRequest");
step("an unknown property and a count without ConsistencyLevel are refused");

// $batch.
const asked = [
  { id: "good", request: new Request(`${cloud.graph}/users/${quoted.id}?$select=id,jobTitle`) },
  { id: "gone", request: new Request(`${cloud.graph}/users/3f0b2f3e-9a1c-4c8e-9e63-51d0f0f4a111`) },
  {
    id: "write",
    request: new Request(`${cloud.graph}/users/${quoted.id}`, {
      method: "PATCH",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ jobTitle: "Route Planner II" }),
    }),
  },
];
const answers = new BatchResponseContent(await graph.api("/$batch").post(await new BatchRequestContent(asked).getContent()));
assert.equal(answers.getResponseById("good").status, 200);
assert.equal(answers.getResponseById("gone").status, 404);
assert.equal(answers.getResponseById("write").status, 204);
assert.equal((await graph.api(`/users/${quoted.id}`).select("jobTitle").get()).jobTitle, "Route Planner II");
step("a batch of a read, a miss and a write");

// A member by $ref.
const group = (await graph.api("/groups").filter("displayName eq 'CRM Users'").get()).value[0];
const members = async () => (await graph.api(`/groups/${group.id}/members`).select("id").get()).value.map((m) => m.id);
const reference = { "@odata.id": `${cloud.graph}/v1.0/directoryObjects/${quoted.id}` };
assert.ok(!(await members()).includes(quoted.id));
await graph.api(`/groups/${group.id}/members/$ref`).post(reference);
assert.ok((await members()).includes(quoted.id));
await refused(graph.api(`/groups/${group.id}/members/$ref`).post(reference), 400, "Request_BadRequest");
await graph.api(`/groups/${group.id}/members/${quoted.id}/$ref`).delete();
assert.ok(!(await members()).includes(quoted.id));
step("added a member by $ref, was refused the second time, removed it");

// Throttled: the library obeys Retry-After and tries again by itself.
const before = performance.now();
const skus = await graph.api("/subscribedSkus").get();
const waited = performance.now() - before;
assert.ok(skus.value.length > 0);
assert.ok(waited >= 900, `the library waited ${waited} ms although it was told a second`);
step(`was throttled and came through after ${Math.round(waited)} ms`);

// What was just made is not there yet.
const domain = quoted.userPrincipalName.split("@")[1];
const made = await graph.api("/users").post({
  accountEnabled: true,
  displayName: "Made By A Script",
  mailNickname: "made.by.a.script",
  userPrincipalName: `made.by.a.script@${domain}`,
  passwordProfile: { password: `Xy7!${crypto.randomUUID()}`, forceChangePasswordNextSignIn: true },
});
await refused(graph.api(`/users/${made.id}`).get(), 404, "Request_ResourceNotFound");
let seen;
for (const end = Date.now() + 20_000; !seen && Date.now() < end; ) {
  await new Promise((resolve) => setTimeout(resolve, 250));
  seen = await graph.api(`/users/${made.id}`).get().catch((e) => {
    assert.equal(e.statusCode, 404);
  });
}
assert.equal(seen?.displayName, "Made By A Script");
await graph.api(`/users/${made.id}`).delete();
step("a new user was missing at first and then there");
