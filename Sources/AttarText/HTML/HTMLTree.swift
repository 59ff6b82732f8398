/// The elements of a page and their order, built as forgivingly as browsers do: missing end tags are added where the
/// next element shows that they are missing, superfluous ones are ignored.
struct HTMLTree {
    /// An element, or a text (then `name` is empty).
    struct Node {
        var name: String
        var text = ""
        var attributes: [HTMLAttribute] = []
        /// The words of the `class` attribute.
        var classes: [String] = []
        var children: [Int] = []

        /// The value of an attribute; nil when it is absent.
        func attribute(_ name: String) -> String? {
            attributes.first { $0.name == name }?.value
        }

        /// An element with its attributes.
        init(name: String, attributes: [HTMLAttribute] = []) {
            self.name = name
            self.attributes = attributes
            guard let words = attribute("class") else { return }
            classes = words.utf8.split { $0 <= 0x20 }.map { String(Substring($0)) }
        }

        /// A piece of text.
        init(text: String) {
            name = ""
            self.text = text
        }
    }

    /// Elements inside each other beyond this depth become neighbours.
    static let maximumDepth = 256

    /// All nodes; the first is the page itself.
    private(set) var nodes = [Node(name: "#page")]
    private var stack = [0]
    /// How many elements of each name are open: most searches for one to close end here.
    private var openCounts: [String: Int] = [:]

    private static let void: Set<String> = [
        "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
    ]
    private static let closesParagraph: Set<String> = [
        "address", "article", "aside", "blockquote", "details", "dir", "div", "dl", "fieldset", "figcaption", "figure",
        "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "main", "menu", "nav", "ol", "p", "pre",
        "section", "table", "ul",
    ]
    /// What an element ends that is still open, and where the search for it stops.
    private static let impliedEnds: [String: (ends: Set<String>, within: Set<String>)] = [
        "li": (["li"], ["ul", "ol", "menu"]),
        "dt": (["dt", "dd"], ["dl"]), "dd": (["dt", "dd"], ["dl"]),
        "tr": (["tr", "td", "th"], ["table"]), "td": (["td", "th"], ["tr", "table"]),
        "th": (["td", "th"], ["tr", "table"]),
        "tbody": (["thead", "tbody", "tfoot", "tr", "td", "th"], ["table"]),
        "tfoot": (["thead", "tbody", "tfoot", "tr", "td", "th"], ["table"]),
        "option": (["option"], ["select"]),
    ]
    /// End tags of other elements do not reach out of these.
    private static let barriers: Set<String> = ["table", "td", "th", "caption"]
    private static let structure: Set<String> = ["table", "tr", "td", "th", "tbody", "thead", "tfoot", "body", "html"]

    /// The tree of a page.
    ///
    /// - Complexity: O(bytes · depth) at worst, O(bytes) for real pages.
    init(_ text: String) {
        var tokenizer = HTMLTokenizer(text)
        while let token = tokenizer.next() {
            switch token {
            case .text(let text): append(Node(text: text))
            case .start(let name, let attributes, let isSelfClosing):
                open(Node(name: name, attributes: attributes), isClosed: isSelfClosing)
            case .end(let name): close(name)
            }
        }
    }

    @discardableResult
    private mutating func append(_ node: Node) -> Int {
        nodes.append(node)
        nodes[stack[stack.count - 1]].children.append(nodes.count - 1)
        return nodes.count - 1
    }

    private mutating func open(_ node: Node, isClosed: Bool) {
        if Self.closesParagraph.contains(node.name) { closeInner(["p"], within: Self.barriers) }
        if let implied = Self.impliedEnds[node.name] { closeInner(implied.ends, within: implied.within) }
        let index = append(node)
        // "/>" means something for foreign elements (SVG) only; HTML ignores it, and so do pages.
        let isLeaf = Self.void.contains(node.name) || isClosed && (node.name == "path" || node.name == "use")
        guard !isLeaf, stack.count < Self.maximumDepth else { return }
        stack.append(index)
        openCounts[node.name, default: 0] += 1
    }

    private mutating func pop(to depth: Int) {
        for index in stack[depth...] { openCounts[nodes[index].name, default: 0] -= 1 }
        stack.removeSubrange(depth...)
    }

    /// Closes the outermost open element named in `ends` that no element of `within` encloses.
    private mutating func closeInner(_ ends: Set<String>, within: Set<String>) {
        guard ends.contains(where: { openCounts[$0, default: 0] > 0 }) else { return }
        var depth = stack.count - 1
        var found: Int?
        while depth > 0 {
            let name = nodes[stack[depth]].name
            if within.contains(name) { break }
            if ends.contains(name) { found = depth }
            depth -= 1
        }
        if let found { pop(to: found) }
    }

    private mutating func close(_ name: String) {
        guard openCounts[name, default: 0] > 0 else { return }
        var depth = stack.count - 1
        while depth > 0 {
            let open = nodes[stack[depth]].name
            if open == name { return pop(to: depth) }
            if Self.barriers.contains(open), !Self.structure.contains(name) { return }
            depth -= 1
        }
    }

    /// The first node, in document order, for which `matches` holds.
    func first(where matches: (Node) -> Bool) -> Int? {
        // Nodes are numbered in document order.
        nodes.firstIndex(where: matches)
    }
}
