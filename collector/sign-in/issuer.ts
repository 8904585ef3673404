/**
 * The organization's issuer of identities, asked by authorization code with PKCE, state and nonce. The only connection that the collector's web process
 * opens by itself, to an address that whoever runs it has configured.
 */
import * as oidc from 'openid-client';
import type { Attempt } from './attempt.ts';
import type { SignInSettings } from './settings.ts';

/** The issuer doesn't answer, or answers with what is none of the protocol. */
export class IssuerAway extends Error {}

/** The issuer answered, and what it says is no proof of who somebody is. `why` is a code of the protocol or of ours, never text from outside. */
export class NotProven extends Error {
  readonly why: string;
  constructor(why: string, cause?: unknown) {
    super(why, { cause });
    this.why = why;
  }
}

export type Claims = Readonly<Record<string, unknown>> & { readonly sub: string };

export type Issuer = {
  /** Where the browser goes. Rejects with `IssuerAway`. */
  begin(attempt: Attempt, redirectUri: string): Promise<URL>;
  /** What the issuer says of the person, from the address at which their browser came back. Rejects with `NotProven` or `IssuerAway`. */
  finish(attempt: Attempt, cameBackAt: URL): Promise<Claims>;
  /** Begins a sign-in for a terminal; null where the issuer offers none. Rejects with `IssuerAway` or `NotProven`. */
  beginAtTerminal(): Promise<AtTerminal | null>;
  /** Asks once whether the person has confirmed; null: not yet. Rejects with `NotProven` or `IssuerAway`. */
  finishAtTerminal(code: string): Promise<Claims | null>;
  /** Where the browser signs out at the issuer too; null where it offers nothing or is away. */
  signOut(returnTo: string): Promise<URL | null>;
};

/** What a person confirms in any browser (RFC 8628); `code` is for whoever asks and for nobody else. */
export type AtTerminal = {
  readonly code: string;
  readonly userCode: string;
  readonly address: string;
  readonly addressWithCode: string | null;
  readonly expiresInS: number;
  readonly everyS: number;
};

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';

/** Its description is read anew this often; keys are read anew by themselves when an unknown one signs. */
const DESCRIBED_MS = 3_600_000;
const PATIENCE_S = 30;
const CLOCKS_S = 30;

export function issuerAt(settings: SignInSettings, clock: () => number): Issuer {
  const { issuer, clientId, clientSecret, groupsClaim } = settings;
  const local = issuer.startsWith('http:');
  let held: { readonly at: number; readonly description: Promise<oidc.Configuration> } | null = null;

  async function described(): Promise<oidc.Configuration> {
    if (held && clock() - held.at < DESCRIBED_MS) return held.description;
    const entry = { at: clock(), description: describe() };
    held = entry;
    // What failed is asked again by whoever comes next.
    entry.description.catch(() => {
      if (held === entry) held = null;
    });
    return entry.description;
  }

  async function describe(): Promise<oidc.Configuration> {
    const metadata = { [oidc.clockTolerance]: CLOCKS_S };
    const options: oidc.DiscoveryRequestOptions = {
      timeout: PATIENCE_S,
      [oidc.customFetch]: fetchOrAway,
      // Without the second the signature of an identity would not be looked at, for it came over TLS.
      execute: [...(local ? [oidc.allowInsecureRequests] : []), oidc.enableNonRepudiationChecks],
    };
    const configuration = await told(oidc.discovery(new URL(issuer), clientId, metadata, authentication(clientSecret), options));
    return configuration;
  }

  /** The identity, and what stands beside it at the issuer where the identity itself leaves it out. */
  async function whole(
    configuration: oidc.Configuration,
    tokens: oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers,
  ): Promise<Claims> {
    const claims = tokens.claims();
    if (!claims) throw new NotProven('no-identity');
    const missing = [claims['email'], claims[groupsClaim]].includes(undefined);
    if (!missing || configuration.serverMetadata().userinfo_endpoint === undefined) return claims;
    const more = await told(oidc.fetchUserInfo(configuration, tokens.access_token, claims.sub));
    return { ...more, ...claims };
  }

  return {
    async begin(attempt, redirectUri) {
      return oidc.buildAuthorizationUrl(await described(), {
        redirect_uri: redirectUri,
        scope: settings.scopes,
        state: attempt.state,
        nonce: attempt.nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(attempt.verifier),
        code_challenge_method: 'S256',
      });
    },
    async finish(attempt, cameBackAt) {
      const configuration = await described();
      const checks = {
        pkceCodeVerifier: attempt.verifier,
        expectedState: attempt.state,
        expectedNonce: attempt.nonce,
        idTokenExpected: true,
      };
      const tokens = await told(oidc.authorizationCodeGrant(configuration, cameBackAt, checks));
      return whole(configuration, tokens);
    },
    async beginAtTerminal() {
      const configuration = await described();
      if (configuration.serverMetadata().device_authorization_endpoint === undefined) return null;
      const begun = await told(oidc.initiateDeviceAuthorization(configuration, { scope: settings.scopes }));
      return {
        ...{ code: begun.device_code, userCode: begun.user_code, address: begun.verification_uri },
        ...{ addressWithCode: begun.verification_uri_complete ?? null, expiresInS: begun.expires_in, everyS: begun.interval ?? 5 },
      };
    },
    async finishAtTerminal(code) {
      const configuration = await described();
      try {
        return await whole(configuration, await told(oidc.genericGrantRequest(configuration, DEVICE_CODE, { device_code: code })));
      } catch (error) {
        if (error instanceof NotProven && (error.why === 'authorization_pending' || error.why === 'slow_down')) return null;
        throw error;
      }
    },
    async signOut(returnTo) {
      try {
        const configuration = await described();
        if (configuration.serverMetadata().end_session_endpoint === undefined) return null;
        return oidc.buildEndSessionUrl(configuration, { post_logout_redirect_uri: returnTo, client_id: clientId });
      } catch {
        return null;
      }
    },
  };
}

/** In the header, as the standard has it, unless the issuer takes it in the form alone. */
function authentication(secret: string | null): oidc.ClientAuth {
  if (secret === null) return oidc.None();
  const [inHeader, inForm] = [oidc.ClientSecretBasic(secret), oidc.ClientSecretPost(secret)];
  return (server, ...rest) => {
    const offered = server.token_endpoint_auth_methods_supported;
    return (offered === undefined || offered.includes('client_secret_basic') ? inHeader : inForm)(server, ...rest);
  };
}

const fetchOrAway: oidc.CustomFetch = async (url, options) => {
  let response: Response;
  try {
    response = await fetch(url, options as RequestInit);
  } catch (error) {
    throw new IssuerAway('it can’t be reached', { cause: error });
  }
  if (response.status >= 500 || response.status === 429) throw new IssuerAway(`it answers ${response.status}`);
  return response;
};

/** What the library throws, as one of the two kinds. */
async function told<Answer>(asked: Promise<Answer>): Promise<Answer> {
  try {
    return await asked;
  } catch (error) {
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) if (cause instanceof IssuerAway) throw cause;
    const { code, error: said } = error as { code?: unknown; error?: unknown };
    if (code === 'OAUTH_TIMEOUT') throw new IssuerAway('it takes too long', { cause: error });
    throw new NotProven(word(said) ?? word(code) ?? 'not-proven', error);
  }
}

/** A code, and nothing that could be a sentence. */
function word(value: unknown): string | null {
  return typeof value === 'string' && /^[A-Za-z_]{1,60}$/.test(value) ? value.toLowerCase() : null;
}
