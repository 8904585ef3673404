/** What may be collected: what this build does, narrowed by the policy and by the managed settings. Neither can widen it. Pure. */
import type { Policy } from './policy.ts';

type Narrowing = Omit<NonNullable<Policy['collect']>, 'username'>;

export type Collecting = {
  /** Totals of use by day. */
  readonly usage: boolean;
  /** Whether the title of the window in front is matched; never without a policy that says so, and never kept. */
  readonly matchTitles: boolean;
  /** Whether the paths of projects may leave this computer. */
  readonly projectPaths: boolean;
};

/** `managed` are the managed settings' own words; absent where they say nothing. */
export function collecting(policy: Policy | null, managed: Narrowing | undefined): Collecting {
  const no = (what: keyof Collecting) => policy?.collect?.[what] === false || managed?.[what] === false;
  return {
    usage: !no('usage'),
    matchTitles: policy?.collect?.matchTitles === true && !no('matchTitles'),
    projectPaths: !no('projectPaths'),
  };
}
