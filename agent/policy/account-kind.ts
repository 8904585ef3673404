/** Whether an account is the company's or a person's own. Pure. */
import type { AccountFact } from '../observe/observation.ts';
import type { Item } from './decide.ts';

export type AccountKind = (Item & { kind: 'tool' })['account'];

/** Where anybody may have an address: nobody's company. Only the largest; an unknown domain stays unknown. */
const CONSUMER_MAIL: ReadonlySet<string> = new Set([
  ...['gmail.com', 'googlemail.com', 'outlook.com', 'hotmail.com', 'live.com', 'msn.com', 'icloud.com', 'me.com', 'mac.com', 'yahoo.com'],
  ...['aol.com', 'gmx.de', 'gmx.net', 'gmx.com', 'web.de', 't-online.de', 'proton.me', 'protonmail.com', 'fastmail.com', 'hey.com'],
  ...['yandex.ru', 'mail.ru', 'qq.com', '163.com', '126.com', 'naver.com', 'orange.fr', 'free.fr', 'libero.it', 'mail.com'],
]);

/**
 * `domains` are the organization's mail domains, as the policy lists them. An address at one of them, or below one, is the company's, and at any other
 * a person's own, whatever the plan. Where no domain is known, or none is listed, the plan says (`personal`): but with a list, somebody's plan for
 * organizations may be another organization's, so that is unknown.
 */
export function accountKind({ domain, personal }: Pick<AccountFact, 'domain' | 'personal'>, domains: readonly string[]): AccountKind {
  const own = domains
    .map((listed) =>
      listed
        .trim()
        .toLowerCase()
        .replace(/^[@.]+/, ''),
    )
    .filter((listed) => listed !== '');
  if (domain !== null && own.length > 0)
    return own.some((listed) => domain === listed || domain.endsWith(`.${listed}`)) ? 'company' : 'personal';
  if (personal === true) return 'personal';
  if (own.length > 0) return 'unknown';
  if (personal === false) return 'company';
  return domain !== null && CONSUMER_MAIL.has(domain) ? 'personal' : 'unknown';
}
