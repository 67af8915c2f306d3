"""The report's style sheet: one file, light and dark, screen and paper.

Contrast of text is 4.5:1 or more on its background, in both schemes.
"""

STYLE = """
:root{color-scheme:light dark;--paper:#fcfbf9;--card:#fff;--ink:#1d2126;--soft:#565e68;
--line:#e2dfd9;--tint:#f3f1ec;--accent:#0b5a7d;--bar:#9cc3d6;--ok:#17693f;--ok-tint:#e9f4ee;
--warning:#7d5200;--warning-tint:#fbf2df;--problem:#a3241b;--problem-tint:#fbeceb;
--heat:11,90,125}
@media screen and (prefers-color-scheme:dark){:root{--paper:#15181b;--card:#1c2024;
--ink:#e7e8e9;--soft:#a8b0b9;--line:#32383e;--tint:#1f2428;--accent:#84c7e6;--bar:#2f6783;--ok:#7fd1a3;
--ok-tint:#17291f;--warning:#e5b95f;--warning-tint:#2c2413;--problem:#f0958d;
--problem-tint:#331b19;--heat:84,160,200}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);
font:1rem/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main,header,footer{max-width:58rem;margin:0 auto;padding:0 1.5rem}
header{padding-top:3.2rem}footer{padding-bottom:4rem}
p,li,figcaption{max-width:42rem}
p{margin:.6em 0}
h1,h2,h3{line-height:1.22;font-weight:650;letter-spacing:-.012em;text-wrap:balance}
h1{font-size:2.1rem;margin:.2em 0 .5em;overflow-wrap:anywhere}
h2{font-size:1.4rem;margin:0 0 .7em}
h3{font-size:1.05rem;margin:1.9em 0 .4em}
section{margin-top:3.4rem;padding-top:1.5rem;border-top:1px solid var(--line);
scroll-margin-top:1rem}
a{color:var(--accent);text-underline-offset:.18em;text-decoration-thickness:1px}
a:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:2px solid var(--accent);
outline-offset:2px;border-radius:3px}
strong{font-weight:650}
bdi{overflow-wrap:anywhere}
code,pre{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;
font-size:.86em}
.eyebrow{color:var(--soft);font-size:.9rem;margin:0}
.lead{font-size:1.19rem;line-height:1.52;max-width:44rem}
.soft,caption,figcaption{color:var(--soft)}
.small{font-size:.9rem}
nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1.3rem;list-style:none;padding:0;
margin:1.8rem 0 0;font-size:.94rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(10.5rem,1fr));gap:.9rem;
margin:1.8rem 0 1.2rem}
.tiles div{background:var(--card);border:1px solid var(--line);border-radius:8px;
padding:.8rem 1rem .85rem}
.tiles dt{color:var(--soft);font-size:.88rem}
.tiles dd{margin:0;font-size:1.6rem;font-weight:650;line-height:1.25;
font-variant-numeric:tabular-nums;letter-spacing:-.015em}
.tiles small{display:block;font-size:.86rem;font-weight:400;color:var(--soft);
letter-spacing:0;line-height:1.4}
dl{margin:.8em 0}
main dl{max-width:46rem}
main dl>div{display:grid;grid-template-columns:minmax(8rem,13rem) 1fr;gap:0 1.2rem;
padding:.32rem 0;border-bottom:1px solid var(--line)}
main dt{color:var(--soft)}main dd{margin:0;overflow-wrap:anywhere}
.scroll{overflow-x:auto;margin:1rem 0;max-width:100%}
table{border-collapse:collapse;font-size:.92rem;line-height:1.42;
font-variant-numeric:tabular-nums}
@media (min-width:60rem){.wide{max-width:none;width:min(80rem,calc(50vw + 26rem))}}
caption{white-space:nowrap;text-align:left;padding:0 0 .4rem;font-size:.88rem}
.unseen{font-size:0;line-height:0;padding:0}
th,td{text-align:left;vertical-align:top;padding:.34rem 1.4rem .34rem 0;
border-bottom:1px solid var(--line);max-width:22rem}
td,th,td bdi,th bdi,th code{overflow-wrap:break-word}tbody th{font-weight:400}
tbody th:not(.number){min-width:min(9rem,34vw)}
thead th{font-weight:600;vertical-align:bottom;border-bottom-color:var(--soft)}
.number{text-align:right;white-space:nowrap}
tr.best>*{background:var(--tint);font-weight:600}
.words{min-width:min(14rem,60vw)}
.bar{min-width:9rem;width:14rem}
.bar i{display:block;height:.7em;margin-top:.35em;background:var(--bar);border-radius:2px;
min-width:1px}
details{margin:.8rem 0}
summary{cursor:pointer;color:var(--accent)}
.note{border-left:4px solid;border-radius:0 6px 6px 0;padding:.15rem 1.1rem;margin:1rem 0;
max-width:46rem}
.note p{margin:.5em 0}
.note.ok{border-color:var(--ok);background:var(--ok-tint)}
.note.warning{border-color:var(--warning);background:var(--warning-tint)}
.note.problem{border-color:var(--problem);background:var(--problem-tint)}
.status{font-size:.82rem;font-weight:650;padding:.1em .6em;border-radius:1em;
white-space:nowrap;vertical-align:.1em;margin-right:.5em}
.status.ok{color:var(--ok);background:var(--ok-tint)}
.status.warning{color:var(--warning);background:var(--warning-tint)}
.status.problem{color:var(--problem);background:var(--problem-tint)}
.code{background:var(--tint);border:1px solid var(--line);border-radius:6px}
.code pre{margin:0;padding:.9rem 1.1rem;line-height:1.5;width:max-content;min-width:100%;
user-select:all;-webkit-user-select:all}
figure{margin:1.3rem 0}
figure svg{display:block;width:100%;height:auto}
.plot{background:#fff;border:1px solid var(--line);border-radius:8px;padding:.7rem;
max-width:100%;overflow-x:auto}
.plot svg{min-width:36rem}
figcaption{font-size:.9rem;margin-top:.55rem}
.range{position:relative;height:5.6rem;margin:2.2rem .6rem 1rem;max-width:42rem;
font-size:.88rem;font-variant-numeric:tabular-nums}
.range>*{position:absolute}
.range .axis{left:0;right:0;top:2.5rem;height:2px;background:var(--line)}
.range .spread{top:2.25rem;height:.6rem;background:var(--bar);border-radius:3px}
.range .mean{top:1.9rem;width:3px;height:1.3rem;margin-left:-1.5px;background:var(--accent)}
.range .base{top:2.1rem;width:2px;height:.9rem;margin-left:-1px;background:var(--soft)}
.range .fold{top:2.32rem;width:.46rem;height:.46rem;margin-left:-.23rem;border-radius:50%;
border:1.5px solid var(--accent);background:var(--paper)}
.range span{white-space:nowrap}
.range .above{top:0;font-weight:650}
.range .below{top:3.3rem;color:var(--soft)}
.matrix th,.matrix td{padding:.3rem .5rem;text-align:center;border:1px solid var(--line);
max-width:9rem}
.matrix thead th{vertical-align:bottom}
.matrix tbody th:not(.number){text-align:right;min-width:4rem}
.matrix .hit{font-weight:650}
.heat svg{max-width:40rem}
.finding{margin:1.2rem 0;padding:0}
.finding h3{margin:.2em 0}
.finding p{margin:.3em 0}
@media (max-width:34rem){body{font-size:.97rem}main,header,footer{padding-left:1rem;
padding-right:1rem}header{padding-top:1.6rem}h1{font-size:1.6rem}.lead{font-size:1.06rem}
main dl{max-width:46rem}
main dl>div{grid-template-columns:1fr}.tiles{grid-template-columns:1fr 1fr;gap:.6rem}
.tiles dd{font-size:1.25rem}.tiles div{padding:.6rem .7rem}th,td{padding-right:.9rem}
.plot{padding:.2rem}.range{margin-left:.2rem;margin-right:.2rem}
section{margin-top:2.4rem}}
@media print{:root{--paper:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#ccc;
--tint:#f5f5f5;--accent:#0b5a7d;--bar:#9cc3d6;--heat:11,90,125}html{font-size:10pt}nav,.screen{display:none}
main,header,footer{max-width:none;padding:0}header{padding-top:0}
section{margin-top:1.6rem;padding-top:.8rem}h2,h3,summary{break-after:avoid}
figure,.note,.tiles,tr,.finding{break-inside:avoid}.scroll,.plot{overflow:visible}.wide{width:auto}
.plot svg{min-width:0}table{font-size:.78em}th,td{padding-right:.7em}
.code pre{white-space:pre-wrap;width:auto}a{color:inherit;text-decoration:none}
details::details-content{content-visibility:visible;block-size:auto}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
"""
