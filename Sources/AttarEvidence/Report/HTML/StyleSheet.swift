/// How the report looks: one column of calm type, light or dark as the reader's device asks, down to a phone's width.
enum StyleSheet {
    static let text: Markup = """
        :root{color-scheme:light dark;--ground:#faf9f6;--surface:#fff;--ink:#21252b;--muted:#5b626d;--line:#e4e1d9;\
        --soft:#f2f0ea;--accent:#0b6b64;--accent-soft:#e3f0ee;--bm25:#8f5b00;--dense:#1f66ad;--asymmetric:#0b7a6f;\
        --hybrid:#8a3f91;--teacher:#b8412c;--run:#1f66ad}
        @media(prefers-color-scheme:dark){:root{--ground:#14161a;--surface:#1b1e23;--ink:#e9e7e2;--muted:#a2a8b1;\
        --line:#343941;--soft:#22262c;--accent:#63c7bb;--accent-soft:#17302e;--bm25:#e3ad4a;--dense:#74b4f5;\
        --asymmetric:#55cdb8;--hybrid:#d69fe0;--teacher:#ff9277;--run:#74b4f5}}
        *{box-sizing:border-box}
        html{-webkit-text-size-adjust:100%}
        body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",\
        Roboto,"Helvetica Neue",sans-serif;overflow-wrap:break-word}
        main{max-width:960px;margin:0 auto;padding:40px 24px 72px}
        h1,h2,.headline{font-family:Charter,"Iowan Old Style","Source Serif 4",Georgia,"Times New Roman",serif;\
        font-weight:600;letter-spacing:-.01em;text-wrap:balance}
        h1{font-size:2.1rem;line-height:1.15;margin:.2em 0 .3em}
        h2{font-size:1.4rem;line-height:1.25;margin:56px 0 .35em}
        h3{font-size:1rem;line-height:1.4;margin:0 0 .4em}
        p{margin:.4em 0 1em;max-width:68ch}
        .eyebrow{font-size:.78rem;letter-spacing:.09em;text-transform:uppercase;color:var(--accent);font-weight:600;\
        margin:0}
        .meta,.note,figcaption{color:var(--muted);font-size:.9rem}
        .meta{margin:0 0 28px;max-width:none}
        .verdict{background:var(--surface);border:1px solid var(--line);border-left:4px solid var(--accent);\
        border-radius:10px;padding:24px 28px 20px}
        .headline{font-size:1.6rem;line-height:1.25;margin:.15em 0 .5em;max-width:34em}
        .verdict ul{margin:0;padding-left:1.15em;max-width:72ch}
        .verdict li{margin:.35em 0}
        .verdict li::marker{color:var(--accent)}
        .advice{margin:1em 0 .2em;padding:10px 14px;background:var(--accent-soft);border-radius:7px;max-width:none}
        .figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(148px,1fr));gap:1px;margin:20px 0 0;\
        background:var(--line);border:1px solid var(--line);border-radius:10px;overflow:hidden}
        .figures div{background:var(--surface);padding:14px 16px}
        .figures dt{color:var(--muted);font-size:.8rem;line-height:1.35}
        .figures dd{margin:2px 0 0;font-size:1.3rem;font-weight:600;font-variant-numeric:tabular-nums;line-height:1.3}
        figure{margin:16px 0 0;background:var(--surface);border:1px solid var(--line);border-radius:10px;padding:18px}
        figcaption{margin-top:10px;max-width:72ch}
        .plot{display:block;width:100%;height:auto;font-family:inherit}
        .plot.narrow{display:none}
        .plot text{fill:var(--ink)}
        .plot .tick,.plot .axis-label{fill:var(--muted)}
        .plot .label{font-weight:500;paint-order:stroke;stroke:var(--surface);stroke-width:3px;stroke-linejoin:round}
        .grid{stroke:var(--line);stroke-width:1;fill:none}
        .axis{stroke:var(--muted);stroke-width:1;fill:none;opacity:.6}
        .front{fill:none;stroke:var(--accent);stroke-width:1.6;stroke-dasharray:5 4}
        .front-area{fill:var(--accent);opacity:.055}
        .mark{stroke:var(--surface);stroke-width:1.2}
        .whisker{fill:none;stroke-width:1.4;opacity:.5}
        .whisker.wide{stroke-width:3;stroke-linecap:round}
        .mark.bm25{fill:var(--bm25)}.whisker.bm25{stroke:var(--bm25)}
        .mark.dense{fill:var(--dense)}.whisker.dense{stroke:var(--dense)}
        .mark.asymmetric{fill:var(--asymmetric)}.whisker.asymmetric{stroke:var(--asymmetric)}
        .mark.hybrid{fill:var(--hybrid)}.whisker.hybrid{stroke:var(--hybrid)}
        .mark.teacher{fill:var(--teacher)}.whisker.teacher{stroke:var(--teacher)}
        .mark.run{fill:var(--run)}.whisker.run{stroke:var(--run)}
        .curve{fill:none;stroke-width:1.8;stroke-linejoin:round}
        .curve.loss{stroke:var(--muted)}.curve-end.loss{fill:var(--muted)}
        .curve.cosine{stroke:var(--accent)}.curve-end.cosine{fill:var(--accent)}
        .plot .value{font-weight:600}.plot .value.cosine{fill:var(--accent)}
        .inline-mark{width:1em;height:1em;vertical-align:-.12em;margin-right:.4em;flex:none}
        .legend{list-style:none;margin:12px 0 0;padding:12px 0 0;border-top:1px solid var(--line);display:grid;\
        grid-template-columns:repeat(auto-fill,minmax(320px,1fr));gap:3px 36px;font-size:.88rem}
        .legend li{display:flex;align-items:baseline;gap:.3em}
                .legend .letter{min-width:.8em;margin:0}
        .legend .name{flex:1;min-width:0}
        .legend .reading{color:var(--muted);font-variant-numeric:tabular-nums;white-space:nowrap}
        .legend .on-front .name{font-weight:600}
        .scroll{overflow-x:auto;margin:14px 0 0;border:1px solid var(--line);border-radius:10px;\
        background:var(--surface)}
        table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
        caption{text-align:left;padding:12px 14px 4px;color:var(--muted);font-size:.88rem}
        th,td{padding:9px 14px;text-align:right;vertical-align:top;border-top:1px solid var(--line);white-space:nowrap}
        thead th{border-top:0;color:var(--muted);font-weight:600;font-size:.8rem;background:var(--soft);\
        vertical-align:bottom}
        th:first-child,td:first-child,.left{text-align:left}
        tbody th{font-weight:600;background:var(--surface);position:sticky;left:0;max-width:260px;white-space:normal;\
        min-width:140px}
        tbody th small{display:block;font-weight:400;color:var(--muted);line-height:1.4}
        td small{display:block;color:var(--muted)}
        tr.chosen th,tr.chosen td{background:var(--accent-soft)}
        .quality th,.quality td{text-align:left}
        .costs th small{display:none}.costs thead th{white-space:normal}.costs td,.costs th{padding-left:10px}
        .best{font-weight:700}
        .letter{color:var(--muted);font-weight:400;margin-right:.35em}
        sup{font-size:.72em;line-height:0;color:var(--accent);margin-left:.1em;font-weight:600}
        .significant{font-weight:600}
        .curves{display:grid;grid-template-columns:repeat(auto-fit,minmax(260px,1fr));gap:16px}
        .curves figure{margin-top:16px}
        details{margin:2px 0 0}details[open]{margin-bottom:14px}details .scroll{margin-top:6px}
        summary{cursor:pointer;color:var(--accent);font-weight:600;font-size:.92rem;padding:6px 0}
        summary:focus-visible{outline:2px solid var(--accent);outline-offset:3px;border-radius:3px}
        .example{background:var(--surface);border:1px solid var(--line);border-radius:10px;padding:18px 20px;\
        margin:14px 0 0}
        .rankings{display:grid;grid-template-columns:1fr 1fr;gap:20px}
        .rankings h4{margin:.4em 0 .3em;font-size:.85rem;font-weight:600;color:var(--muted)}
        .rankings ol{margin:0;padding-left:1.5em;font-size:.9rem}
        .rankings li{padding:4px 0 4px 6px;line-height:1.4}
        .rankings li::marker{color:var(--muted)}
        .rankings .id{display:block;color:var(--muted);font-size:.8rem}
        .badge{display:inline-block;font-size:.72rem;font-weight:600;border-radius:99px;padding:0 8px;line-height:1.6;\
        border:1px solid var(--line);color:var(--muted);white-space:nowrap}
        .badge.relevant{background:var(--accent);border-color:var(--accent);color:var(--surface)}
        pre{background:var(--soft);border:1px solid var(--line);border-radius:8px;padding:12px 14px;overflow-x:auto;\
        font:13px/1.55 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;margin:8px 0 16px}
        code{font:.88em ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
        .facts{display:grid;grid-template-columns:max-content 1fr;gap:6px 20px;margin:12px 0;font-size:.92rem}
        .facts dt{color:var(--muted)}
        .facts dd{margin:0;min-width:0}
        footer{margin-top:56px;padding-top:16px;border-top:1px solid var(--line);color:var(--muted);font-size:.85rem}
        @media(max-width:620px){main{padding:24px 16px 56px}h1{font-size:1.65rem}.headline{font-size:1.3rem}\
        .verdict{padding:18px 18px 16px}figure{padding:14px 12px}.plot.wide{display:none}.plot.narrow{display:block}\
        .rankings{grid-template-columns:1fr;gap:8px}.figures{grid-template-columns:1fr 1fr}h2{margin-top:44px}\
        tbody th{min-width:128px;max-width:168px;font-size:.86rem}tbody th small{display:none}\
        .legend{grid-template-columns:1fr}th,td{padding:8px 10px}.facts{grid-template-columns:1fr;gap:0}\
        .facts dd{margin-bottom:8px}}
        @media print{body{background:#fff}main{max-width:none;padding:0}figure,.example,tr{break-inside:avoid}}
        """
}
