/** What is set on this computer and who says so. What IT has set is plain text with a lock, not a switch that can’t be moved. */
import { useMuster } from '../use-muster.ts';
import { settingRow } from '../words/setting.ts';
import { Icon } from './icon.tsx';
import { Code, Outside } from './outside.tsx';

export function SettingsTable() {
  const { snapshot } = useMuster();
  const rows = (snapshot.settings ?? []).map(settingRow);
  if (rows.length === 0) return null;
  return (
    <section className="after">
      <h2 className="title">How Muster is set up</h2>
      <table className="settings" aria-label="Settings">
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">Is set to</th>
            <th scope="col">By whom</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ key, name, value, by, byText, from, instead }) => (
            <tr key={key} data-setting={key}>
              <th scope="row">
                <Outside text={name} />
              </th>
              <td>
                <Outside text={value} />
                {instead !== null && (
                  <small className="block ink-3">
                    <Outside text={instead} />
                  </small>
                )}
              </td>
              <td>
                <span className={by === 'it' ? 'lock is-set' : 'lock'}>
                  {by === 'it' && <Icon name="lock" />}
                  {byText}
                </span>
                {from !== null && (
                  <small className="block ink-3">
                    <Code text={from} />
                  </small>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
