// One OpenID provider on loopback: oidc-provider with keys of this start, its own sign-in and
// consent pages, and people whom the tests name. Prints its issuer, ends with its standard input.
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const [redirectUri, clientId] = process.argv.slice(2);
let people = {}; // login, which is the subject -> claims, by PUT /people

const server = createServer();
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: clientId,
      redirect_uris: [redirectUri],
      response_types: ["code"],
      grant_types: ["authorization_code"],
      token_endpoint_auth_method: "none",
    },
  ],
  claims: { openid: ["sub"], email: ["email", "email_verified"] },
  findAccount: (_, id) =>
    people[id] && { accountId: id, claims: () => ({ sub: id, ...people[id] }) },
  pkce: { required: () => true },
  features: { devInteractions: { enabled: true } },
  cookies: { keys: ["only for tests"] },
  ttl: { AccessToken: 60, Grant: 600, IdToken: 60, Interaction: 600, Session: 600 },
});
provider.use(async (ctx, next) => {
  if (ctx.path !== "/people") return next();
  const chunks = [];
  for await (const chunk of ctx.req) chunks.push(chunk);
  people = JSON.parse(Buffer.concat(chunks));
  ctx.body = {};
});
server.on("request", provider.callback());
process.stdin.resume().on("end", () => process.exit(0));
console.log(issuer);
