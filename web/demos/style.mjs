/** The playground's look. It lives in a shadow root: only the page's colours and fonts come in. */

export const STYLE = `
:host { display: block; container-type: inline-size; }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
.demo { font: .9rem/1.4 var(--sans, system-ui, sans-serif); color: var(--pst-color-text-base, #23292e); }
button, select { font: inherit; color: inherit; min-height: 2.1rem; padding: .2rem .7rem; border-radius: 6px;
  border: 1px solid var(--pst-color-text-muted, #59636a); background: var(--pst-color-background, #fffdf9); }
button { cursor: pointer; }
button:hover { background: var(--tint, #eef4f3); }
button.main { min-width: 6rem; font-weight: 650; color: var(--pst-color-background, #fff);
  background: var(--pst-color-primary, #0b5f6b); border-color: var(--pst-color-primary, #0b5f6b); }
button.main:hover { filter: brightness(1.12); }
select { max-width: 100%; padding: .2rem .35rem; }
input[type=range] { width: 100%; min-height: 24px; }
input { accent-color: var(--pst-color-primary, #0b5f6b); }
:focus-visible { outline: 3px solid var(--pst-color-accent, #a33c17); outline-offset: 2px; }
canvas { display: block; width: 100%; }
.bar { display: flex; flex-wrap: wrap; gap: .5rem; align-items: end; }
.bar .field { flex: 1 1 8.5rem; min-width: 0; }
.bar .field:has([name=situation]) { flex: 3 1 12rem; }
.field { display: flex; flex-direction: column; gap: .1rem; }
.field > span:first-child { font-size: .8rem; color: var(--pst-color-text-muted, #59636a); }
.says { margin: .75rem 0 .5rem; font: italic 1.02rem/1.5 var(--pst-font-family-base, Georgia, serif); }
.says:empty { display: none; }
.message { display: none; margin: .75rem 0; padding: .65rem .9rem; background: var(--pst-color-target, #fbeec2);
  color: var(--pst-color-text-base, #23292e); border-left: 4px solid var(--pst-color-accent, #a33c17); border-radius: 0 6px 6px 0; }
.message.on { display: block; }
.message p { margin: 0 0 .5rem; } .message p:last-child { margin: 0; } .message p:has(button) { display: flex; flex-wrap: wrap; gap: .5rem; }
.stage { display: grid; gap: 1rem 1.25rem; grid-template-columns: minmax(0, 1.04fr) minmax(0, 1fr); margin: .75rem 0 1.1rem;
  grid-template-areas: "net answer" "course answer"; }
.net { grid-area: net; } .answer { grid-area: answer; } .course { grid-area: course; align-self: end; }
.plane { aspect-ratio: 1; border: 1px solid var(--pst-color-text-muted, #59636a); border-radius: 4px; }
.network { aspect-ratio: 1.36; cursor: pointer; }
.curves { aspect-ratio: 2.75; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1rem; margin: .4rem 0; font-size: .84rem; }
.legend span { white-space: nowrap; }
.legend i { display: inline-block; font-style: normal; font-weight: 700; margin-right: .3rem; }
.under { display: flex; flex-wrap: wrap; gap: .4rem 1rem; align-items: end; justify-content: space-between; }
.numbers { display: grid; grid-template-columns: auto 1fr 1fr; gap: .2rem .9rem; align-items: baseline; margin-bottom: .35rem;
  font-variant-numeric: tabular-nums; }
.numbers b { display: block; font-size: .8rem; font-weight: 400; color: var(--pst-color-text-muted, #59636a); }
.numbers output { display: block; white-space: nowrap; }
.numbers .count { font-size: 1.02rem; font-weight: 650; min-width: 6.4rem; }
.settings { display: grid; gap: .9rem 1.5rem; grid-template-columns: repeat(2, minmax(0, 1fr)); border-top: 1px solid var(--pst-color-border, #e2dccf); padding-top: .9rem; }
fieldset { border: 0; margin: 0; padding: 0; min-width: 0; }
fieldset.data { grid-column: 1 / -1; } fieldset + fieldset { margin-top: .9rem; }
legend { padding: 0; margin-bottom: .3rem; font-size: .76rem; letter-spacing: .08em; text-transform: uppercase; color: var(--pst-color-text-muted, #59636a); }
.picks { display: grid; grid-template-columns: repeat(6, minmax(0, 1fr)); gap: .5rem; }
.pick { position: relative; cursor: pointer; text-align: center; font-size: .82rem; }
.pick input { position: absolute; inset: 0; opacity: 0; width: 100%; height: 100%; margin: 0; cursor: pointer; }
.pick canvas { aspect-ratio: 1; max-width: 4.6rem; margin: 0 auto .15rem; border: 1px solid var(--pst-color-border, #e2dccf); border-radius: 6px; }
.pick input:checked + canvas { border-color: var(--pst-color-primary, #0b5f6b); box-shadow: 0 0 0 2px var(--pst-color-primary, #0b5f6b); }
.pick input:checked ~ span { font-weight: 650; }
.pick input:focus-visible + canvas { outline: 3px solid var(--pst-color-accent, #a33c17); outline-offset: 3px; }
.boxes { display: flex; flex-wrap: wrap; gap: .1rem .9rem; }
.box { display: inline-flex; align-items: center; gap: .35rem; min-height: 2rem; cursor: pointer; }
.box input { width: 1.05rem; height: 1.05rem; margin: 0; }
.fields { display: grid; gap: .45rem .75rem; grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr)); align-items: end; }
.range { display: flex; gap: .5rem; align-items: center; min-height: 2.1rem; } .range output { min-width: 1.6rem; text-align: right; }
details { margin-top: .9rem; } summary { cursor: pointer; min-height: 24px; color: var(--pst-color-link, #0b5f6b); }
.weights { overflow-x: auto; } .weights pre { font: .78rem/1.4 var(--pst-font-family-monospace, monospace); margin: .2rem 0 .7rem; }
.weights p { margin: .4rem 0 0; }
.foot { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; margin-top: .9rem; }
.keys { flex: 1 1 14rem; margin: 0; font-size: .82rem; color: var(--pst-color-text-muted, #59636a); }
.ear { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@container (max-width: 560px) {
  .stage { grid-template-columns: minmax(0, 1fr); grid-template-areas: "answer" "course" "net"; }
  .settings { grid-template-columns: minmax(0, 1fr); }
  .picks { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  .bar button { flex: 1 1 auto; }
  .curves { aspect-ratio: 2.2; }
}
@media (prefers-reduced-motion: no-preference) { button { transition: background .15s; } }
`;
