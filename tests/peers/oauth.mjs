// An OAuth 2.0 and OpenID server on loopback: oidc-provider with introspection, revocation and refresh
// tokens that rotate. Its issuer is a name, and the tests lead the name here. Prints its address.
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const [issuer, redirectUri, clientId, clientSecret] = process.argv.slice(2);

const server = createServer();
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: clientId,
      client_secret: clientSecret,
      redirect_uris: [redirectUri],
      response_types: ["code"],
      grant_types: ["authorization_code", "refresh_token"],
      token_endpoint_auth_method: "client_secret_basic",
    },
  ],
  scopes: ["openid", "offline_access", "posts"],
  claims: { openid: ["sub"], profile: ["name"] },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, name: `The ${id}` }) }),
  pkce: { required: () => true },
  rotateRefreshToken: true,
  features: {
    devInteractions: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
  },
  cookies: { keys: ["only for tests"] },
  ttl: { AccessToken: 60, Grant: 600, IdToken: 60, Interaction: 600, RefreshToken: 600, Session: 600 },
});
server.on("request", provider.callback());
process.stdin.resume().on("end", () => process.exit(0));
console.log(`http://127.0.0.1:${server.address().port}`);
