/** What belongs to a tool: what people gave to an agent, by kind and name, and the models on this disk. */
import type { Tool } from '../../electron/contract.ts';
import { Code, Outside } from '../ui/outside.tsx';
import { type AddonGroup, addonGroups, modelRows, sizeText } from '../words/place.ts';

/** More than this stays folded: a hundred skills would hide everything below them. */
const SHOWN = 6;

function AddonList({ items }: Pick<AddonGroup, 'items'>) {
  return (
    <ul className="addons">
      {items.map(({ name, where, paths }) => (
        <li key={`${name} ${where}`}>
          <Outside text={name} /> <span className="ink-3">{where}</span>
          {paths.map((path) => (
            <small key={path} className="block ink-3">
              <Code text={path} />
            </small>
          ))}
        </li>
      ))}
    </ul>
  );
}

function AddonKind({ group: { title, items } }: { group: AddonGroup }) {
  const head = (
    <h3>
      {title} <span className="count">{items.length}</span>
    </h3>
  );
  if (items.length > SHOWN)
    return (
      <details className="more">
        <summary>{head}</summary>
        <AddonList items={items} />
      </details>
    );
  return (
    <div>
      {head}
      <AddonList items={items} />
    </div>
  );
}

export function Addons({ tool }: { tool: Tool }) {
  const groups = addonGroups(tool.addons ?? []);
  if (groups.length === 0) return null;
  return (
    <section>
      <h2>What it was given</h2>
      {groups.map((group) => (
        <AddonKind key={group.title} group={group} />
      ))}
      <p className="small ink-3">By name only: what stands in them isn’t read.</p>
    </section>
  );
}

export function Models({ tool }: { tool: Tool }) {
  const models = modelRows(tool.models ?? []);
  if (models.length === 0) return null;
  const total = models.reduce((sum, { bytes }) => sum + bytes, 0);
  const rows = (
    <table className="models" aria-label="Models on this disk">
      <thead>
        <tr>
          <th scope="col">Model</th>
          <th scope="col" className="size">
            Size
          </th>
        </tr>
      </thead>
      <tbody>
        {models.map(({ name, bytes, path }) => (
          <tr key={`${name} ${path}`}>
            <th scope="row">
              <Outside text={name} />
              <small className="block ink-3">
                <Code text={path} />
              </small>
            </th>
            <td className="size num">{sizeText(bytes)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
  return (
    <section>
      <h2>
        Models on this disk <span className="count">{`${models.length}, ${sizeText(total)}`}</span>
      </h2>
      {models.length > SHOWN ? (
        <details className="more">
          <summary>Show all {models.length}</summary>
          {rows}
        </details>
      ) : (
        rows
      )}
    </section>
  );
}
