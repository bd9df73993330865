// An authorization server by other hands, for tests/tools/oauth2_mock_test.cc: prints its address on
// the first line of stdout, ends when its stdin does.
//   node server.mjs FOLDER    where FOLDER/node_modules has oauth2-mock-server
// It knows clients by the secrets that begin with "good"; each token says which one it was, and has
// a number.
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const module = pathToFileURL(`${folder}/node_modules/oauth2-mock-server/dist/index.mjs`);
const { OAuth2Server } = await import(module);

function secretOf(request) {
  const [scheme, text] = (request.headers.authorization ?? "").split(" ");
  if (scheme !== "Basic") return request.body.client_secret ?? "";
  const pair = Buffer.from(text, "base64").toString().split(":");
  return decodeURIComponent(pair[1] ?? "");
}

const server = new OAuth2Server();
await server.issuer.keys.generate("RS256");
let number = 0;
server.service.on("beforeTokenSigning", (token, request) => {
  token.payload.number = ++number;
  token.payload.made_with = secretOf(request);
});
server.service.on("beforeResponse", (response, request) => {
  if (secretOf(request).startsWith("good")) return;
  response.statusCode = 401;
  response.body = { error: "invalid_client" };
});
await server.start(0, "127.0.0.1");
process.stdout.write(`http://127.0.0.1:${server.address().port}\n`);
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
