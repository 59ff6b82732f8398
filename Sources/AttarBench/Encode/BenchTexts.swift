import AttarText

/// Texts of an exact number of tokens, so that every contender does the same work.
struct BenchTexts {
    private let tokenizer: any Tokenizer
    private let words: [String]

    /// - Parameter source: where the words come from, in this order.
    init(_ tokenizer: any Tokenizer, source: String = Self.passage) {
        self.tokenizer = tokenizer
        words = source.split { $0.isWhitespace }.map(String.init)
    }

    /// `count` different texts of exactly `tokens` tokens each, special tokens included.
    ///
    /// - Throws: `BenchError` when the words cannot fill a text so exactly.
    func texts(_ count: Int, tokens: Int) throws -> [String] {
        try (0..<count).map { number in
            // Different starts, so that no two texts are alike.
            guard let text = text(tokens: tokens, from: number * 17 % words.count) else {
                throw BenchError.usage("No text of exactly \(tokens) tokens can be made for this tokenizer.")
            }
            return text
        }
    }

    /// Takes word after word, and passes over those that would make the text too long.
    private func text(tokens: Int, from first: Int) -> String? {
        var text = ""
        for step in 0..<(words.count * (1 + tokens / 64)) {
            let longer = text.isEmpty ? words[first] : text + " " + words[(first + step) % words.count]
            let length = tokenizer.encode(longer).count
            if length <= tokens { text = longer }
            if length == tokens { return text }
        }
        return nil
    }

    /// Prose with common and rare words, names, numbers and punctuation.
    static let passage = """
        Attar is the oil that is left when petals are distilled. In Kannauj, a town on the plain of the Ganges, roses are \
        picked before dawn, because their scent is strongest while the dew is still on them. About 40 kilograms go into a \
        copper still with water; the lid is sealed with clay, and a bamboo pipe leads the steam to a receiver that stands in \
        a cool basin. The distiller listens to the still and feels its warmth with a wet cloth: there is no thermometer. \
        After six hours the fire is put out, the water is drawn off through a small hole, and the oil goes into camel-skin \
        bottles, where the last moisture leaves it. How do you measure whether a small thing keeps what mattered about a \
        large one? Chemists count 300 compounds in rose oil, yet a handful of them (damascenone, rose oxide, geraniol) make \
        nearly all of what we smell. A search engine meets the same question: a model with billions of weights knows which \
        passage answers a query; most of that knowledge is never asked for. If a model a hundred times smaller ranks the same \
        passages first, it is worth more to whoever pays for the electricity. So we compare them on the same queries, state \
        the interval of the difference, and keep the old method where nothing better can be shown. The first patents on steam \
        distillation date from the 19th century; the craft is a thousand years older. Ibn Sina describes the cooled coil, and \
        letters of merchants in Basra mention rose water sent to China by sea. Prices followed the harvest: a frost in April \
        1893 doubled them within a week. Today 3,500 kilograms of petals give one kilogram of oil, and a gram is sold for \
        more than silver. Cheaper blends are stretched with palmarosa or synthetic phenethyl alcohol, which a gas \
        chromatograph finds in minutes, but a trained nose in seconds.
        """
}
