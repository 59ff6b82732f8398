/// What on a page is content, and what is furniture.
enum HTMLContent {
    private static let furnitureElements: Set<String> = [
        "nav", "script", "style", "noscript", "template", "footer", "form", "button", "select", "iframe", "svg",
        "canvas",
        "object", "head", "math-annotation",
    ]
    private static let furnitureRoles: Set<String> = ["navigation", "search", "banner", "contentinfo", "complementary"]
    private static let furnitureClasses: Set<String> = [
        "headerlink", "viewcode-link", "viewcode-back", "sphinxsidebar", "sidebar", "related", "breadcrumb",
        "breadcrumbs",
        "toctree-wrapper", "contents", "toc", "table-of-contents", "nav", "navbar", "navigation", "menu", "footer",
        "linenos", "lineno", "edit-link", "copybutton", "skip-link", "cookie", "advertisement", "visually-hidden",
    ]
    private static let keptAsides: Set<String> = ["footnote", "footnote-list", "admonition", "topic", "note"]

    /// Whether an element and all it holds is left out: navigation, scripts, forms, side bars, link marks at headings,
    /// tables of contents, line numbers, whatever is hidden. A `<header>` stays when it holds a heading.
    static func isFurniture(_ node: HTMLTree.Node, in tree: HTMLTree) -> Bool {
        if furnitureElements.contains(node.name) { return true }
        if node.name == "header" { return !holdsHeading(node, in: tree, depth: 0) }
        if node.name == "aside" { return !node.classes.contains { keptAsides.contains($0) } }
        guard !node.attributes.isEmpty else { return false }
        if let role = node.attribute("role"), furnitureRoles.contains(role) { return true }
        if node.attribute("aria-hidden") == "true" || node.attribute("hidden") != nil { return true }
        return node.classes.contains { furnitureClasses.contains($0) }
    }

    private static func holdsHeading(_ node: HTMLTree.Node, in tree: HTMLTree, depth: Int) -> Bool {
        depth < 8
            && node.children.contains { child in
                let inner = tree.nodes[child]
                return headingLevel(inner) != nil || holdsHeading(inner, in: tree, depth: depth + 1)
            }
    }

    /// 1 to 6 for `<h1>` to `<h6>`.
    static func headingLevel(_ node: HTMLTree.Node) -> Int? {
        let name = Array(node.name.utf8)
        guard name.count == 2, name[0] == UInt8(ascii: "h"), 0x31...0x36 ~= name[1] else { return nil }
        return Int(name[1] - 0x30)
    }

    /// The node whose content is the page's own: `<main>` or role main, an only `<article>`, a `div` that says so, else
    /// the body, else everything.
    static func root(of tree: HTMLTree) -> Int {
        if let main = tree.first(where: { $0.name == "main" || $0.attribute("role") == "main" }) { return main }
        let articles = tree.nodes.indices.filter { tree.nodes[$0].name == "article" }
        if articles.count == 1 { return articles[0] }
        for name in ["body", "document", "content", "main-content"] {
            let found = tree.first { node in
                node.name == "div" && (node.classes.contains(name) || node.attribute("id") == name)
            }
            if let found { return found }
        }
        return tree.first { $0.name == "body" } ?? 0
    }

    /// The text of an element on one line.
    static func plainText(of index: Int, in tree: HTMLTree) -> String {
        var text = HTMLText()
        collect(index, in: tree, &text)
        return text.text.trimmed
    }

    private static func collect(_ index: Int, in tree: HTMLTree, _ text: inout HTMLText) {
        let node = tree.nodes[index]
        if node.name.isEmpty { return text.append(node.text, isLink: false) }
        guard !isFurniture(node, in: tree) else { return }
        if node.name == "br" { text.append(" ", isLink: false) }
        for child in node.children { collect(child, in: tree, &text) }
    }

    /// The anchor of a heading: its own id, or the name or id of something in it.
    static func anchor(of index: Int, in tree: HTMLTree) -> String? {
        let node = tree.nodes[index]
        if let id = node.attribute("id"), !id.isEmpty { return id }
        for child in node.children {
            let inner = tree.nodes[child]
            if inner.name == "a", let name = inner.attribute("name"), !name.isEmpty { return name }
            if inner.name == "a" || inner.name == "span", let id = inner.attribute("id"), !id.isEmpty { return id }
        }
        return nil
    }

    /// The address that the page gives itself (`<link rel="canonical">`), if it is a web address.
    static func canonicalAddress(of tree: HTMLTree) -> String? {
        let link = tree.first { $0.name == "link" && $0.attribute("rel") == "canonical" }
        guard let address = link.flatMap({ tree.nodes[$0].attribute("href") }),
            address.hasPrefix("https://") || address.hasPrefix("http://")
        else { return nil }
        return address
    }

    /// The text of `<title>`.
    static func title(of tree: HTMLTree) -> String {
        guard let title = tree.first(where: { $0.name == "title" }) else { return "" }
        return tree.nodes[title].children.map { tree.nodes[$0].text }.joined().split { $0.isWhitespace }
            .joined(separator: " ")
    }
}
