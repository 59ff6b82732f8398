/// A section of a page: what stands under one heading, without its subsections.
struct HTMLSection {
    /// The anchor that leads to it; nil for what stands before the first one.
    var anchor: String?
    /// Its heading.
    var title = ""
    /// The headings above it, outermost first.
    var headings: [String] = []
    /// Its own text.
    var body = HTMLText()
    /// Its text.
    var text: String { body.text.trimmed }

    /// Whether this is a list of links rather than something to read: three links or more, and four fifths of the text
    /// stand inside them.
    var isLinkList: Bool {
        body.links >= 3 && body.linkBytes * 5 >= body.visibleBytes * 4
    }
}

/// Walks a page's main content and cuts it into sections.
///
/// A section begins at `<section id>` or `<div class="section" id>`, and at a heading that carries an anchor (`id`, or
/// `<a name>` in it). Its title is its first heading; a heading without an anchor stays a line of text.
struct HTMLSectionBuilder {
    private struct OpenSection {
        var index: Int
        /// 0 for a section element, 1 to 6 for one that a heading opened.
        var headingLevel: Int
    }

    private let tree: HTMLTree
    private(set) var sections = [HTMLSection()]
    private var open = [OpenSection(index: 0, headingLevel: 0)]
    private var isInLink = false
    private var isPreformatted = false

    private static let paragraphs: Set<String> = [
        "p", "pre", "blockquote", "table", "ul", "ol", "dl", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr",
    ]
    private static let lines: Set<String> = [
        "li", "dt", "dd", "tr", "div", "section", "article", "main", "br", "caption", "figcaption", "address",
        "details",
        "summary", "header", "footer", "aside", "thead", "tbody", "fieldset", "legend", "body",
    ]

    /// The sections below `root`.
    init(_ tree: HTMLTree, root: Int) {
        self.tree = tree
        visitChildren(of: root)
    }

    private var current: Int { open[open.count - 1].index }

    private mutating func visit(_ index: Int) {
        let node = tree.nodes[index]
        if node.name.isEmpty { return appendText(node.text) }
        guard !HTMLContent.isFurniture(node, in: tree) else { return }
        if let level = HTMLContent.headingLevel(node) { return visitHeading(index, level) }
        let isSection = node.name == "section" || node.name == "div" && node.classes.contains("section")
        if isSection, let anchor = node.attribute("id"), !anchor.isEmpty { return visitSection(index, anchor) }
        visitElement(index)
    }

    private mutating func visitChildren(of index: Int) {
        for child in tree.nodes[index].children { visit(child) }
    }

    private mutating func visitElement(_ index: Int) {
        let name = tree.nodes[index].name
        let lines = Self.paragraphs.contains(name) ? 2 : Self.lines.contains(name) ? 1 : 0
        if lines > 0 { sections[current].body.breakLine(lines) }
        if name == "td" || name == "th" { sections[current].body.append(" ", isLink: false) }
        let (wasInLink, wasPreformatted) = (isInLink, isPreformatted)
        if name == "a", tree.nodes[index].attribute("href") != nil {
            isInLink = true
            sections[current].body.links += 1
        }
        if name == "pre" { isPreformatted = true }
        visitChildren(of: index)
        (isInLink, isPreformatted) = (wasInLink, wasPreformatted)
        if lines > 0 { sections[current].body.breakLine(lines) }
    }

    private mutating func appendText(_ text: String) {
        if isPreformatted {
            sections[current].body.appendPreformatted(text, isLink: isInLink)
        } else {
            sections[current].body.append(text, isLink: isInLink)
        }
    }

    private mutating func visitSection(_ index: Int, _ anchor: String) {
        let depth = open.count
        begin(anchor: anchor, headingLevel: 0)
        visitChildren(of: index)
        open.removeSubrange(depth...)
        sections[current].body.breakLine(2)
    }

    private mutating func visitHeading(_ index: Int, _ level: Int) {
        let title = HTMLContent.plainText(of: index, in: tree)
        guard !title.isEmpty else { return }
        let isUntitled = sections[current].title.isEmpty && sections[current].body.isEmpty
        if isUntitled, open[open.count - 1].headingLevel == 0, open.count > 1 {
            return sections[current].title = title
        }
        guard let anchor = HTMLContent.anchor(of: index, in: tree) else {
            if isUntitled { return sections[current].title = title }
            sections[current].body.breakLine(2)
            sections[current].body.append(title, isLink: false)
            return sections[current].body.breakLine(2)
        }
        while let last = open.last, last.headingLevel >= level { open.removeLast() }
        begin(anchor: anchor, headingLevel: level)
        sections[current].title = title
    }

    private mutating func begin(anchor: String, headingLevel: Int) {
        let headings = open.map { sections[$0.index].title }.filter { !$0.isEmpty }
        sections.append(HTMLSection(anchor: anchor, headings: headings))
        open.append(OpenSection(index: sections.count - 1, headingLevel: headingLevel))
    }
}
