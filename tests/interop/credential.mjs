// Signs in as an application does, with @azure/identity, and prints whom the token speaks for. The token is not printed.

import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(path.join(process.env.MIDOCTOR_INTEROP_NODE_MODULES, "any.js"));
const { DefaultAzureCredential, ManagedIdentityCredential } = require("@azure/identity");

const kind = { managed: ManagedIdentityCredential, default: DefaultAzureCredential }[process.argv[2]];
try {
  const { token } = await new kind().getToken("https://management.azure.com/.default");
  console.log(JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString()).oid);
} catch (error) {
  console.error(`${error.name}: ${error.message}`);
  process.exitCode = 1;
}
