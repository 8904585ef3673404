/** Your requests: what was asked for, how it stands, and what IT said. */
import { capital, countWord } from '../../electron/attention.ts';
import { BlankPage } from '../ui/blank-page.tsx';
import { RequestCard } from '../ui/request-card.tsx';
import { Trouble } from '../ui/trouble.tsx';
import { useMuster } from '../use-muster.ts';

export function Requests() {
  const { snapshot } = useMuster();
  const requests = [...snapshot.requests].sort((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0));
  const waiting = requests.filter(({ state }) => state === 'open').length;
  const asked = requests.filter(({ state }) => state === 'needs-info').length;
  if (requests.length === 0) {
    return (
      <>
        <Trouble />
        <BlankPage title="You have asked for nothing yet.">
          <p className="lead">Where a tool isn’t approved, a button asks for it. Your request and its answer then stand here.</p>
        </BlankPage>
      </>
    );
  }
  return (
    <section>
      <h1 className="display" tabIndex={-1}>
        Your requests
      </h1>
      <p className="lead under">
        {asked > 0 && `${capital(countWord(asked))} ${asked === 1 ? 'needs' : 'need'} an answer from you. `}
        {waiting > 0 ? `${capital(countWord(waiting))} ${waiting === 1 ? 'is' : 'are'} waiting.` : asked > 0 ? '' : 'None is waiting.'}
        {snapshot.policy.rev === null &&
          (snapshot.sync === undefined || snapshot.sync.state === 'off') &&
          ' They are kept on this computer until it is joined to your organization’s collector.'}
      </p>
      <Trouble />
      <ul className="group">
        {requests.map((request) => (
          <RequestCard key={request.id} request={request} heading="h2" />
        ))}
      </ul>
    </section>
  );
}
