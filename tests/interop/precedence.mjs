// Asks one of Microsoft's Node clients for a token, once for each set of variables, and tells what it said.
//
// `precedence.mjs CLIENT CERTIFICATE` adds a key to the file with the certificate, then reads one JSON object of variables per line and answers each with one line, when the client has
// given up or has a token. The clients keep their choice of a source for as long as they are loaded, so they are loaded anew for
// every set. Where the requests went the listeners know; it does not judge.

import { generateKeyPairSync } from "node:crypto";
import { appendFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import readline from "node:readline";

const require = createRequire(path.join(process.env.MIDOCTOR_INTEROP_NODE_MODULES, "any.js"));
const RESOURCE = "https://management.azure.com";

const credential = (kind) => async () => {
  const identity = require("@azure/identity");
  await new identity[kind]().getToken(`${RESOURCE}/.default`);
};

const CLIENTS = {
  managed: credential("ManagedIdentityCredential"),
  default: credential("DefaultAzureCredential"),
  msal: async () => {
    const { ManagedIdentityApplication } = require("@azure/msal-node");
    await new ManagedIdentityApplication().acquireToken({ resource: RESOURCE });
  },
};

if (process.argv[2] === "default") {
  // It wants an RSA key for a service principal's certificate; nobody looks whether the two belong together.
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  appendFileSync(process.argv[3], privateKey.export({ type: "pkcs8", format: "pem" }));
}

const ask = CLIENTS[process.argv[2]];
const own = { ...process.env };

for await (const line of readline.createInterface({ input: process.stdin })) {
  const variables = JSON.parse(line);
  Object.assign(process.env, variables);
  for (const file of Object.keys(require.cache)) delete require.cache[file];
  let said = "a token";
  try {
    await ask();
  } catch (error) {
    said = `${error.name}: ${error.message}`;
  }
  for (const name of Object.keys(variables)) delete process.env[name];
  Object.assign(process.env, own);
  process.stdout.write(`${JSON.stringify({ said })}\n`);
}
