/** A page that has nothing to show: why that is so, and the way back to the tools. */
import type { ReactNode } from 'react';
import { EmptyLineUp } from './line-up.tsx';

/** `bare` is without the drawing, where something was asked for that is gone. */
export function BlankPage({ title, bare = false, children }: { title: ReactNode; bare?: boolean; children?: ReactNode }) {
  return (
    <section className="middle">
      {!bare && <EmptyLineUp />}
      <h1 className="display" tabIndex={-1}>
        {title}
      </h1>
      {children}
      <div className="acts">
        <a className="btn btn-primary" href="#home">
          See your tools
        </a>
      </div>
    </section>
  );
}
