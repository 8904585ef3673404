/** Every glyph and icon, once in the page; `Glyph` and `Icon` refer to them by name. All are drawn on a grid of 16, the mark on 32. */
import { memo } from 'react';

export const Sprite = memo(function Sprite() {
  return (
    <svg className="sprite" width="0" height="0" aria-hidden="true" focusable="false">
      <symbol id="mark" viewBox="0 0 32 32">
        <g fill="none" stroke="currentColor" strokeWidth="3.6" strokeLinecap="round" strokeLinejoin="round">
          <path d="M5 10.5 13.6 20 27 5" />
          <path className="mark-post" d="M5 18v9M27 14v13" />
        </g>
      </symbol>
      <symbol id="g-approved" viewBox="0 0 16 16">
        <circle cx="8" cy="8" r="7" fill="currentColor" />
        <path
          d="m4.7 8.3 2.3 2.3 4.3-4.9"
          fill="none"
          stroke="var(--glyph-cut)"
          strokeWidth="1.7"
          strokeLinecap="round"
          strokeLinejoin="round"
        />
      </symbol>
      <symbol id="g-conditions" viewBox="0 0 16 16">
        <g fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round">
          <path d="M8.1 14.25A6.25 6.25 0 1 1 14.25 8.1" />
          <path d="m5 7.9 2.1 2.2 4-4.4" />
        </g>
        <circle cx="12.9" cy="12.9" r="2.1" fill="currentColor" />
      </symbol>
      <symbol id="g-tier" viewBox="0 0 16 16">
        <path d="M8 1.2 14.8 8 8 14.8 1.2 8Z" fill="currentColor" stroke="currentColor" strokeWidth="1.6" strokeLinejoin="round" />
        <path
          d="M8 11V5.3M5.5 7.6 8 5.1l2.5 2.5"
          fill="none"
          stroke="var(--glyph-cut)"
          strokeWidth="1.6"
          strokeLinecap="round"
          strokeLinejoin="round"
        />
      </symbol>
      <symbol id="g-pending" viewBox="0 0 16 16">
        <g fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round">
          <circle cx="8" cy="8" r="6.25" />
          <path d="M8 4.4V8l2.4 1.6" />
        </g>
      </symbol>
      <symbol id="g-exception" viewBox="0 0 16 16">
        <g fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round">
          <rect x="1.75" y="2.75" width="12.5" height="11.5" rx="2.5" />
          <path d="M2 6.4h12M5.2 1.2v2.6M10.8 1.2v2.6" />
        </g>
        <circle cx="10.8" cy="10.6" r="1.5" fill="currentColor" />
      </symbol>
      <symbol id="g-tolerated" viewBox="0 0 16 16">
        <circle cx="8" cy="8" r="6.25" fill="none" stroke="currentColor" strokeWidth="1.5" />
        <path d="M8 4a4 4 0 0 0 0 8Z" fill="currentColor" />
      </symbol>
      <symbol id="g-unreviewed" viewBox="0 0 16 16">
        <circle cx="8" cy="8" r="6.25" fill="none" stroke="currentColor" strokeWidth="1.5" />
      </symbol>
      <symbol id="g-possible" viewBox="0 0 16 16">
        <circle
          cx="8"
          cy="8"
          r="6.25"
          fill="none"
          stroke="currentColor"
          strokeWidth="1.6"
          strokeLinecap="round"
          strokeDasharray="0.1 3.17"
        />
      </symbol>
      <symbol id="g-prohibited" viewBox="0 0 16 16">
        <path
          d="M5.2 1.2h5.6l4 4v5.6l-4 4H5.2l-4-4V5.2Z"
          fill="currentColor"
          stroke="currentColor"
          strokeWidth=".6"
          strokeLinejoin="round"
        />
        <path d="M5 8h6" stroke="var(--glyph-cut)" strokeWidth="1.9" strokeLinecap="round" />
      </symbol>
      <symbol id="g-tier-unknown" viewBox="0 0 16 16">
        <g fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round">
          <path d="M8 1.3 14.7 8 8 14.7 1.3 8Z" />
          <path d="M6.5 6.7a1.55 1.55 0 1 1 2.4 1.3c-.600.4-.900.6-.9 1.2" />
        </g>
        <circle cx="8" cy="11.3" r=".95" fill="currentColor" />
      </symbol>
      <symbol id="g-expired" viewBox="0 0 16 16">
        <g fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round">
          <rect x="1.75" y="2.75" width="12.5" height="11.5" rx="2.5" />
          <path d="M2 6.4h12M5.2 1.2v2.6M10.8 1.2v2.6M6.2 8.7l3.6 3.3M9.8 8.7l-3.6 3.3" />
        </g>
      </symbol>
      <symbol id="i-home" viewBox="0 0 16 16">
        <path className="i" d="m1.8 4 1.3 1.3 2-2.4M1.8 11 3.1 12.3l2-2.4M8 4.3h6M8 11.3h6" />
      </symbol>
      <symbol id="i-book" viewBox="0 0 16 16">
        <path className="i" d="M3.2 13V3.8A1.8 1.8 0 0 1 5 2h7.8v9.6H4.7A1.5 1.5 0 0 0 3.2 13a1.4 1.4 0 0 0 1.5 1.4h8.1M6.3 5.2h3.6" />
      </symbol>
      <symbol id="i-policy" viewBox="0 0 16 16">
        <path className="i" d="M4.3 1.8h5.5L13 5v9.2H4.3ZM9.6 2v3.2H13M6.5 8.2h4M6.5 11h4" />
      </symbol>
      <symbol id="i-plug" viewBox="0 0 16 16">
        <path className="i" d="M5.5 1.8v3.4M10.5 1.8v3.4M3.6 5.2h8.8v2.3a4.4 4.4 0 0 1-8.8 0ZM8 12v2.4" />
      </symbol>
      <symbol id="i-ask" viewBox="0 0 16 16">
        <path
          className="i"
          d="M2 3.8A1.6 1.6 0 0 1 3.6 2.2h8.8A1.6 1.6 0 0 1 14 3.8v6a1.6 1.6 0 0 1-1.6 1.6H7.6L4.4 14v-2.6h-.8A1.6 1.6 0 0 1 2 9.8ZM5.4 5.7h5.2M5.4 8.1h3"
        />
      </symbol>
      <symbol id="i-sees" viewBox="0 0 16 16">
        <path
          className="i"
          d="M3.4 1.9h6a1.5 1.5 0 0 1 1.5 1.5v6a1.5 1.5 0 0 1-1.5 1.5h-6a1.5 1.5 0 0 1-1.5-1.5v-6a1.5 1.5 0 0 1 1.5-1.5Z"
        />
        <path
          className="i"
          d="M6.6 5.1h6a1.5 1.5 0 0 1 1.5 1.5v6a1.5 1.5 0 0 1-1.5 1.5h-6a1.5 1.5 0 0 1-1.5-1.5v-6a1.5 1.5 0 0 1 1.5-1.5Z"
        />
      </symbol>
      <symbol id="i-search" viewBox="0 0 16 16">
        <circle className="i" cx="7" cy="7" r="4.7" />
        <path className="i" d="m10.5 10.5 3.5 3.5" />
      </symbol>
      <symbol id="i-right" viewBox="0 0 16 16">
        <path className="i" d="m6 3.5 4.5 4.5L6 12.5" />
      </symbol>
      <symbol id="i-left" viewBox="0 0 16 16">
        <path className="i" d="M10 3.5 5.5 8l4.5 4.5" />
      </symbol>
      <symbol id="i-check" viewBox="0 0 16 16">
        <path className="i" d="m3 8.5 3.3 3.3L13 4.5" />
      </symbol>
      <symbol id="i-close" viewBox="0 0 16 16">
        <path className="i" d="m3.8 3.8 8.4 8.4M12.2 3.8l-8.4 8.4" />
      </symbol>
      <symbol id="i-dash" viewBox="0 0 16 16">
        <path className="i" d="M4.5 8h7" />
      </symbol>
      <symbol id="i-lock" viewBox="0 0 16 16">
        <rect className="i" x="3" y="7" width="10" height="7" rx="1.8" />
        <path className="i" d="M5.2 7V4.9a2.8 2.8 0 0 1 5.6 0V7" />
      </symbol>
      <symbol id="i-external" viewBox="0 0 16 16">
        <path
          className="i"
          d="M9.5 2.5h4v4M13.3 2.7 7.5 8.5M11.5 9.5v2.4a1.6 1.6 0 0 1-1.6 1.6H4.1a1.6 1.6 0 0 1-1.6-1.6V6.1a1.6 1.6 0 0 1 1.6-1.6h2.4"
        />
      </symbol>
      <symbol id="i-refresh" viewBox="0 0 16 16">
        <path className="i" d="M13.5 8a5.5 5.5 0 1 1-1.7-4M13.6 1.8v2.9h-2.9" />
      </symbol>
      <symbol id="i-info" viewBox="0 0 16 16">
        <circle className="i" cx="8" cy="8" r="6.2" />
        <path className="i" d="M8 7.4v3.7M8 4.9v.1" />
      </symbol>
      <symbol id="i-person" viewBox="0 0 16 16">
        <circle className="i" cx="8" cy="5.2" r="2.7" />
        <path className="i" d="M2.9 13.8c.5-2.7 2.5-4.1 5.1-4.1s4.6 1.4 5.1 4.1" />
      </symbol>
      <symbol id="i-team" viewBox="0 0 16 16">
        <circle className="i" cx="6" cy="5.5" r="2.4" />
        <path
          className="i"
          d="M1.5 13.2c.4-2.4 2.2-3.7 4.5-3.7s4.1 1.3 4.5 3.7M10.6 3.3a2.4 2.4 0 0 1 0 4.4M12.3 9.9c1.2.6 2 1.7 2.2 3.3"
        />
      </symbol>
      <symbol id="i-offline" viewBox="0 0 16 16">
        <path className="i" d="M4.5 12.5h6.7a2.9 2.9 0 0 0 1-5.6 4 4 0 0 0-6.5-2.2M3.9 6.8a2.9 2.9 0 0 0 .6 5.7M2.2 2.2l11.6 11.6" />
      </symbol>
      <symbol id="i-key" viewBox="0 0 16 16">
        <circle className="i" cx="5.2" cy="10.8" r="3" />
        <path className="i" d="m7.4 8.6 5.8-5.8M10.4 5.6l2.2 2.2" />
      </symbol>
      <symbol id="i-sent" viewBox="0 0 16 16">
        <path className="i" d="M8 10V2.2M5 5l3-2.9L11 5M2.2 9.6v2.8A1.6 1.6 0 0 0 3.8 14h8.4a1.6 1.6 0 0 0 1.6-1.6V9.6" />
      </symbol>
      <symbol id="i-laptop" viewBox="0 0 16 16">
        <rect className="i" x="2.8" y="3" width="10.4" height="7.4" rx="1.4" />
        <path className="i" d="M1.2 13h13.6" />
      </symbol>
      <symbol id="i-problem" viewBox="0 0 16 16">
        <path
          className="i"
          d="M7 2.6 1.7 12a1.15 1.15 0 0 0 1 1.7h10.6a1.15 1.15 0 0 0 1-1.7L9 2.6a1.15 1.15 0 0 0-2 0ZM8 6.2v3.3M8 11.6v.1"
        />
      </symbol>
    </svg>
  );
});
