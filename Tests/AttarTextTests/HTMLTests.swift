import AttarText
import Foundation
import Testing

struct HTMLTests {
    @Test func sectionsBecomeDocumentsWithoutFurniture() throws {
        let page = """
            <!DOCTYPE html><html><head><title>Page &mdash; Docs</title><link rel="canonical" href="https://e.org/p.html">
            <style>p { color: red }</style></head><body><nav><a href="/">Home</a></nav>
            <div class="body" role="main"><p>Before.</p>
            <section id="top"><h1>Top<a class="headerlink" href="#top">¶</a></h1><p>One &amp; two&nbsp;three
            <em>four</em>five.</p><script>if (a < b) { x("</p>") }</script>
            <section id="inner"><h2>In <code>ner</code></h2><pre>
            def f():
                return 1</pre><ul><li>a<li>b</ul></section>
            <p>After.</p></section></div>
            <footer>Imprint</footer></body></html>
            """
        let documents = try Fixture.documents("p.html", page)
        #expect(documents.map(\.id) == ["p.html", "p.html#top", "p.html#inner"])
        #expect(documents.map(\.title) == ["Page — Docs", "Top", "In ner"])
        #expect(documents[1].text == "One & two\u{A0}three fourfive.\n\nAfter.")
        #expect(documents[2].text == "def f():\n    return 1\n\na\nb")
        #expect(documents[2].headings == ["Top"])
        #expect(documents[2].url == "https://e.org/p.html#inner")
    }

    @Test func headingsWithAnchorsBeginSections() throws {
        let page = """
            <h1>Guide</h1><p>Intro.</p><h2 id=a>A</h2><p>x<h3 id="b">B</h3>y<h3>no anchor</h3>z<h2><a name="c"></a>C</h2>w
            """
        let documents = try Fixture.documents("g.htm", page)
        #expect(documents.map(\.id) == ["g.htm", "g.htm#a", "g.htm#b", "g.htm#c"])
        #expect(documents[0].title == "Guide")
        #expect(documents[2].headings == ["Guide", "A"])
        #expect(documents[2].text == "y\n\nno anchor\n\nz")
        #expect(documents[3].headings == ["Guide"])
    }

    @Test func indexesAreLeftOut() throws {
        let links = (1...5).map { "<li><a href='\($0).html'>Chapter number \($0)</a></li>" }.joined()
        try Fixture.withFolder([
            "index.html": "<section id=s><h1>All</h1><ul>\(links)</ul></section>", "genindex-A.html": "<p>text</p>",
            "search.html": "<p>text</p>", "page.html": "<p>See <a href=x>this</a>, it is worth reading.</p>",
        ]) { folder in
            var ids: [String] = []
            let report = try DocumentReader.read(paths: [folder]) { ids.append($0.id) }
            #expect(ids == ["page.html"])
            #expect(report.skippedIndexes == 3)
        }
    }

    @Test func twoSectionsWithOneAnchorBothStay() throws {
        let documents = try Fixture.documents("p.html", "<section id=a>x</section><section id=a>y</section>")
        #expect(documents.map(\.id) == ["p.html#a", "p.html#a~2"])
    }

    @Test func entitiesAreDecoded() throws {
        let page = "&lt;&eacute;&#233;&#xE9;&#128;&hellip;&Omega;&nosuch;&amp;amp; &copy2 a&b &#0; &#x110000; &#;&"
        #expect(
            try Fixture.documents("p.html", page)[0].text
                == "<éé\u{E9}€…Ω&nosuch;&amp; &copy2 a&b \u{FFFD} \u{FFFD} &#;&")
    }

    @Test func brokenPagesNeitherFailNorHang() throws {
        let hostile = [
            String(repeating: "<div>", count: 200_000) + "x", String(repeating: "<p", count: 100_000) + ">x", "x<",
            "x<!--", "x</", "x<a href=\"",
            String(repeating: "</b>", count: 100_000) + "x", "x<script>" + String(repeating: "<script>", count: 20_000),
            String(repeating: "<table><td>", count: 5_000) + "x", String(repeating: "&", count: 1_000_000),
            "<b><i>x</b></i></div></p>y",
            String(repeating: "<li>", count: 100_000) + "x", "<p " + String(repeating: "a=b ", count: 200_000) + ">x",
            String(repeating: "x<!-- ", count: 100_000),
            "<h1 id=a>" + String(repeating: "<section id=b>", count: 10_000) + "x",
        ]
        var options = ReaderOptions()
        options.allowsEmptyCorpus = true
        for page in hostile {
            try Fixture.withFolder(["p.html": page]) { folder in
                let time = try ContinuousClock().measure { _ = try Fixture.documents(in: folder, options: options) }
                // Seconds of work when time grows with the square of the page; much room, because test machines are
                // shared.
                #expect(time < .seconds(60), "\(page.prefix(40))")
            }
        }
    }

    private static let pythonDocumentation = "/usr/share/doc/python3/html"

    @Test(
        .enabled(if: FileManager.default.fileExists(atPath: pythonDocumentation + "/index.html"), "needs python3-doc"))
    func thePythonDocumentationGivesCleanSections() throws {
        var documents: [Document] = []
        let report = try DocumentReader.read(paths: [Self.pythonDocumentation]) { documents.append($0) }
        print(report.summary)
        #expect((4_000...5_500).contains(report.documents))
        #expect(documents.allSatisfy { !$0.title.isEmpty })
        #expect(!documents.contains { $0.title.contains("¶") || $0.text.contains("¶") })
        #expect(!documents.contains { $0.id.hasPrefix("genindex") || $0.id.hasPrefix("py-modindex") })
        let strings = documents.first { $0.id == "faq/design.html#why-are-python-strings-immutable" }
        #expect(strings?.title == "Why are Python strings immutable?")
        #expect(strings?.headings == ["Design and History FAQ"])
        #expect(strings?.text.hasPrefix("There are several advantages.") == true)
        #expect(documents.count { $0.id.hasPrefix("faq/") && $0.title.hasSuffix("?") } > 150)
    }
}
