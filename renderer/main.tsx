/** Starts the window: its copy of the agent's state, then the page. */
import './styles/tokens.css';
import './styles/components.css';
import './styles/app.css';
import './styles/policy.css';
import './styles/tool.css';
import './styles/sent.css';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { snapshotStore } from './use-snapshot.ts';

const { agent, shell } = window;
// Known before anything is asked, so that type sizes don't jump.
document.documentElement.dataset['platform'] = /Windows/.test(navigator.userAgent)
  ? 'win'
  : /Mac/.test(navigator.userAgent)
    ? 'mac'
    : 'linux';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no element “root”, so the window can’t be drawn; build the bundles again.');
createRoot(root).render(<App agent={agent} shell={shell} store={snapshotStore(agent, shell, () => new Date())} />);
