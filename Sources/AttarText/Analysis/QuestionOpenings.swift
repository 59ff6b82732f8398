/// How people begin what they ask, by language: "how do i", "what is the".
///
/// Put before words of a corpus they make texts that look like questions, which documents seldom contain.
public enum QuestionOpenings {
    private static let openings: [String: String] = [
        "en": """
            what is|what are|what is the|how to|how do i|how does|how can i|how can we|how is|why does|why is|when should|\
            which|where is|who|is there a|can i|can the|does|do|is it possible to|has anyone|what causes|what happens if|\
            what information is there on|example of|effect of|difference between|best way to|the use of|find|get|\
            check if|list of
            """,
        "de": """
            was ist|was sind|wie|wie kann ich|wie funktioniert|warum|wann|wo ist|wer|welche|gibt es|kann ich|\
            ist es möglich|beispiel für|unterschied zwischen|liste von
            """,
        "fr": """
            qu'est-ce que|quel est|quels sont|comment|comment puis-je|pourquoi|quand|où est|qui|y a-t-il|puis-je|\
            exemple de|différence entre|liste de
            """,
        "es": """
            qué es|cuál es|cuáles son|cómo|cómo puedo|por qué|cuándo|dónde está|quién|hay|puedo|ejemplo de|\
            diferencia entre|lista de
            """,
        "it": """
            che cos'è|qual è|quali sono|come|come posso|perché|quando|dove si trova|chi|c'è|posso|esempio di|\
            differenza tra|elenco di
            """,
        "pt": """
            o que é|qual é|quais são|como|como posso|por que|quando|onde está|quem|existe|posso|exemplo de|\
            diferença entre|lista de
            """,
        "nl": """
            wat is|wat zijn|hoe|hoe kan ik|waarom|wanneer|waar is|wie|welke|is er een|kan ik|voorbeeld van|\
            verschil tussen|lijst van
            """,
    ]

    /// The openings of a language; none where we know none.
    ///
    /// - Parameter language: an ISO 639-1 code.
    public static func of(language: String) -> [String] {
        (openings[language] ?? "").split(separator: "|").map(String.init)
    }
}
